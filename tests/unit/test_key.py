import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.laws import examples
from tagroll.tags.lexical_key import key, singular, squash
from tagroll.tags.lexicon import everyday
from tagroll.tags.term import term


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("DSLR Dslr dslr", "dslr"),
        ("Outdoor Outdoors outdoors", "outdoor"),
        ("Forest forests FORESTS", "forest"),
        ("#streetPhotography street_photography Street-Photography", "street photography"),
        ("harbour Harbor harbours", "harbor"),
        ("colourful Colorful", "colorful"),
        ("theatre theaters", "theater"),
        ("jewellery Jewelry", "jewelry"),
        ("Zürich zurich", "zurich"),
        ("São_Paulo SaoPaulo", "sao paulo"),
        ("U.S.A. usa", "usa"),
        ("children Child", "child"),
        ("women Woman", "woman"),
        ("leaves Leaf", "leaf"),
        ("boxes Box", "box"),
        ("vases Vase", "vase"),
        ("cities City", "city"),
        ("selfies Selfie", "selfie"),
        ("f/1.8 F/1.8", "f/1.8"),
    ],
)
def test_ways_of_writing_one_word(tags: str, expected: str) -> None:
    assert {key(tag) for tag in tags.split()} == {expected}


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("Black & White", "black and white"),
        ("Valentine's Day", "valentines day"),
        ("Valentine’s Day", "valentines day"),  # noqa: RUF001 - the typographic apostrophe
        ("35mm", "35mm"),
        ("1.8", "1.8"),
        ("Mt. Fuji", "mount fuji"),
        ("ＴＯＫＹＯ", "tokyo"),  # noqa: RUF001 - full width
        ("が", "ガ"),
        ("Дом", "дом"),
        ("Places|Lakes", "place|lake"),
        ("!!!", "!!!"),
        ("", ""),
    ],
)
def test_what_a_key_keeps(tag: str, expected: str) -> None:
    assert key(tag) == expected


@pytest.mark.parametrize(
    "word", ["glasses", "woods", "arms", "falls", "goods", "clothes", "news", "species", "adams", "physics"]
)
def test_plurals_with_a_meaning_of_their_own_stay(word: str) -> None:
    assert singular(word) == word


@pytest.mark.parametrize(
    "word", ["bus", "glass", "paris", "christmas", "texas", "tennis", "canvas", "dress", "cactus"]
)
def test_an_s_at_the_end_is_no_plural(word: str) -> None:
    assert singular(word) == word


def test_two_numbers_are_not_pushed_together() -> None:
    assert squash(key("1 10")) != squash(key("11 0"))
    assert squash(key("35 mm")) == squash(key("35mm"))


@pytest.mark.parametrize(
    ("a", "b"), [("sea shore", "seashore"), ("f/1.8", "f1.8"), ("birds nest", "bird nest"), ("X-ray", "xray")]
)
def test_spaces_and_inner_plurals_do_not_count(a: str, b: str) -> None:
    assert term(a).squashed == term(b).squashed


@examples(150)
@given(st.text(st.characters(categories=["Lu", "Ll", "Nd", "Zs", "Pd", "Pc"]), max_size=20))
def test_case_and_the_spaces_around_never_count(tag: str) -> None:
    lower = tag.lower()
    assert key(f"  {lower} ") == key(lower)
    assert key("#" + lower.strip()) == key(lower) or not any(map(str.isalnum, lower))
    if lower.isascii():
        assert key(lower.upper()) == key(lower)


def test_everyday_synonyms_are_written_as_keys():
    """Nobody else makes keys of them, since a run would wait for that."""
    names = [name for line in everyday()["same"] for name in line.split(" = ")]
    assert [name for name in names if key(name) != name] == []
    assert len(names) > 4000
