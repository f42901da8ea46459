"""The journal of one photo in a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tagroll.catalog import Catalog, State
from tagroll.domain import Write


@dataclass(slots=True)
class Entries:
    """The journal of one photo: called with each write just before it happens.

    Attributes:
        catalog: Holds the journal.
        run: The number of the run.
        undoes: The number of the write that is taken back, or None.
        by_person: Whether a person wants these very tags to come and go: no model brings back what they take.
        instead_of: Target -> the number of the write that is taken back there by what is written now.
        numbers: Of the rows so far.
    """

    catalog: Catalog
    run: int
    undoes: int | None = None
    by_person: bool = False
    instead_of: Mapping[Path, int] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)

    def __call__(self, write: Write) -> None:
        """Note a write that is about to happen; returns when the row is on disk."""
        if self.by_person:
            self.catalog.verdicts.note(self.run, write)
        undoes = self.instead_of.get(write.target, self.undoes)
        self.numbers.append(self.catalog.journal.add(self.run, write, undoes))

    def states(self, state: State) -> dict[int, State]:
        """All of them in one state."""
        return dict.fromkeys(self.numbers, state)
