"""Whether what has changed in the folders is news: what was written by us the catalog knows already."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tagroll.formats import PHOTO_SUFFIXES, is_sidecar, sidecar_stems
from tagroll.photos.left_out import is_passed_over
from tagroll.runs.moved import photos_at
from tagroll.runs.run import Workspace


def is_news(space: Workspace, roots: Sequence[Path], changed: Iterable[Path]) -> bool:
    """Whether one of some files and folders that changed, came or went is not as the catalog has it.

    Args:
        space: Knows the catalog.
        roots: The folders that are looked at.
        changed: What has changed in them.
    """
    index = space.catalog.photos
    index.settled()
    photos: set[Path] = set()
    for path in changed:
        if is_passed_over(path, roots):
            continue
        if is_sidecar(path.name):
            photos |= set(_photos_beside(path))
        elif path.suffix.lower() in PHOTO_SUFFIXES:
            photos.add(path)
        elif os.path.isdir(path) or any(index.columns([path])):  # noqa: PTH112 - no errors; a folder came or went
            return True
    known = {Path(os.fsdecode(row.path)): row.stamp for row in index.shown_at(list(photos)) if not row.gone}
    found = list(photos_at([path for path in photos if os.path.lexists(path)]))
    now = dict(zip((photo.path for photo in found), space.store.stamps(found), strict=True))
    return known != now


def _photos_beside(sidecar: Path) -> Iterator[Path]:
    """The photos whose sidecar a file may be, whatever the letter case of their names."""
    stem = sidecar.stem.lower()
    try:
        with os.scandir(sidecar.parent) as entries:
            names = [entry.name for entry in entries]
    except OSError:  # the folder went with it, and is told, too
        return
    for photo in map(sidecar.with_name, names):
        if photo.suffix.lower() in PHOTO_SUFFIXES and stem in map(str.lower, sidecar_stems(photo.name)):
            yield photo
