"""How many requests a model server gets at once, found while the work goes on.

A server has slots (LM Studio 4, Ollama 1, llama.cpp what --parallel says) and rarely tells how many. Too few
requests at once waste its time, too many only wait in its queue. By Little's law the throughput at n requests
at once is n divided by the time one takes, so each answer is a measurement: `Ladder` climbs while more of
them bring more answers a second, and rests one rung above the lowest rung that brings (nearly) the most.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tagroll.errors import StoppedError

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


class ElsewhereError(Exception):
    """This server is in trouble, and another one can have the photo."""


class Turn:
    """One request's leave to be sent.

    Attributes:
        at_once: How many requests are under way with it.
        probe: Whether it is sent to see if an outage is over.
        refused: Set it when the server said that it is too much.
        late: Set it when there was no answer in time.
    """

    def __init__(self, at_once: int, *, probe: bool = False) -> None:
        self.at_once = at_once
        self.probe = probe
        self.began = time.monotonic()
        self.seconds: float | None = None
        self.refused = False
        self.late = False

    def answered(self) -> float:
        """The answer is here; returns the seconds it took."""
        self.seconds = time.monotonic() - self.began
        return self.seconds


class Ceiling:
    """What refusals tell: no more than so many at once. Tried again after a while, and ever more rarely."""

    def __init__(self) -> None:
        self.most = RUNGS[-1]
        self._refused: list[int] = []  # requests at once of which one was refused, until an answer tells why
        self._refused_at = 0.0
        self._trust = 32
        """Answers after which one more is tried: an overload may cost a server its life, but it may also pass."""
        self._answers = 0
        self._dares = False  # whether one more was tried

    @property
    def now(self) -> int:
        """How many at once at present."""
        return (
            max(min(self.most, *(at_once - 1 for at_once in self._refused)), 1)
            if self._refused
            else self.most
        )

    def refused(self, at_once: int) -> None:
        """One of so many requests was refused. If others of them are answered, they were too many."""
        self._refused.append(at_once)
        self._refused_at = time.monotonic()

    def answered(self, sent: float, at_once: int) -> None:
        """A request is answered; `sent` when."""
        if self._refused:
            # Was it there while others were refused? If not they all were: as too many, or in an outage.
            self.lower(min(self._refused) if sent < self._refused_at else max(self._refused) // 2 + 1)
            self._refused.clear()
        self._answers += at_once >= 0.7 * self.most
        if self.most < RUNGS[-1] and self._answers >= self._trust:
            self.most = _beside(self.most, 1)
            self._answers, self._dares = 0, True

    def lower(self, too_many: int) -> None:
        """So many at once are too many."""
        below = max((rung for rung in RUNGS if rung < too_many), default=1)
        if below < self.most:
            self.most = below
            self._trust *= 2 if self._dares else 1
            self._answers, self._dares = 0, False


class Gate:
    """Lets as many requests through at once as the server can take; in an outage one, now and then.

    Args:
        limit: At most so many, 1 or more; None finds the number, between 1 and 32.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._ladder = Ladder()
        self._ceiling = Ceiling()
        self._fixed = limit
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._calm = threading.Condition(self._lock)
        self._held_until = 0.0  # by the server's wish
        self._probe_at = 0.0  # in an outage
        self._probing = False
        self._outage = False
        self._stopped = False
        self.under_way = 0

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return min(self._fixed or self._ladder.limit, self._ceiling.now)

    @property
    def widest(self) -> int:
        """How many there may ever be: more threads than this are of no use."""
        return self._fixed or RUNGS[-1]

    @property
    def ceiling(self) -> int:
        """What refusals have taught."""
        return self._ceiling.most

    def restore(self, ceiling: int | None) -> None:
        """What refusals of one photo have taught was no truth."""
        with self._lock:
            self._ceiling.most = max(self._ceiling.most, ceiling or 1)
            self._room.notify_all()

    @property
    def is_open(self) -> bool:
        """Whether requests go through."""
        return not (self._stopped or self._outage or time.monotonic() < self._held_until)

    @property
    def is_ready(self) -> bool:
        """Whether requests go through, or the next one that asks if an outage is over."""
        probe = (
            self._outage and not self._probing and time.monotonic() >= max(self._probe_at, self._held_until)
        )
        return self.is_open or (probe and not self._stopped)

    @property
    def outage(self) -> bool:
        """Whether only one request at a time goes through, to see whether the server is back."""
        return self._outage

    @outage.setter
    def outage(self, value: bool) -> None:
        if value != self._outage:
            with self._lock:
                self._outage, self._probe_at = value, 0.0
                self._room.notify_all()
                self._calm.notify_all()

    def hold(self, seconds: float, *, probes: bool = False) -> None:
        """Let nobody through for these seconds; `probes`: unless the outage is over before."""
        with self._lock:
            until = time.monotonic() + seconds
            if probes:
                self._probe_at = max(self._probe_at, until)
            else:
                self._held_until = max(self._held_until, until)

    def open(self) -> None:
        """Let everybody through who waits: there is nothing to wait for."""
        self.outage = False
        with self._lock:
            self._held_until = self._probe_at = 0.0
            self._room.notify_all()
            self._calm.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than an outage.

        Raises:
            StoppedError: The run is being stopped.
        """
        with self._lock:
            during = self._outage
            self._calm.wait_for(lambda: self._stopped or (during and not self._outage), seconds)
        self.check()

    def stop(self) -> None:
        """Let nobody through any more; who waits gets a StoppedError."""
        with self._lock:
            self._stopped = True
            self._room.notify_all()
            self._calm.notify_all()

    def check(self) -> None:
        """Raise the StoppedError if the gate is closed."""
        if self._stopped:
            raise StoppedError("The run was stopped")

    @contextmanager
    def turn(self, elsewhere: Callable[[], bool] = lambda: False) -> Iterator[Turn]:
        """Wait for leave, hold it for the block. Call the turn's `answered` to have it measured.

        Args:
            elsewhere: Whether who waits had better ask another server.

        Raises:
            ElsewhereError: Nobody goes through at present, and it had better.
            StoppedError: The run is being stopped.
        """
        with self._lock:
            while (wait := self._seconds_to_wait()) != 0.0:
                if not self.is_open and elsewhere():
                    raise ElsewhereError
                self._room.wait(wait if self.is_open else min(wait or 1.0, 1.0))
            self.under_way += 1
            turn = Turn(self.under_way, probe=self._outage)
            self._probing |= turn.probe
        try:
            yield turn
        finally:
            with self._lock:
                self._learn(turn)
                self.under_way -= 1
                if turn.probe:
                    self._probing = False
                    if (
                        turn.seconds is None
                    ):  # how long the next one waits is decided when its failure is told
                        self._probe_at = max(self._probe_at, time.monotonic() + 0.1)
                self._room.notify(max(self.limit - self.under_way, 1))

    def _seconds_to_wait(self) -> float | None:
        """0.0 to go through, None until something changes."""
        self.check()
        now = time.monotonic()
        if self._probing if self._outage else self.under_way >= self.limit:
            return None
        return max(self._held_until - now, self._probe_at - now, 0.0)

    def _learn(self, turn: Turn) -> None:
        if turn.refused:
            self._ceiling.refused(max(turn.at_once, self.under_way))
        elif turn.late:
            self._ceiling.lower(self.under_way // 2 + 1)
        elif turn.seconds is not None:
            self._ceiling.answered(turn.began, turn.at_once)
            self._ladder.answered(turn.at_once, turn.seconds)
