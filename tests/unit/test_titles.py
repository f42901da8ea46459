"""Titles that are made of the built-in model's words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagroll.models.builtin.titles import title
from tagroll.models.builtin.vision.head import read_vocabulary


@pytest.mark.parametrize(("words", "wanted"), [
    ("person, tennis racket, tennis, racket", "Person playing tennis"),
    ("surfboard, person, surfing, wave, ocean", "Person surfing on the ocean"),
    ("person, snow, skiing, skis, mountain", "Person skiing in the snow"),
    ("person, group, baseball, baseball bat, crowd, field", "People playing baseball in a field"),
    ("person, group, beach", "Group of people at the beach"),
    ("person, crowd, street, sign", "Crowd with sign in the street"),
    ("person, bicycle, child, dog", "Child with bicycle and dog"),
    ("person, water", "Person by the water"),
    ("boat, person, water", "Boat and person on the water"),
    ("bottle, table, plate, furniture", "Bottle and plate on a table"),
    ("pizza, person, table", "Pizza and person at a table"),
    ("chair, table, living room", "Chair in a living room"),
    ("bird, sky, tree", "Bird in the sky"),
    ("tennis, tennis racket", "Tennis and tennis racket"),  # nobody is there to play
    ("mountain, snow, tree, sky", "Mountain, snow and tree"),
    ("bench, furniture, person, park", "Bench and person in a park"),
    ("person", "Person"),
    ("sink, bathroom, mirror, toilet", "Sink and mirror in a bathroom"),
])  # fmt: skip
def test_a_title_says_who_does_what_with_what_where(words: str, wanted: str) -> None:
    assert title(words.split(", ")) == wanted


@given(st.lists(st.sampled_from((*read_vocabulary(), "library", "ship", "vehicle", "animal")), unique=True))
@settings(max_examples=300)
def test_a_title_has_no_word_that_no_tag_makes(words: list[str]) -> None:
    between = {"a", "an", "and", "at", "by", "in", "near", "of", "on", "the", "with"}
    made = {part for word in words for part in word.split()} | between
    if made & {"person", "child", "group", "crowd", "baby"}:
        made |= {"people"}
        made |= {"playing"} if made & {"tennis", "baseball", "soccer", "video"} else set()
    said = title(words).lower().replace(",", "").split()
    assert set(said) <= made
    assert bool(said) == bool(words)
    assert not title(words).lower().endswith(tuple(f" {word}" for word in between))
