"""What a gallery of a large library costs, in processor time: opening, columns, a patch, a search.

    python benchmarks/gallery.py [--photos 100000] [--tags 3000] [--meaning]

Makes a catalog of photos that are not there, with as many tags as people give: eleven a photo, a few of them very often.
Prints each figure beside its budget. Nothing else of the catalog's photos is looked at.
"""

import argparse
import gzip
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tagroll.catalog import About, Catalog, PhotoRow
from tagroll.domain import Facts
from tagroll.runs.gallery import Gallery
from tagroll.runs.run import Workspace
from tagroll.settings import Settings

ROOT = Path("/library")
CAMERAS = ["FUJIFILM X-T3", "Apple iPhone 12", "Canon EOS 5D", "NIKON D750", ""]
WORDS = [
    "people",
    "beach",
    "sunset",
    "dogs",
    "children",
    "sand",
    "water",
    "boats",
    "mountains",
    "city",
    "street",
    "walking",
]
ASKED = (
    'tag:"People Beach 2"',
    'tag:"People Beach 2" -tag:"Mountains Beach 3" year:2010..2020 has:gps',
    "beach sunset",
)


def rows(count: int, tags: int) -> Iterator[PhotoRow]:
    """Photos in the order of their folders."""
    chance, near = random.Random(7), None  # noqa: S311 - the same every time
    names = [f"{chance.choice(WORDS)} {chance.choice(WORDS)} {n}".title() for n in range(tags)]
    weights = [1 / (n + 1) for n in range(tags)]
    for number in range(count):
        taken = 1_100_000_000 + 6_000 * number + chance.randrange(5_000)
        path = ROOT / f"{2004 + number * 20 // count}" / f"{number // 16:05}" / f"IMG_{number:06}.jpg"
        picked = dict.fromkeys(chance.choices(names, weights, k=round(chance.gauss(11.5, 3)) % 30 or 1))
        if number % 16 == 0:  # one day, one place or none
            near = (chance.uniform(-60, 60), chance.uniform(-180, 180)) if number % 3 else None
        place = tuple(round(n + chance.randrange(3) / 1000, 4) for n in near) if near else (None, None)
        caption = " ".join(chance.choices(WORDS, k=12)) if number % 4 == 0 else ""
        facts = Facts(
            *chance.choice([(4000, 3000), (3000, 4000)]),
            taken,
            chance.choice(CAMERAS),
            *place,
            number % 7 or None,
        )
        yield PhotoRow(
            path, f"{number}.{taken * 10**9}.1", f"{chance.getrandbits(128):032x}", tuple(picked),
            about=About("jpeg", facts, "", caption),
        )  # fmt: skip


@contextmanager
def measured(what: str, budget: str, times: int = 1) -> Iterator[None]:
    """Print the processor time that something takes."""
    started = time.process_time()
    yield
    print(f"{what}: {(time.process_time() - started) / times * 1000:,.1f} ms (budget: {budget})")


def repeated(what: str, budget: str, work: Callable[[int], object], times: int = 20) -> None:
    """The mean of some times."""
    with measured(what, budget, times):
        for n in range(times):
            work(n)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--tags", type=int, default=3_000)
    parser.add_argument(
        "--meaning", action="store_true", help="search by meaning, too: first, minutes for vectors"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "catalog.sqlite"
        made = list(rows(given.photos, given.tags))
        print(f"{len(made):,} photos, {sum(len(row.tags) for row in made):,} tags")
        with Catalog(file) as catalog:
            with measured("noting all", "-"):
                for start in range(0, len(made), 2048):
                    catalog.photos.index(made[start : start + 2048])
            with measured("texts of all", "-"):
                catalog.texts.update()
        print(f"catalog: {file.stat().st_size / 1e6:.0f} MB")
        with Workspace.open(Settings(catalog=file), hold=False) as space:
            measure(space, made, meaning=given.meaning)
        find(file)


def measure(space: Workspace, made: list[PhotoRow], *, meaning: bool) -> None:
    """What is done with an open gallery."""
    with measured("opening, and the first columns", "1,500 ms"):
        gallery = Gallery(space, [ROOT])
        packed = gallery.columns()
    size = struct.unpack("<I", gzip.decompress(packed)[:4])[0]
    head = json.loads(gzip.decompress(packed)[4 : 4 + size])
    print(f"columns: {len(packed) / 1e6:.2f} MB gzip (budget: 2.5 MB), {head['count']:,} photos")

    def patch(number: int) -> None:
        row = made[number * 37]
        about = About("jpeg", Facts(), "", "")
        space.catalog.photos.conclude(
            {}, PhotoRow(row.path, row.stamp, row.picture_hash, ("New", *row.tags[2:]), about=about)
        )
        gallery.changed([row.path])

    repeated("a patch of one photo", "10 ms", patch)
    with measured("columns after a patch", "-"):
        gallery.columns()
    catalog = space.catalog
    catalog.texts.update()
    if meaning:
        with measured("what photos mean", "-"):
            gallery.prepare_meaning(lambda *_: None)
    for words in ("beach", "beach sunset", "b", '"City Street 12"', "walking along mount"):
        print(f"  {words}: {len(gallery.search(words, close=False).exact):,} hits")
        repeated(f"  text: {words}", "15 ms", lambda _, words=words: gallery.search(words, close=False), 10)
        if meaning:
            repeated(f"  and meaning: {words}", "55 ms", lambda _, words=words: gallery.search(words), 10)
    asked = ASKED[1]
    repeated("all photos through a query", "-", lambda _: gallery.search(asked, close=False), 10)
    print(f"  {len(gallery.search(asked, close=False).exact):,} hits")


def find(file: Path) -> None:
    """The command itself, with its start."""
    for asked in ASKED:
        before = os.times()
        command = [sys.executable, "-m", "tagroll", "find", asked, "--catalog", str(file)]
        said = subprocess.run(command, capture_output=True, check=True).stderr
        took = os.times()
        spent = took.children_user + took.children_system - before.children_user - before.children_system
        print(f"tagroll find '{asked}': {spent:.2f} s of a processor; {said.decode().splitlines()[0]}")


if __name__ == "__main__":
    main()
