"""How fast `tagroll tag` is, beside what the older script did for each photo, and beside what a server can take.

    python benchmarks/tag.py FOLDER [--older 20] [--part instant|slots|disk] [--slots 8] [--delay 0.2] [--tells llama.cpp]

Works on copies. Part "instant": a server that answers at once, so that all time is tagroll's own; the older way, measured in
turn on the same photos with the same server, is one request and three starts of exiftool a photo. Part "slots": a server
with `--slots` slots and `--delay` seconds an answer, by default 40 photos a second at the most; `--at-once` is passed on as
`--jobs`. Part "disk" (Linux): how many bytes are read
from the disk for photos that are not in the page cache. Photos that failed are no work: then it stops.
"""

import argparse
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from tagroll.exiftool.pool import find_exiftool

STUB = Path(__file__).parents[1] / "tests" / "support" / "stub.py"


@contextmanager
def server(*arguments: str) -> Iterator[str]:
    """A stub model server in a process of its own; gives its URL."""
    command = [sys.executable, str(STUB), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        try:
            yield child.stdout.readline().strip()
        finally:
            child.kill()


def copies(source: Path, folder: Path, count: int) -> list[Path]:
    """`count` photos that all differ: copies, and mirrored ones when there are not enough."""
    originals = sorted(p for p in source.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg"})
    made = []
    for number in range(count):
        path = folder / f"{number:05}.jpg"
        turn, original = divmod(number, len(originals))
        if turn == 0:
            path.write_bytes(originals[original].read_bytes())
        else:
            with Image.open(originals[original]) as picture:
                ways = list(Image.Transpose)
                picture.convert("RGB").transpose(ways[(turn - 1) % len(ways)]).save(
                    path, quality=90 - turn // len(ways)
                )
        made.append(path)
    return made


def older_way(photos: list[Path], url: str) -> float:
    """Photos a second: one request, two reads and one write by exiftool processes, one photo after the other."""
    exiftool = find_exiftool()
    assert exiftool, "the older way needs exiftool"
    started = time.perf_counter()
    for photo in photos:
        picture = base64.b64encode(photo.read_bytes()).decode()
        content = [{"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}"}}]
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}).encode()
        request = urllib.request.Request(
            f"{url}/v1/chat/completions", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            tags = json.loads(json.load(answer)["choices"][0]["message"]["content"])["keywords"]
        for _ in range(2):
            subprocess.run([*exiftool, "-j", "-Subject", "-Keywords", photo], check=True, capture_output=True)
        values = [f"-{field}={tag}" for field in ("XMP-dc:Subject", "IPTC:Keywords") for tag in tags]
        subprocess.run([*exiftool, "-overwrite_original", *values, photo], check=True, capture_output=True)
    return len(photos) / (time.perf_counter() - started)


def tagroll(folder: Path, url: str, catalog: Path, *options: str) -> tuple[float, float]:
    """Photos a second over the whole process, start-up included, and from the first photo on."""
    command = [
        sys.executable,
        "-m",
        "tagroll",
        "tag",
        str(folder),
        "--api-url",
        url,
        "--catalog",
        str(catalog),
        "--json",
        "-q",
        *options,
    ]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    summary = json.loads(done.stdout.splitlines()[-1])
    if summary["tagged"] != summary["total"]:
        sys.exit(f"not all photos were tagged: {summary}")
    return summary["total"] / seconds, summary["total"] / summary["seconds"]


def instant(source: Path, work: Path, count: int, older: int) -> None:
    """Tagroll against the older way."""
    (work / "older").mkdir()
    (work / "photos").mkdir()
    few, _ = copies(source, work / "older", older), copies(source, work / "photos", count)
    with server() as url:
        before = older_way(few[: older // 2], url)
        whole, inner = tagroll(work / "photos", url, work / "catalog")
        after = older_way(few[older // 2 :], url)
    rate = (before + after) / 2
    print(f"{count} photos\nolder way {rate:.2f} photos/s ({before:.2f} before, {after:.2f} after)")
    print(
        f"tagroll   {whole:.1f} photos/s with start-up, {inner:.1f} without: {whole / rate:.0f} and {inner / rate:.0f} times"
    )


def slots(source: Path, work: Path, given: argparse.Namespace) -> None:
    """Tagroll against the most that a server can do."""
    (work / "slots").mkdir()
    copies(source, work / "slots", given.count)
    limit, tells = given.slots / given.delay, ("--tells", given.tells) if given.tells else ()
    jobs = ("--jobs", str(given.at_once)) if given.at_once else ()
    with server("--delay", str(given.delay), "--slots", str(given.slots), *tells) as url:
        whole, inner = tagroll(work / "slots", url, work / "catalog-slots", *jobs)
        with urllib.request.urlopen(f"{url}/stub") as page:
            seen = json.load(page)
    print(
        f"{given.count} photos, server of {given.slots} slots and {given.delay * 1000:.0f} ms: at most {limit:.0f} photos/s"
    )
    print(
        f"tagroll   {whole:.1f} photos/s with start-up, {inner:.1f} without: {whole / limit:.1%} and {inner / limit:.1%}; "
        f"from the first question to the last answer {given.count / (seen['last'] - seen['first']) / limit:.1%}"
    )


def disk(source: Path, work: Path, count: int) -> None:
    """What is read from the disk, beside the size of the photos."""
    (work / "disk").mkdir()
    photos = copies(source, work / "disk", count)
    size = sum(photo.stat().st_size for photo in photos)
    for photo in photos:
        with photo.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with server() as url:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock
        tagroll(work / "disk", url, work / "catalog-disk")
        blocks = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock - before
    print(
        f"{count} photos of {size / 1e6:.1f} MB: {blocks * 512 / 1e6:.1f} MB read from the disk, {blocks * 512 / size:.2f} times"
    )


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="JPEGs to copy")
    parser.add_argument("--older", type=int, default=20, help="photos for the older way")
    parser.add_argument("--count", type=int, default=1000, help="photos for tagroll")
    parser.add_argument("--part", choices=["instant", "slots", "disk"], help="only this part")
    parser.add_argument("--slots", type=int, default=8, help="of the server of part slots")
    parser.add_argument("--delay", type=float, default=0.2, help="seconds it takes for an answer")
    parser.add_argument("--tells", choices=["llama.cpp", "vLLM", "SGLang"], help="what it says that it is")
    parser.add_argument("--at-once", type=int, help="requests at once; else tagroll finds the number")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        if given.part in (None, "instant"):
            instant(given.folder, Path(work), given.count, given.older)
        if given.part in (None, "slots"):
            slots(given.folder, Path(work), given)
        if given.part in (None, "disk"):
            disk(given.folder, Path(work), given.count)


if __name__ == "__main__":
    main()
