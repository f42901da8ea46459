"""`tagroll find`, as a user runs it on real photos."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.runs import EXAMPLES, environment, tagged

TAGS = {
    "1.jpg": ("Places|Italy|Malcesine", "Lake", "Boat"), "2.jpg": ("Beach", "Person"), "3.jpg": ("beach",), "4.png": ("Blue",),
}  # fmt: skip


@pytest.fixture
def library(tmp_path) -> Path:
    folder = tagged(tmp_path / "photos", TAGS)
    (folder / "Oslo").mkdir()
    (folder / "4.png").rename(folder / "Oslo" / "4.png")
    return folder


def names(done) -> set[str]:
    assert done.code == 0, done
    return {Path(line).name for line in done.out.splitlines()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tag:beach", {"2.jpg", "3.jpg"}), ("tag:beach -tag:person", {"3.jpg"}), ("tag:italy", {"1.jpg"}),
        ("folder:oslo", {"4.png"}), ("malces", {"1.jpg"}), ("lake boat", {"1.jpg"}), ("oslo blue", {"4.png"}),
        ("", {"1.jpg", "2.jpg", "3.jpg", "4.png"}), ("-tag:beach boat", {"1.jpg"}), ("-folder:Oslo tag:lake", {"1.jpg"}),
        ("-has:gps -boat lake", set()), ("-beach -blue", {"1.jpg"}), ("is:untagged", set()),
        ("-is:untagged", {"1.jpg", "2.jpg", "3.jpg", "4.png"}),
    ],
)  # fmt: skip
def test_photos_are_found_by_what_is_typed(tagroll, library, query, found):
    assert names(tagroll("find", query, library)) == found


def test_the_whole_catalog_is_searched_without_a_path_as_it_was_seen(tagroll, library):
    nothing = tagroll("find", "tag:beach")
    assert (nothing.code, nothing.out) == (0, "")
    assert "knows no photos yet" in nothing.err
    tagroll("tags", library)
    assert names(tagroll("find", "tag:beach")) == {"2.jpg", "3.jpg"}
    (library / "3.jpg").unlink()
    gone = tagroll("find", "tag:beach")
    assert names(gone) == {"2.jpg"}
    assert "Not where the catalog says: 1 photo" in gone.err
    assert names(tagroll("find", "tag:beach", library)) == {"2.jpg"}


def test_what_changed_in_a_path_is_seen_first(tagroll, library):
    assert names(tagroll("find", "tag:new", library)) == set()
    photo = tagged(library / "More", {"5.jpg": ("New",)})
    assert names(tagroll("find", "tag:new", library)) == {"5.jpg"}
    shutil.rmtree(photo)
    assert names(tagroll("find", "tag:new", library)) == set()


def test_programs_get_rows_and_zero_bytes(tagroll, library, tmp_path):
    done = tagroll("find", "tag:beach", library, "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert {Path(row["path"]).name: (row["tags"], row["found"], row["why"]) for row in rows} == {
        "2.jpg": (["Beach", "Person"], "exact", ["tag:Beach"]), "3.jpg": (["beach"], "exact", ["tag:beach"]),
    }  # fmt: skip
    assert all(row["date"] is None for row in rows)
    odd = library / os.fsdecode(b"line\nbreak \xff.jpg")
    (library / "3.jpg").rename(odd)
    found = subprocess.run(
        [sys.executable, "-m", "tagroll", "find", "tag:beach -tag:person", str(library), "-0"],
        capture_output=True, env=environment(tmp_path), check=True,
    )  # fmt: skip
    assert found.stdout == os.fsencode(odd) + b"\0"


def test_at_most_so_many(tagroll, library):
    assert len(names(tagroll("find", "", library, "--limit", 2))) == 2


def test_what_is_excluded_is_not_found_and_links_out_are_followed_on_wish(tagroll, library, tmp_path):
    assert names(tagroll("find", "", library, "--exclude", "[12].jpg", "--exclude", "Oslo")) == {"3.jpg"}
    assert names(tagroll("find", "", library)) == {*TAGS}
    assert names(tagroll("find", "", "--exclude", "oslo")) == {"1.jpg", "2.jpg", "3.jpg"}
    assert names(tagroll("find", "", library, "--exclude", "OSLO/4*")) == {"1.jpg", "2.jpg", "3.jpg"}
    outside = tagged(tmp_path / "outside", {"5.jpg": ("Far",)})
    (library / "link").symlink_to(outside)
    assert names(tagroll("find", "tag:far", library)) == set()
    assert names(tagroll("find", "tag:far", library, "--follow-links")) == {"5.jpg"}


def test_when_nothing_is_found_it_says_what_to_try(tagroll, library):
    done = tagroll("find", "tag:beech", library)
    assert (done.code, done.out) == (0, "")
    assert "no photo has the tag beech; there is tag:beach (2)" in done.err.lower()
    done = tagroll("find", "tag:lake tag:person", library)
    assert "Without tag:lake: 1" in done.err
    assert "Without tag:person: 1" in done.err
    done = tagroll("find", "tag:lake zebra", library)
    assert "Without zebra: 1" in done.err
    done = tagroll("find", "tag:lake \N{PARTY POPPER} is:nonsense", library)
    assert "is:nonsense means nothing" in done.err
    assert "\N{PARTY POPPER} has no letters or digits" in done.err


def test_what_is_close_in_meaning_comes_after_and_says_so(tagroll, tmp_path):
    library = tagged(tmp_path / "photos", {"1.jpg": ("Puppy",), "2.jpg": ("Locomotive",), "3.jpg": ("Dog",)})
    assert names(tagroll("find", "dog", library)) == {"3.jpg"}
    done = tagroll("find", "dog", library, "--close", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [(Path(row["path"]).name, row["found"]) for row in rows] == [
        ("3.jpg", "exact"),
        ("1.jpg", "close"),
    ]


def test_a_run_that_is_going_on_keeps_nobody_from_finding(tagroll, library, tmp_path):
    tagroll("tags", library)
    hold = f"""
import sys
from pathlib import Path
from tagroll.catalog import Catalog
with Catalog(Path({environment(tmp_path)["TAGROLL_CATALOG"]!r})) as catalog, catalog.held():
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout.readline() == "held\n"
        assert names(tagroll("find", "tag:beach", library)) == {"2.jpg", "3.jpg"}
        run.communicate("")


def test_every_photo_has_a_row_after_tagging_also_one_that_got_no_tags(tagroll, photos):
    from PIL import Image

    Image.new("RGB", (64, 48), (128, 128, 128)).save(photos / "gray.png")
    done = tagroll("tag", photos, "--backend", "builtin", "--threshold", 0.99, "--json")
    assert done.code == 0, done
    skipped = {name for name, row in done.photos.items() if row["status"] == "skipped"}
    assert "gray.png" in skipped
    found = [json.loads(line) for line in tagroll("find", "", "--json").out.splitlines()]
    assert {Path(row["path"]).name for row in found} == set(done.photos)


@pytest.mark.slow
def test_what_a_model_is_not_sure_of_is_found_until_somebody_has_judged_it(tagroll, tmp_path):
    folder = shutil.copytree(EXAMPLES, tmp_path / "photos")
    assert names(tagroll("find", "is:review", folder)) == set()
    tagroll("tag", folder, "--backend", "builtin", "--review")
    asked = names(tagroll("find", "is:review", folder))
    assert asked
    assert asked.isdisjoint(names(tagroll("find", "-is:review", folder)))
    tagroll("tag", folder, "--backend", "builtin")
    assert names(tagroll("find", "is:review", folder)) < asked
