"""Reads text in photos with PP-OCRv4: a network finds lines of it, another one reads each.

Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020; the networks are PaddleOCR's (Apache-2.0).
Lines are taken to be level, or to run upwards; those that slant are not read.
"""

import io
import math
import threading

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image, UnidentifiedImageError

from tagroll.errors import PictureError, plainly
from tagroll.models.builtin.fetched.models import TEXT
from tagroll.models.builtin.fetched.source import member_of
from tagroll.models.builtin.text.areas import Area, areas

LONG_SIDE = 512
"""Pixels of the picture in which lines are looked for; they are read in the preview itself."""
STEP = 32
"""Sides are multiples of so many pixels."""
LEAST_CHANCE, LEAST_MEAN = 0.3, 0.5
"""Of a place, and of a whole line, to be text."""
GROWTH = 1.6
"""The finder marks the core of a line; the box grows by its area times this by its perimeter."""
LINE_HEIGHT = 48
"""Pixels, as the reader was trained; its lines are at least 320 wide, and here at most 1,200."""
WIDTHS = (320, 1200)
UPWARDS = 1.5
"""Boxes that are higher than wide by so much have text that runs upwards."""
LEAST_SURE = 0.8
"""How sure the reader has to be of a line on average."""
MOST_LINES = 100
LEAST_SIDE = 6
"""Pixels; smaller lines cannot be read."""


class TextReader:
    """Reads. Safe to call from several threads; the first call loads the networks.

    Raises:
        TagrollError: They are not on this machine.
    """

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._networks: tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession] | None = None
        self._signs: list[str] = []

    def load(self) -> None:
        """Load the networks, once.

        Raises:
            TagrollError: They are not on this machine, or damaged.
        """
        with self._loading:
            if self._networks is None:
                wheel = TEXT.load()
                finder, reader = (
                    _session(member_of(wheel, f"rapidocr_onnxruntime/models/ch_PP-OCRv4_{part}_infer.onnx"))
                    for part in ("det", "rec")
                )
                signs = reader.get_modelmeta().custom_metadata_map["character"].split("\n")
                self._networks, self._signs = (finder, reader), ["", *signs, " "]

    def read(self, jpeg: bytes) -> tuple[str, ...]:
        """The lines of text in a photo, from the top, as far as they can be read.

        Raises:
            PictureError: These bytes are no picture.
            TagrollError: See `load`.
        """
        self.load()
        assert self._networks  # noqa: S101 - loaded
        finder, reader = self._networks
        image = _decoded(jpeg)
        lines = (self._line(reader, image.crop(box)) for box in _boxes(finder, image))
        return tuple(filter(None, lines))

    def _line(self, reader: onnxruntime.InferenceSession, part: Image.Image) -> str:
        """What a part of the picture says, or ""."""
        if part.height >= UPWARDS * part.width:
            part = part.transpose(Image.Transpose.ROTATE_90)
        width = min(math.ceil(LINE_HEIGHT * part.width / part.height), WIDTHS[1])
        line = np.zeros((1, 3, LINE_HEIGHT, max(width, WIDTHS[0])), np.float32)
        line[..., :width] = _planes(part.resize((width, LINE_HEIGHT), Image.Resampling.BILINEAR))
        chances: npt.NDArray[np.float32] = reader.run(None, {"x": line})[0][0]
        best, sure = chances.argmax(axis=1), chances.max(axis=1)
        # a sign is said once where it is the best several times in a row; 0 stands between signs
        said = (best != 0) & (best != np.concatenate([[0], best[:-1]]))
        if not said.any() or sure[said].mean() < LEAST_SURE:
            return ""
        text = "".join(self._signs[sign] for sign in best[said].tolist())
        return " ".join(text.split())


def _session(model: bytes) -> onnxruntime.InferenceSession:
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # photos side by side use the cores better
    options.enable_mem_pattern = False  # lines differ in length
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _decoded(jpeg: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise PictureError(f"the preview cannot be decoded: {plainly(error)}") from error


def _planes(image: Image.Image) -> npt.NDArray[np.float32]:
    """Blue, green and red from -1 to 1, as both networks were trained."""
    pixels = np.asarray(image, np.float32)[..., ::-1].transpose(2, 0, 1)
    return pixels / np.float32(127.5) - np.float32(1)


def _boxes(finder: onnxruntime.InferenceSession, image: Image.Image) -> list[tuple[int, int, int, int]]:
    """Where lines are in the image, from the top."""
    scale = min(1, LONG_SIDE / max(image.size))
    width, height = (max(STEP, round(side * scale / STEP) * STEP) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2)
    chances = finder.run(None, {"x": _planes(small)[np.newaxis]})[0][0, 0]
    across, down = image.width / width, image.height / height
    lines = [area for area in areas(chances, LEAST_CHANCE) if area.chance / area.places >= LEAST_MEAN]
    lines = sorted(lines, key=lambda area: -area.places)[:MOST_LINES]
    grown = (_grown(area) for area in sorted(lines, key=lambda area: (area.top, area.left)))
    boxes = (
        (
            max(0, math.floor(left * across)),
            max(0, math.floor(top * down)),
            min(image.width, math.ceil(right * across)),
            min(image.height, math.ceil(bottom * down)),
        )
        for left, top, right, bottom in grown
    )
    return [box for box in boxes if min(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE]


def _grown(area: Area) -> tuple[float, float, float, float]:
    width, height = area.right - area.left, area.bottom - area.top
    more = width * height * GROWTH / (2 * (width + height))
    return area.left - more, area.top - more, area.right + more, area.bottom + more
