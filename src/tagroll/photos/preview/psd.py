"""The merged picture of a Photoshop document (PSD; PSB for large ones), which stands behind its layers.

By Adobe's "Photoshop File Formats Specification". Pillow reads neither PSB nor 16 bits a channel.
"""

import struct
from collections.abc import Callable
from typing import BinaryIO, Final

from PIL import Image, ImageChops, ImageCms

from tagroll.errors import PictureError

_HEADER = struct.Struct(">4sH6xHIIHH")
_MODES: Final = {1: "L", 2: "P", 3: "RGB", 4: "CMYK", 8: "L", 9: "LAB"}
"""Photoshop's colour modes; 8 is duotone, whose gray values stand in the file. Channels beyond are masks."""
_LARGE = 2
"""The version of PSB."""
_ICC, _VERSION_INFO = 1039, 1057
_RAW, _PACKBITS = 0, 1
_CONVERT = "Export a copy as JPEG or TIFF"


def open_psd(file: BinaryIO, check_size: Callable[[tuple[int, int]], None]) -> Image.Image:
    """Decode the merged picture; of 16 bits a channel the upper 8.

    Args:
        file: At its start.
        check_size: Raises PictureError for a picture that is too large, before it is decoded.

    Raises:
        PictureError: There is none in the file, or it is of a kind that few programs write.
        EOFError: The file ends before the picture does.
        ValueError: It is damaged.
    """
    _, version, channels, height, width, depth, number = _HEADER.unpack(_exactly(file, _HEADER.size))
    check_size((width, height))
    mode = _MODES.get(number)
    if mode is None or depth not in (8, 16) or channels < len(Image.new(mode, (1, 1)).getbands()):
        raise PictureError("a Photoshop document of a rare kind: its colours cannot be read", _CONVERT)
    palette = _section(file)
    resources = _resources(_section(file))
    if resources.get(_VERSION_INFO, b"\0\0\0\0\1")[4:5] == b"\0":
        raise PictureError(
            "there is no merged picture in the Photoshop document", "Save it with 'Maximize Compatibility'"
        )
    _pass_over(file, ">Q" if version == _LARGE else ">I")
    planes = _planes(file, (width, height), depth // 8, channels, large=version == _LARGE)
    image = _image(mode, planes, palette)
    if _ICC in resources and mode != "LAB":
        image.info["icc_profile"] = resources[_ICC]
    return image


def _image(mode: str, planes: list[Image.Image], palette: bytes) -> Image.Image:
    """One picture of the channels."""
    bands = planes[: len(Image.new(mode, (1, 1)).getbands())]
    if mode == "CMYK":  # 0 is all of the ink
        bands = [ImageChops.invert(band) for band in bands]
    if mode == "P":
        image = bands[0].copy()
        image.putpalette(bytes(value for colour in zip(*_thirds(palette), strict=True) for value in colour))
        return image
    image = Image.merge(mode, bands)
    if mode == "LAB":
        there, back = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, there, back, outputMode="RGB")
        assert converted is not None  # noqa: S101 - only in place it is
        return converted
    return image


def _thirds(palette: bytes) -> tuple[bytes, bytes, bytes]:
    """All reds, all greens, all blues."""
    size = len(palette) // 3
    return palette[:size], palette[size : 2 * size], palette[2 * size : 3 * size]


def _planes(
    file: BinaryIO, size: tuple[int, int], width_of_sample: int, channels: int, *, large: bool
) -> list[Image.Image]:
    """The channels that make the colours, 8 bits each."""
    (packing,) = struct.unpack(">H", _exactly(file, 2))
    width, height = size[0] * width_of_sample, size[1]
    if packing == _RAW:
        lengths = [width * height] * channels
    elif packing == _PACKBITS:
        kind, each = ("I", 4) if large else ("H", 2)
        counts = struct.unpack(f">{channels * height}{kind}", _exactly(file, channels * height * each))
        lengths = [sum(counts[at : at + height]) for at in range(0, channels * height, height)]
    else:
        raise PictureError("a Photoshop document with a packing that few programs know", _CONVERT)
    decoder = "packbits" if packing == _PACKBITS else "raw"
    planes = []
    for length in lengths[:4]:
        plane = Image.frombytes("L", (width, height), _exactly(file, length), decoder, "L")
        planes.append(plane if width_of_sample == 1 else Image.frombytes("L", size, plane.tobytes()[::2]))
    return planes


def _section(file: BinaryIO) -> bytes:
    """What stands behind its own length."""
    return _exactly(file, *struct.unpack(">I", _exactly(file, 4)))


def _pass_over(file: BinaryIO, kind: str) -> None:
    (length,) = struct.unpack(kind, _exactly(file, struct.calcsize(kind)))
    file.seek(length, 1)


def _resources(data: bytes) -> dict[int, bytes]:
    """Photoshop's image resources by their numbers, as far as they can be read."""
    found, at = {}, 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, at + 4)
        at += 6 + (data[at + 6] + 2) // 2 * 2  # a name, its length before it, of an even size
        if at + 4 > len(data):
            break
        (length,) = struct.unpack_from(">I", data, at)
        found[number] = data[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
    return found


def _exactly(file: BinaryIO, number: int) -> bytes:
    data = file.read(number)
    if len(data) < number:
        raise EOFError
    return data
