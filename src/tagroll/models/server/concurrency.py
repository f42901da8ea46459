"""How many requests a model server gets at once, found while the work goes on.

A server has slots (LM Studio 4, Ollama 1, llama.cpp what --parallel says) and rarely tells how many. Too few
requests at once waste its time, too many only wait in its queue. By Little's law the throughput at n requests
at once is n divided by the time one takes, so each answer is a measurement: `Ladder` climbs while more of
them bring more answers a second, and rests one rung above the lowest rung that brings (nearly) the most.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

RUNGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""The limits that are tried: fine enough to come close, coarse enough to tell one from the next."""

START = 4
PAYS = 1.25
"""Twice the requests at once must bring this many times the answers, or the climb ends."""
AS_GOOD = 0.92
"""A rung that brings this share of the best is as good as the best."""


def _rung(at_once: int) -> int:
    """The rung that is nearest by ratio."""
    return min(RUNGS, key=lambda rung: max(rung / at_once, at_once / rung))


def _beside(rung: int, steps: int) -> int:
    """The rung so many steps above (or below), at the ends the last one."""
    return RUNGS[min(max(RUNGS.index(rung) + steps, 0), len(RUNGS) - 1)]


class Ladder:
    """Decides on the limit. No clock, no threads: it only hears how answers went."""

    def __init__(self) -> None:
        self.limit = START
        self._home: int | None = None  # where it rests; None while it still climbs
        self._doubted = 0  # the limit that seemed not to pay while half of it is measured again
        self._answers: dict[int, deque[tuple[int, float]]] = {
            rung: deque(maxlen=max(16, 2 * rung)) for rung in RUNGS
        }
        self._fresh = 0  # answers at the present limit
        self._wanted = START // 2
        self._rest = 0  # answers between two excursions from home
        self._upwards = False  # where the last excursion went

    def answered(self, at_once: int, seconds: float) -> None:
        """Take in one answer.

        Args:
            at_once: How many requests were under way when this one was sent, itself included.
            seconds: What it took.
        """
        self._answers[_rung(at_once)].append((at_once, seconds))
        self._fresh += (
            at_once >= 0.7 * self.limit
        )  # less means that the work is the bottleneck, not the server
        if self._fresh < self._wanted:
            return
        if self._home is None:
            self._climb()
        elif self.limit == self._home:
            self._leave_home(self._home)
        else:
            self._come_home(self._home)

    def refused(self, at_once: int) -> None:
        """The server said "too many" to a request that was one of so many at once."""
        below = [rung for rung in RUNGS if rung < at_once]
        self._settle(min(self.limit, below[-1] if below else 1))

    def _rate(self, rung: int) -> float:
        """Answers a second that were measured at this rung, 0.0 if none were."""
        answers = self._answers[rung]
        return (
            sum(n for n, _ in answers) / max(sum(seconds for _, seconds in answers), 1e-9) if answers else 0.0
        )

    def _set(self, limit: int, wanted: int) -> None:
        self.limit, self._wanted, self._fresh = limit, wanted, 0

    def _climb(self) -> None:
        """Double while that pays. Quick to go on, slow to stop: too few costs time, too many only queue."""
        half, double = _beside(self.limit, -2), _beside(self.limit, 2)
        if self._doubted:
            self._check(self._doubted)
        elif self.limit == RUNGS[-1]:
            self._settle(self.limit)
        elif self._rate(self.limit) >= PAYS * self._rate(half):
            self._set(double, self.limit)
        elif self._fresh < 2 * self.limit:
            self._wanted = 2 * self.limit
        else:  # the climb was quick: measure the lower limit again before that is believed
            self._doubted = self.limit
            self._answers[half].clear()
            self._set(half, self.limit)

    def _check(self, doubted: int) -> None:
        """Half of the doubted limit was measured: stay near it, stay above, or climb on after all."""
        self._doubted = 0
        gain = self._rate(doubted) / max(self._rate(self.limit), 1e-9)
        if gain < 1 / AS_GOOD:
            self._settle(_beside(self.limit, 1))
        elif gain < PAYS:
            self._settle(doubted)
        else:
            self._set(_beside(doubted, 2), doubted)

    def _settle(self, home: int) -> None:
        self._home = home
        self._rest = 2 * home
        self._set(home, self._rest)

    def _leave_home(self, home: int) -> None:
        """Look whether things have changed: in turns one rung up, and two down (one down is the reserve)."""
        self._upwards = not self._upwards
        there = _beside(home, 1 if self._upwards else -2)
        self._answers[there].clear()
        self._set(there, max(3 * there, 12) if self._upwards else max(there, 4))

    def _come_home(self, home: int) -> None:
        there, at_home = self.limit, self._rate(home)
        gain = self._rate(there) / at_home if at_home else 0.0
        if there > home and gain >= 1.15:
            self._home = None
            self._set(there, there)
        elif there < home and gain >= AS_GOOD:
            self._settle(_beside(there, 1))
        else:
            self._rest = min(2 * self._rest, 1024)
            self._set(home, self._rest)


class Turn:
    """One request's leave to be sent."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.began = time.monotonic()
        self.seconds: float | None = None
        self.refused = False

    def answered(self) -> float:
        """The answer is here; returns the seconds it took."""
        self.seconds = time.monotonic() - self.began
        return self.seconds


class Gate:
    """Lets as many requests through at once as the server can take.

    Args:
        limit: A fixed number, 1 or more; None finds it, between 1 and 32.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._ladder = Ladder()
        self._fixed = limit
        self._under_way = 0
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return self._fixed or self._ladder.limit

    @property
    def widest(self) -> int:
        """How many there may ever be: more threads than this are of no use."""
        return self._fixed or RUNGS[-1]

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait for leave, hold it for the block. Call the turn's `answered` to have it measured."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self.limit)
            self._under_way += 1
            turn = Turn(self._under_way)
        try:
            yield turn
        finally:
            with self._changed:
                self._under_way -= 1
                if turn.refused:
                    self._ladder.refused(turn.at_once)
                elif turn.seconds is not None:
                    self._ladder.answered(turn.at_once, turn.seconds)
                self._changed.notify(max(self.limit - self._under_way, 0))
