"""The tags of a library, with all that is known of any two of them: what decisions, rules and an embedder say."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from tagroll.tags.cluster import Edge
from tagroll.tags.decisions import Decisions
from tagroll.tags.identity import LEVEL, identity
from tagroll.tags.languages import Languages, languages_of
from tagroll.tags.lexical_key import without_accents
from tagroll.tags.similarity_baseline import Background, measure
from tagroll.tags.synonyms import buckets
from tagroll.tags.term import Term, term
from tagroll.tags.translations import Meaning, meanings, most_used
from tagroll.tags.verdict import Evidence, Verdict, exchanges, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

_ROUNDING = 1e-5
"""What two ways to sum up a cosine in float32 may differ by."""
_SAMPLE, _SEED = 300, 20
"""Tags that tell how similar random tags of a library are, and what they are drawn with."""
_NO_BAR = ("", "accents")
"""What a rule may have against two tags that the table of translations knows as one: no cosine can tell accents, it can."""
_CROWD = 60
"""Most tags that may share one bucket; a larger one (a single letter for all of Chinese) says nothing."""


@dataclass(frozen=True, slots=True)
class TagVectors:
    """What an embedder says of tags: at least of those of `to_embed`.

    Attributes:
        tags: Each once.
        vectors: Their rows of length 1, float32, shape (n, d).
    """

    tags: "Sequence[str]" = field(repr=False)
    vectors: "Vectors" = field(repr=False)


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """How to merge.

    Attributes:
        threshold: Cosine from which on meaning alone may merge, 0 to 1.
        min_cluster_size: Tags that make a cluster, at least 2.
        evidence: What may merge.
        plain: Whether the cosine alone decides, without rules, as DBSCAN does.
        asks: Whether a model is to be asked about what the rules leave open, so that all tags need a vector.
        translate: The language, by its English name, whose word takes the place of its translations; "": the library's
            most used one; None: words of different languages stay apart.
    """

    threshold: float = 0.85
    min_cluster_size: int = 2
    evidence: frozenset[Evidence] = frozenset(Evidence)
    plain: bool = False
    asks: bool = False
    translate: str | None = None


class TagLibrary:
    """The tags in a fixed order, with all that is known of their pairs.

    Args:
        tags: Tag -> how many photos carry it.
        embedded: What an embedder says of them, or None.
        options: How to merge.
        decisions: What was decided before.
        languages: Those of the library where these tags are only some of its own; None: those of these tags.

    Attributes:
        names: The tags.
        counts: How many photos carry each.
        terms: Each, taken apart.
        background: How similar random pairs are, or None without an embedder.
        meanings: What each says in whatever language, where translations become one.
    """

    def __init__(
        self,
        tags: "Mapping[str, int]",
        embedded: TagVectors | None = None,
        options: MergeOptions = MergeOptions(),
        decisions: Decisions = Decisions(),  # noqa: B008 - frozen
        languages: Languages | None = None,
    ) -> None:
        self.names = sorted(tags)
        self.counts = [tags[name] for name in self.names]
        self.terms = [term(name) for name in self.names]
        self.options, self.decisions = options, decisions
        if options.plain:
            languages = Languages()  # no rule is asked
        self.languages = languages or languages_of(name for name in self.names if LEVEL not in name)
        self.foreign = [self.languages.key(name) for name in self.names]
        self.meanings: list[Meaning | None] = [None] * len(self.names)
        self._target = ""
        if options.translate is not None and Evidence.TRANSLATION in options.evidence:
            self.meanings = meanings(self.names, self.foreign, self.languages)
            self._target = options.translate or most_used(zip(self.meanings, self.counts, strict=True))
        self.vectors = None if embedded is None else embedded.vectors
        self.row = {name: row for row, name in enumerate(() if embedded is None else embedded.tags)}
        self.background = None if embedded is None else self._measure(embedded.vectors)

    def _measure(self, vectors: "Vectors") -> Background:
        sample = self.names if self.options.plain else _sample(self.names)
        known = [name for name in sample if name in self.row]
        return measure(known, vectors[[self.row[name] for name in known]], self.options.threshold)

    def cosine(self, i: int, j: int) -> float | None:
        """The cosine of two tags, where there are vectors of both."""
        a, b = self.names[i], self.names[j]
        if self.vectors is None or a not in self.row or b not in self.row:
            return None
        return float(self.vectors[self.row[a]] @ self.vectors[self.row[b]])

    def verdict(self, i: int, j: int) -> Verdict:
        """What decisions, rules and the embedder say of two tags together; with `plain`, no rules."""
        a, b = self.names[i], self.names[j]
        if self.decisions.keeps_apart(a, b):
            return Verdict(never="decision")
        if (evidence := self.decisions.joins(a, b)) is not None:
            return Verdict(evidence)
        if self.options.plain:
            near = (self.cosine(i, j) or 0.0) >= self.options.threshold - _ROUNDING
            return Verdict(Evidence.SEMANTIC if near else None)
        is_foreign = self.foreign[i] and self.foreign[i] == self.foreign[j]
        one = is_foreign and self.languages.may_be_one(a, b)
        found = Verdict(Evidence.SPELLING) if one else judge(self.terms[i], self.terms[j])
        is_free = found.evidence is None and (found.is_doubtful or found.never in _NO_BAR)
        if is_free and self._translates(i, j):
            found = Verdict(Evidence.TRANSLATION)
        if found.evidence not in (None, *self.options.evidence):
            return Verdict(open=False)
        if found.open and self._close(i, j):
            return Verdict(Evidence.SEMANTIC)
        return found

    def _translates(self, i: int, j: int) -> bool:
        """Whether two tags say one thing in two languages."""
        one, other = self.meanings[i], self.meanings[j]
        return one is not None and other is not None and one.is_translation_of(other)

    def _close(self, i: int, j: int) -> bool:
        if (
            self.background is None
            or not self.background.usable
            or Evidence.SEMANTIC not in self.options.evidence
        ):
            return False
        cosine = self.cosine(i, j) or 0.0
        return cosine >= self.options.threshold and self.background.is_rare(cosine)

    def candidates(self) -> "Iterator[tuple[int, int]]":
        """Pairs worth a verdict, each once, the smaller number first."""
        pairs: set[tuple[int, int]] = set()
        for crowd in self._met():
            pairs.update(combinations(crowd, 2))
        yield from sorted(pairs.union(self._near()))

    def _met(self) -> "Iterator[list[int]]":
        """Tags that meet in one bucket. Most buckets have one tag: of these nothing but a number is kept."""
        decided: dict[str, list[int]] = defaultdict(list)
        alone: dict[int, int] = {}
        crowds: dict[int, list[int]] = {}
        for i, (name, parts) in enumerate(zip(self.names, self.terms, strict=True)):
            for bucket in self.decisions.buckets(name):
                decided[bucket].append(i)
            rules = () if self.options.plain else (*buckets(parts), f"foreign {self.foreign[i] or name}")
            if meaning := self.meanings[i]:
                rules = *rules, f"meaning {meaning.word}"
            for number in set(
                map(hash, rules)
            ):  # should two names share one, their tags meet: a verdict comes later
                if (first := alone.setdefault(number, i)) != i:
                    crowds.setdefault(number, [first]).append(i)
        yield from decided.values()
        yield from (crowd for crowd in crowds.values() if len(crowd) <= _CROWD)

    def _near(self) -> "Iterator[tuple[int, int]]":
        """Pairs that may merge by meaning, the smaller number first."""
        if self.vectors is None:
            return
        groups = [range(len(self.names))] if self.options.plain else exchanged(self.terms).values()
        for group in groups:
            for i, j, _ in self.close_pairs(group, self.options.threshold):
                yield i, j

    def close_pairs(self, group: "Iterable[int]", threshold: float) -> "Iterator[tuple[int, int, float]]":
        """Pairs of some tags, the smaller number first, with a cosine of at least the threshold, and that."""
        from tagroll.tags.neighbours import neighbours

        members = [i for i in group if self.names[i] in self.row]
        if self.vectors is None or not members:
            return
        found = neighbours(self.vectors[[self.row[self.names[i]] for i in members]], threshold)
        for a, b, cosine in zip(
            found.first.tolist(), found.second.tolist(), found.cosines.tolist(), strict=True
        ):
            yield members[a], members[b], cosine

    def not_apart(self, i: int, j: int) -> Verdict:
        """Yes to everything that a person does not keep apart."""
        found = self.verdict(i, j)
        return found if found.never else Verdict(Evidence.SEMANTIC)

    def edges(self) -> "Iterator[Edge]":
        """The pairs that merge."""
        for i, j in self.candidates():
            if (evidence := self.verdict(i, j).evidence) is not None:
                yield Edge(i, j, evidence.rank, self.cosine(i, j) or 0.0)

    def representative(self, members: "Iterable[int]") -> int:
        """A preferred word, else one of the language to translate into, on most photos, the shortest, the first by alphabet.

        Where it is written with accents as well, that spelling takes its place, unless it is of another language.
        """

        def is_foreign(i: int) -> bool:
            meaning = self.meanings[i]
            return meaning is None or self._target not in meaning.languages

        def rank(i: int) -> tuple[bool, bool, int, int, str]:
            name = self.names[i]
            return not self.decisions.prefers(name), is_foreign(i), -self.counts[i], len(name), name

        first, *others = sorted(members, key=rank)
        word = identity(self.names[first])
        if self.options.plain or self.decisions.prefers(self.names[first]):
            return first
        same = (i for i in others if is_foreign(i) == is_foreign(first))
        return next(
            (i for i in same if word == without_accents(name := identity(self.names[i])) != name), first
        )


def _sample(names: "Sequence[str]") -> list[str]:
    """Some of the tags by chance, the same ones every time, in order."""
    drawn = random.Random(_SEED).sample(range(len(names)), min(_SAMPLE, len(names)))  # noqa: S311 - no secret
    return [names[i] for i in sorted(drawn)]


def exchanged(terms: "Sequence[Term]") -> "dict[tuple[str, ...], list[int]]":
    """Tags, by number, that are one phrase with a word exchanged, where no dictionary knows one of these words."""
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    unknown = set()
    for i, parts in enumerate(terms):
        for rest, is_unknown in exchanges(parts):
            found[rest].append(i)
            if is_unknown:
                unknown.add(rest)
    return {rest: members for rest, members in found.items() if rest in unknown and len(set(members)) > 1}


def to_embed(tags: "Iterable[str]", options: MergeOptions) -> list[str]:
    """The tags whose vectors a plan needs: those that meaning may merge, and some to compare with; with `plain` or `asks` all."""
    names = sorted(tags)
    if options.plain or options.asks:
        return names
    groups = exchanged([term(name) for name in names]).values()
    open_ones = {names[i] for group in groups for i in group}
    return sorted(open_ones.union(_sample(names))) if open_ones else []
