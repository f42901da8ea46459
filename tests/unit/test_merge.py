import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.laws import examples
from tagroll.tags.cluster import Edge, cohesive, dbscan
from tagroll.tags.decisions import Decisions
from tagroll.tags.library import MergeOptions, TagVectors
from tagroll.tags.merge import plan_merges
from tagroll.tags.similarity_baseline import measure
from tagroll.tags.term import term
from tagroll.tags.verdict import Evidence, Verdict, judge

WORDS = """
Forest; forests; Woodland; Woods; Wood; DSLR; Dslr; Digital SLR; Outdoor; Outdoors; red car; blue car; Car; automobile
auto; Monday; Tuesday; Sofa; couch; Chair; moutain; Mountain; Mountains; Paris; London; 35mm; 50mm; 35 mm; glasses; Glass
spectacles; tv; Television; cat; Cats; dog; greenhouse; green house; Nature; sunny hillside walk; walk on a sunny hill
Café; cafe; CAFE; coffee shop; Bär; Bar; C#; C; Naïve; Naive
"""
TAGS = [tag.strip() for line in WORDS.strip().splitlines() for tag in line.split(";")]


STRANGE = [f"{first} {last}" for first in ("zorp", "fnord") for last in ("blik", "quux", "waldo", "garply")]
"""The rules have no opinion on those with one word exchanged: vectors decide."""


def embedded(
    tags: list[str], seed: int = 0, *, noise: float = 0.25, only: list[str] | None = None
) -> TagVectors:
    """Vectors that put everything close to everything else, as a bad embedder does; the less noise, the closer."""
    draw = np.random.default_rng(seed)
    order = sorted(tags)
    rows = np.ones((len(tags), 8)) + noise * draw.normal(size=(len(tags), 8))
    rows = rows[[order.index(tag) for tag in only or tags]]
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return TagVectors(only or tags, vectors)


def test_the_promise() -> None:
    counts = {
        "DSLR": 9,
        "Dslr": 2,
        "Digital SLR": 3,
        "Outdoor": 4,
        "Outdoors": 5,
        "Forest": 7,
        "Woodland": 1,
        "Woods": 2,
    }
    assert plan_merges(counts).mapping == {
        "Dslr": "DSLR",
        "Digital SLR": "DSLR",
        "Outdoor": "Outdoors",
        "Woodland": "Forest",
        "Woods": "Forest",
    }


@examples(30)
@given(
    st.dictionaries(st.sampled_from(TAGS), st.integers(1, 50), min_size=1),
    st.integers(0, 5),
    st.booleans(),
    st.integers(2, 3),
)
def test_laws(counts: dict[str, int], seed: int, with_vectors: bool, size: int) -> None:
    tags = list(counts)
    options = MergeOptions(min_cluster_size=size)
    plan = plan_merges(counts, embedded(tags, seed) if with_vectors else None, options)
    mapping = plan.mapping
    assert not set(mapping) & set(mapping.values())  # idempotent; no representative is mapped away
    assert set(mapping) <= set(tags)
    for members in plan.clusters.values():
        assert len(members) >= size
        for a, b in combinations(members, 2):
            assert not judge(term(a), term(b)).never
    random.Random(seed).shuffle(tags)  # noqa: S311 - no secret
    shuffled = {tag: counts[tag] for tag in tags}
    assert plan_merges(shuffled, embedded(tags, seed) if with_vectors else None, options).mapping == mapping


def applied(counts: dict[str, int], mapping: dict[str, str]) -> dict[str, int]:
    """The tags of a library after a run, if no photo has two of them."""
    after: dict[str, int] = {}
    for tag, count in counts.items():
        after[mapping.get(tag, tag)] = after.get(mapping.get(tag, tag), 0) + count
    return after


@pytest.mark.slow
@examples(60)
@given(
    st.dictionaries(st.sampled_from(TAGS + STRANGE * 3), st.integers(1, 50), min_size=1),
    st.integers(0, 99),
    st.sampled_from([None, 0.35, 0.2]),
    st.integers(2, 3),
    st.booleans(),
)
def test_a_second_run_has_nothing_to_do(
    counts: dict[str, int], seed: int, noise: float | None, size: int, plain: bool
) -> None:
    options = MergeOptions(min_cluster_size=size, plain=plain)

    def run(counts: dict[str, int], decisions: Decisions) -> dict[str, str]:
        tags = decisions.complete(counts)
        vectors = None if noise is None else embedded(TAGS + STRANGE, seed, noise=noise, only=list(tags))
        return plan_merges(tags, vectors, options, decisions).mapping

    mapping = run(counts, Decisions())
    assert run(applied(counts, mapping), Decisions(into=mapping)) == {}


@examples(100)
@given(st.dictionaries(st.tuples(st.integers(0, 7), st.integers(0, 7)), st.sampled_from([0, 1, 2])))
def test_no_join_is_left_that_could_still_be_made(table: dict[tuple[int, int], int]) -> None:
    kinds = (Verdict(), Verdict(Evidence.SYNONYM), Verdict(never="color"))
    pairs = {pair: kinds[kind] for pair, kind in table.items() if pair[0] < pair[1]}

    def verdict(i: int, j: int) -> Verdict:
        return pairs.get((i, j), Verdict())

    groups = cohesive(range(8), [Edge(*p, 3, 0.9) for p, v in pairs.items() if v.evidence], verdict)
    alone = [[i] for i in range(8) if not any(i in group for group in groups)]
    for one, other in combinations(groups + alone, 2):
        across = [verdict(min(i, j), max(i, j)) for i in one for j in other]
        agreeing = sum(v.evidence is not None for v in across)
        assert not agreeing or 2 * agreeing < len(across) or any(v.never for v in across)


def test_what_was_kept_away_from_a_tag_stays_away_from_the_word_in_its_place() -> None:
    counts = {"Autumn": 5, "autumn": 2, "Fall Season": 1}
    apart = frozenset({frozenset({"autumn", "Fall Season"})})
    first = plan_merges(counts, decisions=Decisions(apart=apart)).mapping
    assert first == {"autumn": "Autumn"}
    later = Decisions(apart=apart, into=first)
    left = later.complete({"Autumn": 6, "Fall Season": 1})
    assert left == {"Autumn": 6, "Fall Season": 1, "autumn": 0}
    assert plan_merges(left, decisions=later).mapping == {}
    assert plan_merges({"Autumn": 6, "Fall Season": 1}).mapping == {"Fall Season": "Autumn"}


def test_representative_has_most_photos_then_is_shortest_then_first() -> None:
    assert plan_merges({"Sofa": 1, "Couch": 2}).mapping == {"Sofa": "Couch"}
    assert plan_merges({"automobile": 3, "car": 3}).mapping == {"automobile": "car"}
    assert plan_merges({"tags": 1, "Tags": 1}).mapping == {"tags": "Tags"}


def test_every_merge_says_why() -> None:
    counts = {"Forest": 3, "forests": 1, "Woods": 1}
    merges = {m.tag: m for m in plan_merges(counts, embedded(list(counts))).merges}
    assert merges["forests"].evidence is Evidence.SPELLING
    assert merges["Woods"].evidence is Evidence.SYNONYM
    assert all(
        m.cosine is not None and m.background_share is not None and m.photos == 1 for m in merges.values()
    )
    assert plan_merges(counts).merges[0].cosine is None


def test_evidence_restricts() -> None:
    counts = {"Forest": 3, "forests": 1, "Woods": 1}
    only = MergeOptions(evidence=frozenset({Evidence.SPELLING}))
    assert plan_merges(counts, options=only).mapping == {"forests": "Forest"}


def close_pair(cosine: float, others: int) -> tuple[dict[str, int], TagVectors]:
    """Two tags the rules have no opinion on, with this cosine, among others that are similar to nothing."""
    counts = {"alpine garply walk": 2, "alpine waldow walk": 1, **{f"w{i}": 1 for i in range(others)}}
    vectors = np.eye(len(counts), dtype=np.float32)
    vectors[1, :2] = cosine, (1 - cosine**2) ** 0.5
    return counts, TagVectors(list(counts), vectors)


def test_meaning_merges_at_the_threshold_and_not_below() -> None:
    counts, vectors = close_pair(0.9, 40)
    plan = plan_merges(counts, vectors)
    assert [(m.tag, m.evidence, m.cosine) for m in plan.merges] == [
        ("alpine waldow walk", Evidence.SEMANTIC, pytest.approx(0.9, abs=1e-4))
    ]
    assert plan.merges[0].background_share == pytest.approx(1 / len(plan.background.cosines))
    assert not plan_merges(*close_pair(0.84, 40)).merges


def test_meaning_merges_nothing_when_random_pairs_are_as_similar() -> None:
    counts, _ = close_pair(0.9, 60)
    plan = plan_merges(counts, embedded(list(counts)))
    assert plan.background is not None
    assert not plan.background.usable
    assert 0.85 < plan.background.fitting <= 0.99
    assert Evidence.SEMANTIC not in {m.evidence for m in plan.merges}


def test_a_usable_threshold_is_kept() -> None:
    counts, vectors = close_pair(0.9, 60)
    background = measure(list(counts), vectors.vectors, 0.85)
    assert background.usable
    assert background.fitting == 0.85
    assert background.share(0.0) == 1.0
    assert background.share(0.99) == 0.0


def test_plain_mode_is_dbscan_and_chains() -> None:
    angles = np.array([0.0, 0.5, 1.0])  # neighbours at cosine 0.88; the ends at 0.54
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    counts = {"red": 3, "blue": 2, "green": 1}
    found = TagVectors(list(counts), vectors)
    assert plan_merges(counts, found, MergeOptions(plain=True)).mapping == {"blue": "red", "green": "red"}
    assert plan_merges(counts, found, MergeOptions(plain=True, min_cluster_size=4)).mapping == {}
    assert plan_merges(counts, found).mapping == {}


def test_plain_mode_leaves_a_person_s_decisions_alone() -> None:
    vectors = np.ones((4, 2), np.float32) / 2**0.5
    vectors[3] = 1, 0
    counts = {"red": 3, "blue": 2, "green": 1, "navy": 1}
    found = TagVectors(list(counts), vectors)
    kept = Decisions(apart=frozenset({frozenset({"red", "green"})}), into={"navy": "blue"})
    mapping = plan_merges(counts, found, MergeOptions(plain=True), kept).mapping
    assert mapping["navy"] == "blue"
    assert mapping.get("red", "red") != mapping.get("green", "green")
    assert "blue" in {mapping.get("red"), mapping.get("green")}


def verdicts(table: dict[tuple[int, int], Verdict]) -> list[list[int]]:
    edges = [Edge(i, j, v.evidence.rank, 0.9) for (i, j), v in table.items() if v.evidence]
    return cohesive(range(5), edges, lambda i, j: table.get((i, j), Verdict()))


def test_a_chain_does_not_tie_together_what_is_apart() -> None:
    yes = Verdict(Evidence.SYNONYM)
    assert verdicts({(0, 1): yes, (1, 2): yes, (0, 2): Verdict(never="color")}) == [[0, 1]]
    assert verdicts({(0, 1): yes, (1, 2): yes}) == [[0, 1, 2]]  # half of the pairs across agree
    assert verdicts({(0, 1): yes, (0, 2): yes, (1, 2): yes, (2, 3): yes}) == [[0, 1, 2]]  # a third


def test_spellings_of_one_word_have_one_voice() -> None:
    yes = Verdict(Evidence.SYNONYM)
    words = ["a", "a", "a", "b", "c"]
    edges = [Edge(i, j, yes.evidence.rank, 0.9) for i, j in ((0, 1), (0, 2), (1, 2), (2, 3))]
    found = {(e.first, e.second): yes for e in edges}
    assert cohesive(words, edges, lambda i, j: found.get((i, j), Verdict())) == [[0, 1, 2, 3]]
    counts = {"Aerial View": 1, "Bird's Eye View": 1}
    more = dict.fromkeys([*counts, "aerial view", "aerial", "Aerial Shot", "aerial shots"], 1)
    for tags in (counts, more):
        assert len({plan_merges(tags).mapping.get(tag, tag) for tag in counts}) == 1


def test_dbscan_is_that_of_scikit_learn() -> None:
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    draw = np.random.default_rng(1)
    for size in (2, 3, 4) * 20:
        near = np.triu(draw.random((30, 30)) < draw.choice([0.02, 0.05, 0.1]), 1)
        distances = np.where(near | near.T | np.eye(30, dtype=bool), 0.0, 1.0)
        labels = cluster.DBSCAN(eps=0.5, min_samples=size, metric="precomputed").fit(distances).labels_
        expected = [np.flatnonzero(labels == label).tolist() for label in range(labels.max() + 1)]
        assert dbscan(zip(*np.nonzero(near), strict=True), size) == [c for c in expected if len(c) > 1]


def test_a_person_keeps_apart_and_joins() -> None:
    counts = {"Sofa": 2, "Couch": 1, "Anna": 1, "Annie": 4}
    kept = Decisions(apart=frozenset({frozenset({"Sofa", "Couch"})}))
    assert plan_merges(counts, decisions=kept).mapping == {}
    joined = Decisions(into={"Annie": "Anna"})
    plan = plan_merges(counts, decisions=joined)
    assert plan.mapping == {"Annie": "Anna", "Couch": "Sofa"}
    assert plan.merges[0].evidence is Evidence.DECISION


def test_a_decision_may_name_a_word_no_photo_carries_yet() -> None:
    decisions = Decisions(into={"Sofa": "Settee", "Couch": "Settee"})
    counts = decisions.complete({"Sofa": 2, "Couch": 1})
    plan = plan_merges(counts, embedded(list(counts)), decisions=decisions)
    assert plan.mapping == {"Sofa": "Settee", "Couch": "Settee"}


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        ({"Cafe": 9, "Café": 1}, "Café"),
        ({"cafes": 9, "cafe": 8, "Café": 1, "Coffee Shop": 3}, "cafes"),  # it is no café with an s
        ({"Cafe": 9, "café": 1, "Café": 2}, "Café"),
        ({"Naive": 3, "Naïve": 1}, "Naïve"),
        ({"Sao Paulo": 3, "São Paulo": 3}, "São Paulo"),
        ({"Zurich": 1, "Zürich": 4}, "Zürich"),
    ],
)
def test_the_spelling_with_accents_represents_its_cluster(counts: dict[str, int], word: str) -> None:
    assert set(plan_merges(counts).mapping.values()) == {word}
    close = embedded(list(counts), noise=0.0)
    assert set(plan_merges(counts, close).mapping.values()) == {word}


def test_a_decision_is_above_accents() -> None:
    counts = {"Cafe": 3, "Café": 9, "Bär": 1, "Bar": 2}
    decided = Decisions(into={"Café": "Cafe"}, apart=frozenset())
    assert plan_merges(counts, decisions=decided).mapping == {"Café": "Cafe"}
    assert plan_merges(counts, decisions=Decisions(into={"Bär": "Bar"})).mapping == {
        "Bär": "Bar",
        "Cafe": "Café",
    }


def test_no_cosine_merges_what_only_accents_tell_apart() -> None:
    pairs = ["Bär Bar", "Año Ano", "C# C", "Çelik-Şah Celik-Sah", "Maße Masse", "zorp-blik zorp-xyzzy"]
    tags = [tag for pair in pairs for tag in pair.split()]
    others = [f"other {number}" for number in range(200)]
    rows = np.eye(len(pairs) + len(others), dtype=np.float32)
    rows = np.repeat(rows, [2] * len(pairs) + [1] * len(others), axis=0)  # as one that does not see accents
    said = TagVectors(tags + others, rows)
    assert plan_merges(dict.fromkeys(tags + others, 1), said).mapping == {"zorp-xyzzy": "zorp-blik"}


def test_a_preferred_word_represents_its_cluster() -> None:
    assert plan_merges(
        {"Sofa": 9, "Couch": 1}, decisions=Decisions(preferred=frozenset({"Couch"}))
    ).mapping == {"Sofa": "Couch"}


def test_a_vocabulary_wins_over_everything() -> None:
    vocabulary = {"Wood": ("Forest", "timber"), "Woods": (), "Sofa": (), "Couch": ()}
    counts = {"forests": 5, "Woods": 4, "Sofa": 1, "Couch": 2, "Timber": 1}
    decisions = Decisions(vocabulary=vocabulary)
    plan = plan_merges(decisions.complete(counts), decisions=decisions)
    assert plan.mapping == {"forests": "Wood", "Timber": "Wood"}
    assert {m.evidence for m in plan.merges} == {Evidence.VOCABULARY}


def test_the_hierarchy_is_proposed_and_not_merged() -> None:
    plan = plan_merges(dict.fromkeys(["Nature", "Forest", "Dog", "Poodle", "Red Car", "Car"], 1))
    assert plan.mapping == {}
    found = {(c.parent, c.child, c.reason) for c in plan.hierarchy}
    assert {
        ("Nature", "Forest", "everyday"),
        ("Dog", "Poodle", "kind"),
        ("Car", "Red Car", "modifier"),
    } <= found


def test_paths_merge_level_by_level_only() -> None:
    assert plan_merges({"Places|Lakes": 2, "places|lake": 1, "Lake": 5}).mapping == {
        "places|lake": "Places|Lakes"
    }


def test_nothing() -> None:
    assert plan_merges({}).mapping == {}
