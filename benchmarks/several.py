"""Several servers of different speed: what they give together, beside what each gives alone.

    python benchmarks/several.py PHOTOS --slower 5
    python benchmarks/several.py PHOTOS --server 4x50 --server 4x500

Works on copies. A server of 4x50 has 4 slots and answers in 50 ms; `--slower 5` makes all of them five times as slow, so that
the client is not what is short. The figure is the photos a second of one run of `tagroll tag` with all servers, from the first
question to the last answer, beside the sum of those of runs with one server each.
"""

import argparse
import json
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from tag import copies, server, tagroll


def rate(source: Path, work: Path, servers: list[tuple[int, float]], seconds: float) -> float:
    """Photos a second with these servers, (slots, seconds an answer) each, in a run that takes about so many seconds."""
    photos = work / "photos"
    photos.mkdir()
    count = len(copies(source, photos, round(sum(slots / delay for slots, delay in servers) * seconds)))
    with ExitStack() as running:
        urls = [
            running.enter_context(server("--slots", str(slots), "--delay", str(delay)))
            for slots, delay in servers
        ]
        others = (word for url in urls[1:] for word in ("--api-url", url))
        tagroll(photos, urls[0], work / "catalog", *others)
        seen = []
        for url in urls:
            with urllib.request.urlopen(f"{url}/stub") as page:
                seen.append(json.load(page))
    took = max(one["last"] for one in seen) - min(one["first"] for one in seen)
    print(
        f"{count} photos in {took:.1f} s: {count / took:.2f} photos/s; questions {[one['chats'] for one in seen]}"
    )
    return count / took


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="JPEGs to copy")
    parser.add_argument(
        "--server", action="append", help="slots x milliseconds; 1x200, 4x200 and 8x400 if none is given"
    )
    parser.add_argument("--slower", type=float, default=1.0, help="so many times as slow")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="what a run takes at the best; so much longer if slower"
    )
    given = parser.parse_args()
    named = [one.split("x") for one in given.server or ("1x200", "4x200", "8x400")]
    servers = [(int(slots), int(milliseconds) * given.slower / 1000) for slots, milliseconds in named]
    seconds = given.seconds * given.slower
    rates = []
    for some in (*([one] for one in servers), servers):
        with tempfile.TemporaryDirectory() as work:
            rates.append(rate(given.folder, Path(work), some, seconds))
    *alone, together = rates
    print(f"together {together:.2f} photos/s, {together / sum(alone):.1%} of what each gives alone")


if __name__ == "__main__":
    main()
