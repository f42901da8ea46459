"""Where fetched models are kept: in the user's data folder, each with a hash that tells of damage."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from tagroll.disk import sync_names
from tagroll.errors import TagrollError

_DIGEST = 32
"""Bytes of the hash (BLAKE3) in front of what is kept."""


def folder() -> Path:
    """Where models are kept: where TAGROLL_MODELS says, else in the user's data folder."""
    import platformdirs

    if named := os.environ.get("TAGROLL_MODELS"):
        return Path(named)
    return Path(platformdirs.user_data_dir("tagroll", appauthor=False)) / "models"


def keep(name: str, data: bytes) -> None:
    """Keep data under a name: the whole file is there, on the disk, or none of it.

    Raises:
        OSError: There is no room, or no permission.
    """
    descriptor, made = tempfile.mkstemp(prefix=".new-", dir=folder())
    new = Path(made)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(blake3(data).digest())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder() / name)
    except BaseException:
        new.unlink()
        raise
    sync_names(folder())


def load(name: str, again: str) -> bytes:
    """What is kept under a name.

    Args:
        name: Of the file.
        again: The command that fetches it.

    Raises:
        FileNotFoundError: Nothing is.
        TagrollError: It is damaged.
    """
    file = folder() / name
    with file.open("rb") as kept:
        digest, data = kept.read(_DIGEST), kept.read()
    if blake3(data).digest() != digest:
        raise TagrollError(f"{file} is damaged", f"Fetch it again: {again}")
    return data


@contextmanager
def workplace() -> Iterator[Path]:
    """An empty folder beside what is kept, for a file on its way; what an interrupted one left goes first.

    Raises:
        TagrollError: Another tagroll is at it.
        OSError: The folder cannot be made.
    """
    from filelock import FileLock, Timeout

    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(folder() / ".lock", timeout=0):
            for left in (*folder().glob(".get-*"), *folder().glob(".new-*")):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            with tempfile.TemporaryDirectory(prefix=".get-", dir=folder()) as work:
                yield Path(work)
    except Timeout as error:
        raise TagrollError("another tagroll is fetching a model", "Try again when it has ended") from error
