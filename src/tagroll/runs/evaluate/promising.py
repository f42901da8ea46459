"""From labelled photos: how sure a model has to be of its words, so that no more of its tags are wrong than is wanted.

Of all bars the lowest is taken from which on the share of wrong tags is surely small enough: the upper end of Wilson's interval
(1927) is below what is wanted. Words that are evidently worse than that get a higher bar of their own, or are never given.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tagroll.catalog import Catalog
from tagroll.catalog.promises import Promise
from tagroll.domain import Description
from tagroll.runs.bars import NEVER, Bars
from tagroll.runs.evaluate.labels import LabelSet
from tagroll.runs.evaluate.reliability import FEWEST, Z, interval
from tagroll.runs.evaluate.results import EvaluationAnswers
from tagroll.runs.evaluate.scoring import Labelled, Scorer
from tagroll.tags.identity import identity

__all__ = ["Promise", "Promiser", "promises"]

STEPS: Final = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
"""Bars that are tried."""
SURELY: Final = 2.24
"""Standard deviations. With 1.645, which is 95% for one bar, the best of all STEPS would break its promise in 12 of 100 cases
where no bar helps (simulated: as many wrong tags as promised at every bar, 60 to 400 tags); with this in at most 3."""


class Promiser:
    """Measures a model's answers against labels.

    Args:
        answers: What the model said, checked.
        labels: What people say is in the photos.
    """

    def __init__(self, answers: EvaluationAnswers, labels: LabelSet) -> None:
        self._said: Mapping[Path, Description] = {
            path: said for path, said in answers.said.items() if path in labels.photos
        }
        scorer = Scorer(labels.synonyms)
        self._is_wrong = {
            (path, word): is_wrong
            for path, said in self._said.items()
            for word in said.confidences
            if (is_wrong := _is_wrong(scorer, labels.photos[path], answers.placed([word]).tags)) is not None
        }

    def promise(self, most_wrong: float) -> Promise | None:
        """From where on surely at most this share (0 to 1) of the tags that can be checked is wrong; None: from nowhere."""
        for usual in STEPS:
            own = self._own(usual, most_wrong)
            given, wrong = self._counts(Bars(usual, own))
            tags, errors = given.total(), wrong.total()
            if tags and (bound := interval(errors / tags, tags, SURELY)[1]) <= most_wrong:
                return Promise(most_wrong, usual, own, len(self._said), tags, errors, bound, time.time())
        return None

    def _own(self, usual: float, most_wrong: float) -> dict[str, float]:
        """Bars of the words that are evidently wrong more often than that from the usual one on."""
        given, wrong = self._counts(Bars(usual))
        return {
            word: self._bar(word, usual, most_wrong)
            for word, number in given.items()
            if number >= FEWEST and interval(wrong[word] / number, number, Z)[0] > most_wrong
        }

    def _bar(self, word: str, usual: float, most_wrong: float) -> float:
        """The lowest bar above the usual one from which on a word is as seldom wrong as is wanted."""
        rows = [
            (said.confidences[one], self._is_wrong[path, one])
            for path, said in self._said.items()
            for one in said.confidences
            if identity(one) == word and (path, one) in self._is_wrong
        ]
        for step in (one for one in STEPS if one > usual):
            wrong = [is_wrong for sure, is_wrong in rows if sure >= step]
            if len(wrong) >= FEWEST and sum(wrong) <= most_wrong * len(wrong):
                return step
        return NEVER

    def _counts(self, bars: Bars) -> tuple[Counter[str], Counter[str]]:
        """Word (by identity) -> in how many photos it is given and can be checked, and in how many of them it is wrong."""
        given, wrong = Counter[str](), Counter[str]()
        for path, said in self._said.items():
            for word in bars.judged(said).keywords:
                if (is_wrong := self._is_wrong.get((path, word))) is not None:
                    given[identity(word)] += 1
                    wrong[identity(word)] += is_wrong
        return given, wrong


def _is_wrong(scorer: Scorer, truth: Labelled, tags: Sequence[str]) -> bool | None:
    """Whether a word that becomes these tags is wrong for a photo; None where that cannot be checked."""
    score = scorer.photo(truth, tags)
    return score.wrong > 0 if score.checkable else None


def promises(
    catalog: Catalog, answers: Sequence[EvaluationAnswers], labels: LabelSet, most_wrong: float
) -> Iterator[tuple[str, Promise | None]]:
    """What can be promised of each model that was asked again of its words; kept for `tagroll tag --check-tags`.

    Args:
        catalog: Keeps it, in the place of what was promised of the model before, also where that was more.
        answers: Of each model.
        labels: What people say is in the photos.
        most_wrong: The share of wrong tags that is wanted at the most, 0 to 1.
    """
    for one in answers:
        if one.confidences and any(said.said for said in one.said.values()):
            found = Promiser(one, labels).promise(most_wrong)
            if found:
                catalog.promises.keep(one.model, found)
            else:
                catalog.promises.forget(one.model)
            yield one.model, found
