"""Hears of changes in the folders while they happen, where the system tells of them."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

QUIET_MS: Final = 500
"""What comes within so many milliseconds is one change; so often, too, it is asked whether all ends."""
AT_ONCE_MS: Final = 5000
"""The longest that changes are gathered where they do not end."""


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
            from watchfiles import Change, watch  # takes 0.1 s that nobody else needs to wait for

            there = [root for root in self._roots if os.path.exists(root)]  # noqa: PTH110 - no errors
            found = watch(
                *there, watch_filter=None, step=QUIET_MS, debounce=AT_ONCE_MS, stop_event=self._closed,
                raise_interrupt=False, ignore_permission_denied=True,
            )  # fmt: skip
            for changes in found if there else ():
                paths = {_as_named(Path(path), there): change for change, path in changes}
                # that something in it has changed is told of a folder by some systems: that is told of the file, too
                self._heard([p for p, how in paths.items() if how != Change.modified or not os.path.isdir(p)])  # noqa: PTH112
        except (
            ImportError,
            OSError,
            RuntimeError,
        ) as error:  # no watches are left, or the file system has none
            self._deaf(str(error))


def _as_named(path: Path, roots: Sequence[Path]) -> Path:
    """The path by the name of its root: some systems tell where the links in that lead to."""
    for root in roots:
        real = root.resolve()
        if not path.is_relative_to(root) and path.is_relative_to(real):
            return root / path.relative_to(real)
    return path
