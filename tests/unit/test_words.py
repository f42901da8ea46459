"""A person's words while tagging: the file they stand in, and what a model's words become."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagroll.errors import UsageError
from tagroll.runs.tag import TagPolicy
from tagroll.runs.words import LIBRARY, WordRequest, read_vocabulary_file, words_in
from tagroll.tags.identity import LEVEL
from tagroll.tags.verdict import Evidence
from tagroll.tags.vocabulary import (
    Vocabulary,
    can_be_written,
    library_vocabulary,
    read_vocabulary,
    vocabulary_text,
)
from tagroll.tags.word_index import WordIndex

ROOT = Path(__file__).parents[2]


def index(*words: str, **more: tuple[str, ...]) -> WordIndex:
    return WordIndex(Vocabulary({**dict.fromkeys(words, ()), **more}))


# the file -----------------------------------------------------------------------------------------------


def test_a_line_may_be_a_path_and_end_in_a_comment():
    found = read_vocabulary(
        "Places|Italy  # 12 photos\n  Malcesine {Malcèsine} # a town\n# all of this\n#tag\nC# 8\n  # only said\nBus {Coach}\n"
    )
    assert found.terms == {
        "Italy": (),
        "Malcesine": ("Malcèsine",),
        "#tag": (),
        "C# 8": (),
        "Bus": ("Coach",),
    }
    assert found.paths["Malcesine"] == "Places|Italy|Malcesine"
    assert (found.paths["Italy"], found.paths["Bus"]) == ("Places|Italy", "Bus")


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8).filter(
    lambda name: can_be_written(name) and LEVEL not in name
)


@settings(max_examples=50)
@given(st.dictionaries(NAMES, st.lists(NAMES, unique=True, max_size=3).map(tuple), max_size=6), st.data())
def test_a_vocabulary_that_is_written_reads_as_it_was(terms, data):
    levels = st.lists(NAMES, max_size=2)
    paths = {term: LEVEL.join([*data.draw(levels), term]) for term in terms}
    if len(set(paths.values())) == len(paths):
        said = vocabulary_text(Vocabulary(terms, paths), dict.fromkeys(terms, "12 photos"))
        assert read_vocabulary(said) == Vocabulary(terms, paths)


@pytest.mark.parametrize("word", ["[x]", "{x}", "a {b}", " a", "# a", "a # b", "", "a  b"])
def test_what_no_line_can_say(word):
    assert not can_be_written(word)


def test_a_library_as_a_vocabulary():
    found = library_vocabulary(
        {"Nature|Forest": 3, "forest": 9, "Sky": 4, "sky": 5, "A|Paris": 1, "B|Paris": 7}
    )
    assert found.paths == {
        "Forest": "Nature|Forest", "sky": "sky", "Paris": "Paris", "B": "B", "A": "A", "Nature": "Nature",
    }  # fmt: skip
    assert list(found.terms)[:3] == ["Forest", "sky", "Paris"]  # the most frequent first


# the index ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "word", "evidence"),
    [
        ("bus", "Bus", Evidence.VOCABULARY),
        ("Coach", "Bus", Evidence.VOCABULARY),
        ("coaches", "Bus", Evidence.VOCABULARY),
        ("woodland", "Forest", Evidence.SYNONYM),
        ("graffitti", "Graffiti", Evidence.SPELLING),
        ("Sea Shore", "Seashore", Evidence.SPELLING),
        ("Grey Cat", "Gray Cat", Evidence.VOCABULARY),
    ],
)
def test_a_word_of_a_model_is_a_word_of_a_person(said, word, evidence):
    match = index("Forest", "Seashore", "Graffiti", "Gray Cat", Bus=("Coach",)).find(said)
    assert match
    assert (match.word, match.evidence) == (word, evidence)


NEVER = [
    line.split(" / ")
    for line in (ROOT / "benchmarks/data/never.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def test_a_word_that_only_looks_alike_is_not_meant():
    assert len(NEVER) == 228
    joined = [
        pair for one, other in NEVER for pair in ((one, other), (other, one)) if index(pair[0]).find(pair[1])
    ]
    assert joined == []


def test_each_word_of_a_list_is_itself_whatever_else_is_on_it():
    words = sorted({word for pair in NEVER for word in pair})
    everything = WordIndex(Vocabulary(dict.fromkeys(words, ())))
    assert {word: match.word for word in words if (match := everything.find(word))} == {
        word: word for word in words
    }


def test_of_two_words_that_are_meant_the_first_one_wins():
    assert index("Sofa", "Settee").find("couch") == index("Sofa").find("couch")
    both = index("Woods", "Woodland")
    assert both.find("Woodland").word == "Woodland"
    assert both.find("Forest").word == "Woods"


def test_what_a_person_keeps_apart_is_not_meant():
    words = WordIndex(Vocabulary({"Forest": (), "Cats": ()}), [("woodland", "Forest"), ("Cat", "Cats")])
    assert words.find("Woodland") is None
    assert words.find("Cat") is None
    assert words.find("Woods").word == "Forest"


def test_the_index_finds_what_comparing_with_every_word_finds():
    """The blocking loses nothing: on our labelled lists, a synonym of the first word of a line."""
    from tagroll.tags.term import term
    from tagroll.tags.verdict import judge

    lines = (ROOT / "benchmarks/data/vocabulary.txt").read_text("utf-8").splitlines()
    meanings = [line.split(" = ") for line in lines if line and line[0] not in "#~"][::5]
    words = [meaning[0] for meaning in meanings]
    listed, terms = WordIndex(Vocabulary(dict.fromkeys(words, ()))), list(map(term, words))
    said = [word for meaning in meanings for word in meaning[1:]]
    assert len(said) > 30
    for word in said:
        every = {other.tag for other in terms if judge(term(word), other).evidence}
        match = listed.find(word)
        assert (match.word in every) if match else not every, word


@pytest.mark.parametrize(
    ("said", "word"),
    [("Dachshund", "Dog"), ("Red Car", "Car"), ("Hot Dog", None), ("Piano", None), ("Dog", None)],
)
def test_a_broader_word_stands_in_for_one_that_says_too_much(said, word):
    assert index("Dog" if said != "Dog" else "Cat", "Car").broader(said) == word


# what a model's words become ----------------------------------------------------------------------------

VOCABULARY = read_vocabulary("Places\n  Italy\n    Malcesine\nDog {Pooch}\nBus {Coach}\n")


def policy(request: WordRequest, merges=(), paths=(), apart=(), counts=(), **more) -> TagPolicy:
    words = request.words_among(dict(merges), paths, apart, dict(counts))
    return TagPolicy(words=words, **more)


def test_the_words_of_a_file_are_used_and_others_stay():
    listed = policy(WordRequest(VOCABULARY))
    assert listed.tags(["coach", "Dogs", "pooch", "Cat"]) == ("Bus", "Dog", "Cat")
    assert listed.words.paths["malcesine"] == "Places|Italy|Malcesine"
    assert "bus" not in listed.words.paths


def test_strict_drops_what_is_not_on_the_list_and_says_so():
    placed = policy(WordRequest(VOCABULARY, strict=True)).placed(["Dachshund", "Cat", "Hot Dog", "bus"])
    assert placed.tags == ("Dog", "Bus")
    assert placed.unlisted == ("Cat", "Hot Dog")


def test_the_tree_of_the_library_says_what_is_broader():
    request = WordRequest(VOCABULARY, strict=True)
    tree = policy(request, paths=["Places|Italy|Lazise|Porto", "People|Anna"])
    assert tree.placed(["porto", "Anna"]).tags == ("Italy",)
    assert policy(request).tags(["porto"]) == ()


def test_the_list_wins_over_what_was_decided_and_that_over_likeness():
    decided = policy(WordRequest(VOCABULARY), {"Pooch": "Hound", "Puppy": "Pooch", "Autobus": "Van"})
    assert decided.tags(["Pooch", "Puppy", "autobus"]) == ("Dog", "Van")


def test_the_words_of_a_library_and_new_ones_from_then_on():
    library = policy(WordRequest(LIBRARY), counts={"Nature|Forest": 3, "Sea": 9, "Paris\u202e": 1})
    assert library.tags(["woodland", "Ocean", "sunset"]) == ("Forest", "Ocean", "Sunset")
    assert library.tags(["Sundown", "Sunsets", "paris"]) == ("Sunset", "Paris")
    strict = policy(WordRequest(LIBRARY, strict=True), counts={"Sea": 9})
    assert [strict.tags(["Sunset"]), strict.tags(["Seas"])] == [(), ("Sea",)]


def test_banned_words_are_never_given_however_they_are_spelled():
    banned = WordRequest(VOCABULARY, banned=words_in(["Photos", "malcesine"]))
    assert policy(banned).tags(["photo", "Malcesine", "Photograph", "pooch"]) == ("Photograph", "Dog")


def test_required_words_are_always_given_and_do_not_count():
    required = policy(WordRequest(required=words_in(["Trips|Lake Garda", "AI"])), max_tags=1)
    assert required.tags(["ai", "Boat", "Sea"]) == ("Lake Garda", "AI", "Boat")
    assert required.tags([]) == ("Lake Garda", "AI")
    assert required.words.paths["lake garda"] == "Trips|Lake Garda"


def test_what_was_written_before_is_what_is_wanted_now_with_the_same_words():
    request = WordRequest(VOCABULARY, strict=True, required=words_in(["AI"]))
    one, other = policy(request), policy(request)
    wanted = {"tags": list(one.tags(["coach", "Dachshund", "Cat"])), "mode": "yours", "captions": []}
    assert other.satisfies(wanted, {**wanted, "tags": list(other.tags(["Coach", "Dachshund", "Cat"]))})
    assert not policy(WordRequest(required=words_in(["New"]))).satisfies(
        wanted, {**wanted, "tags": ["New", "Bus"]}
    )


def test_a_word_option_names_a_file_or_is_the_word(tmp_path, monkeypatch):
    (tmp_path / "words.txt").write_text("\ufeffA\n  B {C}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    found = words_in(["words.txt", "D", "x" * 300])
    assert found.terms == {"A": (), "B": ("C",), "D": (), "x" * 300: ()}
    assert found.paths["B"] == "A|B"
    for bad in ("", "a||b", "x\ny"):
        with pytest.raises(UsageError):
            words_in([bad])


@pytest.mark.parametrize(
    ("data", "why"), [(b"\xff\xfe", "not UTF-8"), ("a\u202eb".encode(), "cannot be a tag")]
)
def test_a_file_of_words_that_cannot_be(tmp_path, data, why):
    (tmp_path / "words.txt").write_bytes(data)
    with pytest.raises(UsageError, match=why):
        read_vocabulary_file(tmp_path / "words.txt")
