"""Feeds damaged files to the container parsers: nothing but our own errors may come out, and soon.

    PYTHONPATH=src python tools/fuzz_containers.py SECONDS [FILE...]

Without files the samples of tests/files are the seeds. Prints how many inputs each parser got.
"""

# ruff: noqa: S311  (chance is all that is wanted of these numbers)
import io
import random
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tagroll.errors import MetadataError
from tagroll.formats import HEAD_BYTES, Format, detect
from tagroll.metadata import jpeg, png, webp
from tagroll.metadata.packets import Packets
from tagroll.metadata.picture import picture_hash
from tagroll.metadata.signed import is_signed

ENGINES = {"jpeg": jpeg, "png": png, "webp": webp}
NEW = Packets(xmp=b'<x:xmpmeta/><?xpacket end="w"?>', exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0")
INTERESTING = (
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\x01",
    b"8BIM\x04\x04",
)
HEAD = 4096
"""Most of the damage goes here: the structure is at the start."""
SLOW_SECONDS = 2.0


def damaged(seeds: list[bytes]) -> bytes:
    """A seed with bytes changed, cut, doubled, or taken from another seed."""
    data = bytearray(random.choice(seeds))
    for _ in range(random.randint(1, 8)):
        limit = len(data) if random.random() < 0.2 else min(len(data), HEAD)
        at = random.randrange(limit + 1)
        kind = random.randrange(6)
        if kind == 0:
            data[at : at + 1] = random.randbytes(1)
        elif kind == 1:
            value = random.choice(INTERESTING)
            data[at : at + len(value)] = value
        elif kind == 2:
            del data[at : at + random.randint(1, 64)]
        elif kind == 3:
            data[at:at] = data[at : at + random.randint(1, 256)] * random.randint(1, 4)
        elif kind == 4:
            other = random.choice(seeds)
            start = random.randrange(len(other))
            data[at:at] = other[start : start + random.randint(1, 512)]
        elif random.random() < 0.2:
            del data[at:]
    return bytes(data)


def check(data: bytes, fmt: Format) -> str:
    """Run all that takes this format apart; the name of what came out."""
    picture = picture_hash(data, fmt)
    is_signed(data, fmt)
    engine = ENGINES.get(fmt.name)
    if engine is None:
        return "hashed"
    try:
        old = engine.read_packets(io.BytesIO(data))
        if engine.replace_packets(data, old) != data:
            raise AssertionError("the same packets gave another file")
        new = engine.replace_packets(data, replace(NEW, iptc=old.iptc))
        written = engine.read_packets(io.BytesIO(new))
        if (written.exif, written.iptc) != (NEW.exif, old.iptc) or written.xmp is None:
            raise AssertionError("what was written is not what is read")
        if picture_hash(new, fmt) != picture:
            return "edited, hash differs"  # files that cannot be taken apart are hashed whole
    except MetadataError as error:
        return type(error).__name__
    return "edited"


def main() -> None:
    """Fuzz for the number of seconds given."""
    paths = [Path(name) for name in sys.argv[2:]] or sorted(Path(__file__).parents[1].glob("tests/files/*.*"))
    seeds: dict[Format, list[bytes]] = {}
    for path in paths:
        data = path.read_bytes()
        fmt = detect(data[:HEAD_BYTES], path.suffix.lower())
        if fmt is not None and len(data) < 200_000:
            seeds.setdefault(fmt, []).append(data)
    counts: Counter[tuple[str, str]] = Counter()
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        fmt = random.choice(list(seeds))
        data = damaged(seeds[fmt])
        started = time.monotonic()
        try:
            counts[fmt.name, check(data, fmt)] += 1
        except BaseException:
            Path("fuzz_crash.bin").write_bytes(data)
            print(f"a {fmt.name} broke it: fuzz_crash.bin")
            raise
        if time.monotonic() - started > SLOW_SECONDS:
            Path("fuzz_slow.bin").write_bytes(data)
            print(f"a {fmt.name} took {time.monotonic() - started:.1f} s: fuzz_slow.bin")
    for (name, result), count in sorted(counts.items()):
        print(f"{name:6} {result:24} {count}")


if __name__ == "__main__":
    main()
