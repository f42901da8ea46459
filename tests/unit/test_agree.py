"""Photos of one shoot agree on words: what a shoot is, and which word."""

from pathlib import Path

import pytest

from tagroll.catalog import Catalog, PhotoRow
from tagroll.catalog.photos import About
from tagroll.domain import Facts
from tagroll.runs.agree import GAP_S, one_word, shoots
from tagroll.runs.words import WordRequest
from tagroll.tags.decisions import Decisions
from tagroll.tags.languages import Languages, languages_of


def test_a_shoot_ends_where_no_photo_was_taken_for_long():
    times = [0, GAP_S, 2 * GAP_S + 1, 2 * GAP_S + 2]
    taken = [(at, Path(str(i)), ()) for i, at in enumerate(times)]
    assert [[str(path) for path in shoot] for shoot in shoots(taken)] == [["0", "1"], ["2", "3"]]
    assert list(shoots([])) == []


def test_the_catalog_knows_what_was_taken_in_a_folder_and_not_below_it(tmp_path):
    def row(name: str, taken: int | None) -> PhotoRow:
        return PhotoRow(tmp_path / name, "s", "", (name,), about=About("jpeg", Facts(taken=taken)))

    with Catalog(tmp_path / "c.sqlite") as catalog:
        rows = [
            row("b/2", 7),
            row("b/1", 9),
            row("b/3", None),
            row("b/c/4", 8),
            row("bb/5", 8),
            row("b/6", 8),
        ]
        catalog.photos.index(rows)
        (gone,) = catalog.photos.shown_at([tmp_path / "b/6"])
        catalog.photos.set_gone([gone.id])
        assert catalog.photos.taken_in(tmp_path / "b") == [
            (7, tmp_path / "b/2", ("b/2",)),
            (9, tmp_path / "b/1", ("b/1",)),
        ]


@pytest.mark.parametrize(
    ("tags", "decided", "into"),
    [
        ([("Forest",), ("Forest", "Dog"), ("Woodland",)], {}, {"Woodland": "Forest"}),
        ([("Nature|Forest",), ("Nature|Forest",), ("Woodland",)], {}, {"Woodland": "Nature|Forest"}),
        ([("Forest",), ("Forest",), ("Nature|Woodland",)], {}, {"Nature|Woodland": "Forest"}),
        ([("Forest",), ("Nature|Forest",), ("forest",)], {}, {}),  # one tag already
        ([("Forest",), ("Forest",), ("Woodland",)], {"preferred": frozenset({"Woodland"})}, {"Forest": "Woodland"}),
        ([("Forest",), ("Woodland",)], {"apart": frozenset({frozenset({"Forest", "Woodland"})})}, {}),
        ([("Forest",), ("Woodland",)], {"vocabulary": {"Forest": (), "Woodland": ()}}, {}),
        ([("Forest",), ("Forest",), ("Woodland",)], {"into": {"Forest": "Woodland"}}, {"Forest": "Woodland"}),
        ([("Red Car",), ("Blue Car",), ("Car",), ("Dog",), ("Cat",)], {}, {}),
        ([], {}, {}),
    ],
)  # fmt: skip
def test_the_word_of_most_photos_is_used(tags, decided, into):
    assert one_word(tags, Decisions(**decided), Languages()) == into


def test_a_shoot_speaks_the_languages_of_its_library():
    german = languages_of(["Wolke", "Wolken", "Wiese", "Sonnenuntergang"])
    shoot = [("Wolke",), ("Wolke",), ("Wolken",)]
    assert one_word(shoot, Decisions(), german) == {"Wolken": "Wolke"}
    assert one_word(shoot, Decisions(), Languages()) == {}


def test_what_was_agreed_holds_until_a_person_says_otherwise(tmp_path):
    def called(catalog: Catalog, tag: str) -> tuple[str, ...]:
        return WordRequest().words(catalog).named([tag]).tags

    with Catalog(tmp_path / "c.sqlite") as catalog:
        run = catalog.runs.start("tag", [])
        catalog.decisions.agree({"Woodland": "Forest", "Pooch": "Dog"}, run)
        assert called(catalog, "woodland") == ("Forest",)
        assert catalog.decisions.merges() == {}  # it is no decision of a person
        catalog.decisions.agree({"Forest": "Woodland"}, run)  # in the place of what was agreed before
        assert (called(catalog, "Woodland"), called(catalog, "Forest")) == (("Woodland",), ("Woodland",))
        catalog.decisions.decide({"Woodland": "Wald"})
        assert (called(catalog, "Woodland"), called(catalog, "Forest")) == (("Wald",), ("Wald",))
        assert called(catalog, "pooch") == ("Dog",)
        catalog.decisions.decide({}, [{"Dog", "Pooch"}])
        assert called(catalog, "pooch") == ("pooch",)
