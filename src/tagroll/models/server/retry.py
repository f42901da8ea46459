"""Getting one request answered by a server that may be busy, loading, or dead for a while."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tagroll.errors import PhotoError, ServerError
from tagroll.models.server.concurrency import Gate
from tagroll.models.server.http import CHAT_BYTES, Answer, Wire, WireError

NOT_RUNNING = (
    "Start the server (LM Studio: Developer > Start Server; `ollama serve`; `llama-server -hf MODEL`) and "
    "give its address with --api-url if it is another one, or go without a server: --backend builtin"
)
SLOW = "See the server's log. A smaller model or fewer requests at once (--jobs 1) may help"
TRIES = 3
"""How often a request is sent that breaks the connection or gets no answer, while others are answered."""
LONGEST_PAUSE = 60.0
_WAIT = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests at once and how long to wait, in seconds.

    Attributes:
        jobs: Requests at once; None finds out what the server can take.
        first_answer: For the first answer, while which the model may be loaded.
        answer: For an answer after that.
        outage: For a server that is gone to come back; one clock for all threads.
    """

    jobs: int | None = None
    first_answer: float = 600.0
    answer: float = 120.0
    outage: float = 60.0


class Patience:
    """How long a server without answers is waited for: one clock, so all threads wait no longer than one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._over = threading.Event()
        self._verdict = ("", "")

    def check(self) -> None:
        """Raise the ServerError with which patience ended, if it has."""
        if self._over.is_set():
            raise ServerError(*self._verdict)

    def end(self, message: str, hint: str) -> None:
        """Give up; the first reason counts. Who waits, wakes up."""
        with self._lock:
            if not self._over.is_set():
                self._verdict = (message, hint)
                self._over.set()

    def answered(self) -> None:
        """The server lives: the clock starts anew with the next failure."""
        self._since = None

    def failed(self, allowed: float, message: str, hint: str) -> None:
        """Count a failure; give up if there has been nothing else for more than the allowed seconds."""
        with self._lock:
            now = time.monotonic()
            self._since = now if self._since is None else self._since
            too_long = now - self._since > allowed
        if too_long:
            self.end(message, hint)

    def pause(self, seconds: float) -> None:
        """Wait before the next try, unless patience ends before.

        Raises:
            ServerError: It has ended.
        """
        spread = random.uniform(1.0, 1.25)  # noqa: S311 - keeps threads apart, guards nothing
        self._over.wait(min(seconds, LONGEST_PAUSE) * spread)
        self.check()


def pauses() -> Iterator[float]:
    """Seconds between tries: short at first, for many a broken connection is the only one; never long."""
    pause = 0.1
    while True:
        yield pause
        pause = min(2 * pause, 2.0)


class Channel:
    """A wire with a gate before it and patience behind it.

    Args:
        wire: The server.
        limits: How many requests at once, and how long to wait.
        endpoint: What is asked, below the base of the API.
        most: Bytes of an answer.
    """

    def __init__(
        self, wire: Wire, limits: Limits, endpoint: str = "chat/completions", *, most: int = CHAT_BYTES
    ) -> None:
        self.wire = wire
        self._endpoint, self._most = endpoint, most
        self.gate = Gate(limits.jobs)
        self.patience = Patience()
        self.limits = limits
        self._slowest: float | None = None  # of the answers since the server was (re)started; None: none yet

    def chat(self, body: bytes) -> Answer:
        """Send a chat request until the server says something about it.

        Raises:
            PhotoError: This request breaks the connection or finds no answer, again and again.
            ServerError: The server is gone, or has been busy or loading for too long.
        """
        broken, delays = 0, pauses()
        while True:
            try:
                answer = self._once(body)
            except WireError as error:
                broken += error.kind != "down"
                if error.kind == "down":
                    self._slowest = None
                self._lost(error, broken)
                self.patience.pause(next(delays))
                continue
            if answer.status not in _WAIT:
                self.patience.answered()
                return answer
            self._busy(answer)
            self.patience.pause(next(delays) if answer.retry_after is None else answer.retry_after)

    def _once(self, body: bytes) -> Answer:
        with self.gate.turn() as turn:
            self.patience.check()
            url = f"{self.wire.address.api}/{self._endpoint}"
            answer = self.wire.post(url, body, self._timeout(), most=self._most)
            turn.refused = answer.status == 429
            if answer.status == 200:
                self._slowest = max(turn.answered(), self._slowest or 0.0)
            return answer

    def _timeout(self) -> float:
        """Seconds for the next answer. A slow machine gets its time: three times its slowest answer."""
        if self._slowest is None:
            return max(self.limits.first_answer, self.limits.answer)
        return max(self.limits.answer, 3 * self._slowest)

    def _lost(self, error: WireError, broken: int) -> None:
        state, hint = ("silent", SLOW) if error.kind == "late" else ("gone", error.hint or NOT_RUNNING)
        message = f"The model server at {self.wire.address.root} is {state}: {error}"
        self.patience.failed(self.limits.outage, message, hint)
        self.patience.check()
        if broken >= TRIES:
            raise PhotoError(f"The model server gave no answer in {TRIES} tries: {error}", SLOW)

    def _busy(self, answer: Answer) -> None:
        state = "too busy" if answer.status == 429 else "not ready"
        said = f" ({answer.error})" if answer.error else ""
        # A gateway without a server behind it (502, 504) is an outage; loading a model takes its time.
        patient = self.limits.first_answer if answer.status in {429, 503} else self.limits.outage
        message = f"The model server at {self.wire.address.root} stays {state}: status {answer.status}{said}"
        self.patience.failed(patient, message, SLOW)
