"""What can be told of a photo without any network: rules on its pixels, each right in nearly all cases, or not here.

docs/model-card-large.md has how they were chosen and which were tried and left out.
"""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from tagroll.errors import PictureError, plainly

BLACK_AND_WHITE, PANORAMA = "black and white", "panorama"
RULED = frozenset({BLACK_AND_WHITE, PANORAMA})
"""The words that rules give."""
SIDE = 256
"""Pixels of the longer side of what is looked at."""
COLOUR = 4.0
"""Of 255: what red, green and blue differ by varies less than this where there is no colour; a tint of it all does not count."""
CONTRAST = 20.0
"""Of 255: the light varies more than this in a photo that shows something; fog and an empty picture have no colour either."""
WIDE = 2.2
"""Width by height of a panorama, at least."""
SURE = 0.98


def ruled(jpeg: bytes) -> dict[str, float]:
    """The words that rules give to a photo, and how sure they are.

    Raises:
        PictureError: These bytes are no picture.
    """
    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            wide = image.width >= WIDE * image.height
            image.draft("RGB", (SIDE, SIDE))
            small = image.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise PictureError(f"the preview cannot be decoded: {plainly(error)}") from error
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    red, green, blue = np.moveaxis(np.asarray(small, np.float32), 2, 0)
    colour = (red - green).std() + (green - blue).std()
    has_none = colour < COLOUR and green.std() >= CONTRAST
    found = {BLACK_AND_WHITE: has_none, PANORAMA: wide}
    return {word: SURE for word, is_so in found.items() if is_so}
