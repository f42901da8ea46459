"""Taking back what a run did to photos, from the journal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagroll.catalog import Catalog, Run, Writing
from tagroll.domain import Outcome, Status, Write
from tagroll.errors import PhotoError, UsageError
from tagroll.metadata.store import MetadataStore


@dataclass(frozen=True, slots=True)
class Undoer:
    """Takes writes back, one by one.

    Attributes:
        store: Puts files back.
        catalog: Holds the journal; the undoing is journalled as well.
        run: The number of the undoing run.
        dry_run: Only say what would be done.
    """

    store: MetadataStore
    catalog: Catalog
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
        try:
            done = self.store.undo(writing.write, journal, at=self._where(writing), dry_run=self.dry_run)
        except PhotoError as error:
            return Outcome(photo, Status.FAILED, error=error.message, hint=error.hint)
        if not self.dry_run:
            self.catalog.settle({writing.id: "undone", **dict.fromkeys(numbers, "done")})
            self.catalog.forget([photo, *([done.photo] if done else [])])
        after = done.after.tags if done else writing.write.before.tags
        return Outcome(done.photo if done else photo, Status.TAGGED if done else Status.UNCHANGED, after)

    def _where(self, writing: Writing) -> Path | None:
        """Where a photo that was moved or renamed is now, if the catalog has met it there."""
        if writing.write.photo.exists():
            return None
        rows = self.catalog.photos_with(writing.write.picture_hash)
        return next((row.path for row in rows if row.path.exists()), None)


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


def choose_writings(catalog: Catalog, run: Run, paths: Sequence[Path]) -> Iterator[Writing]:
    """The writes of a run that can be taken back, the newest first; only those of or below `paths` when given."""
    for writing in catalog.writings(run.id):
        if not paths or any(writing.write.photo.is_relative_to(path) for path in paths):
            yield writing
