"""How many requests a model server gets at once, found while the work goes on.

A server has slots (LM Studio 4, Ollama 1, llama.cpp what --parallel says) and rarely tells how many. Too few
requests at once waste its time, too many only wait in its queue. By Little's law the throughput at n requests
at once is n divided by the time one takes, so each answer is a measurement: `ConcurrencyController` climbs while more of
them bring more answers a second, and rests one rung above the lowest rung that brings (nearly) the most.
"""

import math
from collections import deque
from collections.abc import Sequence

LIMITS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""The limits that are tried: fine enough to come close, coarse enough to tell one from the next."""

START = 4
MIN_GAIN = 1.25
"""Twice the requests at once must bring this many times the answers, or the climb ends."""
BOLD_SECONDS = 1.0
"""While an answer takes less, a queue that turns out too long is gone in seconds."""
TOLERANCE = 0.92
"""A rung that brings this share of the best is as good as the best."""


def _rung(at_once: float) -> int:
    """The rung that is nearest by ratio."""
    return min(LIMITS, key=lambda rung: max(rung / at_once, at_once / rung))


def rung_beside(rung: int, steps: int) -> int:
    """The rung so many steps above (or below), at the ends the last one."""
    return LIMITS[min(max(LIMITS.index(rung) + steps, 0), len(LIMITS) - 1)]


def _rate(answers: Sequence[tuple[float, float]]) -> float:
    return sum(n for n, _ in answers) / max(sum(seconds for _, seconds in answers), 1e-9) if answers else 0.0


def _seconds(answers: Sequence[tuple[float, float]]) -> float:
    return sum(seconds for _, seconds in answers) / len(answers) if answers else math.inf


class ConcurrencyController:
    """Decides on the limit. No clock, no threads: it only hears how answers went."""

    def __init__(self) -> None:
        self.limit = START
        self._home: int | None = None  # where it rests; None while it still climbs
        self._doubted = 0  # the limit that seemed not to pay while half of it is measured again
        self._answers, self._loads = (
            {rung: deque[tuple[float, float]](maxlen=max(16, 2 * rung)) for rung in LIMITS} for _ in range(2)
        )
        self._leapt_from = 0  # the limit from which the climb went to the top at once
        self._fresh = 0  # answers at the present limit
        self._wanted = START // 2
        self._rest = 0  # answers between two excursions from home
        self._upwards = False  # where the last excursion went

    def answered(self, at_once: int, seconds: float, load: float | None = None) -> None:
        """Take in one answer.

        Args:
            at_once: How many requests were under way when this one was sent, itself included.
            seconds: What it took.
            load: How many there were on average until it was answered. A server with slots lets those in front go first,
                one that works on all at once slows all of them down: each is seen only by one of the two numbers.
        """
        self._answers[_rung(at_once)].append((at_once, seconds))
        self._loads[_rung(load or at_once)].append((load or at_once, seconds))
        # less means that the work is the bottleneck, not the server
        self._fresh += at_once >= 0.7 * self.limit
        if self._fresh < self._wanted:
            return
        if self._home is None:
            self._climb()
        elif self.limit == self._home:
            self._leave_home(self._home)
        else:
            self._come_home(self._home)

    def _rate(self, rung: int) -> float:
        """Answers a second that were measured at this rung, 0.0 if none were."""
        return _rate(self._answers[rung])

    def _gain(self, rung: int, lower: int) -> float:
        """How many times the answers this rung brings of those of a lower one; infinite where that is not known."""
        one, other = _rate(self._loads[rung]), _rate(self._loads[lower])
        return one / other if one and other else math.inf

    def _pays(self) -> bool:
        """Whether the limit brings more than half of it, by either way of counting."""
        half = rung_beside(self.limit, -2)
        in_turn, known = _rate(self._answers[self.limit]), _rate(self._answers[half])
        return in_turn >= MIN_GAIN * known and self._gain(self.limit, half) >= MIN_GAIN

    def _forget(self, rung: int) -> None:
        self._answers[rung].clear()
        self._loads[rung].clear()

    def _set(self, limit: int, wanted: int) -> None:
        self.limit, self._wanted, self._fresh = limit, wanted, 0

    def _climb(self) -> None:
        """Go up while that pays. Quick to go on, slow to stop: too few costs time, too many only queue."""
        if self._doubted:
            self._check(self._doubted)
        elif self._leapt_from:
            slots = self._leapt_from * _rate(self._answers[self.limit]) / self._rate(self._leapt_from)
            self._leapt_from = 0
            self._settle(rung_beside(_rung(max(slots, 1)), 1))
        elif self._pays():
            self._go_on()
        elif self._fresh < 2 * self.limit:
            self._wanted = 2 * self.limit
        else:  # the climb was quick: measure the lower limit again before that is believed
            self._doubted = self.limit
            half = rung_beside(self.limit, -2)
            self._forget(half)
            self._set(half, self.limit)

    def _go_on(self) -> None:
        """Double; but leap to the top while answers are quick and come no later for being many."""
        here = max(_seconds(kind[self.limit]) for kind in (self._answers, self._loads))
        least = min(map(_seconds, self._answers.values()))
        if self.limit == LIMITS[-1]:
            self._settle(self.limit)
        elif here < min(BOLD_SECONDS, 1.3 * least):
            self._leapt_from = self.limit
            self._set(LIMITS[-1], 6)
        else:
            self._set(rung_beside(self.limit, 2), self.limit)

    def _check(self, doubted: int) -> None:
        """Half of the doubted limit was measured: stay there or near it, stay above, or climb on after all."""
        self._doubted = 0
        gain = self._gain(doubted, self.limit)
        if gain < TOLERANCE:
            self._settle(self.limit)
        elif gain < 1 / TOLERANCE:
            self._settle(rung_beside(self.limit, 1))
        elif gain < MIN_GAIN or doubted == LIMITS[-1]:
            self._settle(doubted)
        else:
            self._set(rung_beside(doubted, 2), doubted)

    def _settle(self, home: int) -> None:
        self._home = home
        self._rest = 2 * home
        self._set(home, self._rest)

    def _leave_home(self, home: int) -> None:
        """Look whether things have changed: in turns one rung up, and two down (one down is the reserve)."""
        self._upwards = not self._upwards
        there = rung_beside(home, 1 if self._upwards else -2)
        self._forget(there)
        self._set(there, max(3 * there, 12) if self._upwards else max(there, 4))

    def _come_home(self, home: int) -> None:
        there = self.limit
        gain = self._rate(there) / max(self._rate(home), 1e-9)
        if there > home:
            gain = min(gain, self._gain(there, home))
        if there > home and gain >= 1.15:
            self._home = None
            self._set(there, there)
        elif there < home and gain >= TOLERANCE:
            self._settle(rung_beside(there, 1))
        else:
            self._rest = min(2 * self._rest, 1024)
            self._set(home, self._rest)
