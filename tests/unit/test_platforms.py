"""The branches of macOS and Windows in what replaces files, taken on Linux by a system that says it is another one."""

import ctypes
import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from tagroll.errors import ChangedMeanwhileError
from tagroll.metadata.files import attributes, platforms, temporary
from tagroll.metadata.files.safe_write import hold, safe_create, safe_replace
from tagroll.metadata.files.temporary import remove_leftovers


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the modules that ask believe they run there, without what that system has not got."""

    def become(platform: str) -> None:
        for module in (platforms, temporary, attributes):
            monkeypatch.setattr(module, "sys", SimpleNamespace(platform=platform))
        if platform == "win32":
            monkeypatch.delattr(platforms, "fcntl")
            monkeypatch.delattr(os, "fchown")
            monkeypatch.setattr(os, "link", Mock(side_effect=NotImplementedError("follow_symlinks")))

    return become


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"old")
    os.utime(path, ns=(0, 1_234_567_890_000_000_000))
    return path


def nothing() -> None:
    """A journal that is always ready."""


def test_on_windows_a_file_is_replaced_without_locks_and_folders_are_not_synced(pretend, photo):
    pretend("win32")
    with hold(photo) as first, hold(photo) as second:  # nobody can lock there, so nobody waits
        safe_replace(first, b"new", before_replace=nothing)
        with pytest.raises(ChangedMeanwhileError):
            safe_replace(second, b"newer", before_replace=nothing)
    assert (photo.read_bytes(), photo.stat().st_mtime_ns) == (b"new", 1_234_567_890_000_000_000)
    sidecar = photo.with_suffix(".xmp")
    safe_create(sidecar, b"xmp", like=photo.stat(), before_replace=nothing)
    with pytest.raises(ChangedMeanwhileError):
        safe_create(sidecar, b"other", like=photo.stat(), before_replace=nothing)
    assert sidecar.read_bytes() == b"xmp"
    assert {path.name for path in photo.parent.iterdir()} == {photo.name, sidecar.name}


def test_on_windows_the_time_of_making_does_not_count_as_a_change(pretend):
    made_then, told_otherwise = (
        SimpleNamespace(st_dev=1, st_ino=2, st_size=3, st_mtime_ns=4, st_ctime_ns=n) for n in (5, 6)
    )
    assert platforms.identity(made_then) != platforms.identity(told_otherwise)
    pretend("win32")
    assert platforms.identity(made_then) == platforms.identity(told_otherwise)


def test_on_windows_a_leftover_goes_after_a_day(pretend, photo, monkeypatch):
    left = photo.with_name(".tagroll-0123456789ab.tmp")
    left.write_bytes(b"half")
    pretend("win32")
    assert remove_leftovers(photo.parent) == 0
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    assert remove_leftovers(photo.parent) == 1
    assert not left.exists()


def test_on_macos_the_drive_is_told_to_sync_and_what_a_file_has_is_copied(pretend, photo, monkeypatch):
    pretend("darwin")
    library, calls = Mock(), []
    library.fcopyfile.return_value = 0
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: library)
    monkeypatch.setattr("fcntl.F_FULLFSYNC", 51, raising=False)
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append(fd), real(fd)))
    monkeypatch.setattr("fcntl.fcntl", full := Mock(return_value=0))
    with hold(photo) as original:
        safe_replace(original, b"new", before_replace=nothing)
    assert photo.read_bytes() == b"new"
    (state, flags) = library.fcopyfile.call_args.args[2:]
    assert (state, flags) == (None, 7)  # no state; access list, stat and attributes: copyfile.h
    assert [call.args[1] for call in full.call_args_list] == [51]
    assert len(calls) == 1, "the folder alone is synced in the usual way"
    full.side_effect = OSError(errno.ENOTSUP, "not on this volume")
    with hold(photo) as original:
        safe_replace(original, b"newer", before_replace=nothing)
    assert len(calls) == 3, "and the file, too, where the drive cannot be told"


def test_on_macos_what_cannot_be_copied_is_an_error(pretend, photo, monkeypatch):
    pretend("darwin")
    library = Mock()
    library.fcopyfile.return_value = -1
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: library)
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.EACCES)
    with hold(photo) as original, pytest.raises(attributes.NotKeptError):
        safe_replace(original, b"new", before_replace=nothing)
    assert [path.read_bytes() for path in photo.parent.iterdir()] == [b"old"]
