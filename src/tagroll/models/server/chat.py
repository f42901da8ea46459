"""One question about a picture to a model on a server, until it is answered or refused for good."""

import threading
import time
from collections.abc import Callable
from typing import NoReturn

from tagroll.domain import Stats
from tagroll.errors import PhotoError, ReplyError, ServerError
from tagroll.models.server import sight
from tagroll.models.server.completion import Completion, read_completion
from tagroll.models.server.concurrency import ElsewhereError
from tagroll.models.server.discovery import ServerInfo, blind_error
from tagroll.models.server.forms import Forms
from tagroll.models.server.http import Answer, Wire
from tagroll.models.server.outage import TRIES, Tries, Trouble
from tagroll.models.server.refusal import (
    CHANCES,
    SWITCHES,
    Refusal,
    may_pass,
    no_switches,
    refusal_of,
    refused_switches,
)
from tagroll.models.server.request import Question
from tagroll.models.server.retry import Channel, Limits, UnheardError, is_too_much, spread
from tagroll.models.server.telling import ENDS, FINAL, photo_error, server_error
from tagroll.models.server.wire_error import WireError

MOST_REFUSALS = 8
"""So many photos refused in a row, and none answered in between: it is not the photos."""
REFUSAL_SECONDS = 30.0
"""Once the server has answered, they must also have been refused for so long."""
NO_CHAT = "Look whether --api-url is the address of a model server, and what its log says"


class Chat:
    """Asks, leaves away what the server refuses of a question, and decides what a refusal means. For many threads.

    Args:
        wire: The server.
        limits: How many requests at once, and how long to wait.

    Attributes:
        info: What the server says about itself, as far as it was asked.
        stats: What the answers have cost so far.
    """

    def __init__(self, wire: Wire, limits: Limits) -> None:
        self.wire = wire
        self.channel = Channel(wire, limits)
        self.info = ServerInfo(wire.address.root, state="mute")
        self.stats = Stats()
        self._forms = Forms(frozenset(SWITCHES) - {CHANCES})
        self._check_forms: Forms | None = None  # begins with what the first answer has taught
        self._lock = threading.Lock()
        self._judging = threading.Lock()
        self._blind: bool | None = None  # whether it refused the plain picture, once that was asked
        self._refusals: list[float] = []  # when a photo failed since one was answered
        self._absent: Answer | None = None  # from where there is no API

    def begin_again(self) -> None:
        """Forget what ended: another model is asked."""
        self.channel = Channel(self.wire, self.channel.limits)
        self._blind = None

    def ask(
        self, jpeg: bytes | None, question: Question, model: str, tries: Tries | None = None
    ) -> Completion:
        """Get something said about a picture, or with none to words alone.

        Raises:
            PhotoError: The server refuses this picture.
            ServerError: The server or the model cannot be used.
            ElsewhereError: Another server can have it.
            StoppedError: The run is being stopped.
        """
        forms = self._forms_of(question)
        switches, tries, sure = forms.now, tries or Tries(), False

        def body(form: frozenset[str]) -> bytes:
            return question.body(model, jpeg, form)

        def doubtful() -> bool:
            return not sure and _is_doubtful(forms, switches)

        while True:
            began = time.monotonic()
            try:
                answer = self.channel.chat(body(switches), tries, doubtful)
            except UnheardError:
                found = self._other_form(forms, switches, body)
                sure, switches = found is None, switches if found is None else found
                continue
            said = read_completion(answer.json()) if not answer.is_refusal else None
            if said:
                forms.answered(switches)
                self._count(said, time.monotonic() - began)
                return said
            why = refusal_of(answer, model)
            if why is Refusal.ADDRESS and not self.stats.answers:
                self._absent = self._absent or answer
                if self.wire.move_on(_base(answer)):
                    continue
                answer = self._absent  # what was given is told, not the last guess
            found = self._mended(answer, why, forms, switches, body)
            if found is None:
                self._refused(answer, why, model, tries)
            else:
                switches = found

    def _forms_of(self, question: Question) -> Forms:
        """What is known of questions of this kind: a server may take a photo and not a check."""
        if question.prompt.task != "check":
            return self._forms
        with self._lock:
            self._check_forms = self._check_forms or Forms(self._forms.now | {CHANCES})
            return self._check_forms

    def _mended(
        self, answer: Answer, why: Refusal, forms: Forms, switches: frozenset[str], body: Callable[[frozenset[str]], bytes]
    ) -> frozenset[str] | None:  # fmt: skip
        """The form of the question that a refusal asks for, None if it is for something else."""
        passing = self.stats.answers and may_pass(answer.error)
        if why in ENDS | FINAL or answer.is_ok or passing:
            return None
        if named := refused_switches(answer.error, switches):
            return switches - named
        doubtful = why is not Refusal.MODEL and not is_too_much(answer.error)
        return self._other_form(forms, switches, body) if doubtful else None

    def _other_form(
        self, forms: Forms, switches: frozenset[str], body: Callable[[frozenset[str]], bytes]
    ) -> frozenset[str] | None:
        """A form that is answered, while none was yet; after that, a refusal is no matter of the form."""
        return (
            forms.find(switches, lambda form: self._takes(body(form)))
            if _is_doubtful(forms, switches)
            else None
        )

    def _takes(self, body: bytes) -> bool:
        """Whether a question is answered, outside of all queues and waiting."""
        limits = self.channel.limits
        try:
            url = f"{self.wire.address.api}/chat/completions"
            answer = self.wire.post(url, body, max(limits.first_answer, limits.answer))
        except WireError:
            return False
        return not answer.is_refusal and read_completion(answer.json()) is not None

    def _is_blind(self, model: str) -> bool:
        """Whether a model refuses a good picture as well, with a plain question; asked once."""
        with self._judging:
            if self._blind is None:
                plain = sight.question().body(model, sight.green_picture(), no_switches(self._forms.now))
                self._blind = not self._takes(plain)
            return self._blind

    def _count(self, said: Completion, seconds: float) -> None:
        with self._lock:
            self._refusals.clear()
            self.stats += Stats(1, seconds, said.prompt_tokens, said.completion_tokens)

    def _refused(self, answer: Answer, why: Refusal, model: str, tries: Tries) -> None:
        """Decide what a refusal means: return to try again, or raise."""
        root, garbage = self.wire.address.root, answer.is_ok and not answer.error
        answered = self.stats.answers > 0
        if why in ENDS and (not answered or why is Refusal.PAYMENT):  # else it may pass, or mean this photo
            self._end(answer, why, model, tries)
            return
        if why is Refusal.BLIND and not answered and self._is_blind(model):
            self.channel.end(blind_error(self.info, model, answer.error))
        error = photo_error(why, answer)
        if why in FINAL:
            self._give_up_on_photo(error, tries)
        if garbage:
            error = ReplyError(
                f"the model server at {root} answered, but not with a chat completion", NO_CHAT
            )
        ends = ServerError(f"the model server refuses every photo: {error.message}", error.hint)
        if why in {Refusal.MODEL, Refusal.KEY}:
            ends = server_error(why, answer, root, model)
            unheard = why is Refusal.MODEL and not answered and not may_pass(answer.error)
            if unheard and tries.count + 1 >= TRIES:
                self.channel.end(ends)
        passing = why is Refusal.MODEL or may_pass(answer.error)
        for_good = why in {Refusal.OTHER, Refusal.BLIND} and not (garbage or passing or answered)
        if for_good and not tries.elsewhere():
            if tries.count:
                self._give_up_on_photo(error, tries)
            self._once_more(tries)
            return
        allowed, busy = self.channel.limits.outage, is_too_much(answer.error)
        trouble = Trouble(ends, error, allowed, busy, passing, answer.retry_after)
        try:
            self.channel.failed(tries, trouble)
        except PhotoError as failure:
            self._give_up_on_photo(failure, tries)

    def _end(self, answer: Answer, why: Refusal, model: str, tries: Tries) -> None:
        """End the run; but a key is not wrong with which others are being answered."""
        channel = self.channel
        if why is Refusal.KEY and not tries.count and (channel.gate.under_way or channel.clock.answers):
            self._once_more(tries)
        else:
            channel.end(server_error(why, answer, self.wire.address.root, model))

    def _once_more(self, tries: Tries) -> None:
        """Ask again in a moment: others may be answered just now, and show that it is an outage."""
        tries.count += 1
        self.channel.gate.pause(spread(0.2))

    def _give_up_on_photo(self, error: PhotoError, tries: Tries) -> NoReturn:
        """Fail a photo, unless another server can have it; or the run, if so many failed for so long with no answer."""
        with self._lock:
            now = time.monotonic()
            self._refusals.append(now)
            long = now - self._refusals[0] >= REFUSAL_SECONDS or not self.stats.answers
            out = len(self._refusals) >= MOST_REFUSALS and long
        if out:
            self.channel.end(
                ServerError(f"the model server refuses every photo: {error.message}", error.hint)
            )
        if tries.elsewhere():
            raise ElsewhereError
        raise error


def _is_doubtful(forms: Forms, switches: frozenset[str]) -> bool:
    """Whether a form of the question may be what is refused: nothing was answered yet, or others know better."""
    return not forms.is_known or not switches <= forms.now


def _base(answer: Answer) -> str:
    """The base of the endpoints where an answer comes from."""
    return answer.url.removesuffix("/chat/completions")
