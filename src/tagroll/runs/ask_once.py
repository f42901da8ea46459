"""One picture is asked about once, however many threads hold a copy of it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from tagroll.domain import Description


class Asking:
    """Sees to it that one picture is asked about once, however many threads hold a copy of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Description]] = {}

    def once(
        self, picture: str, ask: Callable[[], Description], kept: Callable[[], Description | None]
    ) -> tuple[Description, bool]:
        """The kept description of a picture, or the answer to `ask`; and whether this call asked.

        Raises:
            TagrollError: What `ask` raises, in every thread that waits for it.
        """
        with self._lock:
            future = self._under_way.get(picture)
            mine = future is None
            if future is None:
                future = self._under_way[picture] = Future()
        if not mine:
            return future.result(), False
        try:
            answer = kept()
            asked = answer is None
            future.set_result(answer or ask())
        except BaseException as error:
            future.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[picture]
        return future.result(), asked
