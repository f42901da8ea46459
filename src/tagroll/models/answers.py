"""Answers that are kept: found again, whatever the threshold, and not asked for twice."""

from typing import Protocol

from tagroll.domain import Describer, Description, Prompt


class AnswerStore(Protocol):
    """Keeps answers; the catalog does."""

    def find(self, picture_hash: str, model: str, prompt: Prompt, /) -> Description | None:
        """What this model said about this picture when asked just this, or None."""

    def known(self, picture_hash: str, model: str, prompt: Prompt, /) -> Description | None:
        """What it said last when asked this in any wording, whatever it was told of the photo; or None."""

    def keep(self, picture_hash: str, prompt: Prompt, description: Description, model: str, /) -> None:
        """Keep an answer under the name of a model. Returns when it is on disk."""


def load_answer(
    store: AnswerStore, describer: Describer, prompt: Prompt, picture: str, *, just_this: bool = False
) -> Description | None:
    """What a describer would say of a picture, as far as that is known; `just_this`: when asked in these very words."""
    kept = (store.find if just_this else store.known)(picture, describer.cache_name, prompt)
    return kept and describer.reread(kept, prompt)


def store_answer(
    store: AnswerStore, describer: Describer, prompt: Prompt, picture: str, said: Description
) -> None:
    """Keep an answer where `load_answer` finds it. Returns when it is on disk."""
    store.keep(picture, prompt, said, describer.kept_name(said))
