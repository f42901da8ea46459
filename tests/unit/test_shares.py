"""Shares and simple disks: nothing is lost on one that replaces files badly, and one that refuses things is written all the same.

A library of our own (tests/support/share.c) plays them to a real child process.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagroll.catalog import Catalog
from tagroll.domain import Photo
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.store import MetadataStore
from tagroll.runs.recover import recover

FILES = Path(__file__).parents[1] / "files"

CHILD = """
import json, sys
from pathlib import Path
from tagroll.domain import Change, Photo
from tagroll.errors import PhotoError
from tagroll.exiftool.pool import available_exiftool
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.store import MetadataStore

def as_photo(path):
    return Photo(path, 0, 0, detect(path.read_bytes()[:HEAD_BYTES], path.suffix))

def attempt(work):
    try:
        return work()
    except PhotoError as error:
        print(f"{type(error).__name__}: {error} | {error.hint}")
    except FileNotFoundError:
        print("gone")

rows = []
with MetadataStore(mtime=sys.argv[1], exiftool=available_exiftool()) as store:
    for path in map(Path, sys.argv[3:]):
        photo, first = as_photo(path), len(rows)
        attempt(lambda: store.write(photo, lambda _: Change(add=("Cat",)), rows.append))
        if sys.argv[2] == "undo":
            for row in reversed(rows[first:]):
                attempt(lambda: store.undo(row, lambda _: None))
        else:
            attempt(lambda: print(path.name, *store.read(as_photo(path)).tags))
    print(*store.notes, sep="\\n")
"""


PLAYER = """
import contextlib, io, json, os, sys
for line in sys.stdin:
    code, arguments, variables = json.loads(line)
    os.environ.update(variables)
    sys.argv = ["-c", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(code, {})
    print(json.dumps(said.getvalue()), flush=True)
"""


@pytest.fixture(scope="module")
def player(share_library: Path) -> Iterator[subprocess.Popen[str]]:
    """A child that runs code on shares of whatever habits: a start costs more than what it does there."""
    variables = {"LD_PRELOAD": str(share_library), "PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", PLAYER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, umask=0o022, env=os.environ | variables,
    ) as child:  # fmt: skip
        yield child


@pytest.fixture
def share(share_library: Path, player: subprocess.Popen[str], tmp_path: Path) -> Callable[..., str]:
    """Copies sample files to a share of such habits and lets a child write them; gives what it says."""

    def play(habits: str, *names: str, then: str = "read", mtime: str = "keep", code: str = CHILD) -> str:
        folder = tmp_path / "share"
        folder.mkdir(exist_ok=True)
        for name in names:
            if not (folder / name).exists():
                shutil.copyfile(FILES / name, folder / name)
                (folder / name).chmod(0o644)
        arguments = [mtime, then, *(str(folder / name) for name in names)]
        variables = {"SHARE": habits, "SHARE_ROOT": str(folder)}
        if code is CHILD:
            player.stdin.write(json.dumps([code, arguments, variables]) + "\n")
            player.stdin.flush()
            return json.loads(player.stdout.readline()).strip()
        own = {"LD_PRELOAD": str(share_library), "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True, text=True, check=False, env=os.environ | own | variables,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout.strip()

    return play


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


KINDS = ("baseline.jpg", "plain.heic", "palette.bmp")  # in process, by exiftool, beside it
TAGGED = "\n".join(f"{name} Cat" for name in KINDS)
REFUSALS = [
    *(f"chmod={number}" for number in ("EPERM", "EACCES", "EINVAL", "EOPNOTSUPP", "ENOSYS")),
    "utime=EPERM", "utime=EOPNOTSUPP", "utime=EACCES", "chown=EPERM", "chown=EINVAL",
    *(f"link={number}" for number in ("EPERM", "EACCES", "EINVAL", "ENOSYS", "EOPNOTSUPP", "EMLINK", "EXDEV")),
    *(f"fsync={number}" for number in ("EINVAL", "EACCES", "EPERM", "EOPNOTSUPP", "ENOSYS")),
    *(f"flock={number}" for number in ("EPERM", "EACCES", "EINVAL", "ENOSYS", "EOPNOTSUPP", "ENOLCK", "EBADF")),
    "fcntl=EACCES", "listxattr=EPERM", "listxattr=EACCES", "listxattr=EINVAL", "listxattr=EOPNOTSUPP",
    "setxattr=EPERM", "setxattr=EOPNOTSUPP", "syncfolder=EINVAL", "syncfolder=EOPNOTSUPP",
    "chmod=EPERM utime=EPERM link=EPERM flock=ENOLCK fsync=EINVAL syncfolder=EINVAL listxattr=EOPNOTSUPP",
]  # fmt: skip


# replacing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("habits", ["oldcifs", "busy=EACCES", "busy=EBUSY", "busy=ETXTBSY"])
def test_what_is_replaced_is_closed_first(share, tmp_path, habits):
    assert share(habits, *KINDS) == TAGGED
    assert names(tmp_path / "share") == sorted([*KINDS, "palette.bmp.xmp"])


@pytest.mark.parametrize("habits", ["oldcifs", "busy=EACCES"])
def test_and_so_it_is_when_it_is_taken_back(share, tmp_path, habits):
    assert share(habits, *KINDS, then="undo") == ""
    assert names(tmp_path / "share") == sorted(KINDS)
    for name in KINDS:
        assert (tmp_path / "share" / name).read_bytes() == (FILES / name).read_bytes()


HELD = CHILD.replace("import json", "held = [open(name) for name in __import__('sys').argv[3:]]\nimport json")


@pytest.mark.parametrize("name", ["baseline.jpg", "plain.heic"])
def test_a_photo_that_the_disk_takes_away_is_put_back_at_once(share, tmp_path, name):
    """Another program, here the child itself, has it open."""
    assert share("oldcifs", name, code=HELD) == f"{name} Cat"
    assert names(tmp_path / "share") == [name]


@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png"])
def test_a_photo_that_another_program_has_open_stays_as_it_was(share, tmp_path, name):
    said = share("busy=EACCES", name, code=HELD)
    assert "another program has it open" in said
    assert (tmp_path / "share" / name).read_bytes() == (FILES / name).read_bytes()
    assert names(tmp_path / "share") == [name]


CATALOGUED = (
    HELD.replace(
        "rows = []",
        "from tagroll.catalog import Catalog\n" + "rows = Catalog(Path(sys.argv[3]).parents[1] / 'catalog')",
    )
    .replace("len(rows)", "rows.runs.start('tag', [])")
    .replace("rows.append", "lambda write: rows.journal.add(first, write)")
)


@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png"])
@pytest.mark.parametrize("habits", ["oldcifs killed", "oldcifs stuck"])
def test_a_copy_that_is_the_only_one_stays_until_the_next_run_puts_it_back(share, tmp_path, habits, name):
    said = share(habits, name, code=CATALOGUED)
    (left,) = names(tmp_path / "share")
    assert left.startswith(".tagroll-")
    assert said.startswith("WriteError: the disk took the old file away; the new one is beside it") == (
        habits == "oldcifs stuck"
    )
    store, photo = MetadataStore(), tmp_path / "share" / name
    assert store.remove_leftovers(photo.parent) == 0  # a run with another catalog knows nothing of it
    with Catalog(tmp_path / "catalog") as catalog:
        assert recover(catalog, store) == 1
        assert names(tmp_path / "share") == [name]
        assert store.read(Photo(photo, 0, 0, detect(photo.read_bytes()[:HEAD_BYTES], photo.suffix))).tags == (
            "Cat",
        )
        (writing,) = [catalog.journal.entry(number) for number, *_ in catalog.journal.left(1)]
    assert store.undo(writing.write, lambda _: None)
    assert photo.read_bytes() == (FILES / name).read_bytes()


@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png"])
def test_what_is_left_of_a_photo_that_is_there_goes(share, tmp_path, name):
    share("oldcifs killed", name, code=CATALOGUED)
    (left,) = names(tmp_path / "share")
    shutil.copyfile(FILES / name, tmp_path / "share" / name)  # from a backup
    with Catalog(tmp_path / "catalog") as catalog:
        recover(catalog, MetadataStore())
    assert names(tmp_path / "share") == [name]
    assert (tmp_path / "share" / name).read_bytes() == (FILES / name).read_bytes()
    assert not (tmp_path / "share" / left).exists()


# what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("habits", REFUSALS)
def test_what_a_share_refuses_does_not_matter_where_nothing_is_lost(share, tmp_path, habits):
    said = share(habits, "baseline.jpg", "palette.bmp").splitlines()
    assert said[:2] == ["baseline.jpg Cat", "palette.bmp Cat"]
    assert [line for line in said[2:] if "times" not in line] == []
    assert names(tmp_path / "share") == ["baseline.jpg", "palette.bmp", "palette.bmp.xmp"]


@pytest.mark.parametrize("habits", ["syncfolder=EACCES", "syncfolder=EIO", "syncfolder=EPERM"])
def test_a_folder_that_cannot_be_synced_is_told_once_and_nothing_has_failed(share, habits):
    said = share(habits, *KINDS)
    assert said.startswith(TAGGED + "\nwhat was written is in place, but the disk would not confirm it (")
    assert len(said.splitlines()) == len(KINDS) + 1


@pytest.mark.parametrize("habits", ["syncfolder=EACCES", "syncfolder=EIO"])
def test_nor_when_it_is_taken_back(share, tmp_path, habits):
    assert share(habits, "baseline.jpg", "palette.bmp", then="undo").count("in place") == 1
    assert names(tmp_path / "share") == ["baseline.jpg", "palette.bmp"]


def test_a_disk_with_an_error_is_no_share_that_refuses(share, tmp_path):
    assert "the disk reported an error" in share("fsync=EIO", "baseline.jpg")
    assert (tmp_path / "share" / "baseline.jpg").read_bytes() == (FILES / "baseline.jpg").read_bytes()


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A photo that nobody else may read."""
    photo = tmp_path / "share" / "baseline.jpg"
    photo.parent.mkdir()
    shutil.copyfile(FILES / photo.name, photo)
    photo.chmod(0o600)
    return photo


@pytest.mark.parametrize("habits", ["mode=666 chmod=EPERM", "mode=644 chmod=EOPNOTSUPP", "mode=664 chmod=0"])
def test_a_private_photo_never_becomes_public(share, private, habits):
    said = share(habits, private.name)
    assert "would let others read or change the new file" in said
    assert private.read_bytes() == (FILES / private.name).read_bytes()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert names(private.parent) == [private.name]


@pytest.mark.parametrize("habits", ["mode=666", "mode=644"])
def test_nor_where_permissions_can_be_set(share, private, habits):
    assert share(habits, private.name) == "baseline.jpg Cat"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o664, 0o777])
def test_permissions_that_are_lost_are_told(share, private, mode):
    private.chmod(mode)
    said = share("chmod=EPERM", private.name)
    assert "does not let permissions be set" in said
    assert stat.S_IMODE(private.stat().st_mode) == mode & ~0o022


@pytest.mark.parametrize("habits", ["setxattr=EPERM", "setxattr=EOPNOTSUPP"])
def test_what_a_person_has_put_beside_a_photo_is_not_lost(share, private, habits):
    try:
        os.setxattr(private, "user.xdg.tags", b"holiday")
    except OSError as error:
        pytest.skip(f"no extended attributes on this disk: {error}")
    assert share(habits, private.name) == "baseline.jpg Cat"
    assert private.read_bytes() == (FILES / private.name).read_bytes()
    assert os.getxattr(private, "user.xdg.tags") == b"holiday"
    assert names(private.parent) == [private.name, private.name + ".xmp"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("habits", ["chown=EPERM", "chown=EINVAL"])
def test_an_owner_that_cannot_be_kept_stays_with_the_photo(share, private, habits):
    os.chown(private, 4321, 1234)
    assert share(habits, private.name) == "baseline.jpg Cat"
    assert (private.stat().st_uid, private.stat().st_gid) == (4321, 1234)
    assert private.read_bytes() == (FILES / private.name).read_bytes()
    assert stat.S_IMODE(private.with_name(private.name + ".xmp").stat().st_mode) == 0o600


def test_nothing_is_asked_for_that_is_so_already(share, private):
    """Each of these would stop a run that asks for it without need: the disk has an error there."""
    private.chmod(0o640)
    assert share("chmod=EIO chown=EIO", private.name) == "baseline.jpg Cat"
    assert stat.S_IMODE(private.stat().st_mode) == 0o640
