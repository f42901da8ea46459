"""The head: from what the networks saw to the probability of each tag of the vocabulary.

Learned by tools/train_head.py. A tag's logit is linear in the features, in two logarithms (how likely the ImageNet
classes that speak for the tag are, over the whole photo and in the region that shows them best) and in the
detector's greatest score of the objects that speak for it.
"""

import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from tagroll.models.builtin.vision.recogniser import Sight
from tagroll.models.builtin.vision.weights import FloatArray

FILE, LARGE_FILE = "head.npz", "head_large.npz"
FLOOR = 1e-3
"""Added to a probability before its logarithm, so that classes the network rules out all weigh the same."""


@dataclass(frozen=True, slots=True)
class Head:
    """A linear multi-label classifier.

    Attributes:
        tags: Names, T.
        weights: For `Sight.features`, 1280 or 2304 x T.
        slopes: For the whole photo's, the regions' and the detector's evidence, 3 x T.
        biases: T.
        thresholds: The probability from which a tag is given, T.
        evidence: Which ImageNet classes speak for a tag, 1000 x T, 0 or 1.
        objects: Which of the detector's objects do, 80 x T, 0 or 1.
        curve: Calibration, 2 x K: what the logistic function says (rising from 0 to 1), and how often that is so.
    """

    tags: tuple[str, ...]
    weights: FloatArray
    slopes: FloatArray
    biases: FloatArray
    thresholds: FloatArray
    evidence: FloatArray
    objects: FloatArray
    curve: FloatArray

    def probabilities(self, sight: Sight) -> FloatArray:
        """Probability of every tag, calibrated on photos the head had not seen."""
        evidence = (
            log_evidence(sight.classes, self.evidence),
            log_evidence(sight.regional, self.evidence),
            best_score(sight.objects, self.objects),
        )
        logits = product(sight.features, self.weights) + (self.slopes * evidence).sum(axis=0) + self.biases
        return _float32(np.interp(1 / (1 + np.exp(-logits)), *self.curve))


def log_evidence(classes: FloatArray, evidence: FloatArray) -> FloatArray:
    """Logarithm of the summed probabilities of the classes that speak for each tag, from -6.9 to about 0."""
    logarithms: FloatArray = np.log(product(classes, evidence) + FLOOR)
    return logarithms


def best_score(objects: FloatArray, evidence: FloatArray) -> FloatArray:
    """The greatest score of the objects that speak for each tag, from 0 to 1."""
    best: FloatArray = (objects[..., np.newaxis] * evidence).max(axis=-2)
    return best


def product(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """The matrix product in numpy's own loops: with "@" BLAS starts a thread per core, which then spins."""
    result: FloatArray = np.einsum("...i,ij->...j", rows, matrix)
    return result


def load_head(*, large: bool = False) -> Head:
    """Load a head that ships with the package: the small model's, or that for the large network."""
    with (
        resources.files(__package__).joinpath(LARGE_FILE if large else FILE).open("rb") as stream,
        np.load(stream) as arrays,
    ):
        return Head(
            tuple(arrays["tags"].tolist()),
            *(_float32(arrays[field.name]) for field in fields(Head)[1:]),
        )


def read_vocabulary() -> dict[str, dict[str, Any]]:
    """The rows of vocabulary.toml by tag."""
    return tomllib.loads(resources.files(__package__).joinpath("vocabulary.toml").read_text("utf-8"))


def learned_tags() -> dict[str, dict[str, Any]]:
    """The rows of the tags that a head learns; how many persons there are is counted."""
    return {tag: entry for tag, entry in read_vocabulary().items() if "persons" not in entry}


def _float32(array: npt.NDArray[Any]) -> FloatArray:
    return array.astype(np.float32)
