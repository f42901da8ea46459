"""The index of what a gallery shows: rows that stay, catalogs of before, texts that are searched, kept searches."""

import contextlib
import dataclasses
import json
import os
import sqlite3
from pathlib import Path

import pytest

from tagroll.catalog import About, Catalog, PhotoRow
from tagroll.catalog.schema import MIGRATIONS
from tagroll.domain import Facts
from tagroll.runs.text_search import expressions_for

ODD = Path("/photos/2019/Oslo/new\nline \udcff'.jpg")
ABOUT = About("jpeg", Facts(40, 30, 1_500_000_000, "X-T3", 59.9, 10.7, 4), "Sunset", "over water")


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as opened:
        yield opened


def row(path: Path | str = ODD, *tags: str, about: About | None = ABOUT, **more: object) -> PhotoRow:
    return PhotoRow(Path(path), "9.1600000000000000000.1", "", tags, about=about, **more)


def shown(catalog: Catalog) -> dict[str, object]:
    ids = [number for some in catalog.photos.columns(None) for number in some.id]
    return {os.fsdecode(one.path): one for one in catalog.photos.shown_as(ids)}


def listed(catalog: Catalog, folder: str, since: int = -1) -> dict[str, int]:
    """The photos in a folder, and which of them are gone."""
    found = catalog.photos.columns([Path(folder)], since)
    return {
        os.fsdecode(path): gone for some in found for path, gone in zip(some.path, some.gone, strict=True)
    }


def test_a_photo_keeps_its_number_however_its_row_is_written(catalog):
    catalog.photos.index([row("/a/1.jpg", "A"), row(ODD, "B")])
    first = {path: one.id for path, one in shown(catalog).items()}
    assert len(set(first.values())) == 2
    catalog.photos.index([row(ODD, "C")])
    catalog.photos.conclude({}, PhotoRow(ODD, "s", "abc", ("D",), {"tags": ["D"]}))
    catalog.photos.note_failures([(Path("/a/1.jpg"), "jpeg", 5, "is empty", "")])
    catalog.photos.set_gone([first["/a/1.jpg"]])
    catalog.photos.index([row("/a/1.jpg")])
    assert {path: one.id for path, one in shown(catalog).items()} == first


@pytest.mark.parametrize("count", [1, 1200])
def test_of_any_number_of_paths_what_is_at_and_below_them_is_told(catalog, count):
    paths = ["/a/1.jpg", "/a/b/2.jpg", "/a/bc/3.jpg", "/d/4.jpg"]
    catalog.photos.index([row(path) for path in paths])

    def found(*roots):
        more = [Path(f"/nothing/{n}") for n in range(count)]
        some = list(catalog.photos.columns([*map(Path, roots), *more]))
        assert all(one.id for one in some)
        return sorted(os.fsdecode(path) for one in some for path in one.path)

    assert found("/a/b", "/d/4.jpg") == ["/a/b/2.jpg", "/d/4.jpg"]
    assert found("/a/1.jpg", "/a") == paths[:3]
    assert found("/") == paths
    assert found() == []


def test_what_a_file_says_is_kept_as_it_was_said(catalog):
    catalog.photos.index([row(ODD, "A|b", 'q"')])
    found = shown(catalog)[os.fspath(ODD)]
    assert (found.format, found.width, found.height, found.taken, found.camera) == (
        "jpeg",
        40,
        30,
        1_500_000_000,
        "X-T3",
    )
    assert (found.latitude, found.longitude, found.rating, found.title, found.description) == (
        59.9,
        10.7,
        4,
        "Sunset",
        "over water",
    )
    assert (json.loads(found.tags), found.modified, found.gone, found.error) == (
        ["A|b", 'q"'],
        1_600_000_000,
        0,
        "",
    )


def test_reading_a_head_leaves_the_hash_of_the_picture_and_says_whose_it_is(catalog):
    catalog.photos.conclude(
        {}, dataclasses.replace(row(ODD, "A"), picture_hash="abc", wanted={"tags": ["A"]})
    )
    catalog.photos.index([row(ODD, "A")])  # the same file, read for something else
    assert (catalog.photos.at(ODD).picture_hash, catalog.photos.at(ODD).pictured) == ("abc", True)
    catalog.photos.index([dataclasses.replace(row(ODD, "A"), stamp="another.1.1")])
    found = catalog.photos.at(ODD)
    assert (found.picture_hash, found.pictured, found.wanted) == ("abc", False, {"tags": ["A"]})
    assert [path for path, _ in catalog.photos.unhashed()] == [ODD]
    assert shown(catalog)[os.fspath(ODD)].picture_hash == ""
    catalog.photos.note_picture(ODD, "of another time", "def")
    catalog.photos.note_picture(ODD, "another.1.1", "abc2")
    catalog.photos.settled()
    assert (catalog.photos.at(ODD).picture_hash, catalog.photos.at(ODD).pictured) == ("abc2", True)


def test_what_is_not_known_of_a_file_is_asked_of_it(catalog):
    catalog.photos.conclude({}, row(ODD, "A", about=None))
    catalog.photos.settled()
    assert catalog.photos.tags_at([ODD]) == [None]
    catalog.photos.index([row(ODD, "A")])
    assert catalog.photos.tags_at([ODD]) == [(row().stamp, ("A",))]
    catalog.photos.set_gone([shown(catalog)[os.fspath(ODD)].id])
    assert catalog.photos.tags_at([ODD]) == [None]  # when it is back, its row has to say so


def test_a_failure_is_noted_once_and_takes_nothing_away(catalog):
    catalog.photos.index([row(ODD, "A")])
    for _ in range(2):
        catalog.photos.note_failures([(ODD, "jpeg", 5, "is cut off", "Look on its card")])
        version = shown(catalog)[os.fspath(ODD)].version
    found = shown(catalog)[os.fspath(ODD)]
    assert (found.error, found.hint, found.stamp, json.loads(found.tags)) == (
        "is cut off",
        "Look on its card",
        "",
        ["A"],
    )
    assert version == 2
    catalog.photos.index([row(ODD, "A")])
    assert shown(catalog)[os.fspath(ODD)].error == ""


def test_what_has_changed_since_a_version_is_told_also_when_it_is_gone(catalog):
    catalog.photos.index([row("/a/1.jpg"), row("/a/2.jpg"), row("/ab/3.jpg"), row("/a.jpg")])
    assert listed(catalog, "/a") == {"/a/1.jpg": 0, "/a/2.jpg": 0}
    version = max(one.version for one in shown(catalog).values())
    assert listed(catalog, "/a", version) == {}
    catalog.photos.index([row("/a/2.jpg", "New"), row("/ab/3.jpg", "New")])
    catalog.photos.set_gone([shown(catalog)["/a/1.jpg"].id])
    assert listed(catalog, "/a", version) == {"/a/1.jpg": 1, "/a/2.jpg": 0}
    assert listed(catalog, "/a") == {"/a/2.jpg": 0}


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_catalog_of_before_loses_nothing(tmp_path, version):
    path = tmp_path / "old.sqlite"
    old_rows = [
        (os.fsencode(ODD), "1.2.3", "hash", '["A|b","C"]', '{"tags":["C"]}'),
        (b"/read.jpg", "4.5.6", "", '["D"]', None),
        (b"/forgotten.jpg", "", "hash", "[]", None),
    ]
    photos = next(n for n, script in enumerate(MIGRATIONS) if "ALTER TABLE shown RENAME TO photos" in script)
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number, script in enumerate(MIGRATIONS[:version], start=1):
            old.executescript(f"{script} PRAGMA user_version = {number};")
        old.execute("INSERT INTO runs (command, arguments, model, started) VALUES ('tag', '[]', 'm', 0)")
        if version <= photos:
            old.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, ?)", old_rows)
        old.commit()
    for _ in range(2):  # and again, now that it is new
        with Catalog(path) as catalog:
            assert [run.command for run in catalog.runs.all()] == ["tag"]
            if version > photos:
                continue
            assert catalog.photos.at(ODD) == PhotoRow(ODD, "1.2.3", "hash", ("A|b", "C"), {"tags": ["C"]})
            assert catalog.photos.at(Path("/read.jpg")) == PhotoRow(
                Path("/read.jpg"), "4.5.6", "", ("D",), pictured=False
            )
            assert catalog.photos.at(Path("/forgotten.jpg")).stamp == ""
            assert {one.id for one in shown(catalog).values()} == {1, 2, 3}
            catalog.texts.update()
            assert len(catalog.texts.search("b OR d")) == 2


SEARCHED = (
    PhotoRow(
        Path("/p/2019 Oslo/fjord.jpg"),
        "1.1.1",
        "",
        ("Places|Norway", "Café"),
        about=About("jpeg", Facts(camera="X-T3"), "Sunset"),
    ),
    PhotoRow(
        Path("/p/b/IMG_1.jpg"),
        "1.1.1",
        "",
        ("Beach", "Dog"),
        about=About("jpeg", Facts(), "", "A dog runs over the water"),
    ),
    PhotoRow(Path("/p/b/IMG_2.jpg"), "1.1.1", "", ("Beach",), about=About("jpeg", Facts(), "Water dogs", "")),
)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("beach", {2, 3}), ("BEACH dog", {2, 3}), ("beach -dogs", {2}), ("bea", {2, 3}), ("bea dog", set()), ("cafe", {1}),
        ("norw", {1}), ("oslo", {1}), ("fjord", {1}), ("x-t3", {1}), ('"over the water"', {2}), ('"the over"', set()),
        ("title:water", {3}), ("description:water", {2}), ("caption:water", {2, 3}), ("name:img", {2, 3}), ("sunset", {1}),
        ("beach dog ", {2}), ("* OR (", set()), ('"', set()), ("NOT beach", set()), ("-beach", set()), ("tags:beach", set()),
        ("dog AND", set()), ("near(beach dog)", set()), ("sun\0set", set()), ("\0", set()), ("title:\0water", {2, 3}),
        ("norw\udcff", {1}), ("\ud800 norw", {1}), ("-norw\udcff", set()), ("dog do dog", set()),
    ],
)  # fmt: skip
def test_words_are_found_and_can_neither_break_nor_steer_the_search(catalog, words, found):
    catalog.photos.index(SEARCHED)
    catalog.texts.update()
    wanted, unwanted = (set(catalog.texts.search(one)) if one else set() for one in expressions_for(words))
    assert wanted - unwanted == found


@pytest.mark.parametrize(
    "odd",
    [
        row("/1.jpg", "half \ud83d"),
        row("/1.jpg", "Sea", about=dataclasses.replace(ABOUT, title="byte \udcff")),
        row("/1.jpg", "Sea", about=dataclasses.replace(ABOUT, description="\ud800")),
        row("/\udcff/\udcfe.jpg", "Sea"),
    ],
)
def test_what_is_no_text_keeps_nobody_from_being_found(catalog, odd):
    catalog.photos.index([odd, row("/2.jpg", "Dog")])
    catalog.texts.update()
    assert len(catalog.texts.search("dog")) == 1


@pytest.mark.parametrize(("error", "hint"), [("no \udcff", ""), ("no", "see \ud800"), ("no\0", "")])
def test_any_reason_can_be_noted(catalog, error, hint):
    catalog.photos.note_failures([(Path("/1.jpg"), "", 0, error, hint)])
    assert shown(catalog)["/1.jpg"].error.startswith("no")


@pytest.mark.parametrize("way", ["written", "read", "gone"])
def test_what_was_read_before_a_photo_changed_does_not_count(catalog, way):
    catalog.photos.index([row("/1.jpg", "Old"), row("/2.jpg", "Old")])
    as_of = catalog.photos.version()
    if way == "written":
        catalog.photos.conclude({}, row("/1.jpg", "New"))
    elif way == "read":
        catalog.photos.index([row("/1.jpg", "New")])
    else:
        catalog.photos.set_gone([shown(catalog)["/1.jpg"].id])
    catalog.photos.index([row("/1.jpg", "Late"), row("/2.jpg", "Late"), row("/3.jpg", "Late")], as_of)
    tags = {name: json.loads(one.tags) for name, one in shown(catalog).items()}
    assert tags == {**({} if way == "gone" else {"/1.jpg": ["New"]}), "/2.jpg": ["Late"], "/3.jpg": ["Late"]}


def test_texts_follow_what_changes(catalog):
    catalog.photos.index(SEARCHED)
    catalog.texts.update()
    catalog.photos.index([dataclasses.replace(SEARCHED[1], tags=("Cat",))])
    catalog.texts.update()
    assert catalog.texts.search("beach") == [3]
    assert catalog.texts.search("cat") == [2]
    assert catalog._database.read("SELECT version = (SELECT max(version) FROM photos) FROM texts_of") == [
        (1,)
    ]


def test_searches_are_kept_under_a_name(catalog):
    catalog.searches.keep("Sea", "tag:beach")
    catalog.searches.keep("All dogs", "tag:dog")
    catalog.searches.keep("Sea", "tag:sea")
    catalog.searches.remove("none")
    assert catalog.searches.all() == [("All dogs", "tag:dog"), ("Sea", "tag:sea")]
    catalog.searches.remove("Sea")
    assert catalog.searches.all() == [("All dogs", "tag:dog")]
