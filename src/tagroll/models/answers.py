"""Answers that are kept: found again, whatever the threshold, and not asked for twice."""

from typing import Protocol

from tagroll.domain import Describer, Description, Prompt
from tagroll.models.builtin.describer import kept_as, known
from tagroll.models.deferred import DeferredDescriber


class Answers(Protocol):
    """Keeps answers; the catalog does."""

    def answer(self, picture_hash: str, model: str, prompt: Prompt, /) -> Description | None:
        """What this model said about this picture when asked this, or None."""

    def keep_answer(self, picture_hash: str, prompt: Prompt, description: Description, model: str, /) -> None:
        """Keep an answer under the name of a model. Returns when it is on disk."""


def recall(answers: Answers, describer: Describer, prompt: Prompt, picture: str) -> Description | None:
    """What a describer would say of a picture, as far as that is known."""
    return known(_actual(describer), prompt, lambda model: answers.answer(picture, model, prompt))


def keep(answers: Answers, describer: Describer, prompt: Prompt, picture: str, said: Description) -> None:
    """Keep an answer where `recall` finds it. Returns when it is on disk."""
    answers.keep_answer(picture, prompt, said, kept_as(_actual(describer), said))


def turns_out_another(describer: Describer) -> bool:
    """See that a describer can be asked; whether kept answers have to be looked for anew, under another name.

    Raises:
        ServerError: It cannot be asked.
    """
    return isinstance(describer, DeferredDescriber) and describer.ready()


def _actual(describer: Describer) -> Describer:
    return describer.actual if isinstance(describer, DeferredDescriber) else describer
