"""How long merging takes from the command line, and how much memory, on a large library.

    python benchmarks/dedupe.py FOLDER [--photos 100000] [--tags 100000] [--beside SOURCE]

Makes the photos (2 KB each, five tags a photo, every tag at least once; a tenth of the tags is another one spelled
differently) and runs `tagroll dedupe FOLDER --dry-run` twice, then `tagroll dedupe FOLDER`, with a catalog of their own.
A photo that no merge concerns must not be opened for writing: its times are compared. With --beside, another tagroll, whose
source folder that is, does the dry runs first, with a catalog of its own.
"""

import argparse
import io
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image

from tagroll.tags.lexicon import lexicon

PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>{}</rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def vocabulary(count: int) -> list[str]:
    """Tags of one and two everyday words; the last tenth is some of the others in capitals or with a hyphen."""
    draw = random.Random(5)  # noqa: S311 - no secret
    words = sorted(word for word in lexicon().common if re.fullmatch("[a-z]{3,10}", word))
    tags = dict.fromkeys(draw.sample(words, min(len(words), count // 5)))
    while len(tags) < count * 9 // 10:
        tags[" ".join(draw.sample(words, 2))] = None
    pairs = [tag for tag in tags if " " in tag]
    for tag in draw.sample(pairs, len(pairs)):
        if len(tags) >= count:
            break
        tags[draw.choice([tag.title(), tag.replace(" ", "-")])] = None
    return list(tags)


def make(folder: Path, photos: int, tags: list[str]) -> None:
    """Write the photos, no two of one picture: its number in black and white."""
    for number in range(photos):
        jpeg = io.BytesIO()
        bits = bytes(255 * int(bit) for bit in f"{number:020b}")
        Image.frombytes("L", (20, 1), bits).resize((160, 8), Image.Resampling.NEAREST).save(jpeg, "JPEG")
        head, tail = jpeg.getvalue()[:20], jpeg.getvalue()[20:]
        some = [tags[(5 * number + i * i * 7919) % len(tags)] for i in range(4)] + [tags[number % len(tags)]]
        items = "".join(f"<rdf:li>{escape(tag)}</rdf:li>" for tag in dict.fromkeys(some))
        packet = b"http://ns.adobe.com/xap/1.0/\0" + PACKET.format(items).encode()
        segment = b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(head + segment + tail)


def run(folder: Path, *options: str, source: Path | None = None) -> None:
    """Run the command, of another source folder where one is given; print what it took and what it said."""
    command = [sys.executable, "-m", "tagroll", "dedupe", str(folder), "--backend", "builtin", *options]
    catalog = {"TAGROLL_CATALOG": str(folder / ("beside.sqlite" if source else "catalog.sqlite"))}
    if source:
        catalog["PYTHONPATH"] = str(source)
    start = time.perf_counter()
    with subprocess.Popen(command, env=os.environ | catalog, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as child:  # fmt: skip
        said = child.stderr.read().splitlines() if child.stderr else []
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    name = " ".join([f"dedupe of {source}" if source else "dedupe", *options])
    print(f"{name:20} {seconds:7.1f} s  cpu {cpu:7.1f} s  peak {usage.ru_maxrss / 2**20:.2f} GB  "
          f"exit {child.returncode}")  # fmt: skip
    print(
        "   ", "\n    ".join([line for line in said if "tags" in line or "photos" in line][-2:]), flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--tags", type=int, default=100_000)
    parser.add_argument("--beside", type=Path)
    args = parser.parse_args()
    if any(args.folder.glob("*")):
        parser.error("the folder is not empty")
    make(args.folder, args.photos, vocabulary(args.tags))
    for source in filter(None, (args.beside, args.beside)):
        run(args.folder, "--dry-run", source=source)
    for _ in range(2):
        run(args.folder, "--dry-run")
    before = {path: path.stat() for path in args.folder.rglob("*.jpg")}
    run(args.folder)
    after = {path: path.stat() for path in before}
    changed = sum(state.st_ino != before[path].st_ino for path, state in after.items())
    touched = sum(state.st_ctime_ns != before[path].st_ctime_ns for path, state in after.items())
    print(f"{changed:,} photos replaced, {touched - changed:,} others touched")


if __name__ == "__main__":
    main()
