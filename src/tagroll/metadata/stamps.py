"""Stamps of photos: short texts that change whenever a photo or its sidecar does. No file is opened for one."""

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tagroll.domain import Photo
from tagroll.errors import MetadataError
from tagroll.formats import is_sidecar


def stamp_of(files: Iterable[Path]) -> str:
    """The stamp of a photo and its sidecars.

    Raises:
        MetadataError: One of them is not there.
    """
    try:
        states = [os.stat(file) for file in files]  # noqa: PTH116  # hot path
    except OSError as error:
        raise MetadataError(f"cannot be read: {error.strerror}") from error
    return " ".join(map(state_of, states))


def stamps_of(photos: Sequence[Photo], policy: str, stamp: Callable[[Photo], str]) -> list[str]:
    """The stamps of many photos, "" for one that is not there.

    Args:
        photos: The photos.
        policy: What every stamp ends in.
        stamp: Gives that of a photo which may have a sidecar; asked only in folders that have one at all.
    """
    bare: dict[str, bool] = {}
    return [_stamp_among(photo, bare, policy, stamp) for photo in photos]


def _stamp_among(photo: Photo, bare: dict[str, bool], policy: str, stamp: Callable[[Photo], str]) -> str:
    path = str(photo.path)
    folder = path[: path.rfind(os.sep) + 1]  # pathlib takes longer than all the rest here
    try:
        if folder not in bare:
            bare[folder] = not any(is_sidecar(name) for name in os.listdir(folder))  # noqa: PTH208
        state = os.lstat(path)
        if bare[folder] and not stat.S_ISLNK(state.st_mode):
            return state_of(state) + policy
        return stamp(photo)
    except (OSError, MetadataError):
        return ""


def state_of(state: os.stat_result) -> str:
    """What a stamp says of one file."""
    return f"{state.st_size}.{state.st_mtime_ns}.{state.st_ctime_ns}"
