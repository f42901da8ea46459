"""Getting one request answered by a server that may be busy, loading, or dead for a while.

The question behind every failure is: is it this photo, or the server? A server that answers others in between is
well, and three failures are the photo's own. One that fails several photos and answers none has an outage,
whatever its status and its words: it is waited for, one request at a time asks whether it is back.
"""

import contextlib
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from tagroll.domain import Waiting
from tagroll.errors import PhotoError, ServerError
from tagroll.models.server.concurrency import ElsewhereError, Gate, Slot
from tagroll.models.server.http import CHAT_BYTES, Answer, Wire
from tagroll.models.server.outage import TRIES, OutageClock, Tries, Trouble
from tagroll.models.server.refusal import Refusal, refusal_of
from tagroll.models.server.telling import FINAL
from tagroll.models.server.wire_error import WireError

NOT_RUNNING = (
    "Start the server (LM Studio: Developer > Start Server; `ollama serve`; `llama-server -hf MODEL`) and "
    "give its address with --api-url if it is another one, or go without a server: --backend builtin"
)
SLOW = "See the server's log. A smaller model or fewer requests at once (--jobs 1) may help"
LONGEST_PAUSE = 60.0
LONGEST_PROBE_PAUSE = 5.0
"""Seconds between the requests that ask whether an outage is over: short at first, never longer than this..."""
LONGEST_ASIDE = 60.0
"""...or this where another server does the work."""
HOPELESS = 3
"""So many requests that ask whether an outage is over are refused like all before them, and none was ever answered."""
SILENT = 3
"""So many time-outs one after the other, each longer than the one before, and the server is taken for dead."""
NOTICED = 3.0
"""Seconds after which waiting is told."""
_WAIT = frozenset({429, 502, 503, 504})
_BUSY = frozenset({429, 503})
_TOO_MANY = re.compile(
    r"out\W?of\W?(device|host|gpu|video)?\W?memory|\boom\b|\bbad_alloc\b|\bmemoryerror\b|resource limitation"
    r"|(insufficient|not enough) (gpu |video |system )?(memory|vram|resources)|(memory|vram) (is )?(exhausted|full)"
    r"|\b(unable|failed|failure|could not|cannot)( to)? allocate\b|\ballocation failed\b|requires more .{0,20}\bmemory"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests at once and how long to wait, in seconds.

    Attributes:
        jobs: Requests at once, at most; None finds out what the server can take.
        first_answer: For the first answer, while which the model may be loaded.
        answer: For an answer after that.
        outage: For a server that is gone to come back; one clock for all threads.
        elsewhere: For an answer that another server could give.
        probe: Before the first request that asks whether an outage is over.
        stopping: For the answers that are on their way when the user stops the run; at most.
        repeats: So many different photos with one answer, or with none that can be used, end the run; None: they do
            not.
        took: How many requests at once models took the last time, by place (see Describer.took).
    """

    jobs: int | None = None
    first_answer: float = 600.0
    answer: float = 120.0
    outage: float = 60.0
    elsewhere: float = 20.0
    probe: float = 1.0
    stopping: float = 30.0
    repeats: int | None = 10
    took: Mapping[str, int] = field(default_factory=dict)


class UnheardError(Exception):
    """A request broke off, and it may be for its form: a schema can bring a server down."""


def is_too_much(words: str) -> bool:
    """Whether a server says that it has no memory for so much at once."""
    return bool(_TOO_MANY.search(words.lower()))


def spread(seconds: float) -> float:
    """A little more than these seconds, not the same for any two threads."""
    return min(seconds, LONGEST_PAUSE) * random.uniform(1.0, 1.25)  # noqa: S311 - guards nothing


class Channel:
    """A wire with a gate before it and patience behind it.

    Args:
        wire: The server's endpoints.
        limits: How many requests at once, and how long to wait.
        endpoint: What is asked, under the base of the OpenAI endpoints.
        most: Bytes of an answer.
    """

    def __init__(
        self, wire: Wire, limits: Limits, endpoint: str = "chat/completions", *, most: int = CHAT_BYTES
    ) -> None:
        self.wire = wire
        self.gate = Gate(limits.jobs)
        self.clock = OutageClock()
        self.limits = limits
        self._endpoint, self._most = endpoint, most
        self._slowest: float | None = None  # of the answers since the server was (re)started; None: none yet
        self._proof = b""  # a request that was answered
        self._probes = 0  # that failed in this outage
        self._least = 0.0  # seconds for the next answer, after a time-out
        self._silences, self._silent_at = 0, 0.0
        self._answered_at = 0.0
        self._stopping: tuple[float, float] | None = None  # since when, and for how long at most

    # asking ----------------------------------------------------------------------------------------------

    def chat(
        self, body: bytes, tries: Tries | None = None, doubtful: Callable[[], bool] = lambda: False
    ) -> Answer:
        """Send a request until the server says something about it.

        Args:
            body: The request.
            tries: How it fares.
            doubtful: Whether the request's form may be what the server cannot stand; while others are under way, it may
                be these.

        Raises:
            UnheardError: It breaks off, and the form is doubtful.
            PhotoError: This request fails again and again, and others do not.
            ServerError: The server is gone, or has been busy or loading for too long.
            ElsewhereError: The server is in trouble, and another one can have the photo.
            StoppedError: The run is being stopped.
        """
        tries = tries or Tries()
        while True:
            try:
                answer = self._once(body, tries)
            except WireError as error:
                if error.kind == "cut" and not self.gate.under_way and doubtful():
                    raise UnheardError from error
                self.failed(tries, self._lost(error))
                continue
            if answer.status == 502 and not self.gate.under_way and doubtful():
                raise UnheardError
            if answer.status not in _WAIT or refusal_of(answer) is Refusal.PAYMENT:
                return answer
            self.failed(tries, self._busy(answer))

    def _once(self, body: bytes, tries: Tries) -> Answer:
        with self.gate.turn(tries.elsewhere, alone=tries.alone >= self.clock.tries) as turn:
            self.clock.check()
            tries.sent, tries.probe, tries.by_itself = turn.began, turn.probe, turn.alone
            seconds = self._timeout(tries)
            try:
                url = f"{self.wire.address.api}/{self._endpoint}"
                answer = self.wire.post(url, body, seconds, most=self._most)
            except WireError as error:
                self.gate.check()
                self._no_answer(error, turn, seconds)
                tries.by_itself |= error.kind != "cut"
                if error.kind == "cut":
                    self._refused(tries, turn)
                raise
            if answer.is_reply:
                self._slowest = max(turn.answered(), self._slowest or 0.0)
                self._proof = body
                self._answered(tries)
                if turn.alone and tries.at_once:
                    self.gate.too_many(tries.at_once)
            elif refusal_of(answer) not in FINAL:
                turn.said = answer.status in _BUSY or is_too_much(answer.error)
                self._refused(tries, turn)
                tries.by_itself |= answer.status == 504
            return answer

    def _refused(self, tries: Tries, turn: Slot) -> None:
        """It may be for the load: as long as the photo is not blamed, what that teaches holds."""
        tries.ceiling = tries.ceiling or self.gate.ceiling
        turn.refused = True
        if turn.at_once > 1:
            tries.at_once = min(tries.at_once or turn.at_once, turn.at_once)

    def _answered(self, tries: Tries) -> None:
        self._least, self._answered_at = 0.0, time.monotonic()
        self._probes = self._silences = 0
        self.clock.answered(tries)
        self.gate.outage = False

    def _no_answer(self, error: WireError, turn: Slot, seconds: float) -> None:
        if error.kind == "down":
            self._slowest = None
        elif (
            error.kind == "late" and self.clock.latest <= turn.began
        ):  # else others overtook it: its own fault
            turn.late = True
            self._least = max(self._least, 2 * seconds)
            if turn.began >= self._silent_at:
                self._silences += 1
                self._silent_at = time.monotonic()

    def _timeout(self, tries: Tries) -> float:
        """Seconds for the next answer. A slow machine gets its time: three times its slowest answer."""
        if tries.elsewhere():
            return max(self.limits.elsewhere, 3 * (self._slowest or 0.0))
        if self._slowest is None:
            return max(self.limits.first_answer, self.limits.answer, self._least)
        return max(self.limits.answer, 3 * self._slowest, self._least)

    # what a failure means --------------------------------------------------------------------------------

    def failed(self, tries: Tries, trouble: Trouble) -> None:
        """Wait until a request that failed may be sent again.

        Raises:
            PhotoError: It is the photo: it failed three times and others did not.
            ServerError: It is the server, and patience is over.
            ElsewhereError: Another server can have the photo.
            StoppedError: The run is being stopped.
        """
        clock = self.clock
        self.gate.check()
        clock.check()
        clock.failed(tries, trouble)
        if tries.alone >= clock.tries and (tries.by_itself or not tries.at_once):
            self._blame(tries, trouble)
        if tries.elsewhere():
            self._rest(tries, trouble)
            raise ElsewhereError
        if clock.is_over(trouble) or self._is_hopeless(trouble):
            self.end(trouble.server)
        if not self._proof and not clock.outage and not trouble.passing and tries.count >= TRIES:
            self._blame(tries, trouble)
        self._rest(tries, trouble)
        lone = min(0.1 * 2 ** (tries.count - 1), 2.0)
        self.gate.pause(spread(self.limits.probe if clock.outage else lone))
        if self._proof and tries.count > 1 and clock.latest <= tries.last and not self.gate.under_way:
            self._cross_examine(trouble)
        clock.check()

    def _is_hopeless(self, trouble: Trouble) -> bool:
        """Whether the server has said the same of every photo since the run began, and it is not what passes."""
        has_one_word = not (trouble.busy or trouble.passing) and len(self.clock.words) == 1
        return not self._proof and has_one_word and self._probes >= HOPELESS

    def _blame(self, tries: Tries, trouble: Trouble) -> None:
        """It is the photo, and the server is as well as it was before."""
        self.clock.acquit(tries)
        self.gate.restore(tries.ceiling)
        raise trouble.photo

    def _cross_examine(self, trouble: Trouble) -> None:
        """Nobody else is being answered: ask something that was answered before. Is it this photo, or the server?"""
        witness = Tries()
        with contextlib.suppress(WireError):
            answer = self._once(self._proof, witness)
            if answer.is_reply:
                return
        self.clock.failed(witness, trouble)
        self._rest(witness, trouble)

    def end(self, error: ServerError) -> NoReturn:
        """End the run for all threads: nobody is waited for any more."""
        self.clock.end(error.message, error.hint)
        self.gate.open()
        raise error

    def _rest(self, tries: Tries, trouble: Trouble) -> None:
        """Give the server a rest that its state calls for, for all threads."""
        if trouble.retry_after is not None:
            self.gate.hold(min(trouble.retry_after, LONGEST_PAUSE))
        if not self.clock.outage:
            return
        if not self.gate.outage or tries.probe:
            self._probes += self.gate.outage
            self.gate.outage = True
            longest = LONGEST_ASIDE if tries.elsewhere() else LONGEST_PROBE_PAUSE
            pause = min(self.limits.probe * 2 ** min(self._probes, 10), longest)
            # three times what asking has cost a photo
            aside = 3 * (tries.last - tries.sent) if tries.elsewhere() else 0.0
            self.gate.hold(spread(max(pause, aside)), probes=True)

    def _lost(self, error: WireError) -> Trouble:
        state, hint = ("silent", SLOW) if error.kind == "late" else ("gone", error.hint or NOT_RUNNING)
        message = f"the model server at {self.wire.address.root} is {state}: {error}"
        late = error.kind == "late"
        allowed = None if late and self._silences < SILENT else 0.0 if late else self.limits.outage
        photo = PhotoError(f"the model server gave no answer in {TRIES} tries: {error}", SLOW)
        return Trouble(ServerError(message, hint), photo, allowed, passing=error.kind != "cut")

    def _busy(self, answer: Answer) -> Trouble:
        state = "too busy" if answer.status == 429 else "not ready"
        said = f" ({answer.error})" if answer.error else ""
        # A gateway without a server behind it (502, 504) is an outage; loading a model takes its time.
        loading = answer.status == 429 or (answer.status == 503 and not self.clock.answers)
        root = self.wire.address.root
        return Trouble(
            ServerError(f"the model server at {root} stays {state}: status {answer.status}{said}", SLOW),
            PhotoError(
                f"the model server refused the picture {TRIES} times, and no other: status {answer.status}{said}",
                "See the server's log",
            ),
            max(self.limits.first_answer, self.limits.outage) if loading else self.limits.outage,
            busy=answer.status in _BUSY,
            passing=True,
            retry_after=answer.retry_after,
        )

    # stopping and waiting --------------------------------------------------------------------------------

    def stop(self) -> None:
        """The user stops the run: who waits gives up at once, answers on their way get a little time.

        Twice what the slowest took so far, 2 seconds at least.
        """
        self.gate.stop()
        grace = min(self.limits.stopping, max(2.0, 2 * (self._slowest or 0.0)))
        self._stopping = (time.monotonic(), grace)
        timer = threading.Timer(grace, self.wire.cut)
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """Nobody asks any more."""
        self.gate.stop()
        self.wire.close()

    def waiting(self) -> Waiting | None:
        """What is waited for longer than usual, or None."""
        now, trouble, since = time.monotonic(), self.clock.trouble, self.clock.since
        under_way = self.gate.under_way
        if self._stopping:
            began, grace = self._stopping
            answers = "an answer that is" if under_way == 1 else f"{under_way} answers that are"
            return Waiting(f"{answers} on the way", now - began, grace) if under_way else None
        if trouble and since and now - since > NOTICED:
            return Waiting(trouble.server.message, now - since, trouble.allowed)
        quiet = now - max(self.gate.quiet_since, self._answered_at)
        if under_way and quiet > max(NOTICED, 3 * (self._slowest or 0.0)):
            return Waiting(f"no answer yet from the model server at {self.wire.address.root}", quiet)
        return None
