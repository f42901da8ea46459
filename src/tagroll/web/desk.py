"""What the routes work with: a library that is shown, judged and edited."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tagroll.runs.edit import Editing
from tagroll.runs.gallery import Gallery
from tagroll.runs.review import Review
from tagroll.runs.run import Workspace
from tagroll.runs.thumbnails import Thumbnails
from tagroll.web.events import Events
from tagroll.web.indexing import Indexing


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a page may ask for.

    Attributes:
        space: Opened without the lock.
        gallery: The photos.
        review: What is proposed for them.
        thumbnails: Small pictures of them.
        events: Tells pages what goes on.
        indexing: Keeps the gallery in step with the folders.
        editing: Changes photos; None where nothing may be written.
    """

    space: Workspace
    gallery: Gallery
    review: Review
    thumbnails: Thumbnails
    events: Events
    indexing: Indexing
    editing: Editing | None

    @property
    def roots(self) -> list[str]:
        """The paths that are shown."""
        return list(map(str, self.gallery.roots))


@contextmanager
def desk(
    space: Workspace, paths: Sequence[Path], thumbnails: Path, *, read_only: bool = False
) -> Iterator[Desk]:
    """Open the library of some paths; what nobody waits for any more ends with the context.

    Args:
        space: Opened without the lock.
        paths: What is shown.
        thumbnails: The file in which small pictures are kept.
        read_only: Write nothing into photos.
    """
    events, gallery = Events(), Gallery(space, paths, read_only=read_only)
    review = Review(space, gallery)
    pictures = Thumbnails.open(space, gallery, thumbnails)
    indexing = Indexing(gallery, review, events.tell)
    editing = None if read_only else Editing(space, gallery, review, events.tell)
    indexing.start()
    try:
        yield Desk(space, gallery, review, pictures, events, indexing, editing)
    finally:
        space.stop.set()
        indexing.close()
        pictures.close()
        if editing:
            editing.abandon()
            editing.close()
