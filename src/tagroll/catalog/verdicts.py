"""What a person said of tags that a model proposes, or took away: no model brings a rejected one back.

A verdict is about a picture, whatever file holds it and wherever that lies, and about a word (see `TagVerdict.word`).
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tagroll.catalog.database import Database
from tagroll.domain import Write
from tagroll.tags.identity import word_of

_IN_FORCE = (
    "(run IS NULL OR (run, picture_hash) IN (SELECT run, picture_hash FROM writes WHERE state = 'done'))"
)
"""What was said by giving or taking a tag holds as long as that is not taken back; then what was said before counts."""
_LAST = (
    "SELECT picture_hash, word, yes, run, max(id) FROM verdicts"  # noqa: S608 - our own words
    f" WHERE {{}} AND {_IN_FORCE} GROUP BY picture_hash, word"
)
"""The row with the largest id of each group (SQLite, "Bare columns in an aggregate query")."""
_NOTE = "INSERT OR REPLACE INTO verdicts (picture_hash, word, yes, run, created) VALUES (?, ?, ?, ?, ?)"
_UNSAY = "DELETE FROM verdicts WHERE picture_hash = ? AND word = ? AND run IS NULL"
_TAKE_BACK = "DELETE FROM verdicts WHERE id = (SELECT max(id) FROM verdicts WHERE picture_hash = ? AND word = ? AND run NOTNULL)"


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
        """Keep what a person's write says of tags; it holds as long as the write does, and is on disk when its row is."""
        before, after = ({word_of(tag) for tag in side.tags} for side in (write.before, write.after))
        rows = [
            (write.picture_hash, word, word in after, run, time.time()) for word in sorted(before ^ after)
        ]
        self._database.queue(lambda c: c.executemany(_NOTE, rows).close())

    def say(self, verdicts: Sequence[TagVerdict], gone: Collection[tuple[str, str]] = ()) -> None:
        """Keep what is only said, in the place of what was said so before. Returns when it is on disk.

        Args:
            verdicts: What is said; no run gave or took these tags.
            gone: Picture and word of what is said no more.
        """
        rows = [(one.picture, one.word, one.yes, None, time.time()) for one in verdicts]

        def job(c: sqlite3.Connection) -> None:
            c.executemany(_UNSAY, [*gone, *(row[:2] for row in rows)])
            c.executemany(_NOTE, rows)

        if rows or gone:
            self._database.commit(job)

    def keep_said(self, run: int, before: Mapping[tuple[str, str], TagVerdict | None]) -> None:
        """Keep what a run only said, so that it can be taken back.

        Args:
            run: The run.
            before: Picture and word of each -> what was said so before, or None.
        """
        rows = [(run, *key, None if one is None else one.yes) for key, one in before.items()]
        self._database.commit(
            lambda c: c.executemany("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?)", rows).rowcount
        )

    def said_by(self, run: int) -> dict[tuple[str, str], TagVerdict | None]:
        """What was said before a run only said something else, by picture and word; None for nothing."""
        rows = self._database.read("SELECT picture_hash, word, before FROM said WHERE run = ?", run)
        return {
            (picture, word): None if yes is None else TagVerdict(picture, word, bool(yes))
            for picture, word, yes in rows
        }

    def unsay(self, before: Mapping[tuple[str, str], TagVerdict | None], run: int | None = None) -> None:
        """Say again what was said before, of the run that said otherwise, if it has ended. Returns when it is on disk."""
        self.say([one for one in before.values() if one], [key for key, one in before.items() if not one])
        if run is not None:
            self._database.commit(lambda c: c.execute("DELETE FROM said WHERE run = ?", (run,)).rowcount)

    def take_back(self, picture: str, words: Collection[str]) -> None:
        """Forget what was said last by giving or taking these words. Returns when that is on disk."""
        if words:
            self._database.commit(
                lambda c: c.executemany(_TAKE_BACK, [(picture, word) for word in words]).rowcount
            )

    def of(self, picture: str) -> list[TagVerdict]:
        """All verdicts about a picture that are in force."""
        return self._last("picture_hash = ?", picture)

    def rejected(self, picture: str) -> frozenset[str]:
        """The words that a person rejected for a picture."""
        return frozenset(verdict.word for verdict in self.of(picture) if not verdict.yes)

    def all_rejected(self) -> dict[str, set[str]]:
        """Picture -> the words that a person rejected for it."""
        found = defaultdict[str, set[str]](set)
        for verdict in self._last("TRUE"):
            if not verdict.yes:
                found[verdict.picture].add(verdict.word)
        return found

    def _last(self, where: str, *values: object) -> list[TagVerdict]:
        rows = self._database.read(_LAST.format(where), *values)
        return [TagVerdict(picture, word, bool(yes), run) for picture, word, yes, run, _ in rows]
