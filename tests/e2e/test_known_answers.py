"""A library that an earlier version tagged: nothing is asked again, and nothing that it wrote is cut down."""

import json
import sqlite3

import pytest

from support.judge import subjects
from support.runs import many
from support.stub import Stub, keywords
from tagroll.models.prompt import build_prompt

WORDS = [f"Word{chr(97 + n)}" for n in range(18)]


@pytest.mark.slow
def test_what_an_earlier_version_asked_and_wrote_stays(tagroll, tmp_path):
    library = many(tmp_path / "library", 3)
    with Stub(usual=keywords(*WORDS)) as server:
        assert (
            tagroll("tag", library, "--api-url", server.url, "--max-tags", "20", "--context", "none").code
            == 0
        )
        before = {path.name: path.read_bytes() for path in library.iterdir()}
        with sqlite3.connect(tmp_path / "catalog.sqlite") as catalog:
            (old,) = (key for key in build_prompt("tags").earlier if key == "83c0836b04161aaf")
            assert catalog.execute("UPDATE answers SET prompt = ?", (old,)).rowcount == 3
        done = tagroll("tag", library, "--api-url", server.url, "--json")
        assert (done.summary["unchanged"], server.chats) == (3, 3)
        assert {path.name: path.read_bytes() for path in library.iterdir()} == before
        many(library / "new", 4)  # three copies, and one that is new
        done = tagroll("tag", library, "--api-url", server.url, "--json")
        assert (done.summary["tagged"], done.summary["unchanged"], server.chats) == (4, 3, 4)
        assert (
            len(subjects(library / "new" / "000.jpg")) == 12
        )  # a photo that is tagged now gets as many as is usual now
        again = tagroll("tag", library / "000.jpg", "--api-url", server.url, "--json", "--max-tags", "5")
        assert len(again.photos["000.jpg"]["tags"]) == 5  # who says how many gets as many


@pytest.mark.slow
def test_what_the_builtin_model_was_not_sure_of_is_a_proposal_and_not_lost(tagroll, photos):
    done = tagroll("tag", photos, "--backend", "builtin", "--json")
    told = {name: row for name, row in done.photos.items() if row.get("confidences")}
    assert told
    for row in told.values():
        assert set(row["confidences"]) <= set(row["tags"])
        assert set(row.get("proposals", {})).isdisjoint(row["tags"])
        assert all(0.3 <= how <= 1 for how in row.get("proposals", {}).values())
    listed = tagroll("tags", photos, "--proposals", "--json")
    proposed = {
        row["tag"]: {one["path"] for one in row["photos"]} for row in map(json.loads, listed.out.splitlines())
    }
    wanted = {(tag, row["path"]) for row in done.photos.values() for tag in row.get("proposals", {})}
    assert wanted
    assert {(tag, path) for tag, paths in proposed.items() for path in paths} == wanted
    plain = tagroll("tags", photos, "--proposals")
    assert f"{len(proposed)} tags proposed" in plain.err
    assert "not sure enough:" in tagroll("tag", photos, "--backend", "builtin", "-v").out
