"""Taking back what a run did to photos, from the journal."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tagroll.catalog import Catalog, RunRow, State, Writing
from tagroll.domain import Outcome, Status, Write
from tagroll.errors import UsageError, WriteError
from tagroll.metadata.copies import take_back
from tagroll.metadata.store import MADE, target_of
from tagroll.photos.scan import OUTPUT_FOLDER, absolute
from tagroll.runs.guard import guard
from tagroll.runs.moved import Moved, photos_at
from tagroll.runs.pictures import picture_now
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
            self.run.space.store.check(writing.write)
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
                [write.photo, *([done.photo] if done else [])], wanted=self.command in {"tag", "watch"}
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
                "If it is that photo, edited since: tagroll undo RUN PATH, with the path of this very file",
            )
        raise WriteError(
            "was moved or deleted",
            "If it was moved, let tagroll find it: tagroll tags FOLDER, then undo again",
        )

    def _is_that(self, write: Write) -> bool:
        """Whether the photo at its place is the one that was written, and no other one that has its name now."""
        found = None if write.photo in self.named else next(photos_at([write.photo]), None)
        if found is None:
            return True  # somebody says so; or it is no longer a photo, and the store says why
        if (
            picture_now(found, self.run.space.store, self.run.space.catalog, write.picture_hash)
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

    chosen: RunRow
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
        verdicts = run.space.catalog.verdicts
        if not (dry_run or self.paths):
            verdicts.unsay(verdicts.said_by(self.chosen.id), self.chosen.id)
        named = frozenset(self.paths)
        undoer = Undoer(run, self.moved, self.chosen.command, dry_run=dry_run, named=named)
        return run.outcomes(undoer.undo, self.writes)

    def older(self, space: Workspace) -> int | None:
        """The run before it that can be taken back, or None."""
        older = (run.id for run in _undoable(space.catalog) if run.id < self.chosen.id)
        return next(older, None)


def _undoable(catalog: Catalog) -> Iterator[RunRow]:
    """The runs that can be taken back, the newest first; what only took something back is none."""
    return (run for run in catalog.runs.all() if run.left and run.command != "undo")


def choose_run(catalog: Catalog, number: int | None) -> RunRow:
    """The run of this number, or the last one that still has something to take back.

    Raises:
        UsageError: There is none.
    """
    hint = "tagroll history lists what was done."
    if number is None:
        run = next(_undoable(catalog), None)
        if run is None:
            raise UsageError("there is nothing to undo", hint)
        return run
    run = catalog.runs.at(number)
    if run is None:
        raise UsageError(f"there is no run {number}", hint)
    if not run.left:
        raise UsageError(f"run {number} has nothing to undo", hint)
    return run


def choose_writes(catalog: Catalog, run: RunRow, paths: Sequence[Path], moved: Moved) -> list[list[int]]:
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
            f"tagroll history {run.id} lists its photos",
        )
    return chosen
