"""The whole way from a JPEG to how likely each word is, and from there to the tags that are sure enough."""

import functools
from collections.abc import Iterable, Mapping

import numpy as np

from tagroll.models.builtin.vision.classes import read_class_words, word_probabilities
from tagroll.models.builtin.vision.head import load_head, read_vocabulary
from tagroll.models.builtin.vision.nanodet import OBJECTS
from tagroll.models.builtin.vision.recogniser import Recogniser, Sight

CLASS_THRESHOLD = 0.7
"""Least probability of an ImageNet word that the head does not know. On the training photos 95 % of the words
that COCO's annotation can check are right from here on."""
MIN_PROBABILITY = 0.1
"""Less likely words are not told; no threshold lies below."""
PERSON = OBJECTS.index("person")
NOBODY = 0.25
"""Where the detector's greatest score of a person is less, nobody is there, whatever the head says."""
COUNTED = ((0.2, 0.25, 0.35, 0.45, 0.6), (0.0, 0.15, 0.7, 0.85, 1.0))
"""The score of the nth person, and how often there are so many: counted by eye in 96 training photos."""


class ImageTagger:
    """Looks at photos. The head judges the tags it has learned, ImageNet's classes tell of the rest.

    Safe to call from several threads; each call keeps one core busy.

    Args:
        with_head: Whether there is a head; without it ImageNet's classes tell everything.
        large: Whether the large network looks, too.
    """

    def __init__(self, *, with_head: bool = True, large: bool = False) -> None:
        self._recogniser = Recogniser(large=large)
        self._head = load_head(large=large) if with_head else None
        self._class_words = read_class_words()
        vocabulary = read_vocabulary()
        self._persons = {tag: entry["persons"] for tag, entry in vocabulary.items() if "persons" in entry}

    def look(self, jpeg: bytes) -> Sight:
        """See a photo: for `probabilities`, and for its `pooled` features.

        Raises:
            PictureError: These bytes are no picture.
        """
        return self._recogniser.look(jpeg)

    def probabilities(self, sight: Sight) -> dict[str, float]:
        """How likely each word is, from MIN_PROBABILITY to 1, the likeliest first."""
        probabilities = self._chances(sight)
        likely = {
            word: round(chance, 4) for word, chance in probabilities.items() if chance >= MIN_PROBABILITY
        }
        return dict(sorted(likely.items(), key=lambda item: -item[1]))

    def _chances(self, sight: Sight) -> dict[str, float]:
        words = word_probabilities(sight.classes, self._class_words)
        if self._head is None:
            return words
        words |= dict(zip(self._head.tags, self._head.probabilities(sight).tolist(), strict=True))
        return words | self._count(sight, words["person"])

    def _count(self, sight: Sight, person: float) -> dict[str, float]:
        """How likely it is that there is a person, and that there are so many."""
        if sight.objects[PERSON] < NOBODY:
            return {"person": 0.0}
        scores = {tag: sight.persons[number - 1] for tag, number in self._persons.items()}
        return {tag: min(person, float(np.interp(score, *COUNTED))) for tag, score in scores.items()}


class Chooser:
    """Decides which words are sure enough to be tags. Needs no photo, only how likely the words are.

    Args:
        with_head: Whether a head has judged them.
        large: Whether that was the large network's.
    """

    def __init__(self, *, with_head: bool = True, large: bool = False) -> None:
        vocabulary = read_vocabulary() if with_head else {}
        head = load_head(large=large) if with_head else None
        self._thresholds: dict[str, float] = (
            dict(zip(head.tags, head.thresholds.tolist(), strict=True)) if head else {}
        )
        self._usual = min(self._thresholds.values(), default=CLASS_THRESHOLD)
        self._needs = {tag: entry["needs"] for tag, entry in vocabulary.items() if "needs" in entry}
        self._general = {
            **{words[0]: words[1:] for words in read_class_words() if words},
            **{tag: tuple(entry.get("general", ())) for tag, entry in vocabulary.items()},
        }

    def choose(self, probabilities: Mapping[str, float], threshold: float | None = None) -> tuple[str, ...]:
        """The tags of a photo, the surest first, then the more general words that follow from them.

        Args:
            probabilities: How likely each word is.
            threshold: From which probability on a word is sure; None for the thresholds that were chosen in
                training. A word that has a higher one of its own than most ("person") keeps it.
        """
        ranked = sorted(probabilities, key=lambda word: -probabilities[word])
        sure = {word for word in ranked if probabilities[word] >= self._bar(word, threshold)}
        given = [word for word in ranked if word in sure and self._needs.get(word, word) in sure]
        return (*self.leading(given), *self._following(given))

    def leading(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Those of some tags that do not follow from another one of them."""
        given = tuple(tags)
        general = self._following(given)
        return tuple(tag for tag in given if tag not in general)

    def _following(self, tags: Iterable[str]) -> dict[str, None]:
        """The more general words that are true of what these tags are true of, in order."""
        return dict.fromkeys(word for tag in tags for word in self._general.get(tag, ()))

    def _bar(self, word: str, threshold: float | None) -> float:
        own = self._thresholds.get(word, CLASS_THRESHOLD)
        if threshold is None:
            return own
        return threshold if own <= self._usual else max(own, threshold)


@functools.cache
def chooser(*, with_head: bool, large: bool = False) -> Chooser:
    """The chooser for answers with or without a head; made once."""
    return Chooser(with_head=with_head, large=large)
