"""How many requests a model server gets at once, found while the work goes on.

A server has slots (LM Studio 4, Ollama 1, llama.cpp what --parallel says) and rarely tells how many. Too few
requests at once waste its time, too many only wait in its queue. By Little's law the throughput at n requests
at once is n divided by the time one takes, so each answer is a measurement: `ConcurrencyController` climbs while more of
them bring more answers a second, and rests one rung above the lowest rung that brings (nearly) the most.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence

LIMITS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""The limits that are tried: fine enough to come close, coarse enough to tell one from the next."""

START = 4
MIN_GAIN = 1.25
"""Twice the requests at once must bring this many times the answers, or the climb ends."""
WORSE = 0.7
"""A rung that brings less than this share of a lower one is left at once: there more requests slow each other down."""
HARM = 0.8
"""Where more at once bring less than this share, none is sent beyond what is best."""
BOLD_SECONDS = 1.0
"""While an answer takes less, a queue that turns out too long is gone in seconds."""
TOLERANCE = 0.92
"""A rung that brings this share of the best is as good as the best."""
LONGEST_REST = 1024
"""Answers after which it is looked again whether things have changed; at first it is fewer."""

_Samples = deque[tuple[float, float]]  # requests at once, and the seconds one of them took


def _rung(at_once: float) -> int:
    """The rung that is nearest by ratio."""
    return min(LIMITS, key=lambda rung: max(rung / at_once, at_once / rung))


def rung_beside(rung: int, steps: int) -> int:
    """The rung so many steps above (or below), at the ends the last one."""
    return LIMITS[min(max(LIMITS.index(rung) + steps, 0), len(LIMITS) - 1)]


def _rate(answers: Sequence[tuple[float, float]]) -> float:
    return sum(n for n, _ in answers) / max(sum(seconds for _, seconds in answers), 1e-9) if answers else 0.0


def _times(samples: Mapping[int, _Samples], rung: int, lower: int) -> float:
    """How many times the answers a second one rung brings of those of another; infinite where that is not known."""
    one, other = _rate(samples[rung]), _rate(samples[lower])
    return one / other if one and other else math.inf


class ConcurrencyController:
    """Decides on the limit. No clock, no threads: it only hears how answers went.

    Args:
        home: Where it rested the last time, to begin there.
    """

    def __init__(self, home: int | None = None) -> None:
        self._in_turn, self._loads = (
            {rung: _Samples(maxlen=max(16, 2 * rung)) for rung in LIMITS} for _ in range(2)
        )
        self.home: int | None = None
        """Where it rests; None while it still climbs."""
        self._paid = START // 2  # the highest rung that brought clearly more than half of it
        self._doubts = (
            False  # whether it rests for want of a gain, and a lower limit is measured to make sure
        )
        self._came_down = False  # whether fewer were found to do as well, and still fewer may
        self._spare = (
            True  # whether one rung more than needed does no harm: then the server's queue never runs dry
        )
        self._upwards = False  # where the last excursion went
        self._rest = 0  # answers between two excursions from home
        self._set(START)
        if home:
            self._settle(_rung(home), 8 * max(home, START))

    @property
    def found(self) -> int | None:
        """The limit that is worth remembering; None while it climbs, or may still be far too high."""
        return None if self._doubts or self._came_down else self.home

    def answered(self, at_once: int, seconds: float, load: float | None = None) -> None:
        """Take in one answer.

        Args:
            at_once: How many requests were under way when this one was sent, itself included.
            seconds: What it took.
            load: How many there were on average until it was answered. A server with slots lets those in front go first,
                one that works on all at once slows all of them down: each is seen only by one of the two numbers.
        """
        rung = _rung(at_once)
        self._in_turn[rung].append((at_once, seconds))
        self._loads[_rung(load or at_once)].append((load or at_once, seconds))
        # fewer at once means that the work is the bottleneck, not the server; more, that it was sent before
        self._fresh += rung == self.limit
        if self.home is None:
            self._climb(rung)
        elif self.limit != self.home:
            self._explore(self.home)
        elif self._fresh >= self._rest:
            self._leave_home(self.home)

    def _gain(self, rung: int, lower: int) -> float:
        """How many times the answers it brings, by that way of counting that sees less."""
        return min(_times(self._in_turn, rung, lower), _times(self._loads, rung, lower))

    def _gain_over_half(self, rung: int, spread: int = 1) -> float:
        """What a rung, and the one below, bring beside the highest of those up to half of it that are known.

        Args:
            rung: The rung.
            spread: How many of those; more are surer, and the gain looks larger.
        """
        near, gains = (rung_beside(rung, -1), rung), []
        for samples in (self._in_turn, self._loads):
            far = [lower for lower in LIMITS if 2 * lower <= rung and samples[lower]][-spread:]
            here, there = ([answer for one in rungs for answer in samples[one]] for rungs in (near, far))
            gains.append(_rate(here) / _rate(there) if len(here) > 1 and len(there) >= spread else math.inf)
        return min(gains)

    def _set(self, limit: int) -> None:
        self.limit, self._fresh = limit, 0

    def _climb(self, rung: int) -> None:
        """Go up while that pays. Quick to go on, slow to stop: too few costs time, too many only queue."""
        if self._gain_over_half(rung, 2) < WORSE:
            self._upwards = True  # next it is seen whether still fewer do better
            self._forget(self._paid)
            self._settle(self._paid, 8 * self._paid)
        elif rung > self._paid and MIN_GAIN <= self._gain_over_half(rung) < math.inf:
            self._go_on(rung)
        elif self._fresh >= max(
            self.limit // 2, 6
        ):  # the climb was quick: measure a lower limit again before that is believed
            self._doubts = True
            self._look_further_down(self.limit)

    def _best_below(self, limit: int) -> int:
        """The lowest rung that brings nearly as much as the best."""
        rates = {rung: _rate(self._in_turn[rung]) for rung in LIMITS if rung < limit}
        return next((rung for rung in rates if rates[rung] >= TOLERANCE * max(rates.values())), 1)

    def _go_on(self, rung: int) -> None:
        """This rung pays: double it, or nearly treble it while answers are quick."""
        self._paid = rung
        if rung == LIMITS[-1]:
            self._settle(rung, 8 * rung)
            return
        is_quick = max(_seconds(kind[rung]) for kind in (self._in_turn, self._loads)) < BOLD_SECONDS
        self._set(max(rung_beside(rung, 3 if is_quick else 2), self.limit))

    def _settle(self, home: int, rest: int) -> None:
        """Rest here, for so many answers at first."""
        self.home, self._doubts, self._rest = home, False, rest
        self._set(home)

    def _leave_home(self, home: int) -> None:
        """Look whether things have changed: in turns one rung up, and two down (one down is the reserve)."""
        self._upwards = not self._upwards
        self._go_and_see(rung_beside(home, 1 if self._upwards else -2))

    def _go_and_see(self, there: int) -> None:
        self._forget(there)
        self._set(there)

    def _explore(self, home: int) -> None:
        """Stay where it was looked, or near it; go back; or climb on after all."""
        there = self.limit
        if there > home:
            self._look_up(home, self._gain(there, home))
        elif self._fresh >= max(there, 4):
            self._look_down(home, self._gain(home, there))

    def _look_up(self, home: int, gain: float) -> None:
        if self._fresh >= 2 and gain < WORSE:
            self._go_back(home, 4)
        elif self._fresh < max(2 * self.limit, 12):
            return
        elif gain >= 1.15:
            self._climb_on(self.limit)
        else:
            self._go_back(home, 2)

    def _look_down(self, home: int, gain: float) -> None:
        if gain < 1 / TOLERANCE:
            self._doubts, self._came_down, self._spare = False, True, gain >= HARM
            self._look_further_down(self.limit)
        elif self._came_down:
            self._rest_here(home)
        elif not self._doubts:
            self._go_back(home, 2)
        elif gain >= MIN_GAIN / 2 * home / self.limit and home < LIMITS[-1]:
            self._climb_on(home)
        elif self.limit < rung_beside(home, -2):  # so low that it had to be worse
            self._rest_here(self._best_below(home))
        else:
            self._settle(home, 2 * home)

    def _look_further_down(self, home: int) -> None:
        """Half of this; but one, where more at once has brought nothing so far."""
        self.home = home
        if home == 1:
            self._rest_here(home)
            return
        lower = [rung for rung in LIMITS if rung < home and self._loads[rung]]
        is_flat = all(_times(self._loads, home, rung) <= 1 / TOLERANCE for rung in lower)
        there = 1 if is_flat else rung_beside(home, -2)
        if self._came_down and 1 / TOLERANCE < self._gain(home, there) < math.inf:
            self._rest_here(home)
        else:
            self._go_and_see(there)

    def _rest_here(self, home: int) -> None:
        self._came_down = False
        self._settle(rung_beside(home, 1 if self._spare else 0), 8 * home)

    def _climb_on(self, paid: int) -> None:
        """Climb again, from a rung that pays; what was known of those above is old."""
        for rung in LIMITS[LIMITS.index(paid) + 1 :]:
            self._forget(rung)
        self.home, self._paid = None, paid
        self._set(rung_beside(paid, 2))

    def _forget(self, rung: int) -> None:
        self._in_turn[rung].clear()
        self._loads[rung].clear()

    def _go_back(self, home: int, times: int) -> None:
        """Rest longer: there is less to be found than was thought."""
        self._rest = min(times * self._rest, LONGEST_REST)
        self._set(home)


def _seconds(answers: Sequence[tuple[float, float]]) -> float:
    return sum(seconds for _, seconds in answers) / len(answers) if answers else 0.0
