"""How sure a model was of its words, as tags: of those that are written, and of those that a person has to judge."""

from collections.abc import Callable, Iterable
from typing import Final

from tagroll.domain import Description

LEAST: Final = 0.3
"""How sure a model has to be, 0 to 1, for a proposal: of such words about half are right (measured: .52 from .3 to .4)."""


def unsure(answer: Description) -> list[str]:
    """The words that were not sure enough for an answer and may be right all the same, the surest first."""
    told = sorted(answer.confidences.items(), key=lambda item: -item[1])
    spoken = answer.said or answer.confidences  # what it was asked of besides are broader words
    return [word for word, how in told if how >= LEAST and word not in answer.keywords and word in spoken]


def sureness(
    answer: Description, words: Iterable[str], tags_of: Callable[[Iterable[str]], tuple[str, ...]]
) -> dict[str, float]:
    """How sure the model was of the tags that its words become; of one that several become, where it was surest."""
    found: dict[str, float] = {}
    for word in words:
        if (how := answer.confidences.get(word)) is not None:
            for tag in tags_of([word]):
                found[tag] = max(how, found.get(tag, 0.0))
    return {tag: round(how, 3) for tag, how in found.items()}
