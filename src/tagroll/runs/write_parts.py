"""Writing what people want of one photo, or taking something back there, so that the index knows the file again."""

from collections.abc import Sequence

from tagroll.domain import Change, Metadata, Outcome, Status
from tagroll.runs.action import PhotoEdit, added_up
from tagroll.runs.gallery import Gallery
from tagroll.runs.moved import photos_at
from tagroll.runs.read import Reader
from tagroll.runs.run import Run, Workspace
from tagroll.runs.undo import Undoer
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
    written = run.write(gallery.photo(number), decide, by_person=last.by_person)
    for part, (before, after) in zip(parts, effects, strict=True):
        part.action.shared |= len(parts) > 1
        if written.writes or len(parts) > 1:
            part.action.effects[path] = (number, before, after)
    if written.writes and last.undoes:  # what was said by giving or taking these tags is taken back with them
        before, after = effects[-1]
        words = {word_of(tag) for tag in before.tags} ^ {word_of(tag) for tag in after.tags}
        picture = written.writes[-1].picture_hash
        run.space.catalog.verdicts.say([], [(picture, word) for word in words])
    return written.outcome(path, Status.REWRITTEN)


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
