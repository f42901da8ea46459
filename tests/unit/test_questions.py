"""What a judge is asked, and what becomes of its answers: suggestions, never merges."""

import numpy as np
import pytest

from tagroll.tags.decisions import Decisions
from tagroll.tags.library import MergeOptions, TagLibrary, TagVectors, to_embed
from tagroll.tags.merge import Merging, Plan
from tagroll.tags.questions import Pair, Relation, pair_of
from tagroll.tags.verdict import Evidence

SAME = Relation.SAME


def close(*tags: str) -> TagVectors:
    """Vectors of tags that are all close to each other, and none the same."""
    vectors = np.full((len(tags), len(tags) + 1), 0.1, np.float32)
    vectors[:, 0] = 1.0
    vectors[np.arange(len(tags)), np.arange(1, len(tags) + 1)] = 0.3
    return TagVectors(tags, vectors / np.linalg.norm(vectors, axis=1)[:, None])


def merging(counts: dict[str, int], decisions: Decisions | None = None, **options: object) -> Merging:
    wanted = MergeOptions(asks=True, **options)  # type: ignore[arg-type]
    return Merging(TagLibrary(counts, close(*counts), wanted, decisions or Decisions()))


def planned(counts: dict[str, int], judged: dict[Pair, Relation], **more: object) -> Plan:
    return merging(counts, **more).plan({pair_of(*pair): said for pair, said in judged.items()})  # type: ignore[arg-type]


def test_asked_is_what_rules_leave_open_of_words_that_stay_most_photos_first() -> None:
    counts = {
        "Splash": 9,
        "Splashing": 8,
        "splashing": 1,
        "Bokeh": 2,
        "Bokeh Effect": 2,
        "Red Car": 5,
        "Blue Car": 5,
    }
    found = merging(counts).questions
    assert found.pairs[0] == ("Splash", "Splashing")  # its other spelling counts with it
    assert ("Bokeh", "Bokeh Effect") in found.pairs  # a word more may say nothing
    assert not any("splashing" in pair for pair in found.pairs)
    assert ("Blue Car", "Red Car") not in found.pairs
    assert found.known[("Splashing", "splashing")] is True
    assert found.known[("Blue Car", "Red Car")] is False
    assert set(to_embed(counts, MergeOptions(asks=True))) == set(counts)


def test_where_all_tags_are_close_only_those_are_asked_that_stand_out() -> None:
    draw = np.random.default_rng(3)
    names = [f"{a}{b}rf" for a in "bdfgklmn" for b in "aeiou"]
    vectors = draw.normal(size=(len(names), 64)).astype(np.float32) + 4  # any two are at .94 or so
    vectors[1] = vectors[0] + 0.1 * vectors[2]
    embedded = TagVectors(names, vectors / np.linalg.norm(vectors, axis=1)[:, None])
    library = TagLibrary(dict.fromkeys(names, 1), embedded, MergeOptions(asks=True))
    assert Merging(library).questions.pairs == ((names[0], names[1]),)


def test_what_a_person_keeps_apart_is_not_asked() -> None:
    decisions = Decisions(apart=frozenset({frozenset(("Splash", "Splashing"))}))
    assert merging({"Splash": 1, "Splashing": 1}).questions.pairs
    assert not merging({"Splash": 1, "Splashing": 1}, decisions).questions.pairs


def test_the_same_is_suggested_and_not_done() -> None:
    plan = planned({"Splash": 9, "Splashing": 3, "splashing": 1}, {("Splash", "Splashing"): SAME})
    assert plan.mapping == {"splashing": "Splashing"}
    (suggested,) = plan.suggested
    assert (suggested.tag, suggested.into, suggested.photos) == ("Splashing", "Splash", 4)
    assert suggested.evidence is Evidence.MODEL
    assert [merge.tag for merge in plan.queue] == ["Splashing", "splashing"]  # 4 x .8 photos before 1


def test_a_chain_of_the_same_ties_nothing_together_that_was_not_called_the_same() -> None:
    chain = {("Aaab", "Bbbc"): SAME, ("Bbbc", "Cccd"): SAME}
    counts = {"Aaab": 3, "Bbbc": 2, "Cccd": 1}
    assert len(planned(counts, chain).suggested) == 1
    whole = planned(counts, chain | {("Aaab", "Cccd"): SAME})
    assert {(one.tag, one.into) for one in whole.suggested} == {("Bbbc", "Aaab"), ("Cccd", "Aaab")}
    assert len(planned(counts, chain | {("Aaab", "Cccd"): Relation.RELATED}).suggested) == 1


@pytest.mark.parametrize(("a", "b"), [("Red Car", "Blue Car"), ("Sunrise", "Sunset"), ("Monday", "Tuesday")])
def test_no_word_of_a_model_is_above_a_veto(a: str, b: str) -> None:
    assert not planned({a: 1, b: 1}, {(a, b): SAME}).suggested


def test_a_kind_of_evidence_can_be_switched_off() -> None:
    judged = {("Splash", "Splashing"): SAME}
    only = frozenset({Evidence.SPELLING})
    assert not planned({"Splash": 9, "Splashing": 3}, judged, evidence=only).suggested


def test_narrower_is_a_parent_where_the_rules_know_none() -> None:
    judged = {("Zorb", "Zorbling"): Relation.BROADER, ("Red Car", "Car"): Relation.BROADER}
    plan = planned({"Zorb": 1, "Zorbling": 1, "Car": 1, "Red Car": 1}, judged)
    assert {(one.parent, one.child, one.reason) for one in plan.hierarchy} >= {
        ("Zorb", "Zorbling", "model"), ("Car", "Red Car", "modifier"),
    }  # fmt: skip
