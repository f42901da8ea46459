"""The measure: by hand on a few photos, and beside the reference implementation where that is at hand."""

import importlib.util
import json
import os
import random
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagroll.runs.evaluate.labels import read_labels
from tagroll.runs.evaluate.scoring import Labelled, Scorer, Synonyms, endings, fold, jaccard, measure

DOGS = Synonyms(
    accept={"dog": frozenset({"dog", "puppy"}), "sofa": frozenset({"sofa", "couch"})},
    claims={
        "dog": frozenset({"dog", "puppy"}),
        "sofa": frozenset({"sofa"}),
        "hot dog": frozenset({"hot dog"}),
    },
    mentions={
        "dog": frozenset({"dog", "pup"}),
        "sofa": frozenset({"couch"}),
        "hot dog": frozenset({"hot dog"}),
    },
)
SCORER = Scorer(DOGS)


def verdicts(truth: Labelled, *tags: str) -> list[str]:
    return list(SCORER.photo(truth, tags).verdicts.values())


@pytest.mark.parametrize(
    ("tag", "folded"),
    [
        ("Dogs", "dog"), ("knives", "knife"), ("Cherries", "cherry"), ("buses", "bus"), ("glass", "glass"), ("iris", "iris"),
        ("dishes", "dish"), ("black_and-white", "black and white"), ("  Big   DOG! ", "big dog"), ("café", "café"), ("", ""),
    ],
)  # fmt: skip
def test_folding_takes_case_plural_and_punctuation_away(tag, folded):
    assert fold(tag) == folded


def test_the_ends_of_a_tag_are_looked_at_but_not_of_a_sentence():
    assert endings("big red dogs") == ["big red dog", "red dog", "dog"]
    assert endings("Animal|Dog/Poodle") == ["animal", "dog", "poodle"]
    assert endings("a man with a dog") == ["a man with a dog"]


def test_a_tag_is_right_wrong_or_open():
    truth = Labelled(("dog",), minor=("sofa",), captions=("A pup beside a lamp.",))
    assert verdicts(truth, "Puppies", "old couch", "lamp", "hot dog", "sky") == [
        "good",
        "good",
        "good",
        "wrong",
        "open",
    ]
    assert verdicts(Labelled(("lamp",)), "big dog", "couch") == [
        "wrong",
        "open",
    ]  # a couch claims nothing for sure
    assert verdicts(Labelled(("lamp",), captions=("a pup",)), "dog") == [
        "open"
    ]  # spoken of, so it is not wrong
    assert verdicts(Labelled(("lamp",), counts=("dog",)), "dog") == ["open"]


def test_a_hot_dog_is_never_a_dog():
    photo = SCORER.photo(Labelled(("dog",)), ["big hot dog"])
    assert (photo.found, photo.verdicts["big hot dog"]) == ((), "wrong")
    assert SCORER.photo(Labelled(("hot dog",)), ["big hot dog"]).verdicts["big hot dog"] == "good"
    assert SCORER.photo(Labelled(("dog",)), ["big dog"]).found == ("dog",)


def test_what_is_found_missed_repeated_and_junk():
    score = SCORER.photo(
        Labelled(("dog", "sofa", "person")), ["Dog", "dogs", " ", "photo", "one two three four five"]
    )
    assert (score.found, score.missed) == (("dog",), ("sofa", "person"))
    assert (score.repeated, score.junk, score.phrases) == (1, 1, 1)
    assert score.hit == pytest.approx(1 / 3)
    assert score.hit_without_person == pytest.approx(1 / 2)
    assert SCORER.photo(Labelled(("person",)), []).hit_without_person is None


def test_the_measure_of_two_photos_by_hand():
    photos = [(Labelled(("dog", "sofa")), ["dog", "sky"]), (Labelled(("sofa",)), ["dog", "couch"])]
    result = measure([SCORER.photo(truth, tags) for truth, tags in photos])
    assert result.hit_rate == pytest.approx((0.5 + 1) / 2)
    assert result.wrong_rate == pytest.approx(1 / 2)  # two dogs claimed, one of them is none
    assert result.quality == pytest.approx(0.75 * 0.5)
    assert (result.wrong_photos, result.tags_per_photo, result.failed) == (0.5, 2, 0)
    assert result.quality_ci95[0] <= result.quality <= result.quality_ci95[1]


def test_no_tags_at_all_score_zero():
    result = measure([SCORER.photo(Labelled(("dog",)), [])] * 3)
    assert (result.quality, result.wrong_rate, result.failed, result.quality_ci95) == (0, 0, 1, (0, 0))


WORDS = st.sampled_from(["dog", "Puppies", "couch", "hot dog", "a/b|c", "sky", "photo", "", "big dog"])
TAGS = st.lists(WORDS | st.text(max_size=8))


@given(TAGS, TAGS)
def test_jaccard_is_a_likeness(a, b):
    assert jaccard(a, a) == 1
    assert 0 <= jaccard(a, b) == jaccard(b, a) <= 1


@given(TAGS)
def test_rates_stay_rates_whatever_the_tags(tags):
    result = measure([SCORER.photo(Labelled(("dog", "sofa"), minor=("lamp",)), tags)])
    rates = {k: v for k, v in asdict(result).items() if "rate" in k or k in ("quality", "failed")}
    assert all(
        0 <= rate <= 1
        for value in rates.values()
        for rate in (value if isinstance(value, tuple) else (value,))
    )


DATA = Path(os.environ.get("TAGROLL_DATA", "")) / "devset"


def predictions(files, words):
    """Sets of tags: the labels, the captions' words, random ones, another photo's labels, none."""
    draw = random.Random(3)  # noqa: S311 - the same every time
    odd = [
        *words,
        "a photo",
        "Hot Dogs",
        "big red dog",
        "Places|Dog",
        "a/b",
        "man_in-red",
        "a long tag of many words",
        "",
        " ",
    ]
    names = list(files)
    yield {name: row["labels"] for name, row in files.items()}
    yield {name: " ".join(row["captions"]).split() for name, row in files.items()}
    yield {name: draw.sample(odd, draw.randint(0, 25)) for name in files}
    yield {name: files[other]["labels"] for name, other in zip(names, names[1:] + names[:1], strict=True)}
    yield {name: ["Men", "man", "SKY"] for name in names[::2]}


@pytest.mark.slow
@pytest.mark.skipif(
    "TAGROLL_DATA" not in os.environ, reason="TAGROLL_DATA does not say where the labelled photos are"
)
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the reference leaves files open
def test_it_agrees_with_the_reference_to_the_last_digit():
    spec = importlib.util.spec_from_file_location("score_tags", DATA / "score_tags.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    synonyms = reference.load_syn(DATA / "synonyms.json")
    files = json.loads((DATA / "labels.json").read_text())["files"]
    ours = read_labels(DATA / "labels.json")
    assert len(ours.photos) == len(files)
    scorer = Scorer(ours.synonyms)
    for tags in predictions(
        files, sorted({word for table in synonyms for words in table.values() for word in words})
    ):
        theirs, each = reference.score(files, tags, synonyms)
        scores = {
            path.name: scorer.photo(truth, tags.get(path.name, ())) for path, truth in ours.photos.items()
        }
        result = asdict(measure(list(scores.values())))
        assert result.keys() == theirs.keys()
        assert all(
            result[name] == pytest.approx(tuple(v) if isinstance(v, list) else v)
            for name, v in theirs.items()
        )
        for name, score in scores.items():
            assert list(score.missed) == each[name]["miss"]
            assert [tag for tag, verdict in score.verdicts.items() if verdict == "wrong"] == each[name][
                "wrong_tags"
            ]
