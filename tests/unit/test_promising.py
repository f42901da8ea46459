"""How sure a model has to be, found on labelled photos: the promise holds on photos that nobody labelled."""

import random
from pathlib import Path

from support.errs import STUBBORN, SYNONYMS, Erring, answer_of, right_and_wrong
from tagroll.catalog import Catalog
from tagroll.catalog.promises import Promise
from tagroll.domain import Description
from tagroll.runs.bars import NEVER, Bars, judging
from tagroll.runs.evaluate.examining import Cost
from tagroll.runs.evaluate.labels import LabelSet
from tagroll.runs.evaluate.promising import Promiser, promises
from tagroll.runs.evaluate.results import EvaluationAnswers


def drawn(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret


def evaluated(said: dict[Path, Description]) -> EvaluationAnswers:
    sure = {path: one.confidences for path, one in said.items()}
    return EvaluationAnswers("stub-vlm", {}, {}, {}, Cost(), "", sure, said)


def measured(erring: Erring, number: int, most_wrong: float = 0.1) -> Promise | None:
    said = {path: answer_of(sure) for path, sure in (erring.photo(n) for n in range(number))}
    return Promiser(evaluated(said), LabelSet(dict(erring.photos), SYNONYMS)).promise(most_wrong)


def test_a_promise_holds_on_other_photos_and_keeps_what_is_right() -> None:
    kept = broken = 0
    for draw in range(8):
        erring = Erring(drawn(draw))
        found = measured(erring, 60)
        assert found
        assert found.bound <= 0.1
        fresh = dict(erring.photo(n) for n in range(1000, 1400))
        answers = {path: answer_of(sure) for path, sure in fresh.items()}
        judged = {path: Bars(found.usual, found.own).judged(said) for path, said in answers.items()}
        right, wrong = right_and_wrong(judged, erring.photos)
        broken += wrong > 0.1 * (right + wrong)
        kept += right > 0.8 * right_and_wrong(answers, erring.photos)[0]
    assert broken == 0
    assert kept >= 7


def test_a_model_that_does_not_know_when_it_errs_is_promised_nothing() -> None:
    assert not any(measured(Erring(drawn(draw), false=1.2, knows=0.0), 80) for draw in range(5))
    assert measured(Erring(drawn(1)), 10) is None, "ten photos show nothing"


def test_a_word_that_is_mostly_wrong_has_a_bar_of_its_own() -> None:
    found = measured(Erring(drawn(3), false=0.3), 100)
    assert found
    assert found.own.keys() == {STUBBORN}
    assert found.own[STUBBORN] > found.usual
    assert all(bar == NEVER or bar <= 1 for bar in found.own.values())


def test_what_was_promised_is_kept_for_tagging_until_it_cannot_be_any_more(tmp_path: Path) -> None:
    erring = Erring(drawn(5))
    said = {path: answer_of(sure) for path, sure in (erring.photo(n) for n in range(60))}
    labels = LabelSet(erring.photos, SYNONYMS)
    answer = answer_of({"dog": 0.55, STUBBORN: 0.9, "cat": 0.97})
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        assert judging(catalog, None)(answer).keywords == ("dog", STUBBORN, "cat")
        ((model, found),) = promises(catalog, [evaluated(said)], labels, 0.1)
        assert model == "stub-vlm"
        assert catalog.promises.of(model) == found
        assert found
        wanted = Bars(found.usual, found.own).judged(answer)
        assert judging(catalog, None)(answer) == wanted != answer
        assert judging(catalog, 0.5)(answer).keywords == answer.keywords, "what a person says comes first"
        few = dict(list(said.items())[:8])
        assert list(promises(catalog, [evaluated(few)], labels, 0.1)) == [(model, None)]
        assert catalog.promises.of(model) is None
        unchecked = {path: Description(one.keywords, "stub-vlm") for path, one in said.items()}
        assert list(promises(catalog, [evaluated(unchecked)], labels, 0.1)) == []
