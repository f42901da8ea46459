"""How fast tags get into JPEGs, beside what the disk allows and beside the older script's way.

    python benchmarks/write.py PHOTOS [--count 500] [--folder FOLDER] [--larger-than BYTES] [--sync-ms MS]

Copies of the JPEGs in PHOTOS are tagged in a new folder inside FOLDER. Photos a second, and the processor time that
one photo takes (on a busy machine the better measure):

- limit: read, write a copy, fsync, rename. No way of writing that survives a power cut is faster.
- tagroll: MetadataStore.write with all its checks; no model, and no catalog.
- older script: three starts of exiftool and one rewrite in place for each photo (on a tenth of the photos).
- read: MetadataStore.read of the tagged photos.

With --sync-ms every fsync of the limit and of tagroll takes so much longer, as on a slower disk. (Disks of servers answer
in half a millisecond, as their caches survive a power cut; those of laptops and hard disks need 5 to 20.)
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from tagroll.domain import Change, Photo
from tagroll.exiftool.pool import find_exiftool
from tagroll.formats import FORMATS
from tagroll.metadata.store import MetadataStore

JPEG = next(row for row in FORMATS if row.name == "jpeg")
STORE = MetadataStore()
TAGS = ("Mountain", "Lake", "Snow", "Sunrise", "Reflection", "Hiking", "Pine Tree", "Blue Sky")


def limit(path: Path) -> None:
    """Copy, fsync, rename."""
    copy = path.with_suffix(".tmp")
    with copy.open("wb") as target:
        target.write(path.read_bytes())
        target.flush()
        os.fsync(target.fileno())
    copy.replace(path)


def tagroll(path: Path) -> None:
    """What `tagroll tag` does once the tags are known."""
    photo = Photo(path, 0, 0, JPEG)
    if not STORE.write(photo, lambda _: Change(add=TAGS), lambda _: None):
        raise SystemExit(f"{path} has these tags already")


def older_script(path: Path) -> None:
    """Read, write IPTC and XMP, read again, each with a new exiftool; then rewrite the file for UserComment."""
    command = find_exiftool()
    if command is None:
        raise SystemExit("no exiftool here")
    names = [f"-{field}={tag}" for field in ("IPTC:Keywords", "XMP:Subject") for tag in TAGS]
    subprocess.run([*command, "-j", "-Keywords", "-Subject", path], capture_output=True, check=True)
    subprocess.run([*command, "-overwrite_original", *names, path], capture_output=True, check=True)
    subprocess.run([*command, "-j", "-Keywords", "-Subject", path], capture_output=True, check=True)
    path.write_bytes(path.read_bytes())


def read(path: Path) -> None:
    """Read the tags."""
    STORE.read(Photo(path, 0, 0, JPEG))


def slow_down(seconds: float) -> None:
    """Let every fsync take longer."""
    sync = os.fsync

    def slow(file: int) -> None:
        sync(file)
        time.sleep(seconds)

    os.fsync = slow


def rate(work: Callable[[Path], None], paths: list[Path], threads: int) -> tuple[float, float]:
    """Photos a second, and milliseconds of processor time a photo."""
    os.sync()
    start, processor = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, paths))
    return (
        len(paths) / (time.perf_counter() - start),
        (time.process_time() - processor) / len(paths) * 1000,
    )


def fresh(sources: list[Path], folder: Path, count: int) -> list[Path]:
    """New copies to write into."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for source, path in zip(islice(cycle(sources), count), paths, strict=True):
        shutil.copyfile(source, path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--folder", type=Path, default=Path.cwd())
    parser.add_argument("--larger-than", type=int, default=0, metavar="BYTES")
    parser.add_argument("--sync-ms", type=float, default=0)
    options = parser.parse_args()
    if options.sync_ms:
        slow_down(options.sync_ms / 1000)
    jpegs = sorted(path for path in options.photos.iterdir() if path.suffix.lower() in JPEG.suffixes)
    sources = [path for path in jpegs if path.stat().st_size > options.larger_than]
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name) / "photos"
        paths = fresh(sources, folder, options.count)
        size = sum(path.stat().st_size for path in paths) / len(paths) / 1e6
        print(f"{len(paths)} JPEGs of {size:.2f} MB, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        old, _ = rate(older_script, fresh(sources, folder, max(1, options.count // 10)), 1)
        print(f"older script  1 thread {old:10.1f} /s")
        for threads in (1, 8):
            most, cost = rate(limit, fresh(sources, folder, options.count), threads)
            print(f"limit         {threads} thread {most:10.1f} /s  {cost:.2f} ms")
            paths = fresh(sources, folder, options.count)
            ours, cost = rate(tagroll, paths, threads)
            print(f"tagroll       {threads} thread {ours:10.1f} /s  {cost:.2f} ms", end="  ")
            print(f"{ours / most:.0%} of the limit, {ours / old:.0f} x the older script")
            seen, cost = rate(read, paths, threads)
            print(f"read          {threads} thread {seen:10.1f} /s  {cost:.2f} ms")


if __name__ == "__main__":
    main()
