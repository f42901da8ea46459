"""The picture data of HEIC, AVIF and JPEG XL (ISO/IEC 14496-12 boxes, 23008-12 items, 18181-2)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_NOT_PICTURES = frozenset({b"Exif", b"mime", b"uri "})
_MAX_EXTENTS = 1 << 16


class Box(NamedTuple):
    """A box: its type, and what it holds."""

    name: bytes
    body: memoryview


def boxes(view: memoryview) -> Iterator[Box]:
    """The boxes that fill a stretch of a file, one after the other.

    Raises:
        ValueError, struct.error: They do not fill it.
    """
    position = 0
    while position < len(view):
        size, name = struct.unpack_from(">I4s", view, position)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", view, position + 8)
            header = 16
        elif size == 0:
            size = len(view) - position
        if size < header or position + size > len(view):
            raise ValueError("a box does not fit")
        yield Box(name, view[position + header : position + size])
        position += size


def jxl_parts(view: memoryview) -> Iterator[bytes | memoryview]:
    """The codestream: the same whether it stands alone or in a container, in one piece or in several."""
    if bytes(view[:2]) == b"\xff\x0a":
        yield view
        return
    for box in boxes(view):
        if box.name == b"jxlc":
            yield box.body
        elif box.name == b"jxlp":
            yield box.body[4:]


def heif_parts(view: memoryview) -> Iterator[bytes | memoryview]:
    """The data of all items that are pictures, by item number, and the item properties.

    Raises:
        ValueError, KeyError, struct.error: The file cannot be taken apart, or is an image sequence.
    """
    top = dict(boxes(view))
    if b"moov" in top:
        raise ValueError("an image sequence")
    inner = dict(boxes(top[b"meta"][4:]))
    kinds = _item_kinds(inner[b"iinf"])
    places = _item_places(inner[b"iloc"])
    data = {0: view, 1: inner.get(b"idat", memoryview(b""))}
    budget = len(view)
    for item in sorted(places):
        kind = kinds.get(item, b"")
        if kind in _NOT_PICTURES:
            continue
        yield struct.pack(">I", item) + kind
        method, extents = places[item]
        source = data[method]
        for offset, length in extents:
            size = length or len(source) - offset
            budget -= size
            if offset + size > len(source) or budget < 0:
                raise ValueError("item data outside the file")
            yield source[offset : offset + size]
    for box in boxes(inner[b"iprp"]):
        yield box.body


def heif_exif(view: memoryview) -> bytes | None:
    """The TIFF block with the EXIF data, or None.

    Raises:
        ValueError, KeyError, struct.error: The file cannot be taken apart.
    """
    inner = dict(boxes(dict(boxes(view))[b"meta"][4:]))
    item = next((item for item, kind in _item_kinds(inner[b"iinf"]).items() if kind == b"Exif"), None)
    if item is None:
        return None
    method, extents = _item_places(inner[b"iloc"])[item]
    source = inner[b"idat"] if method else view
    block = b"".join(source[offset : offset + length] for offset, length in extents)
    (ahead,) = struct.unpack_from(">I", block)  # 23008-12, annex A: what stands before the TIFF header
    return block[4 + ahead :]


def _item_kinds(body: memoryview) -> dict[int, bytes]:
    """Type by item number (23008-12, 14496-12 8.11.6)."""
    kinds = {}
    for box in boxes(body[6 if body[0] == 0 else 8 :]):
        if box.name != b"infe" or box.body[0] < 2:
            raise ValueError("an old item entry")
        form = ">HH4s" if box.body[0] == 2 else ">IH4s"
        item, _, kind = struct.unpack_from(form, box.body, 4)
        kinds[item] = kind
    return kinds


_Places = dict[int, tuple[int, list[tuple[int, int]]]]


def _item_places(body: memoryview) -> _Places:
    """Construction method and extents (offset; length, 0: to the end) by item number (14496-12, 8.11.3)."""
    version = body[0]
    widths = (body[4] >> 4, body[4] & 15, body[5] >> 4, body[5] & 15 if version else 0)
    offset_width, length_width, base_width, index_width = widths
    cursor = _Cursor(body, 6)
    places: _Places = {}
    left = _MAX_EXTENTS
    for _ in range(cursor.number(2 if version < 2 else 4)):
        item = cursor.number(2 if version < 2 else 4)
        method = cursor.number(2) & 15 if version else 0
        reference = cursor.number(2)
        base = cursor.number(base_width)
        extents = []
        for _ in range(cursor.number(2)):
            left -= 1
            if left < 0:
                raise ValueError("too many extents")
            cursor.number(index_width)
            offset = cursor.number(offset_width)
            extents.append((base + offset, cursor.number(length_width)))
        if method > 1 or reference:
            raise ValueError("item data in other items or files")
        places[item] = (method, extents)
    return places


class _Cursor:
    """Reads big-endian numbers one after the other."""

    def __init__(self, view: memoryview, position: int) -> None:
        self._view = view
        self._position = position

    def number(self, width: int) -> int:
        """The next number of `width` bytes (0: the number 0)."""
        end = self._position + width
        if end > len(self._view):
            raise ValueError("cut off")
        value = int.from_bytes(self._view[self._position : end], "big")
        self._position = end
        return value
