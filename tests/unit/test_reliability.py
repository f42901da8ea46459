"""Reliability: how often words of a given probability are right, in eval and in the training of the head."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tagroll.runs.evaluate.labels import LabelSet
from tagroll.runs.evaluate.plots import reliability_curve
from tagroll.runs.evaluate.reliability import FEWEST, reliability
from tagroll.runs.evaluate.results import Result
from tagroll.runs.evaluate.scoring import Labelled, Scorer, Synonyms

SYNONYMS = Synonyms(claims={"dog": frozenset({"dog"}), "cat": frozenset({"cat"})})


def curve_of(*photos: tuple[str, dict[str, float]]):
    labels = LabelSet({Path(f"{n}"): Labelled((label,)) for n, (label, _) in enumerate(photos)}, SYNONYMS)
    confidences = {Path(f"{n}"): words for n, (_, words) in enumerate(photos)}
    return reliability(confidences, labels, Scorer(SYNONYMS))


def test_words_are_counted_by_their_probability() -> None:
    photos = [("dog", {"dog": 0.82, "tree": 0.5})] * 8 + [("cat", {"dog": 0.88})] * 2
    (one,) = curve_of(*photos)  # nothing can be said of the trees
    assert (one.low, one.high, one.count) == (0.8, 0.9, 10)
    assert (one.said, one.true) == (pytest.approx(0.832), pytest.approx(0.8))
    assert one.true_ci95 == (
        pytest.approx(0.490, abs=1e-3),
        pytest.approx(0.943, abs=1e-3),
    )  # Wilson, 8 of 10


def test_certainty_has_a_place_and_few_words_say_nothing() -> None:
    assert curve_of(*[("dog", {"dog": 1.0})] * (FEWEST - 1)) == ()
    (one,) = curve_of(*[("dog", {"dog": 1.0})] * FEWEST)
    assert (one.low, one.true, one.true_ci95[1]) == (0.9, 1, 1)


def test_photos_without_labels_are_left_out() -> None:
    labels = LabelSet({}, SYNONYMS)
    assert reliability({Path("x"): {"dog": 0.9}}, labels, Scorer(SYNONYMS)) == ()


def test_a_curve_is_drawn_only_of_what_is_known() -> None:
    plain = Result("m", 1, 0, None, 1, 1, None, None, None, None, None, None, 0)
    assert reliability_curve(plain) == ""


@pytest.fixture(scope="module")
def train_head():
    path = Path(__file__).parents[2] / "tools" / "train_head.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_person_threshold_leaves_room_for_chance(train_head) -> None:
    """At most one photo in ten, up to the end of the interval: 7 of 151 end at .093, 8 at .102."""
    assert train_head.surely_below(7, 151)
    assert not train_head.surely_below(8, 151)
    probabilities = np.random.default_rng(0).permutation(np.linspace(0, 1, 151))
    assert (probabilities >= train_head.person_threshold(probabilities)).sum() == 7


@pytest.mark.slow
def test_the_calibration_mends_a_model_that_is_too_sure(train_head) -> None:
    rng = np.random.default_rng(0)
    honest = rng.beta(0.3, 1, 200_000)
    truth = (rng.random(honest.size) < honest).astype(float)
    odds = (honest / (1 - honest)) ** 1.5
    boastful = odds / (1 + odds)
    mended = np.interp(boastful, *train_head.calibration(boastful, truth))
    assert np.abs(mended - honest).max() < 0.06
    assert np.abs(boastful - honest).max() > 0.08
