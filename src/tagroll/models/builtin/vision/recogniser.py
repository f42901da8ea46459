"""What the networks make of a photo: the evidence from which heads read."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tagroll.models.builtin.fetched.models import LARGE
from tagroll.models.builtin.large import vit
from tagroll.models.builtin.vision import detector, efficientnet
from tagroll.models.builtin.vision.detector import Detector
from tagroll.models.builtin.vision.network import Network, decode, pixels
from tagroll.models.builtin.vision.weights import FloatArray, load_weights

SHORT_SIDE = 288
"""Pixels. The network was trained on crops of 260; things in a photo are smaller than in ImageNet's."""
LONGEST = 1.8
"""Long side by short side at most; longer photos are squeezed, or a panorama would cost as much as ten."""
STRIDE = 32
"""Pixels of the picture by places of the last feature map."""
REGIONS = 3
"""Regions a side."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One photo as the networks see it.

    Attributes:
        pooled: Square roots of the mean features, 1280; the root evens out strong and weak ones.
        classes: Probabilities of ImageNet's classes over the whole photo, 1000.
        regional: The greatest probability of each class in any of nine regions, 1000, so that small things count.
        objects: The detector's greatest score of each of COCO's kinds of object, 80.
        persons: The scores of separate persons, the surest first, zeros after the last, 8.
        tokens: What the large network makes of it (see `build_encoder`), 2304; None where it does not look.
    """

    pooled: FloatArray
    classes: FloatArray
    regional: FloatArray
    objects: FloatArray
    persons: FloatArray
    tokens: FloatArray | None = None

    @property
    def features(self) -> FloatArray:
        """What a head weighs: the large network's tokens, or else the small one's pooled features."""
        return self.pooled if self.tokens is None else self.tokens


class Recogniser:
    """Looks at photos. Safe to call from several threads; each call keeps one core busy.

    Args:
        large: Let the large network look, too.

    Raises:
        TagrollError: It is not on this machine.
    """

    def __init__(self, *, large: bool = False) -> None:
        self._network = Network(efficientnet.build_onnx(load_weights()))
        self._detector = Detector()
        self._encoder = Network(LARGE.load()) if large else None

    def look(self, jpeg: bytes) -> Sight:
        """Look at one photo.

        Raises:
            PictureError: These bytes are no picture.
        """
        image = decode(jpeg, SHORT_SIDE, detector.LONG_SIDE)
        finds = self._detector.look(image)
        seen = self._classify(image)
        return Sight(**seen, objects=finds.objects, persons=finds.persons, tokens=self._tokens(image))

    def _tokens(self, image: Image.Image) -> FloatArray | None:
        if self._encoder is None:
            return None
        seen = pixels(image, vit.SIDE, vit.SIDE, Image.Resampling.BICUBIC)
        return self._encoder.run(pixels=seen)["features"].ravel()

    def _classify(self, image: Image.Image) -> dict[str, FloatArray]:
        scale = SHORT_SIDE / min(image.size)
        width, height = (round(min(side * scale, SHORT_SIDE * LONGEST)) for side in image.size)
        seen = pixels(image, width, height, Image.Resampling.BICUBIC)
        return self._network.run(pixels=seen, regions=regions(-(-height // STRIDE), -(-width // STRIDE)))


@functools.cache
def regions(rows: int, columns: int) -> FloatArray:
    """The share of each place in the whole and in a grid of regions that are as equal as can be.

    Returns:
        10 x rows * columns; each row's sum is 1.
    """
    edges = (np.linspace(0, size, REGIONS + 1).round().astype(int).tolist() for size in (rows, columns))
    shares = np.zeros((1 + REGIONS**2, rows, columns), np.float32)
    shares[0] = 1
    parts = itertools.product(*(itertools.pairwise(along) for along in edges))
    for share, ((top, bottom), (left, right)) in zip(shares[1:], parts, strict=True):
        share[top:bottom, left:right] = 1
    shares /= shares.sum(axis=(1, 2), keepdims=True)
    return shares.reshape(len(shares), -1)
