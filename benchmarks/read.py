"""How fast tags are read from tagged JPEGs, and answered from the index.

    python benchmarks/read.py FOLDER [--count 10000]

Copies the JPEGs of FOLDER until there are enough, each with a date, a camera, a place and three tags, and reads them all:
first from the files (the catalog is new), then with every answer in the index. The files are in the page cache; starting
processes counts. Beside that, exiftool reads the same tags from a tenth of them, in one go.
"""

import argparse
import json
import subprocess
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


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
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


if __name__ == "__main__":
    main()
