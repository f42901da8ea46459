"""What the network makes of a photo: the whole of it, and nine regions, so that small things count."""

import itertools
from dataclasses import dataclass

import numpy as np

from tagroll.models.builtin.vision.network import Network
from tagroll.models.builtin.vision.weights import FloatArray

REGIONS = 3
"""Regions a side."""
SHARPENING = 2.0
"""Factor for the logits of the whole photo. A thing that fills a part of it adds only that part to the mean;
with this factor the whole is as sure, and as often right, as a square crop of 260 pixels is without."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One photo as the network sees it.

    Attributes:
        pooled: Square roots of the mean features, 1280; the root evens out strong and weak ones.
        classes: Probabilities of ImageNet's classes over the whole photo, 1000.
        regional: The greatest probability of each class in any region, 1000.
    """

    pooled: FloatArray
    classes: FloatArray
    regional: FloatArray


class Recogniser:
    """Looks at photos. Safe to call from several threads."""

    def __init__(self) -> None:
        self._network = Network()

    def look(self, jpeg: bytes) -> Sight:
        """Look at one photo.

        Raises:
            PictureError: These bytes are no picture.
        """
        features = self._network.features(jpeg)
        whole = features.mean(axis=(1, 2))
        views = np.stack([whole, *_region_means(features)])
        logits = views @ self._network.class_weights + self._network.class_biases
        logits[0] *= SHARPENING
        seen = _softmax(logits)
        return Sight(np.sqrt(whole), seen[0], seen[1:].max(axis=0))


def _softmax(logits: FloatArray) -> FloatArray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: FloatArray = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def _region_means(features: FloatArray) -> list[FloatArray]:
    """Average over a grid of regions that are as equal as can be."""
    rows, columns = (
        np.linspace(0, size, REGIONS + 1).round().astype(int).tolist() for size in features.shape[1:]
    )
    return [
        features[:, top:bottom, left:right].mean(axis=(1, 2))
        for top, bottom in itertools.pairwise(rows)
        for left, right in itertools.pairwise(columns)
    ]
