"""`tagroll tag`, `tags` and `undo` on shares that replace files badly, or refuse things (tests/support/share.c)."""

import shutil
from pathlib import Path

import pytest

from support.runs import contents
from support.stub import Stub, chat, keywords

FILES = Path(__file__).parents[1] / "files"
NAMES = ("baseline.jpg", "lossy.webp", "plain.heic", "single.tif", "raw.dng")
SIDECAR = "raw.dng.xmp"
CIFS = "chmod=EPERM utime=EPERM link=EOPNOTSUPP flock=ENOLCK fsync=EINVAL syncfolder=EINVAL"


@pytest.fixture
def share(share_library, tmp_path):
    """A folder of photos, and the variables that make it a share of such habits."""
    folder = tmp_path / "share"
    folder.mkdir()
    for name in NAMES:
        shutil.copyfile(FILES / name, folder / name)
    return folder, lambda habits: {
        "LD_PRELOAD": str(share_library), "SHARE": habits, "SHARE_ROOT": str(folder),
    }  # fmt: skip


@pytest.mark.parametrize("habits", ["oldcifs", "busy=EACCES", "busy=EBUSY", CIFS])
def test_photos_are_tagged_rewritten_and_put_back(tagroll, share, habits):
    folder, play = share
    before = contents(folder)
    with Stub(usual=keywords("Lake", "Boat")) as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--json", **play(habits))
    assert (done.code, done.summary["tagged"]) == (0, len(NAMES)), done
    assert {path.name for path in folder.iterdir()} == {*NAMES, SIDECAR}
    renamed = tagroll("tags", "rename", "Lake", "Pond", folder, "--json", **play(habits))
    assert (renamed.code, renamed.summary["rewritten"], renamed.summary["beside"]) == (
        0,
        len(NAMES) - 1,
        1,
    ), renamed
    read = tagroll("tags", folder, "--json")
    assert {name: row["tags"] for name, row in read.photos.items()} == {
        name: ["Pond", "Boat"] for name in NAMES
    }
    for _ in range(2):
        assert tagroll("undo", **play(habits)).code == 0
    assert contents(folder) == before


def test_what_a_share_could_not_do_is_said_once(tagroll, share):
    folder, play = share
    with Stub(usual=keywords("Lake")) as server:
        done = tagroll("tag", folder, "--api-url", server.url, **play("syncfolder=EACCES utime=EPERM"))
    assert done.code == 0
    assert f"{len(NAMES)} photos: {len(NAMES)} tagged" in done.err
    assert done.err.count("the disk would not confirm it (Permission denied)") == 1
    assert done.err.count("does not let times be set") == 1


def test_a_run_that_dies_while_the_only_photo_is_away_is_mended_by_the_next(tagroll, share):
    folder, play = share
    only = folder / "baseline.jpg"
    before = only.read_bytes()
    with Stub(usual=keywords("Lake")) as server, only.open("rb") as held:
        assert held.fileno()
        died = tagroll("tag", only, "--api-url", server.url, **play("oldcifs killed heldbyothers"))
        assert (died.code, only.exists()) == (-9, False)
        assert tagroll("tag", folder, "--api-url", server.url).code == 0
    assert only.read_bytes() != before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    for _ in range(2):
        assert tagroll("undo").code == 0
    assert only.read_bytes() == before


@pytest.mark.parametrize("name", ["baseline.jpg", "plain.heic"])
def test_a_photo_that_another_program_has_open_fails_with_the_reason_and_stays(tagroll, share, name):
    folder, play = share
    before = (folder / name).read_bytes()
    with Stub(usual=keywords("Lake")) as server:
        done = tagroll(
            "tag", folder / name, "--api-url", server.url, "--json", **play("busy=EACCES heldbyothers")
        )
    assert done.code == 3
    assert "another program has it open" in done.photos[name]["error"]
    assert (folder / name).read_bytes() == before
    assert {path.name for path in folder.iterdir()} == set(NAMES)


@pytest.mark.parametrize(
    "habits", ["busy=EACCES", f"{CIFS} setxattr=EPERM", "mode=777 chmod=EPERM utime=EINVAL"]
)
def test_copies_are_made_on_a_share_and_taken_back(tagroll, share, photos, habits):
    folder, play = share
    before = contents(folder)
    with Stub(
        usual=chat('{"title": "A lake", "description": "A lake.", "keywords": ["Lake"], "filename": "lake"}')
    ) as s:
        done = tagroll("classify", photos, "-o", folder / "out", "--api-url", s.url, "--json", **play(habits))
    assert done.code == 0, done
    copies = [path.read_bytes() for path in (folder / "out").iterdir() if path.suffix != ".json"]
    assert len(copies) == done.summary["copied"] == done.summary["total"] > 0
    assert set(copies) <= set(contents(photos).values())
    undone = tagroll("undo", **play(habits))
    assert undone.code == 0, undone
    assert contents(folder) == before
