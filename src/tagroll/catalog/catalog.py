"""The catalog: one SQLite file beside nobody's photos, the memory and the conscience of tagroll."""

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tagroll.catalog.decisions import Words
from tagroll.domain import Description, Metadata, Prompt, Status, Write
from tagroll.tags.identity import LEVEL, identities

FAILURES = "failures"
"""Where the paths of the photos that failed stand, among the counts of a run."""


@dataclass(frozen=True, slots=True)
class Run:
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
        left: How many of these were not taken back since.
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


@dataclass(frozen=True, slots=True)
class Writing:
    """A row of the journal: a write, the run it belongs to and how far it came."""

    id: int
    run: int
    state: str
    write: Write


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


class Catalog(Words):
    """All that tagroll remembers; opened and closed as any `Database`."""

    # runs ------------------------------------------------------------------------------------------------

    def start_run(self, command: str, arguments: Sequence[str], model: str = "") -> int:
        """Note that a run begins; gives its number."""
        values = (command, json.dumps(list(arguments)), model, time.time())

        def job(c: sqlite3.Connection) -> int:
            cursor = c.execute(
                "INSERT INTO runs (command, arguments, model, started) VALUES (?, ?, ?, ?)", values
            )
            return int(cursor.lastrowid or 0)

        return self._commit(job)

    def forget_run(self, run: int) -> None:
        """Take a run out that came to nothing."""
        nothing = "id = ? AND NOT EXISTS (SELECT 1 FROM writes WHERE run = runs.id)"
        self._commit(lambda c: c.execute(f"DELETE FROM runs WHERE {nothing}", (run,)).rowcount)  # noqa: S608 - our own words

    def note_run_model(self, run: int, model: str) -> None:
        """Note which model a run turns out to ask."""
        self._commit(lambda c: c.execute("UPDATE runs SET model = ? WHERE id = ?", (model, run)).rowcount)

    def model_at(self, place: str) -> str:
        """The model that was found at a place the last time, or ""."""
        rows = self._read("SELECT model FROM servers WHERE place = ?", place)
        return str(rows[0][0]) if rows else ""

    def note_model_at(self, place: str, model: str) -> None:
        """Note which model was found at a place; "" for none."""
        if model != self.model_at(place):
            values = (place, model)
            self._commit(lambda c: c.execute("INSERT OR REPLACE INTO servers VALUES (?, ?)", values).rowcount)

    def finish_run(self, run: int, summary: Mapping[str, int], failures: Iterable[Path] = ()) -> None:
        """Note that a run came to its end, with these counts, and these photos failed."""
        failed = [str(path) for path in failures]
        values = (time.time(), json.dumps({**summary, FAILURES: failed} if failed else dict(summary)), run)
        self._commit(
            lambda c: c.execute("UPDATE runs SET finished = ?, summary = ? WHERE id = ?", values).rowcount
        )

    def failures_before(self, run: int) -> frozenset[Path]:
        """The photos that failed when the same was done last, before this run."""
        rows = self._read(
            "SELECT e.summary FROM runs e JOIN runs r USING (command, arguments)"
            " WHERE r.id = ? AND e.id < r.id AND e.finished IS NOT NULL ORDER BY e.id DESC LIMIT 1",
            run,
        )
        return frozenset(Path(path) for row in rows for path in json.loads(row[0]).get(FAILURES, ()))

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        rows = self._read(
            "SELECT r.id, command, arguments, model, started, finished, summary,"
            " (SELECT count(*) FROM writes w WHERE w.run = r.id AND state IN ('done', 'undone')),"
            " (SELECT count(*) FROM writes w WHERE w.run = r.id AND state = 'done')"
            " FROM runs r ORDER BY r.id DESC"
        )
        return [
            Run(
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

    # answers ---------------------------------------------------------------------------------------------

    def answer(self, picture_hash: str, model: str, prompt: Prompt) -> Description | None:
        """What this model said about this picture when asked this, or None."""
        rows = self._read(
            "SELECT description FROM answers WHERE picture_hash = ? AND model = ? AND prompt = ?",
            picture_hash, model, prompt.key,
        )  # fmt: skip
        if not rows:
            return None
        fields = json.loads(str(rows[0][0]))
        return Description(**{**fields, "keywords": tuple(fields["keywords"])})

    def keep_answer(
        self, picture_hash: str, prompt: Prompt, description: Description, model: str | None = None
    ) -> None:
        """Keep an answer, in the place of an older one to the same question. Returns when it is on disk.

        Args:
            picture_hash: The picture that it is about.
            prompt: What was asked.
            description: The answer.
            model: The name under which `answer` finds it; None for the one that the description tells.
        """
        values = (
            picture_hash,
            model or description.model,
            prompt.key,
            _json(asdict(description)),
            time.time(),
        )
        self._commit(
            lambda c: c.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", values).rowcount
        )

    # the journal -----------------------------------------------------------------------------------------

    def journal(self, run: int, write: Write, undoes: int | None = None) -> int:
        """Note a write that is about to happen; gives its number when the row is on disk.

        Args:
            run: The run it belongs to.
            write: What will happen.
            undoes: The number of the write that it takes back.

        Raises:
            ValueError: A path of it is not absolute: it would mean another file to who stands elsewhere.
        """
        if not (write.photo.is_absolute() and write.target.is_absolute()):
            raise ValueError(f"no absolute path: {write.target}")
        values = (
            run, os.fsencode(write.photo), os.fsencode(write.target), write.engine,
            _content(write.before), _content(write.after),
            write.before_hash, write.after_hash, write.patch, write.picture_hash, undoes,
        )  # fmt: skip

        def job(c: sqlite3.Connection) -> int:
            cursor = c.execute(
                "INSERT INTO writes (run, photo, target, engine, before, after, before_hash, after_hash, patch,"
                " picture_hash, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            return int(cursor.lastrowid or 0)

        return self._commit(job)

    def settle(self, states: Mapping[int, str]) -> None:
        """Note how writes ended: "done", "void" (it never happened) or "undone".

        What a write took back is undone when it is done, and done again when it is undone.
        """

        def job(c: sqlite3.Connection) -> None:
            for number, state in states.items():
                _settle(c, number, state)

        self._commit(job)

    def pending(self) -> list[Writing]:
        """Writes of runs that were cut off: each either happened or did not; the file tells."""
        return list(self._writings("state = 'pending'"))

    def writings(self, run: int) -> Iterator[Writing]:
        """What one run wrote, taken back or not, the newest first, read as it is needed."""
        return self._writings("run = ? AND state IN ('done', 'undone')", run)

    def writing(self, number: int) -> Writing:
        """One row of the journal."""
        return _writing(self._read(f"{_WRITE} WHERE id = ?", number)[0])

    def left(self, run: int) -> list[tuple[int, Path, Path]]:
        """Number, photo and target of the writes of a run that can be taken back; of each photo the newest first."""
        rows = self._read(
            "SELECT id, photo, target FROM writes WHERE run = ? AND state = 'done' ORDER BY photo, id DESC",
            run,
        )
        return [(number, _path(photo), _path(target)) for number, photo, target in rows]

    def written_at(self, photo: Path) -> list[Writing]:
        """What was written for a photo of this path, the oldest first; without what only took something back."""
        where = f"photo = ? AND state IN ('done', 'undone') AND {_NO_UNDO}"
        return list(self._writings(where, os.fsencode(photo)))[::-1]

    def changed_since(self, writing: Writing, photo: Path, target: Path) -> int | None:
        """The newest other run that wrote this file after a write, and whose writing is still in force.

        Args:
            writing: The earlier write.
            photo: Where its photo is now.
            target: Where the file is now.
        """
        write = writing.write
        rows = self._read(
            # A write and what took it back cancel out; what took back something older does not.
            # What was written into another photo that has the name now is none of its business.
            "SELECT max(run) FROM writes WHERE photo IN (?, ?) AND target IN (?, ?) AND id > ? AND run != ?"  # noqa: S608 - our own words
            f" AND picture_hash = ? AND state = 'done' AND (undoes < ? OR {_NO_UNDO})",
            *map(os.fsencode, (write.photo, photo, write.target, target)), writing.id, writing.run,
            write.picture_hash, writing.id,
        )  # fmt: skip
        return None if rows[0][0] is None else int(rows[0][0])

    def written_tags(self, photo: Path) -> set[str]:
        """The identities of all tags that tagroll ever put into this photo and that were not there before."""
        rows = self._read(
            "SELECT before, after FROM writes WHERE photo = ? AND state = 'done'", os.fsencode(photo)
        )
        ours: set[str] = set()
        for before, after in rows:
            had = identities(json.loads(str(before))["tags"])
            ours |= identities(json.loads(str(after))["tags"]) - had
        return ours

    def left_tags(self, photo: Path) -> tuple[tuple[str, ...], ...]:
        """The lists of tags that writes have left in this photo."""
        rows = self._read("SELECT after FROM writes WHERE photo = ? AND state = 'done'", os.fsencode(photo))
        return tuple(tuple(json.loads(str(after))["tags"]) for (after,) in rows)

    def written(self, photos: Sequence[Path]) -> set[Path]:
        """Those of the photos for which something was written, ever."""
        names = [os.fsencode(photo) for photo in photos]
        marks = ",".join("?" * len(names))
        rows = self._read(f"SELECT DISTINCT photo FROM writes WHERE photo IN ({marks})", *names)  # noqa: S608 - marks only
        return {_path(name) for (name,) in rows}

    def in_force(self, photo: Path, picture: str = "") -> list[Write]:
        """What was written for a photo and was not taken back, the oldest first, without the patches.

        Args:
            photo: Where it is.
            picture: Hash of its picture: what was written for another photo of that name does not count, and of one
                that is not known here, what was written where its picture was and is no more. "" for any.
        """
        found = self._in_force(photo)
        if not picture:
            return found
        found = [write for write in found if write.picture_hash == picture]
        for row in () if found else self.photos_with(picture):
            if row.path != photo and not os.path.lexists(row.path):
                return [write for write in self._in_force(row.path) if write.picture_hash == picture]
        return found

    def _in_force(self, photo: Path) -> list[Write]:
        rows = self._read(
            f"{_WRITE_ALONE} WHERE photo = ? AND state = 'done' AND {_NO_UNDO} ORDER BY id",
            os.fsencode(photo),
        )
        return [_writing(row).write for row in rows]

    def made_from(self, photo: Path) -> list[tuple[Write, str]]:
        """The files that were made, not changed, for this photo and not taken back; each with the model asked."""
        rows = self._read(
            f"{_WRITE} WHERE photo = ? AND state = 'done' AND before_hash = '' ORDER BY id DESC",
            os.fsencode(photo),
        )
        models = dict(self._read("SELECT id, model FROM runs")) if rows else {}
        return [(writing.write, models[writing.run]) for writing in map(_writing, rows)]

    def _writings(self, where: str, *values: object) -> Iterator[Writing]:
        numbers = self._read(f"SELECT id FROM writes WHERE {where} ORDER BY id DESC", *values)  # noqa: S608 - our own words
        for (number,) in numbers:  # one by one: the patches of a large run need not be in memory together
            yield self.writing(number)

    # the index -------------------------------------------------------------------------------------------

    def photo(self, path: Path) -> PhotoRow | None:
        """The index row of a path, whether or not the file is still as it says."""
        rows = self._read(f"{_PHOTO} WHERE path = ?", os.fsencode(path))
        return _photo_row(rows[0]) if rows else None

    def photos_with(self, picture_hash: str) -> list[PhotoRow]:
        """Every path that is known to hold this picture."""
        return [_photo_row(row) for row in self._read(f"{_PHOTO} WHERE picture_hash = ?", picture_hash)]

    def paths(self) -> set[str]:
        """Every hierarchical tag of the photos that are known."""
        rows = self._read("SELECT DISTINCT tags FROM photos WHERE instr(tags, '|') AND stamp != ''")
        return {tag for (tags,) in rows for tag in json.loads(tags) if LEVEL in tag}

    def unhashed(self) -> list[tuple[Path, str]]:
        """Path and stamp of the photos whose picture is not known, as they were only read."""
        rows = self._read("SELECT path, stamp FROM photos WHERE picture_hash = ''")
        return [(_path(path), str(stamp)) for path, stamp in rows]

    def tags_at(self, paths: Sequence[Path]) -> list[tuple[str, tuple[str, ...]] | None]:
        """What the index says of many paths at once: stamp and tags, or None for one that is not in it."""
        names = [os.fsencode(path) for path in paths]
        marks = ",".join("?" * len(names))
        rows = self._read(f"SELECT path, stamp, tags FROM photos WHERE path IN ({marks})", *names)  # noqa: S608 - marks only
        # one JSON text for all: starting the decoder anew for each row would take most of the time
        tags = json.loads(f"[{','.join(row[2] for row in rows)}]")
        known = {row[0]: (row[1], tuple(found)) for row, found in zip(rows, tags, strict=True)}
        return [known.get(name) for name in names]

    def index(self, rows: Sequence[PhotoRow]) -> None:
        """Note what files hold that were only read; what tagroll last made of them stays. Returns when it is on disk."""
        values = [_photo_values(row)[:4] for row in rows]
        if values:
            self._commit(lambda c: c.executemany(_INDEX_READ, values).rowcount)

    def conclude(self, states: Mapping[int, str], row: PhotoRow) -> None:
        """Note how writes ended (see `settle`) and what the file holds now, without waiting for the disk.

        When this is lost in a crash, the next run finds out from the file itself. An error shows at the next
        commit that is waited for.
        """
        settled = [(state, number) for number, state in states.items()]
        values = _photo_values(row)

        def job(c: sqlite3.Connection) -> None:
            c.executemany("UPDATE writes SET state = ? WHERE id = ?", settled)
            c.execute(_INDEX, values)

        self._queue(job)

    def forget(self, paths: Sequence[Path], *, wanted: bool = True) -> None:
        """What the index says of these files is no longer so; with `wanted`, they count as never tagged by us."""
        values = [(os.fsencode(path),) for path in paths]
        change = "stamp = ''" + (", wanted = NULL" if wanted else "")
        self._commit(lambda c: c.executemany(f"UPDATE photos SET {change} WHERE path = ?", values).rowcount)  # noqa: S608


def _settle(c: sqlite3.Connection, number: int | None, state: str) -> None:
    while number is not None:
        c.execute("UPDATE writes SET state = ? WHERE id = ?", (state, number))
        if state == "void":
            return
        (number,) = c.execute("SELECT undoes FROM writes WHERE id = ?", (number,)).fetchone()
        state = "undone" if state == "done" else "done"


_PHOTO = "SELECT path, stamp, picture_hash, tags, wanted FROM photos"
_INDEX = "INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?)"
_INDEX_READ = (
    "INSERT INTO photos (path, stamp, picture_hash, tags) VALUES (?, ?, ?, ?) ON CONFLICT (path) DO UPDATE"
    " SET stamp = excluded.stamp, picture_hash = excluded.picture_hash, tags = excluded.tags"
)


def _photo_values(row: PhotoRow) -> tuple[object, ...]:
    wanted = None if row.wanted is None else _json(row.wanted)
    return (os.fsencode(row.path), row.stamp, row.picture_hash, _json(row.tags), wanted)


def _photo_row(row: tuple[Any, ...]) -> PhotoRow:
    path, stamp, picture_hash, tags, wanted = row
    wanted = None if wanted is None else json.loads(wanted)
    return PhotoRow(_path(path), stamp, picture_hash, tuple(json.loads(tags)), wanted)


_NO_UNDO = "(undoes IS NULL AND run NOT IN (SELECT id FROM runs WHERE command = 'undo'))"
"""Of the column alone one cannot tell: what older versions took back does not say what that was."""
_WRITE = "SELECT id, run, state, photo, target, engine, before, after, before_hash, after_hash, patch, picture_hash FROM writes"
_WRITE_ALONE = _WRITE.replace("patch", "x''")
"""Without the patch, which may be large."""


def _writing(row: tuple[Any, ...]) -> Writing:
    number, run, state, photo, target, engine, before, after, *rest = row
    return Writing(
        number,
        run,
        state,
        Write(_path(photo), _path(target), engine, _metadata(before), _metadata(after), *rest),
    )


def _path(raw: object) -> Path:
    assert isinstance(raw, bytes)  # noqa: S101 - the schema says BLOB
    return Path(os.fsdecode(raw))


_json = json.JSONEncoder(separators=(",", ":")).encode


def _content(metadata: Metadata) -> str:
    """What undo needs to put values back by meaning, and what a later write has to know of this one."""
    return _json({
        "tags": metadata.tags, "title": metadata.title, "description": metadata.description,
        "alt_text": metadata.alt_text, "fields": dict(metadata.fields), "away": metadata.away,
    })  # fmt: skip


def _metadata(content: object) -> Metadata:
    """Rows of older catalogs tell no fields."""
    told = json.loads(str(content))
    fields = {name: tuple(values) for name, values in told.get("fields", {}).items()}
    lists = {name: tuple(told.get(name, ())) for name in ("tags", "away")}
    return Metadata(**{**told, **lists, "fields": fields})
