"""What was done: the runs, and what a run did to each photo, as a face shows it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tagroll.catalog import Catalog, RunRow, State
from tagroll.domain import Status
from tagroll.errors import UsageError
from tagroll.settings import Settings, default_catalog
from tagroll.tags.identity import identity


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run of the history.

    Attributes:
        run: As the catalog has it.
        is_running: It has not ended, and somebody holds the catalog: it may be at work.
    """

    run: RunRow
    is_running: bool

    @property
    def changed(self) -> int:
        """Photos that it changed."""
        return sum(self.run.summary.get(status, 0) for status in Status if status.changed)

    def row(self) -> dict[str, object]:
        """What programs get to read of it."""
        run = self.run
        return {
            "type": "run", "run": run.id, "command": run.command, "arguments": list(run.arguments), "model": run.model,
            "started": run.started, "finished": run.finished, "dry_run": run.dry_run, "writes": run.writes,
            "summary": dict(run.summary),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PastWrite:
    """What a run did to one file.

    Attributes:
        photo: The photo.
        target: The file that was written.
        added: Tags it has since.
        removed: Tags it had before.
        undone: Whether that was taken back.
        made: Whether the file was there afterwards; a copy that was removed is not.
    """

    photo: Path
    target: Path
    added: tuple[str, ...]
    removed: tuple[str, ...]
    undone: bool
    made: bool

    def row(self) -> dict[str, object]:
        """What programs get to read of it."""
        return {
            "type": "write", "path": str(self.photo), "target": str(self.target), "added": list(self.added),
            "removed": list(self.removed), "undone": self.undone,
        }  # fmt: skip


class History:
    """What the catalog tells of the past.

    Args:
        catalog: Holds it.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @classmethod
    @contextmanager
    def open(cls, settings: Settings) -> Iterator["History | None"]:
        """Open a catalog to read; nothing is made or changed. None where nothing has been done yet.

        Raises:
            CatalogError: It cannot be read, or one was named and is not there.
        """
        if settings.catalog == default_catalog() and not settings.catalog.exists():
            yield None
            return
        with Catalog(settings.catalog, read_only=True) as catalog:
            yield cls(catalog)

    def words(self) -> Counter[str]:
        """Tag -> how many of the photos that are known carry it."""
        return self._catalog.photos.words()

    def runs(self, limit: int) -> Sequence[PastRun]:
        """The last runs, the newest first."""
        runs = self._catalog.runs.all(limit)
        running = bool(runs) and not runs[0].finished and self._catalog.in_use()  # only the last one can be
        return [PastRun(run, running and run is runs[0]) for run in runs]

    def writes(self, run: int) -> Iterator[PastWrite]:
        """What a run did to each file, the last one first.

        Raises:
            UsageError: There is no such run.
        """
        if self._catalog.runs.at(run) is None:
            raise UsageError(f"there is no run {run}", "tagroll history lists them")
        for writing in self._catalog.journal.of_run(run):
            write = writing.write
            before, after = (
                {identity(tag): tag for tag in side.tags} for side in (write.before, write.after)
            )
            added = tuple(tag for name, tag in after.items() if name not in before)
            removed = tuple(tag for name, tag in before.items() if name not in after)
            undone = writing.state is State.UNDONE
            yield PastWrite(write.photo, write.target, added, removed, undone, bool(write.after_hash))
