"""The text in pictures, as far as it could be read: it is read once, and searched."""

import json
import sqlite3
from collections.abc import Sequence

from tagroll.catalog.database import Database, as_json, as_text

_TOUCHED = "UPDATE photos SET version = (SELECT coalesce(max(version), 0) + 1 FROM photos) WHERE id = ?"
"""What is searched of a photo follows its version."""


class Readings:
    """The readings that are kept.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, picture_hash: str, reader: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The lines that this reader found in a picture, and the tags that follow from them; None: it has not read it."""
        rows = self._database.read(
            "SELECT lines, tags FROM readings WHERE picture_hash = ? AND reader = ?", picture_hash, reader
        )
        return (tuple(str(rows[0][0]).splitlines()), tuple(json.loads(rows[0][1]))) if rows else None

    def text(self, picture_hash: str) -> str:
        """The text in a picture, or ""."""
        rows = self._database.read("SELECT lines FROM readings WHERE picture_hash = ?", picture_hash)
        return str(rows[0][0]) if rows else ""

    def keep(self, picture_hash: str, reader: str, lines: Sequence[str], tags: Sequence[str]) -> None:
        """Keep what a reader found, in the place of an earlier reading. Returns when it is on disk."""
        text = as_text("\n".join(lines))

        def job(c: sqlite3.Connection) -> int:
            ids = c.execute("SELECT id FROM photos WHERE picture_hash = ?", (picture_hash,)).fetchall()
            c.executemany(_TOUCHED, ids)
            values = (picture_hash, reader, text, as_json(list(tags)))
            return c.execute("INSERT OR REPLACE INTO readings VALUES (?, ?, ?, ?)", values).rowcount

        self._database.commit(job)
