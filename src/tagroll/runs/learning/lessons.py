"""How one tag is told from features: logistic regression, and a threshold from which on it keeps a promise.

Everything is judged on photos that were not learned from. Photos of one shoot are nearly the same: never on both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tagroll.runs.evaluate.reliability import interval

if TYPE_CHECKING:
    from tagroll.tags.packed import Packed

    Array = np.ndarray[Any, np.dtype[Any]]

FEWEST: Final = 8
"""Photos without which nothing is learned of a tag."""
FOLDS: Final = 5
"""Parts of the photos, each judged by what was learned of the others; as many shoots a tag has to be in."""
PROMISE: Final = 0.85
"""Of the photos that get a learned tag, so many are right, surely: the lower bound of the share (Wilson 1927)."""
ONE_SIDED: Final = 1.645
"""Standard deviations of the normal distribution below which 95% lie."""
_WIDTH = 128
"""Numbers that are learned from, of all that are kept: the directions in which photos differ most. With twice as many
the mean average precision is the same (47 labels of the training photos, 20 examples each: .547 with 128, .551 with 256)."""
_SHRINKING = 100.0
"""Of the weights, squared: of 10, 30, 100 and 300 the best there (.533, .538, .547, .542)."""
_BASIS_FROM = 4096
_MOST_YES, _MOST_NO = 2000, 4000
"""Photos that are learned from, drawn where there are more; all are judged."""
_STEPS = 12


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of learning one tag.

    Attributes:
        weights: Of the features, and the bias as the last one; the logistic function of it says how likely the tag is.
        threshold: The probability from which on the promise is kept; None: from none.
        right: How many of those that were given it have it, photos of one shoot together being one.
        given: How many were, likewise.
        found: The share of its photos that were given it, 0 to 1.
        promise: The lower bound of `right / given`, 0 to 1.
    """

    weights: "Array"
    threshold: float | None = None
    right: float = 0.0
    given: int = 0
    found: float = 0.0
    promise: float = 0.0


class Teacher:
    """Learns tags of the features of a library.

    Args:
        features: Of all its photos.
        shoots: Of each photo, the number of its shoot.
    """

    def __init__(self, features: "Packed", shoots: "Array") -> None:
        self._random = np.random.default_rng(0)  # the same library teaches the same
        self._shoots = shoots
        some = self._drawn(np.arange(len(shoots)), _BASIS_FROM)
        sample = features.rows(some)
        mean, deviation = sample.mean(axis=0), sample.std(axis=0) + 1e-3
        sample = (sample - mean) / deviation
        _, directions = np.linalg.eigh(sample.T @ sample)
        self._basis: Array = directions[:, ::-1][:, :_WIDTH] / deviation[:, None]
        self._origin: Array = mean @ self._basis
        self._photos: Array = features.times(self._basis) - self._origin

    def learn(self, yes: "Array", no: "Array") -> Lesson | None:
        """Learn a tag.

        Args:
            yes: Places of photos that have it.
            no: Of photos that have it not.

        Returns:
            None where there are too few photos, or they are of too few shoots.
        """
        if len(yes) < FEWEST or len(no) < FEWEST or len(np.unique(self._shoots[yes])) < FOLDS:
            return None
        judged, has_it = np.concatenate([yes, no]), np.arange(len(yes) + len(no)) < len(yes)
        folds = self._folds(judged, has_it)
        taught = np.concatenate([
            self._drawn(np.arange(len(yes)), _MOST_YES), len(yes) + self._drawn(np.arange(len(no)), _MOST_NO)
        ])  # fmt: skip
        each = np.stack([
            fit(self._photos[judged[some]], has_it[some].astype(np.float32), _SHRINKING)
            for some in (taught[folds[taught] != fold] for fold in range(FOLDS))
        ])  # fmt: skip
        scores = (self._photos[judged] @ each[:, :-1].T + each[:, -1])[np.arange(len(judged)), folds]
        slope, shift = calibrate(scores, has_it)
        together = each.mean(axis=0)
        inside = slope * together[:-1]
        bias = slope * together[-1] + shift - self._origin @ inside
        weights = np.append(self._basis @ inside, bias).astype(np.float32)
        return self._promised(weights, slope * scores + shift, has_it, self._shoots[judged])

    def _promised(self, weights: "Array", logits: "Array", has_it: "Array", shoots: "Array") -> Lesson:
        """With the lowest threshold at which the promise is kept."""
        order = np.argsort(-logits, kind="stable")[: 2 * int(has_it.sum())]
        lesson = Lesson(weights)
        for place, (right, given) in enumerate(_in_order(has_it[order], shoots[order]), start=1):
            if (bound := interval(right / given, given, ONE_SIDED)[0]) >= PROMISE:
                threshold = float(_logistic(logits[order[place - 1]]))
                found = float(has_it[order[:place]].sum() / has_it.sum())
                lesson = Lesson(weights, threshold, right, given, found, bound)
        return lesson

    def _folds(self, judged: "Array", has_it: "Array") -> "Array":
        """In which part each photo is: whole shoots, those with the tag dealt out evenly."""
        shoots, inverse = np.unique(self._shoots[judged], return_inverse=True)
        with_it = np.zeros(len(shoots), bool)
        with_it[inverse[has_it]] = True
        fold = np.zeros(len(shoots), np.intp)
        for some in (np.flatnonzero(with_it), np.flatnonzero(~with_it)):
            fold[self._random.permutation(some)] = np.arange(len(some)) % FOLDS
        of_each: Array = fold[inverse]
        return of_each

    def _drawn(self, places: "Array", most: int) -> "Array":
        drawn: Array = places if len(places) <= most else self._random.choice(places, most, replace=False)
        return drawn


def fit(photos: "Array", is_so: "Array", shrinking: float) -> "Array":
    """Logistic regression by Newton's method.

    Args:
        photos: N x D.
        is_so: How sure it is that it is so, 0 to 1, N.
        shrinking: Strength of the penalty on the squared weights; the bias has nearly none.

    Returns:
        D weights and the bias.
    """
    inputs = np.hstack([photos, np.ones((len(photos), 1), np.float32)])
    penalty = np.append(np.full(photos.shape[1], shrinking, np.float32), np.float32(1e-3))
    weights = np.zeros(len(penalty), np.float32)
    for _ in range(_STEPS):
        chances = _logistic(inputs @ weights)
        gradient = inputs.T @ (chances - is_so) + penalty * weights
        curvature = (inputs * np.maximum(chances * (1 - chances), 1e-4)[:, None]).T @ inputs
        step = np.linalg.solve(curvature + np.diag(penalty), gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-3:
            break
    return weights


def calibrate(scores: "Array", has_it: "Array") -> tuple[float, float]:
    """Slope and shift that make a logit of a score: with his targets, so that few photos do not make it sure (Platt 1999)."""
    yes, no = int(has_it.sum()), int((~has_it).sum())
    spread = float(scores.std()) or 1.0
    targets = np.where(has_it, (yes + 1) / (yes + 2), 1 / (no + 2)).astype(np.float32)
    slope, shift = fit((scores[:, None] / spread).astype(np.float32), targets, 1e-3).tolist()
    return slope / spread, shift


def _in_order(has_it: "Array", shoots: "Array") -> "Iterator[tuple[float, int]]":
    """After each photo: how many shoots were given a tag, and how many of them rightly, some partly."""
    counts: dict[int, tuple[int, int]] = {}
    right = 0.0
    for is_right, shoot in zip(has_it.tolist(), shoots.tolist(), strict=True):
        rightly, all_ = counts.get(shoot, (0, 0))
        counts[shoot] = (rightly + is_right, all_ + 1)
        right += (rightly + is_right) / (all_ + 1) - (rightly / all_ if all_ else 0.0)
        yield right, len(counts)


def _logistic(logits: "Array") -> "Array":
    chances: Array = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return chances
