"""How similar random tags are: a cosine of 0.85 is rare for one embedder and common for another."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagroll.tags.term import term
from tagroll.tags.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

_SAMPLES = 20_000
_SEED = 20
_LIMIT = 0.005
"""Share of random pairs at or above the threshold from which on it lies inside the background."""
_RARE = 0.0005
"""Largest share of random pairs at least as similar as a pair that meaning alone may merge."""
_MIN_PAIRS = 200
"""Fewer pairs than this cannot show a share as small as the limit; the vocabulary is then too small to
judge."""


@dataclass(frozen=True, slots=True)
class Background:
    """Cosines of random pairs of this vocabulary that are not the same word.

    Attributes:
        median: The usual cosine.
        threshold: The threshold asked for.
        cosines: The sample, sorted.
    """

    median: float
    threshold: float
    cosines: "np.ndarray[tuple[int], np.dtype[np.float32]]" = field(repr=False)

    def share(self, cosine: float) -> float:
        """Share of random pairs at least so similar (to 4 decimals), 0 to 1."""
        if not len(self.cosines):
            return 0.0
        return float(1 - self.cosines.searchsorted(cosine - 5e-5, side="left") / len(self.cosines))

    def is_rare(self, cosine: float) -> bool:
        """Whether a cosine stands out; the pair itself and one more may be in the sample."""
        return self.share(cosine) <= max(_RARE, 2 / max(1, len(self.cosines)))

    @property
    def usable(self) -> bool:
        """Whether the threshold tells similar tags from random ones."""
        return len(self.cosines) < _MIN_PAIRS or self.share(self.threshold) <= _LIMIT

    @property
    def fitting(self) -> float:
        """A threshold that would do: the one asked for, or one just above all but 1 in 1000 pairs."""
        return self.threshold if self.usable else self.just_above(0.001)

    @property
    def least(self) -> float:
        """A cosine that does not lie inside the background; 0 where there are too few pairs to tell."""
        return self.just_above(_LIMIT) if len(self.cosines) >= _MIN_PAIRS else 0.0

    def just_above(self, share: float) -> float:
        """A cosine just above all but this share of the pairs."""
        high = float(self.cosines[math.ceil((1 - share) * len(self.cosines)) - 1])
        return min(0.99, math.floor(high * 100 + 1) / 100)


def measure(
    names: "Sequence[str]", vectors: "np.ndarray[tuple[int, int], np.dtype[np.float32]]", threshold: float
) -> Background:
    """Take cosines of random pairs, leaving out pairs that are the same word or synonyms."""
    import numpy as np

    n = len(names)
    if n * (n - 1) // 2 <= _SAMPLES:
        first, second = np.triu_indices(n, 1)
    else:
        draw = np.random.default_rng(_SEED)
        first, second = draw.integers(0, n, _SAMPLES), draw.integers(0, n, _SAMPLES)
    cosines = np.einsum("ij,ij->i", vectors[first], vectors[second])
    kept = [
        c
        for i, j, c in zip(first.tolist(), second.tolist(), cosines.tolist(), strict=True)
        if i != j and (c < threshold or judge(term(names[i]), term(names[j])).evidence is None)
    ]
    found = np.sort(np.array(kept, np.float32))
    return Background(float(np.median(found)) if len(found) else 0.0, threshold, found)
