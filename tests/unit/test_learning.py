"""Learning a person's tags: what is an example, what is learned of features, and whether the promise is kept."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagroll.catalog import Catalog, Learned
from tagroll.domain import Description, Features, Outcome, Status
from tagroll.errors import UsageError
from tagroll.models.builtin.describer import FEATURES
from tagroll.runs.alike import like_in, likenesses
from tagroll.runs.learning.examples import Examples
from tagroll.runs.learning.lessons import FEWEST, FOLDS, PROMISE, Teacher
from tagroll.runs.learning.telling import AllChances, LearnedWords
from tagroll.tags.packed import Packed, packed

WIDTH = 40


def vectors(count: int, seed: int, has: np.ndarray | None = None, strength: float = 0.0) -> Packed:
    """What is seen of so many photos; those that have something are moved the same way."""
    rows = np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)
    if has is not None:
        rows[has, 3] += strength
    room = Packed.room(count, WIDTH)
    room.put(0, rows)
    return room


def sides(has: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.flatnonzero(has), np.flatnonzero(~has)


def gets(lesson, photos: Packed) -> np.ndarray:
    chances = 1 / (1 + np.exp(-(photos.times(lesson.weights[:-1]) + lesson.weights[-1])))
    return chances >= lesson.threshold


# vectors -------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.floats(-9, 9, width=32), min_size=5, max_size=5), min_size=1, max_size=6))
def test_a_packed_vector_is_nearly_what_it_was(rows):
    given_ = np.array(rows, np.float32)
    kept = Packed.of_bytes([packed(row) for row in given_])
    assert np.abs(kept.rows(slice(None)) - given_).max() <= np.abs(given_).max() / 254 + 1e-6
    assert len(packed(given_[0])) == 4 + 5
    columns = np.arange(10, dtype=np.float32).reshape(5, 2)
    products, squares = kept.times_and_squares(columns, columns[:, 1])
    unpacked = kept.rows(slice(None))
    np.testing.assert_allclose(products, unpacked @ columns, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(squares, unpacked**2 @ columns[:, 1], rtol=1e-4, atol=1e-3)


def test_photos_alike_are_those_that_differ_from_the_usual_in_the_same_way():
    rows = np.random.default_rng(2).normal(5, 1, (300, WIDTH)).astype(np.float32)
    rows[7] = rows[3] + 0.3
    kept = [packed(row) for row in rows]
    parts = [
        (tuple(range(100, 400)[n : n + 128]), Packed.of_bytes(kept[n : n + 128])) for n in range(0, 300, 128)
    ]
    ids, likeness = likenesses(parts, Packed.of_bytes(kept).rows(slice(None))[3])
    assert ids.tolist() == list(range(100, 400))
    best = ids[np.argsort(-likeness)][:2].tolist()
    assert best == [103, 107]
    assert likeness.max() == pytest.approx(1, abs=1e-3)
    assert np.abs(np.delete(likeness, [3, 7])).max() < 0.8
    assert likenesses([], rows[0])[0].tolist() == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("like:5", (5, "")),
        ("boat like:12 sea", (12, "boat sea")),
        ("LIKE:7 sea", (7, "sea")),
        ("like:x", (None, "like:x")),
        ("unlike:5", (None, "unlike:5")),
        ("like:1234567890123456789", (None, "like:1234567890123456789")),
        ("", (None, "")),
    ],
)
def test_a_query_may_name_a_photo_that_others_are_like(words, found):
    assert like_in(words) == found


# lessons -------------------------------------------------------------------------------------------------


def test_what_is_to_be_seen_is_learned_and_the_promise_is_kept_on_other_photos():
    has = np.arange(600) % 8 == 0
    lesson = Teacher(vectors(600, 0, has, 6.0), np.arange(600)).learn(*sides(has))
    assert lesson.threshold is not None
    assert lesson.promise >= PROMISE
    assert lesson.found > 0.7
    new = np.arange(4000) % 8 == 1
    given_ = gets(lesson, vectors(4000, 1, new, 6.0))
    assert new[given_].mean() >= PROMISE
    assert given_[new].mean() > 0.7


def test_what_is_not_to_be_seen_is_not_offered():
    teacher = Teacher(vectors(600, 0), np.arange(600))
    for draw in range(10):
        has = np.random.default_rng(draw).random(600) < 0.1
        lesson = teacher.learn(*sides(has))
        assert lesson.threshold is None
        assert lesson.promise == 0


def test_photos_of_one_shoot_prove_nothing_about_others():
    """Photos of a shoot are nearly the same: by them alone, everything can be "found" that was learned by heart."""
    shoots = np.arange(600) // 6
    rows = np.random.default_rng(0).normal(size=(100, WIDTH))[shoots] + np.random.default_rng(1).normal(
        0, 0.05, (600, WIDTH)
    )
    photos, has = Packed.room(600, WIDTH), np.isin(shoots, np.arange(0, 100, 5))
    photos.put(0, rows.astype(np.float32))
    by_heart = Teacher(photos, np.arange(600)).learn(*sides(has))
    assert by_heart.threshold is not None, "what this test is about"
    assert Teacher(photos, shoots).learn(*sides(has)).threshold is None


def test_a_shoot_counts_as_one_case():
    has = np.arange(400) % 4 == 0
    photos = vectors(400, 0, has, 12.0)
    assert Teacher(photos, np.arange(400)).learn(*sides(has)).given > 90
    shoots = np.where(has, np.arange(400) % 7, np.arange(400) + 7)
    few = Teacher(photos, shoots).learn(*sides(has))
    assert few.threshold is None, "seven cases prove nothing, however many photos they are"


@pytest.mark.parametrize(("yes", "shoots"), [(FEWEST - 1, FEWEST - 1), (40, FOLDS - 1)])
def test_of_too_few_photos_or_occasions_nothing_is_learned(yes, shoots):
    has = np.arange(200) < yes
    teacher = Teacher(vectors(200, 0), np.where(has, np.arange(200) % shoots, np.arange(200) + shoots))
    assert teacher.learn(*sides(has)) is None


# examples ------------------------------------------------------------------------------------------------


def read(name: str, *tags: str, ours: tuple[str, ...] = (), away: tuple[str, ...] = ()) -> Outcome:
    return Outcome(Path(name), Status.UNCHANGED, (*tags, *ours), ours=ours, away=away)


def test_what_a_person_said_is_an_example_and_what_tagroll_wrote_is_none():
    examples = Examples()
    examples.add("boat", read("a", "Things|Our boat", "sea"), 0, ())
    examples.add("ours", read("b", "sea", ours=("our boat",)), 1, ())
    examples.add("other", read("c", "sea"), 2, ())
    examples.add("rejected", read("d"), 3, {"our boat"})
    examples.add("away", read("e", away=("Our Boat",)), 4, ())
    examples.add("nothing", read("f", ours=("sea",)), 5, ())
    places = {picture: place for place, picture in enumerate(examples.said)}
    pictures = list(places)

    def named(word: str) -> tuple[list[str], list[str]]:
        yes, no = examples.sides(word, places)
        return [pictures[n] for n in yes], [pictures[n] for n in no]

    # few photos are tagged: one without a person's tags is taken for one without the boat
    assert named("our boat") == (["boat"], ["other", "rejected", "away", "nothing"])
    assert named("sea") == (["boat", "ours", "other"], ["rejected", "away"])
    assert examples.tag("our boat") == "Our boat"
    assert examples.words(1) == ["our boat", "sea"]
    assert examples.words(2) == ["sea"]


def test_photos_that_nobody_tagged_say_nothing_where_others_do():
    examples = Examples()
    for n in range(120):
        examples.add(f"tagged {n}", read(str(n), "sea" if n % 2 else "boat"), n, ())
    examples.add("untagged", read("u"), 200, ())
    places = {picture: place for place, picture in enumerate(examples.said)}
    _, no = examples.sides("dog", places)
    assert places["untagged"] not in no
    _, no = examples.sides("boat", places)
    assert places["untagged"] in no, "60 others are few"


def test_copies_of_a_picture_are_one_and_a_word_in_two_places_is_none():
    examples = Examples()
    examples.add("p", read("a.jpg", "Places|Paris"), 4, ())
    examples.add("p", read("b.jpg", "boat"), 9, ())
    examples.add("q", read("c.jpg", "People|Paris", "Boat", "Boat"), 5, ())
    assert examples.shoots == {"p": 4, "q": 5}
    assert examples.words(1) == ["boat"]
    assert examples.tag("boat") == "Boat"


# telling -------------------------------------------------------------------------------------------------


def lesson_of(tag: str, bias: float, threshold: float | None, model: str = FEATURES) -> Learned:
    weights = np.zeros(WIDTH + 1, "<f4")
    weights[-1] = bias
    return Learned(tag, model, 20, 80, threshold, weights=weights.tobytes())


SEEN = Features(FEATURES, packed(np.ones(WIDTH, np.float32)))


def test_sure_words_stand_before_those_of_the_model_and_others_are_only_told():
    words = LearnedWords([
        lesson_of("our boat", 2.0, 0.8),  # .88
        lesson_of("Bella", -1.5, 0.1),  # .18: sure enough, though it is less than any proposal
        lesson_of("garden", 0.0, 0.6),  # .5
        lesson_of("Anna", 3.0, None),
        lesson_of("dusk", -3.0, 0.9),
        lesson_of("old", 9.0, 0.5, model="another network"),
    ])  # fmt: skip
    chances = words.chances(SEEN)
    assert chances.keys() == {"our boat", "Bella", "garden", "Anna"}
    assert chances["garden"] == 0.5
    said = words.added(
        Description(("Sea", "Our Boat"), "m", confidences={"Sea": 0.9, "garden": 0.6}), chances
    )
    assert said.keywords == ("our boat", "Bella", "Sea")
    assert said.confidences == {"Sea": 0.9, **chances, "garden": 0.6}
    assert words.spellings["bella"] == "Bella"
    both = words.chances_of([SEEN.vector, SEEN.vector])
    assert both == [chances, chances]


def test_without_lessons_of_this_network_it_is_said_what_to_do(tmp_path):
    with Catalog(tmp_path / "c.sqlite") as catalog:
        with pytest.raises(UsageError, match="nothing has been learned"):
            LearnedWords.of(catalog)
        catalog.learned.replace({"old": lesson_of("old", 9.0, 0.5, model="another network")})
        with pytest.raises(UsageError, match="another version"):
            LearnedWords.of(catalog)


def test_the_catalog_keeps_what_was_seen_and_learned_and_tells_what_is_new(tmp_path):
    with Catalog(tmp_path / "c.sqlite") as catalog:
        chances = AllChances(catalog)
        assert chances.all() == {}
        learned = {"our boat": lesson_of("our boat", 2.0, 0.8), "dusk": lesson_of("dusk", -3.0, None)}
        catalog.learned.replace(learned)
        assert catalog.learned.all() == learned
        catalog.features.keep("p", SEEN)
        catalog.features.keep("q", Features("another network", SEEN.vector))
        catalog.features.settled()
        assert catalog.features.find("p", FEATURES) == SEEN
        assert catalog.features.find("q", FEATURES) is None
        assert list(chances.all()) == ["p"]
        catalog.features.keep("r", SEEN)
        catalog.features.settled()
        assert list(chances.all()) == ["p", "r"]
        assert chances.added(None, "r").keywords == ("our boat",)
        assert chances.added(None, "q") is None
        catalog.learned.replace({})
        assert chances.all() == {}
        catalog.features.forget()
        assert catalog.features.find("p", FEATURES) is None
