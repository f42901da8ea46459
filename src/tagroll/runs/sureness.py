"""How sure a model was of its words, as tags: of those that are written, and of those that a person has to judge."""

from collections.abc import Callable, Iterable
from typing import Final

from tagroll.domain import Description
from tagroll.tags.broader import broader
from tagroll.tags.identity import identities

LEAST: Final = 0.3
"""How sure a model has to be, 0 to 1, for a proposal: of such words about half are right (measured: .52 from .3 to .4)."""


def unsure(answer: Description) -> list[str]:
    """The words that were not sure enough for an answer and may be right all the same, the surest first."""
    told = sorted(answer.confidences.items(), key=lambda item: -item[1])
    said = identities(answer.said)
    besides = {
        above for word in answer.said for above in broader(word)
    } - said  # asked in case the word is not sure
    there = besides.union(answer.keywords)
    return [word for word, how in told if how >= LEAST and word not in there]


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
