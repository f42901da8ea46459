"""Runs: one use of a command that writes each."""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagroll.catalog.database import Database
from tagroll.domain import Status

FAILURES = "failures"
"""Where the paths of the photos that failed stand, among the counts of a run."""
_FORGET = (
    "DELETE FROM runs WHERE id = ? AND NOT EXISTS (SELECT 1 FROM writes WHERE run = runs.id)"
    " AND NOT EXISTS (SELECT 1 FROM decisions WHERE run = runs.id)"
    " AND NOT EXISTS (SELECT 1 FROM verdicts WHERE run = runs.id)"
    " AND NOT EXISTS (SELECT 1 FROM said WHERE run = runs.id)"
)
_CUT_OFF = "(SELECT id FROM runs WHERE finished IS NULL AND command IN ('serve', 'undo'))"
_FORGET_CUT_OFF = (
    f"DELETE FROM writes WHERE state = 'void' AND run IN {_CUT_OFF}",  # noqa: S608 - our own words
    f"DELETE FROM verdicts WHERE run IN {_CUT_OFF} AND run NOT IN (SELECT run FROM writes)",  # noqa: S608 - our own words
    _FORGET.replace("id = ?", f"id IN {_CUT_OFF}"),
)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One use of a command that writes.

    Attributes:
        id: Its number.
        command: "tag", "undo" ...
        arguments: As typed, without secrets.
        model: The model that was asked, or "".
        started: Seconds since the epoch.
        finished: Likewise; None for a run that was cut off.
        summary: Photos by status.
        writes: Files it wrote.
        left: How many of these were not taken back since; also what it only said of proposals.
    """

    id: int
    command: str
    arguments: tuple[str, ...]
    model: str
    started: float
    finished: float | None
    summary: Mapping[str, int]
    writes: int
    left: int

    @property
    def dry_run(self) -> bool:
        """Whether it only told what it would do: it says so, or claims photos without having written a file."""
        claims = self.writes == 0 and any(self.summary.get(status, 0) for status in Status if status.changed)
        return "--dry-run" in self.arguments or claims


class Runs:
    """The runs of the catalog.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, command: str, arguments: Sequence[str], model: str = "") -> int:
        """Note that a run begins; gives its number."""
        values = (command, json.dumps(list(arguments)), model, time.time())

        def job(c: sqlite3.Connection) -> int:
            cursor = c.execute(
                "INSERT INTO runs (command, arguments, model, started) VALUES (?, ?, ?, ?)", values
            )
            return int(cursor.lastrowid or 0)

        return self._database.commit(job)

    def forget(self, run: int) -> None:
        """Take a run out that came to nothing: nothing was written or decided in it."""
        self._database.commit(lambda c: c.execute(_FORGET, (run,)).rowcount)

    def forget_cut_off(self) -> None:
        """Take out edits and undos that were cut off before anything was written. None may be at work."""

        def job(c: sqlite3.Connection) -> None:
            for sql in _FORGET_CUT_OFF:
                c.execute(sql)

        self._database.commit(job)

    def note_model(self, run: int, model: str) -> None:
        """Note which model a run turns out to ask."""
        self._database.commit(
            lambda c: c.execute("UPDATE runs SET model = ? WHERE id = ?", (model, run)).rowcount
        )

    def finish(self, run: int, summary: Mapping[str, int], failures: Iterable[Path] = ()) -> None:
        """Note that a run came to its end, with these counts, and these photos failed."""
        failed = [str(path) for path in failures]
        values = (time.time(), json.dumps({**summary, FAILURES: failed} if failed else dict(summary)), run)
        self._database.commit(
            lambda c: c.execute("UPDATE runs SET finished = ?, summary = ? WHERE id = ?", values).rowcount
        )

    def failures_before(self, run: int) -> frozenset[Path]:
        """The photos that failed when the same was done last, before this run."""
        rows = self._database.read(
            "SELECT e.summary FROM runs e JOIN runs r USING (command, arguments)"
            " WHERE r.id = ? AND e.id < r.id AND e.finished IS NOT NULL ORDER BY e.id DESC LIMIT 1",
            run,
        )
        return frozenset(Path(path) for row in rows for path in json.loads(row[0]).get(FAILURES, ()))

    def at(self, number: int) -> RunRow | None:
        """The run of this number, if there is one."""
        return next(iter(self._runs("WHERE r.id = ?", number)), None)

    def of_today(self, command: str, arguments: Sequence[str]) -> RunRow | None:
        """The last run of the same command with the same arguments that began today, by this computer's clock."""
        return next(
            iter(
                self._runs(
                    "WHERE command = ? AND arguments = ? AND date(started, 'unixepoch', 'localtime') = date('now', 'localtime')"
                    " ORDER BY r.id DESC LIMIT 1",
                    command, json.dumps(list(arguments)),
                )
            ),
            None,
        )  # fmt: skip

    def all(self, limit: int | None = None) -> list[RunRow]:
        """All runs, or so many, the newest first."""
        return self._runs("ORDER BY r.id DESC LIMIT ?", -1 if limit is None else limit)

    def count(self) -> int:
        """How many there are."""
        return int(self._database.read("SELECT count(*) FROM runs")[0][0])

    def _runs(self, which: str, *values: object) -> list[RunRow]:
        rows = self._database.read(
            "SELECT r.id, command, arguments, model, started, finished, summary,"  # noqa: S608 - our own words
            " (SELECT count(*) FROM writes w WHERE w.run = r.id AND state IN ('done', 'undone')),"
            " (SELECT count(*) FROM writes w WHERE w.run = r.id AND state = 'done')"
            " + (SELECT count(*) FROM said WHERE said.run = r.id)"
            f" FROM runs r {which}",
            *values,
        )
        return [
            RunRow(
                number,
                command,
                tuple(json.loads(arguments)),
                model,
                started,
                finished,
                {name: number for name, number in json.loads(summary).items() if name != FAILURES},
                writes,
                left,
            )
            for number, command, arguments, model, started, finished, summary, writes, left in rows
        ]
