"""The index: what is known of photos as long as their files are as they were."""

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagroll.catalog.database import Database, as_json, as_path
from tagroll.catalog.journal import State
from tagroll.tags.identity import LEVEL

_PHOTO = "SELECT path, stamp, picture_hash, tags, wanted FROM photos"

_INDEX = "INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?)"

_INDEX_READ = (
    "INSERT INTO photos (path, stamp, picture_hash, tags) VALUES (?, ?, ?, ?) ON CONFLICT (path) DO UPDATE"
    " SET stamp = excluded.stamp, picture_hash = excluded.picture_hash, tags = excluded.tags"
)


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A row of the index.

    Attributes:
        path: The photo.
        stamp: What its size and times were; while they are the same, the rest of the row is true.
        picture_hash: Hash of the picture data.
        tags: The tags in the file.
        wanted: What tagroll last made of it, or None when it never tagged this file.
    """

    path: Path
    stamp: str
    picture_hash: str
    tags: tuple[str, ...]
    wanted: Mapping[str, object] | None = None


class Photos:
    """The index of photos.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def at(self, path: Path) -> PhotoRow | None:
        """The index row of a path, whether or not the file is still as it says."""
        rows = self._database.read(f"{_PHOTO} WHERE path = ?", os.fsencode(path))
        return _photo_row(rows[0]) if rows else None

    def with_picture(self, picture_hash: str) -> list[PhotoRow]:
        """Every path that is known to hold this picture."""
        return [
            _photo_row(row) for row in self._database.read(f"{_PHOTO} WHERE picture_hash = ?", picture_hash)
        ]

    def paths(self) -> set[str]:
        """Every hierarchical tag of the photos that are known."""
        rows = self._database.read("SELECT DISTINCT tags FROM photos WHERE instr(tags, '|') AND stamp != ''")
        return {tag for (tags,) in rows for tag in json.loads(tags) if LEVEL in tag}

    def unhashed(self) -> list[tuple[Path, str]]:
        """Path and stamp of the photos whose picture is not known, as they were only read."""
        rows = self._database.read("SELECT path, stamp FROM photos WHERE picture_hash = ''")
        return [(as_path(path), str(stamp)) for path, stamp in rows]

    def tags_at(self, paths: Sequence[Path]) -> list[tuple[str, tuple[str, ...]] | None]:
        """What the index says of many paths at once: stamp and tags, or None for one that is not in it."""
        names = [os.fsencode(path) for path in paths]
        marks = ",".join("?" * len(names))
        rows = self._database.read(f"SELECT path, stamp, tags FROM photos WHERE path IN ({marks})", *names)  # noqa: S608 - marks only
        # one JSON text for all: starting the decoder anew for each row would take most of the time
        tags = json.loads(f"[{','.join(row[2] for row in rows)}]")
        known = {row[0]: (row[1], tuple(found)) for row, found in zip(rows, tags, strict=True)}
        return [known.get(name) for name in names]

    def index(self, rows: Sequence[PhotoRow]) -> None:
        """Note what files hold that were only read; what tagroll last made of them stays. Returns when it is on disk."""
        values = [_photo_values(row)[:4] for row in rows]
        if values:
            self._database.commit(lambda c: c.executemany(_INDEX_READ, values).rowcount)

    def conclude(self, states: Mapping[int, State], row: PhotoRow) -> None:
        """Note how writes ended (see `settle`) and what the file holds now, without waiting for the disk.

        When this is lost in a crash, the next run finds out from the file itself. An error shows at the next
        commit that is waited for.
        """
        settled = [(state, number) for number, state in states.items()]
        values = _photo_values(row)

        def job(c: sqlite3.Connection) -> None:
            c.executemany("UPDATE writes SET state = ? WHERE id = ?", settled)
            c.execute(_INDEX, values)

        self._database.queue(job)

    def note_picture(self, path: Path, stamp: str, picture_hash: str) -> None:
        """Note the hash of a picture that was only read before, without waiting for the disk; no row is made for it."""
        values = (picture_hash, os.fsencode(path), stamp)
        sql = "UPDATE photos SET picture_hash = ? WHERE path = ? AND stamp = ?"
        self._database.queue(lambda c: c.execute(sql, values).close())

    def forget(self, paths: Sequence[Path], *, wanted: bool = True) -> None:
        """What the index says of these files is no longer so; with `wanted`, they count as never tagged by us."""
        values = [(os.fsencode(path),) for path in paths]
        change = "stamp = ''" + (", wanted = NULL" if wanted else "")
        sql = f"UPDATE photos SET {change} WHERE path = ?"  # noqa: S608 - our own words
        self._database.commit(lambda c: c.executemany(sql, values).rowcount)


def _photo_values(row: PhotoRow) -> tuple[object, ...]:
    wanted = None if row.wanted is None else as_json(row.wanted)
    return (os.fsencode(row.path), row.stamp, row.picture_hash, as_json(row.tags), wanted)


def _photo_row(row: tuple[Any, ...]) -> PhotoRow:
    path, stamp, picture_hash, tags, wanted = row
    wanted = None if wanted is None else json.loads(wanted)
    return PhotoRow(as_path(path), stamp, picture_hash, tuple(json.loads(tags)), wanted)
