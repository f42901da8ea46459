"""`tagroll learn`, `tag --learned` and `find --like`, as a user has them: a word that no model knows."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from support.judge import exiftool_folder, write_by_exiftool
from support.runs import EXAMPLES, contents, listed
from support.stub import Stub, keywords

pytest.importorskip("onnxruntime", reason="the built-in model needs it")

BOATS, NEW = 24, 3


def scene(path: Path, number: int, *, boat: bool) -> Path:
    """A part of one of the example photos; with our boat, which is striped like no other one."""
    sources = sorted(EXAMPLES.glob("*.jpg"))
    with Image.open(sources[number % len(sources)]) as opened:
        image = opened.convert("RGB").resize((420, 420))
    left, top = 13 * number % 90, 29 * number % 90
    image = image.crop((left, top, left + 330, top + 330))
    if boat:
        draw, x, y = ImageDraw.Draw(image), 20 + 17 * number % 70, 40 + 11 * number % 60
        for stripe in range(9):
            colour = ((230, 40, 40), (250, 250, 250), (30, 60, 200))[stripe % 3]
            left = x + 22 * stripe
            draw.polygon([(left, y), (left + 22, y), (left + 4, y + 160), (left - 18, y + 160)], fill=colour)
    image.save(path, quality=88)
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library in which a person tagged their boat, and new photos, half of them of the boat."""
    folder = tmp_path / "photos"
    for name in ("old", "new"):
        (folder / name).mkdir(parents=True)
    boats = [scene(folder / f"old/boat{n}.jpg", n, boat=True) for n in range(BOATS)]
    others = [scene(folder / f"old/other{n}.jpg", n, boat=False) for n in range(BOATS)]
    write_by_exiftool("-XMP-dc:Subject=our boat", "-XMP-lr:HierarchicalSubject=Things|our boat", *boats)
    write_by_exiftool("-XMP-dc:Subject=outing", *others)
    for n in range(NEW):
        scene(folder / f"new/boat{n}.jpg", n + 30, boat=True)
        scene(folder / f"new/other{n}.jpg", n + 30, boat=False)
    return folder


def tags_in(folder: Path) -> dict[str, list[str]]:
    said = exiftool_folder(folder, "-XMP-dc:Subject")
    return {name: listed(row.get("XMP-dc:Subject")) for name, row in said.items()}


def test_a_word_of_ones_own_is_learned_given_rejected_and_taken_back(tagroll, library):
    new = library / "new"
    assert tagroll("tag", "--learned", new).code == 2, "nothing is learned yet"
    before = contents(library)
    old = library / "old"
    learned = tagroll("learn", old, "--json")
    assert learned.code == 0, learned
    assert contents(library) == before, "learning writes nothing"
    rows = {row["tag"]: row for row in learned.rows}
    assert rows["our boat"]["given"]
    assert rows["our boat"]["examples"] == BOATS
    assert rows["our boat"]["at_least"] >= 0.85
    assert tagroll("learn", "--list", "--json").rows == learned.rows

    with Stub(usual=keywords("Sky", "our boats")) as server:
        run = ("tag", "--learned", new, "--api-url", server.url, "--json")
        assert tagroll(*run, "--review").code == 0
        assert contents(library) == before
        proposed = {row["tag"]: row["photos"] for row in tagroll("tags", "--proposals", new, "--json").rows}
        assert {Path(one["path"]).stem[:4] for one in proposed["Things|our boat"][:NEW]} == {"boat"}
        dry = tagroll(*run, "--dry-run", "--ban", "our boat")
        assert not any("boat" in tag for row in dry.photos.values() for tag in row["tags"])
        done = tagroll(*run)
        given = {name for name, row in done.photos.items() if "Things|our boat" in row["tags"]}
        assert given == {f"boat{n}.jpg" for n in range(NEW)}
        assert tags_in(new)["boat0.jpg"][:2] == ["our boat", "Sky"], "in the person's own letters"
        assert all(
            row["confidences"]["Things|our boat"] > 0.5 for name, row in done.photos.items() if name in given
        )

        # what tagroll wrote is no example
        again = {row["tag"]: row for row in tagroll("learn", old, new, "--json").rows}
        assert again["our boat"]["examples"] == BOATS
        assert again["our boat"]["others"] == BOATS + NEW, "all but those that tagroll says are of the boat"

        # what a person took away stays away, and is an example of what the tag is not
        assert tagroll("tags", "remove", "Things|our boat", new / "boat1.jpg").code == 0
        tagroll(*run, "--fresh")
        assert "our boat" not in tags_in(new)["boat1.jpg"]
        assert "our boat" in tags_in(new)["boat2.jpg"]
        after = {row["tag"]: row for row in tagroll("learn", old, new, "--json").rows}
        assert after["our boat"]["others"] == again["our boat"]["others"] + 1

    assert tagroll("undo").code == 0
    assert tagroll("learn", "--list", "--json").rows != []
    assert tagroll("learn", "--forget").code == 0
    assert tagroll("learn", "--list", "--json").out == ""
    assert tagroll("tag", "--learned", new).code == 2


def test_photos_that_look_like_one_are_found_and_it_is_said_what_was_not_compared(tagroll, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    sources = len(list(EXAMPLES.glob("*.jpg")))
    for n in range(2 * sources):  # two of each scene
        scene(folder / f"{n}.jpg", n, boat=False)
    write_by_exiftool("-XMP-dc:Subject=first", *(folder / f"{n}.jpg" for n in range(sources)))
    assert tagroll("tags", folder).code == 0
    wanted = scene(tmp_path / "elsewhere.jpg", 2 * sources, boat=False)  # a third one of the first scene
    blind = tagroll("find", "--like", wanted, folder)
    assert blind.out == ""
    assert f"{2 * sources} photos not looked at yet" in blind.err
    assert tagroll("learn", folder).code == 0
    found = tagroll("find", "--like", wanted, folder)
    names = [Path(path).name for path in found.out.splitlines()]
    assert set(names[:2]) == {"0.jpg", f"{sources}.jpg"}
    assert len(names) == 2 * sources
    assert "not looked at" not in found.err
    assert "0.jpg" not in tagroll("find", "--like", folder / "0.jpg").out, "not the photo itself"
    combined = tagroll("find", "tag:first", "--like", wanted, "--limit", "2", "--json")
    assert Path(combined.rows[0]["path"]).name == "0.jpg"
    assert [(row["found"], row["tags"]) for row in combined.rows] == [("alike", ["first"])] * 2
    by_number = tagroll("find", "like:1 tag:first", "--json").rows  # as the page asks
    assert [row["found"] for row in by_number] == ["exact"] + ["close"] * (len(by_number) - 1)
    assert len(by_number) >= sources
    assert tagroll("find").code == 2
    (folder / "note.jpg").write_text("no photo")
    assert tagroll("find", "--like", folder / "note.jpg").code == 2
