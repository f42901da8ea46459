"""Taking back what a run did to photos, from the journal."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tagroll.catalog import Catalog, Run, Writing
from tagroll.domain import Journal, Outcome, Photo, Status, Write
from tagroll.errors import MetadataError, PhotoError, UsageError
from tagroll.metadata.copying import MADE, take_back
from tagroll.metadata.store import MetadataStore
from tagroll.scan import OUTPUT_FOLDER, scan


@dataclass(frozen=True, slots=True)
class Undoer:
    """Takes writes back, one by one.

    Attributes:
        store: Puts files back.
        catalog: Holds the journal; the undoing is journalled as well.
        moved: Finds photos that are no longer where they were.
        command: What the run did that is undone: "tag", "dedupe" ...
        run: The number of the undoing run.
        dry_run: Only say what would be done.
    """

    store: MetadataStore
    catalog: Catalog
    moved: "Moved"
    command: str
    run: int
    dry_run: bool = False

    def undo(self, writing: Writing) -> Outcome:
        """Put one file back: byte for byte when nobody touched it since, else by values, keeping others' additions.

        Raises:
            CatalogError: The run cannot go on.
        """
        numbers: list[int] = []

        def journal(write: Write) -> None:
            numbers.append(self.catalog.journal(self.run, write))

        photo = writing.write.photo
        if writing.write.engine in MADE:
            return self._take_back(writing, journal, numbers)
        try:
            done = self.store.undo(writing.write, journal, at=self._where(writing), dry_run=self.dry_run)
        except PhotoError as error:
            return Outcome(photo, Status.FAILED, error=error.message, hint=error.hint)
        if not self.dry_run:
            self.catalog.settle({writing.id: "undone", **dict.fromkeys(numbers, "done")})
            # a photo whose tagging is undone may be tagged again; one whose tags were merged stays tagged
            self.catalog.forget([photo, *([done.photo] if done else [])], wanted=self.command == "tag")
        after = done.after.tags if done else writing.write.before.tags
        return Outcome(done.photo if done else photo, Status.TAGGED if done else Status.UNCHANGED, after)

    def _take_back(self, writing: Writing, journal: Journal, numbers: list[int]) -> Outcome:
        """Remove a file that was made, and the folders that this leaves empty."""
        write = writing.write
        try:
            done = take_back(write, journal, dry_run=self.dry_run)
        except PhotoError as error:
            return Outcome(write.target, Status.FAILED, error=error.message, hint=error.hint)
        if not self.dry_run:
            self.catalog.settle({writing.id: "undone", **dict.fromkeys(numbers, "done")})
            _remove_emptied(write.target.parent, write.photo.parent)
        return Outcome(write.target, Status.TAGGED if done else Status.UNCHANGED)

    def _where(self, writing: Writing) -> Path | None:
        return None if writing.write.photo.exists() else self.moved.where(writing.write)


class Moved:
    """Finds photos that were moved or renamed, by their picture.

    Args:
        roots: Files and folders to look in. They are read when the first photo is missing, and once.
        store: Hashes pictures.
        catalog: May have met the photo in its new place.
    """

    def __init__(self, roots: Sequence[Path], store: MetadataStore, catalog: Catalog) -> None:
        self._roots, self._store, self._catalog = roots, store, catalog
        self._found: dict[str, list[Path]] | None = None
        self._looking = threading.Lock()

    def where(self, write: Write) -> Path | None:
        """Where the photo of a write is now: a file that is still as it was written, else one of this picture."""
        known = [row.path for row in self._catalog.photos_with(write.picture_hash)]
        places = [
            path
            for path in dict.fromkeys(known + self._pictures().get(write.picture_hash, []))
            if path.exists()
        ]
        return next(
            (path for path in places if self._store.file_hash(path) == write.after_hash),
            next(iter(places), None),
        )

    def _pictures(self) -> dict[str, list[Path]]:
        with self._looking:
            if self._found is None:
                self._found = defaultdict(list)
                roots = [root for root in self._roots if root.exists()]
                for photo in scan(roots, on_unreadable=_pass_over):
                    if isinstance(photo, Photo):
                        with suppress(
                            MetadataError
                        ):  # one that cannot be read is not the one that was written
                            self._found[self._store.picture_hash(photo)].append(photo.path)
            return self._found


def _pass_over(_folder: Path, _error: OSError) -> None:
    """A folder that cannot be read cannot give a photo back; the photo itself is reported."""


def _remove_emptied(folder: Path, mirrored: Path) -> None:
    """Remove a folder of copies when nothing is left in it, and those above it up to `processed`.

    A folder of another name goes only where it mirrors the photos' folder: the user may have made it.
    """
    for here, there in zip((folder, *folder.parents), (mirrored, *mirrored.parents), strict=False):
        if here.name not in (OUTPUT_FOLDER, there.name):
            return
        try:
            here.rmdir()
        except OSError:  # there is something in it
            return
        if here.name == OUTPUT_FOLDER:
            return


def choose_run(catalog: Catalog, number: int | None) -> Run:
    """The run of this number, or the last one that still has something to take back.

    Raises:
        UsageError: There is none.
    """
    for run in catalog.runs():
        if run.left and (run.id == number or (number is None and run.command != "undo")):
            return run
    if number is None:
        raise UsageError("there is nothing to undo", "tagroll history lists what was done.")
    raise UsageError(f"run {number} has nothing to undo", "tagroll history lists what was done.")


def choose_writings(catalog: Catalog, run: Run, paths: Sequence[Path], moved: Moved) -> Iterator[Writing]:
    """The writes of a run that can be taken back, the newest first; of `paths` and below when given."""
    for writing in catalog.writings(run.id):
        photo: Path | None = writing.write.photo
        if paths and photo and not photo.exists():
            photo = moved.where(writing.write)
        files = (photo, writing.write.target) if photo else ()
        if not paths or any(file.is_relative_to(path) for file in files for path in paths):
            yield writing
