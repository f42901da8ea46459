"""Which tags of a library become one: candidates, clusters that hold together, and the plan a person reads.

Pure: tags and vectors in, a plan out. The same input in another order gives the same plan.
"""

import random
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from tagroll.tags.cluster import Edge, cohesive, dbscan
from tagroll.tags.decisions import Decisions
from tagroll.tags.hierarchy import Child, propose
from tagroll.tags.identity import LEVEL, identity
from tagroll.tags.languages import Languages, is_english, languages_of
from tagroll.tags.lexical_key import squash, without_accents
from tagroll.tags.phrasing import phrasing
from tagroll.tags.similarity_baseline import Background, measure
from tagroll.tags.synonyms import buckets
from tagroll.tags.term import Term, term
from tagroll.tags.verdict import Evidence, Verdict, exchanges, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

_ROUNDING = 1e-5
"""What two ways to sum up a cosine in float32 may differ by."""
_SAMPLE, _SEED = 300, 20
"""Tags that tell how similar random tags of a library are, and what they are drawn with."""
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
    """

    threshold: float = 0.85
    min_cluster_size: int = 2
    evidence: frozenset[Evidence] = frozenset(Evidence)
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Merge:
    """One tag that becomes another.

    Attributes:
        tag: The tag that goes.
        into: The representative.
        photos: How many photos carry the tag.
        evidence: Why.
        via: The member of the cluster that ties it in, where that is not the representative; else "".
        cosine: Similarity of the two by the embedder, or None without one.
        background_share: Share of random pairs of this vocabulary that are at least as similar, or None.
    """

    tag: str
    into: str
    photos: int
    evidence: Evidence
    via: str = ""
    cosine: float | None = None
    background_share: float | None = None

    @property
    def is_decided(self) -> bool:
        """Whether a person or a vocabulary said so."""
        return self.evidence in (Evidence.DECISION, Evidence.VOCABULARY)

    def row(self) -> dict[str, object]:
        """It as JSON."""
        return {**asdict(self), "evidence": str(self.evidence)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen.

    Attributes:
        clusters: Representative -> all members in order, the representative first.
        merges: Every tag that goes.
        hierarchy: Tags that lie under others, as a proposal.
        background: How similar random pairs are, or None without an embedder.
    """

    clusters: "Mapping[str, tuple[str, ...]]" = field(default_factory=dict)
    merges: tuple[Merge, ...] = ()
    hierarchy: tuple[Child, ...] = ()
    background: Background | None = None

    @property
    def mapping(self) -> dict[str, str]:
        """Tag -> what it becomes, only for those that change."""
        return {merge.tag: merge.into for merge in self.merges}


class _Library:
    """The tags in a fixed order, with all that is known of their pairs."""

    def __init__(
        self,
        tags: "Mapping[str, int]",
        embedded: TagVectors | None,
        options: MergeOptions,
        decisions: Decisions,
        languages: Languages | None,
    ) -> None:
        self.names = sorted(tags)
        self.counts = [tags[name] for name in self.names]
        self.terms = [term(name) for name in self.names]
        self.options, self.decisions = options, decisions
        if options.plain:
            languages = Languages()  # no rule is asked
        languages = languages or languages_of(name for name in self.names if LEVEL not in name)
        self.foreign = [languages.key(name) for name in self.names]
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
        one = is_foreign and not (is_english(a) and is_english(b))
        found = Verdict(Evidence.SPELLING) if one else judge(self.terms[i], self.terms[j])
        if found.evidence not in (None, *self.options.evidence):
            return Verdict(open=False)
        if found.open and self._close(i, j):
            return Verdict(Evidence.SEMANTIC)
        return found

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
        named: dict[str, list[int]] = defaultdict(list)
        for i, (name, parts) in enumerate(zip(self.names, self.terms, strict=True)):
            rules = () if self.options.plain else (*buckets(parts), f"foreign {self.foreign[i] or name}")
            for bucket in {*rules, *self.decisions.buckets(name)}:
                named[bucket].append(i)
        pairs = {
            p
            for b, found in named.items()
            if len(found) <= _CROWD or b[0] == "!"
            for p in combinations(found, 2)
        }
        yield from sorted(pairs.union(self._near()))

    def _near(self) -> "Iterator[tuple[int, int]]":
        """Pairs that may merge by meaning, the smaller number first."""
        if self.vectors is None:
            return
        from tagroll.tags.neighbours import neighbours

        groups = [range(len(self.names))] if self.options.plain else exchanged(self.terms).values()
        for group in groups:
            members = [i for i in group if self.names[i] in self.row]
            rows = [self.row[self.names[i]] for i in members]
            found = neighbours(self.vectors[rows], self.options.threshold)
            for a, b in zip(found.first.tolist(), found.second.tolist(), strict=True):
                yield members[a], members[b]

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
        """A preferred word, else the one on most photos, then the shortest, then the first by alphabet.

        Where it is written with accents as well, that spelling takes its place.
        """

        def rank(i: int) -> tuple[bool, int, int, str]:
            name = self.names[i]
            return not self.decisions.prefers(name), -self.counts[i], len(name), name

        first, *others = sorted(members, key=rank)
        word = identity(self.names[first])
        if self.options.plain or self.decisions.prefers(self.names[first]):
            return first
        return next(
            (i for i in others if word == without_accents(name := identity(self.names[i])) != name), first
        )

    def merge(self, i: int, into: int, members: "Iterable[int]") -> Merge:
        """One line of the plan."""
        cosine, evidence, via = self.cosine(i, into), self.verdict(i, into).evidence, ""
        if evidence is None:
            others = ((self.verdict(i, j).evidence, j) for j in members if j != i)
            ranked = sorted((e.rank, self.names[j], e) for e, j in others if e is not None)
            _, via, evidence = ranked[0] if ranked else (0, "", Evidence.SEMANTIC)
        cosine = None if cosine is None else round(cosine, 4)
        background_share = (
            None if self.background is None or cosine is None else self.background.share(cosine)
        )
        return Merge(self.names[i], self.names[into], self.counts[i], evidence, via, cosine, background_share)


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
    """The tags whose vectors a plan needs: those that meaning may merge, and some to compare with; with `plain` all."""
    names = sorted(tags)
    if options.plain:
        return names
    groups = exchanged([term(name) for name in names]).values()
    open_ones = {names[i] for group in groups for i in group}
    return sorted(open_ones.union(_sample(names))) if open_ones else []


def _plain_clusters(library: _Library) -> list[list[int]]:
    """The older algorithm: DBSCAN over cosine distance. Only what a person decided is above it."""
    options, decisions, edges = library.options, library.decisions, list(library.edges())
    found: list[list[int]] = []
    for cluster in dbscan(((edge.first, edge.second) for edge in edges), options.min_cluster_size):
        if not decisions.has_conflict([library.names[i] for i in cluster]):
            found.append(cluster)
            continue
        inside = [edge for edge in edges if {edge.first, edge.second} <= set(cluster)]
        found += cohesive(library.names, inside, library.not_apart, options.min_cluster_size)
    return found


def _guarded_clusters(library: _Library) -> list[list[int]]:
    """Clusters that hold together."""
    words = [squash(phrasing(part)) for part in library.terms]
    return cohesive(words, library.edges(), library.verdict, library.options.min_cluster_size)


def plan_merges(
    tags: "Mapping[str, int]",
    embedded: TagVectors | None = None,
    options: MergeOptions | None = None,
    decisions: Decisions | None = None,
    languages: Languages | None = None,
) -> Plan:
    """Find the tags that should be one.

    Args:
        tags: Every tag of the library with the number of photos that carry it; 0 for a word that only
            decisions know (`Decisions.complete`).
        embedded: What an embedder says of those of `to_embed`, or of more; None goes by spelling, synonyms and phrasing.
        options: Threshold, size, kinds of evidence.
        decisions: What a person decided before, and a vocabulary.
        languages: Those of the library where these tags are only some of its own; None: those of these tags.

    Returns:
        The plan for the tags that photos carry; its mapping never maps a representative away. A tag that a
        vocabulary or a decision maps to a word no photo carries yet is mapped to that word.
    """
    library = _Library(tags, embedded, options or MergeOptions(), decisions or Decisions(), languages)
    clusters: dict[str, tuple[str, ...]] = {}
    merges: list[Merge] = []
    for group in (_plain_clusters if library.options.plain else _guarded_clusters)(library):
        head = library.representative(group)
        gone = sorted((i for i in group if i != head), key=lambda i: (-library.counts[i], library.names[i]))
        gone = [i for i in gone if library.counts[i]]
        if gone:
            clusters[library.names[head]] = tuple(library.names[i] for i in (head, *gone))
            merges += [library.merge(i, head, group) for i in gone]
    mapped = {m.tag for m in merges}
    left = {name for name, count in tags.items() if count and name not in mapped}
    return Plan(clusters, tuple(merges), tuple(propose(left.union(clusters))), library.background)
