"""Frames of bursts, and photos that only look alike: how many questions are left, and how many tags are inherited wrongly.

    python benchmarks/bursts.py LABELS [--frames 2000] [--seed 1]

LABELS is a file as `tagroll eval` reads it. Of each photo a burst is made, of
a length as cameras' folders have it (four in ten photos are alone, the others come in bursts of 2 to 10): each frame is
shifted, turned, cropped, exposed, made noisy and packed otherwise. All stand in one folder, taken by one camera, a second
apart, and the photos are put in such an order that those which share a label follow one another, which is the worst case: the
time tells nothing there. A scripted model says of each frame the labels of its photo; a tag is inherited wrongly where the photo
of the frame does not have it.
"""

import argparse
import io
import random
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from tagroll.domain import Description, Facts, Metadata, Photo, Preview
from tagroll.formats import FORMATS
from tagroll.photos.preview.decode import make_preview
from tagroll.runs.bursts import Bursts
from tagroll.runs.evaluate.labels import read_labels

JPEG = next(fmt for fmt in FORMATS if fmt.name == "jpeg")
LENGTHS = (1, 1, 1, 1, 2, 3, 4, 5, 7, 10)


def labelled(file: Path) -> dict[Path, frozenset[str]]:
    """Photo -> its labels."""
    return {path: frozenset(truth.labels) for path, truth in read_labels(file).photos.items()}


def in_likely_order(photos: dict[Path, frozenset[str]], rng: random.Random) -> list[Path]:
    """Photos that share most labels follow one another."""
    left = sorted(photos)
    rng.shuffle(left)
    order = [left.pop()]
    while left:
        last = photos[order[-1]]
        best = max(range(len(left)), key=lambda at: len(photos[left[at]] & last))
        order.append(left.pop(best))
    return order


def frame(photo: Path, rng: random.Random) -> bytes:
    """Another frame of a photo."""
    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    shift = (rng.uniform(-0.03, 0.03) * width, rng.uniform(-0.03, 0.03) * height)
    image = image.rotate(rng.uniform(-2, 2), Image.Resampling.BICUBIC, translate=shift)
    edge = rng.uniform(0.05, 0.08)
    image = image.crop(
        (int(width * edge), int(height * edge), int(width * (1 - edge)), int(height * (1 - edge)))
    )
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.25))
    noise = np.random.default_rng(rng.randrange(1 << 30)).normal(0, 6, (image.height, image.width, 1))
    image = Image.fromarray((np.asarray(image, np.float32) + noise).clip(0, 255).astype(np.uint8))
    out = io.BytesIO()
    image.resize((640, round(640 * height / width) if width > height else 853)).save(out, "JPEG", quality=60)
    return out.getvalue()


def frames(order: list[Path], number: int, rng: random.Random) -> Iterator[Path]:
    """The photo of each frame, bursts together."""
    made = 0
    while made < number:
        for photo in order:
            length = rng.choice(LENGTHS)
            yield from [photo] * length
            made += length
            if made >= number:
                return


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", type=Path)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)  # noqa: S311
    photos = labelled(given.labels)
    order = in_likely_order(photos, rng)
    taken = 0

    def read(_: Photo) -> Metadata:
        return Metadata(facts=Facts(taken=taken, camera="Canon EOS R5"))

    bursts = Bursts(read)
    questions = tags = wrong = least = 0
    shown = None
    for source in frames(order, given.frames, rng):
        taken += 1
        least += source != shown
        shown = source
        made = make_preview(frame(source, rng), JPEG)
        asked = Future[None]()

        def ask(source: Path = source, asked: Future[None] = asked) -> Description:
            asked.set_result(None)
            return Description(tuple(sorted(photos[source])), "scripted")

        photo = Photo(Path(f"/photos/{taken}.jpg"), 0, 0, JPEG)
        answer = bursts.once(photo, f"{taken}", Preview(b"", made.width, made.height, made.outline), ask)
        questions += asked.done()
        tags += len(answer.keywords) * (not asked.done())
        wrong += len(set(answer.keywords) - photos[source])
    print(
        f"{taken} frames of {least} bursts and single photos: {questions} questions, {questions / taken:.3f} a photo"
    )
    print(f"{tags} tags inherited, {wrong} of them wrong: {wrong / max(tags, 1):.2%}")


if __name__ == "__main__":
    main()
