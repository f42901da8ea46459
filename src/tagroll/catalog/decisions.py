"""What a person decided about tags."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from tagroll.catalog.database import Database

_TAKEN_BACK = """
    EXISTS (SELECT 1 FROM writes w WHERE w.run = decisions.run AND state = 'undone')
    AND NOT EXISTS (SELECT 1 FROM writes w WHERE w.run = decisions.run AND state IN ('done', 'pending'))
"""


class Kind(StrEnum):
    """What was decided about a pair of tags."""

    INTO = "into"
    APART = "apart"
    AGREED = "agreed"
    """Not by a person: two words of a model for one thing; the other one is used."""


class KeptDecisions:
    """Decisions about tags.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def merges(self) -> dict[str, str]:
        """Tag -> the word it becomes, chains followed to their end.

        What a run decided no longer holds once all that it wrote has been taken back.
        """
        return self._ends(Kind.INTO)

    def agreed(self) -> dict[str, str]:
        """Word of a model -> the one that is used for the same thing, as `merges`; what a person decided comes first."""
        return self._ends(Kind.AGREED)

    def _ends(self, kind: Kind) -> dict[str, str]:
        merged = f"SELECT tag, other FROM decisions WHERE kind = ? AND NOT ({_TAKEN_BACK})"  # noqa: S608 - our own words
        into = {str(tag): str(word) for tag, word in self._database.read(merged, kind)}
        return {tag: end for tag in into if (end := follow(tag, into)) != tag}

    def kept_apart(self) -> frozenset[frozenset[str]]:
        """Pairs of tags that must not become one."""
        rows = self._database.read("SELECT tag, other FROM decisions WHERE kind = ?", Kind.APART)
        return frozenset(frozenset(map(str, row)) for row in rows)

    def decide(
        self, into: Mapping[str, str], apart: Iterable[Collection[str]] = (), run: int | None = None
    ) -> None:
        """Remember decisions in the place of older ones about the same tags. Returns when they are on disk.

        Args:
            into: Tag -> the word it becomes.
            apart: Pairs that must not become one; they hold whatever becomes of the run.
            run: The run that acts on `into`; undoing all of it revokes these.
        """
        now, known = time.time(), self.merges()
        merged: list[tuple[str, str, str, int | None, float]] = [
            (Kind.INTO, tag, word, run, now)
            for tag, word in into.items()
            if word not in (tag, known.get(tag))  # one that holds already stays with the run that made it
        ]
        split: list[tuple[str, str, str, int | None, float]] = [
            (Kind.APART, one, other, None, now) for one, other in map(sorted, apart)
        ]
        joined = [sorted((tag, word)) for _, tag, word, *_ in merged]
        ends = {(word,) for word in into.values()} - {(tag,) for tag in into}

        def job(c: sqlite3.Connection) -> None:
            # A word that tags become now does not itself become another one any more.
            c.executemany("DELETE FROM decisions WHERE kind = 'into' AND tag = ?", ends)
            c.executemany(
                "DELETE FROM decisions WHERE kind = 'into' AND tag = ?", [row[1:2] for row in merged]
            )
            c.executemany("DELETE FROM decisions WHERE kind = 'apart' AND tag = ? AND other = ?", joined)
            for one, other in ([row[1], row[2]] for row in split):
                pair = [(one, other), (other, one)]
                c.executemany("DELETE FROM decisions WHERE kind != 'apart' AND tag = ? AND other = ?", pair)
            c.executemany("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)", merged + split)

        self._database.commit(job)

    def forget_apart(self, tags: Collection[str]) -> None:
        """Forget that two tags must not become one. Returns when that is on disk."""
        pair = sorted(tags)
        self._database.commit(
            lambda c: (
                c.execute(
                    "DELETE FROM decisions WHERE kind = 'apart' AND tag = ? AND other = ?", pair
                ).rowcount
            )
        )

    def agree(self, into: Mapping[str, str], run: int) -> None:
        """Remember which words of a model mean one thing, in the place of what was agreed about them before.

        Args:
            into: Word -> the one that is used.
            run: The run that acts on it; undoing all of it revokes this.
        """
        rows = [(Kind.AGREED, tag, word, run, time.time()) for tag, word in into.items()]
        spoken_of = [(tag,) for tag in {*into, *into.values()}]

        def job(c: sqlite3.Connection) -> None:
            c.executemany("DELETE FROM decisions WHERE kind = 'agreed' AND tag = ?", spoken_of)
            c.executemany("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)", rows)

        self._database.commit(job)

    def keep_proposal(self, merges: Mapping[str, str]) -> str:
        """Keep what a plan proposes, tag -> word; gives the name to ask for it. Returns when it is on disk."""
        text = json.dumps(dict(merges))
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        row = (name, text, time.time())
        self._database.commit(
            lambda c: c.execute("INSERT OR REPLACE INTO proposals VALUES (?, ?, ?)", row).rowcount
        )
        return name

    def proposal(self, name: str) -> dict[str, str] | None:
        """What a plan proposed, tag -> word, or None where this catalog does not know it."""
        rows = self._database.read("SELECT merges FROM proposals WHERE id = ?", name)
        return dict(json.loads(str(rows[0][0]))) if rows else None


def follow(tag: str, into: Mapping[str, str]) -> str:
    """Where a chain of merges ends; the tag itself when it leads back to it."""
    seen = {tag}
    word = tag
    while (next_word := into.get(word, word)) not in seen:
        seen.add(word := next_word)
    return word if word not in into or into[word] == word else tag
