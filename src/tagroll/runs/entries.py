"""The journal of one photo in a run."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tagroll.catalog import Catalog, State, Writing
from tagroll.domain import Write


@dataclass(slots=True)
class Entries:
    """The journal of one photo: called with each write just before it happens.

    Attributes:
        catalog: Holds the journal.
        run: The number of the run.
        undoes: The number of the write that is taken back, or None.
        by_person: Whether a person wants these very tags to come and go: no model brings back what they take.
        takes_back: The writes that are taken back by what is written now, whatever else has come since; the oldest first.
        numbers: Of the rows so far.
    """

    catalog: Catalog
    run: int
    undoes: int | None = None
    by_person: bool = False
    takes_back: Sequence[Writing] = ()
    numbers: list[int] = field(default_factory=list)

    def __call__(self, write: Write) -> None:
        """Note a write that is about to happen; returns when the row is on disk."""
        if self.by_person:
            self.catalog.verdicts.note(self.run, write)
        there = (one.id for one in reversed(self.takes_back) if one.write.target == write.target)
        self.numbers.append(self.catalog.journal.add(self.run, write, next(there, self.undoes)))

    def states(self, state: State) -> dict[int, State]:
        """All of them in one state."""
        return dict.fromkeys(self.numbers, state)
