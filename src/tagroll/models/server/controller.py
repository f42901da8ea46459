"""How many requests a model server gets at once, found while the work goes on.

A server has slots (LM Studio 4, Ollama 1, llama.cpp what --parallel says) and rarely tells how many. Too few
requests at once waste its time, too many only wait in its queue. By Little's law the throughput at n requests
at once is n divided by the time one takes, so each answer is a measurement: `ConcurrencyController` climbs while more of
them bring more answers a second, and rests where fewer would bring less.
"""

from collections.abc import Generator
from typing import NamedTuple

LIMITS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""The limits that are tried: fine enough to come close, coarse enough to tell one from the next."""

START = 4
"""The first limit, where nothing is known of the server."""
BATCHING_START = 16
"""The first limit of a server that batches all it gets; twice that is the most."""
MIN_GAIN = 1.5
"""Two or three times the requests at once must bring this many times the answers, or the climb ends."""
QUEUED = 1.2
"""If the slower half of the first requests brings less than this many times the answers of the other, it waits for it."""
WORSE = 0.7
"""A limit that brings less than this share is left at once: there more requests slow each other down."""
HARM = 0.8
"""Where one more brings less than this share, none is sent beyond what is best."""
BOLD_SECONDS = 1.0
"""While an answer takes less, a queue that turns out too long is gone in seconds."""
TOLERANCE = 0.92
"""A limit that brings this share of the best is as good as the best."""
LONGEST_REST = 1024
"""Answers after which it is looked again whether things have changed; at first it is fewer."""


class _Trial(NamedTuple):
    """A limit, the answers after which its rate is known, and a rate below which it is known after two."""

    limit: int
    answers: int
    least: float = 0.0


_Search = Generator[_Trial, float, int]


def rung_beside(rung: int, steps: int) -> int:
    """The limit so many steps above (or below), at the ends the last one."""
    return LIMITS[min(max(LIMITS.index(rung) + steps, 0), len(LIMITS) - 1)]


def _rate(answers: list[tuple[int, float]]) -> float:
    """Answers a second, of how many were at work and for how long."""
    return sum(at_once for at_once, _ in answers) / max(sum(seconds for _, seconds in answers), 1e-9)


class ConcurrencyController:
    """Decides on the limit. No clock, no threads: it only hears how answers went.

    Args:
        home: Where it rested the last time, or what the server says, to begin there.
        start: Where to begin to look, if there is no home.

    Attributes:
        limit: How many at once now.
        found: The limit that is worth remembering; None while it is looked for.
    """

    def __init__(self, home: int | None = None, start: int = START) -> None:
        self._start = start
        self.found: int | None = None
        self._first: list[float] = []  # seconds that the first requests took
        self._up = False  # where it looked last
        self._plan = self._live(min(LIMITS, key=lambda rung: abs(rung - home)) if home else None)
        self._begin(next(self._plan), 0)

    def _begin(self, trial: _Trial, before: int) -> None:
        self._trial, self.limit = trial, trial.limit
        self._above = before if before < trial.limit else 0
        self._answers, self._load, self._seconds = 0, 0.0, 0.0

    def answered(self, at_once: int, seconds: float, load: float) -> None:
        """Take in one answer.

        Args:
            at_once: How many requests were under way when this one was sent, itself included.
            seconds: What it took.
            load: How many there were on average until it was answered.
        """
        if not self._above < at_once <= self.limit:
            return  # sent under another limit, or the work is the bottleneck
        if len(self._first) < self._start:
            self._first.append(seconds)
        self._answers += 1
        self._load += load
        self._seconds += seconds
        rate = self._load / max(self._seconds, 1e-9)
        if self._answers >= self._trial.answers or (self._answers > 1 and rate < self._trial.least):
            self._begin(self._plan.send(rate), self.limit)

    def _live(self, home: int | None) -> Generator[_Trial, float, None]:
        """Find a home; now and then look whether things have changed: in turns above, and below."""
        if home is None:
            start = self._start
            rate = yield _Trial(start, start)
            first = list(enumerate(sorted(self._first), 1))
            waited = _rate(first[start // 2 :]) < QUEUED * _rate(first[: start // 2])
            home = yield from self._descend(start, _rate(first)) if waited else self._climb(start, rate)
        rest = 8 * max(home, START)
        while True:
            self.found = home
            rate = yield _Trial(home, rest)
            up = self._up = not self._up
            there = rung_beside(home, 1 if up else -2)
            gain = (yield _Trial(there, max(2 * there, 16), WORSE * rate)) / rate
            if there > home and gain >= 1.15:
                self.found = None
                home = yield from self._climb(there, gain * rate)
                rest = 8 * home
            elif there < home and gain >= TOLERANCE:
                self.found = None
                home = yield from self._descend(there, gain * rate, spare=gain < 1 / HARM)
                rest = 8 * home
            else:
                rest = min((4 if gain < WORSE else 2) * rest, LONGEST_REST)

    def _climb(self, limit: int, rate: float) -> _Search:
        """Go up while that pays; where it brings nothing, fewer may do as well."""
        while limit < LIMITS[-1]:
            is_quick = limit < BOLD_SECONDS * rate
            higher = rung_beside(limit, 3 if is_quick else 2)
            more = yield _Trial(higher, max((higher - limit) // 2, 4), WORSE * rate)
            if more < WORSE * rate:
                self._up = True  # next it is seen whether still fewer do better
                return limit
            if more < MIN_GAIN * rate:
                if more > 1.08 * rate:
                    limit = rung_beside(higher, -1)
                    rate = yield _Trial(limit, max(limit, 8))
                return (yield from self._descend(limit, rate))
            limit, rate = higher, more
        return limit

    def _descend(self, home: int, rate: float, *, spare: bool | None = None) -> _Search:
        """Go down while that costs nothing, and back to one more than is needed if that does no harm."""
        while home > 1:
            lower = rung_beside(home, -2)
            less = yield _Trial(lower, max(lower, 8), WORSE * rate)
            if less < TOLERANCE * rate:
                break
            home, rate, spare = lower, less, less < rate / HARM
            self._up |= not spare
        return rung_beside(home, 1 if spare else 0)
