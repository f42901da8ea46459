"""What a person said of tags that a model proposes, or took away: no model brings a rejected one back.

A verdict is about a picture, whatever file holds it and wherever that lies, and about a word (see `TagVerdict.word`).
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tagroll.catalog.database import Database
from tagroll.domain import Write
from tagroll.tags.identity import word_of

_IN_FORCE = (
    "(run IS NULL OR (run, picture_hash) IN (SELECT run, picture_hash FROM writes WHERE state = 'done'))"
)
"""What was said by giving or taking a tag holds as long as that is not taken back."""


_NOTE = (
    "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?) ON CONFLICT (picture_hash, word) DO UPDATE"
    " SET yes = excluded.yes, run = excluded.run, created = excluded.created"
    " WHERE run IS NOT NULL OR yes != excluded.yes"
)


@dataclass(frozen=True, slots=True)
class TagVerdict:
    """What a person said of one tag of one picture.

    Attributes:
        picture: Hash of the picture data.
        word: The identity of the last level of the tag: where in a tree it stands does not matter.
        yes: Whether the tag is right.
        run: The run that gave or took the tag for a person; None where it was only said.
    """

    picture: str
    word: str
    yes: bool
    run: int | None = None


class Verdicts:
    """The verdicts that are kept.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, run: int, write: Write) -> None:
        """Keep what a person's write says of tags; it holds as long as the write does, and is on disk when its row is.

        What was only said already is not said anew: it holds whatever becomes of the write.
        """
        before, after = ({word_of(tag) for tag in side.tags} for side in (write.before, write.after))
        rows = [
            (write.picture_hash, word, word in after, run, time.time()) for word in sorted(before ^ after)
        ]
        self._database.queue(lambda c: c.executemany(_NOTE, rows).close())

    def say(self, verdicts: Sequence[TagVerdict], gone: Collection[tuple[str, str]] = ()) -> None:
        """Keep verdicts in the place of older ones. Returns when they are on disk.

        Args:
            verdicts: What is said.
            gone: Picture and word of verdicts that hold no more.
        """
        rows = [(one.picture, one.word, one.yes, one.run, time.time()) for one in verdicts]

        def job(c: sqlite3.Connection) -> None:
            c.executemany("DELETE FROM verdicts WHERE picture_hash = ? AND word = ?", list(gone))
            c.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)", rows)

        if rows or gone:
            self._database.commit(job)

    def of(self, picture: str) -> list[TagVerdict]:
        """All verdicts about a picture that are in force."""
        return self._verdicts("picture_hash = ?", picture)

    def rejected(self, picture: str) -> frozenset[str]:
        """The words that a person rejected for a picture."""
        return frozenset(verdict.word for verdict in self.of(picture) if not verdict.yes)

    def all_rejected(self) -> dict[str, set[str]]:
        """Picture -> the words that a person rejected for it."""
        found = defaultdict[str, set[str]](set)
        for verdict in self._verdicts("NOT yes"):
            found[verdict.picture].add(verdict.word)
        return found

    def _verdicts(self, where: str, *values: object) -> list[TagVerdict]:
        rows = self._database.read(
            f"SELECT picture_hash, word, yes, run FROM verdicts WHERE {where} AND {_IN_FORCE}",  # noqa: S608 - our own words
            *values,
        )
        return [TagVerdict(picture, word, bool(yes), run) for picture, word, yes, run in rows]
