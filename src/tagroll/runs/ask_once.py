"""One picture is asked about once, however many threads hold a copy of it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from tagroll.domain import Description
from tagroll.errors import PhotoError, TagrollError


class Asking:
    """Sees to it that one picture is asked about once, however many threads hold a copy of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Description]] = {}

    def once(
        self, picture: str, ask: Callable[[], Description], kept: Callable[[], Description | None]
    ) -> tuple[Description, bool]:
        """The kept description of a picture, or the answer to `ask`; and whether this call asked.

        Where another thread asks already its answer is waited for. What failed with the photo of that thread says
        nothing about a copy: the file around the picture may be a better one, so one that waits asks with its own.

        Raises:
            TagrollError: What `ask` raises; what ends the run, in every thread that waits for it.
        """
        mine: Future[Description] = Future()
        while (first := self._first(picture, mine)) is not mine:
            error = first.exception()
            if error is None:
                return first.result(), False
            if not is_of_one_photo(error):
                raise error
        try:
            answer = kept()
            asked = answer is None
            answer = answer or ask()
        except BaseException as error:
            self._end(picture)
            mine.set_exception(error)
            raise
        self._end(picture)
        mine.set_result(answer)
        return answer, asked

    def _first(self, picture: str, mine: "Future[Description]") -> "Future[Description]":
        """What is under way for a picture: `mine`, where nothing was."""
        with self._lock:
            return self._under_way.setdefault(picture, mine)

    def _end(self, picture: str) -> None:
        # Before it is told how it went: who waits must not meet what has failed a second time.
        with self._lock:
            del self._under_way[picture]


def is_of_one_photo(error: BaseException) -> bool:
    """Whether an error leaves the run going (see `guard`)."""
    return isinstance(error, PhotoError) or (
        isinstance(error, Exception) and not isinstance(error, TagrollError)
    )
