"""Photoshop image resources ("8BIM"), the wrapping of IPTC in JPEG and in some PNG files.

Adobe Photoshop File Formats Specification, "Image Resource Blocks": signature, two bytes of id, a Pascal
string padded to even length, four bytes of size, the data padded to even length.
"""

import hashlib
import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from tagroll.errors import ForeignStructureError

_SIGNATURES = frozenset({b"8BIM", b"8BPS", b"PHUT", b"DCSR", b"AgHg", b"MeSa"})
_IPTC = 0x0404
_DIGEST = 0x0425
_XMP = 0x0424
_PROFILE = 0x040F


class _Resource(NamedTuple):
    """One resource; `key` is its id, or 0 (which no program writes) when the signature is not "8BIM"."""

    key: int
    start: int
    end: int
    data: bytes


def _resources(block: bytes) -> Iterator[_Resource]:
    position = 0
    stop = len(block.rstrip(b"\0"))  # some writers fill up with zeros
    while position < stop:
        signature = block[position : position + 4]
        if signature not in _SIGNATURES or position + 7 > len(block):
            raise ForeignStructureError("the Photoshop resources are damaged")
        key = int.from_bytes(block[position + 4 : position + 6], "big")
        size_at = position + 6 + (block[position + 6] + 2) // 2 * 2
        data_at = size_at + 4
        size = int.from_bytes(block[size_at:data_at], "big")
        if data_at + size > len(block):
            raise ForeignStructureError("the Photoshop resources are cut off")
        end = min(data_at + size + size % 2, len(block))
        data = block[data_at : data_at + size]
        yield _Resource(key if signature == b"8BIM" else 0, position, end, data)
        position = end


def iptc_of(block: bytes) -> bytes | None:
    """The IPTC-IIM datasets among the resources of a block. An empty resource beside another one is none.

    Raises:
        ForeignStructureError: The block is damaged, or there are several IPTC resources and programs disagree
            about which counts.
    """
    marks = block.count(b"8BIM\x04\x04")
    ours = (resource.data for resource in _resources(block) if resource.key == _IPTC)
    found = list(islice(ours, marks))  # no further than the last that can be one
    full = [data for data in found if data]
    if len(full) > 1:
        raise ForeignStructureError("the photo has several IPTC blocks")
    return next(iter(full or found), None)


def xmp_of(block: bytes) -> tuple[bytes, ...]:
    """XMP packets among the resources, where PSD files have theirs; in a JPEG only some programs look there."""
    if b"8BIM\x04\x24" not in block:
        return ()
    return tuple(resource.data for resource in _resources(block) if resource.key == _XMP)


def profile_of(block: bytes) -> bytes:
    """The colour profile among the resources, where PSD files have theirs; none: b""."""
    return next((resource.data for resource in _resources(block) if resource.key == _PROFILE), b"")


def digest_of(block: bytes) -> bytes | None:
    """The MD5 that some IPTC had when XMP was last brought in step with it; None where nobody noted one."""
    if not has_digest(block):
        return None
    found = (resource.data for resource in _resources(block) if resource.key == _DIGEST)
    return next((data for data in found if any(data)), None)


def has_digest(block: bytes) -> bool:
    """Whether a block seems to tell the digest of some IPTC."""
    return b"8BIM\x04\x25" in block


def with_iptc(block: bytes, iptc: bytes | None) -> bytes:
    """The block with other IPTC and a digest that matches it; every other resource stays byte for byte.

    The digest is written even where there was none: with it, programs know that XMP and IPTC are in step
    (Metadata Working Group guidelines 2.0).

    Raises:
        ForeignStructureError: The block is damaged.
    """
    ours = b""
    if iptc is not None:
        digest = hashlib.md5(iptc, usedforsecurity=False).digest()
        ours = _resource(_IPTC, iptc) + _resource(_DIGEST, digest)
    pieces: list[bytes] = []
    position = 0
    for resource in _resources(block):
        if resource.key in {_IPTC, _DIGEST}:
            pieces += block[position : resource.start], ours
            ours = b""
            position = resource.end
    return ours + b"".join(pieces) + block[position:]


def _resource(key: int, data: bytes) -> bytes:
    return struct.pack(">4sHHI", b"8BIM", key, 0, len(data)) + data + bytes(len(data) % 2)
