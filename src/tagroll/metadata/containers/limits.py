"""Refuse a file of so many tiny parts that exiftool would take minutes over it: a look at its structure, no more.

exiftool takes 1 to 100 µs for each block, box, directory or segment. The limits are far beyond what cameras,
scanners and animations make, and let no file cost more than some seconds. JPEG, PNG and WebP are counted where
they are read in process, JPEG also here: what cannot be told apart there is left to exiftool.
"""

import io
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from tagroll.errors import MetadataError
from tagroll.formats import Format
from tagroll.metadata.containers.bmff import boxes

MADE_OF_CRUMBS: Final = "it is damaged, or made to keep programs busy"
MAX_SEGMENTS: Final = 10_000
"""Of a JPEG before its picture (650 MB of full ones)."""
MAX_BLOCKS: Final = 400_000
"""Of a GIF: three or four for each frame. Full ones of 255 bytes do not count, of which large pictures have many."""
MAX_BOXES: Final = 20_000
"""Of a HEIC, AVIF, JPEG XL or CR3: a hundred or so for each of the items in the largest."""
MAX_ENTRIES: Final = 1_000_000
"""Of a TIFF: its directories (pages) count as many each as exiftool takes time for."""
_DIRECTORY: Final = 20
_MAX_LIST: Final = 8 << 20
"""Bytes of a HEIC's list of items, without the data in it."""
_LOOKED_AT: Final = 512 << 20
"""Bytes of a JPEG or GIF, at the most: what comes behind is not read in process, nor written by exiftool."""
_SEGMENT = re.compile(rb"\xff([^\x00\xff])")
_PICTURE = frozenset(bytes([marker]) for marker in range(0xD8, 0xDB))
_CONTAINERS = {
    **dict.fromkeys((b"meta", b"iref"), 4),
    **dict.fromkeys(
        (b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"moof", b"traf"), 0
    ),
    b"iinf": 6,
}
"""Boxes of boxes, and how many bytes of their own stand before these."""
_SMALLEST_GIF = 2 * MAX_BLOCKS


def check_parts(source: BinaryIO, fmt: Format) -> None:
    """Look how many parts a file has.

    Args:
        source: At its start; it must be able to seek.
        fmt: Its format.

    Raises:
        MetadataError: They are too many. A file that cannot be taken apart is left to whoever reads it.
    """
    counted = _COUNTED.get(fmt.name)
    if counted is None:
        return
    parts, limit = counted
    try:
        for count, _ in enumerate(parts(source), 1):
            if count > limit:
                break
        else:
            return
    except (ValueError, LookupError, struct.error):
        return
    raise MetadataError(f"the file consists of too many tiny parts (over {limit:,})", MADE_OF_CRUMBS)


def is_quick(path: Path, fmt: Format) -> bool:
    """Whether a file is there and has few enough parts, so that it holds nobody up who reads many at once."""
    try:
        with path.open("rb") as source:
            check_parts(source, fmt)
    except (OSError, MetadataError):
        return False
    return True


def _jpeg_segments(source: BinaryIO) -> Iterator[int]:
    data = source.read(_LOOKED_AT)
    position = 2
    while (found := _SEGMENT.search(data, position)) and found[1] not in _PICTURE:
        yield position
        position = max(found.end(), found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big"))


def _gif_blocks(source: BinaryIO) -> Iterator[int]:
    """Every block, and every part of its data that is not full."""
    if source.seek(0, io.SEEK_END) < _SMALLEST_GIF:
        return
    source.seek(0)
    data = source.read(_LOOKED_AT)
    position = 13 + _table(data[10])
    while data[position] != 0x3B:
        yield position
        kind = data[position]
        if kind not in {0x21, 0x2C}:
            return
        position += 2 if kind == 0x21 else 11 + _table(data[position + 9])
        while size := data[position]:
            if size < 255:
                yield position
            position += 1 + size
        position += 1


def _table(flags: int) -> int:
    """Bytes of the colour table that a flags byte announces."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _boxes(source: BinaryIO) -> Iterator[int]:
    """Every box at the top, and those inside the lists of items and tracks."""
    end = source.seek(0, io.SEEK_END)
    position = 0
    while position + 8 <= end:
        yield position
        source.seek(position)
        size, name = struct.unpack(">I4s", source.read(8))
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", source.read(8))
            header = 16
        size = size or end - position
        if size < header:
            return
        if name in _CONTAINERS:
            body = source.read(min(size - header, _MAX_LIST))
            yield from _inner(memoryview(body)[_CONTAINERS[name] :])
        position += size


def _inner(view: memoryview) -> Iterator[int]:
    for box in boxes(view):
        yield 0
        if box.name in _CONTAINERS:
            yield from _inner(box.body[_CONTAINERS[box.name] :])


def _entries(source: BinaryIO) -> Iterator[int]:
    """The directories of a TIFF one after the other, and their entries. Those to which entries point are few for exiftool."""
    head = source.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        return
    is_big = struct.unpack_from(f"{order}H", head, 2) == (43,)
    count_form, offset_form, entry = ("Q", "Q", 20) if is_big else ("H", "I", 12)
    (position,) = struct.unpack_from(order + offset_form, head, 8 if is_big else 4)
    seen = {0}
    while position not in seen:
        seen.add(position)
        source.seek(position)
        (count,) = struct.unpack(order + count_form, source.read(struct.calcsize(count_form)))
        yield from range(_DIRECTORY)
        yield from range(count)
        source.seek(count * entry, io.SEEK_CUR)
        (position,) = struct.unpack(order + offset_form, source.read(struct.calcsize(offset_form)))


_COUNTED: Mapping[str, tuple[Callable[[BinaryIO], Iterator[int]], int]] = {
    "jpeg": (_jpeg_segments, MAX_SEGMENTS),
    "gif": (_gif_blocks, MAX_BLOCKS),
    **dict.fromkeys(("heic", "avif", "jxl"), (_boxes, MAX_BOXES)),
    "tiff": (_entries, MAX_ENTRIES),
    "raw": (_entries, MAX_ENTRIES),
}
