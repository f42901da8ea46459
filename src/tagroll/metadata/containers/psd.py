"""The picture data of a Photoshop document (PSD, PSB), by Adobe's "Photoshop File Formats Specification"."""

import struct

from tagroll.metadata.containers.photoshop import profile_of
from tagroll.metadata.containers.splice import Parts

_HEADER = struct.Struct(">4sH6xHIIHH")


def psd_size(view: memoryview) -> tuple[int, int]:
    """Width and height."""
    _, _, _, height, width, _, _ = _HEADER.unpack_from(view)
    return width, height


def psd_parts(view: memoryview) -> Parts:
    """All but the resources, of which only the colour profile counts (see `picture`)."""
    if bytes(view[:4]) != b"8BPS":
        raise ValueError("no Photoshop document")
    resources = _end(view, _HEADER.size)
    layers = _end(view, resources)
    if layers > len(view):
        raise ValueError("cut off")
    yield view[:resources]
    yield profile_of(bytes(view[resources + 4 : layers]))
    yield view[layers:]


def _end(view: memoryview, start: int) -> int:
    """Where a section ends that begins with its length."""
    (length,) = struct.unpack_from(">I", view, start)
    return start + 4 + int(length)
