"""What a query means, case by case: tests/query_cases.json, which the page's implementation passes, too."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagroll.catalog import ShownColumns
from tagroll.runs.columns import REVIEW, Columns
from tagroll.runs.find import hints
from tagroll.runs.query import FIELDS, Clause, Query, parse
from tagroll.runs.text_search import expressions_for

TABLE = json.loads((Path(__file__).parents[1] / "query_cases.json").read_text(encoding="utf-8"))


def columns(photos: list[dict[str, Any]]) -> Columns:
    """The columns of photos as the table tells of them, which stands in the order of their numbers."""
    rows = [
        {
            "id": photo["id"], "path": f"/{photo['folder']}/{photo['id']}.jpg".encode(), "aspect": 0,
            "taken": photo["taken"], "modified": photo.get("dated", 0), "camera": photo.get("camera", ""),
            **{name: photo.get(name) for name in ("rating", "latitude", "longitude")},
            "captioned": int(bool(photo.get("title") or photo.get("description"))), "format": "jpeg",
            "unreadable": int("error" in photo), "stamp": "", "picture_hash": "", "tags": json.dumps(photo["tags"]),
            "gone": 0, "version": 1,
        }
        for photo in photos
    ]  # fmt: skip
    found = Columns([Path("/Pictures")])
    found.put(ShownColumns(*(tuple(row[name] for row in rows) for name in ShownColumns._fields)))
    found.mark([photo["id"] for photo in photos if photo.get("review")], REVIEW)
    return found


PHOTOS = columns(TABLE["photos"])


def numbers(fits: np.ndarray) -> list[int]:
    return sorted(PHOTOS.ids()[fits].tolist())


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["query"])
def test_the_table_of_cases(case):
    query = parse(case["query"])
    assert numbers(query.fits(PHOTOS)) == case["ids"]
    assert query.text == case["text"]


def test_the_table_has_cases_of_every_field_that_fit_some_photos_and_not_others():
    for field in FIELDS:
        cases = [
            case for case in TABLE["cases"] if any(term.field == field for term in parse(case["query"]).terms)
        ]
        assert any(0 < len(case["ids"]) < len(PHOTOS) for case in cases), field


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from([*'tag:"-| .year:2019..>=<', "is:", "rating:"]), max_size=30).map("".join)
)
def test_nothing_that_can_be_typed_is_an_error(typed):
    query = parse(typed)
    fits = query.fits(PHOTOS)
    assert (fits.shape, fits.dtype) == ((len(PHOTOS),), bool)
    for term in query.terms:
        if term.mistake:  # then no photo is so, or every one that is not
            assert term.fits(PHOTOS).all() if term.is_not else not term.fits(PHOTOS).any()
    assert all(isinstance(one, str) for one in expressions_for(typed))


@given(
    st.sampled_from(sorted(FIELDS)),
    st.text("abc |-..2019\u00e9", min_size=1, max_size=12).filter(lambda text: text == text.strip()),
    st.booleans(),
)
def test_a_term_that_is_written_out_is_read_back(field, value, is_not):
    term = Clause(field, value, is_not)
    assert parse(str(term)) == Query((term,))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("is:nonsense", "is:nonsense means nothing: there is is:untagged, is:review, is:unreadable"),
        ("has:nothing", "has:nothing means nothing: there is has:gps, has:caption, has:rating, has:date, has:camera"),
        ("year:abc", "year:abc is no date: write year:2019, year:2019-06..2021 or year:2019.."),
        ("date:2019-02-30", "date:2019-02-30 is no date: write date:2019, date:2019-06..2021 or date:2019.."),
        ("rating:many", "rating:many is no number: write rating:4 or rating:3.."),
        ("is:UNTAGGED", ""), ("year:2021..2019", ""), ("tag:nonsense", ""), ("rating:..2", ""),
    ],
)  # fmt: skip
def test_a_value_that_is_none_is_told(typed, said):
    (term,) = parse(typed).terms
    assert term.mistake == said


@pytest.mark.parametrize("photos", [("Beach", "beach"), ("beach", "Beach")])
def test_what_may_have_been_meant_does_not_depend_on_the_order_of_photos(photos):
    assert hints(Looked(photos), "tag:beech") == ("No photo has the tag beech; there is tag:beach (2)",)


class Looked:
    """A gallery of photos with one tag each."""

    def __init__(self, tags):
        self.tags = tags

    def tag_counts(self):
        return dict.fromkeys(self.tags, 1)
