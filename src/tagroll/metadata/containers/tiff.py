"""The picture data of TIFF and of the RAW formats built on it (TIFF 6.0; BigTIFF; DNG for SubIFDs)."""

import struct
from collections.abc import Iterator

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Bytes of one value, by its type."""
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SUB_IFDS = 330
_DATA = ((273, 279), (324, 325), (513, 514))
"""Tags of the offsets and lengths: strips, tiles, a JPEG in one piece."""
_HOW = (
    *(
        256,
        257,
        258,
        259,
        262,
        266,
        277,
        278,
        284,
        292,
        293,
        301,
        317,
        318,
        319,
        320,
        322,
        323,
        332,
        338,
        339,
    ),
    *(340, 341, 347, 512, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 33421, 33422, 34675),
)
"""Tags that say how the data become a picture."""
_MAX_DIRECTORIES = 50_000
_Entry = tuple[int, int, int]
"""Type, count, and where the value or its offset stands."""


def tiff_parts(view: memoryview) -> Iterator[bytes | memoryview]:
    """The parts that make up the pictures, in the order of the IFDs.

    Raises:
        ValueError: The file cannot be taken apart, or holds no picture data.
    """
    tiff = Tiff(view)
    ahead = [tiff.first]
    seen = {0}
    found = False
    while ahead:
        position = ahead.pop()
        if position in seen:
            continue
        seen.add(position)
        if len(seen) > _MAX_DIRECTORIES:
            raise ValueError("too many directories")
        entries, following = tiff.entries(position)
        ahead.append(following)
        ahead += reversed(tiff.numbers(entries.get(_SUB_IFDS)))
        for tag in _HOW:
            if tag in entries:
                yield tag.to_bytes(2, "big")
                yield tiff.value(entries[tag])
        for offsets, lengths in _DATA:
            starts, sizes = tiff.numbers(entries.get(offsets)), tiff.numbers(entries.get(lengths))
            for start, size in zip(starts, sizes, strict=True):
                found = True
                yield tiff.cut(start, size)
    if not found:
        raise ValueError("no picture data")


class Tiff:
    """Reads one TIFF or BigTIFF. All that is read counts against a few times the size of the file.

    So a file whose entries all point at the same bytes over and over costs no more than a large one.
    """

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._budget = 4 * len(view)
        self._order = {b"II": "<", b"MM": ">"}.get(bytes(view[:2]), "")
        if not self._order:
            raise ValueError("not a TIFF")
        self._is_big = self._unpack("H", 2) == (43,)
        self._width = 8 if self._is_big else 4
        (self.first,) = self._unpack("Q", 8) if self._is_big else self._unpack("I", 4)

    def cut(self, start: int, size: int) -> memoryview:
        """Some bytes of the file."""
        self._budget -= size
        if start + size > len(self._view) or self._budget < 0:
            raise ValueError("outside the file")
        return self._view[start : start + size]

    def entries(self, position: int) -> tuple[dict[int, _Entry], int]:
        """The entries of one IFD by tag, and the offset of the next (0: none)."""
        (count,) = self._unpack("Q" if self._is_big else "H", position)
        position += 8 if self._is_big else 2
        form = "HHQQ" if self._is_big else "HHII"
        size = 4 + 2 * self._width
        table = self.cut(position, count * size)
        entries = {
            tag: (kind, values, position + (index + 1) * size - self._width)
            for index, (tag, kind, values, _) in enumerate(struct.iter_unpack(self._order + form, table))
        }
        end = position + count * size
        is_last = end + self._width > len(self._view)  # some writers leave the final zero out
        return entries, 0 if is_last else self._unpack(form[-1], end)[0]

    def value(self, entry: _Entry) -> memoryview:
        """The bytes of a value, which stand in the entry itself when they fit."""
        kind, count, at = entry
        size = _SIZES.get(kind, 1) * count
        if size > self._width:
            (at,) = self._unpack("Q" if self._is_big else "I", at)
        return self.cut(at, size)

    def numbers(self, entry: _Entry | None) -> list[int]:
        """A value as whole numbers; [] when there is none."""
        if entry is None or entry[0] not in _WHOLE:
            return []
        form = self._order + _WHOLE[entry[0]]
        return [number for (number,) in struct.iter_unpack(form, self.value(entry))]

    def _unpack(self, form: str, position: int) -> tuple[int, ...]:
        form = self._order + form
        return struct.unpack(form, self.cut(position, struct.calcsize(form)))
