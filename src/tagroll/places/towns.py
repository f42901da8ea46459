"""The place at a point of the Earth, from a table that comes with tagroll: nothing is asked of anybody.

The table stands beside this module, made by tools/make_places.py from GeoNames (towns of 1,000 people and more) and
Natural Earth (countries); see data/LICENSE-places.txt. Distances are in kilometres, on a sphere.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from math import cos, hypot, inf, radians

from tagroll.parallel import once

ROWS = 4
"""Rows of towns a degree of latitude; in each they stand from west to east."""
CELLS = 80
"""Cells of the map of countries a degree: 1.4 km, about as far as Natural Earth's borders are good for."""
UNIT = 10_000
"""Parts of a degree in which towns are noted: 11 m."""
ARRAYS = "IiiBHBIHB"
"""Types of the numbers after the three lists of names; see `Atlas`, whose fields have the same order."""
NEAR = 25.0
"""So far from the edge of a town one still says that it is near; farther out only the country is known."""
ASHORE = 10.0
"""So far from a town's edge what the map calls sea is its harbour or its beach."""
LARGEST = 10.0
"""The radius of a city of millions: who is farther from its middle is in one of its suburbs, which has a name."""
_DEGREE = 111.195
"""Kilometres a degree of latitude."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a point is. What is not known is empty.

    Attributes:
        country: Its usual English name.
        code: Of the country, ISO 3166-1 alpha-2 (Kosovo: XK).
        state: The first level below it, as GeoNames calls it.
        town: The nearest, or the city in which the point lies.
        away: Kilometres from the town's edge; 0 inside.
    """

    country: str = ""
    code: str = ""
    state: str = ""
    town: str = ""
    away: float = 0.0

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self.country)


@dataclass(frozen=True, slots=True)
class Atlas:
    """The table, unpacked.

    Attributes:
        countries: Code, tab, name; number 0 is the sea.
        states: Names of first levels; number 0 is none.
        towns: Names, row by row from the south, in each from west to east.
        rows: Where each row begins, and the last one ends.
        latitudes: Of the towns, in UNITs.
        longitudes: Likewise.
        country: Number of each town's country.
        state: Number of each town's state.
        radius: Of each town, in tenths of a kilometre, going by its people.
        lines: Where each line of the map begins among the runs, from the north, and the last one ends.
        starts: The cell, from the west, in which each run of one country begins.
        runs: Number of each run's country.
    """

    countries: list[str] = field(repr=False)
    states: list[str] = field(repr=False)
    towns: list[str] = field(repr=False)
    rows: "array[int]" = field(repr=False)
    latitudes: "array[int]" = field(repr=False)
    longitudes: "array[int]" = field(repr=False)
    country: "array[int]" = field(repr=False)
    state: "array[int]" = field(repr=False)
    radius: "array[int]" = field(repr=False)
    lines: "array[int]" = field(repr=False)
    starts: "array[int]" = field(repr=False)
    runs: "array[int]" = field(repr=False)

    def place(self, latitude: float, longitude: float) -> Place:
        """The place at a point in degrees, north and east positive."""
        land = self._country(latitude, longitude)
        town, away = self._town(latitude, longitude, land)
        if town is not None:
            land = self.country[town]
        if not land:
            return Place()
        code, _, country = self.countries[land].partition("\t")
        if town is None:
            return Place(country, code)
        return Place(country, code, self.states[self.state[town]], self.towns[town], max(away, 0.0))

    def _country(self, latitude: float, longitude: float) -> int:
        line = min(int((90 - latitude) * CELLS), 180 * CELLS - 1)
        cell = int((longitude + 180) * CELLS) % (360 * CELLS)
        return self.runs[bisect_right(self.starts, cell, self.lines[line], self.lines[line + 1]) - 1]

    def _town(self, latitude: float, longitude: float, land: int) -> tuple[int | None, float]:
        """The town of this country (of any, for a point in the sea) whose edge is nearest, or deepest around the point."""
        best, found = NEAR if land else ASHORE, None
        east = max(cos(radians(latitude)), 0.01)
        high = (best + LARGEST) / _DEGREE
        first, last = (int((latitude + 90 + by) * ROWS) for by in (-high, high))
        for row in range(max(first, 0), min(last + 1, 180 * ROWS)):
            # no town is so near the date line that one had to look across
            for n in self._between(row, longitude - high / east, longitude + high / east):
                if land and self.country[n] != land:
                    continue
                north = self.latitudes[n] / UNIT - latitude
                middle = hypot(north, (self.longitudes[n] / UNIT - longitude) * east) * _DEGREE
                if (away := middle - self.radius[n] / 10) < best:
                    best, found = away, n
        return found, best

    def _between(self, row: int, west: float, east: float) -> range:
        """The numbers of the towns of a row between two longitudes."""
        begin, end = self.rows[row], self.rows[row + 1]
        low = bisect_left(self.longitudes, int(west * UNIT), begin, end)
        return range(low, bisect_right(self.longitudes, int(east * UNIT), low, end))


def unpack(data: bytes) -> Atlas:
    """Read the table as make_places.py packs it: three texts, then the arrays, each after its length in four bytes."""
    parts, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        parts.append(data[at + 4 : end])
        at = end
    arrays = [array(kind, part) for kind, part in zip(ARRAYS, parts[3:], strict=True)]
    if sys.byteorder == "big":
        for numbers in arrays:
            numbers.byteswap()
    countries, states, towns = (part.decode().split("\n") for part in parts[:3])
    return Atlas(countries, states, towns, *arrays)


@once
def atlas() -> Atlas:
    """The table; the first call unpacks it, which takes a few hundredths of a second."""
    from tagroll.zstd import decompress

    packed = files("tagroll.places").joinpath("data/places.zst").read_bytes()
    return unpack(decompress(packed))


@once
def _towns() -> frozenset[str]:
    """The names of towns, in small letters."""
    return frozenset(name.casefold() for name in atlas().towns)


@cache
def _numbers(name: str) -> tuple[int, ...]:
    """The towns that have this name, in small letters."""
    return (
        tuple(n for n, town in enumerate(atlas().towns) if town.casefold() == name) if is_town(name) else ()
    )


@once
def _regions() -> frozenset[str]:
    """The names of states and countries, in small letters."""
    names = (*atlas().states[1:], *(country.partition("\t")[2] for country in atlas().countries[1:]))
    return frozenset(name.casefold() for name in names)


def is_town(name: str) -> bool:
    """Whether a town of the table has this name, in small letters."""
    return name in _towns()


def is_region(name: str) -> bool:
    """Whether a state or a country has this name, in small letters."""
    return name in _regions()


def distance(name: str, latitude: float, longitude: float) -> float:
    """Kilometres to the nearest town of this name, in small letters; infinite where there is none."""
    table = atlas()
    east = cos(radians(latitude))
    return min(
        (
            hypot(
                table.latitudes[n] / UNIT - latitude,
                ((table.longitudes[n] / UNIT - longitude + 180) % 360 - 180) * east,
            ) * _DEGREE
            for n in _numbers(name)
        ),
        default=inf,
    )  # fmt: skip
