"""Where a point is, held against what others say of the same points."""

import csv
import math
import random
from pathlib import Path

import pytest

from tagroll.places.towns import NEAR, UNIT, atlas, distance

AIRPORTS = Path(__file__).parent / "airports.csv"


@pytest.mark.parametrize(
    ("point", "town", "state", "code"),
    [
        ((45.7650, 10.8100), "Malcesine", "Veneto", "IT"),
        ((48.1100, 11.6400), "Munich", "Bavaria", "DE"),  # in one of its quarters, which has a name of its own
        ((48.2490, 11.6510), "Garching", "Bavaria", "DE"),  # a town of its own beside it
        ((40.7614, -73.9776), "Manhattan", "New York", "US"),
        ((47.5580, 7.5890), "Basel", "Basel-City", "CH"),
    ],
)  # fmt: skip
def test_a_point_in_or_near_a_town(point: tuple[float, float], town: str, state: str, code: str) -> None:
    place = atlas().place(*point)
    assert (place.town, place.state, place.code) == (town, state, code)


@pytest.mark.parametrize("point", [(0.0, -30.0), (-45.0, 90.0), (36.0, -150.0)])
def test_of_the_open_sea_nothing_is_known(point: tuple[float, float]) -> None:
    assert not atlas().place(*point)


@pytest.mark.parametrize(
    ("point", "code"),
    [((23.5, 10.0), "DZ"), ((-24.9, 128.0), "AU"), ((72.0, -40.0), "GL"), ((-80.0, 0.0), "AQ")],
)
def test_of_a_desert_only_the_country_is_known(point: tuple[float, float], code: str) -> None:
    place = atlas().place(*point)
    assert (place.code, place.state, place.town) == (code, "", "")


@pytest.mark.parametrize(
    "point", [(90.0, 0.0), (-90.0, 180.0), (0.0, 180.0), (0.0, -180.0), (89.99, 179.999)]
)
def test_the_edges_of_the_map_are_points_as_well(point: tuple[float, float]) -> None:
    assert atlas().place(*point).code in ("", "AQ")


def test_no_town_is_so_near_the_date_line_that_one_had_to_look_across() -> None:
    table = atlas()
    for latitude, longitude, radius in zip(table.latitudes, table.longitudes, table.radius, strict=True):
        east = (180 - abs(longitude) / UNIT) * 111 * math.cos(math.radians(latitude / UNIT))
        assert east > NEAR + radius / 10


def test_the_country_of_995_of_1000_airports_is_right() -> None:
    lines = AIRPORTS.read_text(encoding="utf-8").splitlines()[1:]
    known = [(code, atlas().place(float(lat), float(lon)).code) for _, code, lat, lon in csv.reader(lines)]
    told = [pair for pair in known if pair[1]]
    assert len(told) >= 980  # some lie on rocks that no map of this scale has
    assert sum(code == said for code, said in told) >= 0.995 * len(told)


@pytest.mark.slow
def test_the_town_of_950_of_1000_points_where_people_live_is_within_10_km() -> None:
    """Around towns drawn at random, as far as people go on foot."""
    all_towns, draw = atlas(), random.Random(3)  # noqa: S311
    near = 0
    for number in draw.sample(range(len(all_towns.towns)), 1000):
        latitude, longitude = all_towns.latitudes[number] / UNIT, all_towns.longitudes[number] / UNIT
        point = (
            latitude + draw.gauss(0, 3) / 111,
            longitude + draw.gauss(0, 3) / 111 / math.cos(math.radians(latitude)),
        )
        place = all_towns.place(*point)
        near += distance(place.town.casefold(), *point) <= 10
        assert place.away <= NEAR
    assert near >= 950
