"""Hears of changes in the folders while they happen, where the system tells of them."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_Roots = dict[Path, tuple[int, int]]

QUIET_MS: Final = 500
"""What comes within so many milliseconds is one change; so often, too, it is asked whether all ends."""
AT_ONCE_MS: Final = 5000
"""The longest that changes are gathered where they do not end."""
ROOTS_S: Final = 3.0
"""So often it is looked whether the folders are still those that are listened to."""


def _log_deafness(reason: str) -> None:
    log.warning("changes in the folders are not heard of, but looked for now and then: %s", reason)


class Watching:
    """Listens in a thread of its own. Where the system cannot tell of changes, nothing is heard.

    Args:
        roots: Folders and files.
        heard: Called in that thread with what has changed.
        deaf: Called there when nothing will be heard, with the reason.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        heard: Callable[[Iterable[Path]], None],
        deaf: Callable[[str], None] = _log_deafness,
    ) -> None:
        self._roots, self._heard, self._deaf = roots, heard, deaf
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="tagroll-watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._closed.set()
        self._thread.join()

    def _listen(self) -> None:
        try:
            before = self._there()
            while not self._closed.is_set():
                there = self._there()
                if there:
                    self._listen_to(there, [root for root in there if there[root] != before.get(root)])
                else:
                    self._closed.wait(ROOTS_S)
                before = there
        except (
            ImportError,
            OSError,
            RuntimeError,
        ) as error:  # no watches are left, or the file system has none
            self._deaf(str(error))

    def _listen_to(self, there: _Roots, new: Sequence[Path]) -> None:
        """Listen to these folders until they are others: of one that is unmounted or moved nothing more is told.

        Args:
            there: Which they are.
            new: Those of which nobody has told yet.
        """
        from watchfiles import Change, watch  # takes 0.1 s that nobody else needs to wait for

        found = watch(
            *there, watch_filter=None, step=QUIET_MS, debounce=AT_ONCE_MS, stop_event=self._closed,
            raise_interrupt=False, ignore_permission_denied=True, yield_on_timeout=True, rust_timeout=int(1000 * ROOTS_S),
        )  # fmt: skip
        for changes in found:
            paths = {_as_named(Path(path), list(there)): change for change, path in changes}
            # that something in it has changed is told of a folder by some systems: that is told of the file, too
            heard = [p for p, how in paths.items() if how != Change.modified or not os.path.isdir(p)]  # noqa: PTH112
            if heard := [*new, *heard]:
                self._heard(heard)
            new = ()
            if self._there() != there:
                return

    def _there(self) -> _Roots:
        """The roots that are there, and which files or folders they are."""
        found: _Roots = {}
        for root in self._roots:
            with suppress(OSError):
                status = root.stat()
                found[root] = status.st_dev, status.st_ino
        return found


def _as_named(path: Path, roots: Sequence[Path]) -> Path:
    """The path by the name of its root: some systems tell where the links in that lead to."""
    for root in roots:
        real = root.resolve()
        if not path.is_relative_to(root) and path.is_relative_to(real):
            return root / path.relative_to(real)
    return path
