"""Replacing a file so that at every moment, a power cut included, one whole file stands under its name.

The new bytes go into a temporary file beside the original, which gets the original's owner, mode, extended
attributes, access list and times and is synced; then the journal commits; then the original is compared with
what was read; only then both are closed, the original is replaced, and the folder is synced. Nothing here ever
writes into the original.

Two runs on one photo (with different catalogs, say) take turns: `hold` takes an advisory lock on the file.
"""

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from tagroll.errors import ChangedMeanwhileError, MetadataError, WriteError
from tagroll.metadata.files.attributes import (
    OwnerLostError,
    keep_attributes,
    keep_mode,
    keep_owner,
    keep_times,
    set_times,
)
from tagroll.metadata.files.order import Later, two_seconds_later
from tagroll.metadata.files.platforms import identity, is_protected, lock, sync, sync_folder
from tagroll.metadata.files.refusals import Tell, os_errors_in_plain_words, untold
from tagroll.metadata.files.temporary import (
    CLOSED_ON_EXEC,
    NOT_FOLLOWED,
    READ,
    give_name,
    locked_folder,
    rename_over,
    temporary,
    when_closed,
)
from tagroll.settings import Mtime

_LOCK_PATIENCE_S = 30.0
_CHUNK = 1 << 20
_SPECIAL = stat.S_ISUID | stat.S_ISGID
LARGEST = 512 << 20
"""The most bytes of a file that is held in memory, which it is several times when it is written."""

BeforeReplace = Callable[[], None]
"""Called when all is ready but nothing is replaced yet; what it raises stops the write."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was read, held open and locked.

    Attributes:
        path: Where it is, symlinks resolved.
        data: All its bytes; none when it is too large to be held and was not asked for whole.
        state: Its `os.stat_result` before the first byte was read.
        file: The open file. It is closed before it is replaced or removed, as SMB and Windows want it.
    """

    path: Path
    data: bytes = field(repr=False)
    state: os.stat_result
    file: FileIO

    @property
    def is_large(self) -> bool:
        """Whether it is too large to be held in memory."""
        return is_large(self.state)

    def parts(self) -> Iterator[bytes]:
        """All its bytes, one part after the other where it is large."""
        if not self.is_large:
            yield self.data
            return
        self.file.seek(0)
        while part := self.file.read(_CHUNK):
            yield part

    def head(self, size: int) -> bytes:
        """Its first bytes."""
        if not self.is_large:
            return self.data[:size]
        self.file.seek(0)
        return self.file.read(size)

    def check_unchanged(self) -> None:
        """Compare what is under the path now with what was read: the same file, times, and bytes.

        Raises:
            ChangedMeanwhileError: It is not the same any more.
        """
        self.check_same_file()
        if self.is_large:
            return
        with contextlib.suppress(OSError):
            # the same file as we hold open, so that its bytes can be read there
            if _holds(self.file.fileno(), self.data):
                return
        raise _changed()

    def check_same_file(self) -> None:
        """As `check_unchanged`, but going by its times alone; for the last look, when it is about to be closed.

        Raises:
            ChangedMeanwhileError: It is not the same any more.
        """
        with contextlib.suppress(OSError):
            if identity(self.path.lstat()) == identity(self.state):
                return
        raise _changed()


def _changed() -> ChangedMeanwhileError:
    return ChangedMeanwhileError(
        "another program changed the file while tagroll worked on it", "Nothing was written; run again"
    )


@contextlib.contextmanager
def hold(path: Path, *, whole: bool = True) -> Iterator[Original]:
    """Read a file whole and keep it locked against other tagroll runs until the context ends.

    Args:
        path: A regular file; symlinks resolved.
        whole: Else the bytes of one that is larger than LARGEST are left where they are.

    Raises:
        MetadataError: It cannot be read.
        WriteError: Another run keeps it locked, or another program is writing it.
    """
    file, state = _open_locked(path)
    try:
        try:
            left = not whole and is_large(state) and stat.S_ISREG(state.st_mode)
            data = b"" if left else _read_whole(file.fileno(), state)
        except OSError as error:
            raise MetadataError(f"cannot be read: {error.strerror}") from error
        if (len(data) != state.st_size and not left) or identity(os.fstat(file.fileno())) != identity(state):
            raise ChangedMeanwhileError("another program is writing the file", "Run again when it is done")
        yield Original(path, data, state, file)
    finally:
        with contextlib.suppress(OSError):  # nothing was written through it, and the disk may be gone
            file.close()


def safe_replace(
    original: Original,
    new: bytes,
    *,
    before_replace: BeforeReplace,
    mtime: Mtime | Later = "keep",
    tell: Tell = untold,
) -> None:
    """Put new bytes in the place of a held file, which is closed then.

    Args:
        original: The file, from `hold`.
        new: All the bytes it shall have.
        before_replace: Commits the journal.
        mtime: Its modification time: as it was, to the nanosecond, two seconds or so much later, or now.
        tell: Is told what the disk could not do.

    Raises:
        ChangedMeanwhileError: Another program changed the file; nothing was written.
        NotKeptError: Owner, access list or attributes cannot be kept; nothing was written.
        WriteError: The disk is full, read-only, ...; nothing was written.
    """
    folder, old = original.path.parent, original.state
    if is_protected(old):
        raise WriteError(
            "cannot be written: the file is locked",
            "Unlock it: Get Info in the Finder, Properties in Windows",
        )
    mode = stat.S_IMODE(old.st_mode)
    with temporary(folder, replaces=original.path, mode=mode & 0o777) as temp:
        with os_errors_in_plain_words():
            keep_owner(temp, old)
            keep_attributes(temp, original.file.fileno())
            keep_mode(temp, mode, tell)
            temp.write(new)
            if mode & _SPECIAL:
                keep_mode(temp, mode, tell)  # writing takes these away
            wanted = _wanted(original, mtime)
            time_ns = None if wanted is None else set_times(temp, old, wanted, tell)
            sync(temp.fd)
        before_replace()
        original.check_unchanged()

        def swap() -> None:
            temp.file.close()
            if time_ns is not None:
                keep_times(temp, old.st_atime_ns, time_ns, tell)  # closing it may have set them on a share
            rename_over(temp, original.path)

        _closed(original, swap)
        sync_names(folder, tell)


def _wanted(original: Original, mtime: Mtime | Later) -> int | None:
    """The modification time that a file shall have, in nanoseconds; None for that of writing."""
    if mtime == "now":
        return None
    old_ns = original.state.st_mtime_ns
    if mtime == "keep":
        return old_ns
    return (two_seconds_later if mtime == "nudge" else mtime)(original.path, old_ns)


def safe_create(
    path: Path, new: bytes, *, like: os.stat_result, before_replace: BeforeReplace, tell: Tell = untold
) -> None:
    """Create a file that does not exist yet; never overwrites.

    Args:
        path: Where; symlinks in its folder resolved.
        new: All its bytes.
        like: State of the file it belongs to: owner (where we may set it) and mode are taken from there.
        before_replace: Commits the journal.
        tell: Is told what the disk could not do.

    Raises:
        ChangedMeanwhileError: Another program made such a file meanwhile.
        WriteError: The disk is full, read-only, ...; nothing was written.
    """
    mode = stat.S_IMODE(like.st_mode) & 0o666 | 0o600  # a read-only photo has a writable sidecar
    with temporary(path.parent, mode=mode) as temp:
        with os_errors_in_plain_words():
            with contextlib.suppress(OwnerLostError):
                keep_owner(temp, like)
            keep_mode(temp, mode, tell)
            temp.write(new)
            sync(temp.fd)
        before_replace()
        with os_errors_in_plain_words():
            give_name(temp, path)
        sync_names(path.parent, tell)


def safe_remove(original: Original, *, before_replace: BeforeReplace, tell: Tell = untold) -> None:
    """Remove a held file that tagroll created (a sidecar whose creation is undone).

    Raises:
        ChangedMeanwhileError: Another program changed the file; it stays.
        WriteError: It cannot be removed.
    """
    before_replace()
    original.check_unchanged()
    _closed(original, original.path.unlink)
    sync_names(original.path.parent, tell)


def unlink(path: Path, tell: Tell = untold) -> None:
    """Remove a name, for good when this returns.

    Raises:
        WriteError: It cannot be removed.
    """
    with os_errors_in_plain_words():
        path.unlink()
    sync_names(path.parent, tell)


def _closed(original: Original, act: Callable[[], None]) -> None:
    when_closed(original.path, original.file, original.check_same_file, act)


def sync_names(folder: Path, tell: Tell) -> None:
    """Bring the names in a folder to the disk. They are right already, so that no failure is one of the photo."""
    try:
        sync_folder(folder)
    except FileNotFoundError:
        pass  # another thread found the folder empty, and removed it
    except OSError as error:
        tell(
            "what was written is in place, but the disk would not confirm it"
            f" ({error.strerror}): leave it connected for a minute"
        )


def _open_locked(path: Path) -> tuple[FileIO, os.stat_result]:
    """Open a file for reading and lock it, waiting for other runs for a while; also gives its state."""
    give_up = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            file = FileIO(path, opener=_opened)
        except OSError as error:
            raise MetadataError(f"cannot be read: {error.strerror}") from error
        try:
            if (locked := lock(file.fileno())) is not False:
                # where the run we waited for has replaced the file, what we hold is the old one
                with locked_folder(path.parent) if locked else contextlib.nullcontext():
                    if os.path.samestat(state := os.fstat(file.fileno()), path.stat()):
                        return file, state
        except OSError as error:
            file.close()
            raise MetadataError(f"cannot be read: {error.strerror}") from error
        file.close()
        if time.monotonic() > give_up:
            raise WriteError("another program keeps the file locked", "Run again when it is done")
        time.sleep(0.02)


def _opened(path: str, _: int) -> int:
    return os.open(path, READ | NOT_FOLLOWED)


def read_file(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        MetadataError: It is no regular file, or too large.
        OSError: It cannot be read.
    """
    fd = os.open(path, READ | CLOSED_ON_EXEC)
    try:
        return _read_whole(fd, os.fstat(fd))
    finally:
        os.close(fd)


def is_large(state: os.stat_result) -> bool:
    """Whether a file is too large to be held in memory."""
    return state.st_size > LARGEST


def pieces(path: Path) -> Iterator[bytes]:
    """All bytes of a file of any size, one part after the other.

    Raises:
        MetadataError: It is no regular file.
        OSError: It cannot be read.
    """
    with FileIO(path, opener=lambda name, _: os.open(name, READ | CLOSED_ON_EXEC)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise MetadataError("not a regular file")
        while piece := file.read(_CHUNK):
            yield piece


def _read_whole(fd: int, state: os.stat_result) -> bytes:
    """Read as many bytes as a file in this state has, and one more if there is one."""
    if not stat.S_ISREG(state.st_mode):
        raise MetadataError("not a regular file")
    size = state.st_size
    if is_large(state):
        raise MetadataError(f"too large ({size / 2**20:,.0f} MB; {LARGEST >> 20} MB at most)")
    data = os.read(fd, size + 1)
    while len(data) < size and (more := os.read(fd, size + 1 - len(data))):  # one call may give fewer
        data += more
    return data


def _holds(fd: int, data: bytes) -> bool:
    """Whether a file holds exactly these bytes."""
    position = os.lseek(fd, 0, os.SEEK_SET)
    while chunk := os.read(fd, _CHUNK):
        if not data.startswith(chunk, position):
            return False
        position += len(chunk)
    return position == len(data)
