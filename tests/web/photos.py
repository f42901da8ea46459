"""Made-up photos for the made-up server: days with few and with many of them, tags as unequal as people's are."""

# ruff: noqa: S311  (chance is all that is wanted of these numbers)
import json
import random
import re
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from PIL import Image

WORDS = (  # noqa: SIM905 - a list of fifty would be fifty lines
    "Beach Person Dog Cat Bird Car Bicycle Boat Train Airplane Sunset Mountain Lake Forest Flower Food Cake Book Chair "
    "Table Bed Kitchen Street Building Church Bridge Snow Ski Surfboard Kite Horse Sheep Cow Elephant Bear Zebra "
    "Umbrella Handbag Tie Bottle Cup Bowl Banana Apple Pizza Clock Vase Window Garden Child"
).split()
CAMERAS = ["FUJIFILM X-T3", "Canon EOS 6D", "Pixel 7", "NIKON D90", "iPhone 12"]
TOWNS = ["Oslo", "Malcesine", "Lisbon", "At home", "Garden", "Wedding", "Riga", "Alps", "Zürich"]


@dataclass
class Row:
    """One photo; `dated`: no camera told when it was taken."""

    id: int
    name: str
    folder: str
    aspect: int
    minute: int
    camera: str = ""
    rating: int | None = None
    place: tuple[float, float] | None = None
    tags: list[str] = field(default_factory=list)
    title: str = ""
    description: str = ""
    proposals: list[tuple[str, float | None]] = field(default_factory=list)
    error: str = ""
    dated: bool = False
    path: Path | None = None


def make(count: int, seed: int = 1, distinct: int | None = None) -> list[Row]:
    """A made-up library, newest first: days with few and with many photos, tags as unequal as people's are."""
    chance = random.Random(seed)
    names = WORDS if distinct is None else [*WORDS, *(f"Word {n}" for n in range(distinct - len(WORDS)))]
    weights = list(accumulate(1 / (n + 1) for n in range(len(names))))
    minute, rows, folder = 28_400_000, [], "Pictures/2023/Oslo"
    for number in range(count):
        if number == 0 or chance.random() < 0.12:
            minute -= (
                chance.choice((600, 1500, 3000, 20_000))
                if count < 20_000
                else chance.choice((300, 900, 1500))
            )
            folder = f"Pictures/{1970 + minute // 525_960}/{chance.choice(TOWNS)}"
        minute -= chance.randrange(1, 9)
        tags = list(
            dict.fromkeys(
                chance.choices(names, cum_weights=weights, k=chance.randrange(0, 21 if distinct else 9))
            )
        )
        if chance.random() < 0.1:
            tags.append("Places|Italy|Malcesine")
        rest = [word for word in WORDS if word not in tags]
        rows.append(
            Row(
                id=count - number,
                name=f"IMG_{count - number:05d}.jpg",
                folder=folder,
                aspect=chance.choice((1500, 1500, 1333, 667, 750, 1000, 1778)),
                minute=minute,
                camera=chance.choice(CAMERAS),
                rating=chance.choice((None, None, None, 3, 4, 5)),
                place=(59.9, 10.7) if chance.random() < 0.3 else None,
                tags=tags,
                title="A title" if chance.random() < 0.05 else "",
                proposals=[(chance.choice(rest), round(chance.uniform(0.3, 0.99), 2))]
                if chance.random() < 0.2
                else [],
            )
        )
    return rows


def of_folder(folder: Path, labels: Path | None) -> list[Row]:
    """Real photos under made-up dates, with their labels as tags and now and then one as a proposal."""
    known = json.loads(labels.read_text())["files"] if labels else {}
    chance = random.Random(3)
    paths = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in {".jpg", ".png"}]
    rows = make(len(paths), seed=5)
    for row in rows:
        row.minute = 28_400_000 - (28_400_000 - row.minute) * 60  # over some years
        row.folder = re.sub(r"\d{4}", str(1970 + row.minute // 525_960), row.folder)
    for row, path in zip(rows, paths, strict=True):
        with Image.open(path) as image:
            row.aspect = round(1000 * image.width / image.height)
        about = known.get(path.name, {})
        tags = [t.capitalize() for t in [*about.get("labels", []), *about.get("minor", [])]]
        row.proposals = []
        if len(tags) > 1 and chance.random() < 0.5:
            row.proposals = [(tags.pop(), round(chance.uniform(0.35, 0.99), 2))]
        row.name, row.path, row.tags, row.title = path.name, path, tags, about.get("caption", "")
    return rows
