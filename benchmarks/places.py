"""How right and how fast the lookup of places is.

    python benchmarks/places.py [airports.csv]

Without a file: the 1,000 airports of the tests. With the airports.csv of the package airportsdata: all of them (28,000).
"""

import csv
import sys
import time
from pathlib import Path

from tagroll.places.towns import atlas

SAMPLE = Path(__file__).parents[1] / "tests" / "unit" / "airports.csv"


def points(path: Path | None) -> list[tuple[str, float, float]]:
    """Country, latitude and longitude."""
    if path is None:
        lines = SAMPLE.read_text(encoding="utf-8").splitlines()[1:]
        return [(code, float(lat), float(lon)) for _, code, lat, lon in csv.reader(lines)]
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["country"], float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file)]


def main() -> None:
    """Measure and print."""
    started = time.process_time()
    table = atlas()
    print(f"unpacked in {time.process_time() - started:.3f} s")
    there = points(Path(sys.argv[1]) if sys.argv[1:] else None)
    slowest, started = 0.0, time.process_time()
    found = []
    for code, latitude, longitude in there:
        begun = time.process_time()
        found.append((code, table.place(latitude, longitude)))
        slowest = max(slowest, time.process_time() - begun)
    spent = time.process_time() - started
    known = [(code, place) for code, place in found if place]
    right = sum(code == place.code for code, place in known)
    towns = sum(bool(place.town) for _, place in known)
    print(
        f"{len(there):,} points, {1e6 * spent / len(there):.0f} us each, the slowest {1e3 * slowest:.2f} ms"
    )
    print(
        f"known: {len(known):,}; country right: {right:,} ({right / len(known):.2%}); with a town: {towns:,}"
    )


if __name__ == "__main__":
    main()
