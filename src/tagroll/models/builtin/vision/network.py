"""The networks through onnxruntime, and the pictures that they take.

Safe to call from several threads; each call keeps one core busy.
"""

import io

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image, UnidentifiedImageError

from tagroll.errors import PictureError, plainly
from tagroll.models.builtin.vision.weights import FloatArray

Pixels = npt.NDArray[np.uint8]


class Network:
    """A network that is run on one core: photos side by side use the cores better than one photo on all.

    Args:
        model: An ONNX model, encoded.
    """

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False  # photos differ in shape
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, **inputs: npt.NDArray[np.generic]) -> dict[str, FloatArray]:
        """What the network makes of its inputs, by the names of its outputs."""
        return dict(zip(self._outputs, self._session.run(None, inputs), strict=True))


def decode(jpeg: bytes, short: int, long: int) -> Image.Image:
    """Decode a picture, to a half or a quarter where its sides stay at least so long.

    Raises:
        PictureError: These bytes are no picture.
    """
    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            sides = (long, short) if image.width >= image.height else (short, long)
            image.draft("RGB", sides)
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise PictureError(f"the preview cannot be decoded: {plainly(error)}") from error


def pixels(image: Image.Image, width: int, height: int, filtered: Image.Resampling) -> Pixels:
    """The picture in another size, 1 x height x width x 3."""
    return np.asarray(image.resize((width, height), filtered, reducing_gap=2))[np.newaxis]
