"""Temporary files beside the photos: made, locked, given their name, and cleared away after a run that was killed.

A file that is to be put in the place of another one carries a mark of that one's name in its own. Where the one
it is for is missing, the system may have taken it away while it was being replaced (as Linux did on SMB shares
until 2025), and the temporary file may be the only copy of a photo: then nothing here removes it.
"""

import contextlib
import os
import re
import secrets
import stat
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from io import FileIO
from pathlib import Path

from tagroll.errors import ChangedMeanwhileError, WriteError
from tagroll.metadata.files.platforms import lock
from tagroll.metadata.files.refusals import BUSY, os_errors_in_plain_words

CLOSED_ON_EXEC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NOT_FOLLOWED = CLOSED_ON_EXEC | getattr(os, "O_NOFOLLOW", 0)
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a pipe under a photo's name must not be waited for

_LEFTOVER = re.compile(r"\.tagroll-[0-9a-f]{12}(?:-([0-9a-f]{8}))?\.tmp")
_TRIES = 20
_FOLDER_PATIENCE_S = 2.0
_PAUSE_S = 0.005
_TURNS = tuple(threading.Lock() for _ in range(64))
"""By folder: threads of this process take turns, and need not try for the folder's own lock again and again."""
_BUSY_PATIENCE_S = 1.0
_BUSY_PAUSE_S = 0.05
_ALONE_AFTER_S = 60.0  # where folders cannot be locked, a file without a lock may be about to get its name
_SURELY_ALONE_AFTER_S = 24 * 3600.0  # where files cannot be locked either


@dataclass(slots=True)
class Temporary:
    """A new file that has no name of its own yet.

    Attributes:
        file: The open file, locked. Closing it twice does no harm, as closing a number would.
        name: Its name for now.
        kept: It may be the only copy of a photo, so it is not removed in the end.
    """

    file: FileIO
    name: Path
    kept: bool = False

    @property
    def fd(self) -> int:
        """The open descriptor."""
        return self.file.fileno()

    def write(self, data: bytes) -> None:
        """Write all the bytes: one call may take fewer."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.fd, rest) :]


@contextlib.contextmanager
def temporary(folder: Path, *, replaces: Path | None = None, mode: int = 0o600) -> Iterator[Temporary]:
    """Make a locked temporary file, and remove it if it is still there in the end.

    Its name is short, so that it fits wherever the photo's name did.

    Args:
        folder: Where.
        replaces: The file in whose place it will be put; None for one that is not there yet.
        mode: Its permissions: on a share that refuses to change them, these are the ones it will have.
    """
    mark = f"-{_mark(replaces.name)}" if replaces else ""
    with os_errors_in_plain_words():
        new = _open_temporary(folder, mark, mode)
    try:
        yield new
    finally:
        with contextlib.suppress(OSError):  # where it counts it is closed already
            new.file.close()
        if not new.kept:
            with contextlib.suppress(OSError):  # it has become the photo, or the next start removes it
                new.name.unlink()


def _open_temporary(folder: Path, mark: str, mode: int) -> Temporary:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | NOT_FOLLOWED
    for _ in range(_TRIES):
        name = folder / f".tagroll-{secrets.token_hex(6)}{mark}.tmp"
        file = FileIO(name, "r+b", opener=lambda path, _: os.open(path, flags, mode))
        if lock(file.fileno()) is not False and os.fstat(file.fileno()).st_nlink:
            return Temporary(file, name)
        file.close()  # another run's `remove_leftovers` was faster than our lock: once more
        with contextlib.suppress(OSError):
            name.unlink()
    raise WriteError(
        "new files cannot be locked on this disk", "Mount it without locks, or with working ones"
    )


def give_name(new: Temporary, path: Path) -> None:
    """Give a temporary file its name, but never over an existing file. It is closed then.

    Raises:
        ChangedMeanwhileError: There is a file of that name.
        OSError: It cannot be renamed.
    """
    with locked_folder(path.parent):
        new.file.close()
        try:
            os.link(new.name, path, follow_symlinks=False)
        except FileExistsError:
            raise _exists() from None
        except (
            OSError,
            NotImplementedError,
        ):  # FAT and many shares have no hard links, and all say so differently
            if os.path.lexists(path):  # as close as it gets
                raise _exists() from None
            new.name.rename(path)


def _exists() -> ChangedMeanwhileError:
    return ChangedMeanwhileError("another program made a file of that name meanwhile", "Run again")


def when_closed(path: Path, file: FileIO, check: Callable[[], None], act: Callable[[], None]) -> None:
    """Close a file and replace or remove it, waiting a little for another program that has it open.

    Args:
        path: Its name.
        file: The open file.
        check: The last look whether it is still the same; raises if it is not.
        act: What replaces or removes it.

    Raises:
        WriteError: The system refuses.
    """
    give_up = time.monotonic() + _BUSY_PATIENCE_S
    while True:
        with locked_folder(path.parent):
            check()
            with os_errors_in_plain_words():
                file.close()
            try:
                return act()
            except OSError as error:
                if error.errno not in BUSY or not os.access(path.parent, os.W_OK):
                    with os_errors_in_plain_words():
                        raise
                if time.monotonic() > give_up:
                    raise WriteError(
                        "cannot be written: another program has it open, or the share does not allow it",
                        "Close it there and run again",
                    ) from error
        time.sleep(_BUSY_PAUSE_S)


def rename_over(new: Temporary, path: Path) -> None:
    """Rename a closed temporary file over another file, so that in any case one of them is there in the end.

    Raises:
        OSError: The old one stays.
        WriteError: The old one is gone, and the new one could not be given its name. It stays where it is.
    """
    try:
        new.name.replace(path)
    except OSError as error:
        new.kept = True  # until it is certain that it is not the only one
        if _is_there(path):
            new.kept = False
            raise
        try:
            new.name.rename(path)
        except OSError:
            raise WriteError(
                f"the disk took the old file away; the new one is beside it, under the name {new.name.name}",
                "Run again, and it gets its name back",
            ) from error


def _is_there(path: Path) -> bool:
    """Whether a file can be opened; what was remembered of it does not count.

    Raises:
        OSError: Nobody knows.
    """
    try:
        os.close(os.open(path, READ | NOT_FOLLOWED))
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[bool]:
    """Keep other runs from taking or giving names in a folder for a moment, where folders can be locked.

    Files must be closed when they get a name or lose it, as SMB and Windows refuse it otherwise, and with that
    their own locks are gone. So that nobody comes between, this is done under the lock of the folder; and who
    has got the lock of a file looks under the lock of the folder whether it is still the file of that name.
    Nobody waits for anything else meanwhile.

    Yields:
        Whether it is locked. A program that keeps it locked for long is not waited for.
    """
    turn = _TURNS[hash(folder) % len(_TURNS)]
    is_ours = turn.acquire(timeout=_FOLDER_PATIENCE_S)
    fd = -1
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # it may be used without being readable
            fd = os.open(folder, os.O_RDONLY | CLOSED_ON_EXEC)
    try:
        yield fd >= 0 and _lock_patiently(fd)
    finally:
        if fd >= 0:
            os.close(fd)
        if is_ours:
            turn.release()


def _lock_patiently(fd: int) -> bool:
    give_up = time.monotonic() + _FOLDER_PATIENCE_S
    while (locked := lock(fd)) is False and time.monotonic() < give_up:
        time.sleep(_PAUSE_S)
    return bool(locked)


# after a run that was killed ---------------------------------------------------------------------------


def remove_leftovers(folder: Path) -> int:
    """Remove the temporary files that killed runs left in a folder; those of living runs are locked and stay.

    One for a file that is missing stays as well: it may be the only copy.

    Args:
        folder: Looked at without its subfolders; one that cannot be read has nothing to remove.

    Returns:
        How many were removed.
    """
    if not _leftovers(folder):
        return 0
    with locked_folder(folder) as alone:
        there = {_mark(name) for name in _names(folder)}
        found = [path for path, mark in _leftovers(folder).items() if not mark or mark in there]
        return sum(_of_nobody(path, alone, Path.unlink) for path in found)


def put_back(target: Path, is_that: Callable[[Path], bool]) -> bool:
    """Give a temporary file that a killed run left its name, when the file it was to replace is missing.

    Args:
        target: The file it was to replace.
        is_that: Whether the bytes of a file are those meant for the target.
    """
    if os.path.lexists(target):
        return False
    for path, mark in _leftovers(target.parent).items():
        if mark == _mark(target.name) and is_that(path):
            with locked_folder(target.parent) as alone:
                if not os.path.lexists(target) and _of_nobody(
                    path, alone, lambda found: found.rename(target)
                ):
                    return True
    return False


def _of_nobody(path: Path, alone: bool, act: Callable[[Path], object]) -> bool:  # by `locked_folder`
    """Do something with a leftover unless a living run may own it; says whether it was done."""
    with contextlib.suppress(OSError):  # another run was faster, or it is not ours
        with FileIO(path, opener=lambda name, _: os.open(name, READ | NOT_FOLLOWED)) as file:
            state, locked = os.fstat(file.fileno()), lock(file.fileno())
            patience = 0.0 if locked and alone else _ALONE_AFTER_S if locked else _SURELY_ALONE_AFTER_S
            age = time.time() - state.st_ctime
            if not stat.S_ISREG(state.st_mode) or locked is False or age < patience:
                return False
            with contextlib.suppress(OSError):  # SMB wants it closed first
                act(path)
                return True
        act(path)
        return True
    return False


def _leftovers(folder: Path) -> dict[Path, str]:
    """The temporary files in a folder, and the marks of what they were to replace."""
    found = ((name, _LEFTOVER.fullmatch(name)) for name in _names(folder))
    return {folder / name: match[1] or "" for name, match in found if match}


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # once a folder, of any size
    except OSError:
        return []


def _mark(name: str) -> str:
    """What a file's name leaves in that of its temporary file, however the disk spells it."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
