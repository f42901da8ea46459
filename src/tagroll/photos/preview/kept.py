"""Pictures that were made for people, kept in one SQLite file so that none is made twice.

The file may be deleted at any time, and is begun anew when it is damaged. What it holds shows private photos, so it is
for its owner alone.
"""

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LIMIT: Final = 2 << 30
"""Bytes of pictures that are kept; those that were not looked at for the longest time go first."""
PATIENCE: Final = 1.0
"""Seconds that are waited for another server; making a picture anew takes no longer."""
_SPARE = 0.9
"""What is left of the limit when pictures had to go, so that this is rare."""
_DAY = 86_400
"""Seconds; that a picture was looked at is noted once a day."""
_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR

_FIND = "SELECT data, seen FROM pictures WHERE hash = ? AND long_edge = ?"
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS pictures (
        hash TEXT NOT NULL,             -- of the picture data of the photo
        long_edge INTEGER NOT NULL,     -- pixels
        seen INTEGER NOT NULL,          -- seconds since the epoch, to the day
        size INTEGER NOT NULL,          -- bytes
        data BLOB NOT NULL,
        PRIMARY KEY (hash, long_edge)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS pictures_seen ON pictures (seen, size);
"""


class KeptPictures:
    """Keeps pictures by the hash of the photo's picture data and their size. Safe to use from many threads.

    An error of the file costs speed, never a picture: what cannot be read is made again, what cannot be kept is not.

    Args:
        path: The file; its folder is made when missing.
        limit: Bytes of pictures at most.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self._path, self._limit = path, limit
        self._lock, self._finding = threading.Lock(), threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._seen: set[tuple[str, int]] = set()
        self._size = 0
        with self._lock, contextlib.suppress(OSError):
            try:
                self._open()
            except sqlite3.OperationalError:
                pass  # it cannot be opened or written, or another server is making it
            except sqlite3.DatabaseError:  # damaged, or another program's
                self._forget()
                with contextlib.suppress(sqlite3.Error):
                    self._open()

    def close(self) -> None:
        """Close the file."""
        with self._used() as connection:
            if connection:
                self._note_seen(connection)
        with self._lock:
            self._close()

    def find(self, picture: str, long_edge: int) -> bytes | None:
        """The picture of this hash and size, or None. Waits for nobody who keeps pictures, so that a server's loop may ask."""
        with self._finding, contextlib.suppress(sqlite3.Error):  # the next to keep one sees to a damaged file
            row = self._reader and self._reader.execute(_FIND, (picture, long_edge)).fetchone()
            if row:
                if row[1] < _today():
                    self._seen.add((picture, long_edge))
                return bytes(row[0])
        return None

    def keep(self, picture: str, long_edge: int, data: bytes) -> None:
        """Keep a picture."""
        with self._used() as connection:
            if connection is None:
                return
            self._note_seen(connection)
            row = (picture, long_edge, _today(), len(data), data)
            new = connection.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?, ?, ?, ?)", row).rowcount
            self._size += new * len(data)
            if self._size > self._limit:
                self._make_room(connection)

    def _note_seen(self, connection: sqlite3.Connection) -> None:
        """Note which pictures were looked at today; who finds one must not wait for that."""
        with self._finding:
            seen, self._seen = self._seen, set()
        connection.executemany(
            "UPDATE pictures SET seen = ? WHERE hash = ? AND long_edge = ?",
            [(_today(), *one) for one in seen],
        )

    @contextlib.contextmanager
    def _used(self) -> Iterator[sqlite3.Connection | None]:
        """The connection, in one thread at a time; None once the file has failed."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.OperationalError:
                pass  # a full disk, or another server is making room: what is there can be found all the same
            except sqlite3.Error:
                self._close()  # a damaged file, which the next start begins anew

    def _make_room(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT hash, long_edge, size FROM pictures INDEXED BY pictures_seen ORDER BY seen"
        )
        gone = []
        for picture, long_edge, size in rows:
            if self._size <= self._limit * _SPARE:
                break
            gone.append((picture, long_edge))
            self._size -= size
        connection.executemany("DELETE FROM pictures WHERE hash = ? AND long_edge = ?", gone)

    def _open(self) -> None:
        folder = self._path.parent
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))
        connection = self._connect(PATIENCE)
        try:
            connection.execute("PRAGMA page_size = 16384")  # a thumbnail is about as large
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # nothing here is worth waiting for the disk
            connection.executescript(_SCHEMA)
            (self._size,) = connection.execute("SELECT coalesce(sum(size), 0) FROM pictures").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        self._connection, self._reader = connection, self._connect(0)

    def _connect(self, patience: float) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=patience, isolation_level=None, check_same_thread=False)

    def _close(self) -> None:
        with self._finding:
            for connection in filter(None, (self._connection, self._reader)):
                connection.close()
            self._connection = self._reader = None

    def _forget(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


def _today() -> int:
    return int(time.time()) // _DAY * _DAY
