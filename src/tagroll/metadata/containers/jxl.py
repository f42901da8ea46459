"""The picture data of JPEG XL, and the boxes that decide whether its metadata can be read, and may be changed.

ISO/IEC 18181-2.
"""

import struct
from contextlib import suppress

from tagroll.errors import MetadataError
from tagroll.metadata.containers.bmff import Box, boxes
from tagroll.metadata.containers.splice import Parts


def jxl_parts(view: memoryview) -> Parts:
    """The codestream: the same whether it stands alone or in a container, in one piece or in several."""
    if bytes(view[:2]) == b"\xff\x0a":
        yield view
        return
    for box in boxes(view):
        if box.name == b"jxlc":
            yield box.body
        elif box.name == b"jxlp":
            yield box.body[4:]


def holds_jpeg(data: bytes) -> bool:
    """Whether the file can give back, to the byte, the JPEG that it was made of.

    Its `jbrd` box says how long that one's EXIF and XMP were; with others in their place it could not any more.
    """
    return any(box.name == b"jbrd" for box in _boxes(data))


def read_only_reason(data: bytes) -> str:
    """Why the file must stay as it is, or ""."""
    return "the JPEG it was made from could not be restored any more" if holds_jpeg(data) else ""


def check_nothing_hidden(data: bytes, found: bool) -> None:
    """See that the XMP that was read is all there is. Encoders compress it (a `brob` box) unless told not to.

    Args:
        data: The whole file.
        found: Whether XMP was read.

    Raises:
        MetadataError: There is XMP that was not read.
    """
    kinds = [(box.name, bytes(box.body[:4])) for box in _boxes(data)]
    compressed = kinds.count((b"brob", b"xml "))
    if compressed + sum(name == b"xml " for name, _ in kinds) > 1:
        raise MetadataError("the photo has several XMP packets")
    if compressed and not found:
        raise MetadataError(
            "the photo's XMP is compressed, which exiftool cannot read here",
            "Install the Perl module IO::Uncompress::Brotli, which exiftool needs for it",
        )


def _boxes(data: bytes) -> list[Box]:
    """The boxes up to the first that is damaged; none in a bare codestream."""
    found: list[Box] = []
    with suppress(ValueError, struct.error):
        found.extend(boxes(memoryview(data)))
    return found
