"""How sure a model that was asked again has to be of a word: what comes below is said in a broader word, or not at all."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from tagroll.catalog import Catalog
from tagroll.domain import Description
from tagroll.tags.broader import broader
from tagroll.tags.identity import identity

USUAL: Final = 0.5
"""Where nobody has measured: more likely there than not."""
NEVER: Final = 2.0
"""A bar that no word comes over."""


@dataclass(frozen=True, slots=True)
class Bars:
    """From which confidence on a word counts.

    Attributes:
        usual: Of most words, 0 to 1.
        own: Word (by identity) -> its own, where that is another one.
    """

    usual: float = USUAL
    own: Mapping[str, float] = field(default_factory=dict)

    def judged(self, answer: Description) -> Description:
        """A checked answer with the words that count: of each the narrowest that is sure; any other answer as it is."""
        if not answer.said:
            return answer
        named = {identity(word): word for word in answer.confidences}
        words: dict[str, None] = {}
        for word in answer.said:
            narrowing = (named.get(identity(one)) for one in (word, *broader(word)))
            if sure := next((one for one in narrowing if one and self._is_sure(answer, one)), None):
                words[sure] = None
        return dataclasses.replace(answer, keywords=tuple(words))

    def _is_sure(self, answer: Description, word: str) -> bool:
        return answer.confidences[word] >= self.own.get(identity(word), self.usual)


def judging(catalog: Catalog, threshold: float | None) -> Callable[[Description], Description]:
    """What judges checked answers: by this threshold, else by what was promised of the model.

    Args:
        catalog: Keeps promises.
        threshold: From which confidence on every word counts, 0 to 1.
    """
    if threshold is not None:
        return Bars(threshold).judged

    @cache
    def of(model: str) -> Bars:
        kept = catalog.promises.of(model)
        return Bars(kept.usual, kept.own) if kept else Bars()

    return lambda answer: of(answer.model).judged(answer)
