"""Every pair of vectors with a cosine of at least t, exactly, in little memory; of very many vectors nearly every pair.

An upper bound finds the candidates: rotate to the principal axes, keep the first ones, and add what is left of each
vector as one more coordinate, its length. By Cauchy and Schwarz the dot product of two such short vectors is never
below the cosine. Candidates are then measured in full. The products go in blocks: one call on a large array
and its own transpose has crashed BLAS libraries (measured: 20,000 x 384, two threads).

This takes time with the square of the number. Beyond EXACT_UP_TO vectors only those are compared that share one of their
nearest landmarks, vectors taken at random (an inverted file, Sivic and Zisserman 2003).
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tagroll.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
    Numbers = np.ndarray[tuple[int], np.dtype[np.signedinteger]]
    Cosines = np.ndarray[tuple[int], np.dtype[np.float32]]

_BLOCK = 1024
_AXES = 128
_SLACK = 1e-5
"""Rounding of float32 sums, so that the bound stays a bound."""
EXACT_UP_TO = 250_000
"""Vectors up to which every pair is found: minutes of one core (docs/quality.md)."""
_LANDMARKS = 4
"""Landmarks for each unit of the square root of the number of vectors."""
_SHARED = 8
"""Nearest landmarks of each vector."""
_MOST_PAIRS = 20_000_000
"""About 500 MB while they are collected; a useful threshold finds some hundred pairs per thousand tags."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs of rows that are close, sorted, each once.

    Attributes:
        first: Numbers of the one rows, int32, shape (m,).
        second: Numbers of the others, always greater, int32, shape (m,).
        cosines: How close, float32, shape (m,).
    """

    first: "Numbers" = field(repr=False)
    second: "Numbers" = field(repr=False)
    cosines: "Cosines" = field(repr=False)


def _short(vectors: "Vectors") -> "Vectors":
    """The first principal coordinates and the length of the rest."""
    n, width = vectors.shape
    if width <= _AXES + 1:
        return vectors
    scatter = np.zeros((width, width), np.float64)
    for start in range(0, n, _BLOCK):
        block = vectors[start : start + _BLOCK]
        scatter += block.T @ block.copy()
    axes = np.linalg.eigh(scatter)[1][:, -_AXES:].astype(np.float32)
    short = np.empty((n, _AXES + 1), np.float32)
    for start in range(0, n, _BLOCK):
        block = vectors[start : start + _BLOCK]
        kept = block @ axes
        lost = (block * block).sum(axis=1) - (kept * kept).sum(axis=1)
        short[start : start + _BLOCK, :-1] = kept
        short[start : start + _BLOCK, -1] = np.sqrt(np.maximum(lost, 0.0))
    return short


def _candidates(short: "Vectors", threshold: float) -> "Iterator[tuple[Numbers, Numbers]]":
    """Pairs i < j whose bound reaches the threshold, block by block."""
    n = len(short)
    for i in range(0, n, _BLOCK):
        rows = short[i : i + _BLOCK].copy()
        for j in range(i, n, _BLOCK):
            hits = np.flatnonzero(rows @ short[j : j + _BLOCK].T >= threshold - _SLACK)
            width = min(_BLOCK, n - j)
            first, second = hits // width + i, hits % width + j
            upper = first < second
            if upper.any():
                yield first[upper], second[upper]


def _likely(vectors: "Vectors", threshold: float) -> "Iterator[tuple[Numbers, Numbers]]":
    """Pairs i < j that share a landmark and reach the threshold; a pair comes once for each they share."""
    n = len(vectors)
    landmarks = vectors[np.random.default_rng(n).choice(n, _LANDMARKS * math.isqrt(n), replace=False)].T
    nearest = np.concatenate([
        np.argpartition(-(vectors[start : start + _BLOCK] @ landmarks), _SHARED, axis=1)[:, :_SHARED].astype(np.int32)
        for start in range(0, n, _BLOCK)
    ]).ravel()  # fmt: skip
    rows = nearest.argsort(kind="stable")
    ends = np.searchsorted(nearest[rows], np.arange(landmarks.shape[1] + 1))
    rows //= _SHARED
    for cell in range(landmarks.shape[1]):
        members = rows[ends[cell] : ends[cell + 1]]
        for start in range(0, len(members), _BLOCK):
            some, others = members[start : start + _BLOCK], members[start:]
            hits = np.flatnonzero(vectors[some] @ vectors[others].T >= threshold - _SLACK)
            first, second = some[hits // len(others)], others[hits % len(others)]
            upper = first < second
            yield first[upper], second[upper]


def neighbours(vectors: "Vectors", threshold: float, *, exact_up_to: int = EXACT_UP_TO) -> Neighbours:
    """Find all pairs with a cosine of at least the threshold; of more than `exact_up_to` vectors nearly all.

    Args:
        vectors: Float32 rows of length 1, shape (n, d).
        threshold: From -1 to 1.
        exact_up_to: Vectors up to which every pair is found.

    Returns:
        Each pair once.

    Raises:
        UsageError: There are more than 20 million such pairs: the threshold says nothing about these vectors.
    """
    found: list[tuple[Numbers, Numbers, Vectors]] = []
    pairs = 0
    exact = len(vectors) <= exact_up_to
    candidates = _candidates(_short(vectors), threshold) if exact else _likely(vectors, threshold)
    for some_first, some_second in candidates:
        for part in range(0, len(some_first), 1 << 16):
            first, second = some_first[part : part + (1 << 16)], some_second[part : part + (1 << 16)]
            cosines = np.einsum("ij,ij->i", vectors[first], vectors[second])
            real = cosines >= threshold
            found.append((first[real].astype(np.int32), second[real].astype(np.int32), cosines[real]))
            pairs += int(real.sum())
        if pairs > _MOST_PAIRS:
            raise UsageError(
                f"more than {_MOST_PAIRS:,} pairs of tags are as similar as {threshold}",
                hint="raise --similarity-threshold",
            )
    if not found:
        return Neighbours(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))
    first, second, cosines = (np.concatenate(column) for column in zip(*found, strict=True))
    once = np.unique(first.astype(np.int64) * len(vectors) + second, return_index=True)[1]
    return Neighbours(first[once], second[once], cosines[once])
