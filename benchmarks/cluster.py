"""How much faster more workers are, each with a slow server of its own.

    python benchmarks/cluster.py PHOTOS [--delay 1.0] [--slots 4] [--seconds 20] [--workers 1 2 4]

Starts Dask's scheduler and workers as people do, and for each worker a server with so many slots and so slow an answer. The
photos are copies of those in PHOTOS which all differ, as many as these servers answer in so many seconds. Told is the rate from
the first question to the last answer, beside what the servers can give.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from tag import copies, server

ADDRESS = re.compile(r"tcp://127\.0\.0\.1:\d+")


def dask(stack: ExitStack, log: Path, until: str, *words: str, **variables: str) -> str:
    """Start one of Dask's programs, and give what it says until it is ready."""
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "dask", *words], stdout=out, stderr=out, env=os.environ | variables
        )
    stack.callback(child.wait)
    stack.callback(child.terminate)
    for _ in range(600):
        if re.search(until, said := log.read_text()):
            return said
        time.sleep(0.1)
    raise SystemExit(f"{words} does not start")


def measure(given: argparse.Namespace, workers: int, work: Path) -> tuple[float, float]:
    """Photos a second, and what the servers can give."""
    photos = work / "photos"
    photos.mkdir(parents=True)
    most = workers * given.slots / given.delay
    count = int(most * given.seconds)
    copies(given.photos, photos, count)
    with ExitStack() as stack:
        urls = [
            stack.enter_context(server("--delay", f"{given.delay}", "--slots", f"{given.slots}"))
            for _ in range(workers)
        ]
        words = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        found = ADDRESS.search(dask(stack, work / "scheduler", ADDRESS.pattern, *words))
        assert found
        for number, url in enumerate(urls):
            words = ("worker", found[0], "--nthreads", f"{given.slots + 2}", "--no-nanny", "--no-dashboard")
            dask(stack, work / f"worker{number}", "Registered to", *words, TAGROLL_API_URL=url)
        catalog = str(work / "catalog.sqlite")
        command = [sys.executable, "-m", "tagroll", "tag", str(photos), "--cluster", found[0], "-q"]
        subprocess.run(command, env=os.environ | {"TAGROLL_CATALOG": catalog}, check=True)
        seen = [json.load(urllib.request.urlopen(f"{url}/stub")) for url in urls]
    begun, ended = min(one["first"] for one in seen), max(one["last"] for one in seen)
    return count / (ended - begun), most


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--delay", type=float, default=1.0)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    given = parser.parse_args()
    alone = 0.0
    for workers in given.workers:
        with tempfile.TemporaryDirectory() as work:
            rate, most = measure(given, workers, Path(work) / "cluster")
        alone = alone or rate / workers
        print(
            f"{workers} workers: {rate:.2f} photos/s, {rate / most:.0%} of what the servers give,"
            f" {rate / alone / workers:.0%} of so many times one"
        )


if __name__ == "__main__":
    main()
