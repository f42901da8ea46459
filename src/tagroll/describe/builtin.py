"""The model that comes with tagroll: no server, everyday words, and silence where it is not sure."""

import threading
from typing import TYPE_CHECKING

from tagroll.domain import Description, Preview, Prompt

if TYPE_CHECKING:
    from tagroll.describe.vision.tagger import Tagger

MODEL = "tagroll-builtin-1"


class BuiltinDescriber:
    """Describes photos with EfficientNet-Lite2. The first call loads it, which takes under a second."""

    def __init__(self) -> None:
        self._tagger: Tagger | None = None
        self._loading = threading.Lock()

    @property
    def model(self) -> str:
        """The model's name and version."""
        return MODEL

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        """Name what is surely in the picture; no keywords is an honest answer.

        Args:
            preview: The photo.
            prompt: Only its task and max_tags matter here.

        Raises:
            PictureError: The preview cannot be decoded.
        """
        words = self.load().tags(preview.jpeg)[: prompt.max_tags]
        if prompt.task == "tags":
            return Description(words, MODEL)
        return Description(words, MODEL, *phrase(words))

    def load(self) -> "Tagger":
        """Load the model, once.

        Raises:
            TagrollError: Its weights are missing or damaged.
        """
        with self._loading:
            if self._tagger is None:
                from tagroll.describe.vision.tagger import Tagger  # loads numpy and onnxruntime

                self._tagger = Tagger()
            return self._tagger


def phrase(words: tuple[str, ...]) -> tuple[str, str, str]:
    """Make title, description and file name of the surest words; they claim no more than the words do."""
    surest = words[:3]
    if not surest:
        return "", "", ""
    *first, last = surest
    listed = f"{', '.join(first)} and {last}" if first else last
    return ", ".join(surest).capitalize(), f"Photo with {listed}.", "_".join(surest).replace(" ", "_")
