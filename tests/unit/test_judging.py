"""A model as judge of pairs of tags: whatever it says, it merges nothing by itself, and one that guesses is found out."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.pairs import Says, Scripted, answer, asked, at_random, perfect
from tagroll.catalog import Catalog
from tagroll.errors import ReplyError
from tagroll.models.pairs import pairs_prompt, read_relations
from tagroll.runs.judging import ANYBODY, BATCH, Judge, Judged
from tagroll.tags.questions import Pair, Questions, Relation, pair_of

PAIRS = tuple((f"Bike {n}", f"Cycle {n}") for n in range(100))
SAME = {frozenset(pair) for pair in PAIRS[:7]}


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path / "catalog.sqlite") as opened:
        yield opened


def judged(catalog: Catalog, model: Scripted, pairs: tuple[Pair, ...] = PAIRS, most: int = 2000) -> Judged:
    return Judge(model, catalog, most).judge(Questions(pairs))


def scripted(says: Says) -> Scripted:
    return Scripted(partial(answer, says=says))


def same(found: Judged) -> set[frozenset[str]]:
    return {frozenset(pair) for pair, said in found.relations.items() if said is Relation.SAME} - {
        frozenset(pair) for pair in ANYBODY
    }


def test_what_a_good_model_says_is_kept_and_asked_once(catalog: Catalog) -> None:
    model = scripted(perfect(SAME))
    found = judged(catalog, model)
    assert same(found) == SAME
    assert (found.asked, found.left, found.exam.wrong) == (100, 0, 0)
    assert found.exam.known >= 20
    assert {pair for pair, said in catalog.relations.believed().items() if said == "same"} == set(PAIRS[:7])
    questions = [pair for question in model.questions for pair in question]
    assert all(len(question) <= BATCH for question in model.questions)
    for a, b in PAIRS:  # what it calls the same is asked twice, the second time the other way round
        assert [pair for pair in questions if set(pair) == {a, b}] == [(a, b), (b, a)][: 1 + ({a, b} in SAME)]
    again = scripted(perfect(SAME))
    assert judged(catalog, again).relations == found.relations
    assert not again.questions


@pytest.mark.parametrize("says", [lambda _a, _b: "same", lambda _a, _b: "unsure", at_random()])
def test_a_model_that_knows_nothing_is_not_used(catalog: Catalog, says: Says) -> None:
    model = scripted(says)
    found = judged(catalog, model)
    assert not found.is_believed
    assert not found.relations
    assert not catalog.relations.believed()
    assert len(model.questions) < 4  # not asked to the end
    assert same(judged(catalog, scripted(perfect(SAME)))) == SAME  # may show that it has learned


def test_one_mistake_in_twenty_is_forgiven_and_a_second_is_not(catalog: Catalog) -> None:
    right = perfect(SAME)

    def wrong_about(*pairs: Pair) -> Says:
        return lambda a, b: "same" if pair_of(a, b) in pairs else right(a, b)

    traps = [pair for pair, is_same in ANYBODY.items() if not is_same]
    few = PAIRS[:10]
    first = Judge(scripted(right), catalog, 10)
    first.judge(Questions(few))
    used = [pair for pair in traps if pair in catalog.relations.said("scripted", pairs_prompt([]).key)]
    catalog.relations.forget("scripted", pairs_prompt([]).key)
    assert judged(catalog, scripted(wrong_about(used[0])), few).is_believed
    catalog.relations.forget("scripted", pairs_prompt([]).key)
    assert not judged(catalog, scripted(wrong_about(*used[:2])), few).is_believed


def test_same_said_once_is_not_enough(catalog: Catalog) -> None:
    right = perfect(SAME)
    found = judged(catalog, scripted(lambda a, b: right(a, b) if a < b or {a, b} not in SAME else "narrower"))
    assert not same(found)
    assert found.relations[PAIRS[0]] is Relation.UNSURE
    assert found.is_believed


def test_an_answer_with_a_gap_is_asked_for_again_in_halves(catalog: Catalog) -> None:
    hard = set(PAIRS[50])

    def answers(text: str) -> str:
        verdicts = json.loads(answer(text, perfect(SAME)))["verdicts"]
        if hard in map(set, asked(text)):
            verdicts[0]["id"] = 2  # one double, one missing
        return json.dumps({"verdicts": verdicts})

    found = judged(catalog, Scripted(answers))
    assert found.relations[PAIRS[50]] is Relation.UNSURE
    assert same(found) == SAME
    assert all(found.relations[pair] is Relation.RELATED for pair in PAIRS[7:] if set(pair) != hard)


def test_the_budget_is_for_what_gains_most(catalog: Catalog) -> None:
    found = judged(catalog, scripted(perfect(SAME)), most=5)
    assert (found.asked, found.left) == (5, 95)
    assert same(found) == {frozenset(pair) for pair in PAIRS[:5]}


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", '{"verdicts": []}', '{"verdicts": [{"id": 1, "relation": "same"}]}',
        '{"verdicts": [{"id": 1, "relation": "same"}, {"id": 1, "relation": "same"}]}',
        '{"verdicts": [{"id": 1, "relation": "same"}, {"id": 2, "relation": "alike"}]}',
        '{"verdicts": [{"id": 1, "relation": "same"}, {"id": [2], "relation": "same"}]}',
        '{"verdicts": [{"id": 1, "relation": "same"}, {"id": 2, "relation": "same"}, {"id": 2, "relation": "unsure"}]}',
    ],
)  # fmt: skip
def test_only_one_answer_each_is_an_answer(text: str) -> None:
    with pytest.raises(ReplyError):
        read_relations(text, 2)


def test_an_answer_may_stand_in_words() -> None:
    told = (
        'Here:\n```json\n{"verdicts": [{"id": 2, "relation": "broader"}, {"id": 1, "relation": "same"}]}\n```'
    )
    assert read_relations(told, 2) == [Relation.SAME, Relation.BROADER]


def test_names_with_quotes_are_asked_as_they_are() -> None:
    pairs = [('5" Lens', "Optic"), ("Bär\\", "犬")]
    assert asked(pairs_prompt(pairs).text) == pairs
