"""Copies: the same bytes, times and attributes; never over a file; both or none; and their way back."""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.photos import as_photo
from tagroll.domain import Change, Photo, Write
from tagroll.errors import ChangedMeanwhileError, MetadataError, WriteError
from tagroll.metadata import copies as copying
from tagroll.metadata.containers.picture import picture_hash
from tagroll.metadata.copies import (
    COPY,
    HARD_LINK,
    JSON,
    SYMBOLIC_LINK,
    XMP,
    NewFile,
    make_files,
    take_back,
    with_metadata,
)
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    path = tmp_path / "photos" / "IMG_1.jpg"
    path.parent.mkdir()
    shutil.copyfile(FILES / "baseline.jpg", path)
    return as_photo(path)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make(photo: Photo, *drafts: NewFile) -> list[Write]:
    rows: list[Write] = []
    make_files(photo, picture_hash(photo.path.read_bytes(), photo.format), drafts, rows.append)
    return rows


def both(folder: Path, engine: str = COPY) -> tuple[NewFile, NewFile]:
    return NewFile(folder / "cat.jpg", engine), NewFile(folder / "cat.json", JSON, b'{"title": "Cat"}')


def test_a_copy_has_the_bytes_times_mode_and_attributes(tmp_path, photo):
    os.utime(photo.path, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    photo.path.chmod(0o640)
    with contextlib.suppress(
        OSError
    ):  # not every disk of a tester can hold it; then there is nothing to lose
        os.setxattr(photo.path, "user.rating", b"5")
    names = os.listxattr(photo.path)
    before = photo.path.stat()
    rows = make(photo, *both(tmp_path / "out"))
    copy = tmp_path / "out" / "cat.jpg"
    assert copy.read_bytes() == photo.path.read_bytes()
    assert copy.stat().st_mtime_ns == before.st_mtime_ns
    assert copy.stat().st_mode == before.st_mode
    assert os.listxattr(copy) == names
    assert copy.stat().st_ino != before.st_ino
    assert (tmp_path / "out" / "cat.json").read_bytes() == b'{"title": "Cat"}'
    assert [(row.engine, row.target.name, row.before_hash) for row in rows] == [
        (COPY, "cat.jpg", ""),
        (JSON, "cat.json", ""),
    ]
    assert names_in(tmp_path / "out") == ["cat.jpg", "cat.json"]


def test_the_journal_comes_before_the_names(tmp_path, photo):
    def journal(row: Write) -> None:
        assert not row.target.exists()
        raise KeyError

    with pytest.raises(KeyError):
        make_files(photo, "", both(tmp_path / "out"), journal)
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize("there", ["cat.jpg", "cat.json"])
@pytest.mark.parametrize("engine", [COPY, HARD_LINK, SYMBOLIC_LINK])
def test_nothing_is_overwritten_and_both_or_none_are_made(tmp_path, photo, there, engine):
    out = tmp_path / "out"
    out.mkdir()
    (out / there).write_bytes(b"somebody else's")
    with pytest.raises(ChangedMeanwhileError):
        make(photo, *both(out, engine))
    assert names_in(out) == [there]
    assert (out / there).read_bytes() == b"somebody else's"


def test_a_photo_that_changes_while_it_is_copied_is_not_half_copied(tmp_path, photo, monkeypatch):
    def clone_and_change(_: int, target: int) -> bool:
        os.write(target, photo.path.read_bytes())
        with photo.path.open("r+b") as file:
            file.write(b"another program")
        return True

    monkeypatch.setattr(copying, "clone", clone_and_change)
    with pytest.raises(ChangedMeanwhileError):
        make(photo, *both(tmp_path / "out"))
    assert names_in(tmp_path / "out") == []


def test_links(tmp_path, photo):
    make(photo, NewFile(tmp_path / "hard.jpg", HARD_LINK), NewFile(tmp_path / "soft.jpg", SYMBOLIC_LINK))
    assert (tmp_path / "hard.jpg").samefile(photo.path)
    assert (tmp_path / "soft.jpg").readlink() == photo.path


def test_a_photo_that_has_gone_is_said(tmp_path, photo):
    photo.path.unlink()
    with pytest.raises(MetadataError):
        make_files(photo, "", both(tmp_path / "out"), lambda _: None)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a small disk")
@pytest.mark.slow
def test_a_full_disk_leaves_nothing_half(tmp_path, photo):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mount refused: {mounted.stderr!r}")
    try:
        (disk / "ballast").write_bytes(bytes(60 * 1024))
        with photo.path.open("ab") as file:
            file.write(bytes(20_000))
        with pytest.raises(WriteError) as caught:
            make(photo, *both(disk / "out"))
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC
        assert names_in(disk / "out") == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_undo_removes_what_nobody_changed(tmp_path, photo):
    rows = make(photo, *both(tmp_path / "out"), NewFile(tmp_path / "out" / "hard.jpg", HARD_LINK))
    rows += make(photo, NewFile(tmp_path / "out" / "soft.jpg", SYMBOLIC_LINK))
    journal: list[Write] = []
    for row in rows:
        assert take_back(row, journal.append, dry_run=True)
    assert len(names_in(tmp_path / "out")) == 4
    assert journal == []
    for row in rows:
        done = take_back(row, journal.append)
        assert done
        assert (done.before_hash, done.after_hash) == (row.after_hash, "")
        assert take_back(row, journal.append) is None  # a second time
    assert names_in(tmp_path / "out") == []
    assert len(journal) == 4
    assert photo.path.read_bytes() == (FILES / "baseline.jpg").read_bytes()


@pytest.mark.parametrize("name", ["cat.jpg", "cat.json"])
def test_undo_leaves_what_was_changed(tmp_path, photo, name):
    rows = {row.target.name: row for row in make(photo, *both(tmp_path / "out"))}
    target = rows[name].target
    target.write_bytes(target.read_bytes() + b"edited")
    with pytest.raises(WriteError, match="changed"):
        take_back(rows[name], lambda _: None)
    assert target.read_bytes().endswith(b"edited")


@pytest.mark.parametrize("loss", ["deleted", "moved", "another picture"])
@pytest.mark.parametrize("engine", [COPY, HARD_LINK])
def test_undo_never_removes_the_last_one_of_a_picture(tmp_path, photo, loss, engine):
    row, _ = make(photo, *both(tmp_path / "out", engine))
    photo.path.rename(photo.path.with_name("elsewhere.jpg"))
    if loss != "moved":
        photo.path.with_name("elsewhere.jpg").unlink()
    if loss == "another picture":
        shutil.copyfile(FILES / "progressive.jpg", photo.path)
        with photo.path.open("r+b") as file:
            file.seek(-200, os.SEEK_END)
            file.write(bytes(100))
    with pytest.raises(WriteError, match="the copy stays"):
        take_back(row, lambda _: None)
    assert row.target.read_bytes() == (FILES / "baseline.jpg").read_bytes()


def test_undo_removes_a_copy_although_the_photo_was_tagged_since(tmp_path, photo):
    row, _ = make(photo, *both(tmp_path / "out"))
    with MetadataStore() as store:
        assert store.write(photo, lambda _: Change(add=("Cat",)), lambda _: None)
    assert take_back(row, lambda _: None)
    assert not row.target.exists()


def test_undo_leaves_a_link_that_leads_elsewhere_now(tmp_path, photo):
    (row,) = make(photo, NewFile(tmp_path / "soft.jpg", SYMBOLIC_LINK))
    row.target.unlink()
    row.target.symlink_to("elsewhere.jpg")
    with pytest.raises(WriteError, match="changed"):
        take_back(row, lambda _: None)
    assert row.target.is_symlink()


@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png", "palette.bmp"])
def test_a_copy_with_more_metadata(tmp_path, name):
    path = tmp_path / name
    shutil.copyfile(FILES / name, path)
    photo, target = as_photo(path), tmp_path / "out" / f"cat{path.suffix}"
    change = Change(add=("Cat",), set={"title": "A cat"})
    drafts = with_metadata(None, photo, target, lambda _: change)
    assert [draft.engine for draft in drafts] == ([COPY, XMP] if name == "palette.bmp" else [COPY])
    make(photo, *drafts)
    with MetadataStore() as store:
        assert store.read(as_photo(target)).tags == ("Cat",)
        assert store.read(as_photo(target)).title == "A cat"
        assert store.picture_hash(as_photo(target)) == store.picture_hash(photo)
    assert path.read_bytes() == (FILES / name).read_bytes()
    assert target.stat().st_mtime_ns == path.stat().st_mtime_ns
