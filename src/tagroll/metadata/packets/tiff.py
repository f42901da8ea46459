"""Reads TIFF: the file, BigTIFF and the RAW formats built on it, an EXIF block, a multi-picture index (TIFF 6.0)."""

import struct
from collections.abc import Container
from typing import Generic, NamedTuple, TypeVar

CLASSIC = frozenset({b"II*\0", b"MM\0*"})
"""How a TIFF starts that is no BigTIFF, and that no maker has changed."""
_SIZES = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}
"""Bytes of one value, by its type."""
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_BIG = 43
_NUMBERS = {order + code: struct.Struct(order + code) for order in "<>" for code in "HIQ"}
"""One whole number, by the order of bytes and its code."""
_ROWS = {order + form: struct.Struct(f"{order}HH{form}{form}") for order in "<>" for form in "IQ"}
"""Tag, type, count, and value or its place, by the order of bytes and the width of the latter two."""
_Data = TypeVar("_Data", bytearray, memoryview)


class BrokenTiffError(ValueError):
    """It cannot be walked."""


class Entry(NamedTuple):
    """One entry of a directory; `start` is where it stands, `at` where its value, or the `place` of that, stands."""

    tag: int
    kind: int
    values: int
    start: int
    at: int
    place: int

    @property
    def size(self) -> int:
        """How many bytes its value has."""
        return _SIZES.get(self.kind, 1) * self.values


class Tiff(Generic[_Data]):
    """Reads one TIFF. All that is read counts against a few times its size.

    So a file whose entries all point at the same bytes over and over costs no more than a large one.

    Attributes:
        data: All of it.
        order: Of its bytes, as in struct.
        first: Where its first directory stands.
    """

    _lowest = 0
    """The first place where a directory may stand."""

    def __init__(self, data: _Data) -> None:
        self.data: _Data = data
        self._budget: float = 4 * len(data)
        self.order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]), "")
        if not self.order:
            raise BrokenTiffError("not a TIFF")
        is_big = self.number(2, "H") == _BIG
        self._counter, self._offset = ("Q", "Q") if is_big else ("H", "I")
        self._row = _ROWS[self.order + self._offset]
        self._head, self._width = struct.calcsize(f"={self._counter}"), struct.calcsize(f"={self._offset}")
        self.first = self.number(8 if is_big else 4, self._offset)

    def number(self, at: int, code: str = "I") -> int:
        """The whole number at a place; `code`: H, I or Q, as in struct."""
        form = _NUMBERS[self.order + code]
        self._budget -= form.size
        if at + form.size > len(self.data) or self._budget < 0:
            raise BrokenTiffError("outside the file")
        value: int = form.unpack_from(self.data, at)[0]
        return value

    def cut(self, start: int, size: int) -> _Data:
        """Some of its bytes."""
        self._budget -= size
        if start + size > len(self.data) or self._budget < 0:
            raise BrokenTiffError("outside the file")
        return self.data[start : start + size]

    def entries(self, position: int, only: Container[int] | None = None) -> list[Entry]:
        """The entries of the directory at a place, in their order; `only`: those with one of these tags."""
        at, rows = self._rows(position)
        size, inner = self._row.size, self._row.size - self._width
        found = []
        for tag, kind, values, place in self._row.iter_unpack(rows):
            if only is None or tag in only:
                found.append(Entry(tag, kind, values, at, at + inner, place))
            at += size
        return found

    def find(self, position: int, wanted: int) -> Entry | None:
        """The first entry with a tag in the directory at a place."""
        return next(iter(self.entries(position, (wanted,))), None)

    def directory(self, position: int) -> tuple[dict[int, Entry], int]:
        """The entries of one directory by tag, and the place of the next (0: none)."""
        entries = self.entries(position)
        return {entry.tag: entry for entry in entries}, self.following(position, len(entries))

    def following(self, position: int, count: int) -> int:
        """Where the directory behind that of so many entries at a place stands (0: there is none)."""
        end = position + self._head + count * self._row.size
        is_last = end + self._width > len(self.data)  # some writers leave the final zero out
        return 0 if is_last else self.number(end, self._offset)

    def span(self, entry: Entry) -> tuple[int, int]:
        """Where a value stands, which is in the entry itself when it fits: first byte, and the one after the last."""
        size = entry.size
        start = entry.at if size <= self._width else entry.place
        if start + size > len(self.data):
            raise BrokenTiffError("outside the file")
        return start, start + size

    def value(self, entry: Entry) -> _Data:
        """The bytes of a value."""
        size = entry.size
        return self.cut(entry.at if size <= self._width else entry.place, size)

    def numbers(self, entry: Entry | None) -> list[int]:
        """A value as whole numbers; [] when there is none."""
        if entry is None or entry.kind not in _WHOLE:
            return []
        form = self.order + _WHOLE[entry.kind]
        return [number for (number,) in struct.iter_unpack(form, self.value(entry))]

    def _rows(self, position: int) -> tuple[int, _Data]:
        """Where the entries of the directory at a place start, and their bytes."""
        if position < self._lowest:
            raise BrokenTiffError("a directory in the header")
        start = position + self._head
        return start, self.cut(start, self.number(position, self._counter) * self._row.size)
