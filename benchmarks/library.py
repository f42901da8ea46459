"""What a large library takes: memory, and the start of a run that has nothing left to do.

    python benchmarks/library.py [--few 1000] [--count 100000] [--keep FOLDER]

Makes so many tiny photos that all differ, 500 in a folder, and tags a few, and then all, with a server that answers at once.
Peaks are those of the largest process. Then the same again, when all is known: how long that takes, and (Linux, with strace)
how many photos are opened for it.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from tag import server


def photos(folder: Path, count: int) -> None:
    """Tiny photos that all differ; those that are there already stay."""
    chance = random.Random(1)  # noqa: S311 - a benchmark
    for number in range(count):
        path = folder / f"{number // 500:04}" / f"{number:06}.jpg"
        noise = chance.randbytes(16 * 16)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.frombytes("L", (16, 16), noise).save(path, quality=90)


def run(folder: Path, catalog: Path, url: str, *before: str) -> tuple[float, float, int]:
    """Seconds by the clock and of processor time that `tagroll tag` takes, and its peak in bytes."""
    command = [*before, sys.executable, "-m", "tagroll", "tag", str(folder), "--api-url", url, "-q"]
    started = time.perf_counter()
    with subprocess.Popen(command, env=os.environ | {"TAGROLL_CATALOG": str(catalog)}) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10


def opened(folder: Path, catalog: Path, url: str, work: Path) -> int:
    """How many photos a run opens."""
    trace = work / "trace"
    run(folder, catalog, url, "strace", "-f", "-qq", "-e", "trace=open,openat", "-o", str(trace))
    with trace.open() as lines:
        return sum(str(folder) in line and ".jpg" in line for line in lines)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=1000)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="work there, and leave all in place")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, server() as url:
        work = given.keep or Path(name)
        peaks = []
        for what, count in (("few", given.few), ("all", given.count)):
            folder, catalog = work / what, work / f"{what}.sqlite"
            photos(folder, count)
            taken, processor, peak = run(folder, catalog, url)
            peaks.append(peak)
            print(
                f"{count:,} photos: {taken:.0f} s ({processor:.0f} of a processor), peak {peak / 2**20:.0f} MB",
                flush=True,
            )
        print(f"peak: {peaks[1] / peaks[0]:.2f} times as large")
        taken, processor, peak = run(folder, catalog, url)
        print(f"nothing to do: {taken:.1f} s ({processor:.1f} of a processor), peak {peak / 2**20:.0f} MB")
        print(f"photos opened for that: {opened(folder, catalog, url, work):,}")


if __name__ == "__main__":
    main()
