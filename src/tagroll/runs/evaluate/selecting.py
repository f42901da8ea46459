"""Which photos an evaluation is about."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from tagroll.domain import Outcome, Photo
from tagroll.errors import UsageError
from tagroll.photos.scan import scan
from tagroll.runs.evaluate.labels import LabelSet

T = TypeVar("T")


def spread(items: Sequence[T], count: int) -> list[T]:
    """At most so many, evenly spread over all; the same ones every time."""
    count = min(count, len(items))
    return [items[n * len(items) // count] for n in range(count)]


def labelled_photos(
    labels: LabelSet, limit: int | None
) -> tuple[LabelSet, list[Photo | Outcome], list[Path]]:
    """Look for labelled photos.

    Args:
        labels: What the user labelled.
        limit: At most so many, evenly spread.

    Returns:
        The labels of the photos that are there, under the paths by which these are known; these photos; and the
        photos that are not there.

    Raises:
        UsageError: Not one of them is there.
    """
    chosen = spread(list(labels.photos), limit or len(labels.photos))
    missing = [path for path in chosen if not path.is_file()]
    if len(missing) == len(chosen):
        raise UsageError(
            f"{missing[0]} is not there, nor any other labelled photo", "Name their folder: --photos DIR"
        )
    photos: dict[Path, Photo | Outcome] = {}
    truths = {}
    for path in chosen:
        for found in () if path in missing else scan([path], on_unreadable=_never):
            photos[found.path] = found
            truths[found.path] = labels.photos[path]
    return dataclasses.replace(labels, photos=truths), list(photos.values()), missing


def _never(path: Path, error: OSError) -> None:
    raise AssertionError(f"{path} is a file and was listed as a folder") from error
