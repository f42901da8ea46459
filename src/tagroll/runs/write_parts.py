"""Writing what people want of one photo, or taking something back there, so that the index knows the file again."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tagroll.domain import Change, Metadata, Outcome, Status
from tagroll.errors import ChangedMeanwhileError
from tagroll.runs.action import Action, Effect, Failure, PhotoEdit, added_up, reverted
from tagroll.runs.gallery import Gallery
from tagroll.runs.moved import photos_at
from tagroll.runs.read import Reader
from tagroll.runs.run import Run, Workspace
from tagroll.runs.undo import Undoer, Undoing
from tagroll.tags.identity import word_of


def write(run: Run, gallery: Gallery, parts: Sequence[PhotoEdit]) -> Outcome:
    """Write all that waits for one photo as one change, and note in the actions what each has done to it.

    Raises:
        PhotoError: It cannot be read or written.
    """
    path, number, last = parts[-1].path, parts[-1].number, parts[-1].action
    assert number is not None  # noqa: S101 - only what is taken back may be of photos that are not shown
    effects: list[tuple[Metadata, Metadata]] = []

    def decide(metadata: Metadata) -> Change:
        change, effects[:] = added_up(parts, metadata)
        return change

    run.clean(path)
    for patience in (True, False):
        entries = run.entries(by_person=last.by_person, takes_back=parts[-1].takes_back)
        try:
            written = run.write(gallery.photo(number), decide, entries=entries)
            break
        except ChangedMeanwhileError:
            if (
                not patience
            ):  # the first time it is done again: a person at a page could do no more than say so
                raise
    taken_back: set[str] = set()
    for part, (before, after) in zip(parts, effects, strict=True):
        part.action.shared |= len(parts) > 1
        if written.writes or len(parts) > 1:
            part.action.effects[path] = Effect(number, before, after)
        if part.action.undoes:  # what was said by giving or taking these tags is taken back with them
            taken_back |= {word_of(tag) for tag in before.tags} ^ {word_of(tag) for tag in after.tags}
    if written.writes:
        run.space.catalog.verdicts.take_back(written.writes[-1].picture_hash, taken_back)
    return written.outcome(path, Status.REWRITTEN)


def taking_back_values(
    action: Action, effects: Mapping[Path, Effect], roots: Sequence[Path]
) -> list[PhotoEdit]:
    """What takes something back of which the writes are not the last of their photos, or not its own.

    Args:
        action: That does it.
        effects: What is to be taken back.
        roots: What the history is to tell of it.
    """
    action.command, action.by_person, action.done_status = "serve", False, Status.REWRITTEN
    action.arguments = (*map(str, roots), f"undo {action.label}")
    return [
        PhotoEdit(action, path, one.number, reverted(one.before, one.after), takes_back=one.writes)
        for path, one in effects.items()
    ]


def effects_of(space: Workspace, action: Action, run: int) -> dict[Path, Effect]:
    """What a run did to photos, as the journal has it; what is not shown any more fails here."""
    found = space.catalog.journal.in_force_of(run)
    numbers = {Path(os.fsdecode(row.path)): row.id for row in space.catalog.photos.shown_at(list(found))}
    action.failures += [
        Failure(None, Outcome(path, Status.FAILED, error="is not known any more", hint=f"tagroll undo {run}"))
        for path in found.keys() - numbers.keys()
    ]
    return {
        path: Effect(numbers[path], writings[0].write.before, writings[-1].write.after, writings)
        for path, writings in found.items()
        if path in numbers
    }


def taking_back_writes(space: Workspace, action: Action, begin: Callable[[Action], Run]) -> list[PhotoEdit]:
    """What takes a run back exactly: that of the action which is undone, or the one that its first argument names.

    Raises:
        UsageError: There is nothing to take back.
        CatalogError: The catalog cannot be read, or the run that does it not be begun.
    """
    target = action.undoes
    number = target.run.number if target and target.run else int(action.arguments[0])
    # before it is chosen: another undo of this run may be at work
    photos = {number: photo for number, photo, _ in space.catalog.journal.left(number)}
    undoing = Undoing.choose(space, number, ())
    action.arguments, action.done_status = (str(number),), undoing.done
    undoer = Undoer(begin(action), undoing.moved, undoing.chosen.command)
    known = space.catalog.photos.shown_at(list(photos.values()))
    numbers = {Path(os.fsdecode(row.path)): row.id for row in known}
    return [
        PhotoEdit(action, path, numbers.get(path), undo=partial(undone, space, undoer, writes))
        for writes in undoing.writes
        for path in [photos[writes[0]]]
    ]


def undone(space: Workspace, undoer: Undoer, writes: Sequence[int]) -> Outcome:
    """Take writes of one photo back.

    Raises:
        TagrollError: The catalog cannot be written, or the disk is full.
    """
    outcome = undoer.undo(writes)
    if outcome.status is Status.RESTORED:
        for photo in photos_at([outcome.path]):
            for _ in Reader(space.store, space.catalog).read([photo]):
                pass  # reading notes it
            space.picture_now(photo)
    return outcome
