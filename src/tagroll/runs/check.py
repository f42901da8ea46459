"""Whether the pictures of all photos that tagroll ever wrote are what they were: against rotten bits and damage by others.

No copy of a picture is kept, but the journal has a hash of it from before the first write, and one of each file as
tagroll left it. A file that is byte for byte as it was left holds its picture; of any other one the picture is hashed.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tagroll.catalog import KnownPicture, PhotoRow
from tagroll.domain import Outcome, Photo, Status
from tagroll.errors import MetadataError, PhotoError, PictureError, UsageError
from tagroll.metadata.store import MADE
from tagroll.parallel import cores
from tagroll.photos.scan import absolute, scan
from tagroll.runs.executors import threads
from tagroll.runs.guard import guard
from tagroll.runs.moved import Moved, pass_over, photos_at
from tagroll.runs.run import LEFT, Tally, Workspace

GONE = "is not there any more"
_BACKUP = "Bring it back from a backup, as tagroll keeps no copies of pictures; then tagroll tag writes the tags it knows"


def known_pictures(space: Workspace, paths: Sequence[Path]) -> list[KnownPicture]:
    """What is to be checked: the photos at and below some paths for which something was written, ever; none for all.

    Raises:
        UsageError: There is none at one of the paths.
    """
    roots = [absolute(path) for path in paths]
    known = space.catalog.journal.pictures(MADE)
    for root in roots:
        if not any(one.photo.is_relative_to(root) for one in known):
            raise UsageError(
                f"tagroll has written no photo at {root}",
                "`tagroll check` without a path is about all photos",
            )
    return [one for one in known if not roots or any(map(one.photo.is_relative_to, roots))]


def check(
    space: Workspace, known: Sequence[KnownPicture], tally: Tally, *, accept: bool = False
) -> Iterator[Outcome]:
    """Look at each photo, read once from the disk: unchanged, failed, or skipped where it is gone.

    Args:
        space: What it works with.
        known: What they should hold.
        tally: Counts.
        accept: Where a photo holds another picture that is whole, take that for the right one from now on.

    Raises:
        CatalogError: It cannot go on.
    """
    checker = Checker(space, Moved((), space.store, space.catalog), accept)
    return tally.counted(threads(cores())(checker.check, known, stop=space.stop))


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks photos. Safe to use from many threads.

    Attributes:
        space: What it works with.
        moved: Finds photos that are no longer where they were.
        accept: Other pictures that are whole are right.
    """

    space: Workspace
    moved: Moved
    accept: bool = False

    def check(self, known: KnownPicture) -> Outcome:
        """Check one photo; what is wrong with it is an outcome that failed.

        Raises:
            CatalogError: It cannot go on.
        """
        return guard(known.photo, lambda: self._check(known))

    def _check(self, known: KnownPicture) -> Outcome:
        path = known.photo if known.photo.exists() else self._where(known)
        if path is None:
            return Outcome(known.photo, Status.SKIPPED, error=GONE)
        changed = [file for file in known.left if path != known.photo or not self._is_as_left(known, file)]
        if path in known.left and not changed:
            return Outcome(path, Status.UNCHANGED)
        photo = self._photo_at(path, known)
        row, stamp = self.space.catalog.photos.at(path), self.space.store.stamp(photo)
        row = row if row and _times(row.stamp) == _times(stamp) else None
        if path != known.photo or path in changed or path not in known.left:
            self._check_picture(known, photo, row)
        if changed and row and row.wanted and row.wanted.get(LEFT) == stamp:
            raise MetadataError(
                f"the picture is whole, but {changed[0].name} is damaged elsewhere: its bytes have changed, and its size and"
                " times have not",
                "A backup has its metadata as they were",
            )
        return Outcome(path, Status.UNCHANGED)

    def _where(self, known: KnownPicture) -> Path | None:
        return self.moved.where(self.space.catalog.journal.entry(known.last))

    def _is_as_left(self, known: KnownPicture, file: Path) -> bool:
        return self.space.store.file_hash(file, known.left[file]) == known.left[file]

    def _photo_at(self, path: Path, known: KnownPicture) -> Photo:
        found = next(scan([path], on_unreadable=pass_over))
        if isinstance(found, Photo):
            return found
        raise PictureError(f"is damaged: {found.error}", self._help(known, path))

    def _check_picture(self, known: KnownPicture, photo: Photo, row: PhotoRow | None) -> None:
        """See that a photo holds its picture.

        Args:
            known: What it should hold.
            photo: Where it is now.
            row: What the index knows of a file of its size and time.

        Raises:
            PhotoError: It holds another one, and what that means.
        """
        picture = self.space.store.picture_hash(photo, known.picture)
        if picture == known.picture:
            if row and len(picture) == len(row.picture_hash):
                self.space.catalog.photos.note_picture(photo.path, row.stamp, picture)
            return
        if row and row.pictured and row.picture_hash == known.picture:
            raise PictureError(
                "is damaged: its picture has changed, and its size and times have not",
                self._help(known, photo.path),
            )
        try:
            self.space.preview(photo)
        except PictureError as error:
            raise PictureError(f"is damaged: {error.message}", self._help(known, photo.path)) from error
        if not self.accept:
            when = time.strftime("%Y-%m-%d", time.localtime(known.when))
            raise PictureError(
                f"holds another picture than on {when}, when tagroll wrote it last",
                f"If you edited it: tagroll check --accept PATH. If not: {self._help(known, photo.path)}",
            )
        self.space.catalog.journal.accept(known.last, picture)

    def _help(self, known: KnownPicture, damaged: Path) -> str:
        """Where the picture is whole."""
        rows = self.space.catalog.photos.with_picture(known.picture)
        for photo in photos_at([row.path for row in rows if row.path != damaged]):
            with suppress(PhotoError):
                if self.space.store.picture_hash(photo, known.picture) == known.picture:
                    return f"The same picture is whole in {photo.path}"
        return _BACKUP


def _times(stamp: str) -> str:
    """Size and modification time of the photo in a stamp: an editor changes one of them, a failing disk neither."""
    return stamp.partition(" ")[0].rpartition(".")[0]
