"""What a judge is asked about the tags of a library: pairs that the rules leave open, and what becomes of the answers.

A judge is a model or a person. It says how two tags belong together; those that are the same become one, never of
themselves, but through a plan, a question or the page.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from tagroll.tags.cluster import Edge, cohesive
from tagroll.tags.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from tagroll.tags.library import TagLibrary

CLOSE, CLOSE_OF_FEW, FEW = 0.80, 0.75, 2000
"""Cosine from which on a judge is asked, and where there are fewer than so many tags. Of the pairs that the rules miss
and a perfect judge would find, two in three reach the first, four in five the second (docs/quality.md)."""
_SURE = frozenset(
    {"color", "month", "weekday", "season", "direction", "gender", "time of day", "antonym", "unit"}
)
"""Reasons to keep two tags apart about which a judge that knows the language cannot be of another mind."""

Pair = tuple[str, str]
"""Two tags in order of the alphabet."""


class Relation(StrEnum):
    """How the first of two tags belongs to the second."""

    SAME = "same"
    NARROWER = "narrower"
    BROADER = "broader"
    RELATED = "related"
    OPPOSITE = "opposite"
    UNSURE = "unsure"

    @property
    def turned(self) -> "Relation":
        """How the second belongs to the first."""
        other = {Relation.NARROWER: Relation.BROADER, Relation.BROADER: Relation.NARROWER}
        return other.get(self, self)


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask a judge.

    Attributes:
        pairs: What the rules leave open, the pair first whose answer is likely to gain most.
        known: Pairs of the same library that the rules are sure of -> whether the two are the same: they show whether
            the judge knows what it says.
    """

    pairs: tuple[Pair, ...] = ()
    known: Mapping[Pair, bool] = field(default_factory=dict)


def pair_of(a: str, b: str) -> Pair:
    """Two tags as a pair."""
    return (a, b) if a < b else (b, a)


class Groups:
    """The groups that rules have made of the tags of a library; a tag in none is one alone.

    Args:
        library: The tags.
        groups: Their numbers.
    """

    def __init__(self, library: "TagLibrary", groups: Iterable[Sequence[int]]) -> None:
        self._library = library
        found = [list(group) for group in groups]
        inside = {i for group in found for i in group}
        self.members = found + [[i] for i in range(len(library.names)) if i not in inside]
        self.of = {i: number for number, group in enumerate(self.members) for i in group}

    def photos(self, number: int) -> int:
        """How many photos carry a tag of a group; one with two of them counts twice."""
        return sum(self._library.counts[i] for i in self.members[number])

    def may_ask(self, a: int, b: int) -> bool:
        """Whether nothing that is certain keeps two groups apart."""
        verdict = self._library.verdict
        across = (verdict(min(i, j), max(i, j)) for i in self.members[a] for j in self.members[b])
        return all(found.is_doubtful or not found.never for found in across)

    def said(self, judged: Mapping[Pair, Relation]) -> dict[tuple[int, int], Relation]:
        """What a judge said of groups, the one with the smaller number first; UNSURE where it said two things."""
        number = {name: self.of[i] for i, name in enumerate(self._library.names)}
        found: dict[tuple[int, int], Relation] = {}
        for (one, other), relation in judged.items():
            if one not in number or other not in number or number[one] == number[other]:
                continue
            a, b = number[one], number[other]
            said = relation if a < b else relation.turned
            pair = min(a, b), max(a, b)
            found[pair] = said if found.get(pair, said) == said else Relation.UNSURE
        return found


def questions(library: "TagLibrary", groups: Groups) -> Questions:
    """The pairs of words that a judge could say more of than the rules, and some that these are sure of."""
    representative = [library.names[library.representative(group)] for group in groups.members]
    closest: dict[tuple[int, int], float] = {}
    known: dict[Pair, bool] = {}
    least = CLOSE if len(library.names) >= FEW else CLOSE_OF_FEW
    if library.background is not None:  # to other embedders than the built-in one all tags may be so close
        least = max(least, library.background.least)
    for i, j, cosine in library.close_pairs(range(len(library.names)), least):
        a, b, verdict = groups.of[i], groups.of[j], library.verdict(i, j)
        if verdict.evidence is Evidence.SPELLING or verdict.never in _SURE:
            known[library.names[i], library.names[j]] = verdict.evidence is not None
        if a != b:
            pair = min(a, b), max(a, b)
            closest[pair] = max(cosine, closest.get(pair, 0.0))

    def gain(pair: tuple[int, int]) -> tuple[float, Pair]:
        fewer = min(map(groups.photos, pair))
        return -closest[pair] * math.log1p(fewer), pair_of(*(representative[number] for number in pair))

    asked = [pair for pair in closest if all(map(groups.photos, pair)) and groups.may_ask(*pair)]
    return Questions(tuple(named for _, named in sorted(map(gain, asked))), known)


def joined(groups: Groups, judged: Mapping[Pair, Relation]) -> list[list[int]]:
    """Groups, by number, that a judge makes one: only where it called every two of them the same."""
    said = groups.said(judged).items()
    same = {pair for pair, relation in said if relation is Relation.SAME and groups.may_ask(*pair)}
    numbers = sorted({number for pair in same for number in pair})
    place = {number: at for at, number in enumerate(numbers)}

    def verdict(a: int, b: int) -> Verdict:
        is_same = (numbers[a], numbers[b]) in same
        return Verdict(Evidence.MODEL) if is_same else Verdict(never="not called the same")

    edges = [Edge(place[a], place[b], Evidence.MODEL.rank, 0.0) for a, b in same]
    return [[numbers[at] for at in group] for group in cohesive(numbers, edges, verdict)]


def narrower(groups: Groups, judged: Mapping[Pair, Relation]) -> list[tuple[int, int]]:
    """Groups, by number, of which a judge said that the second lies under the first."""
    said = groups.said(judged).items()
    up = [pair for pair, relation in said if relation is Relation.BROADER]
    return sorted(up + [(b, a) for (a, b), relation in said if relation is Relation.NARROWER])
