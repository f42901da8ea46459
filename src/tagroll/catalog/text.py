"""Full-text search over what is known of photos (SQLite's FTS5)."""

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from tagroll.catalog.database import Database, as_text

if TYPE_CHECKING:
    import numpy as np

_CHANGED = (
    "SELECT id, path, photos.tags, title, description, camera, coalesce(lines, ''), version FROM photos"
    " LEFT JOIN readings USING (picture_hash)"
    " WHERE version > (SELECT version FROM texts_of) ORDER BY version LIMIT ?"
)
_AT_ONCE = 5000
"""Photos whose texts are brought up to date in one transaction."""
FIELDS = ("tags", "title", "description", "folder", "name", "camera", "inside")
"""What is searched; `inside` is the text in the picture."""


class Texts:
    """The texts of photos. They follow the index when somebody searches, so that noting photos costs nothing for them.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def update(self) -> None:
        """Take up what has changed in the index since. Returns when it is on disk."""
        behind = self._database.read("SELECT max(version) > (SELECT version FROM texts_of) FROM photos")
        more = bool(behind[0][0])
        while more:
            more = self._database.commit(_take_up)

    def search(self, expression: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """The ids of the photos that an FTS5 expression fits, gone ones included; in no order."""
        import numpy as np

        # as one text: a row each would take three times as long as finding them
        sql = "SELECT coalesce(group_concat(rowid), '') FROM texts WHERE texts MATCH ?"
        return np.fromstring(self._database.read(sql, expression)[0][0], np.int64, sep=",")

    def texts(self, numbers: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """What is searched of these photos, in the order of FIELDS."""
        found = {}
        for number in numbers:
            for row in self._database.read(f"SELECT {', '.join(FIELDS)} FROM texts WHERE rowid = ?", number):  # noqa: S608 - our own words
                found[number] = row
        return found


def _take_up(c: sqlite3.Connection) -> bool:
    """Bring some photos' texts up to date; gives whether there may be more."""
    rows = c.execute(_CHANGED, (_AT_ONCE,)).fetchall()
    if rows:
        c.executemany("DELETE FROM texts WHERE rowid = ?", [(row[0],) for row in rows])
        c.executemany(
            f"INSERT INTO texts (rowid, {', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own words
            map(_texts, rows),
        )
        c.execute("UPDATE texts_of SET version = ?", (rows[-1][7],))
    return len(rows) == _AT_ONCE


def _texts(row: tuple[int, bytes, str, str, str, str, str, int]) -> tuple[object, ...]:
    number, raw, tags, title, description, camera, inside, _ = row
    path = PurePath(as_text(os.fsdecode(raw)))
    folder = "\n".join(path.parent.parts[1:])
    return (
        number,
        as_text("\n".join(json.loads(tags))),
        title,
        description,
        folder,
        path.stem,
        camera,
        inside,
    )
