"""The whole way from a JPEG to the tags that are sure enough to be given."""

from tagroll.describe.vision.head import load_head, read_vocabulary
from tagroll.describe.vision.recogniser import Recogniser, Sight
from tagroll.describe.vision.words import read_class_words, word_probabilities

CLASS_SURE = 0.7
"""Least probability of an ImageNet word that the head does not know. On the training photos 95 % of the words
that COCO's annotation can check are right from here on."""


class Tagger:
    """Tags photos. The head decides on the tags it has learned, ImageNet's classes on the rest.

    Safe to call from several threads; each call keeps one core busy.
    """

    def __init__(self) -> None:
        self._recogniser = Recogniser()
        self._head = load_head()
        self._vocabulary = read_vocabulary()
        self._class_words = read_class_words()
        self._general = {
            **{words[0]: words[1:] for words in self._class_words if words},
            **{tag: tuple(entry.get("general", ())) for tag, entry in self._vocabulary.items()},
        }

    def tags(self, jpeg: bytes) -> tuple[str, ...]:
        """The tags of a photo, the surest first, then the more general words that follow from them.

        Raises:
            PictureError: These bytes are no picture.
        """
        return self.choose(self._recogniser.look(jpeg))

    def choose(self, sight: Sight) -> tuple[str, ...]:
        """The tags of a photo that was seen."""
        sure = {**self._sure_class_words(sight), **self._sure_head_tags(sight)}
        ranked = sorted(sure, key=lambda tag: -sure[tag])
        general = dict.fromkeys(word for tag in ranked for word in self._general.get(tag, ()))
        return (*(tag for tag in ranked if tag not in general), *general)

    def _sure_head_tags(self, sight: Sight) -> dict[str, float]:
        chances = zip(
            self._head.tags,
            self._head.probabilities(sight).tolist(),
            self._head.thresholds.tolist(),
            strict=True,
        )
        sure = {tag: chance for tag, chance, threshold in chances if chance >= threshold}
        return {
            tag: chance for tag, chance in sure.items() if self._vocabulary[tag].get("needs", tag) in sure
        }

    def _sure_class_words(self, sight: Sight) -> dict[str, float]:
        words = word_probabilities(sight.classes, self._class_words)
        return {
            word: chance
            for word, chance in words.items()
            if chance >= CLASS_SURE and word not in self._vocabulary
        }
