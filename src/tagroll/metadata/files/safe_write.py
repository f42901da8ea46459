"""Replacing a file so that at every moment, a power cut included, one whole file stands under its name.

The new bytes go into a temporary file beside the original, which gets the original's owner, mode, extended
attributes, access list and times and is synced; then the journal commits; then the original is compared with
what was read; only then it is replaced, and the folder is synced. Nothing here ever writes into the original.

Two runs on one photo (with different catalogs, say) take turns: `hold` takes an advisory lock on the file.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tagroll.errors import ChangedMeanwhileError, MetadataError, WriteError
from tagroll.metadata.files.platforms import copy_attributes, lock, sync, sync_folder

_LEFTOVER = re.compile(r"\.tagroll-[0-9a-f]{12}\.tmp")
_LOCK_PATIENCE_S = 30.0
_ALONE_AFTER_S = 24 * 3600.0  # where files cannot be locked, a leftover this old has no owner any more
_CHUNK = 1 << 20
_PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FLAGS = _PLAIN | getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a pipe under a photo's name must not be waited for
LARGEST = 2 << 30
"""The most bytes of a file that is held in memory, which it is twice when it is written."""
_ROOM = "make room and run again; what is done stays done"
_REASONS = {
    errno.ENOSPC: ("the disk is full", _ROOM),
    errno.EDQUOT: ("the disk quota is used up", _ROOM),
    errno.EROFS: ("the disk is read-only", "mount it writable"),
    errno.EACCES: ("no permission to write in its folder", "check the folder's permissions"),
    errno.EPERM: ("the system does not allow it", "check owner, permissions and file flags"),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "give the photo a shorter name"),
    errno.EXDEV: ("a hard link cannot lead to another disk", "use --link sym, or make copies"),
    errno.EIO: ("the disk reported an error", "check the disk, and your backup, before going on"),
    errno.ENOENT: ("the file or its folder is gone", ""),
}

BeforeReplace = Callable[[], None]
"""Called when all is ready but nothing is replaced yet; what it raises stops the write."""


class OwnerLostError(WriteError):
    """The new file could not get the original's owner or group. Nothing was written; a sidecar may do."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was read, held open and locked.

    Attributes:
        path: Where it is, symlinks resolved.
        data: All its bytes.
        state: Its `os.stat_result` before the first byte was read.
        fd: The open descriptor.
    """

    path: Path
    data: bytes = field(repr=False)
    state: os.stat_result
    fd: int

    def check_unchanged(self) -> None:
        """Compare what is under the path now with what was read: the same file, times, and bytes.

        Raises:
            ChangedMeanwhileError: It is not the same any more.
        """
        with contextlib.suppress(OSError):
            # the same file as we hold open, so that its bytes can be read there
            if _identity(self.path.lstat()) == _identity(self.state) and _holds(self.fd, self.data):
                return
        raise ChangedMeanwhileError(
            "another program changed the file while tagroll worked on it", "nothing was written; run again"
        )


@contextlib.contextmanager
def hold(path: Path) -> Iterator[Original]:
    """Read a file whole and keep it locked against other tagroll runs until the context ends.

    Args:
        path: A regular file; symlinks resolved.

    Raises:
        MetadataError: It cannot be read.
        WriteError: Another run keeps it locked, or another program is writing it.
    """
    fd, state = _open_locked(path)
    try:
        try:
            data = _read_whole(fd, state)
        except OSError as error:
            raise MetadataError(f"cannot be read: {error.strerror}") from error
        if len(data) != state.st_size or _identity(os.fstat(fd)) != _identity(state):
            raise ChangedMeanwhileError("another program is writing the file", "run again when it is done")
        yield Original(path, data, state, fd)
    finally:
        os.close(fd)


def safe_replace(
    original: Original, new: bytes, *, before_replace: BeforeReplace, touch: bool = False
) -> None:
    """Put new bytes in the place of a held file.

    Args:
        original: The file, from `hold`.
        new: All the bytes it shall have.
        before_replace: Commits the journal.
        touch: Let the modification time be now; by default both times stay, to the nanosecond.

    Raises:
        ChangedMeanwhileError: Another program changed the file; nothing was written.
        OwnerLostError: Owner or group cannot be kept; nothing was written.
        WriteError: The disk is full, read-only, ...; nothing was written.
    """
    folder = original.path.parent
    with temporary(folder) as (fd, name):
        with explained():
            write_all(fd, new)
            keep_owner(fd, original.state)
            copy_attributes(original.fd, fd)
            name.chmod(stat.S_IMODE(original.state.st_mode))
            if not touch:
                os.utime(name, ns=(original.state.st_atime_ns, original.state.st_mtime_ns))
            sync(fd)
        before_replace()
        original.check_unchanged()
        with explained():
            name.replace(original.path)
            sync_folder(folder)


def safe_create(path: Path, new: bytes, *, like: os.stat_result, before_replace: BeforeReplace) -> None:
    """Create a file that does not exist yet; never overwrites.

    Args:
        path: Where; symlinks in its folder resolved.
        new: All its bytes.
        like: State of the file it belongs to: owner (where we may set it) and mode are taken from there.
        before_replace: Commits the journal.

    Raises:
        ChangedMeanwhileError: Another program made such a file meanwhile.
        WriteError: The disk is full, read-only, ...; nothing was written.
    """
    with temporary(path.parent) as (fd, name):
        with explained():
            write_all(fd, new)
            with contextlib.suppress(OwnerLostError):
                keep_owner(fd, like)
            mode = stat.S_IMODE(like.st_mode) & 0o666 | 0o600  # a read-only photo has a writable sidecar
            name.chmod(mode)
            sync(fd)
        before_replace()
        with explained():
            rename_new(name, path)
            sync_folder(path.parent)


def safe_remove(original: Original, *, before_replace: BeforeReplace) -> None:
    """Remove a held file that tagroll created (a sidecar whose creation is undone).

    Raises:
        ChangedMeanwhileError: Another program changed the file; it stays.
        WriteError: It cannot be removed.
    """
    before_replace()
    original.check_unchanged()
    with explained():
        unlink(original.path)


def unlink(path: Path) -> None:
    """Remove a name, for good when this returns."""
    path.unlink()
    with contextlib.suppress(FileNotFoundError):  # another thread found the folder empty then, and removed it
        sync_folder(path.parent)


def remove_leftovers(folder: Path) -> int:
    """Remove the temporary files that killed runs left in a folder; those of living runs are locked and stay.

    Args:
        folder: Looked at without its subfolders; one that cannot be read has nothing to remove.

    Returns:
        How many were removed.
    """
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if _LEFTOVER.fullmatch(entry.name)]
    except OSError:
        return 0
    return sum(_remove_leftover(path) for path in found)


def _remove_leftover(path: Path) -> bool:
    with contextlib.suppress(OSError):  # another run removed it, or it is not ours to remove
        fd = os.open(path, _READ | _FLAGS)
        try:
            state = os.fstat(fd)
            locked = lock(fd)
            age = time.time() - state.st_ctime
            if stat.S_ISREG(state.st_mode) and (locked or (locked is None and age > _ALONE_AFTER_S)):
                path.unlink()
                return True
        finally:
            os.close(fd)
    return False


def _open_locked(path: Path) -> tuple[int, os.stat_result]:
    """Open a file for reading and lock it, waiting for other runs for a while; also gives its state."""
    give_up = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            fd = os.open(path, _READ | _FLAGS)
        except OSError as error:
            raise MetadataError(f"cannot be read: {error.strerror}") from error
        try:
            # where the run we waited for has replaced the file, what we hold is the old one
            if lock(fd) is not False and os.path.samestat(state := os.fstat(fd), path.stat()):
                return fd, state
        except OSError as error:
            os.close(fd)
            raise MetadataError(f"cannot be read: {error.strerror}") from error
        os.close(fd)
        if time.monotonic() > give_up:
            raise WriteError("another program keeps the file locked", "run again when it is done")
        time.sleep(0.02)


def read_file(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        MetadataError: It is no regular file, or too large.
        OSError: It cannot be read.
    """
    fd = os.open(path, _READ | _PLAIN)
    try:
        return _read_whole(fd, os.fstat(fd))
    finally:
        os.close(fd)


def _read_whole(fd: int, state: os.stat_result) -> bytes:
    """Read as many bytes as a file in this state has, and one more if there is one."""
    if not stat.S_ISREG(state.st_mode):
        raise MetadataError("not a regular file")
    size = state.st_size
    if size > LARGEST:
        raise MetadataError(f"too large ({size / 2**30:.1f} GB; {LARGEST >> 30} GB at most)")
    data = os.read(fd, size + 1)
    while len(data) < size and (more := os.read(fd, size + 1 - len(data))):  # one call may give fewer
        data += more
    return data


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[tuple[int, Path]]:
    """Make a locked temporary file, and remove it if it is still there in the end.

    Its name is short, so that it fits wherever the photo's name did.
    """
    with explained():
        fd, name = _open_temporary(folder)
    try:
        yield fd, name
    finally:
        os.close(fd)
        with contextlib.suppress(OSError):  # it has become the photo, or the next start removes it
            name.unlink()


def _open_temporary(folder: Path) -> tuple[int, Path]:
    while True:
        name = folder / f".tagroll-{secrets.token_hex(6)}.tmp"
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        if lock(fd) is not False and os.fstat(fd).st_nlink:
            return fd, name
        os.close(fd)  # another run's `remove_leftovers` was faster than our lock: once more


def write_all(fd: int, data: bytes) -> None:
    """Write all the bytes: one call may take fewer."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def keep_owner(fd: int, wanted: os.stat_result) -> None:
    """Give the new file owner and group of the old one, where they are not the same anyway."""
    is_now = os.fstat(fd)
    if (is_now.st_uid, is_now.st_gid) == (wanted.st_uid, wanted.st_gid):
        return
    try:
        os.fchown(fd, wanted.st_uid, wanted.st_gid)
    except OSError as error:
        raise OwnerLostError("the file belongs to another user or group", "run as its owner") from error


def rename_new(name: Path, path: Path) -> None:
    """Rename, but never over an existing file."""
    try:
        os.link(name, path, follow_symlinks=False)
    except FileExistsError:
        raise _exists() from None
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        if os.path.lexists(path):  # FAT has no hard links: as close as it gets
            raise _exists() from None
        name.rename(path)


def _exists() -> ChangedMeanwhileError:
    return ChangedMeanwhileError("another program made a file of that name meanwhile", "run again")


def _identity(state: os.stat_result) -> tuple[int, ...]:
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _holds(fd: int, data: bytes) -> bool:
    """Whether a file holds exactly these bytes."""
    position = os.lseek(fd, 0, os.SEEK_SET)
    while chunk := os.read(fd, _CHUNK):
        if not data.startswith(chunk, position):
            return False
        position += len(chunk)
    return position == len(data)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Say in plain words why the system refused."""
    try:
        yield
    except OSError as error:
        reason, hint = _REASONS.get(error.errno or 0, (error.strerror or str(error), ""))
        raise WriteError(f"cannot be written: {reason}", hint) from error
