"""Whose fault failures are: what is known of a server that fails, and how long that may last."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tagroll.errors import PhotoError, ServerError

TRIES = 3
"""How often a photo is tried that fails while others are answered."""
FLAKY_TRIES = 5
"""The same with a server whose failures pass."""
MOST_TRIES = 12
"""The same where others are refused too, as too many."""


@dataclass(eq=False, slots=True)
class Tries:
    """How one photo fares with the servers.

    Attributes:
        count: How often it failed.
        alone: How often it failed with a server that answered others since it failed before.
        last: When it failed last.
        sent: When it was sent last.
        probe: Whether it was sent to see if an outage is over.
        elsewhere: Whether another server can have it now.
        ceiling: How many requests at once were allowed before this photo was refused.
        at_once: Of how many it was one when it failed, at least; 0 if it was always alone.
        by_itself: Whether others cannot have made it fail the last time: it was alone, or its time was up.
    """

    count: int = 0
    alone: int = 0
    last: float = 0.0
    sent: float = 0.0
    probe: bool = False
    elsewhere: Callable[[], bool] = field(default=lambda: False, repr=False)
    ceiling: int | None = None
    at_once: int = 0
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure, as it is told if it is the server's and if it is the photo's.

    Attributes:
        server: What ends the run.
        photo: What the photo failed with.
        allowed: Seconds it may last; None: not for the clock to decide.
        busy: Whether it is for too many requests: then others are refused as well, and it says little of this one.
        passing: Whether it is worth waiting for although no other photo shows whose fault it is.
        retry_after: Seconds the server asks for.
    """

    server: ServerError
    photo: PhotoError
    allowed: float | None
    busy: bool = False
    passing: bool = False
    retry_after: float | None = None


class OutageClock:
    """What is known of a server's failures, and how long they may last: one clock for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._verdict: ServerError | None = None
        self._suspects: set[Tries] = set()  # photos that failed since anything was answered
        self.since: float | None = None
        self.trouble: Trouble | None = None
        # the last photo that failed, and before it the last one that was another
        self._failures: list[Tries] = []
        self.answers = 0
        self.words: set[str] = set()  # what was said since anything was answered
        self._recovered = 0  # photos that failed and were answered later
        self.latest = 0.0  # when the last of those that were answered had been sent

    @property
    def outage(self) -> bool:
        """Whether several photos failed and none was answered."""
        return len(self._suspects) > 1

    def check(self) -> None:
        """Raise the ServerError with which patience ended, if it has."""
        if self._verdict:
            raise ServerError(self._verdict.message, self._verdict.hint)

    def end(self, message: str, hint: str) -> None:
        """Give up; the first reason counts."""
        with self._lock:
            self._verdict = self._verdict or ServerError(message, hint)

    @property
    def tries(self) -> int:
        """How many failures are a photo's own: more where failures have passed before."""
        return TRIES if self._recovered < TRIES else FLAKY_TRIES

    def answered(self, tries: Tries) -> None:
        """The server lives: the clock starts anew with the next failure."""
        with self._lock:
            self.answers += 1
            self.latest = max(self.latest, tries.sent)
            self._recovered += tries.count > 0
            self.since = self.trouble = None
            self._suspects.clear()
            self.words.clear()

    def failed(self, tries: Tries, trouble: Trouble) -> None:
        """Count a failure of a photo."""
        with self._lock:
            now = time.monotonic()
            self.since = self.since or now
            self.trouble = trouble
            self._suspects.add(tries)
            self.words.add(trouble.server.message)
            others = max((other.last for other in self._failures if other is not tries), default=0.0)
            well = self.latest > tries.last and not (trouble.busy and others > tries.last)
            tries.alone += (
                tries.count == 0 or well or (tries.count >= MOST_TRIES and self.latest > tries.last)
            )
            tries.count += 1
            tries.last = now
            self._failures = [tries, *(other for other in self._failures if other is not tries)][:2]

    def is_over(self, trouble: Trouble) -> bool:
        """Whether there has been nothing but failures for longer than this one may last."""
        long = time.monotonic() - (self.since or time.monotonic())
        worth_waiting = self.outage or trouble.passing
        return worth_waiting and trouble.allowed is not None and long > trouble.allowed

    def acquit(self, tries: Tries) -> None:
        """It was the photo: it says nothing about the server."""
        with self._lock:
            self._suspects.discard(tries)
            if not self._suspects:
                self.since = self.trouble = None
