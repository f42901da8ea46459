"""Clusters of tags: those that hold together, and DBSCAN over what is left of the neighbour graph."""

from collections.abc import Callable, Iterable
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
    n: int, edges: Iterable[Edge], verdict: Callable[[int, int], Verdict], min_size: int = 2
) -> list[list[int]]:
    """Join tags best edge first, so that no chain ties together what is apart.

    A join is refused when any pair across must stay apart, or when less than half of the pairs across would
    merge. It is tried again as long as groups grow, so that nothing is left that a later run would join.

    Returns:
        The groups with at least `min_size` members, sorted.
    """
    ranked = sorted(edges, key=lambda e: (e.rank, -e.cosine, e.first, e.second))
    kept: list[list[int]] = []
    while True:
        found = [group for group in _joined(n, ranked, verdict, kept) if len(group) >= min_size]
        if found == kept:
            return kept
        kept = found


def _joined(
    n: int, edges: Iterable[Edge], verdict: Callable[[int, int], Verdict], start: list[list[int]]
) -> list[list[int]]:
    """One pass over the edges, from groups that hold already; gives those with more than one member."""
    groups = {i: [i] for i in range(n)} | {group[0]: list(group) for group in start}
    group_of = list(range(n))
    for group in start:
        for i in group:
            group_of[i] = group[0]
    for edge in edges:
        a, b = group_of[edge.first], group_of[edge.second]
        if a == b:
            continue
        across = [verdict(min(i, j), max(i, j)) for i in groups[a] for j in groups[b]]
        agreeing = sum(v.evidence is not None for v in across)
        if any(v.never for v in across) or 2 * agreeing < len(across):
            continue
        for i in groups[b]:
            group_of[i] = a
        groups[a] += groups.pop(b)
    return sorted(sorted(group) for i, group in groups.items() if len(group) > 1 and group_of[i] == i)


def dbscan(rows: list[tuple[int, int, float]], eps: float, min_size: int) -> list[list[int]]:
    """Cluster by scikit-learn's DBSCAN on a sparse graph of distances.

    Args:
        rows: (i, j, distance) in both directions; what is not there is too far.
        eps: Largest distance of neighbours.
        min_size: Neighbours, itself included, that make a tag the core of a cluster.

    Returns:
        The clusters, each sorted; tags in none are left out.
    """
    if not rows:
        return []
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.cluster import DBSCAN
    from sklearn.neighbors import sort_graph_by_row_values

    index = {t: k for k, t in enumerate(sorted({i for i, _, _ in rows}))}
    places = (
        [index[i] for i, _, _ in rows] + list(range(len(index))),
        [index[j] for _, j, _ in rows] + list(range(len(index))),
    )
    data = np.array([d for _, _, d in rows] + [0.0] * len(index))
    graph = sort_graph_by_row_values(
        csr_matrix((data, places), shape=(len(index),) * 2), warn_when_not_sorted=False
    )
    labels = DBSCAN(eps=max(eps, 1e-9), min_samples=min_size, metric="precomputed").fit(graph).labels_
    clusters: dict[int, list[int]] = {}
    for t, label in zip(index, labels, strict=True):
        if label >= 0:
            clusters.setdefault(int(label), []).append(t)
    return sorted(c for c in clusters.values() if len(c) > 1)
