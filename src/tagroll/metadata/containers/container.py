"""The table of containers, and what is asked of a file through it, whatever its container.

A new container is one module and one row in CONTAINERS; `Format.container` says which formats come in it.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from tagroll.errors import MetadataError
from tagroll.formats import Format
from tagroll.metadata.containers import bmff, c2pa, gif, hidden_tags, jpeg, jxl, png, psd, tiff, webp
from tagroll.metadata.containers.limits import (
    MADE_OF_CRUMBS,
    MAX_BLOCKS,
    MAX_BOXES,
    MAX_ENTRIES,
    MAX_SEGMENTS,
)
from tagroll.metadata.containers.splice import Parts


def _no(_data: bytes | memoryview) -> bool:
    return False


def bmp_size(view: memoryview) -> tuple[int, int]:
    """Width and height of a BMP; the height is negative where the rows stand from top to bottom."""
    form = "<HH" if view[14] == 12 else "<ii"
    width, height = struct.unpack_from(form, view, 18)
    return width, abs(height)


def _nothing(_data: bytes) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Container:
    """What is known of one container. Functions that take a file apart raise ValueError, LookupError or struct.error.

    Attributes:
        picture: The parts of a file that make up its picture; None: a file is hashed whole.
        packets: The module that reads and replaces the packets in process, if there is one.
        count: The tiny parts of a file, and how many of them there may be; None where nobody has to count them.
        is_signed: Whether a file carries a C2PA manifest, where that does not stand in `Packets.signed`.
        has_tags: Whether a file holds tags that are no XMP.
        exif: The EXIF (TIFF) block of a file, or None; where it does not stand in `Packets.exif`.
        xmp: Tells whose XMP is whose, where a file has that of several pictures.
        extends_xmp: Whether XMP may go on in a second packet.
        check_read: Raises MetadataError where a file has XMP that exiftool does not give; `found`: whether it gave any.
        read_only_reason: Why a file must stay as it is, or "".
        size: Width and height of the picture; where it does not stand in `Packets.size`.
        turns_itself: Whether a file says itself how its picture is turned, so that EXIF has no say; `size` is upright.
    """

    picture: Callable[[memoryview], Parts] | None = None
    packets: ModuleType | None = None
    count: tuple[Callable[[BinaryIO], Iterator[object]], int] | None = None
    is_signed: Callable[[bytes], bool] = _no
    has_tags: Callable[[memoryview], bool] = _no
    exif: Callable[[memoryview], bytes | memoryview | None] | None = None
    xmp: Callable[[BinaryIO], bmff.ItemXmp] | None = None
    extends_xmp: bool = False
    check_read: Callable[[bytes, bool], None] | None = None
    read_only_reason: Callable[[bytes], str] = _nothing
    size: Callable[[memoryview], tuple[int, int]] | None = None
    turns_itself: bool = False


_BOXES = (bmff.counted_boxes, MAX_BOXES)
_ENTRIES = (tiff.counted_entries, MAX_ENTRIES)

CONTAINERS: Mapping[str, Container] = {
    "": Container(),
    "bmp": Container(size=bmp_size),
    "jpeg": Container(jpeg.jpeg_parts, jpeg, (jpeg.segments, MAX_SEGMENTS), extends_xmp=True),
    "png": Container(png.png_parts, png),
    "webp": Container(webp.webp_parts, webp),
    "gif": Container(gif.gif_parts, count=(gif.blocks, MAX_BLOCKS), is_signed=c2pa.in_gif, size=gif.gif_size),
    "tiff": Container(
        tiff.tiff_parts, count=_ENTRIES, is_signed=c2pa.in_tiff, has_tags=hidden_tags.in_tiff, exif=lambda view: view,
        size=tiff.tiff_size,
    ),
    # mostly TIFF, some boxes, some neither
    "raw": Container(tiff.tiff_parts, count=_ENTRIES, is_signed=c2pa.in_raw, has_tags=hidden_tags.in_tiff),
    "heif": Container(
        bmff.heif_parts, count=_BOXES, is_signed=c2pa.in_boxes, has_tags=hidden_tags.in_heif,
        exif=bmff.heif_exif, xmp=bmff.heif_xmp, size=bmff.heif_size, turns_itself=True,
    ),
    "psd": Container(psd.psd_parts, size=psd.psd_size),
    "jxl": Container(
        jxl.jxl_parts, count=_BOXES, is_signed=c2pa.in_boxes,
        check_read=jxl.check_nothing_hidden, read_only_reason=jxl.read_only_reason,
    ),
}  # fmt: skip


def container_of(fmt: Format) -> Container:
    """The row of a format's container."""
    return CONTAINERS[fmt.container]


def is_signed(data: bytes, fmt: Format) -> bool:
    """Whether a file carries a C2PA manifest, where that does not stand in `Packets.signed`.

    Args:
        data: The whole file. One that cannot be taken apart carries none that a program could find.
        fmt: Its format.
    """
    try:
        return container_of(fmt).is_signed(data)
    except (ValueError, struct.error):
        return False


def may_have_tags(data: bytes, fmt: Format) -> bool:
    """Whether the bytes of a file that is not read in process show traces of tags.

    Args:
        data: The whole file. What cannot be taken apart is judged by its XMP alone.
        fmt: Its format.
    """
    if hidden_tags.in_xmp(data):
        return True
    try:
        return container_of(fmt).has_tags(memoryview(data))
    except (ValueError, LookupError, struct.error):
        return False
    except MetadataError:
        return True


def check_parts(source: BinaryIO, fmt: Format) -> None:
    """Look how many parts a file has.

    Args:
        source: At its start; it must be able to seek.
        fmt: Its format.

    Raises:
        MetadataError: They are too many. A file that cannot be taken apart is left to whoever reads it.
    """
    counted = container_of(fmt).count
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
