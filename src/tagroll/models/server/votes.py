"""What recurs when a model is asked several times: it is surer of that than of what it says once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tagroll.domain import Description
from tagroll.tags.identity import identity

TEMPERATURE: Final = 0.7
"""Of the questions after the first, so that they bring other answers."""


def counted(first: Description, others: Sequence[Sequence[str]]) -> Description:
    """The first answer, with the keywords that more than half of all answers have, those first that have most.

    Args:
        first: The model's best guess; its texts stay.
        others: The keywords of the other answers; none of one that could not be used.

    Returns:
        The answer, with the share of answers that have it as the confidence of each keyword.
    """
    spelled: dict[str, str] = {}
    votes: Counter[str] = Counter()
    for words in (first.keywords, *others):
        for word in words:
            spelled.setdefault(identity(word), word)
        votes.update({identity(word) for word in words})
    total = 1 + len(others)
    order = sorted(
        spelled, key=lambda name: -votes[name]
    )  # what was said earlier stays before what was said later
    kept = tuple(spelled[name] for name in order if 2 * votes[name] > total)
    return replace(first, keywords=kept, confidences={spelled[name]: votes[name] / total for name in order})
