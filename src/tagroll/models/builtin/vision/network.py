"""From a JPEG to features: decoding, and the network through onnxruntime."""

import io

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image, UnidentifiedImageError

from tagroll.errors import PictureError, plainly
from tagroll.models.builtin.vision.graph import build_onnx
from tagroll.models.builtin.vision.weights import FloatArray, load_weights

SHORT_SIDE = 384
"""Pixels. The network was trained on crops of 260; things in a photo are smaller than in ImageNet's."""
LONGEST = 1.8
"""Long side by short side at most; longer photos are squeezed, or a panorama would cost as much as ten."""


class Network:
    """EfficientNet-Lite2. Safe to call from several threads; each call keeps one core busy.

    Attributes:
        class_weights: The last layer, 1280 x 1000.
        class_biases: Its biases, 1000.
    """

    def __init__(self) -> None:
        weights = load_weights()
        options = onnxruntime.SessionOptions()
        # photos side by side use the cores better than one photo on all of them
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False  # photos differ in shape
        self._session = onnxruntime.InferenceSession(
            build_onnx(weights), options, providers=["CPUExecutionProvider"]
        )
        self.class_weights: FloatArray = weights["_fc.weight"].T.copy()
        self.class_biases: FloatArray = weights["_fc.bias"].copy()

    def features(self, jpeg: bytes) -> FloatArray:
        """See a photo.

        Returns:
            The last feature map, 1280 x rows x columns, from 0 to 6.

        Raises:
            PictureError: These bytes are no picture.
        """
        pixels = read_pixels(jpeg)[np.newaxis]
        features: FloatArray = self._session.run(None, {"pixels": pixels})[0][0]
        return features


def read_pixels(jpeg: bytes) -> npt.NDArray[np.uint8]:
    """Decode to height x width x 3, the short side at SHORT_SIDE, the long one at most LONGEST times that.

    Raises:
        PictureError: These bytes are no picture.
    """
    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            image.draft("RGB", (2 * SHORT_SIDE, 2 * SHORT_SIDE))
            scale = SHORT_SIDE / min(image.size)
            width, height = (round(min(side * scale, SHORT_SIDE * LONGEST)) for side in image.size)
            return np.asarray(
                image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2)
            )
    except (OSError, UnidentifiedImageError) as error:
        raise PictureError(f"the preview cannot be decoded: {plainly(error)}") from error
