"""A model on an OpenAI-compatible server: LM Studio, Ollama, llama.cpp, vLLM, KoboldCpp, Jan, and others.

Servers differ in what they accept, how they fail and where they put the answer. What is asked for is the best
form (an answer by JSON schema, no thinking); what a server refuses is left away from then on.
"""

import io
import threading
import time
from dataclasses import dataclass
from typing import NoReturn

from tagroll.domain import Description, Preview, Prompt
from tagroll.errors import PhotoError, ReplyError, ServerError
from tagroll.models.prompt import build_prompt
from tagroll.models.reply.parse import parse_reply
from tagroll.models.server.discovery import Choice, ServerInfo, blind_error, choose, look
from tagroll.models.server.http import Answer, Wire
from tagroll.models.server.refusal import (
    SWITCHES,
    Refusal,
    fewer_switches,
    may_pass,
    refused_switches,
    why_refused,
)
from tagroll.models.server.request import Question, Said, read_completion
from tagroll.models.server.retry import NOT_RUNNING, TRIES, Channel, Limits, Tries, Trouble, is_too_much
from tagroll.models.server.wire_error import WireError

STRIKES = 8
"""So many photos refused in a row, and none answered in between: it is not the photos."""
STRIKE_SECONDS = 30.0
"""Once the server has answered, they must also have been refused for so long."""
LARGER_CONTEXT = (
    "Give the model a larger context, 8192 tokens or more for each request at once "
    "(llama-server -c, LM Studio: Context Length, OLLAMA_CONTEXT_LENGTH)"
)


@dataclass(frozen=True, slots=True)
class Stats:
    """What the answers have cost so far.

    Attributes:
        answers: How many there were, second tries included.
        seconds: What they took, from sending to receiving, added up over all threads.
        prompt_tokens: As the server counted.
        completion_tokens: Likewise.
    """

    answers: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Stats") -> "Stats":
        return Stats(
            self.answers + other.answers,
            self.seconds + other.seconds,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    @property
    def seconds_per_answer(self) -> float:
        """Mean time of an answer."""
        return self.seconds / self.answers if self.answers else 0.0


class ServerDescriber:
    """Describes pictures with a model on a server. Safe to call from many threads.

    Args:
        api_url: Where the server is, with or without /v1.
        model: The model's name.
        api_key: Sent to the server, shown to nobody.
        explicit_model: Whether the user asked for this very model; if not, another one that sees will do.
        limits: How many requests at once, and how long to wait.

    Raises:
        UsageError: The URL or the key cannot be one.
    """

    def __init__(
        self,
        api_url: str,
        model: str,
        *,
        api_key: str | None = None,
        explicit_model: bool = True,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self._wire = Wire(api_url, api_key)
        self._channel = Channel(self._wire, limits)
        self._wanted, self._explicit = model, explicit_model
        self._info = ServerInfo(self._wire.address.root, state="mute")
        self._choice: Choice | None = None
        self._discovering = threading.Lock()
        self._lock = threading.Lock()
        self._switches = frozenset(SWITCHES)
        self._stats = Stats()
        self._strikes: list[float] = []  # when a photo failed since one was answered
        self._thinks = False
        self._notes: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model's name on the server; before `discover` the name that was asked for."""
        return self._choice.model.name if self._choice else self._wanted

    @property
    def stats(self) -> Stats:
        """What the answers have cost so far."""
        return self._stats

    @property
    def is_well(self) -> bool:
        """Whether it answers, as far as is known."""
        return self._channel.gate.is_open

    @property
    def is_ready(self) -> bool:
        """Whether it answers, or it is time to see whether it does."""
        return self._channel.gate.is_ready

    @property
    def at_once(self) -> int:
        """How many pictures are sent at once now."""
        return self._channel.gate.limit

    @property
    def most_at_once(self) -> int:
        """How many threads can be of use."""
        return self._channel.gate.widest

    def close(self) -> None:
        """Close the connections: threads that wait for this server get a StoppedError."""
        self._channel.close()

    def stop(self) -> None:
        """The user stops the run: who waits gets a StoppedError, answers on their way get a little time."""
        self._channel.stop()

    def discover(self) -> tuple[str, ...]:
        """Find the server and the model and see to it that the model takes pictures; once.

        Returns:
            What the user should know about the choice, a sentence each.

        Raises:
            ServerError: There is no server, or no usable model.
        """
        with self._discovering:
            if self._choice is None:
                self._info = self._look()
                choice = choose(self._info, self._wanted, explicit=self._explicit)
                doubt = self._show_something(choice.model.name) if choice.model.sees is None else ""
                self._notes = tuple(note for note in (choice.note, doubt) if note)
                self._choice = choice
        return self._notes

    def describe(self, preview: Preview, prompt: Prompt, tries: Tries | None = None) -> Description:
        """Describe one picture.

        Args:
            preview: The picture.
            prompt: What is wanted.
            tries: How it fared with other servers.

        Raises:
            ReplyError: The model answered twice, but with nothing usable.
            PhotoError: The server refuses this picture.
            ServerError: The server cannot be used any more; the run has to stop.
        """
        if self._choice is None:
            self.discover()
        question = Question.first(prompt, thinks=self._thinks)
        tries = tries or Tries()
        said = self._ask(preview.jpeg, question, self.model, tries)
        self._thinks |= said.cut and said.thought
        try:
            found: Description | None = self._understand(said, prompt)
        except ReplyError:
            found = None
        if found and (not said.cut or (prompt.task == "tags" and len(found.keywords) >= prompt.max_tags)):
            return found
        try:
            return self._understand(self._ask(preview.jpeg, question.again(said), self.model, tries), prompt)
        except PhotoError:
            if found is None:
                raise
            return found  # what was whole in the first answer

    def _understand(self, said: Said, prompt: Prompt) -> Description:
        reply = parse_reply(said.text, prompt_text=prompt.text)
        return Description(reply.keywords, self.model, reply.title, reply.description, reply.filename)

    def _look(self) -> ServerInfo:
        """Ask what the server has; wait while it loads."""
        limits, tries = self._channel.limits, Tries()
        while True:
            try:
                info = look(self._wire, limits.answer)
            except WireError as error:
                root = self._wire.address.root
                raise ServerError(f"No model server at {root}: {error}", error.hint or NOT_RUNNING) from error
            if info.state == "locked":
                raise self._locked()
            if info.state != "loading":
                self._channel.patience.acquit(tries)
                return info
            loading = ServerError(f"The model server at {info.url} keeps loading", "See its log")
            self._channel.failed(tries, Trouble(loading, PhotoError(""), limits.first_answer, passing=True))

    def _locked(self) -> ServerError:
        return ServerError(
            f"The model server at {self._wire.address.root} wants an API key, or another one",
            "Give it with --api-key or in the environment as TAGROLL_API_KEY",
        )

    def _show_something(self, model: str) -> str:
        """Show a small green picture, when the server does not say whether the model sees.

        Returns:
            A doubt, for some servers take the picture and do not show it to the model; a model that sees need
            not name the colour.

        Raises:
            ServerError: The picture is refused.
        """
        from PIL import Image  # only where it is needed

        jpeg = io.BytesIO()
        Image.new("RGB", (64, 64), "green").save(jpeg, "JPEG")
        try:
            said = self._ask(jpeg.getvalue(), Question.first(build_prompt("tags", max_tags=3)), model)
        except PhotoError as error:
            raise ServerError(error.message, error.hint) from error
        if "green" in said.text.casefold() or not said.text.strip():
            return ""
        words = " ".join(said.text.split())[:80]
        return f"{model} may not see pictures: of a plain green one it says {words!r}. Look at the first tags"

    def _ask(self, jpeg: bytes, question: Question, model: str, tries: Tries | None = None) -> Said:
        """Get something said about a picture.

        Raises:
            PhotoError: The server refuses this picture.
            ServerError: The server or the model cannot be used.
            ElsewhereError: Another server can have it.
            StoppedError: The run is being stopped.
        """
        switches, tries = self._switches, tries or Tries()
        suspected = fewer_switches(switches)
        while True:
            began = time.monotonic()
            answer = self._channel.chat(question.body(model, jpeg, switches), tries)
            said = read_completion(answer.json()) if answer.is_ok else None
            if said:
                self._count(said, time.monotonic() - began, switches)
                return said
            why = why_refused(400 if answer.is_ok else answer.status, answer.error, model)
            if why in {Refusal.BROKEN, Refusal.OTHER} and not answer.is_ok and not may_pass(answer.error):
                if named := refused_switches(answer.error, switches):
                    switches -= named
                    continue
                # Nothing is named. Once the server has answered such a request, it means something else.
                fewer = None if why is Refusal.BROKEN or self._stats.answers else next(suspected, None)
                if fewer is not None:
                    switches = fewer
                    continue
            self._refused(answer, why, model, tries)

    def _count(self, said: Said, seconds: float, switches: frozenset[str]) -> None:
        with self._lock:
            self._strikes.clear()
            self._switches &= switches  # what was refused is left away from now on
            self._stats += Stats(1, seconds, said.prompt_tokens, said.completion_tokens)

    def _refused(self, answer: Answer, why: Refusal, model: str, tries: Tries) -> None:
        """Decide what a refusal means: return to try again, or raise."""
        garbage = answer.is_ok and not answer.error
        root = self._wire.address.root
        words = f': "{answer.error}"' if answer.error else f" (status {answer.status})"
        if why is Refusal.KEY:
            self._channel.end(self._locked())
        if why is Refusal.BLIND and not self._stats.answers:
            self._channel.end(blind_error(self._info, model, answer.error))
        if why is Refusal.ADDRESS and not self._stats.answers:
            message = f"There is no OpenAI API at {answer.url}{words}"
            hint = "Give the server's base URL with --api-url, such as http://127.0.0.1:1234/v1"
            self._channel.end(ServerError(message, hint))
        if why is Refusal.CONTEXT:
            self._strike(
                PhotoError(f"The picture does not fit into the model's context{words}", LARGER_CONTEXT)
            )
        error = PhotoError(f"The model server refused the picture{words}", "See the server's log")
        if garbage:
            error = ReplyError(f"The model server at {root} answered, but not with a chat completion")
        ends = ServerError(f"The model server refuses every photo. {error.message}", error.hint)
        if why is Refusal.MODEL:
            ends = ServerError(
                f"The model server at {root} has no model {model}{words}", f"Load {model} there"
            )
            if tries.count + 1 >= TRIES and not self._stats.answers and not may_pass(answer.error):
                self._channel.end(ends)
        passing = why is Refusal.MODEL or may_pass(answer.error)
        if why is Refusal.OTHER and not (garbage or passing or self._stats.answers or tries.elsewhere()):
            self._strike(error)
        patience, busy = self._channel.limits.outage, is_too_much(answer.error)
        trouble = Trouble(ends, error, patience, busy, passing, answer.retry_after)
        try:
            self._channel.failed(tries, trouble)
        except PhotoError as failure:
            self._strike(failure)

    def _strike(self, error: PhotoError) -> NoReturn:
        """Fail a photo; or the run, if so many failed for so long and none was answered in between."""
        with self._lock:
            now = time.monotonic()
            self._strikes.append(now)
            long = now - self._strikes[0] >= STRIKE_SECONDS or not self._stats.answers
            out = len(self._strikes) >= STRIKES and long
        if out:
            self._channel.end(
                ServerError(f"The model server refuses every photo. {error.message}", error.hint)
            )
        raise error
