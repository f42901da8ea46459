"""Taking back what a run did to photos, from the journal."""

import os
import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tagroll.catalog import Catalog, State, Writing
from tagroll.catalog import Run as PastRun
from tagroll.domain import Outcome, Photo, Status, Write
from tagroll.errors import PhotoError, UsageError, WriteError
from tagroll.metadata.copies import MADE, take_back
from tagroll.metadata.genuine import check_paths
from tagroll.metadata.restore import left_in, target_of
from tagroll.metadata.store import MetadataStore
from tagroll.photos.scan import OUTPUT_FOLDER, absolute, scan
from tagroll.runs.guard import guard
from tagroll.runs.run import Entries, Run, Workspace

_WORST_FIRST = (Status.FAILED, Status.RESTORED, Status.REMOVED, Status.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Undoer:
    """Takes writes back, photo by photo.

    Attributes:
        run: The undoing run.
        moved: Finds photos that are no longer where they were.
        command: What the run did that is undone: "tag", "dedupe" ...
        dry_run: Only say what would be done.
        named: Photos that are what the run tagged, whatever their pictures are now.
    """

    run: Run
    moved: "Moved"
    command: str
    dry_run: bool = False
    named: Collection[Path] = ()

    def undo(self, numbers: Sequence[int]) -> Outcome:
        """Put a photo and its sidecar back: byte for byte when nobody touched them since, else by values.

        Args:
            numbers: The writes to take back, the newest first, all of one photo; of a file that was made, only that.

        Raises:
            CatalogError: The run cannot go on.
            TagrollError: The disk is full; the run cannot go on.
        """
        outcomes = map(self._undo_one, map(self.run.space.catalog.journal.entry, numbers))
        return min(outcomes, key=lambda outcome: _WORST_FIRST.index(outcome.status))

    def _undo_one(self, writing: Writing) -> Outcome:
        made = writing.write.engine in MADE
        path, way = (writing.write.target, self._take_back) if made else (writing.write.photo, self._put_back)

        def undo() -> Outcome:
            check_paths(writing.write)
            self.run.clean(writing.write.target)
            return way(writing)

        return guard(path, undo)

    def _put_back(self, writing: Writing) -> Outcome:
        """Put one file back, keeping what others have added."""
        write, entries = writing.write, self.run.entries(writing.id)
        at = self._where(writing)
        self._check_order(writing, at)
        done = self.run.space.store.undo(write, entries, at=at, dry_run=self.dry_run)
        if not self.dry_run:
            self._settle(writing, entries)
            # a photo whose tagging is undone may be tagged again; one whose tags were merged stays tagged
            self.run.space.catalog.photos.forget(
                [write.photo, *([done.photo] if done else [])], wanted=self.command == "tag"
            )
        if done is None:
            return Outcome(at or write.photo, Status.UNCHANGED, write.before.tags)
        return Outcome(done.photo, Status.RESTORED, done.after.tags)

    def _take_back(self, writing: Writing) -> Outcome:
        """Remove a file that was made, and the folders that this leaves empty."""
        write, entries = writing.write, self.run.entries(writing.id)
        done = take_back(write, entries, dry_run=self.dry_run, tell=self.run.space.store.note)
        if not self.dry_run:
            self._settle(writing, entries)
            _remove_emptied(write.target.parent, write.photo.parent)
        return Outcome(write.target, Status.REMOVED if done else Status.UNCHANGED)

    def _settle(self, writing: Writing, entries: Entries) -> None:
        """Note that a write is undone: by the writes of these numbers, or because nothing of it was left."""
        self.run.space.catalog.journal.settle(entries.states(State.DONE) or {writing.id: State.UNDONE})

    def _where(self, writing: Writing) -> Path | None:
        """Where the photo is now, when it was moved.

        Raises:
            WriteError: Nobody knows.
        """
        write = writing.write
        is_there = os.path.exists(write.photo)  # noqa: PTH110 - no error is one to stop for
        if self._is_that(write) if is_there else os.path.exists(write.target):  # noqa: PTH110
            return None
        if at := self.moved.where(writing):
            return at
        if is_there:
            raise WriteError(
                "holds another picture than the one that was tagged",
                "If it is that photo, edited since: tagroll undo RUN PATH, with the path of this very file.",
            )
        raise WriteError(
            "was moved or deleted",
            "If it was moved, let tagroll find it: tagroll tags FOLDER, then undo again.",
        )

    def _is_that(self, write: Write) -> bool:
        """Whether the photo at its place is the one that was written, and no other one that has its name now."""
        found = None if write.photo in self.named else next(_photos([write.photo]), None)
        if found is None:
            return True  # somebody says so; or it is no longer a photo, and the store says why
        if (
            _picture(found, self.run.space.store, self.run.space.catalog, write.picture_hash)
            == write.picture_hash
        ):
            return True
        # what cannot be taken apart is hashed whole: beside it, a sidecar as we left it tells whose it is
        is_sidecar = write.target != write.photo and bool(write.after_hash)
        return (
            is_sidecar and self.run.space.store.file_hash(write.target, write.after_hash) == write.after_hash
        )

    def _check_order(self, writing: Writing, at: Path | None) -> None:
        """See that nothing that tagroll wrote into the file later is still there: it would stay, and nobody knew why.

        Raises:
            WriteError: There is.
        """
        write = writing.write
        later = self.run.space.catalog.journal.changed_since(writing, at or write.photo, target_of(write, at))
        if later is not None:
            raise WriteError(f"was changed by run {later} since", f"Undo that first: tagroll undo {later}")


class Moved:
    """Finds photos that were moved or renamed, by their picture.

    Args:
        roots: Files and folders to look in. They are read when the first photo is missing, and once.
        store: Hashes pictures.
        catalog: May have met the photo in its new place.
    """

    def __init__(self, roots: Sequence[Path], store: MetadataStore, catalog: Catalog) -> None:
        self._roots, self._store, self._catalog = roots, store, catalog
        self._places: dict[Path, Path | None] = {}
        self._taken: set[Path | None] = set()
        self._scanned: dict[int, dict[str, list[Photo]]] = {}
        self._unhashed: dict[str, list[Path]] | None = None
        self._looking = threading.Lock()

    def where(self, writing: Writing) -> Path | None:
        """Where the photo of a write is now, which is not where it was. No place is that of two photos.

        It is a file that is still as it was written, else one of the same picture that carries what was written.
        """
        photo = writing.write.photo
        with self._looking:
            if photo not in self._places:
                self._places[photo] = place = self._find(writing)
                self._taken.add(place)
            return self._places[photo]

    def _find(self, writing: Writing) -> Path | None:
        write, carrying = writing.write, None
        for photo in self._candidates(write):
            with suppress(PhotoError):  # one that cannot be read is not known to be the one
                says = self._journal_says(writing, photo.path)
                if says is False or self._picture(photo, write.picture_hash) != write.picture_hash:
                    continue
                if (
                    write.after_hash
                    and self._store.file_hash(target_of(write, photo.path), write.after_hash)
                    == write.after_hash
                ):
                    return photo.path
                if carrying is None and (says or left_in(write, self._store.read(photo))):
                    carrying = photo.path
        return carrying

    def _candidates(self, write: Write) -> Iterator[Photo]:
        """Photos that may be of the picture and are not known to be another one, the likely ones first."""
        known = [row.path for row in self._catalog.photos.with_picture(write.picture_hash)]
        for path in dict.fromkeys([*known, *self._only_read(write)]):
            yield from _photos([path]) if path not in self._taken else ()
        yield from (photo for photo in self._in_roots(write.picture_hash) if photo.path not in self._taken)

    def _only_read(self, write: Write) -> Iterator[Path]:
        """Photos whose picture the catalog does not know, as `tagroll tags` reads their heads: by name or size."""
        if self._unhashed is None:
            self._unhashed = defaultdict(list)
            for path, stamp in self._catalog.photos.unhashed():
                self._unhashed[path.name].append(path)
                self._unhashed[_size(stamp)].append(path)
        row = self._catalog.photos.at(write.photo)
        for key in (write.photo.name, *([_size(row.stamp)] if row and row.stamp else [])):
            yield from self._unhashed.get(key, [])

    def _in_roots(self, picture: str) -> Sequence[Photo]:
        kind = len(picture)  # older catalogs have hashes of another kind
        if kind not in self._scanned:
            found = self._scanned[kind] = defaultdict(list)
            for photo in _photos(self._roots):
                with suppress(PhotoError):
                    found[self._picture(photo, picture)].append(photo)
        return self._scanned[kind].get(picture, ())

    def _picture(self, photo: Photo, like: str) -> str:
        return _picture(photo, self._store, self._catalog, like)

    def _journal_says(self, writing: Writing, path: Path) -> bool | None:
        """Whether the photo of this path is that of the write, going by what tagroll wrote there; None: nothing.

        If it is, then what was written there before led to the write, and the write to what came after.
        """
        picture = writing.write.picture_hash  # what was written into others that had this path says nothing
        there = [
            other
            for other in self._catalog.journal.at(path)
            if other.write.engine not in MADE and other.write.picture_hash == picture
        ]
        before = [other.write for other in there if other.id < writing.id]
        after = [other.write for other in there if other.id > writing.id]
        if before and not left_in(before[-1], writing.write.before):
            return False
        return left_in(writing.write, after[0].before) if after else None


def _picture(photo: Photo, store: MetadataStore, catalog: Catalog, like: str) -> str:
    """Hash of a photo's picture, of the kind of another one; it is not made again where the catalog knows it."""
    row = catalog.photos.at(photo.path)
    if row and row.stamp == store.stamp(photo) and len(row.picture_hash) == len(like):
        return row.picture_hash
    return store.picture_hash(photo, like)


def _photos(roots: Sequence[Path]) -> Iterator[Photo]:
    """The photos at and below those roots that are there."""
    found = scan([root for root in roots if os.path.exists(root)], on_unreadable=_pass_over)  # noqa: PTH110 - no errors
    return (photo for photo in found if isinstance(photo, Photo))


def _pass_over(_folder: Path, _error: OSError) -> None:
    """A folder that cannot be read cannot give a photo back; the photo itself is reported."""


def _size(stamp: str) -> str:
    """The size of a photo, as the key of those of this size: no file has such a name."""
    return "/" + stamp.partition(".")[0]


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


@dataclass(frozen=True, slots=True)
class Undoing:
    """What is to be taken back.

    Attributes:
        chosen: The run.
        writes: Numbers of its writes, those of a photo together.
        moved: Finds photos that are no longer where they were.
        paths: Only photos and files at or below these; none for all.
    """

    chosen: PastRun
    writes: Sequence[Sequence[int]]
    moved: Moved
    paths: Sequence[Path]

    @classmethod
    def choose(cls, space: Workspace, number: int | None, paths: Sequence[Path]) -> "Undoing":
        """Find the run of this number, or the last one that can be taken back, and what of it is meant.

        Raises:
            UsageError: There is none, or nothing of it at one of the paths.
        """
        chosen = choose_run(space.catalog, number)
        paths = [absolute(path) for path in paths]
        roots = paths or [Path(argument) for argument in chosen.arguments]
        moved = Moved(roots, space.store, space.catalog)
        return cls(chosen, choose_writes(space.catalog, chosen, paths, moved), moved, paths)

    @property
    def done(self) -> Status:
        """What is done to each: copies are removed, photos get back what they were."""
        return Status.REMOVED if self.chosen.command == "classify" else Status.RESTORED

    def outcomes(self, run: Run, *, dry_run: bool) -> Iterator[Outcome]:
        """Take it back."""
        named = frozenset(self.paths)
        undoer = Undoer(run, self.moved, self.chosen.command, dry_run=dry_run, named=named)
        return run.outcomes(undoer.undo, self.writes)

    def older(self, space: Workspace) -> int | None:
        """The run before it that can be taken back, or None."""
        runs = space.catalog.runs.all()
        older = (run.id for run in runs if run.id < self.chosen.id and run.left and run.command != "undo")
        return next(older, None)


def choose_run(catalog: Catalog, number: int | None) -> PastRun:
    """The run of this number, or the last one that still has something to take back.

    Raises:
        UsageError: There is none.
    """
    hint = "tagroll history lists what was done."
    if number is None:
        run = next((run for run in catalog.runs.all() if run.left and run.command != "undo"), None)
        if run is None:
            raise UsageError("there is nothing to undo", hint)
        return run
    run = next((run for run in catalog.runs.all() if run.id == number), None)
    if run is None:
        raise UsageError(f"there is no run {number}", hint)
    if not run.left:
        raise UsageError(f"run {number} has nothing to undo", hint)
    return run


def choose_writes(catalog: Catalog, run: PastRun, paths: Sequence[Path], moved: Moved) -> list[list[int]]:
    """The numbers of the writes of a run that can be taken back, those of a photo together.

    Args:
        catalog: Holds the journal.
        run: Which.
        paths: Only of photos and files at or below these; none for all.
        moved: Finds the photos that are not where they were.

    Raises:
        UsageError: There is nothing at one of the paths.
    """
    chosen, missed = [], set(paths)
    for _, rows in groupby(catalog.journal.left(run.id), key=lambda row: row[1]):
        numbers = []
        for number, *places in rows:
            if paths and not os.path.exists(places[0]) and (at := moved.where(catalog.journal.entry(number))):  # noqa: PTH110
                places.append(at)
            hit = {path for path in paths if any(place.is_relative_to(path) for place in places)}
            missed -= hit
            if hit or not paths:
                numbers.append(number)
        if numbers:
            chosen += [[number] for number in numbers] if run.command == "classify" else [numbers]
    for path in sorted(missed):
        raise UsageError(
            f"run {run.id} wrote nothing at {path} that can be taken back",
            f"tagroll history {run.id} lists its photos.",
        )
    return chosen
