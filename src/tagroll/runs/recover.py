"""What is done before a run: settling what an earlier run was cut off from, and clearing away what it left."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tagroll.catalog import Catalog, RunRow, State
from tagroll.errors import MetadataError, PhotoError
from tagroll.metadata.store import MetadataStore


def recover(catalog: Catalog, store: MetadataStore) -> int:
    """Find out what became of the writes of a run that was cut off; gives how many there were.

    A target that is neither as before nor as after was changed by another program since; then the journal row
    counts as done, and an undo goes by values, which harms nothing in either case.
    """
    pending = catalog.journal.pending()
    states = {}
    for writing in pending:
        with suppress(PhotoError):
            store.put_back(writing.write)
        store.remove_leftovers(writing.write.target.parent)
        with suppress(MetadataError):  # a file that cannot be read now is asked again by the next run
            never = (
                store.file_hash(writing.write.target, writing.write.before_hash) == writing.write.before_hash
            )
            states[writing.id] = State.VOID if never else State.DONE
    if states:
        catalog.journal.settle(states)
    last = next(iter(catalog.runs.all(1)), None)
    if last and not last.finished:  # it has the places of those that were cut off with it
        _clean(catalog, store, last)
        catalog.runs.forget_cut_off()
    return len(pending)


def _clean(catalog: Catalog, store: MetadataStore, run: RunRow) -> None:
    """Remove what a run that was cut off left where it stood in no journal yet: below the places that it was given."""
    undone = run.arguments[0] if run.command == "undo" and run.arguments else ""
    other = catalog.runs.at(int(undone)) if undone.isdecimal() else None
    for argument in (*run.arguments, *(other.arguments if other else ())):
        if (place := Path(argument)).is_absolute():
            for folder, _, _ in os.walk(place):
                store.remove_leftovers(Path(folder))


def leftover_cleaner(store: MetadataStore) -> Callable[[Path], None]:
    """Removes what a killed run left in the folder of a path, looking into each folder once."""
    seen: set[Path] = set()

    def clean(path: Path) -> None:
        if path.parent not in seen:
            seen.add(path.parent)
            store.remove_leftovers(path.parent)

    return clean
