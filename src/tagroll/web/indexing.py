"""Keeps what is shown in step with the folders: at the start, when they change or a page is opened, and now and then."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from tagroll.errors import TagrollError
from tagroll.runs.gallery import Gallery, Progress
from tagroll.runs.review import Review
from tagroll.runs.watching import Watching

log = logging.getLogger(__name__)

EVERY: Final = 600.0
"""Seconds after which the folders are looked at again though nobody asks."""
AT_MOST: Final = 30.0
"""Seconds between two looks, however many pages are opened."""
TOLD_EVERY: Final = 0.5
_REST = 9
"""How many times as long as a look took nobody looks again because of changes."""


class Indexing:
    """Looks at the folders in a thread of its own.

    Args:
        gallery: Is refreshed.
        review: Marks afterwards what there is to judge.
        tell: Called with events: "indexing" and "library".
    """

    def __init__(
        self, gallery: Gallery, review: Review, tell: Callable[[str, Mapping[str, object]], None]
    ) -> None:
        self._gallery, self._review, self._tell = gallery, review, tell
        self._wanted, self._closed = threading.Event(), threading.Event()
        self._progress = Progress(0, 0, running=True)
        self._told, self._looked, self._took, self._generation, self._error = 0.0, 0.0, 0.0, "", ""
        self._watching = Watching(gallery.roots, self._heard)
        self._thread = threading.Thread(target=self._look, name="tagroll-index", daemon=True)

    def start(self) -> None:
        """Begin with the first look."""
        self._thread.start()
        self._watching.start()

    def wake(self) -> None:
        """Look again, if the last time was not just now."""
        if time.monotonic() > self._looked + AT_MOST:
            self._wanted.set()

    def close(self) -> None:
        """End; the gallery stops where the workspace's stop is set."""
        self._closed.set()
        self._wanted.set()
        self._watching.close()
        self._thread.join()

    def row(self) -> dict[str, object]:
        """How far it is."""
        progress = self._progress
        return {
            "done": progress.done,
            "about": progress.about,
            "running": progress.running,
            "error": " ".join(filter(None, (self._error, *self._gallery.notes))),
        }

    def _look(self) -> None:
        while not self._closed.is_set():
            self._wanted.clear()
            begun = time.monotonic()
            try:
                self._gallery.refresh(self._note)
                self._review.by_tag()
                self._error = ""
            except TagrollError as error:  # as when a drive is not there; it may come back
                log.exception("the folders cannot be looked at")
                self._error = f"The folders cannot be looked at: {error.message}"
            except Exception as error:  # a mistake of ours: the next look may end well
                log.exception("unexpected error while the folders were looked at")
                self._error = f"The folders cannot be looked at: unexpected error in tagroll: {error}"
            self._looked = time.monotonic()
            self._took = self._looked - begun
            self._note(Progress(self._progress.done, self._progress.done, running=False))
            self._wanted.wait(EVERY)

    def _heard(self, changed: Iterable[Path]) -> None:
        """Look again where something has changed, but for no more than a tenth of the time: many photos may be coming.

        What was written by us, here or in another run, is only taken up: the catalog has it.
        """
        try:
            self._gallery.changed([])
            self._tell_library()
            if self._gallery.is_news(changed):
                self._closed.wait(self._looked + _REST * self._took - time.monotonic())
                self._wanted.set()
        except TagrollError:  # the next look may end well
            log.exception("what has changed in the folders cannot be looked at")

    def _note(self, progress: Progress) -> None:
        ends = self._progress.running and not progress.running
        self._progress = progress
        if ends or time.monotonic() > self._told + TOLD_EVERY:
            self._told = time.monotonic()
            if ends or progress.running:
                self._tell("indexing", self.row())
            self._tell_library()

    def _tell_library(self) -> None:
        if self._generation != self._gallery.generation:
            self._generation = self._gallery.generation
            self._tell("library", {"generation": self._generation})
