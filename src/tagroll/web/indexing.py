"""Keeps what is shown in step with the folders: at the start, when a page is opened, and now and then."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from tagroll.errors import TagrollError
from tagroll.runs.gallery import Gallery, Progress
from tagroll.runs.review import Review

log = logging.getLogger(__name__)

EVERY: Final = 600.0
"""Seconds after which the folders are looked at again though nobody asks."""
AT_MOST: Final = 30.0
"""Seconds between two looks, however many pages are opened."""
TOLD_EVERY: Final = 0.5


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
        self._told, self._looked, self._generation, self._error = 0.0, 0.0, "", ""
        self._thread = threading.Thread(target=self._look, name="tagroll-index", daemon=True)

    def start(self) -> None:
        """Begin with the first look."""
        self._thread.start()

    def wake(self) -> None:
        """Look again, if the last time was not just now."""
        if time.monotonic() > self._looked + AT_MOST:
            self._wanted.set()

    def close(self) -> None:
        """End; the gallery stops where the workspace's stop is set."""
        self._closed.set()
        self._wanted.set()
        self._thread.join()

    def row(self) -> dict[str, object]:
        """How far it is."""
        progress = self._progress
        return {
            "done": progress.done,
            "about": progress.about,
            "running": progress.running,
            "error": self._error,
        }

    def _look(self) -> None:
        while not self._closed.is_set():
            self._wanted.clear()
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
            self._note(Progress(self._progress.done, self._progress.done, running=False))
            self._wanted.wait(EVERY)

    def _note(self, progress: Progress) -> None:
        ends = self._progress.running and not progress.running
        self._progress = progress
        if ends or time.monotonic() > self._told + TOLD_EVERY:
            self._told = time.monotonic()
            if ends or progress.running:
                self._tell("indexing", self.row())
            if self._generation != self._gallery.generation:
                self._generation = self._gallery.generation
                self._tell("library", {"generation": self._generation})
