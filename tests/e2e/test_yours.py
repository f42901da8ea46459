"""Whose tag is whose, over a library of thousands of tags: the goal is 99.9 % without the catalog (docs/quality.md)."""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.library import OpenLibrary, library, other_program
from support.photos import FILES
from tagroll.runs.action import edited
from tagroll.runs.rewrite import kept, mapped
from tagroll.tags.identity import without

SAMPLES = {
    "baseline.jpg": 60, "rgb.png": 30, "lossy.webp": 30, "single.tif": 20, "plain.heic": 20, "rgb.avif": 10,
    "plain.jxl": 10, "animated.gif": 10, "palette.bmp": 20, "raw.dng": 10, "rgb.psd": 10,
}  # fmt: skip
BESIDE = (".bmp", ".dng", ".psd")
WORDS = [f"Word {number}" for number in range(600)]
A_MODEL_SAYS, A_PERSON_SAYS = WORDS[:400], WORDS[300:]
"""They have a hundred words in common."""
DC, TREE, IPTC = "XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "IPTC:Keywords"


@dataclass
class Life:
    """A photo, the tags it has, and who gave it each word that it ever had."""

    path: Path
    tags: tuple[str, ...] = ()
    author: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """Where a person's program writes."""
        return self.path.with_name(self.path.name + ".xmp") if self.path.suffix in BESIDE else self.path

    def gets(self, tags: tuple[str, ...], author: str) -> None:
        """Note what it has now; what is new came from somebody."""
        self.author |= dict.fromkeys(without(tags, self.tags), author)
        self.tags = tags


def lives(folder: Path) -> list[Life]:
    folder.mkdir()
    found = []
    for sample, count in SAMPLES.items():
        for number in range(count):
            path = Path(shutil.copy(FILES / sample, folder / f"{number}-{sample}"))
            path.chmod(0o644)
            found.append(Life(path))
    return found


def tag(home: OpenLibrary, one: Life, chance: random.Random) -> None:
    mode = chance.choice(("yours", "yours", "append"))
    outcome = home.tag(one.path, *chance.sample(A_MODEL_SAYS, 8), mode=mode)
    lost = [word for word in without(one.tags, outcome.tags) if one.author[word] == "person"]
    assert not lost, (one, outcome)
    one.gets(outcome.tags, "tagroll")


def in_another_program(one: Life, chance: random.Random) -> list[str]:
    """Options of exiftool that add and take away tags, in the lists that some program knows."""
    known = [DC, *chance.sample([TREE, *([IPTC] if one.path.suffix in (".jpg", ".tif") else [])], 1)]
    new = without(chance.sample(A_PERSON_SAYS, 4), one.tags)
    gone = chance.sample(one.tags, min(2, len(one.tags)))
    one.gets((*without(one.tags, gone), *new), "person")
    everywhere = (DC, TREE, IPTC) if one.path.suffix in (".jpg", ".tif") else (DC, TREE)
    return [
        *(f"-{name}-={word}" for word in gone for name in everywhere),
        *(f"-{name}+={word}" for word in new for name in known),
    ]


def in_tagroll(home: OpenLibrary, one: Life, chance: random.Random) -> None:
    """A person's edit in the page, a rename, or a tag that is kept."""
    ours = [word for word in one.tags if one.author[word] == "tagroll"]
    way = chance.choice(("edit", "rename", "keep"))
    if way == "edit":
        new = chance.choice(A_PERSON_SAYS)
        home.write(one.path, edited((new,), (), {}), "serve", by_person=True)
        one.gets((*without(one.tags, [new]), new), "person")
        one.author[new] = "person"
    elif way == "rename":
        old, new = chance.choice(one.tags), f"Renamed {chance.random()}"
        home.write(one.path, mapped({old: new}))
        one.gets(tuple(new if word == old else word for word in one.tags), one.author[old])
    elif ours:
        word = chance.choice(ours)
        home.write(one.path, kept(word), "tags keep")
        one.author[word] = "person"


def told_apart(home: OpenLibrary, photos: list[Life]) -> Iterator[tuple[str, bool]]:
    """Each tag that tagroll sees: its author, and whether it knows that."""
    for one in photos:
        said = home.read(one.path)
        assert set(one.tags) <= set(said.tags), one
        for word in said.tags:
            author = one.author[word]
            yield author, (word in said.ours) is (author == "tagroll")


@pytest.mark.timeout(1800)
def test_whose_tags_are_whose_is_known_without_the_catalog(tmp_path, capsys):
    chance = random.Random(1)  # noqa: S311 - the same library every time
    photos = lives(tmp_path / "photos")
    inside = [one for one in photos if one.path.suffix not in BESIDE]
    other_program({one.file: in_another_program(one, chance) for one in inside}, tmp_path / "commands")
    for computer in ("first", "second"):  # the second one has the photos alone
        with library(tmp_path / f"{computer}.sqlite") as home:
            for one in photos:
                tag(home, one, chance)
            edits = {one.file: in_another_program(one, chance) for one in chance.sample(photos, 150)}
            other_program(edits, tmp_path / "commands")
            for one in chance.sample(photos, 150):
                in_tagroll(home, one, chance)
            for one in chance.sample(photos, 60):
                tag(home, one, chance)
    moved = tmp_path / "moved"
    (tmp_path / "photos").rename(moved)
    for one in photos:
        one.path = moved / one.path.name
    with library(tmp_path / "third.sqlite") as home:
        found = Counter(told_apart(home, photos))
    right, total = sum(found[author, True] for author in ("tagroll", "person")), found.total()
    each = {author: found[author, True] + found[author, False] for author in ("person", "tagroll")}
    with capsys.disabled():
        print(  # noqa: T201 - the figure of docs/quality.md
            f"\n{right:,} of {total:,} tags told apart rightly ({right / total:.3%}):"
            f" {each['person']:,} of the person, {each['tagroll']:,} of tagroll"
        )
    assert total > 4000
    assert min(found["tagroll", True], found["person", True]) > 1000
    assert right / total >= 0.999
