"""Which photos are examples of a tag, and of its absence: what a person said counts, what tagroll wrote does not."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tagroll.domain import Outcome
from tagroll.runs.agree import shoots
from tagroll.tags.identity import LEVEL, identity, without, word_of

_FEW_OTHERS: Final = 100
"""With fewer photos of a person's tags that lack one, photos without any of theirs count as lacking it, too."""


@dataclass(slots=True)
class Said:
    """What a person says of one picture, in all its files.

    Attributes:
        yes: Words (see `word_of`) of the tags that they gave it.
        no: Words that they took away or rejected.
        unknown: Words of tags that tagroll gave it: nobody has said anything.
    """

    yes: set[str] = field(default_factory=set)
    no: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Examples:
    """What a person says of the pictures of a library.

    Attributes:
        said: Picture -> what they say of it.
        shoots: Picture -> the number of its shoot.
        spellings: Word -> how often each way to write it was met, and at which places of a tree.
    """

    said: dict[str, Said] = field(default_factory=lambda: defaultdict(Said))
    shoots: dict[str, int] = field(default_factory=dict)
    spellings: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, picture: str, read: Outcome, shoot: int, rejected: Collection[str]) -> None:
        """Take up a photo.

        Args:
            picture: The hash of its picture.
            read: Its tags, which of them tagroll wrote, and which a person took away.
            shoot: The number of its shoot; copies of a picture are of the first one's.
            rejected: Words that a person rejected for the picture.
        """
        said = self.said[picture]
        self.shoots.setdefault(picture, shoot)
        theirs = without(read.tags, read.ours)
        for tag in theirs:
            self.spellings[word_of(tag)][tag] += 1
        said.yes |= set(map(word_of, theirs))
        said.unknown |= set(map(word_of, read.ours))
        said.no |= {*map(word_of, read.away), *rejected}

    def words(self, fewest: int) -> list[str]:
        """The words with so many examples, but for those that stand at several places of a tree: which would be meant?"""
        counts = Counter(word for said in self.said.values() for word in said.yes)
        return sorted(word for word, count in counts.items() if count >= fewest and self._is_one(word))

    def tag(self, word: str) -> str:
        """A word as most photos have it, without the levels above it."""
        spelling: Counter[str] = Counter()
        for tag, count in self.spellings[word].items():
            spelling[tag.rpartition(LEVEL)[2]] += count
        return max(sorted(spelling), key=spelling.__getitem__)

    def sides(self, word: str, pictures: Mapping[str, int]) -> tuple[list[int], list[int]]:
        """Places of the pictures that have a word, and of those that have it not, among pictures with a place."""
        yes, no, background = list[int](), list[int](), list[int]()
        for picture, place in pictures.items():
            said = self.said[picture]
            if word in said.yes:
                yes.append(place)
            elif word in said.no or (said.yes and word not in said.unknown):
                no.append(place)
            elif word not in said.unknown:
                background.append(place)
        return yes, no if len(no) >= _FEW_OTHERS else no + background

    def _is_one(self, word: str) -> bool:
        return len({identity(tag) for tag in self.spellings[word] if LEVEL in tag}) <= 1


def shoot_numbers(folders: Iterable[Sequence[tuple[int, Path, tuple[str, ...]]]]) -> dict[Path, int]:
    """Photo -> the number of its shoot, of the photos of each folder whose time is known (see `Photos.taken_in`)."""
    numbered = enumerate(shoot for taken in folders for shoot in shoots(taken))
    return {path: number for number, shoot in numbered for path in shoot}
