"""How fast tags are read from tagged JPEGs, and answered from the index.

    python benchmarks/read.py FOLDER [--count 10000] [--before COMMIT]

Copies the JPEGs of FOLDER until there are enough, each with a date, a camera, a place and three tags, and reads them all:
first from the files (the catalog is new), then with every answer in the index. The files are in the page cache; starting
processes counts. Beside that, exiftool reads the same tags from a tenth of them, in one go. With a commit, the processor
time of `tagroll tags` on these files is compared with that of the program as it was then.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tagroll.catalog import Catalog
from tagroll.domain import Change, Photo
from tagroll.exiftool.pool import find_exiftool
from tagroll.metadata.store import MetadataStore
from tagroll.photos.scan import scan
from tagroll.runs.read import Reader

CHANGE = Change(add=("Beach", "Dog", "Sunset"))


FACTS = (
    "-DateTimeOriginal=2024:05:01 12:30:15", "-Make=Canon", "-Model=Canon EOS 5D", "-GPSLatitude=59.9", "-GPSLatitudeRef=N",
    "-GPSLongitude=10.75", "-GPSLongitudeRef=E", "-XMP-xmp:Rating=4",
)  # fmt: skip
HERE = Path(__file__).parents[1]


def tagged_copies(source: Path, folder: Path, count: int) -> list[Photo]:
    """`count` tagged JPEGs."""
    originals = []
    for path in sorted(p for p in source.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg"})[:count]:
        originals.append(folder.parent / f"{len(originals)}.jpg")
        originals[-1].write_bytes(path.read_bytes())
    command = find_exiftool() or ()
    subprocess.run([*command, "-q", "-m", "-overwrite_original", *FACTS, *originals], check=True)
    for number in range(count):
        path = folder / f"{number // 500:03}" / f"{number:06}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(originals[number % len(originals)].read_bytes())
    found = scan([folder], on_unreadable=print)
    photos = [photo for photo in found if isinstance(photo, Photo)]
    store = MetadataStore()
    for photo in photos:
        store.write(photo, lambda _: CHANGE, lambda _: None)
    return photos


def exiftool(photos: list[Photo]) -> float:
    """Files a second that one exiftool reads."""
    command = find_exiftool()
    if command is None:
        raise SystemExit("no exiftool here")
    started = time.perf_counter()
    names = [str(photo.path) for photo in photos]
    done = subprocess.run([*command, "-fast2", "-j", "-Subject", *names], capture_output=True, check=True)
    assert len(json.loads(done.stdout)) == len(photos)
    return len(photos) / (time.perf_counter() - started)


def processor_time(source: Path, photos: Path) -> tuple[float, float]:
    """Seconds that `tagroll tags` of a source tree takes on a new catalog, and on one that knows the photos."""
    spent = []
    with tempfile.TemporaryDirectory() as work:
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            environment = {
                **os.environ,
                "PYTHONPATH": str(source),
                "TAGROLL_CATALOG": f"{work}/catalog.sqlite",
            }
            command = [sys.executable, "-m", "tagroll", "tags", "--quiet", str(photos)]
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return spent[0], spent[1]


def compare(commit: str, photos: Path) -> None:
    """Print the ratios, of the best of three each."""
    with tempfile.TemporaryDirectory() as work:
        packed = subprocess.run(
            ["git", "-C", HERE, "archive", commit, "src"], capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", work], input=packed, check=True)
        taken = [
            (processor_time(Path(work, "src"), photos), processor_time(HERE / "src", photos))
            for _ in range(3)
        ]
    for n, what in enumerate(("from the files", "from the index")):
        then, now = min(a[n] for a, _ in taken), min(b[n] for _, b in taken)
        print(
            f"tagroll tags, {what}: {now:.2f} s of processor, {now / then:.2f} times that of {commit} (budget: 1.4)"
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--before", metavar="COMMIT")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "photos").mkdir()
        photos = tagged_copies(given.folder, Path(work) / "photos", given.count)
        print(f"exiftool: {exiftool(photos[: given.count // 10]):,.0f} files/s")
        with Catalog(Path(work) / "catalog.sqlite") as catalog:
            for what in ("from the files", "from the index", "from the index"):
                started = time.perf_counter()
                outcomes = list(Reader(MetadataStore(), catalog).read(photos))
                rate = len(outcomes) / (time.perf_counter() - started)
                assert all({"Beach", "Dog", "Sunset"} <= set(outcome.tags) for outcome in outcomes)
                print(f"{what}: {rate:,.0f} files/s, {len(outcomes):,} files")
        if given.before:
            compare(given.before, Path(work) / "photos")


if __name__ == "__main__":
    main()
