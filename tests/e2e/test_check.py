"""`tagroll check`: pictures that were damaged are found, and nothing else is called damaged."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from support.judge import write_by_exiftool
from support.runs import contents
from support.stub import Stub, keywords
from tagroll.catalog import Catalog
from tagroll.runs.check import GONE


@pytest.fixture
def tagged(tagroll, photos) -> Path:
    """Photos that tagroll wrote into, or beside."""
    with Stub(usual=keywords("Lake")) as server:
        assert tagroll("tag", photos, "--api-url", server.url).code == 0
    return photos


def rot(path: Path, at: int) -> None:
    """What a failing disk does: one bit is another one, and size and times are what they were."""
    state = path.stat()
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def errors(done) -> dict[str, str]:
    return {name: row["error"] for name, row in done.photos.items() if row["status"] == "failed"}


def test_all_are_whole_and_nothing_is_written(tagroll, tagged):
    before = contents(tagged)
    done = tagroll("check", "--json")
    assert done.code == 0
    assert len(done.photos) == len(before)
    assert done.summary["unchanged"] == len(before)
    assert contents(tagged) == before


def edited(path: Path) -> None:
    with Image.open(path) as image:
        image.rotate(90, expand=True).save(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def overwritten(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: rot(path, -1000), "its picture has changed, and its size and times have not"),
        (overwritten, "is damaged: "),
        (cut, "is damaged: "),
        (edited, "holds another picture than on "),
    ],
    ids=["rotten", "overwritten", "cut", "edited"],
)
def test_damage_is_named(tagroll, tagged, damage: Callable[[Path], None], said: str):
    whole = tagged.parent / "backup.jpg"
    shutil.copy2(tagged / "dogs.jpg", whole)
    damage(tagged / "dogs.jpg")
    done = tagroll("check", tagged, "--json")
    assert done.code == 3
    assert list(errors(done)) == ["dogs.jpg"]
    assert said in errors(done)["dogs.jpg"]
    assert "from a backup" in done.err
    tagroll("tag", whole, "--backend", "builtin")  # a copy that tagroll has met
    assert f"whole in {whole}" in tagroll("check", tagged).err


def test_what_other_programs_and_undo_do_to_metadata_is_no_damage(tagroll, tagged):
    write_by_exiftool("-XMP-dc:Subject+=Mine", "-Artist=Me", tagged / "dogs.jpg")
    assert tagroll("check", tagged).code == 0
    assert tagroll("undo").code == 0
    assert tagroll("check", tagged).code == 0


def test_rot_in_the_metadata_is_told_apart(tagroll, tagged, tmp_path):
    photo = tagged / "dogs.jpg"
    rot(photo, photo.read_bytes().index(b"Lake"))
    assert tagroll("check", tagged).code == 0  # its change time, too, says that a program may have done it
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        row = catalog.photos.at(photo)
        assert row
        size, mtime, _ = row.stamp.split(".")
        stamp = f"{size}.{mtime}.{photo.stat().st_ctime_ns}"  # a disk that rots changes no time
        catalog._database.commit(
            lambda c: c.execute("UPDATE photos SET stamp = ?, wanted = replace(wanted, ?, ?)", (stamp, row.stamp, stamp))
        )  # fmt: skip
    done = tagroll("check", tagged, "--json")
    assert done.code == 3
    assert "the picture is whole, but dogs.jpg is damaged elsewhere" in errors(done)["dogs.jpg"]


def test_an_edited_photo_is_accepted_until_it_is_another_one_again(tagroll, tagged):
    edited(tagged / "dogs.jpg")
    assert tagroll("check", tagged / "dogs.jpg", "--accept").code == 0
    assert tagroll("check").code == 0
    edited(tagged / "dogs.jpg")
    assert tagroll("check").code == 3
    cut(tagged / "dogs.jpg")
    assert tagroll("check", "--accept").code == 3  # what is broken is nobody's wish


def test_a_photo_that_was_moved_is_checked_where_it_is_and_one_that_is_gone_is_no_failure(tagroll, tagged):
    (tagged / "dogs.jpg").rename(tagged / "moved.jpg")
    (tagged / "cat.png").unlink()
    assert tagroll("tags", tagged).code == 0  # meets it in its new place
    done = tagroll("check", "--json")
    assert done.code == 0
    assert [name for name, row in done.photos.items() if row["error"] == GONE] == ["cat.png"]
    assert done.photos["moved.jpg"]["status"] == "unchanged"


def test_photos_with_sidecars(tagroll, photos):
    with Stub(usual=keywords("Lake")) as server:
        assert tagroll("tag", photos, "--api-url", server.url, "--sidecar", "always").code == 0
    assert tagroll("check").code == 0
    rot(photos / "dogs.jpg", -1000)
    assert list(errors(tagroll("check", "--json"))) == ["dogs.jpg"]


@pytest.mark.usefixtures("tagged")
def test_what_cannot_be_checked_is_said(tagroll, tmp_path):
    assert "written no photo at" in tagroll("check", tmp_path / "nowhere").err
    none = tagroll("check", "--catalog", tmp_path / "none.sqlite")
    assert none.code == 2
    assert "There is no catalog" in none.err
    assert not (tmp_path / "none.sqlite").exists()
