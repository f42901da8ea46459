"""Many photos at once: a lazy, bounded, stoppable map over threads, and what threads and child processes share."""

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from tagroll.errors import StoppedError

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def out_of_reach() -> dict[str, Any]:
    """Options of Popen for a child: Ctrl-C goes to the terminal's foreground group, and the parent decides what it means."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"process_group": 0}


def once(make: Callable[[], R]) -> Callable[[], R]:
    """A function that makes something large once, however many threads ask for it at the same time.

    `functools.cache` has each of them make one of its own.
    """
    made: list[R] = []
    making = threading.Lock()

    @functools.wraps(make)
    def get() -> R:
        if not made:
            with making:
                if not made:
                    made.append(make())
        return made[0]

    return get


def map_unordered(
    work: Callable[[T], R], items: Iterable[T], *, threads: int, stop: threading.Event
) -> Iterator[R]:
    """Yield `work(item)` for each item as it gets done, in no particular order.

    Items are taken only when a thread is free for them, so an endless or slow iterable is fine, and memory stays
    bounded by `threads`. Once `stop` is set no new item is taken; what is in flight is finished and yielded.
    An exception of `work` stops the map the same way and is raised at the end; a StoppedError says that an item
    had to wait when the stop came, and is left away.
    """
    running: set[Future[R]] = set()
    failure: BaseException | None = None
    source = iter(items)
    with ThreadPoolExecutor(threads, thread_name_prefix="tagroll") as pool:
        exhausted = False
        while True:
            while not exhausted and not failure and not stop.is_set() and len(running) < threads:
                try:
                    running.add(pool.submit(work, next(source)))
                except StopIteration:
                    exhausted = True
            if not running:
                break
            # The timeout lets a signal handler run, and a stop be seen, while all threads wait for a server.
            done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is None:
                    yield future.result()
                elif not (stop.is_set() and isinstance(error, StoppedError)):
                    failure = failure or error
    if failure is not None:
        raise failure
