"""Frames of one burst are one question: a model is shown the first, and what it says is true of the others.

Frames are of one burst where a camera took them within seconds, into one folder, and they look alike. How much alike two
pictures are is told by their outlines: brightness without its slow changes, so that neither exposure nor a bright sky counts,
correlated at the best of all small shifts. A photo that does not say when it was taken is of no burst.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tagroll.domain import OUTLINE, Description, Facts, Metadata, Photo, Preview
from tagroll.runs.ask_once import is_of_one_photo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WITHIN: Final = 30
"""Seconds between the frame that a model is shown and those that have its answer."""
ALIKE: Final = 0.7
"""How much alike they are at least. Of 1.4 million pairs of other photos of the training set three reach it, of the same
photos shifted, turned, exposed and packed otherwise 87 in 100 (see docs/quality.md)."""
REMEMBERED: Final = 256
"""Frames that were shown last: photos come by name, so that those of a burst come together."""
_SHIFT: Final = 3
"""Cells of an outline by which it is shifted at the most, to each side."""
_SLOW: Final = 5
"""Cells to each side of which the mean is taken away."""


@dataclass(slots=True, eq=False)
class Frame:
    """A picture that a model is shown, or was.

    Attributes:
        path: Of the photo.
        camera: Which took it.
        taken: When, in seconds.
        picture: Hash of it.
        preview: Its outline and its shape; what else it holds is let go of.
        answer: What the model says of it, when it has.
    """

    path: Path
    camera: str
    taken: int
    picture: str
    preview: Preview
    answer: Future[Description] = field(default_factory=Future)


class Bursts:
    """Sees to it that the frames of a burst wait for one answer. Safe to use from many threads.

    Args:
        read: What a photo says, its time and camera among it, where that was not read before.
    """

    def __init__(self, read: Callable[[Photo], Metadata]) -> None:
        self._read = read
        self._frames: deque[Frame] = deque(maxlen=REMEMBERED)
        self._changing = threading.Lock()

    def once(
        self,
        photo: Photo,
        picture: str,
        preview: Preview,
        ask: Callable[[], Description],
        facts: Facts | None = None,
    ) -> Description:
        """The answer to `ask`, or that about another frame of the same burst, which is waited for.

        What failed with that frame says nothing about this one.

        Args:
            photo: Which.
            picture: Hash of its picture.
            preview: What the model sees.
            ask: Asks it.
            facts: What the file tells, where it was read before; None: it is read now.

        Raises:
            TagrollError: What `ask` raises; what ends the run, in every thread that waits for it.
        """
        facts = facts or self._read(photo).facts
        if facts.taken is None or not preview.outline:
            return ask()
        mine = Frame(photo.path, facts.camera, facts.taken, picture, replace(preview, jpeg=b""))
        first = self._first(mine)
        if first is not mine:
            error = first.answer.exception()
            if error is None:
                return replace(first.answer.result(), inherited=first.picture, features=None)
            if not is_of_one_photo(error):
                raise error
        try:
            answer = ask()
        except BaseException as error:
            self._forget(mine)
            mine.answer.set_exception(error)
            raise
        mine.answer.set_result(answer)
        return answer

    def path_of(self, picture: str) -> Path | None:
        """Where the frame of this picture is, if it is among those that were shown last."""
        with self._changing:
            return next((frame.path for frame in self._frames if frame.picture == picture), None)

    def _first(self, mine: Frame) -> Frame:
        """The frame that is asked about in the place of this one: itself, where none is like it."""
        with self._changing:
            for frame in self._frames:
                is_near = frame.path.parent == mine.path.parent and abs(frame.taken - mine.taken) <= WITHIN
                if is_near and frame.camera == mine.camera and alike(frame.preview, mine.preview) >= ALIKE:
                    return frame
            self._frames.append(mine)
            return mine

    def _forget(self, frame: Frame) -> None:
        with self._changing, suppress(ValueError):  # others may have pushed it out
            self._frames.remove(frame)


def alike(one: Preview, other: Preview) -> float:
    """How much alike two pictures are, -1 to 1; those of another shape are not."""
    if abs(one.width * other.height - other.width * one.height) > 0.02 * one.width * other.height:
        return -1
    import numpy as np

    inner = OUTLINE - 2 * _SHIFT
    here = _unit(_quick(one)[None, None, _SHIFT:-_SHIFT, _SHIFT:-_SHIFT])
    there = _unit(np.lib.stride_tricks.sliding_window_view(_quick(other), (inner, inner)))
    return float((here * there).sum((-1, -2)).max())


def _quick(preview: Preview) -> "NDArray[np.float32]":
    """The outline without its slow changes."""
    import numpy as np

    cells = np.frombuffer(preview.outline, np.uint8).reshape(OUTLINE, OUTLINE).astype(np.float32)
    slow = cells
    for axis in (0, 1):
        slow = np.mean([np.roll(slow, by, axis) for by in range(-_SLOW, _SLOW + 1)], axis=0, dtype=np.float32)
    return cells - slow


def _unit(windows: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Each window with a mean of 0 and a length of 1; one without any contrast stays 0."""
    import numpy as np

    centred = windows - windows.mean((-1, -2), keepdims=True)
    length = np.sqrt((centred**2).sum((-1, -2), keepdims=True))
    unit: NDArray[np.float32] = centred / np.maximum(length, 1e-3)
    return unit
