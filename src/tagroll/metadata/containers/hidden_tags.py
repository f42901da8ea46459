"""Whether a file may hold tags that only exiftool can read: without it, such a file must not pass for one without any."""

from tagroll.metadata.containers.bmff import heif_exif
from tagroll.metadata.containers.photoshop import iptc_of
from tagroll.metadata.packets import exif, iptc
from tagroll.metadata.packets.tiff import Tiff

_XMP = (
    b"ubject>",
    b"ubject=",
    b":TagsList",
    b":LastKeyword",
    b":CatalogSets",
    b":categories",
    b":keyword",
    b":Keyword",
)
"""What an XMP packet with tags contains."""
_IPTC, _PHOTOSHOP, _XP_KEYWORDS = 0x83BB, 0x8649, 0x9C9E
"""TIFF entries with tags. Photoshop resources hold other things, too: those with IPTC say so."""
_MAX_PAGES = 1000


def in_xmp(data: bytes) -> bool:
    """Whether the bytes of a file show XMP with tags."""
    return any(trace in data for trace in _XMP)


def in_heif(view: memoryview) -> bool:
    """Whether a HEIC or AVIF has Windows' keywords."""
    block = heif_exif(view)
    return bool(block and exif.read_text(block).keywords)


def in_tiff(view: memoryview) -> bool:
    """Whether a page of a TIFF, or of a RAW built on it, has IPTC or Windows' keywords."""
    tiff = Tiff(view)
    position, pages = tiff.first, 0
    while position and pages < _MAX_PAGES:
        entries, position = tiff.directory(position)
        pages += 1
        iptc_block = bytes(tiff.value(entries[_IPTC])) if _IPTC in entries else b""
        resources = bytes(tiff.value(entries[_PHOTOSHOP])) if _PHOTOSHOP in entries else b""
        blocks = (iptc_block, iptc_of(resources) or b"")
        if _XP_KEYWORDS in entries or any(map(iptc.read_keywords, blocks)):
            return True
    return False
