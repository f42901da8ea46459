"""How fast `tagroll check` reads beside a plain read of the same files.

    python benchmarks/check.py FOLDER [--count 400] [--rounds 3]

Copies the photos of FOLDER until there are enough and writes a tag for each. Then, in turns, all are read by a plain program
(one file after the other, a megabyte at a time, and nothing done with it) and checked. Before each turn the system is told
to drop the files from its cache, and after each it is told how much came from the disk (Linux).
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tagroll.domain import Change, Photo, Status
from tagroll.runs.check import check, known_pictures
from tagroll.runs.run import Tally, Workspace, scan
from tagroll.settings import Settings

CHANGE = Change(add=("Beach", "Dog", "Sunset"))


def written(source: Path, folder: Path, count: int, space: Workspace) -> list[Path]:
    """`count` copies of photos, each with a tag that tagroll wrote."""
    originals = [found.path for found in scan([source], on_unreadable=print) if isinstance(found, Photo)]
    for number in range(count):
        original = originals[number % len(originals)]
        (folder / f"{number:06}{original.suffix}").write_bytes(original.read_bytes())
    photos = [found for found in scan([folder], on_unreadable=print) if isinstance(found, Photo)]
    with space.begin("tag", [str(folder)]) as run:
        for photo in photos:
            run.write(photo, lambda _: CHANGE)
    return [photo.path for photo in photos]


def read(paths: list[Path]) -> None:
    """Read them all."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


def measured(work: Callable[[], None], paths: list[Path]) -> tuple[float, float]:
    """Seconds of the clock and of processors; the files come from the disk."""
    os.sync()
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    started, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as work:
        folder = Path(work).absolute() / "photos"
        folder.mkdir()
        with Workspace.open(Settings(catalog=Path(work) / "catalog.sqlite")) as space:
            paths = written(given.folder, folder, given.count, space)
            size = sum(path.stat().st_size for path in paths) / 1e6

            def checked() -> None:
                tally = Tally(Status.UNCHANGED)
                assert all(
                    one.status is Status.UNCHANGED for one in check(space, known_pictures(space, []), tally)
                )
                assert tally.total == len(paths)

            print(f"{len(paths)} photos, {size:,.0f} MB")
            for _ in range(given.rounds):
                plain, checking = measured(lambda: read(paths), paths), measured(checked, paths)
                print(
                    f"read: {size / plain[0]:,.0f} MB/s   check: {size / checking[0]:,.0f} MB/s"
                    f"   {plain[0] / checking[0]:.0%} of it; processor {plain[1]:.2f} s and {checking[1]:.2f} s"
                )


if __name__ == "__main__":
    main()
