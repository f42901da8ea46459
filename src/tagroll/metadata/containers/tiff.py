"""The picture data of TIFF and of the RAW formats built on it (TIFF 6.0; BigTIFF; DNG for SubIFDs)."""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from tagroll.metadata.containers.splice import Parts
from tagroll.metadata.packets.tiff import Tiff

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


_DIRECTORY = 20
"""As many entries a directory counts: so much longer does exiftool take for it."""


def tiff_parts(view: memoryview) -> Parts:
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
        entries, following = tiff.directory(position)
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


def tiff_size(view: memoryview) -> tuple[int, int]:
    """Width and height of the first picture, as it is stored.

    Raises:
        ValueError: The file cannot be taken apart.
    """
    tiff = Tiff(view)
    width, height = (tiff.numbers(tiff.find(tiff.first, tag)) or [0] for tag in (256, 257))
    return width[0], height[0]


def counted_entries(source: BinaryIO) -> Iterator[int]:
    """The directories of a TIFF one after the other, and their entries. Those to which entries point are few for exiftool.

    As `limits` counts them; read from the file, which may be larger than what is held in memory.
    """
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
