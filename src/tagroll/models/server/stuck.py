"""A model that is blind, or stuck in one answer: it says the same of photos that look different, or nothing usable."""

import io
import threading

from tagroll.errors import ServerError

TELLING = 3
"""Keywords an answer must have to mean something when it comes again: ten photos of cats may all be "Cat"."""
LOOKS_THE_SAME = 8.0
"""Mean difference of 8 x 8 thumbnails, 0 to 255, below which two photos look the same and may well get one answer."""
_HINT = (
    "Restart the server or take another model; --force goes on with this one. `tagroll undo` takes a run back"
)


class Stuck:
    """Watches the answers of a model. Safe to call from many threads.

    Args:
        most: So many photos in a row with one answer, or with none that can be used, are enough; None: never.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._text = ""
        self._looks: list[bytes | tuple[int, ...]] = []  # of the photos with this answer that look different
        self._unusable = 0

    def answered(self, text: str, keywords: int, jpeg: bytes) -> ServerError | None:
        """Take in an answer that can be used.

        Args:
            text: What the model said.
            keywords: How many keywords were found in it.
            jpeg: The picture.

        Returns:
            What ends the run, or None.
        """
        with self._lock:
            self._unusable = 0
            if self._most is None or keywords < TELLING or text != self._text:
                self._text, self._looks = text, [jpeg]
                return None
            looks = [look if isinstance(look, tuple) else _look(look) for look in self._looks]
            mine = _look(jpeg)
            if all(_difference(mine, look) > LOOKS_THE_SAME for look in looks):
                looks.append(mine)
            self._looks = list(looks)
            if len(looks) < self._most:
                return None
        return ServerError(f"the model says the same of {len(looks)} different photos: {_short(text)}", _HINT)

    def unusable(self, text: str) -> ServerError | None:
        """Take in an answer that cannot be used; as above."""
        with self._lock:
            self._unusable += 1
            if self._most is None or self._unusable < self._most:
                return None
        message = f"the model says nothing usable of {self._unusable} photos in a row, but: {_short(text)}"
        return ServerError(f"{message}; it may not get to see them", _HINT)


def _look(jpeg: bytes) -> tuple[int, ...]:
    from PIL import Image  # only where an answer comes again

    with Image.open(io.BytesIO(jpeg)) as image:
        image.draft("RGB", (64, 64))  # decodes an eighth of it
        return tuple(image.convert("RGB").resize((8, 8), Image.Resampling.BOX).tobytes())


def _difference(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return f'"{words[:80]}{"..." if len(words) > 80 else ""}"'
