"""The picture data of GIF (GIF89a), and the number of its blocks."""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from tagroll.metadata.containers.limits import LOOKED_AT, MAX_BLOCKS
from tagroll.metadata.containers.splice import Parts

_MAX_BLOCKS = 200_000
_GIF_APPLICATIONS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})


_SMALLEST_GIF = 2 * MAX_BLOCKS


def gif_size(view: memoryview) -> tuple[int, int]:
    """Width and height of the screen that the pictures are shown on."""
    width, height = struct.unpack_from("<HH", view, 6)
    return width, height


def gif_parts(view: memoryview) -> Parts:
    """What counts of a GIF as its picture (see `picture`)."""
    yield view[:3]
    position = 13 + _table(view[10])
    yield view[6:position]
    for _ in range(_MAX_BLOCKS):
        if position >= len(view) or view[position] == 0x3B:
            return
        start = position
        kind, label = view[position], view[position + 1]
        if kind == 0x2C:
            position += 11 + _table(view[position + 9])
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


def blocks(source: BinaryIO) -> Iterator[int]:
    """Every block, and every part of its data that is not full, as `limits` counts them."""
    if source.seek(0, io.SEEK_END) < _SMALLEST_GIF:
        return
    source.seek(0)
    data = source.read(LOOKED_AT)
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
