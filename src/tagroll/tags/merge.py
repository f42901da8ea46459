"""Which tags of a library become one: clusters that hold together, and the plan a person reads.

Pure: tags and vectors in, a plan out. The same input in another order gives the same plan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from tagroll.tags.cluster import cohesive, dbscan
from tagroll.tags.decisions import Decisions
from tagroll.tags.hierarchy import Child, propose
from tagroll.tags.languages import Languages
from tagroll.tags.lexical_key import squash
from tagroll.tags.library import MergeOptions, TagLibrary, TagVectors
from tagroll.tags.phrasing import phrasing
from tagroll.tags.questions import Groups, Pair, Questions, Relation, joined, narrower, questions
from tagroll.tags.similarity_baseline import Background
from tagroll.tags.verdict import Evidence


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
    def gain(self) -> float:
        """What a yes to it is likely to bring, in photos."""
        return self.photos * self.evidence.certainty

    @property
    def is_decided(self) -> bool:
        """Whether a person or a vocabulary said so."""
        return self.evidence in (Evidence.DECISION, Evidence.VOCABULARY)

    def row(self) -> dict[str, object]:
        """It as JSON."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"evidence": str(self.evidence)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen.

    Attributes:
        clusters: Representative -> all members in order, the representative first.
        merges: Every tag that goes.
        suggested: What goes as well if a person says so: a model called the two the same. A tag that goes into one
            of these goes on with it.
        hierarchy: Tags that lie under others, as a proposal.
        background: How similar random pairs are, or None without an embedder.
    """

    clusters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    merges: tuple[Merge, ...] = ()
    suggested: tuple[Merge, ...] = ()
    hierarchy: tuple[Child, ...] = ()
    background: Background | None = None

    @property
    def mapping(self) -> dict[str, str]:
        """Tag -> what it becomes without anybody's saying more, only for those that change."""
        return {merge.tag: merge.into for merge in self.merges}

    @property
    def queue(self) -> tuple[Merge, ...]:
        """All that a person may say yes or no to, what gains most first; and what was decided before."""
        return tuple(sorted((*self.merges, *self.suggested), key=lambda one: (-one.gain, one.tag)))


def _plain_clusters(library: TagLibrary) -> list[list[int]]:
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


def _guarded_clusters(library: TagLibrary) -> list[list[int]]:
    """Clusters that hold together."""
    words = [squash(phrasing(part)) for part in library.terms]
    return cohesive(words, library.edges(), library.verdict, library.options.min_cluster_size)


class Merging:
    """Merging the tags of one library: what a judge may be asked, and the plan.

    Args:
        library: The tags.
    """

    def __init__(self, library: TagLibrary) -> None:
        self._library = library
        self._clusters = (_plain_clusters if library.options.plain else _guarded_clusters)(library)
        self._groups = Groups(library, self._clusters)

    @property
    def questions(self) -> Questions:
        """What the rules leave open; nothing without vectors of all tags."""
        return questions(self._library, self._groups)

    def plan(self, judged: Mapping[Pair, Relation] | None = None) -> Plan:
        """What becomes of the tags that photos carry.

        Its mapping never maps a representative away. A tag that a vocabulary or a decision maps to a word no photo
        carries yet is mapped to that word.

        Args:
            judged: What a judge said of pairs of tags.
        """
        library, names = self._library, self._library.names
        clusters: dict[str, tuple[str, ...]] = {}
        merges: list[Merge] = []
        for group in self._clusters:
            head = library.representative(group)
            gone = self._going(group, head)
            if gone:
                clusters[names[head]] = tuple(names[i] for i in (head, *gone))
                merges += [_merge(library, i, head, group) for i in gone]
        mapped = {m.tag for m in merges}
        left = {name for i, name in enumerate(names) if library.counts[i] and name not in mapped}.union(
            clusters
        )
        known = judged if judged and Evidence.MODEL in library.options.evidence else {}
        suggested = [self._suggested(group) for group in joined(self._groups, known)]
        return Plan(
            clusters,
            tuple(merges),
            tuple(one for some in suggested for one in some),
            tuple(self._hierarchy(left, known)),
            library.background,
        )

    def _going(self, tags: Iterable[int], head: int) -> list[int]:
        """Those of some tags that go where one stays, those on most photos first."""
        library = self._library
        gone = (i for i in tags if i != head and library.counts[i])
        return sorted(gone, key=lambda i: (-library.counts[i], library.names[i]))

    def _word(self, group: int) -> int:
        return self._library.representative(self._groups.members[group])

    def _suggested(self, groups: Iterable[int]) -> list[Merge]:
        """The words of some groups as one."""
        library = self._library
        photos = {self._word(group): self._groups.photos(group) for group in groups}
        head = library.representative(photos)
        return [
            Merge(
                library.names[i],
                library.names[head],
                photos[i],
                Evidence.MODEL,
                cosine=library.cosine(i, head),
            )
            for i in self._going(photos, head)
        ]

    def _hierarchy(self, words: set[str], judged: Mapping[Pair, Relation]) -> list[Child]:
        """Which words lie under others: as the rules know, and else as a judge says."""
        found = {child.child: child for child in propose(words)}
        for up, down in narrower(self._groups, judged):
            parent, child = (self._library.names[self._word(group)] for group in (up, down))
            if {parent, child} <= words:
                found.setdefault(child, Child(parent, child, "model"))
        return [found[child] for child in sorted(found)]


def _merge(library: TagLibrary, i: int, into: int, members: Iterable[int]) -> Merge:
    """One line of the plan."""
    cosine, evidence, via = library.cosine(i, into), library.verdict(i, into).evidence, ""
    if evidence is None:
        others = ((library.verdict(i, j).evidence, j) for j in members if j != i)
        ranked = sorted((e.rank, library.names[j], e) for e, j in others if e is not None)
        _, via, evidence = ranked[0] if ranked else (0, "", Evidence.SEMANTIC)
    cosine = None if cosine is None else round(cosine, 4)
    background = library.background
    background_share = None if background is None or cosine is None else background.share(cosine)
    return Merge(
        library.names[i], library.names[into], library.counts[i], evidence, via, cosine, background_share
    )


def plan_merges(
    tags: Mapping[str, int],
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
    """
    library = TagLibrary(tags, embedded, options or MergeOptions(), decisions or Decisions(), languages)
    return Merging(library).plan()
