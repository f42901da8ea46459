"""Whether a model is as often right as it says: of the tags it gives a probability of .8, are .8 right?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from tagroll.runs.evaluate.labels import LabelSet
from tagroll.runs.evaluate.scoring import Interval, Scorer

BINS = 10
Z = 1.96
"""Standard deviations of the normal distribution within which 95% lie."""
FEWEST = 5
"""Tags below which a share says nothing."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Words of nearly the same probability.

    Attributes:
        low: Lowest probability.
        high: The next bin's lowest.
        said: Mean probability.
        true: Share of them that is right.
        true_ci95: Its 95% confidence interval (Wilson 1927).
        count: How many.
    """

    low: float
    high: float
    said: float
    true: float
    true_ci95: Interval
    count: int


def reliability(
    confidences: Mapping[Path, Mapping[str, float]], labels: LabelSet, scorer: Scorer
) -> tuple[Bin, ...]:
    """How often words of a given probability are right.

    Only words that can be checked count, also those that were not sure enough to be tags. A bin of fewer than
    FEWEST words is left out.
    """
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for path, words in confidences.items():
        if (truth := labels.photos.get(path)) is None:
            continue
        score = scorer.photo(truth, words)
        for word in score.checkable:
            bins[min(int(words[word] * BINS), BINS - 1)].append(
                (words[word], score.verdicts[word] != "wrong")
            )
    return tuple(_bin(n, row) for n, row in enumerate(bins) if len(row) >= FEWEST)


def _bin(number: int, row: Sequence[tuple[float, bool]]) -> Bin:
    true = fmean(right for _, right in row)
    low, high = number / BINS, (number + 1) / BINS
    return Bin(low, high, fmean(said for said, _ in row), true, interval(true, len(row)), len(row))


def interval(share: float, count: int, z: float = Z) -> Interval:
    """Wilson's score interval: right also for few and for shares near 0 and 1; `z`: how many standard deviations wide."""
    share = min(max(share, 0.0), 1.0)
    spread = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    middle, scale = share + z**2 / (2 * count), 1 + z**2 / count
    return max((middle - spread) / scale, 0.0), min((middle + spread) / scale, 1.0)
