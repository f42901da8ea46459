"""The table of photo formats: what they look like, who decodes them, who writes into them.

A new format is one row in FORMATS (and one tiny sample in tests/files).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

HEAD_BYTES = 64
"""How many bytes from the start of a file `detect` wants to see."""


@dataclass(frozen=True, slots=True)
class Format:
    """One photo format.

    Attributes:
        name: Short lower-case name, unique in FORMATS.
        suffixes: File name endings in lower case, with the dot.
        decoder: Who turns it into pixels: "pillow", "heif" (pi-heif), or "embedded" (the preview inside a RAW).
        writer: Which engine writes metadata: "jpeg", "png", "webp" in process, "exiftool", or "sidecar" only.
        matches: Whether the first HEAD_BYTES bytes of a file are of this format.
    """

    name: str
    suffixes: tuple[str, ...]
    decoder: Literal["pillow", "heif", "embedded"]
    writer: Literal["jpeg", "png", "webp", "exiftool", "sidecar"]
    matches: Callable[[bytes], bool] = field(repr=False, compare=False)
