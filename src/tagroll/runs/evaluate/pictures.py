"""Other pictures of a photo: saved anew, and small."""

import io
from typing import TYPE_CHECKING

from tagroll.domain import Preview

if TYPE_CHECKING:
    from PIL import Image

RECOMPRESSED_QUALITY = 70
"""JPEG quality (1 to 95) of a picture that is shown saved anew: what messengers make of photos."""
SMALL_QUALITY = 70


def recompressed(preview: Preview) -> Preview:
    """The picture saved anew as a smaller JPEG: it looks the same to a person."""
    from PIL import Image

    with Image.open(io.BytesIO(preview.jpeg)) as picture:
        return Preview(_jpeg(picture, RECOMPRESSED_QUALITY), preview.width, preview.height)


def small(preview: Preview, edge: int) -> bytes:
    """A small JPEG of the picture, its long edge at most so many pixels, for a page."""
    from PIL import Image

    with Image.open(io.BytesIO(preview.jpeg)) as picture:
        picture.thumbnail((edge, edge))
        return _jpeg(picture, SMALL_QUALITY)


def _jpeg(picture: "Image.Image", quality: int) -> bytes:
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=quality, optimize=True)
    return jpeg.getvalue()
