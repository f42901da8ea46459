"""How well, and how fast, tags are learned, and whether photos that are found alike show the same things.

    TAGROLL_DATA=... python benchmarks/learn.py quality     # learns of the training photos, judges on the labelled ones
    python benchmarks/learn.py speed                        # 200 tags over 100,000 photos of made-up features
    TAGROLL_DATA=... python benchmarks/learn.py alike       # the five nearest of each photo

What is learned and chosen is so on the training photos alone. A photo whose caption or minor labels name a tag that it does not
have is no example of its absence, and neither right nor wrong: what people leave out they do not say is not there.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tagroll.domain import Preview
from tagroll.models.builtin.describer import BuiltinDescriber
from tagroll.runs.alike import likenesses
from tagroll.runs.learning.lessons import Lesson, Teacher
from tagroll.tags.packed import Packed

DRAWS = 5
"""Times that examples are drawn of those that a tag has."""
LEAST = 0.3
"""From this probability on a tag is proposed to a person."""


def seen(folder: Path, files: list[str], kept: Path) -> Packed:
    """What the built-in model sees in photos; kept in a file, as it takes minutes."""
    if not kept.exists():
        describer = BuiltinDescriber()

        def look(name: str) -> bytes:
            return describer.features(Preview((folder / name).read_bytes(), 0, 0)).vector

        with ThreadPoolExecutor(2) as pool:
            np.save(kept, np.stack([np.frombuffer(one, np.uint8) for one in pool.map(look, files)]))
    return Packed.of_bytes([row.tobytes() for row in np.load(kept)])


class Photos:
    """Labelled photos with what was seen in them."""

    def __init__(self, folder: Path, rows: dict[str, dict], kept: Path) -> None:
        self.rows = list(rows.values())
        self.features = seen(folder, list(rows), kept)

    def states(self, tag: str) -> tuple[np.ndarray, np.ndarray]:
        """Of each photo whether it has a tag, and whether nobody can say."""
        has = np.array([tag in row["labels"] for row in self.rows])
        named = np.array(
            [tag in row["minor"] or any(tag in text.lower() for text in row["captions"]) for row in self.rows]
        )
        return has, named & ~has


def both(data: Path, cache: Path) -> tuple[Photos, Photos]:
    """Training photos and labelled ones."""
    lines = (data / "trainset/labels.jsonl").read_text().splitlines()
    train = {row["file"]: row for row in map(json.loads, lines)}
    judged = json.loads((data / "devset/labels.json").read_text())["files"]
    return (
        Photos(data / "trainset/photos", train, cache / "train.npy"),
        Photos(data / "devset/photos", judged, cache / "dev.npy"),
    )


def quality(data: Path, cache: Path) -> None:
    """With so many examples of each tag: how many are offered, and how right they are on other photos."""
    train, judged = both(data, cache)
    teacher = Teacher(train.features, np.arange(len(train.rows)))
    counts = Counter(tag for row in train.rows for tag in row["labels"])
    print("examples  tags  offered  precision  recall | not offered, proposed from .3 on: right  found")
    for examples in (20, 40, 60, 100):
        tags = sorted(tag for tag, count in counts.items() if count >= examples and tag != "person")
        sums, asked, offered = np.zeros(3), np.zeros(3), 0
        for draw in range(DRAWS):
            random = np.random.default_rng(draw)
            for tag in tags:
                has, unknown = train.states(tag)
                yes = random.permutation(np.flatnonzero(has))[:examples]
                lesson = teacher.learn(yes, np.flatnonzero(~has & ~unknown))
                assert lesson
                is_offered = lesson.threshold is not None
                offered += is_offered
                (sums if is_offered else asked)[:] += outcome(lesson, judged, tag)
        print(f"{examples:8}  {len(tags):4}  {offered / DRAWS:7.1f}  {shares(sums)} | {shares(asked)}")


def outcome(lesson: Lesson, judged: Photos, tag: str) -> np.ndarray:
    """How many of the judged photos get a tag rightly, how many wrongly, and how many have it."""
    has, unknown = judged.states(tag)
    chances = 1 / (1 + np.exp(-(judged.features.times(lesson.weights[:-1]) + lesson.weights[-1])))
    gets = chances >= (LEAST if lesson.threshold is None else lesson.threshold)
    return np.array([(gets & has).sum(), (gets & ~has & ~unknown).sum(), has.sum()])


def shares(sums: np.ndarray) -> str:
    """Precision and recall."""
    right, wrong, there = sums
    return f"{right / max(right + wrong, 1):9.3f}  {right / max(there, 1):6.3f}"


def speed(tags: int = 200, photos: int = 100_000, width: int = 1280) -> None:
    """Learn made-up tags: a photo has some of 400 traits, and a tag goes with one."""
    random = np.random.default_rng(1)
    traits = random.normal(size=(400, width)).astype(np.float32)
    features, has = Packed.room(photos, width), random.random((photos, 400)) < 0.01
    for first in range(0, photos, 4096):
        some = slice(first, min(first + 4096, photos))
        noise = random.normal(size=(some.stop - first, width)).astype(np.float32)
        features.put(first, has[some].astype(np.float32) @ traits + 2 * noise)
    shoots = np.arange(photos) // 4
    start, busy = time.perf_counter(), time.process_time()
    teacher = Teacher(features, shoots)
    lessons = [teacher.learn(np.flatnonzero(has[:, n]), np.flatnonzero(~has[:, n])) for n in range(tags)]
    took, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    offered = sum(one is not None and one.threshold is not None for one in lessons)
    print(
        f"{tags} tags over {photos:,} photos: {took:.0f} s, {busy:.0f} s of processor time; {offered} offered; peak {peak:.1f} GB"
    )
    kept = [features.scales[n : n + 1].tobytes() + features.numbers[n].tobytes() for n in range(photos)]
    busy = time.process_time()
    nearest(kept, features.rows(slice(0, 1))[0])
    print(f"photos alike among {photos:,}: {1000 * (time.process_time() - busy):.0f} ms of processor time")


def nearest(kept: list[bytes], wanted: np.ndarray) -> list[int]:
    """Places of photos, those that are most alike first."""
    some = (
        (tuple(range(first, first + len(rows))), Packed.of_bytes(rows))
        for first in range(0, len(kept), 8192)
        if (rows := kept[first : first + 8192])
    )
    places, likeness = likenesses(some, wanted)
    return places[np.argsort(-likeness)].tolist()


def alike(data: Path, cache: Path) -> None:
    """The share of the five nearest that share a label other than person."""
    for name, photos in zip(("training photos", "labelled photos"), both(data, cache), strict=True):
        labels = [set(row["labels"]) - {"person"} for row in photos.rows]
        features = photos.features
        kept = [
            features.scales[n : n + 1].tobytes() + features.numbers[n].tobytes() for n in range(len(labels))
        ]
        hits = []
        for place, own in enumerate(labels):
            if own:
                near = [n for n in nearest(kept, features.rows(slice(place, place + 1))[0])[:6] if n != place]
                hits += [bool(own & labels[n]) for n in near[:5]]
        by_chance = np.mean([bool(a & b) for a in labels if a for b in labels[:300]])
        print(
            f"{name}: {np.mean(hits):.3f} of the five nearest share a label other than person, by chance {by_chance:.3f}"
        )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["quality", "speed", "alike"])
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()), help="Where features are kept."
    )
    options = parser.parse_args()
    if options.what == "speed":
        speed()
    else:
        {"quality": quality, "alike": alike}[options.what](Path(os.environ["TAGROLL_DATA"]), options.cache)


if __name__ == "__main__":
    main()
