"""Photos that look alike: those whose features have nearly the same direction."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tagroll.tags.packed import Packed

    Array = np.ndarray[Any, np.dtype[Any]]


def nearest(features: "Packed", wanted: "Array", most: int) -> list[tuple[int, float]]:
    """Place and cosine of the rows that are nearest to a vector, the nearest first."""
    lengths = features.lengths()
    cosines = features.times(wanted) / np.maximum(lengths * np.linalg.norm(wanted), 1e-9)
    best = np.argsort(-cosines, kind="stable")[:most]
    return list(zip(best.tolist(), cosines[best].tolist(), strict=True))
