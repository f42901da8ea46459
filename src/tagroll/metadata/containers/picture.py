"""A hash of the picture inside a file, whatever its metadata say.

It is the key under which answers are kept and moved photos are found, and the proof that a write left the
picture alone. What counts as picture, by format:

- JPEG: every segment and all data from the start to the end marker except comments and APPn; of those, the
  ICC profile and Adobe's colour transform count. Not what follows the end marker (gain maps, trailers).
- PNG: the header, palette, transparency, colour space, picture and animation chunks.
- WebP: the picture, alpha, animation and ICC chunks.
- GIF: all but the version in the header, comments, and application data other than the loop count and ICC.
- TIFF, and RAW formats built on it: of each IFD and SubIFD the strips and tiles, and the tags that say how to
  decode them.
- HEIC, AVIF: the data of all picture items, and all item properties (size, rotation, colour, decoder set-up).
- JPEG XL: the codestream.

The orientation in EXIF does not count. A file of another format, one that cannot be taken apart, and an image
sequence are hashed whole, and so is one that is too large to be held in memory.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tagroll.formats import Format
from tagroll.metadata.containers.bmff import heif_parts, jxl_parts
from tagroll.metadata.containers.jpeg_scan import end_of_image
from tagroll.metadata.containers.tiff import tiff_parts
from tagroll.metadata.files import hashing
from tagroll.metadata.files.safe_write import Original, is_large, pieces, read_file

Parts = Iterator[bytes | memoryview]

_WHOLE = b"whole file"
_SEGMENT = re.compile(rb"\xff([^\x00\xff])")
_NO_SEGMENT = frozenset(bytes([marker]) for marker in range(0xD0, 0xDA))
_MAX_SEGMENTS = 10_000
_MAX_BLOCKS = 200_000
_PNG_CHUNKS = frozenset(
    {
        *(b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"),
        *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"CgBI"),
    }
)
_WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_GIF_APPLICATIONS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})


def picture_hash(data: bytes | memoryview, fmt: Format, like: str = "") -> str:
    """Hash of the picture in a file; see `hashing`.

    Args:
        data: The whole file.
        fmt: Its format; files of different formats never hash the same.
        like: A hash to compare with.
    """
    view = memoryview(data)
    parts_of = _PARTS.get(fmt.name)
    if parts_of is not None:
        digest = hashing.hasher(fmt.name.encode(), like)
        count = 0
        try:
            for part in parts_of(view):
                digest.update(part)
                count += len(part)
        except (ValueError, LookupError, struct.error):
            count = 0
        if count:
            return hashing.text(digest)
    return hashing.digest_of([view], _WHOLE, like)


def picture_hash_of(path: Path, fmt: Format, like: str = "") -> str:
    """As `picture_hash`, of a file of any size.

    Raises:
        MetadataError: It is no regular file.
        OSError: It cannot be read.
    """
    if is_large(path.stat()):
        return hashing.digest_of(pieces(path), _WHOLE, like)
    return picture_hash(read_file(path), fmt, like)


def picture_hash_in(held: Original, fmt: Format, like: str = "") -> str:
    """As `picture_hash`, of a held file of any size.

    Raises:
        OSError: It cannot be read.
    """
    if held.is_large:
        return hashing.digest_of(held.parts(), _WHOLE, like)
    return picture_hash(held.data, fmt, like)


def same_picture(old: bytes, new: bytes, fmt: Format) -> bool:
    """Whether both files hold the very same picture: as comparing `picture_hash`, in a fraction of the time."""
    parts_of = _PARTS.get(fmt.name)
    if parts_of is None:
        return old == new
    if fmt.name == "jpeg" and _same_from_first_scan(old, new):
        return True
    try:
        # memoryviews are compared element by element, bytes by memcmp
        before, after = (b"".join(parts_of(memoryview(data))) for data in (old, new))
    except (ValueError, LookupError, struct.error):
        return old == new
    return before == after if before else old == new


def _same_from_first_scan(old: bytes, new: bytes) -> bool:
    """Whether nothing at all differs from the first scan of a JPEG on: where the picture ends need not be known."""
    try:
        *before, start = _jpeg_head(memoryview(old))
        *after, there = _jpeg_head(memoryview(new))
    except ValueError:
        return False
    same_length = len(old) - start == len(new) - there
    return same_length and before == after and new.endswith(memoryview(old)[start:])


def _jpeg_head(view: memoryview) -> tuple[list[bytes], list[bytes], int]:
    """What counts before the first scan, what counts of the colour, and where that scan starts."""
    parts: list[bytes] = []
    colour: list[bytes] = []
    position = 2
    for _ in range(_MAX_SEGMENTS):
        found = _SEGMENT.search(view, position)  # as decoders do, past fill bytes and stray ones
        if found is None or found[1] in _NO_SEGMENT:
            raise ValueError("no picture")
        position = found.start(1) - 1
        marker = found[1][0]
        if marker == 0xDA:
            return parts, colour, position
        end = position + 2 + int.from_bytes(view[position + 2 : position + 4], "big")
        segment = view[position:end]
        head = bytes(segment[4:16])
        if marker == 0xE2 and head == b"ICC_PROFILE\0":
            colour.append(
                bytes(segment[18:])
            )  # without the number of the part, which depends on how it is cut up
        elif marker == 0xEE and head.startswith(b"Adobe"):
            colour.append(bytes(segment))
        elif not 0xE0 <= marker <= 0xEF and marker != 0xFE:
            parts.append(bytes(segment))
        position = max(end, position + 4)
    raise ValueError("too many segments")


def _jpeg_parts(view: memoryview) -> Parts:
    parts, colour, start = _jpeg_head(view)
    yield from parts
    yield view[start : end_of_image(view, start)]
    yield from colour


def _png_parts(view: memoryview) -> Parts:
    position = 8
    name = b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", view, position)
        if position + 12 + length > len(view):
            raise ValueError("cut off")
        if name in _PNG_CHUNKS:
            yield view[position + 4 : position + 8 + length]
        position += 12 + length


def _webp_parts(view: memoryview) -> Parts:
    position = 12
    stop = 8 + int.from_bytes(view[4:8], "little")
    while position < stop:
        name, size = struct.unpack_from("<4sI", view, position)
        if position + 8 + size > len(view):
            raise ValueError("cut off")
        if name in _WEBP_CHUNKS:
            yield view[position : position + 8 + size]
        position += 8 + size + size % 2


def _gif_parts(view: memoryview) -> Parts:
    yield view[:3]
    position = 13 + _gif_table(view[10])
    yield view[6:position]
    for _ in range(_MAX_BLOCKS):
        if position >= len(view) or view[position] == 0x3B:
            return
        start = position
        kind, label = view[position], view[position + 1]
        if kind == 0x2C:
            position += 11 + _gif_table(view[position + 9])
        elif kind == 0x21:
            position += 2
        else:
            raise ValueError("neither a picture nor an extension")
        first = bytes(view[position + 1 : position + 12])
        while size := view[position]:
            position += 1 + size
        position += 1
        if kind == 0x2C or not (label == 0xFE or (label == 0xFF and first not in _GIF_APPLICATIONS)):
            yield view[start:position]
    raise ValueError("too many blocks")


def _gif_table(flags: int) -> int:
    """Bytes of the colour table that a flags byte announces."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


_PARTS: Mapping[str, Callable[[memoryview], Parts]] = {
    "jpeg": _jpeg_parts,
    "png": _png_parts,
    "webp": _webp_parts,
    "gif": _gif_parts,
    "tiff": tiff_parts,
    "raw": tiff_parts,
    "heic": heif_parts,
    "avif": heif_parts,
    "jxl": jxl_parts,
}
