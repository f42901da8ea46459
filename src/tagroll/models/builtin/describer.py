"""The model that comes with tagroll: no server, everyday words, and silence where it is not sure."""

import dataclasses
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tagroll.domain import Describer, Description, Features, Preview, Prompt
from tagroll.models.builtin.titles import listed, title
from tagroll.parallel import cores
from tagroll.tags.translations import ENGLISH, languages, words_in

if TYPE_CHECKING:
    from tagroll.models.builtin.vision.recogniser import Sight
    from tagroll.models.builtin.vision.tagger import ImageTagger

MODEL = "tagroll-builtin-2"
WITHOUT_HEAD = f"{MODEL}-no-head"
LARGE_MODEL = "tagroll-builtin-large-1"
FEATURES = "efficientnet-lite2-288"
"""The network whose features are kept, and the short side of what it sees: with another one, what was learned is of no use."""


class BuiltinDescriber(Describer):
    """Describes photos with EfficientNet-Lite2 and NanoDet. The first call loads it, which takes under a second.

    Args:
        threshold: How sure it has to be of a tag, from 0.1 to 1; None for what was chosen in training.
        with_head: Whether our head judges what the network saw; without it only ImageNet's classes speak. That
            is for measuring what the head is worth.
        large: Whether the large network (CLIP's ViT-B/16) looks, too; it has to be fetched first.
        with_rules: Whether rules on the pixels (see `rules`) give their words, too.
    """

    def __init__(
        self,
        threshold: float | None = None,
        *,
        with_head: bool = True,
        large: bool = False,
        with_rules: bool = True,
    ) -> None:
        self.threshold = threshold
        self.with_head = with_head
        self.large = large
        self.with_rules = with_rules
        self._tagger: ImageTagger | None = None
        self._loading, self._telling = threading.Lock(), threading.Lock()
        self._untranslated: dict[str, str] = {}

    @property
    def base(self) -> str:
        """The name of the model that looks, whatever the threshold."""
        if self.large:
            return LARGE_MODEL
        return MODEL if self.with_head else WITHOUT_HEAD

    @property
    def model(self) -> str:
        """The model's name and version, and its threshold if it is not the usual one."""
        name = self.base if self.with_rules else f"{self.base}-no-rules"
        return name if self.threshold is None else f"{name}@{self.threshold:g}"

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        """Name what is surely in the picture; no keywords is an honest answer.

        Args:
            preview: The photo.
            prompt: Only its task, max_tags and language matter here.

        Raises:
            PictureError: The preview cannot be decoded.
        """
        from tagroll.models.builtin.rules import ruled

        tagger = self.load()
        sight = tagger.look(preview.jpeg)
        said = self.judge(tagger.probabilities(sight) | ruled(preview.jpeg), prompt)
        return dataclasses.replace(said, features=_features(sight))

    def features(self, preview: Preview) -> Features:
        """What the network sees in a photo.

        Raises:
            PictureError: The preview cannot be decoded.
        """
        return _features(self.load().look(preview.jpeg))

    def judge(self, confidences: Mapping[str, float], prompt: Prompt) -> Description:
        """Describe a photo by how likely each English word is; the photo itself is not needed."""
        from tagroll.models.builtin.rules import RULED
        from tagroll.models.builtin.vision.tagger import chooser  # loads numpy and onnxruntime

        choose = chooser(with_head=self.with_head, large=self.large)
        if not self.with_rules:
            confidences = {word: how for word, how in confidences.items() if word not in RULED}
        # how a photo looks is said after what is in it
        sure = sorted(choose.choose(confidences, self.threshold), key=RULED.__contains__)
        chosen = tuple(sure[: prompt.max_tags])
        if prompt.language in {ENGLISH, ""}:
            shown = tuple(word for word in choose.leading(chosen) if word not in RULED)
            texts = phrase(shown or chosen) if prompt.task == "classify" else ("", "", "")
            return Description(chosen, self.model, *texts, confidences=confidences)
        words = words_in(prompt.language)
        self._miss(prompt.language, *(word for word in chosen if word not in words))
        said = tuple(words.get(word, word) for word in chosen)
        texts = without_sentence(said) if prompt.task == "classify" else ("", "", "")
        how = {words.get(word, word): chance for word, chance in confidences.items()}
        return Description(said, self.model, *texts, confidences=how, language=prompt.language)

    def _miss(self, language: str, *missing: str) -> None:
        """Remember which words there are in English alone."""
        with self._telling:
            self._untranslated |= dict.fromkeys(missing, language)

    def news(self) -> tuple[str, ...]:
        """See Describer."""
        with self._telling:
            missed, self._untranslated = self._untranslated, {}
        return tuple(
            f"The built-in model has no {language} word for {word}: it stands there in English"
            for word, language in sorted(missed.items())
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """See Describer."""
        return languages()

    @property
    def cache_name(self) -> str:
        """The name of the model that looks: another threshold is not another look."""
        return self.base

    @property
    def names_only(self) -> bool:
        """See Describer."""
        return True

    @property
    def capacity(self) -> int:
        """Pictures that are of use at once: one is decoded or written while another is looked at."""
        return cores()

    def kept_name(self, answer: Description) -> str:
        """Under the name of what looked, so that every threshold finds it."""
        del answer
        return self.base

    def reread(self, kept: Description, prompt: Prompt) -> Description | None:
        """Judge a kept answer by this threshold: it tells how likely each word is."""
        if kept.model == self.model:
            return kept
        if kept.keywords and not kept.confidences:  # older answers did not tell
            return None
        english = {word: one for one, word in words_in(prompt.language).items()}
        return self.judge({english.get(word, word): how for word, how in kept.confidences.items()}, prompt)

    def at_threshold(self, threshold: float) -> "BuiltinDescriber":
        """See Describer."""
        return BuiltinDescriber(
            threshold, with_head=self.with_head, large=self.large, with_rules=self.with_rules
        )

    def load(self) -> "ImageTagger":
        """Load the model, once.

        Raises:
            TagrollError: Its weights are missing or damaged.
        """
        with self._loading:
            if self._tagger is None:
                from tagroll.models.builtin.vision.tagger import ImageTagger  # loads numpy and onnxruntime

                self._tagger = ImageTagger(with_head=self.with_head, large=self.large)
            return self._tagger


def _features(sight: "Sight") -> Features:
    from tagroll.tags.packed import packed  # loads numpy

    return Features(FEATURES, packed(sight.pooled))


def phrase(words: tuple[str, ...]) -> tuple[str, str, str]:
    """Make title, description and file name of a photo's words; they claim no more than the words do."""
    if not words:
        return "", "", ""
    line = title(words)
    return line, f"Photo with {listed(words[:3])}.", line.lower().replace(",", "").replace(" ", "_")


def without_sentence(words: tuple[str, ...]) -> tuple[str, str, str]:
    """The same in any language: no sentence, as most languages bend the words in it."""
    surest = ", ".join(words[:3])
    return surest[:1].upper() + surest[1:], "", surest.replace(", ", "_").replace(" ", "_")
