"""Who does the work on many items: threads here; others behind the same signature."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from tagroll.parallel import map_unordered

T = TypeVar("T")
R = TypeVar("R")

WRITERS = 8
"""Threads of a run that only writes: what they wait for (fsync) overlaps."""


class Executor(Protocol):
    """Does `work` on each item, many at once, and gives what comes of it as it comes, in no order.

    Takes items only as it can use them; once `stop` is set it takes no more and finishes what is in flight.
    """

    def __call__(
        self, work: Callable[[T], R], items: Iterable[T], /, *, stop: threading.Event
    ) -> Iterator[R]:
        """Begin."""


def threads(number: int = WRITERS) -> Executor:
    """So many threads of this process."""

    def run(work: Callable[[T], R], items: Iterable[T], /, *, stop: threading.Event) -> Iterator[R]:
        return map_unordered(work, items, threads=number, stop=stop)

    return run
