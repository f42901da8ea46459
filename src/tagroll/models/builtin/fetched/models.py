"""The models that can be fetched."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tagroll.errors import TagrollError
from tagroll.models.builtin.fetched import keeping
from tagroll.models.builtin.fetched.source import Source, Weights


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

    def load(self) -> bytes:
        """What is kept.

        Raises:
            TagrollError: It is not there, or damaged.
        """
        try:
            return keeping.load(self.file)
        except FileNotFoundError as error:
            raise TagrollError(f"{self.about} is not on this machine", f"Fetch it: {self.command}") from error


_OCR = Source(
    "rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime-1.4.4-py3-none-any.whl", 14_915_192,
    "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
)  # fmt: skip
TEXT = Fetched(
    "text", "PP-OCRv4, which reads text in photos", "Apache-2.0", _OCR, (_OCR,),
    "text-1.whl.b3", bytes, _OCR.size + 32,
)  # fmt: skip
FETCHED = {model.name: model for model in (TEXT,)}
