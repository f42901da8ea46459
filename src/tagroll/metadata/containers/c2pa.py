"""Whether a file carries a C2PA signature ("Content Credentials"), which any change would break.

C2PA technical specification 2.1, "Embedding manifests into assets". For JPEG, PNG and WebP the answer stands
in `Packets.signed`; the others are looked through whole.
"""

import re

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


def in_gif(data: bytes) -> bool:
    """Whether a GIF carries a manifest."""
    return _GIF_APPLICATION in data


def in_tiff(data: bytes) -> bool:
    """Whether a TIFF carries a manifest."""
    tiff = Tiff(memoryview(data))
    return _TIFF_TAG in tiff.directory(tiff.first)[0]


def in_boxes(data: bytes) -> bool:
    """Whether a HEIC, AVIF or JPEG XL carries a manifest."""
    return any(_is_manifest(box.name, bytes(box.body[:64])) for box in boxes(memoryview(data)))


def in_raw(data: bytes) -> bool:
    """Whether a RAW carries a manifest: most are TIFF, some are made of boxes."""
    return in_tiff(data) if data[:2] in {b"II", b"MM"} else in_boxes(data)


def _is_manifest(name: bytes, head: bytes) -> bool:
    return (name == b"uuid" and head.startswith(_UUID)) or (name == b"jumb" and _LABEL in head)
