"""The index of a multi-picture JPEG (CIPA DC-007 "Multi-Picture Format").

Its offsets count from the TIFF header inside the MPF segment to pictures behind the main one.
"""

import struct
from collections.abc import Iterator, Sequence

from tagroll.errors import ForeignStructureError
from tagroll.metadata.containers.splice import Edit, moved

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
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[base : base + 4])
    try:
        if order is None:
            raise ForeignStructureError("the multi-picture index is damaged")
        ifd = base + struct.unpack_from(f"{order}I", data, base + 4)[0]
        (count,) = struct.unpack_from(f"{order}H", data, ifd)
        for entry in range(ifd + 2, ifd + 2 + 12 * count, 12):
            tag, _, size, offset = struct.unpack_from(f"{order}HHII", data, entry)
            if tag != _MP_ENTRIES:
                continue
            if base + offset + size > end:
                raise ForeignStructureError("the multi-picture index is damaged")
            for at in range(base + offset, base + offset + size - _ENTRY_BYTES + 1, _ENTRY_BYTES):
                yield at + 8, order
    except struct.error as error:
        raise ForeignStructureError("the multi-picture index is damaged") from error
