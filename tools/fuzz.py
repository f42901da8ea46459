"""Feeds damaged bytes to every parser: nothing but our own errors may come out, and soon.

    PYTHONPATH=src python tools/fuzz.py SECONDS [PARSER...] [--seeds FOLDER]

PARSER is a format (jpeg, png, webp, tiff, gif, heic ...) or a kind of packet (xmp, iptc, exif); all of them where none
is named, each for SECONDS. The seeds are the samples of tests/files, or the files of FOLDER, with and without tags.
Prints how many inputs each parser got and what came of them.
"""

# ruff: noqa: S311  (chance is all that is wanted of these numbers)
import argparse
import io
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tagroll.domain import Change
from tagroll.errors import MetadataError
from tagroll.formats import ALL_FAMILIES, HEAD_BYTES, Format, detect
from tagroll.metadata.containers.container import check_parts, container_of, is_signed, may_have_tags
from tagroll.metadata.containers.picture import picture_hash
from tagroll.metadata.field_values import xmp_fields
from tagroll.metadata.fields import apply_change
from tagroll.metadata.packets import exif, iptc
from tagroll.metadata.packets.raw import Packets
from tagroll.metadata.packets.xmp import Xmp
from tagroll.metadata.table import FIELDS

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
TAGS = ("Beach", "Łódź 🐈", "a|b")
SUBJECT = FIELDS["XMP-dc:Subject"]
LARGEST = 200_000
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


def container(fmt: Format, data: bytes) -> str:
    """Run all that takes a file of this format apart; the name of what came out."""
    picture = picture_hash(data, fmt)
    is_signed(data, fmt)
    may_have_tags(data, fmt)
    check_parts(io.BytesIO(data), fmt)
    kind = container_of(fmt)
    kind.read_only_reason(data)
    if kind.check_read:
        kind.check_read(data, False)
    engine = kind.packets
    if engine is None:
        return "hashed"
    old = engine.read_packets(io.BytesIO(data))
    if engine.replace_packets(data, old) != data:
        raise AssertionError("the same packets gave another file")
    new = engine.replace_packets(data, replace(NEW, iptc=old.iptc))
    written = engine.read_packets(io.BytesIO(new))
    if (written.exif, written.iptc) != (NEW.exif, old.iptc) or written.xmp is None:
        raise AssertionError("what was written is not what is read")
    if picture_hash(new, fmt) != picture:
        return "edited, hash differs"  # files that cannot be taken apart are hashed whole
    return "edited"


def xmp(data: bytes) -> str:
    """Read every field of a packet, and set one."""
    packet = Xmp(data)
    before = xmp_fields(packet)
    packet.set_list(SUBJECT.xml, TAGS, (SUBJECT.prefix, SUBJECT.kind))
    after = xmp_fields(Xmp(packet.to_bytes()))
    if after.pop(SUBJECT.name) != TAGS:
        raise AssertionError("what was written is not what is read")
    before.pop(SUBJECT.name, None)
    if after != before:
        raise AssertionError("another field has changed")
    return "edited"


def iptc_stream(data: bytes) -> str:
    """Read the keywords of a stream, and set them."""
    iptc.read_keywords(data)
    if iptc.read_keywords(iptc.set_keywords(data, TAGS)) != TAGS:
        raise AssertionError("what was written is not what is read")
    return "edited"


def exif_block(data: bytes) -> str:
    """Read the text of a block, and set it."""
    exif.read_text(data)
    new = exif.set_text(data, comment="Beach, Dog")
    if exif.read_text(new).comment != "Beach, Dog":
        raise AssertionError("what was written is not what is read")
    return "edited"


def targets(folder: Path) -> dict[str, tuple[Callable[[bytes], str], list[bytes]]]:
    """Each parser by name, and what it is fed with."""
    seeds: dict[Format, list[bytes]] = defaultdict(list)
    words = exif.set_text(None, comment="Sea, Sky", keywords="Sea;Sky")
    packets = [apply_change(Packets(exif=words), Change(add=TAGS), families=ALL_FAMILIES)]
    for path in sorted(folder.rglob("*.*")):
        data = path.read_bytes()
        fmt = detect(data[:HEAD_BYTES], path.suffix.lower())
        if fmt is None or len(data) > LARGEST:
            continue
        seeds[fmt].append(data)
        if engine := container_of(fmt).packets:
            try:
                packets.append(engine.read_packets(io.BytesIO(data)))
                seeds[fmt].append(engine.replace_packets(data, packets[0]))
            except MetadataError:
                continue
    found = {fmt.name: (partial(container, fmt), data) for fmt, data in seeds.items()}
    kinds = (("xmp", xmp), ("iptc", iptc_stream), ("exif", exif_block))
    return found | {
        name: (check, [seed for one in packets if (seed := getattr(one, name))]) for name, check in kinds
    }


def fuzz(check: Callable[[bytes], str], seeds: list[bytes], seconds: float, name: str) -> Counter[str]:
    """Count what came of damaged seeds; the input that breaks a parser, or takes long, is kept in a file."""
    counts: Counter[str] = Counter()
    end = time.process_time() + seconds
    while time.process_time() < end:
        data = damaged(seeds)
        started = time.process_time()
        try:
            counts[check(data)] += 1
        except MetadataError as error:
            counts[type(error).__name__] += 1
        except Exception:
            Path(f"fuzz_crash_{name}.bin").write_bytes(data)
            print(f"{name} is broken by fuzz_crash_{name}.bin", file=sys.stderr)
            raise
        if time.process_time() - started > SLOW_SECONDS:
            Path(f"fuzz_slow_{name}.bin").write_bytes(data)
            raise SystemExit(f"{name} takes {time.process_time() - started:.1f} s for fuzz_slow_{name}.bin")
    return counts


def main() -> None:
    """Fuzz."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", type=float, help="of processor time, for each parser")
    parser.add_argument("parsers", nargs="*", metavar="parser")
    parser.add_argument("--seeds", type=Path, default=Path(__file__).parents[1] / "tests" / "files")
    options = parser.parse_args()
    found = targets(options.seeds)
    if unknown := set(options.parsers) - found.keys():
        parser.error(f"no seeds for {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    for name in options.parsers or found:
        counts = fuzz(*found[name], options.seconds, name)
        print(f"{name:6} {sum(counts.values()):9,}  {dict(counts.most_common())}", flush=True)


if __name__ == "__main__":
    main()
