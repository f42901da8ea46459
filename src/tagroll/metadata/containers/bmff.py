"""Boxes, and the picture data of HEIC and AVIF (ISO/IEC 14496-12 boxes, 23008-12 items)."""

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

_NOT_PICTURES = frozenset({b"Exif", b"mime", b"uri "})
_MAX_EXTENTS = 1 << 16
_MAX_BOXES = 1 << 16
"""Far more than any photo has in one place: the largest have an item for each of some hundred tiles."""
_MAX_META = 64 << 20


_MAX_LIST = 8 << 20
"""Bytes of a list of items that are looked at for counting, without the data in it."""
_NESTED = {
    **dict.fromkeys((b"meta", b"iref"), 4),
    **dict.fromkeys(
        (b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"moof", b"traf"), 0
    ),
    b"iinf": 6,
}
"""Boxes of boxes, and how many bytes of their own stand before these."""


class Box(NamedTuple):
    """A box: its type, and what it holds."""

    name: bytes
    body: memoryview


def boxes(view: memoryview) -> Iterator[Box]:
    """The boxes that fill a stretch of a file, one after the other.

    Raises:
        ValueError, struct.error: They do not fill it.
    """
    position = count = 0
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
        count += 1
        if count > _MAX_BOXES:
            raise ValueError("too many boxes")
        yield Box(name, view[position + header : position + size])
        position += size


def counted_boxes(source: BinaryIO) -> Iterator[int]:
    """Every box at the top, and those inside the lists of items and tracks, as `limits` counts them."""
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
        if name in _NESTED:
            body = source.read(min(size - header, _MAX_LIST))
            yield from _inner(memoryview(body)[_NESTED[name] :])
        position += size


def _inner(view: memoryview) -> Iterator[int]:
    for box in boxes(view):
        yield 0
        if box.name in _NESTED:
            yield from _inner(box.body[_NESTED[box.name] :])


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


def heif_size(view: memoryview) -> tuple[int, int]:
    """Width and height of the primary picture, turned as the file says (23008-12, 6.5.3 and 6.5.10).

    Raises:
        ValueError, LookupError, struct.error: The file cannot be taken apart.
    """
    inner = dict(boxes(dict(boxes(view))[b"meta"][4:]))
    properties = dict(boxes(inner[b"iprp"]))
    there = list(boxes(properties[b"ipco"]))
    size = (0, 0)
    for number in _properties_of(_primary(inner), properties[b"ipma"]):
        box = there[number - 1]
        if box.name == b"ispe":
            size = struct.unpack_from(">II", box.body, 4)
        elif box.name == b"irot" and box.body[0] & 1:
            size = size[::-1]
    return size


def _primary(inner: Mapping[bytes, memoryview]) -> int:
    """The number of the primary item (14496-12, 8.11.4)."""
    (primary,) = struct.unpack_from(">I" if inner[b"pitm"][0] else ">H", inner[b"pitm"], 4)
    return int(primary)


def _properties_of(item: int, body: memoryview) -> list[int]:
    """The numbers of an item's properties, from 1, in the order in which they are applied (23008-12, 9.3)."""
    cursor = _Cursor(body, 4)
    width, mask = (2, 0x7FFF) if body[3] & 1 else (1, 0x7F)
    for _ in range(cursor.number(4)):
        this = cursor.number(4 if body[0] else 2)
        numbers = [cursor.number(width) & mask for _ in range(cursor.number(1))]
        if this == item:
            return [number for number in numbers if number]
    return []


class ItemXmp(NamedTuple):
    """The XMP of a HEIC or AVIF, by whom it describes.

    Attributes:
        photos: The packets of the primary item; where it has none, of the items that it is made of.
        others: Those that describe nothing but other items: gain maps, depth maps, thumbnails.
    """

    photos: list[bytes]
    others: list[bytes]


def heif_xmp(file: BinaryIO) -> ItemXmp:
    """Tell the photo's XMP from that of its auxiliary pictures: a `cdsc` reference says what an item describes.

    What refers to nothing is in neither list. Reads no more of the file than it must.

    Args:
        file: At its start; it must be able to seek.

    Raises:
        ValueError, KeyError, struct.error: The file cannot be taken apart.
    """
    inner = dict(boxes(memoryview(_meta(file))[4:]))
    kinds, places = _item_kinds(inner[b"iinf"]), _item_places(inner[b"iloc"])
    references = _references(inner[b"iref"]) if b"iref" in inner else {}
    primary = _primary(inner)
    parts = _parts_of(primary, kinds, references)
    found: dict[str, list[bytes]] = {"primary": [], "parts": [], "others": []}
    for item in (item for item, kind in kinds.items() if kind == b"mime" and item in places):
        described = set(references.get((b"cdsc", item), ()))
        if described:
            of = "primary" if primary in described else "others" if parts.isdisjoint(described) else "parts"
            found[of].append(_item_data(file, places[item], inner))
    return ItemXmp(found["primary"] or found["parts"], found["others"])


_References = Mapping[tuple[bytes, int], Sequence[int]]


def _parts_of(primary: int, kinds: Mapping[int, bytes], references: _References) -> set[int]:
    """The items that a derived picture is made of (23008-12, 6.4.2), as a grid is of its tiles.

    Of a tone-mapped picture (`tmap`) it is the first: the second is the gain map.
    """
    ahead, found = [primary], set[int]()
    while ahead:
        item = ahead.pop()
        inputs = references.get((b"dimg", item), ())
        new = set(inputs[:1] if kinds.get(item) == b"tmap" else inputs) - found - {primary}
        found |= new
        ahead += new
    return found


def _meta(file: BinaryIO) -> bytes:
    """What the `meta` box at the top of a file holds."""
    for _ in range(_MAX_BOXES):
        size, name = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            header = 16
        if name == b"meta" and header <= size <= _MAX_META:
            return file.read(size - header)
        if size < header:
            break
        file.seek(size - header, 1)
    raise ValueError("no list of items")


def _references(body: memoryview) -> _References:
    """What items refer to, by the kind of reference and the item it comes from (14496-12, 8.11.12)."""
    letter = "I" if body[0] else "H"
    found = {}
    for box in boxes(body[4:]):
        item, count = struct.unpack_from(f">{letter}H", box.body)
        found[box.name, item] = struct.unpack_from(
            f">{count}{letter}", box.body, struct.calcsize(f">{letter}H")
        )
    return found


def _item_data(file: BinaryIO, place: "_Place", inner: Mapping[bytes, memoryview]) -> bytes:
    method, extents = place
    if method:
        return b"".join(inner[b"idat"][start : start + length] for start, length in extents)
    out = bytearray()
    for start, length in extents:
        file.seek(start)
        out += file.read(min(length or _MAX_META, _MAX_META - len(out)))
    return bytes(out)


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


_Place = tuple[int, list[tuple[int, int]]]
_Places = dict[int, _Place]


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
