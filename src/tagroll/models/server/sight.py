"""Whether a model sees: it is shown a small picture of one colour."""

import functools
import io

from tagroll.models.prompt import build_prompt
from tagroll.models.server.request import Question


@functools.cache
def green_picture() -> bytes:
    """A plain green JPEG, large enough for every model."""
    from PIL import Image  # only where it is needed

    jpeg = io.BytesIO()
    Image.new("RGB", (64, 64), "green").save(jpeg, "JPEG")
    return jpeg.getvalue()


def question() -> Question:
    """What is asked about it."""
    return Question.first(build_prompt("tags", max_tags=3))


def doubt(said: str) -> str:
    """What speaks against it: some servers take the picture and do not show it to the model.

    Returns:
        What was said of it, shortened; "" if it names the colour, or says nothing at all.
    """
    words = " ".join(said.split())[:80]
    return "" if "green" in said.casefold() else words
