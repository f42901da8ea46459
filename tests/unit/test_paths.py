"""Where the library has one path for a word, a model's word goes there; what a photo has already stays as it is."""

from pathlib import Path

import pytest

from tagroll.catalog import Catalog, PhotoRow
from tagroll.domain import Metadata
from tagroll.metadata.fields import tags_after
from tagroll.runs.proposal import TagProposal
from tagroll.runs.tag import TagPolicy
from tagroll.runs.words import WordRequest
from tagroll.tags.hierarchy import only_paths

LIBRARY = {
    "Places|Beach", "Places|Beach|Cottesloe", "Places|Paris", "People|Paris", "Trips|2024", "trips|2024", "Sun|Rise", "A|Sun",
    "Food|CAFÉ",
}  # fmt: skip


def test_a_word_has_a_place_where_it_stands_once_in_the_tree():
    assert only_paths(LIBRARY) == {
        "beach": "Places|Beach", "cottesloe": "Places|Beach|Cottesloe", "2024": "Trips|2024", "rise": "Sun|Rise",
        "café": "Food|CAFÉ",
    }  # fmt: skip
    # Paris stands twice, Sun at the root too; Places, People are at the root alone
    assert only_paths(sorted(LIBRARY, reverse=True)) == only_paths(LIBRARY)
    assert only_paths([]) == {}


@pytest.mark.parametrize(
    ("there", "append", "after"),
    [
        ((), True, ("Sunset", "Places|Beach")),
        ((), False, ("Sunset", "Places|Beach")),
        (("Beach",), True, ("Beach", "Sunset")),  # a person's own flat word stays flat
        (("Beach",), False, ("Beach", "Sunset")),
        (("beach", "Old"), False, ("beach", "Sunset")),
        (("Trips|Beach",), True, ("Trips|Beach", "Sunset")),  # where the person has it
        (("Trips|Beach", "Old|Road"), False, ("Trips|Beach", "Sunset")),
        (("Places|Beach", "Trips|Beach"), False, ("Places|Beach", "Trips|Beach", "Sunset")),
        (("Places|Beach|Cottesloe",), True, ("Places|Beach|Cottesloe", "Sunset")),  # says it already
        (("Places|Beach|Cottesloe",), False, ("Sunset", "Places|Beach")),
        (("Places|Beach",), True, ("Places|Beach", "Sunset")),
    ],
)
def test_a_word_is_written_where_the_photo_or_else_the_library_has_it(there, append, after):
    proposal = TagProposal(("Sunset", "Beach"), {}, {"beach": "Places|Beach"})
    seen = Metadata(there)
    assert tags_after(seen, proposal.change(seen, "append" if append else "replace")) == after
    again = Metadata(after)
    assert not proposal.change(again, "append" if append else "replace")


def test_a_place_that_is_known_later_makes_no_photo_new_work():
    """What was wanted of a photo is a word, wherever it is written."""
    before, after = (
        TagPolicy(words=WordRequest().words_among({}, paths)) for paths in ((), ("Places|Beach",))
    )
    wanted = {"tags": list(before.tags(["beach"])), "mode": "yours", "captions": []}
    assert after.satisfies(wanted, {**wanted, "tags": list(after.tags(["beach"]))})
    flat, placed = Metadata(("Beach",)), Metadata(("Places|Beach",))
    for seen in (flat, placed):
        assert not TagProposal(("Beach",), {}, after.words.paths, decided=True).change(seen, "replace")


def test_a_tag_with_a_comma_that_the_library_has_stays_whole():
    policy = TagPolicy(words=WordRequest().words_among({}, ["Places|Paris, France"]))
    assert policy.tags(["Paris, France", "Sun, Sand"]) == ("Paris, France", "Sun", "Sand")


def test_the_catalog_knows_the_paths_of_all_photos_as_they_are_now(tmp_path: Path):
    def row(name: str, *tags: str) -> PhotoRow:
        return PhotoRow(tmp_path / name, "stamp", "", tags)

    with Catalog(tmp_path / "c.sqlite") as catalog:
        assert catalog.photos.paths() == set()
        catalog.photos.index(
            [row("1", "Places|Beach", "Flat"), row("2", "Places|Beach", 'A|"b"'), row("3", "Gone|Beach")]
        )
        assert catalog.photos.paths() == {"Places|Beach", 'A|"b"', "Gone|Beach"}
        catalog.photos.index([row("2", "Beach")])
        catalog.photos.forget([tmp_path / "3"])
        assert catalog.photos.paths() == {"Places|Beach"}
