"""Looking at one photo: Looker, the model and what it is told -> Questions, each asked once -> Look, for whom writes it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tagroll.domain import Describer, Description, Photo, Preview, Prompt
from tagroll.models.answers import AnswerStore, load_answer, store_answer
from tagroll.runs.ask_once import Asking
from tagroll.runs.bursts import Bursts
from tagroll.runs.context import Context, Knowledge
from tagroll.runs.held import Held
from tagroll.runs.pictures import Hashes

if TYPE_CHECKING:
    from tagroll.catalog import KeptFeatures


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a photo.

    Attributes:
        picture: Hash of its picture data.
        answer: What the model said.
        asked: Whether a model was asked, and no kept answer found.
        context: What the model was told of the photo; None where it was not asked now.
        names_only: It is a model that knows names of things and no more: there is nothing to hold it to.
        same_as: The frame of the same burst that it was shown in the place of this photo, where that was just now.
    """

    picture: str
    answer: Description
    asked: bool = True
    context: Context | None = None
    names_only: bool = False
    same_as: Path | None = None

    def held(self, photo: Photo, knowledge: Knowledge | None) -> Held:
        """What the model said of this photo, held to what is known of it (see `held`); all of it where nothing is."""
        if knowledge is None or self.names_only:
            return Held(self.answer)
        return knowledge.hold(photo, self.answer, self.context)


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at photos. Safe to call from many threads.

    Attributes:
        describer: The model.
        preview: Makes what it sees of a photo.
        picture_hash: Names the picture in a photo.
        prompt: What the model is asked.
        knowledge: What it is told of photos; None for nothing.
    """

    describer: Describer
    preview: Callable[[Photo], Preview]
    picture_hash: Callable[[Photo], str]
    prompt: Prompt
    knowledge: Knowledge | None = None

    def context(self, photo: Photo) -> Context | None:
        """What is known of a photo; None for a model that is told nothing."""
        return self.knowledge.of(photo) if self.knowledge and not self.describer.names_only else None

    def question(self, photo: Photo, context: Context | None = None) -> Prompt:
        """What the model is asked about a photo; without its context, what is the same for all that is known of it."""
        prompt = self.knowledge.telling.question(self.prompt, photo.path) if self.knowledge else self.prompt
        return context.asked(prompt) if context else prompt


def _as_it_is(answer: Description) -> Description:
    return answer


@dataclass(frozen=True, slots=True)
class Questions:
    """Asks a model about pictures, each once, and keeps what it says. Safe to use from many threads.

    Attributes:
        looker: The model, and what it is asked.
        answers: Keeps answers.
        again: Ask also where an answer is kept.
        just_this: An answer to an older wording, or with something else known of the photo, does not count.
        features: Keeps what the model's network saw; None: it is not kept.
        asking: Sees to it that copies of a picture wait for one answer.
        bursts: Sees to it that the frames of a burst wait for one answer; None: each is asked about, and what a photo
            has from another frame does not count.
        hashes: Who hashes pictures, if not the store.
        judge: What is made of an answer that was checked, by how sure the model is of its words.
    """

    looker: Looker
    answers: AnswerStore
    again: bool = False
    just_this: bool = False
    features: "KeptFeatures | None" = None
    asking: Asking = field(default_factory=Asking)
    bursts: Bursts | None = None
    hashes: Hashes | None = None
    judge: Callable[[Description], Description] = _as_it_is

    def look(self, photo: Photo, picture: str) -> Look:
        """What the model says of a photo with this picture: kept, or asked for now.

        Raises:
            PhotoError: It cannot be decoded, or the model says nothing usable of it.
            ServerError, CatalogError: The run cannot go on.
        """
        context: Context | None = None
        name = self.looker.describer.cache_name

        def ask() -> Description:
            nonlocal context
            answer, context = self.ask(photo, picture, name)
            return answer

        answer, asked = self.asking.once(picture, ask, lambda: self._kept(photo, picture))
        asked = asked and not answer.inherited
        same_as = self.bursts.path_of(answer.inherited) if self.bursts and answer.inherited else None
        return Look(picture, answer, asked, context, self.looker.describer.names_only, same_as)

    def ask(self, photo: Photo, picture: str, name: str) -> tuple[Description, Context | None]:
        """Ask about a photo, and keep what is said; also what the model was told of it.

        Args:
            photo: Which.
            picture: Hash of its picture.
            name: The name under which an answer was looked for; where the model has another one, it is looked for again.

        Raises:
            PhotoError: It cannot be decoded, or the model says nothing usable of it.
            ServerError, CatalogError: The run cannot go on.
        """
        describer, preview = self.looker.describer, self.looker.preview(photo)
        if describer.turns_out_another(name) and (kept := self._kept(photo, picture)):
            return kept, None
        context = self.looker.context(photo)
        describe = partial(describer.describe, preview, self.looker.question(photo, context))
        # what a built-in model costs is not worth the doubt
        burst = None if describer.names_only else self.bursts
        facts = context.facts if context else None
        answer = burst.once(photo, picture, preview, describe, facts) if burst else describe()
        return self.keep(photo, picture, context, answer), context

    def keep(self, photo: Photo, picture: str, context: Context | None, answer: Description) -> Description:
        """Keep what was said about a photo of which the model was told this, and give what counts of it."""
        answer = self.judge(answer)
        store_answer(
            self.answers, self.looker.describer, self.looker.question(photo, context), picture, answer
        )
        if answer.features and self.features:
            self.features.keep(picture, answer.features)
        return answer

    def _kept(self, photo: Photo, picture: str) -> Description | None:
        if self.again:
            return None
        describer, question = self.looker.describer, self.looker.question(photo)
        kept = load_answer(self.answers, describer, question, picture, just_this=self.just_this)
        return None if kept is None or (kept.inherited and not self.bursts) else self.judge(kept)
