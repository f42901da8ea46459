"""Bringing the lists of tags in each photo in step, so that every program sees the same tags."""

from dataclasses import dataclass, replace

from tagroll.domain import Change, Outcome, Photo, Status
from tagroll.metadata.store import changed_lists
from tagroll.runs.guard import guard
from tagroll.runs.run import Run


@dataclass(frozen=True, slots=True)
class Syncer:
    """One run of bringing lists in step.

    Attributes:
        run: Writes, and remembers.
        dry_run: Find out everything, write nothing into photos.
    """

    run: Run
    dry_run: bool = False

    def sync(self, photo: Photo) -> Outcome:
        """Give every list of one photo the tags that the photo has; what changes is told in the outcome.

        Raises:
            CatalogError: The run cannot go on.
            TagrollError: The disk is full; the run cannot go on.
        """
        return guard(photo.path, lambda: self._sync(photo))

    def _sync(self, photo: Photo) -> Outcome:
        self.run.clean(photo.path)
        written = self.run.write(photo, lambda _: Change(align=True), dry_run=self.dry_run)
        lists = {
            f"{write.target.name} {name}" if write.is_sidecar else name: change
            for write in written.writes
            for name, change in changed_lists(write).items()
        }
        return replace(written.outcome(photo.path, Status.REWRITTEN), lists=lists)
