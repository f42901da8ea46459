"""What is done before a run: settling what an earlier run was cut off from, and clearing away what it left."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tagroll.catalog import Catalog, State
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
    return len(pending)


def leftover_cleaner(store: MetadataStore) -> Callable[[Path], None]:
    """Removes what a killed run left in the folder of a path, looking into each folder once."""
    seen: set[Path] = set()

    def clean(path: Path) -> None:
        if path.parent not in seen:
            seen.add(path.parent)
            store.remove_leftovers(path.parent)

    return clean
