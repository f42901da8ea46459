"""Sample photos, and photos as a scan gives them."""

import shutil
from pathlib import Path

from tagroll.domain import Photo
from tagroll.formats import HEAD_BYTES, detect

FILES = Path(__file__).parents[1] / "files"
"""Tiny real photos, one of each kind."""


def as_photo(path: Path) -> Photo:
    """The photo at a path, as a scan gives it."""
    state = path.stat()
    with path.open("rb") as file:
        found = detect(file.read(HEAD_BYTES), path.suffix)
    assert found, f"{path} is no photo"
    return Photo(path, state.st_size, state.st_mtime_ns, found)


def copy(sample: str, path: Path) -> Photo:
    """A copy of a sample photo, under a path of its own."""
    shutil.copyfile(FILES / sample, path)
    return as_photo(path)
