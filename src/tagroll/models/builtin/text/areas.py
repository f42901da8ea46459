"""Where in a map of chances something lies: areas that hang together, as boxes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(slots=True)
class Area:
    """A part of the map that hangs together; its box is from left and top to before right and bottom.

    Attributes:
        left: Of the box, in places of the map; the others likewise.
        top: See there.
        right: See there.
        bottom: See there.
        places: How many belong to it.
        chance: The sum of their chances.
    """

    left: int
    top: int
    right: int
    bottom: int
    places: int
    chance: float

    def take(self, other: "Area") -> None:
        """Be one with another."""
        self.left, self.top = min(self.left, other.left), min(self.top, other.top)
        self.right, self.bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        self.places += other.places
        self.chance += other.chance


def areas(chances: Floats, least: float) -> list[Area]:
    """The areas of all places with more than the least chance; places that touch at a corner hang together.

    Row by row: stretches of places that touch stretches of the row above become one area with them.
    """
    marked = np.zeros((chances.shape[0], chances.shape[1] + 2), np.int8)
    marked[:, 1:-1] = chances > least
    edges = np.diff(marked, axis=1)
    sums = np.concatenate([np.zeros((len(chances), 1)), np.cumsum(chances, axis=1, dtype=np.float64)], axis=1)
    stretches: list[Area] = []
    parents: list[int] = []

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    above: list[int] = []
    for row in range(len(chances)):
        here = []
        starts, ends = (np.flatnonzero(edges[row] == step).tolist() for step in (1, -1))
        for start, end in zip(starts, ends, strict=True):
            number = len(stretches)
            chance = float(sums[row, end] - sums[row, start])
            stretches.append(Area(start, row, end, row + 1, end - start, chance))
            parents.append(number)
            here.append(number)
            for other in above:
                if stretches[other].left <= end and start <= stretches[other].right:
                    parents[root(other)] = root(number)
        above = here
    found: dict[int, Area] = {}
    for number, stretch in enumerate(stretches):
        if (whole := found.setdefault(root(number), stretch)) is not stretch:
            whole.take(stretch)
    return list(found.values())
