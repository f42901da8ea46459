"""The catalog's file: who may use it, its connections, and commits that share an fsync."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tagroll.catalog.committer import Committer
from tagroll.catalog.schema import migrate
from tagroll.errors import CatalogError, CatalogLockedError

if TYPE_CHECKING:
    import filelock

T = TypeVar("T")


class Database:
    """Opens (and makes) a catalog file. Safe to use from many threads.

    Args:
        path: The SQLite file; its folder is made when missing.
        exclusive: Hold the lock that only one run may have. Reading alone needs none.

    Raises:
        CatalogLockedError: Another run holds this catalog.
        CatalogError: The file cannot be opened, or is no catalog.
    """

    def __init__(self, path: Path, *, exclusive: bool = True) -> None:
        self.path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._reader_lock = threading.Lock()
        self._unwatched_error: BaseException | None = None
        with _as_catalog_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path) if exclusive else None
            try:
                connection = self._open()
                migrate(connection)
                connection.close()
            except BaseException:
                self._unlock()
                raise
        self._committer = Committer(self._open)

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit what is queued and let go of the lock."""
        self.close()

    def close(self) -> None:
        """Commit what is queued, close every connection and let go of the lock."""
        self._committer.close()
        for connection in self._readers:
            connection.close()
        self._readers.clear()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=30, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a journal row must survive a pulled plug before its photo is replaced. Commits share fsyncs.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        connection = getattr(self._local, "connection", None)
        with _as_catalog_error(self.path):
            if connection is None:
                connection = self._local.connection = self._open()
                with self._reader_lock:
                    self._readers.append(connection)
            return connection.execute(sql, values).fetchall()

    def _commit(self, job: Callable[[sqlite3.Connection], T]) -> T:
        with _as_catalog_error(self.path):
            result = self._committer.submit(job).result()
            if self._unwatched_error is not None:
                raise self._unwatched_error
            return result

    def _queue(self, job: Callable[[sqlite3.Connection], None]) -> None:
        """Commit in passing. An error shows at the next commit that is waited for."""
        self._committer.submit(job).add_done_callback(self._note_error)

    def _note_error(self, future: "Future[None]") -> None:
        self._unwatched_error = self._unwatched_error or future.exception()


def _lock(path: Path) -> "filelock.BaseFileLock":
    import filelock

    lock = filelock.FileLock(path.with_name(path.name + ".lock"), timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise CatalogLockedError(
            f"another run of tagroll is using the catalog {path}",
            "Wait for it to end, or give this run its own with --catalog FILE.",
        ) from error
    return lock


@contextlib.contextmanager
def _as_catalog_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise CatalogError(
            f"the catalog {path} cannot be used: {error}",
            "Is the disk full, or the folder read-only? Another place: --catalog FILE.",
        ) from error
