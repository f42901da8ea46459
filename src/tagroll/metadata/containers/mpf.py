"""The index of a multi-picture JPEG (CIPA DC-007 "Multi-Picture Format").

Its offsets count from the TIFF header inside the MPF segment to pictures behind the main one.
"""

import struct
from collections.abc import Iterator, Sequence

from tagroll.errors import ForeignStructureError
from tagroll.metadata.containers.splice import Edit, moved
from tagroll.metadata.packets.tiff import CLASSIC, BrokenTiffError, Tiff

_MP_ENTRIES = 0xB002
_ENTRY_BYTES = 16


def follow(data: bytes, base: int, end: int, edits: Sequence[Edit]) -> list[Edit]:
    """The edits of an MPF index that keep each picture findable when the distance to it changes.

    The length of the first picture (this one) stays as it is, as exiftool leaves it: readers go by offsets.

    Args:
        data: The whole file.
        base: Where the TIFF header of the index starts.
        end: Where its segment ends.
        edits: What is going to change.

    Raises:
        ForeignStructureError: A distance changes and the index cannot be understood.
    """
    fixes = []
    for at, order in _offset_fields(data, base, end):
        offset: int = struct.unpack_from(f"{order}I", data, at)[0]
        if not offset:  # the main picture
            continue
        new = moved(base + offset, edits) - moved(base, edits)
        if new != offset:
            if not max(edit.end for edit in edits) <= base + offset <= len(data) or not 0 < new < 1 << 32:
                raise ForeignStructureError("the multi-picture index points at the wrong places")
            fixes.append(Edit(at, at + 4, struct.pack(f"{order}I", new)))
    return fixes


def _offset_fields(data: bytes, base: int, end: int) -> Iterator[tuple[int, str]]:
    """Where the offset of each picture stands, with the byte order."""
    if data[base : base + 4] not in CLASSIC:
        raise ForeignStructureError("the multi-picture index is damaged")
    try:
        tiff = Tiff(memoryview(data)[base:])
        for entry in tiff.entries(tiff.first, (_MP_ENTRIES,)):
            start = base + tiff.number(entry.at)
            if start + entry.values > end:
                raise ForeignStructureError("the multi-picture index is damaged")
            for at in range(start, start + entry.values - _ENTRY_BYTES + 1, _ENTRY_BYTES):
                yield at + 8, tiff.order
    except BrokenTiffError as error:
        raise ForeignStructureError("the multi-picture index is damaged") from error
