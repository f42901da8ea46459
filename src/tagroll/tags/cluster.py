"""Clusters of tags: those that hold together, and, as the older script made them, those of DBSCAN."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from tagroll.tags.verdict import Verdict


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """Two tags, by number, that should become one; `rank` 0 is the strongest evidence."""

    first: int
    second: int
    rank: int
    cosine: float


def cohesive(
    words: Sequence[Hashable],
    edges: Iterable[Edge],
    verdict: Callable[[int, int], Verdict],
    min_size: int = 2,
) -> list[list[int]]:
    """Join tags best edge first, so that no chain ties together what is apart.

    A join is refused when any pair across must stay apart, or when less than half of the pairs of words across would
    merge. It is tried again as long as groups grow, so that nothing is left that a later run would join.

    Args:
        words: What each tag counts as: spellings of one word have one voice, so that it does not matter how many there are.
        edges: Pairs of tags, by number, that should become one.
        verdict: What is to be said of any two of them, the smaller number first.
        min_size: Members that make a group.

    Returns:
        The groups with at least `min_size` members, sorted.
    """
    ranked = sorted(edges, key=lambda e: (e.rank, -e.cosine, e.first, e.second))
    kept: list[list[int]] = []
    while True:
        found = [group for group in _joined(words, ranked, verdict, kept) if len(group) >= min_size]
        if found == kept:
            return kept
        kept = found


def _joined(
    words: Sequence[Hashable],
    edges: Iterable[Edge],
    verdict: Callable[[int, int], Verdict],
    start: list[list[int]],
) -> list[list[int]]:
    """One pass over the edges, from groups that hold already; gives those with more than one member."""
    group_of = list(range(len(words)))
    groups = {i: [i] for i in group_of} | {group[0]: list(group) for group in start}
    for group in start:
        for i in group:
            group_of[i] = group[0]
    for edge in edges:
        a, b = group_of[edge.first], group_of[edge.second]
        if a == b:
            continue
        across = [(i, j, verdict(min(i, j), max(i, j))) for i in groups[a] for j in groups[b]]
        agreeing = {(words[i], words[j]) for i, j, v in across if v.evidence is not None}
        if any(v.never for _, _, v in across) or 2 * len(agreeing) < len(
            {(words[i], words[j]) for i, j, _ in across}
        ):
            continue
        for i in groups[b]:
            group_of[i] = a
        groups[a] += groups.pop(b)
    return sorted(sorted(group) for i, group in groups.items() if len(group) > 1 and group_of[i] == i)


def dbscan(edges: Iterable[tuple[int, int]], min_size: int) -> list[list[int]]:
    """DBSCAN (Ester et al. 1996) over a graph of neighbours.

    Args:
        edges: Pairs of neighbours, each once.
        min_size: Neighbours, itself included, that make a tag the core of a cluster.

    Returns:
        The clusters, each sorted; tags in none are left out. What lies at the edge of two belongs to the first.
    """
    near: dict[int, list[int]] = defaultdict(list)
    for i, j in edges:
        near[i].append(j)
        near[j].append(i)
    cores = {i for i, others in near.items() if len(others) + 1 >= min_size}
    clusters: list[list[int]] = []
    seen: set[int] = set()
    for start in sorted(cores):
        if start in seen:
            continue
        seen.add(start)
        cluster = [start]
        for i in cluster:  # it grows on the way
            fresh = [j for j in near[i] if j not in seen] if i in cores else []
            seen.update(fresh)
            cluster += fresh
        clusters.append(sorted(cluster))
    return clusters
