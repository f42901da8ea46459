"""What tagroll knows about English words: unpacked once, when it is first asked for, and read line by line when needed.

The data stands beside this module, made by tools/make_lexicon.py from WordNet 3.0 and SCOWL
(data/LICENSE-lexicon.txt), and everyday.txt, written by hand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from tagroll.parallel import once

CONCRETE = frozenset({5, 6, 8, 13, 17, 19, 20})
"""WordNet's files of things one can point at: animal, artifact, body, food, object, phenomenon, plant (lexnames(5WN))."""
MAIN_SHARE = 20
"""Percent of a word's uses from which on one of its senses counts when two tags are told apart."""
_LEVELS = 4
"""How many steps up WordNet's tree still say something to a person (dog, domestic animal, animal)."""


_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Synset:
    """One meaning, as WordNet draws it.

    Attributes:
        kind: Number of WordNet's lexicographer file (lexnames(5WN)).
        up: The meanings directly above it (hypernyms).
        instance_of: The classes it is an instance of; not empty for a place, a person, a river.
        parts: Its parts, members and substances.
    """

    kind: int
    up: tuple[int, ...]
    instance_of: tuple[int, ...]
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and meanings.

    Attributes:
        synsets: Every meaning of a noun.
        words: The words of each, small letters, spaces.
        meanings: Words (small letters, spaces) -> meaning -> percent of the word's uses.
        antonyms: Pairs of opposites.
        adjectives: Words that are adjectives, also (low key).
        mainly_adjectives: Those of them that are mostly used as one.
        plurals: Irregular plural -> singular.
        british: British spelling -> American spelling.
        known: Every word of the dictionaries, small letters.
        common: Those in everyday use.
        names: Those known only as names of people and places.
    """

    synsets: Sequence[Synset] = field(repr=False)
    words: Sequence[tuple[str, ...]] = field(repr=False)
    meanings: Mapping[str, Mapping[int, int]] = field(repr=False)
    antonyms: frozenset[tuple[str, str]] = field(repr=False)
    adjectives: frozenset[str] = field(repr=False)
    mainly_adjectives: frozenset[str] = field(repr=False)
    plurals: Mapping[str, str] = field(repr=False)
    british: Mapping[str, str] = field(repr=False)
    known: frozenset[str] = field(repr=False)
    common: frozenset[str] = field(repr=False)
    names: frozenset[str] = field(repr=False)

    def main_meanings(self, word: str, share: int = MAIN_SHARE) -> frozenset[int]:
        """The meanings that make up at least `share` percent of a word's uses."""
        known = self.meanings.get(word)
        return frozenset(s for s, percent in known.items() if percent >= share) if known else _NONE

    def above(self, meaning: int, levels: int = _LEVELS) -> frozenset[int]:
        """The meanings up to so many steps above one."""
        found: set[int] = set()
        level = {meaning}
        for _ in range(levels):
            level = {up for s in level for up in self.synsets[s].up} - found
            found |= level
        return frozenset(found)

    def is_name(self, word: str) -> bool:
        """Whether a word or phrase names one person, place or thing rather than a kind."""
        main = self.main_meanings(word)
        return word in self.names or (bool(main) and all(self.synsets[s].instance_of for s in main))


def _sections(text: str) -> dict[str, list[str]]:
    """The lines of each [section]; blank lines and comments left out."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            lines = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


def _synset(line: str) -> Synset:
    kind, up, instance_of, parts, _ = line.split("\t")
    return Synset(int(kind), _numbers(up), _numbers(instance_of), _numbers(parts))


def _members(line: str) -> tuple[str, ...]:
    return tuple(line.rpartition("\t")[2].split(";"))


def _shares(line: str) -> Mapping[int, int]:
    return {int(meaning): int(percent) for meaning, _, percent in (p.partition("=") for p in line.split())}


class _Rows(Sequence[Any]):
    """Lines that are read when they are asked for: a library needs few of the 80,000."""

    def __init__(self, lines: Sequence[str], read: Callable[[str], Any]) -> None:
        self._lines, self._read = lines, cache(read)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, number: Any) -> Any:
        return self._read(self._lines[number])


class _Meanings(Mapping[str, Mapping[int, int]]):
    """The same for words."""

    def __init__(self, nouns: Sequence[str], lines: Sequence[str]) -> None:
        self._line = dict(zip(nouns, lines, strict=True))
        self._read = cache(_shares)

    def __contains__(self, word: object) -> bool:
        return word in self._line

    def get(self, word: str, default: Any = None) -> Any:
        """As of any mapping; that of `Mapping` raises and catches an error for every word that is not there."""
        line = self._line.get(word)
        return default if line is None else self._read(line)

    def __getitem__(self, word: str) -> Mapping[int, int]:
        return self._read(self._line[word])

    def __iter__(self) -> Iterator[str]:
        return iter(self._line)

    def __len__(self) -> int:
        return len(self._line)


def _pairs(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        left, _, right = line.partition("\t")
        yield left, right


def _read(text: str) -> Lexicon:
    found = {}
    for section in text.split("\n["):
        name, _, body = section.partition("]\n")
        found[name.removeprefix("[")] = body.rstrip("\n").split("\n")
    antonyms = set(_pairs(found["antonyms"]))
    common, names = frozenset(found["common"]), frozenset(found["names"])
    return Lexicon(
        synsets=_Rows(found["synsets"], _synset),
        words=_Rows(found["synsets"], _members),
        meanings=_Meanings(found["nouns"], found["meanings"]),
        antonyms=frozenset(antonyms | {(b, a) for a, b in antonyms}),
        adjectives=frozenset(found["adjectives"]),
        mainly_adjectives=frozenset(found["mainly"]),
        plurals=dict(_pairs(found["plurals"])),
        british=dict(_pairs(found["british"])),
        known=common.union(names, found["rare"]),
        common=common,
        names=names,
    )


@once
def lexicon() -> Lexicon:
    """The lexicon, about 60 MB once it is unpacked."""
    from tagroll.zstd import decompress

    packed = files("tagroll.tags").joinpath("data/lexicon.txt.zst").read_bytes()
    return _read(decompress(packed).decode())


@once
def no_typos() -> frozenset[str]:
    """Words of other languages that come close to an English one (tools/make_languages.py)."""
    from tagroll.zstd import decompress

    packed = files("tagroll.tags").joinpath("data/no_typos.txt.zst").read_bytes()
    return frozenset(decompress(packed).decode().split())


@once
def everyday() -> Mapping[str, list[str]]:
    """The sections of everyday.txt, as lines."""
    return _sections(files("tagroll.tags").joinpath("data/everyday.txt").read_text("utf-8"))
