"""A file is replaced whole or not at all, and keeps all that belongs to it."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from tagroll.errors import CatalogError, ChangedMeanwhileError, MetadataError, WriteError
from tagroll.metadata.files import platforms, safe_write, temporary
from tagroll.metadata.files.safe_write import hold, safe_create, safe_remove, safe_replace
from tagroll.metadata.files.temporary import remove_leftovers

AS_ROOT = sys.platform != "win32" and os.geteuid() == 0
OLD, NEW = b"old" * 50_000, b"new" * 60_000


def nothing() -> None:
    """A journal that is always ready."""


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(OLD)
    os.utime(path, ns=(1_111_111_111_111_111_111, 1_234_567_890_123_456_789))
    return path


def replace(path, new=NEW, before_replace=nothing, **options):
    with hold(path) as original:
        safe_replace(original, new, before_replace=before_replace, **options)


def names(folder):
    return sorted(os.fsencode(path.name) for path in folder.iterdir())


@pytest.mark.parametrize(
    "state",
    [
        SimpleNamespace(st_flags=stat.UF_IMMUTABLE),
        SimpleNamespace(st_flags=stat.SF_APPEND | stat.UF_HIDDEN),
        SimpleNamespace(st_file_attributes=stat.FILE_ATTRIBUTE_READONLY | stat.FILE_ATTRIBUTE_ARCHIVE),
    ],
)
def test_a_file_that_is_locked_on_macos_or_windows_is_known(state):
    assert platforms.is_protected(state)
    assert not platforms.is_protected(SimpleNamespace(st_flags=stat.UF_HIDDEN))
    assert not platforms.is_protected(SimpleNamespace(st_file_attributes=stat.FILE_ATTRIBUTE_ARCHIVE))


def test_a_locked_file_gets_no_copy_beside_it(monkeypatch, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    monkeypatch.setattr(safe_write, "is_protected", lambda _: True)
    with hold(path) as original, pytest.raises(WriteError, match="is locked"):
        safe_replace(original, b"new", before_replace=lambda: None)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_replaces_and_keeps_mode_and_times_to_the_nanosecond(photo):
    photo.chmod(0o4751)
    replace(photo)
    state = photo.stat()
    assert photo.read_bytes() == NEW
    assert stat.S_IMODE(state.st_mode) == 0o4751
    assert (state.st_atime_ns, state.st_mtime_ns) == (1_111_111_111_111_111_111, 1_234_567_890_123_456_789)
    assert names(photo.parent) == [b"photo.jpg"]


def test_touch_leaves_the_new_time(photo):
    before = time.time_ns()
    replace(photo, mtime="now")
    assert photo.stat().st_mtime_ns >= before - 50_000_000  # the kernel's clock ticks


@pytest.mark.skipif(sys.platform != "linux", reason="os.setxattr is Linux")
def test_extended_attributes_and_access_list_stay(photo):
    try:
        os.setxattr(photo, "user.xdg.tags", b"holiday")
    except OSError as error:
        pytest.skip(f"no extended attributes on this disk: {error}")
    acl = bytes.fromhex(
        "02000000 01000600ffffffff 02000600e8030000 04000400ffffffff 10000600ffffffff 20000400ffffffff"
    )
    os.setxattr(photo, "system.posix_acl_access", acl)  # user 1000 may write
    mode = photo.stat().st_mode
    replace(photo)
    assert os.getxattr(photo, "user.xdg.tags") == b"holiday"
    assert os.getxattr(photo, "system.posix_acl_access") == acl
    assert photo.stat().st_mode == mode


@pytest.mark.skipif(sys.platform != "linux", reason="os.setxattr is Linux")
def test_the_folders_default_access_list_is_not_put_on_a_photo_without_one(photo):
    acl = bytes.fromhex(
        "02000000 01000700ffffffff 02000700e8030000 04000500ffffffff 10000700ffffffff 20000500ffffffff"
    )
    try:
        os.setxattr(photo.parent, "system.posix_acl_default", acl)
    except OSError as error:
        pytest.skip(f"no access lists on this disk: {error}")
    photo.chmod(0o640)
    replace(photo)
    assert "system.posix_acl_access" not in os.listxattr(photo)
    assert stat.S_IMODE(photo.stat().st_mode) == 0o640


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a file away")
def test_owner_stays_when_root_writes(photo):
    os.chown(photo, 4321, 1234)
    replace(photo)
    assert (photo.stat().st_uid, photo.stat().st_gid) == (4321, 1234)


def as_nobody(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a child that has given up root."""
    prelude = "import os, sys\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    modules = "from tagroll.metadata.files.safe_write import *\nfrom tagroll.errors import *\nfrom pathlib import Path\n"
    command = [sys.executable, "-c", modules + prelude + code, *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )


REPLACE = """
with hold(Path(sys.argv[1])) as original:
    try:
        safe_replace(original, b"new", before_replace=lambda: print("journal"))
    except WriteError as error:
        print(type(error).__name__, error, "|", error.hint)
"""


@pytest.fixture
def public():
    """A folder that another user can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.mark.skipif(not AS_ROOT, reason="only root can try how another user fares")
def test_a_photo_of_another_user_is_refused_before_the_journal(public):
    photo = public / "photo.jpg"
    photo.write_bytes(OLD)
    photo.chmod(0o666)
    done = as_nobody(REPLACE, photo)
    assert done.stdout.startswith("OwnerLostError the file belongs"), done
    assert photo.read_bytes() == OLD
    assert names(public) == [b"photo.jpg"]


@pytest.mark.skipif(not AS_ROOT, reason="only root can try how another user fares")
def test_read_only_folder(public):
    photo = public / "photo.jpg"
    photo.write_bytes(OLD)
    os.chown(photo, 65534, 65534)
    public.chmod(0o555)
    done = as_nobody(REPLACE, photo)
    assert done.stdout == (
        "WriteError cannot be written: no permission to write in its folder |"
        " check the folder's permissions\n"
    ), done
    assert photo.read_bytes() == OLD


@pytest.mark.skipif(not AS_ROOT, reason="only root can try how another user fares")
def test_unreadable_photo(public):
    photo = public / "photo.jpg"
    photo.write_bytes(OLD)
    photo.chmod(0o000)
    done = as_nobody(
        "try:\n  with hold(Path(sys.argv[1])): pass\nexcept MetadataError as error: print(error)", photo
    )
    assert done.stdout == "cannot be read: Permission denied\n", done


@pytest.fixture
def small_disk(tmp_path):
    """A disk with room for the photo, but not for its copy."""
    if not AS_ROOT or sys.platform != "linux":
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"mount refused: {made.stderr!r}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_full_disk(small_disk):
    photo = small_disk / "photo.jpg"
    photo.write_bytes(OLD)
    journal = []
    with pytest.raises(WriteError, match="the disk is full") as failure:
        replace(photo, before_replace=lambda: journal.append(1))
    assert failure.value.hint
    assert photo.read_bytes() == OLD
    assert names(small_disk) == [b"photo.jpg"]
    assert not journal


def test_read_only_disk(small_disk):
    photo = small_disk / "photo.jpg"
    photo.write_bytes(b"small")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(WriteError, match="the disk is read-only"):
        replace(photo)
    assert photo.read_bytes() == b"small"


def test_a_journal_that_fails_stops_the_write(photo):
    def fail():
        raise CatalogError("disk full")

    with pytest.raises(CatalogError):
        replace(photo, before_replace=fail)
    assert photo.read_bytes() == OLD
    assert names(photo.parent) == [b"photo.jpg"]


def test_the_new_file_is_whole_and_synced_before_the_journal_commits(photo, monkeypatch):
    events = []
    real = safe_write.sync
    monkeypatch.setattr(
        safe_write, "sync", lambda fd: (events.append(("synced", os.fstat(fd).st_size)), real(fd))
    )
    monkeypatch.setattr(
        safe_write, "sync_folder", lambda _: events.append(("folder", photo.read_bytes() == NEW))
    )
    replace(photo, before_replace=lambda: events.append(("journal", photo.read_bytes() == OLD)))
    assert events == [("synced", len(NEW)), ("journal", True), ("folder", True)]


def write_in_place(path):
    with path.open("r+b") as file:
        file.write(b"X")


def write_in_place_and_hide_it(path):
    """Same size, same inode, modification time put back."""
    state = path.stat()
    write_in_place(path)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def replace_by_rename(path):
    other = path.with_name("other")
    other.write_bytes(b"X" + OLD[1:])
    other.replace(path)


@pytest.mark.parametrize("meddle", [write_in_place, write_in_place_and_hide_it, replace_by_rename])
def test_another_program_writes_meanwhile(photo, meddle):
    with pytest.raises(ChangedMeanwhileError, match="another program"):
        replace(photo, before_replace=lambda: meddle(photo))
    assert photo.read_bytes() == b"X" + OLD[1:]
    assert names(photo.parent) == [b"photo.jpg"]


def test_the_bytes_are_compared_not_only_the_times(photo, monkeypatch):
    """A disk with coarse time stamps shows a quick change by its bytes only."""
    monkeypatch.setattr(safe_write, "identity", lambda state: (state.st_ino, state.st_size))
    with pytest.raises(ChangedMeanwhileError):
        replace(photo, before_replace=lambda: write_in_place(photo))
    assert photo.read_bytes()[:1] == b"X"


def test_a_photo_deleted_meanwhile_stays_deleted(photo):
    with pytest.raises(ChangedMeanwhileError):
        replace(photo, before_replace=photo.unlink)
    assert names(photo.parent) == []


@pytest.mark.parametrize(
    "name",
    [
        b"new\n-XMP-dc:Title=PWNED\nx.jpg",
        b"-delete.jpg",
        b'it\'s "quoted" $(rm) `x`.jpg',
        b"@args.jpg",
        b"#.jpg",
        b"n" * 251 + b".jpg",
        b"\xff\xfe not utf-8.jpg",
        "cafe\u0301.jpg".encode(),
        "café.jpg".encode(),
    ],
)
def test_any_name(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    try:
        path.write_bytes(OLD)
    except OSError as error:
        pytest.skip(f"this disk does not take the name: {error}")
    replace(path)
    assert path.read_bytes() == NEW
    assert names(tmp_path) == [name]


def test_a_symlink_is_not_followed(photo):
    link = photo.with_name("link.jpg")
    link.symlink_to(photo)
    with pytest.raises(MetadataError), hold(link):
        pass


@pytest.mark.parametrize("path", ["missing.jpg", "folder"])
def test_what_is_no_file_cannot_be_held(tmp_path, path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(MetadataError), hold(tmp_path / path):
        pass


def test_two_holders_take_turns(photo):
    """The second sees what the first wrote, not what was there when it began to wait."""
    seen = []

    def append(letter):
        for _ in range(20):
            with hold(photo) as original:
                seen.append(original.data)
                safe_replace(original, original.data + letter, before_replace=nothing)

    photo.write_bytes(b"")
    threads = [threading.Thread(target=append, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(photo.read_bytes()) == sorted(b"abc" * 20)
    assert len(set(seen)) == 60


def test_nobody_comes_between_closing_and_replacing(photo, monkeypatch):
    """The photo has to be closed for SMB and Windows, and with that its lock is gone, but not that of its folder."""
    real, seen, waiting = Path.replace, [], []

    def wait_and_see():
        with hold(photo) as original:
            seen.append(original.data)

    def replace_late(name, target):
        waiting.append(threading.Thread(target=wait_and_see))
        waiting[0].start()
        waiting[0].join(0.2)
        assert seen == []
        return real(name, target)

    monkeypatch.setattr(Path, "replace", replace_late)
    replace(photo)
    waiting[0].join()
    assert seen == [NEW]


def test_a_number_is_closed_once(photo, monkeypatch):
    """Another thread may have got the number of a closed file for one of its own."""
    real, others = Path.replace, []

    def replace_and_open(name, target):
        others.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(20))
        return real(name, target)

    monkeypatch.setattr(Path, "replace", replace_and_open)
    replace(photo)
    for other in others:
        os.close(other)  # each is still open: closing it a second time would be an error


def test_a_folder_that_another_program_keeps_locked_stops_nobody(photo, monkeypatch):
    monkeypatch.setattr(temporary, "_FOLDER_PATIENCE_S", 0.05)
    fd = os.open(photo.parent, os.O_RDONLY)
    assert platforms.lock(fd)
    replace(photo)
    os.close(fd)
    assert photo.read_bytes() == NEW


def test_waiting_for_a_lock_ends(photo, monkeypatch):
    monkeypatch.setattr(safe_write, "_LOCK_PATIENCE_S", 0.1)
    with hold(photo), pytest.raises(WriteError, match="locked"), hold(photo):
        pass


def test_a_disk_without_locks_does_not_stop_us(photo, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    replace(photo)
    assert photo.read_bytes() == NEW


def test_create_never_overwrites(photo):
    sidecar = photo.with_name("photo.jpg.xmp")
    photo.chmod(0o444)
    safe_create(sidecar, b"new", like=photo.stat(), before_replace=nothing)
    assert sidecar.read_bytes() == b"new"
    assert stat.S_IMODE(sidecar.stat().st_mode) == 0o644
    assert sidecar.stat().st_nlink == 1
    with pytest.raises(ChangedMeanwhileError):
        safe_create(sidecar, b"other", like=photo.stat(), before_replace=nothing)
    assert sidecar.read_bytes() == b"new"
    assert names(photo.parent) == [b"photo.jpg", b"photo.jpg.xmp"]


def test_create_on_a_disk_without_hard_links(photo, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    sidecar = photo.with_name("photo.jpg.xmp")
    safe_create(sidecar, b"new", like=photo.stat(), before_replace=nothing)
    with pytest.raises(ChangedMeanwhileError):
        safe_create(sidecar, b"other", like=photo.stat(), before_replace=nothing)
    assert sidecar.read_bytes() == b"new"


def test_remove_checks_first(photo):
    with hold(photo) as original, pytest.raises(ChangedMeanwhileError):
        safe_remove(original, before_replace=lambda: write_in_place(photo))
    assert photo.exists()
    with hold(photo) as original:
        safe_remove(original, before_replace=nothing)
    assert not photo.exists()


def test_leftovers_of_killed_runs_go_those_of_living_ones_stay(photo):
    dead = photo.with_name(".tagroll-0123456789ab.tmp")
    dead.write_bytes(b"half")
    others = [
        photo.with_name(name) for name in (".tagroll-mine.tmp", "tagroll-0123456789ab.tmp", "notes.tmp")
    ]
    for other in others:
        other.write_bytes(b"not ours")
    removed = []
    replace(photo, before_replace=lambda: removed.append(remove_leftovers(photo.parent)))
    assert removed == [1]
    assert photo.read_bytes() == NEW
    assert not dead.exists()
    assert all(other.exists() for other in others)
    assert remove_leftovers(photo.parent / "missing") == 0


@pytest.mark.parametrize("size", [0, 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 1 << 17])
def test_one_byte_more_less_or_other_is_seen(tmp_path, size):
    data = os.urandom(size)
    others = [data + b"x", *([data[:-1], data[:-1] + bytes([data[-1] ^ 1]), b""] if data else [])]
    for content in (data, *others):
        (tmp_path / "file").write_bytes(content)
        with (tmp_path / "file").open("rb") as file:
            assert safe_write._holds(file.fileno(), data) is (content == data)


def test_a_folder_that_goes_with_its_last_file_is_no_failure(tmp_path, monkeypatch):
    photo = tmp_path / "copies" / "a.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"a copy")
    real = safe_write.sync_folder

    def late(folder: Path) -> None:
        folder.rmdir()  # as another thread of the same undo does
        real(folder)

    monkeypatch.setattr(safe_write, "sync_folder", late)
    with hold(photo) as original:
        safe_remove(original, before_replace=nothing)
    assert list(tmp_path.iterdir()) == []


# reading -------------------------------------------------------------------------------------------------


def test_a_read_that_comes_in_pieces(photo, monkeypatch):
    real = os.read
    monkeypatch.setattr(os, "read", lambda fd, size: real(fd, min(size, 7_001)))
    with hold(photo) as original:
        assert original.data == OLD
        original.check_unchanged()


@pytest.mark.parametrize(
    ("now", "same"), [(b"ab" * 3, True), (b"abab" + b"aa", False), (b"ababa", False), (b"ab" * 4, False)]
)
def test_comparing_looks_at_every_piece(photo, monkeypatch, now, same):
    monkeypatch.setattr(safe_write, "_CHUNK", 2)
    photo.write_bytes(now)
    with photo.open("rb") as file:
        assert safe_write._holds(file.fileno(), b"ab" * 3) is same


def test_what_is_too_large_to_be_held_says_so(photo, monkeypatch):
    monkeypatch.setattr(safe_write, "LARGEST", 1000)
    with pytest.raises(MetadataError, match="too large"), hold(photo):
        pass
    with pytest.raises(MetadataError, match="too large"):
        safe_write.read_file(photo)


def test_one_that_need_not_be_whole_is_left_where_it_is(photo, monkeypatch):
    monkeypatch.setattr(safe_write, "LARGEST", 1000)
    with hold(photo, whole=False) as original:
        assert original.data == b""
        assert original.head(5) == OLD[:5]
        assert b"".join(original.parts()) == OLD
        original.check_unchanged()
        write_in_place(photo)
        with pytest.raises(ChangedMeanwhileError):
            original.check_unchanged()
    assert b"".join(safe_write.pieces(photo)) == b"X" + OLD[1:]


def test_a_pipe_under_a_photos_name_is_not_waited_for(tmp_path):
    pipe, leftover = tmp_path / "a.jpg", tmp_path / ".tagroll-0123456789ab.tmp"
    os.mkfifo(pipe)
    os.mkfifo(leftover)
    with pytest.raises(MetadataError, match="regular"), hold(pipe):
        pass
    with pytest.raises(MetadataError, match="regular"):
        safe_write.read_file(pipe)
    with pytest.raises(MetadataError, match="regular"):
        list(safe_write.pieces(pipe))
    assert remove_leftovers(tmp_path) == 0
    assert leftover.exists()


def test_threads_take_turns_with_a_folder_and_do_not_try_again_and_again(tmp_path, monkeypatch):
    lock, tries, inside = temporary.lock, [], []
    monkeypatch.setattr(temporary, "lock", lambda fd: tries.append(fd) or lock(fd))

    def enter(_):
        with temporary.locked_folder(tmp_path) as locked:
            inside.append(1)
            time.sleep(0.002)
            alone = len(inside)
            inside.pop()
        return locked, alone

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(enter, range(40))) == {(True, 1)}
    assert len(tries) == 40
