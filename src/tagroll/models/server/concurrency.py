"""Letting requests through to a model server: as many at once as it takes, and one now and then in an outage."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from tagroll.errors import StoppedError
from tagroll.models.server.controller import LIMITS, START, ConcurrencyController, rung_beside

STEP, STEP_SECONDS = 4, 0.03
"""A higher limit is approached in steps of so many requests: the first that is refused spares the others until one is
answered."""

ENOUGH = 32
"""Answers after which it is worth remembering how many at once a server took."""


class ElsewhereError(Exception):
    """This server is in trouble, and another one can have the photo."""


class Slot:
    """One request's leave to be sent.

    Attributes:
        at_once: How many requests are under way with it.
        probe: Whether it is sent to see if an outage is over.
        alone: Whether no other is let through meanwhile.
        refused: Set it when it was refused, or broke off.
        said: Set it when the server said that it is too much.
        late: Set it when there was no answer in time.
    """

    def __init__(self, at_once: int, *, probe: bool = False, alone: bool = False, work: float = 0.0) -> None:
        self.at_once = at_once
        self.work = work  # seconds of all requests before it was sent
        self.probe, self.alone = probe, alone
        self.began = time.monotonic()
        self.seconds: float | None = None
        self.refused = self.said = False
        self.late = False

    def answered(self) -> float:
        """The answer is here; returns the seconds it took."""
        self.seconds = time.monotonic() - self.began
        return self.seconds


class Ceiling:
    """What refusals tell: no more than so many at once. Tried again after a while, and ever more rarely."""

    def __init__(self) -> None:
        self.most = LIMITS[-1]
        self._refused: list[int] = []  # requests at once of which one was refused, until an answer tells why
        self._refused_at = 0.0
        self._said = False  # whether the server said that they were too many
        self._fell = False  # whether all that were under way failed once: the next time it is for being many
        self._proven = 0  # so many at once were answered
        self._trust = 32
        """Answers after which one more is tried: an overload may cost a server its life, but it may also pass."""
        self._answers = 0
        self._dares = False  # whether one more was tried

    @property
    def now(self) -> int:
        """How many at once at present."""
        return (
            max(min(self.most, *(at_once - 1 for at_once in self._refused)), 1)
            if self._means_it
            else self.most
        )

    @property
    def _means_it(self) -> bool:
        """Whether refusals may be for too many: a single one without a word about it may be for anything."""
        return self._said or len(self._refused) > 1

    def refused(self, at_once: int, *, said: bool) -> None:
        """One of so many requests was refused. If others of them are answered, they were too many.

        Args:
            at_once: How many, itself included.
            said: Whether the server said so. If not it takes two, and no answer to as many in between.
        """
        if said or at_once > 1:
            self._refused.append(at_once)
            self._refused_at = time.monotonic()
            self._said |= said

    def answered(self, sent: float, at_once: int) -> None:
        """A request is answered; `sent` when."""
        if not self._said:
            self._refused = [refused for refused in self._refused if refused > at_once]
        if self._means_it:
            # Was it there while others were refused? If not they all were: as too many, or in an outage.
            if sent < self._refused_at:
                self.lower(min(self._refused))
            elif self._said or self._fell or max(self._refused) > self._proven:
                self.lower(max(self._refused) // 2 + 1)
            else:
                self._fell = True
            self._refused.clear()
            self._said = False
        self._proven = max(self._proven, at_once)
        self._answers += at_once >= 0.7 * self.most
        if self.most < LIMITS[-1] and self._answers >= self._trust:
            self.most = rung_beside(self.most, 1)
            self._answers, self._dares = 0, True

    def lower(self, too_many: int) -> None:
        """So many at once are too many."""
        below = max((rung for rung in LIMITS if rung < too_many), default=1)
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
        self._controller = ConcurrencyController()
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
        self._loners = 0  # who want nobody else to be let through
        self._answers = 0
        self._allowed, self._more_at = limit or START, 0.0  # follows the limit, step by step
        self._wary = False  # whether one was refused since one was answered
        self.under_way = 0
        self._work, self._changed = 0.0, time.monotonic()  # seconds of all requests so far, until then
        self.quiet_since = 0.0  # when the first of those that are under way was sent

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return min(self._fixed or self._controller.limit, self._ceiling.now)

    @property
    def took(self) -> int | None:
        """How many at once it turned out to take; None where that was not asked, or there is little to go by."""
        learned = self._controller.found or (self.limit if self._ceiling.most < LIMITS[-1] else None)
        return (
            None if self._fixed or not learned or self._answers < ENOUGH else min(learned, self._ceiling.most)
        )

    def begin_at(self, took: int | None, says: int | None = None, start: int = START) -> None:
        """Begin where an earlier run ended, with half of that and the rest step by step; else less boldly.

        Args:
            took: How many at once it took then.
            says: How many the server says that it takes: approached step by step from few on.
            start: Where to begin to look where neither is known.
        """
        if not self._fixed:
            self._controller = ConcurrencyController(took or says, start)
            self._allowed = max(START, (took or 0) // 2)

    @property
    def widest(self) -> int:
        """How many there may ever be: more threads than this are of no use."""
        return self._fixed or LIMITS[-1]

    @property
    def ceiling(self) -> int:
        """What refusals have taught."""
        return self._ceiling.most

    def restore(self, ceiling: int | None) -> None:
        """What refusals of one photo have taught was no truth."""
        with self._lock:
            self._ceiling.most = max(self._ceiling.most, ceiling or 1)
            self._room.notify_all()

    def too_many(self, at_once: int) -> None:
        """What failed as one of so many was answered alone."""
        with self._lock:
            self._ceiling.lower(at_once)

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
            raise StoppedError("the run was stopped")

    @contextmanager
    def turn(self, elsewhere: Callable[[], bool] = lambda: False, *, alone: bool = False) -> Iterator[Slot]:
        """Wait for leave, hold it for the block. Call the turn's `answered` to have it measured.

        Args:
            elsewhere: Whether who waits had better ask another server.
            alone: Let nobody else through meanwhile.

        Raises:
            ElsewhereError: Nobody goes through at present, and it had better.
            StoppedError: The run is being stopped.
        """
        with self._nobody_else() if alone else nullcontext():
            turn = self._enter(elsewhere, alone=alone)
            try:
                yield turn
            finally:
                self._leave(turn)

    @contextmanager
    def _nobody_else(self) -> Iterator[None]:
        with self._lock:
            self._loners += 1
        try:
            yield
        finally:
            with self._lock:
                self._loners -= 1
                self._room.notify_all()

    def _enter(self, elsewhere: Callable[[], bool], *, alone: bool) -> Slot:
        with self._lock:
            while (wait := self._seconds_to_wait(alone=alone)) != 0.0:
                if not self.is_open and elsewhere():
                    raise ElsewhereError
                self._room.wait(wait if self.is_open else min(wait or 1.0, 1.0))
            self.quiet_since = self.quiet_since if self.under_way else time.monotonic()
            self._pass(1)
            self._probing |= self._outage
            is_alone = alone or self.limit == 1
            return Slot(self.under_way, probe=self._outage, alone=is_alone, work=self._work)

    def _leave(self, turn: Slot) -> None:
        with self._lock:
            at_once = self.under_way
            self._pass(-1)
            self._learn(turn, at_once)
            if turn.probe:
                self._probing = False
                if turn.seconds is None:
                    # how long the next one waits is decided when its failure is told
                    self._probe_at = max(self._probe_at, time.monotonic() + 0.1)
            if self._loners:  # it may be any of those who wait
                self._room.notify_all()
            else:
                self._room.notify(max(self.limit - self.under_way, 1))

    def _seconds_to_wait(self, *, alone: bool) -> float | None:
        """0.0 to go through, None until something changes."""
        self.check()
        now = time.monotonic()
        is_full = self.under_way > 0 if alone else self._loners or self.under_way >= self.limit
        if self._probing if self._outage else is_full:
            return None
        held = max(self._held_until - now, self._probe_at - now, 0.0)
        self._allowed = min(self._allowed, self.limit)
        if self.under_way < self._allowed:
            return held
        if self._wary or now < self._more_at:
            return None if self._wary else max(held, self._more_at - now)
        self._allowed, self._more_at = self._allowed + STEP, now + STEP_SECONDS
        return held

    def _pass(self, change: int) -> None:
        """One more is under way, or one less."""
        now = time.monotonic()
        self._work += self.under_way * (now - self._changed)
        self._changed = now
        self.under_way += change

    def _learn(self, turn: Slot, at_once: int) -> None:
        if turn.refused:
            self._ceiling.refused(max(turn.at_once, at_once), said=turn.said)
            self._work -= time.monotonic() - turn.began  # it was no load
            if at_once > 1:  # alone it was not for the load
                self._allowed, self._wary = min(self._allowed, at_once - 1), True
        elif turn.late:
            self._ceiling.lower(at_once // 2 + 1)
        elif turn.seconds is not None:
            self._answers, self._wary = self._answers + 1, False
            self._ceiling.answered(turn.began, min(turn.at_once, at_once))
            # itself at the least: of one that was refused more was taken off than came while this one was under way
            load = max((self._work - turn.work) / max(turn.seconds, 1e-6), 1.0)
            self._controller.answered(turn.at_once, turn.seconds, load)
