"""How long it takes to undo photos that have all moved, and that all show the same picture.

    python benchmarks/moved.py [--count 1500]

So many copies of one tiny photo are tagged, their folder is renamed, and the run is undone. Beside that, the same of photos
that stayed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from tag import server


def tagroll(catalog: Path, *arguments: str) -> tuple[float, float]:
    """Seconds by the clock and of processor time that a command takes."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "tagroll", *arguments, "-q"]
    with subprocess.Popen(command, env=os.environ | {"TAGROLL_CATALOG": str(catalog)}) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def undone(work: Path, count: int, url: str, *, moved: bool) -> tuple[float, float]:
    """Seconds by the clock and of processor time that taking back takes."""
    library, catalog = work / "library", work / "catalog.sqlite"
    (library / "old").mkdir(parents=True)
    first = library / "old" / "00000.jpg"
    Image.new("RGB", (64, 48), "teal").save(first)
    before = first.read_bytes()
    for number in range(1, count):
        (library / "old" / f"{number:05}.jpg").write_bytes(before)
    tagroll(catalog, "tag", str(library), "--api-url", url)
    if moved:
        (library / "old").rename(library / "new")
    taken = tagroll(catalog, "undo")
    if any(photo.read_bytes() != before for photo in library.rglob("*.jpg")):
        sys.exit("a photo is not what it was")
    return taken


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1500)
    given = parser.parse_args()
    with server() as url:
        for moved in (False, True):
            with tempfile.TemporaryDirectory() as name:
                taken, processor = undone(Path(name), given.count, url, moved=moved)
            print(
                f"{given.count:,} identical photos that {'all moved' if moved else 'stayed'}:"
                f" {taken:.1f} s, {processor:.1f} s of a processor",
                flush=True,
            )


if __name__ == "__main__":
    main()
