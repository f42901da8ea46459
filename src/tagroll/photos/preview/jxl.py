"""JPEG XL by libjxl, where pylibjxl is installed."""

from collections.abc import Callable
from typing import BinaryIO

from PIL import Image

from tagroll.errors import PictureError


def open_jxl(file: BinaryIO, check_size: Callable[[tuple[int, int]], None]) -> Image.Image:
    """Decode a picture, upright: libjxl turns it, and what EXIF says there counts for nothing (ISO/IEC 18181-2).

    Args:
        file: At its start.
        check_size: Raises PictureError for a picture that is too large, before it is decoded.

    Raises:
        PictureError: pylibjxl is not installed.
        RuntimeError: The file is damaged.
    """
    try:
        import pylibjxl
    except ImportError as error:
        raise PictureError(
            "jxl pictures cannot be decoded without pylibjxl",
            'Install it: pip install "tagroll[jxl]", or convert the photo to JPEG',
        ) from error
    data = file.read()
    told = pylibjxl.probe(data)
    check_size((told["width"], told["height"]))
    pixels, more = pylibjxl.decode(data, metadata=True)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels)
    if profile := more.get("icc") or more.get("icc_profile"):
        image.info["icc_profile"] = profile
    return image
