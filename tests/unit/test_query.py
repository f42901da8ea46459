"""What a query means, case by case: tests/query_cases.json, which the page's implementation passes, too."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagroll.runs.find import Finder
from tagroll.runs.gallery import Matches
from tagroll.runs.query import FIELDS, Clause, Query, Shown, parse
from tagroll.runs.text_search import expressions_for

TABLE = json.loads((Path(__file__).parents[1] / "query_cases.json").read_text(encoding="utf-8"))


def shown(photo: dict[str, Any]) -> Shown:
    facts = {**photo, "tags": tuple(photo["tags"])}
    facts.setdefault("dated", photo["taken"])
    return Shown(path=Path("/", photo["folder"], f"{photo['id']}.jpg"), **facts)


PHOTOS = [shown(photo) for photo in TABLE["photos"]]


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["query"])
def test_the_table_of_cases(case):
    query = parse(case["query"])
    assert [photo.id for photo in PHOTOS if query.matches(photo)] == case["ids"]
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
    for photo in PHOTOS:
        assert query.matches(photo) in (True, False)
    assert all(isinstance(one, str) for one in expressions_for(typed))


@given(
    st.sampled_from(sorted(FIELDS)),
    st.text("abc |-..2019\u00e9", min_size=1, max_size=12).filter(lambda text: text == text.strip()),
    st.booleans(),
)
def test_a_term_that_is_written_out_is_read_back(field, value, is_not):
    term = Clause(field, value, is_not)
    assert parse(str(term)) == Query((term,))


@pytest.mark.parametrize("photos", [("Beach", "beach"), ("beach", "Beach")])
def test_what_may_have_been_meant_does_not_depend_on_the_order_of_photos(photos):
    finder = Finder(None, Looked(photos), "tag:beech")
    assert list(finder.hits()) == []
    assert finder.hints() == ("No photo has the tag beech; there is tag:beach (2)",)


class Looked:
    """A gallery of photos with one tag each."""

    def __init__(self, tags):
        self.photos = [Shown(number, Path("/"), tags=(tag,)) for number, tag in enumerate(tags)]

    def search(self, _words, *, close):
        del close
        return Matches()

    def all_shown(self):
        return iter(self.photos)
