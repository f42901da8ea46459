"""A night with a bad server: every photo ends tagged, or failed and named.

    python benchmarks/soak.py --minutes 10 --photos 2000 --seed 1

A server of four slots restarts, runs out of memory, refuses with any status and words, loads, hangs and cuts connections,
at random, for so many minutes; then it is well. Two photos in a thousand are refused whatever its state. One run of
`tagroll tag` has to bring all the others home. Prints what happened, exits with 1 if a photo was lost.
"""

import argparse
import base64
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from PIL import Image

from tagroll.formats import detect
from tagroll.photos.preview.decode import make_preview

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.stub import Request, Says, Stub, error, keywords

WORDS = (
    (400, "The model has crashed without additional information. (Exit code: 1)"),
    (400, "Model is unloaded."),
    (500, "model runner has unexpectedly stopped"),
    (500, 'Post "http://127.0.0.1:52208/completion": EOF'),
    (500, ""),
    (502, "Bad Gateway"),
    (503, "Loading model"),
    (504, ""),
    (429, "too many requests"),
    (404, "No models loaded. Please load a model"),
)


class BadServer(Stub):
    """Is well, and for a few seconds now and then it is not."""

    def __init__(
        self, chance: random.Random, until: float, slots: int, delay: float, poison: set[str]
    ) -> None:
        super().__init__(self.say, slots=slots, delay=delay)
        self.chance, self.until, self.poison = chance, until, poison
        self.state, self.refusal = "well", WORDS[0]
        self.seen: Counter[str] = Counter()
        self.number = 0

    def say(self, request: Request) -> Says | None:
        """Answer as the state has it."""
        self.number += 1
        picture = request.raw.rpartition(b"base64,")[2].partition(b'"')[0]
        if hashlib.sha256(picture).hexdigest() in self.poison:
            return error(500, "this picture makes me ill")
        if self.state == "refuses":
            return error(*self.refusal)
        if self.state == "memory" and self.at_once > 2:
            return error(500, "CUDA out of memory")
        if self.state == "cuts" and self.chance.random() < 0.2:
            return Says(cut=self.chance.choice(("before", "within")))
        if self.state == "hangs":
            return Says(keywords("late", "lake", "sky").body, delay=20)
        return keywords(f"thing {self.number}", "lake", "sky")

    def trouble(self) -> None:
        """Go from one state to the next until the time is up."""
        while not self.chats:  # a server that is not there when the run begins is an error
            time.sleep(0.1)
        while time.monotonic() < self.until:
            self.state = "well"
            time.sleep(self.chance.uniform(2, 8))
            self.state = self.chance.choice(("restarts", "memory", "refuses", "refuses", "cuts", "hangs"))
            self.refusal = self.chance.choice(WORDS)
            self.seen[self.state] += 1
            if self.state == "restarts":
                self.kill()
            time.sleep(self.chance.uniform(1, 8))
            if self.state == "restarts":
                self.restart()
        self.state = "well"


def photos(folder: Path, count: int) -> None:
    """Small photos that all differ."""
    for number in range(count):
        colour = (number % 256, number // 256 * 30 % 256, number * 7 % 256)
        Image.new("RGB", (96, 64), colour).save(folder / f"{number:05}.jpg")


def sent(path: Path) -> str:
    """The hash of a photo as it is sent: its preview, in base64."""
    kind = detect(path.read_bytes()[:64], path.suffix)
    assert kind
    return hashlib.sha256(base64.b64encode(make_preview(path, kind).jpeg)).hexdigest()


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10, help="how long the server is bad")
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began, chance = time.monotonic(), random.Random(options.seed)  # noqa: S311 - a simulation
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "photos"
        folder.mkdir()
        photos(folder, options.photos)
        found = sorted(folder.iterdir())
        ill = chance.sample(found, max(options.photos // 500, 1))
        poison = {sent(path) for path in ill}
        slots, seconds = 4, 60 * options.minutes
        delay = slots * seconds / options.photos / 3  # a third of the time is work
        server = BadServer(chance, time.monotonic() + seconds, slots, delay, poison)
        with server:
            threading.Thread(target=server.trouble, daemon=True).start()
            command = (
                sys.executable,
                "-m",
                "tagroll",
                "tag",
                folder,
                "--api-url",
                server.url,
                "--json",
                "--timeout",
                "5",
            )
            environment = os.environ | {"TAGROLL_CATALOG": str(Path(place) / "catalog.sqlite")}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        states = Counter(row["status"] for row in rows if row["type"] == "photo")
        failed = {Path(row["path"]) for row in rows if row["type"] == "photo" and row["status"] == "failed"}
        lost = len(found) - sum(states.values())
        print(f"seed {options.seed}: {time.monotonic() - began:.0f} s, exit code {done.returncode}, {dict(states)}, "
              f"{lost} lost, {len(failed - set(ill))} failed that are well, troubles {dict(server.seen)}, "
              f"{server.chats} questions")  # fmt: skip
        good = done.returncode == 3 and not lost and failed >= set(ill)
        return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
