"""Files that tagroll writes for people, which are no photos: reports, plans, pages, lists to fill in.

They are written as photos are: a temporary file that nobody can guess or have put there, synced, then the name.
A link of that name is not followed, and a file that somebody else made is not replaced.
"""

import os
import stat
from pathlib import Path

from tagroll.errors import UsageError, WriteError
from tagroll.metadata.files.platforms import sync
from tagroll.metadata.files.refusals import os_errors_in_plain_words, untold
from tagroll.metadata.files.safe_write import sync_names
from tagroll.metadata.files.temporary import give_name, temporary

_HEAD = 4096
_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)
ANY = ""
"""A mark that every file has."""


def check_free(path: Path, mark: str | None) -> None:
    """See that a document can have this name: nothing has it, or an earlier one of ours.

    Args:
        path: Its name.
        mark: What our earlier ones have in their first lines; None where none may be replaced.

    Raises:
        UsageError: Something else is there, or a link, or the folder is not.
    """
    hint = "Name another file."
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written: its folder is not there", hint)
    if not os.path.lexists(path):
        return
    if path.is_symlink():
        raise UsageError(f"{path} is a link, which is not followed", hint)
    if mark is None:
        raise UsageError(f"{path} is there already", hint)
    if not _is_marked(path, mark):
        raise UsageError(f"{path} is there already, and tagroll did not make it", hint)


def write_document(path: Path, text: str, mark: str | None, *, private: bool = False) -> None:
    """Make a document, or replace an earlier one (see `check_free`): whole or not at all.

    Args:
        path: Its name.
        text: What it says.
        mark: As `check_free`; with ANY whatever has the name is replaced, a link itself too.
        private: For its owner alone, because there are photos in it.

    Raises:
        UsageError: It cannot be written there.
    """
    if mark != ANY:
        check_free(path, mark)
    try:
        with temporary(path.parent, mode=0o600 if private else 0o666) as new, os_errors_in_plain_words():
            new.write(text.encode("utf-8", "backslashreplace"))
            sync(new.fd)
            if os.path.lexists(path):
                new.file.close()
                new.name.replace(path)
            else:
                give_name(new, path)
        sync_names(path.parent, untold)
    except WriteError as error:
        raise UsageError(f"{path}: {error.message}", error.hint or "Is the folder read-only?") from error


def _is_marked(path: Path, mark: str) -> bool:
    try:
        fd = os.open(path, _FLAGS)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode) and mark.encode() in os.read(fd, _HEAD)
    finally:
        os.close(fd)
