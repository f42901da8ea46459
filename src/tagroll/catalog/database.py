"""The catalog's file: who may use it, its connections, and commits that share an fsync.

What it holds about private photos is for its owner alone, so the file, those beside it (SQLite's, the lock) and the
folder that is made for it are, too.
"""

import contextlib
import json
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tagroll.catalog.committer import Committer
from tagroll.catalog.schema import check, migrate
from tagroll.disk import sync_names
from tagroll.errors import CatalogError, CatalogLockedError, plainly
from tagroll.settings import default_catalog

if TYPE_CHECKING:
    import filelock

T = TypeVar("T")

_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR

_DAMAGED = (
    "The file is damaged. Restore it from a backup; or move it away, and tagroll starts a new one, but what was"
    " done before cannot be undone then."
)
_NO_ROOM = "Is the disk full, or the folder read-only? Another place: --catalog FILE."


class Database:
    """Opens (and makes) a catalog file. Safe to use from many threads.

    Args:
        path: The SQLite file; its folder is made when missing.
        read_only: Make and write nothing, so that a catalog on a read-only disk can be read, too.

    Raises:
        CatalogError: The file cannot be opened, is no catalog, or (to read only) is not there.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []  # to read; each is one thread's at a time
        self._unwatched_error: BaseException | None = None
        self._holder: int | None = None
        self._open: Callable[[], sqlite3.Connection] = partial(_open_to_read if read_only else _open, path)
        with _as_catalog_error(path):
            # first of all: the database of another program must not even get a lock beside it
            _check(path, must_exist=read_only)
            _make_private(path)
            if not read_only:
                _make_folder(path.parent)
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))
                with contextlib.closing(self._open()) as connection:
                    migrate(connection)
        self._committer = Committer(self._open)

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lock that only one run of all programs may have; gives whether it was taken here and now.

        A catalog may be open for days without it. The thread that holds it may hold it again; another one would go on
        without it when the first one ends.

        Raises:
            CatalogLockedError: Another run holds it.
            CatalogError: It cannot be taken, as on a disk that cannot be written.
        """
        if self._holder == threading.get_ident():
            yield False
            return
        with _as_catalog_error(self.path):
            lock = _lock(self.path)
        self._holder = threading.get_ident()
        try:
            yield True
        finally:
            self._holder = None
            lock.release()

    def close(self) -> None:
        """Commit what is queued and close every connection."""
        self._committer.close()
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def in_use(self) -> bool:
        """Whether another run holds this catalog now."""
        try:
            _lock(self.path).release()
        except CatalogLockedError:
            return True
        except OSError:  # a disk that cannot be written holds no run
            return False
        return False

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query gives.

        Raises:
            CatalogError: The catalog cannot be read.
        """
        with _as_catalog_error(self.path), self._reader() as connection:
            return connection.execute(sql, values).fetchall()

    def read_some(self, count: int, sql: str, *values: object) -> Iterator[list[tuple[Any, ...]]]:
        """What a query gives as of its beginning, so many rows at a time.

        Raises:
            CatalogError: The catalog cannot be read.
        """
        with (
            _as_catalog_error(self.path),
            self._reader() as connection,
            contextlib.closing(connection.execute(sql, values)) as cursor,
        ):
            while rows := cursor.fetchmany(count):
                yield rows

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A connection to read by. Of as many threads as there are, few read at the same moment."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def commit(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in a transaction; gives what came of it when that is on disk.

        Raises:
            CatalogError: The catalog cannot be written.
        """
        with _as_catalog_error(self.path):
            result = self._committer.submit(job).result()
            error, self._unwatched_error = self._unwatched_error, None
            if error is not None:
                raise error
            return result

    def queue(self, job: Callable[[sqlite3.Connection], None]) -> None:
        """Commit in passing. An error shows once, at the next commit that is waited for."""
        self._committer.submit(job).add_done_callback(self._note_error)

    def _note_error(self, future: "Future[None]") -> None:
        self._unwatched_error = self._unwatched_error or future.exception()


def _make_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter. One that is there stays as it is: it may be the user's.

    It is on the disk when this returns, with those above it: a journal whose folder is lost with the power is none.
    """
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    for one in reversed(missing):
        one.mkdir(mode=stat.S_IRWXU if one == folder else 0o777, exist_ok=True)
        with contextlib.suppress(OSError):  # some disks sync no folders
            sync_names(one.parent)


def _make_private(path: Path) -> None:
    """Take from others what they may do with a catalog, and with the folder of the default one, which is tagroll's."""
    files = [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm", ".lock")]
    for file in (*files, path.parent) if path == default_catalog() else files:
        with contextlib.suppress(OSError):  # it is not there, not ours, or on a disk that cannot be written
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & ~stat.S_IRWXU:
                file.chmod(mode & stat.S_IRWXU)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL: a journal row must survive a pulled plug before its photo is replaced. Commits share fsyncs.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Open without writing anything: SQLite makes files even to read a catalog, unless told that it is at rest."""
    at_rest = not path.with_name(path.name + "-wal").exists()
    uri = f"{path.absolute().as_uri()}?{'immutable=1' if at_rest else 'mode=ro'}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=30, check_same_thread=False)


def _check(path: Path, *, must_exist: bool) -> None:
    if path.exists() and path.stat().st_size:
        with contextlib.closing(_open_to_read(path)) as connection:
            check(connection)
    elif must_exist:
        raise CatalogError(
            f"there is no catalog at {path}",
            "Nothing has been done yet, or it is at another place: --catalog FILE",
        )


def _lock(path: Path) -> "filelock.BaseFileLock":
    import filelock

    lock = filelock.FileLock(path.with_name(path.name + ".lock"), timeout=0, mode=_OWNER_ONLY)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise CatalogLockedError(
            f"another run of tagroll is using the catalog {path}",
            "Wait for it to end, or give this run its own with --catalog FILE",
        ) from error
    return lock


@contextlib.contextmanager
def _as_catalog_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        # the lower byte is the error, the rest its kind
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
        )
        raise CatalogError(
            f"the catalog {path} cannot be used: {plainly(error)}", _DAMAGED if damaged else _NO_ROOM
        ) from error


def as_path(raw: object) -> Path:
    """A path as the catalog keeps it: its bytes."""
    assert isinstance(raw, bytes)  # noqa: S101 - the schema says BLOB
    return Path(os.fsdecode(raw))


def as_text(text: str) -> str:
    """A text as SQLite takes it: bytes that are no text, and halves of characters, are question marks."""
    return text.encode("utf-8", "replace").decode()


def as_json(value: object) -> str:
    """A value as the catalog keeps it."""
    return _encode(value)


_encode = json.JSONEncoder(separators=(",", ":")).encode
