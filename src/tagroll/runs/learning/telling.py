"""What was learned, told of photos: words that are sure, and such as a person has to judge."""

import dataclasses
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tagroll.domain import Description, Features
from tagroll.errors import UsageError
from tagroll.models.builtin.describer import FEATURES
from tagroll.runs.sureness import LEAST
from tagroll.tags.identity import word_of
from tagroll.tags.packed import Packed

if TYPE_CHECKING:
    from tagroll.catalog import Catalog, Learned

    Array = np.ndarray[Any, np.dtype[Any]]

_NOTHING = "nothing has been learned yet"
_OLDER = "what was learned is of another version of the built-in model"
Chances = Mapping[str, float]
"""Word, as photos carry it -> how likely it is of a picture, to 1; from LEAST on, or from where it is sure."""


class LearnedWords:
    """The words that were learned.

    Args:
        learned: All that the catalog has.
    """

    def __init__(self, learned: "Iterable[Learned]") -> None:
        able = [one for one in learned if one.weights and one.model == FEATURES]
        self._thresholds = {one.tag: one.threshold for one in able}
        self._least: Array = np.array(
            [LEAST if one.threshold is None else min(one.threshold, LEAST) for one in able]
        )
        rows = [np.frombuffer(one.weights, "<f4") for one in able]
        self._weights: Array = np.stack(rows) if rows else np.zeros((0, 1), np.float32)

    @classmethod
    def of(cls, catalog: "Catalog") -> Self:
        """Those that a catalog has.

        Raises:
            UsageError: There are none.
        """
        learned = catalog.learned.all()
        if not (words := cls(learned.values())):
            is_older = any(one.weights for one in learned.values())
            raise UsageError(_OLDER if is_older else _NOTHING, "Learn first: tagroll learn PATH...")
        return words

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._thresholds)

    @property
    def spellings(self) -> dict[str, str]:
        """Word -> how photos have it: no letter case of a run's counts more."""
        return {word_of(tag): tag for tag in self._thresholds}

    def chances(self, features: Features) -> Chances:
        """What is likely of one picture."""
        return self.chances_of([features.vector])[0]

    def chances_of(self, vectors: list[bytes]) -> list[dict[str, float]]:
        """What is likely of each of some pictures."""
        if not self or not vectors:
            return [{} for _ in vectors]
        photos = Packed.of_bytes(vectors)
        # no BLAS for one photo: its threads would go on spinning beside those that look at others
        logits = (
            np.einsum("ij,kj->ki", self._weights[:, :-1], photos.rows(slice(None)))
            if len(vectors) == 1
            else photos.times(self._weights[:, :-1].T)
        ) + self._weights[:, -1]
        chances = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
        found: list[dict[str, float]] = [{} for _ in vectors]
        words = list(self._thresholds)
        for photo, word in zip(*np.nonzero(chances >= self._least), strict=True):
            found[photo][words[word]] = round(float(chances[photo, word]), 4)
        return found

    def added(self, answer: Description, chances: Chances) -> Description:
        """An answer with the words that are sure before its own, and with how likely all of them are."""
        sure = [
            word
            for word, chance in sorted(chances.items(), key=lambda item: -item[1])
            if self._is_sure(word, chance)
        ]
        known = {*map(word_of, sure)}
        own = (word for word in answer.keywords if word_of(word) not in known)
        told = {word: max(chance, answer.confidences.get(word, 0.0)) for word, chance in chances.items()}
        return dataclasses.replace(answer, keywords=(*sure, *own), confidences={**answer.confidences, **told})

    def _is_sure(self, word: str, chance: float) -> bool:
        threshold = self._thresholds[word]
        return threshold is not None and chance >= threshold


class AllChances:
    """What was learned says of all pictures that were seen, in step with the catalog. Safe to use from many threads.

    Args:
        catalog: Has what was learned and seen.
    """

    def __init__(self, catalog: "Catalog") -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._learned: Mapping[str, Learned] = {}
        self._words = LearnedWords(())
        self._last = 0
        self._found: dict[str, dict[str, float]] = {}

    def all(self) -> Mapping[str, Chances]:
        """Picture -> what is likely of it; of pictures of which nothing is, nothing."""
        with self._lock:
            self._renew()
            for rows in self._catalog.features.of(FEATURES, self._last) if self._words else ():
                numbers, pictures, vectors = zip(*rows, strict=True)
                self._last = numbers[-1]
                found = zip(pictures, self._words.chances_of(list(vectors)), strict=True)
                self._found |= {picture: chances for picture, chances in found if chances}
            return dict(self._found)

    def added(
        self, answer: Description | None, picture: str, chances: Chances | None = None
    ) -> Description | None:
        """An answer about a picture with what was learned; None where there is neither. `chances`: as `all` gave them."""
        with self._lock:
            if chances is None:
                self._renew()
                features = self._catalog.features.find(picture, FEATURES) if self._words else None
                chances = self._words.chances(features) if features else {}
            return self._words.added(answer or Description((), ""), chances) if chances else answer

    def _renew(self) -> None:
        learned = self._catalog.learned.all()
        if learned != self._learned:
            self._learned, self._words = learned, LearnedWords(learned.values())
            self._last, self._found = 0, {}
