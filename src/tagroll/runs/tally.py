"""Counting what came of photos."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tagroll.domain import Beside, Outcome, Status


@dataclass(slots=True)
class Tally:
    """Counts outcomes.

    Attributes:
        done: What the run does to photos; its number is always told.
        counts: Photos by how it went.
        failures: Those that failed.
        folders: Folders that could not be read: there may be photos in them.
        removed: Tags that were replaced and that tagroll had not written.
        kept: Photos that keep a caption they had.
        withheld: Tags that the model says and a person took away.
        unlisted: What the model says and is not on the person's list -> for how many photos.
        agreed: Photos whose words were made those of their shoot.
        struck: Photos of which a model named people or places that they do not.
        asked: Photos a model was asked about.
        inherited: Photos that got the answer about another frame of their burst.
        beside: Photos whose tags are, or would be, beside them, by why and where.
        broken_seals: Photos whose C2PA signature is, or would be, invalid.
        failed_before: Photos that failed when the same was done last.
    """

    done: Status = Status.TAGGED
    counts: Counter[Status] = field(default_factory=Counter)
    failures: list[Outcome] = field(default_factory=list)
    folders: int = 0
    removed: int = 0
    kept: int = 0
    withheld: int = 0
    unlisted: Counter[str] = field(default_factory=Counter)
    agreed: int = 0
    struck: int = 0
    asked: int = 0
    inherited: int = 0
    beside: Counter[Beside] = field(default_factory=Counter)
    broken_seals: int = 0
    failed_before: frozenset[Path] = frozenset()

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.counts[outcome.status] += 1
        self.removed += outcome.removed
        self.kept += outcome.kept
        self.withheld += len(outcome.withheld)
        self.unlisted.update(outcome.unlisted)
        self.struck += bool(outcome.struck)
        self.asked += outcome.asked
        self.inherited += outcome.same_as is not None and outcome.status.changed
        self.broken_seals += outcome.broke_seal
        if outcome.beside:
            self.beside[outcome.beside] += 1
        if outcome.status is Status.FAILED:
            self.failures.append(outcome)

    def counted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Count them on their way."""
        for outcome in outcomes:
            self.add(outcome)
            yield outcome

    @property
    def total(self) -> int:
        """Photos so far."""
        return self.counts.total()

    @property
    def changed(self) -> int:
        """Photos, or files, that were or would be changed."""
        return sum(number for status, number in self.counts.items() if status.changed)

    @property
    def exit_code(self) -> int:
        """0, or 3 when photos failed, or folders that may hold some."""
        return 3 if self.failures or self.folders else 0

    def summary(self) -> dict[str, int]:
        """Counts by status, for the catalog and for programs."""
        told = [
            status for status in Status if status is self.done or not status.changed or self.counts[status]
        ]
        more = {name: count for name in ("agreed", "inherited") if (count := getattr(self, name))}
        return {"total": self.total} | {str(status): self.counts[status] for status in told} | more
