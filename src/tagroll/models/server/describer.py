"""A model on an OpenAI-compatible server: LM Studio, Ollama, llama.cpp, vLLM, KoboldCpp, Jan, and others.

Servers differ in what they accept, how they fail and where they put the answer. What is asked for is the best
form (an answer by JSON schema, no thinking); what a server refuses is left away from then on.
"""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from tagroll.domain import Describer, Description, Preview, Prompt, Stats, Waiting
from tagroll.errors import PhotoError, ReplyError, ServerError
from tagroll.models.checking import asked_of, check_prompt, read_check, with_broader
from tagroll.models.reply.parse import parse_reply
from tagroll.models.server import sight
from tagroll.models.server.chat import Chat
from tagroll.models.server.completion import Completion
from tagroll.models.server.concurrency import ElsewhereError
from tagroll.models.server.controller import BATCHING_START, START
from tagroll.models.server.discovery import (
    Choice,
    ServedModel,
    ServerInfo,
    blind_error,
    choose,
    in_place_of,
    is_same_model,
    look,
    unknown_error,
)
from tagroll.models.server.http import Wire
from tagroll.models.server.language import is_in
from tagroll.models.server.outage import Tries, Trouble
from tagroll.models.server.refusal import Refusal
from tagroll.models.server.request import Question
from tagroll.models.server.retry import NOT_RUNNING, Limits
from tagroll.models.server.stuck import Stuck
from tagroll.models.server.telling import server_error
from tagroll.models.server.votes import TEMPERATURE, counted
from tagroll.models.server.wire_error import WireError

OTHERS = 3
"""So many other models are tried where none was named and the server does not say which of them see."""
NO_CHECK = "Leave out --check-tags, or take a larger model"
THINKS_ON = "Switch its thinking off in the server, or take a model that does not think"


class ServerDescriber(Describer):
    """Describes pictures with a model on a server. Safe to call from many threads.

    Args:
        api_url: Where the server is, with or without /v1.
        model: The model's name.
        api_key: Sent to the server, shown to nobody.
        explicit_model: Whether the user asked for this very model; if not, another one that sees will do.
        limits: How many requests at once, and how long to wait.

    Attributes:
        doubt: What speaks against the model's seeing, "" if nothing does; known after `discover`.

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
        self._chat = Chat(self._wire, limits)
        self._wanted, self._explicit = model, explicit_model
        self._choice: Choice | None = None
        self._discovering = threading.Lock()
        self._lock = threading.Lock()
        self._thinks = self._is_foreign = False
        self._stuck = Stuck(limits.repeats)
        self._real = ""  # the model's name in its answers, if it is not the one that was asked for
        self._news: list[str] = []
        self._notes: tuple[str, ...] = ()
        self.doubt = ""

    @property
    def model(self) -> str:
        """The model's name; as the server calls it in its answers, if that is another one than was asked for."""
        return self._real or self._asked

    @property
    def served_as(self) -> str:
        """See Describer."""
        return self.model

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._wire.address.root

    @property
    def _asked(self) -> str:
        """The model's name on the server; before `discover` the name that the user gave."""
        return self._choice.model.name if self._choice else self._wanted

    def news(self) -> tuple[str, ...]:
        """What the user should know since this was asked last, a sentence each."""
        with self._lock:
            news, self._news = tuple(self._news), []
        return news

    @property
    def stats(self) -> Stats:
        """What the answers have cost so far."""
        return self._chat.stats

    @property
    def waiting(self) -> Waiting | None:
        """What is waited for longer than usual, or None."""
        return self._chat.channel.waiting()

    @property
    def is_well(self) -> bool:
        """Whether it answers, as far as is known."""
        return self._chat.channel.gate.is_open

    @property
    def is_ready(self) -> bool:
        """Whether it answers, or it is time to see whether it does."""
        return self._chat.channel.gate.is_ready

    @property
    def at_once(self) -> int:
        """How many pictures are sent at once now."""
        return self._chat.channel.gate.limit

    @property
    def took(self) -> Mapping[str, int]:
        """See Describer."""
        at_once = self._chat.channel.gate.took
        return {self._place: at_once} if at_once else {}

    @property
    def _place(self) -> str:
        return json.dumps([self._wire.address.root, self._asked])

    @property
    def capacity(self) -> int:
        """How many threads can be of use."""
        return self._chat.channel.gate.widest

    def close(self) -> None:
        """Close the connections: threads that wait for this server get a StoppedError."""
        self._chat.channel.close()

    def stop(self) -> None:
        """The user stops the run: who waits gets a StoppedError, answers on their way get a little time."""
        self._chat.channel.stop()

    def discover(self, *, sees: bool = True) -> tuple[str, ...]:
        """Find the server and the model and see to it that the model takes pictures; once.

        Args:
            sees: False: any model will do that is not to be shown a picture.

        Returns:
            What the user should know about the choice, a sentence each.

        Raises:
            ServerError: There is no server, or no usable model.
        """
        with self._discovering:
            if self._choice is None:
                self._chat.info = info = self._look()
                if not sees:
                    info = replace(info, models=tuple(replace(one, sees=True) for one in info.models))
                choice = choose(info, self._wanted, explicit=self._explicit)
                choice = self._tried(choice) if sees else choice
                self._notes = tuple(note for note in (choice.note, self.doubt) if note)
                self._choice = choice
                channel, info = self._chat.channel, self._chat.info
                took = channel.limits.took.get(self._place)
                channel.gate.begin_at(took, info.slots, BATCHING_START if info.batches else START)
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
            ElsewhereError: Another server can have the picture.
        """
        found = self._in_language(self._describe(preview, prompt, tries or Tries()), preview, prompt)
        if not prompt.listed and prompt.language != "English":
            found = replace(found, language=prompt.language)
        others = [self._vote(preview, prompt) for _ in range(prompt.votes - 1)]
        found = counted(found, others) if others else found
        return self._checked(found, preview, prompt) if prompt.check and found.keywords else found

    def answer(self, prompt: Prompt, tries: Tries | None = None) -> str:
        """Get an answer to words alone, the model's best guess; one that was cut is asked for again, with more room.

        Raises:
            PhotoError, ServerError, ElsewhereError: See `describe`; the question stands for the photo.
        """
        if self._choice is None:
            self.discover(sees=False)
        question = Question.first(prompt, thinks=self._thinks)
        said = self._ask(None, question, self._asked, tries)
        self._thinks |= said.cut and said.thought
        if said.cut:
            said = self._ask(None, replace(question.again(said), temperature=0.0), self._asked, tries)
        return said.text

    def _in_language(self, found: Description, preview: Preview, prompt: Prompt) -> Description:
        """An answer in the language that was asked for: what is in another one is asked for once more."""
        if prompt.listed or is_in(found, prompt.language):
            return found
        reminded = replace(
            prompt, text=f"{prompt.text}\n\nEvery word of the answer has to be {prompt.language}."
        )
        said = self._ask(preview.jpeg, Question.first(reminded, thinks=self._thinks), self._asked)
        with suppress(ReplyError):
            again = self._understand(said, prompt, preview)
            if is_in(again, prompt.language):
                return again
        with self._lock:
            if not self._is_foreign:
                self._is_foreign = True
                self._news.append(
                    f"{self.model} does not answer in {prompt.language}, also when asked twice: look at the tags"
                )
        return found

    def _checked(self, found: Description, preview: Preview, prompt: Prompt) -> Description:
        """An answer with how sure the model is of each of its words, asked again; one that says nothing is asked once more."""
        words = asked_of(found, prompt)
        question = Question.first(check_prompt(prompt, words), thinks=self._thinks)
        said = self._ask(preview.jpeg, question, self._asked)
        sure = read_check(said.text, said.tokens, words)
        if len(sure) < len(words):
            said = self._ask(preview.jpeg, question.again(said), self._asked)
            sure = read_check(said.text, said.tokens, words) | sure
        if not sure:
            raise ReplyError(f"the model {self.model} does not say yes or no of its words", NO_CHECK)
        return replace(found, said=found.keywords, confidences=with_broader(sure))

    def _vote(self, preview: Preview, prompt: Prompt) -> tuple[str, ...]:
        """The keywords of one more answer; none if it cannot be used."""
        question = replace(Question.first(prompt, thinks=self._thinks), temperature=TEMPERATURE)
        try:
            return self._understand(self._ask(preview.jpeg, question, self._asked), prompt, preview).keywords
        except ReplyError:
            return ()

    def _describe(self, preview: Preview, prompt: Prompt, tries: Tries) -> Description:
        if self._choice is None:
            self.discover()
        question = Question.first(prompt, thinks=self._thinks)
        said = self._ask(preview.jpeg, question, self._asked, tries)
        self._thinks |= said.cut and said.thought
        try:
            found: Description | None = self._understand(said, prompt, preview)
        except ReplyError:
            had_its_room = said.is_endless and question.thinks
            if (had_its_room or not said.cut) and tries.elsewhere():
                self._unusable(said)
                raise ElsewhereError from None
            if had_its_room:
                raise
            found = None
        if found and (not said.cut or (prompt.task == "tags" and len(found.keywords) >= prompt.max_tags)):
            return found
        try:
            return self._second(preview, prompt, question.again(said), tries)
        except PhotoError:
            if found is None:
                raise
            return found  # what was whole in the first answer

    def _second(self, preview: Preview, prompt: Prompt, question: Question, tries: Tries) -> Description:
        """Ask once more; what cannot be used then either counts against the model."""
        said = self._ask(preview.jpeg, question, self._asked, tries)
        try:
            return self._understand(said, prompt, preview)
        except ReplyError:
            self._unusable(said)
            if tries.elsewhere():
                raise ElsewhereError from None
            raise

    def _unusable(self, said: Completion) -> None:
        """Count an answer that cannot be used against the model; too many in a row end its work."""
        if doubt := self._stuck.unusable(said.text):
            self._chat.channel.end(doubt)

    def _understand(self, said: Completion, prompt: Prompt, preview: Preview) -> Description:
        if said.is_endless:
            raise ReplyError(f"the model {self.model} thinks and does not come to an answer", THINKS_ON)
        reply = parse_reply(said.text, prompt_text=prompt.text)
        if doubt := self._stuck.answered(said.text, len(reply.keywords), preview.jpeg):
            self._chat.channel.end(doubt)
        return Description(reply.keywords, self.model, reply.title, reply.description, reply.filename)

    def _look(self) -> ServerInfo:
        """Ask what the server has; wait while it loads."""
        limits, tries = self._chat.channel.limits, Tries()
        while True:
            try:
                info = look(self._wire, limits.answer)
            except WireError as error:
                root = self._wire.address.root
                raise ServerError(f"no model server at {root}: {error}", error.hint or NOT_RUNNING) from error
            if info.refusal:
                raise server_error(Refusal.KEY, info.refusal, info.url, self._wanted)
            if info.state != "loading":
                self._chat.channel.clock.acquit(tries)
                return info
            loading = ServerError(f"the model server at {info.url} keeps loading", "See its log")
            self._chat.channel.failed(
                tries, Trouble(loading, PhotoError(""), limits.first_answer, passing=True)
            )

    def _tried(self, choice: Choice) -> Choice:
        """Show a picture to a model of which the server does not say that it sees; take another one if it does not.

        Raises:
            ServerError: None of them can be used.
        """
        for _ in range(OTHERS):
            try:
                self.doubt = self._show(choice.model)
            except ServerError:
                if not choice.others:
                    raise
                choice = in_place_of(self._chat.info, self._wanted, choice.others)
                self._chat.begin_again()
            else:
                return choice
        self.doubt = self._show(choice.model)
        return choice

    def _show(self, model: ServedModel) -> str:
        """Show a small green picture, unless the server says that the model sees.

        Returns:
            A doubt. A model that sees need not name the colour; one that the server calls blind must.

        Raises:
            ServerError: The picture is refused, or not seen.
        """
        if model.sees and model.listed:
            return ""
        try:
            said = self._ask(sight.green_picture(), sight.question(), model.name)
        except (PhotoError, ServerError) as error:
            if not model.listed:
                raise unknown_error(self._chat.info, model.name, error.message) from error
            raise ServerError(error.message, error.hint) from error
        doubt = sight.doubt(said.text)
        if doubt and model.sees is False:
            raise blind_error(self._chat.info, model.name)
        told = f"{model.name} may not see pictures: of a plain green one it says {doubt!r}. Look at the first tags"
        return told if doubt else ""

    def _ask(
        self, jpeg: bytes | None, question: Question, model: str, tries: Tries | None = None
    ) -> Completion:
        """Get something said about a picture, or to words alone; see `Chat.ask`."""
        said = self._chat.ask(jpeg, question, model, tries)
        self._note_name(said.model, model)
        return said

    def _note_name(self, said: str, asked: str) -> None:
        """A server may answer with another model than it was asked for: say so once, and keep the real name."""
        if said and not is_same_model(said, asked):
            with self._lock:
                if not self._real:
                    root = self._wire.address.root
                    kept = "its answers are kept under that name"
                    self._news.append(f"{root} was asked for the model {asked} and answers as {said}: {kept}")
                self._real = said
