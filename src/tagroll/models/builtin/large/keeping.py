"""Where the large model is kept once it was fetched: in the user's data folder, with a hash that tells of damage."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from tagroll.errors import TagrollError

NAME = "builtin-large"
FETCH = "tagroll model get large"
_DIGEST = 32
_FILE = f"{NAME}-1.onnx.b3"
"""Has the network's BLAKE3 in its first 32 bytes. The number is that of the head that was trained on it."""


def folder() -> Path:
    """Where models are kept."""
    import platformdirs

    return Path(platformdirs.user_data_dir("tagroll", appauthor=False)) / "models"


def kept_file() -> Path:
    """Where the large model is kept, if it is there."""
    return folder() / _FILE


def is_kept() -> bool:
    """Whether it was fetched."""
    return kept_file().is_file()


def keep(network: bytes) -> None:
    """Keep the network: the whole file is there, on the disk, or none of it.

    Raises:
        OSError: There is no room, or no permission.
    """
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=folder())
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(blake3(network).digest())
            file.write(network)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, kept_file())
    except BaseException:
        os.unlink(name)
        raise
    _sync_names()


def remove() -> int:
    """Remove it; how many bytes that frees, 0 where it is not kept."""
    file = kept_file()
    size = file.stat().st_size if file.is_file() else 0
    file.unlink(missing_ok=True)
    return size


def load() -> bytes:
    """The network, as it was kept.

    Raises:
        TagrollError: It is not there, or damaged.
    """
    try:
        kept = kept_file().read_bytes()
    except FileNotFoundError as error:
        raise TagrollError("the large built-in model is not on this machine", f"Fetch it: {FETCH}") from error
    network = kept[_DIGEST:]
    if blake3(network).digest() != kept[:_DIGEST]:
        raise TagrollError(f"{kept_file()} is damaged", f"Fetch it again: {FETCH}")
    return network


@contextmanager
def workplace() -> Iterator[Path]:
    """An empty folder beside what is kept, for a file on its way; what an earlier one left goes first.

    Raises:
        TagrollError: Another tagroll is at it.
        OSError: The folder cannot be made.
    """
    import shutil

    from filelock import FileLock, Timeout

    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(folder() / ".lock", timeout=0):
            for left in (*folder().glob(".get-*"), *folder().glob(".new-*")):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            with tempfile.TemporaryDirectory(prefix=".get-", dir=folder()) as work:
                yield Path(work)
    except Timeout as error:
        raise TagrollError(
            "another tagroll is fetching the model", "Wait for it, or end it, and try again"
        ) from error


def _sync_names() -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder(), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
