"""Whether a file carries a C2PA signature ("Content Credentials"), which any change would break.

C2PA technical specification 2.1, "Embedding manifests into assets". For JPEG, PNG and WebP the answer stands
in `Packets.signed`; `is_signed` is for the formats that are not taken apart for reading.
"""

import re
import struct

from tagroll.formats import Format
from tagroll.metadata.containers.bmff import boxes
from tagroll.metadata.packets.tiff import Tiff

_LABEL = b"c2pa"
_REMOTE = re.compile(rb"""dcterms:provenance\s*(?:=\s*["']|>)\s*https?:""")
_TIFF_TAG = 0xCD41
_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_GIF_APPLICATION = b"\x21\xff\x0bC2PA_GIF"


def is_c2pa_box(payload: bytes) -> bool:
    """Whether a JPEG APP11 payload is (a part of) a JUMBF box with a C2PA manifest store."""
    return payload.startswith(b"JP") and _LABEL in payload[:64]


def points_to_manifest(xmp: bytes | None) -> bool:
    """Whether an XMP packet says that the manifest for the file lies on a server."""
    return xmp is not None and b"dcterms:provenance" in xmp and _REMOTE.search(xmp) is not None


def is_signed(data: bytes, fmt: Format) -> bool:
    """Whether a TIFF, RAW, HEIC, AVIF, JPEG XL or GIF file carries a C2PA manifest.

    Args:
        data: The whole file. One that cannot be taken apart carries none that a program could find.
        fmt: Its format; for others the answer is no.
    """
    view = memoryview(data)
    try:
        if fmt.name == "gif":
            return _GIF_APPLICATION in data
        if fmt.name in {"tiff", "raw"} and data[:2] in {b"II", b"MM"}:
            tiff = Tiff(view)
            return _TIFF_TAG in tiff.directory(tiff.first)[0]
        if fmt.name in {"heic", "avif", "jxl", "raw"}:
            return any(_is_manifest(box.name, bytes(box.body[:64])) for box in boxes(view))
    except (ValueError, struct.error):
        return False
    return False


def _is_manifest(name: bytes, head: bytes) -> bool:
    return (name == b"uuid" and head.startswith(_UUID)) or (name == b"jumb" and _LABEL in head)
