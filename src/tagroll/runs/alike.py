"""Photos that look alike: those of which the built-in model sees nearly the same.

The numbers are compared by their distance from the usual, in units of how much each differs among photos: of the five nearest
of 2,178 training photos .648 share a label other than "person", .610 where they are compared as they are.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tagroll.models.builtin.describer import FEATURES
from tagroll.tags.packed import Packed

if TYPE_CHECKING:
    from tagroll.catalog import Catalog
    from tagroll.domain import Features

    Array = np.ndarray[Any, np.dtype[Any]]

MOST: Final = 200
"""Photos that are alike, at the most."""
_USUAL: Final = 2048
"""Photos from which it is taken what is usual."""
_LIKE = re.compile(r"(?:^|\s)like:([0-9]{1,18})(?=\s|$)", re.IGNORECASE)


def like_in(text: str) -> tuple[int | None, str]:
    """The number of the photo that others are to be like, if the words of a query name one, and the rest of them."""
    found = _LIKE.search(text)
    return (int(found[1]), _LIKE.sub("", text, count=1).strip()) if found else (None, text)


def by_likeness(catalog: "Catalog", wanted: "Features") -> list[int]:
    """The numbers of all photos that were seen, those that are most like it first."""
    catalog.features.settled()
    vectors = ((numbers, Packed.of_bytes(rows)) for numbers, rows in catalog.features.photos(FEATURES))
    ids, likeness = likenesses(vectors, Packed.of_bytes([wanted.vector]).rows(slice(None))[0])
    order: list[int] = ids[np.argsort(-likeness, kind="stable")].tolist()
    return order


def likenesses(some: "Iterable[tuple[tuple[int, ...], Packed]]", wanted: "Array") -> "tuple[Array, Array]":
    """The numbers of photos, and how like each is to a vector, from -1 to 1.

    Args:
        some: Photos and what was seen of them, many at a time. What is usual is taken from the first ones.
        wanted: What is compared.
    """
    ids, found = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    scale: _Scale | None = None
    for numbers, packed in some:
        scale = scale or _Scale(packed, wanted)
        ids.append(np.array(numbers, np.int64))
        found.append(scale.cosines(packed))
    return np.concatenate(ids), np.concatenate(found)


class _Scale:
    """What is usual, and how much photos differ, of each number: the cosine of differences by products of the numbers alone.

    Args:
        usual: Photos to take it from.
        wanted: What others are compared with.
    """

    def __init__(self, usual: Packed, wanted: "Array") -> None:
        rows = usual.rows(slice(_USUAL))
        mean, spread = rows.mean(axis=0), rows.std(axis=0) + np.float32(1e-3)
        self._inverse: Array = spread**-2
        difference = (wanted - mean) * self._inverse
        self._columns: Array = np.stack([difference, mean * self._inverse], axis=1)
        self._of_mean: Array = mean @ self._columns
        self._length: float = float(np.sqrt((wanted - mean) @ difference))

    def cosines(self, photos: Packed) -> "Array":
        """Of each photo."""
        products, squares = photos.times_and_squares(self._columns, self._inverse)
        lengths = np.sqrt(np.maximum(squares - 2 * products[:, 1] + self._of_mean[1], 1e-9))
        cosines: Array = (products[:, 0] - self._of_mean[0]) / np.maximum(lengths * self._length, 1e-9)
        return cosines
