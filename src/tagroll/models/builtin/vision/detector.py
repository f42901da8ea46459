"""Where NanoDet sees things and people."""

import functools
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tagroll.models.builtin.vision import nanodet
from tagroll.models.builtin.vision.network import Network, pixels
from tagroll.models.builtin.vision.weights import FloatArray

LONG_SIDE = 384
"""Pixels; the network was trained on 416 x 416. Both sides become multiples of STEP, nearly in proportion."""
STEP = 32
LEAST_SCORE = 0.1
"""Places with less of a person are not looked at."""
OVERLAP = 0.5
"""Boxes that have more than this share of their union in common are one person."""
PERSONS = 8
"""So many are told apart; more are a crowd in any case."""


@dataclass(frozen=True, slots=True)
class Finds:
    """What the detector finds in one photo; scores are from 0 to 1.

    Attributes:
        objects: The greatest score of each of COCO's 80 kinds of object, 80.
        persons: The scores of separate persons, the surest first; zeros after the last, PERSONS.
    """

    objects: FloatArray
    persons: FloatArray


class Detector:
    """Looks for things and people. Safe to call from several threads."""

    def __init__(self) -> None:
        self._network = Network(nanodet.build_onnx(nanodet.load_layers()))

    def look(self, image: Image.Image) -> Finds:
        """Look at one photo."""
        scale = LONG_SIDE / max(image.size) / STEP
        width, height = (STEP * max(1, round(side * scale)) for side in image.size)
        seen = self._network.run(pixels=pixels(image, width, height, Image.Resampling.BILINEAR))
        scores = seen["persons"]
        sure = np.flatnonzero(scores >= LEAST_SCORE)
        sure = sure[np.argsort(-scores[sure], kind="stable")]
        boxes = _places(width, height)[sure] + seen["edges"][sure] * np.array([-1, -1, 1, 1], np.float32)
        return Finds(seen["best"], _separate(scores[sure], boxes))


@functools.cache
def _places(width: int, height: int) -> FloatArray:
    """The middle of each place as x, y, x, y, N x 4."""
    rows = [
        (x, y, x, y)
        for stride in nanodet.STRIDES
        for y in range(stride // 2, height, stride)
        for x in range(stride // 2, width, stride)
    ]
    return np.array(rows, np.float32)


def _separate(scores: FloatArray, boxes: FloatArray) -> FloatArray:
    """The scores of boxes that do not show the same person as a surer one."""
    found = np.zeros(PERSONS, np.float32)
    for number in range(PERSONS):
        if not len(scores):
            break
        found[number] = scores[0]
        other = _overlaps(boxes[0], boxes) <= OVERLAP
        other[0] = False
        scores, boxes = scores[other], boxes[other]
    return found


def _overlaps(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """What each box (left, top, right, bottom) has in common with one, as a share of their union."""
    corners = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = (corners[1] - corners[0]).clip(0).prod(axis=1)
    area, areas = ((some[..., 2:] - some[..., :2]).prod(axis=-1) for some in (box, boxes))
    shares: FloatArray = common / (area + areas - common)
    return shares
