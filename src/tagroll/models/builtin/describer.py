"""The model that comes with tagroll: no server, everyday words, and silence where it is not sure."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tagroll.domain import Describer, Description, Preview, Prompt

if TYPE_CHECKING:
    from tagroll.models.builtin.vision.tagger import Tagger

MODEL = "tagroll-builtin-1"
WITHOUT_HEAD = f"{MODEL}-no-head"


class BuiltinDescriber:
    """Describes photos with EfficientNet-Lite2. The first call loads it, which takes under a second.

    Args:
        threshold: How sure it has to be of a tag, from 0.1 to 1; None for what was chosen in training.
        with_head: Whether our head judges what the network saw; without it only ImageNet's classes speak. That
            is for measuring what the head is worth.
    """

    def __init__(self, threshold: float | None = None, *, with_head: bool = True) -> None:
        self.threshold = threshold
        self.with_head = with_head
        self._tagger: Tagger | None = None
        self._loading = threading.Lock()

    @property
    def base(self) -> str:
        """The name of the model that looks, whatever the threshold."""
        return MODEL if self.with_head else WITHOUT_HEAD

    @property
    def model(self) -> str:
        """The model's name and version, and its threshold if it is not the usual one."""
        return self.base if self.threshold is None else f"{self.base}@{self.threshold:g}"

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        """Name what is surely in the picture; no keywords is an honest answer.

        Args:
            preview: The photo.
            prompt: Only its task and max_tags matter here.

        Raises:
            PictureError: The preview cannot be decoded.
        """
        return self.judge(self.load().chances(preview.jpeg), prompt)

    def judge(self, confidences: Mapping[str, float], prompt: Prompt) -> Description:
        """Describe a photo by how likely each word is; the photo itself is not needed."""
        from tagroll.models.builtin.vision.tagger import chooser  # loads numpy and onnxruntime

        chosen = chooser(with_head=self.with_head).choose(confidences, self.threshold)[: prompt.max_tags]
        texts = phrase(chosen) if prompt.task == "classify" else ("", "", "")
        return Description(chosen, self.model, *texts, confidences=confidences)

    def load(self) -> "Tagger":
        """Load the model, once.

        Raises:
            TagrollError: Its weights are missing or damaged.
        """
        with self._loading:
            if self._tagger is None:
                from tagroll.models.builtin.vision.tagger import Tagger  # loads numpy and onnxruntime

                self._tagger = Tagger(with_head=self.with_head)
            return self._tagger


def looked_as(describer: Describer) -> str:
    """The name of the model that looks at photos for a describer: another threshold is not another look."""
    return describer.base if isinstance(describer, BuiltinDescriber) else describer.model


def kept_as(describer: Describer, answer: Description) -> str:
    """The name under which an answer is kept: that of the model that looked, so that every threshold finds it."""
    return looked_as(describer) if isinstance(describer, BuiltinDescriber) else answer.model


def known(
    describer: Describer, prompt: Prompt, answer: Callable[[str], Description | None]
) -> Description | None:
    """What a describer would say, as far as that is known.

    Args:
        describer: The model.
        prompt: What it would be asked.
        answer: Gives the answer that is kept of the model of a name. The built-in model's answers tell how likely
            each word is, so one of them is enough for every threshold.
    """
    kept = answer(looked_as(describer))
    if kept is None or not isinstance(describer, BuiltinDescriber) or kept.model == describer.model:
        return kept
    if kept.keywords and not kept.confidences:  # older answers did not tell
        return None
    return describer.judge(kept.confidences, prompt)


def phrase(words: tuple[str, ...]) -> tuple[str, str, str]:
    """Make title, description and file name of the surest words; they claim no more than the words do."""
    surest = words[:3]
    if not surest:
        return "", "", ""
    *first, last = surest
    listed = f"{', '.join(first)} and {last}" if first else last
    return ", ".join(surest).capitalize(), f"Photo with {listed}.", "_".join(surest).replace(" ", "_")
