"""The journal: what is about to be written, and how it ended."""

import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from tagroll.catalog.database import Database, as_json, as_path
from tagroll.domain import Metadata, Write
from tagroll.tags.identity import identities, identity

_NO_UNDO = "(undoes IS NULL AND run NOT IN (SELECT id FROM runs WHERE command = 'undo'))"
"""Of the column alone one cannot tell: what older versions took back does not say what that was."""

_WRITE = "SELECT id, run, state, photo, target, engine, before, after, before_hash, after_hash, patch, picture_hash FROM writes"

_WRITE_ALONE = _WRITE.replace("patch", "x''")
"""Without the patch, which may be large."""

_COMMANDS = "SELECT writes.id, command FROM writes JOIN runs ON runs.id = run WHERE photo = ?"
_OURS = '"ours":'
"""In what a row keeps of the metadata: rows of older catalogs do not tell which tags tagroll wrote."""


class State(StrEnum):
    """How far a write came."""

    PENDING = "pending"
    """It is about to happen; of a run that was cut off, the file tells whether it did."""
    DONE = "done"
    VOID = "void"
    """It never happened."""
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Writing:
    """A row of the journal: a write, the run it belongs to and how far it came."""

    id: int
    run: int
    state: State
    write: Write


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """The picture that a photo held when tagroll wrote for it, or that somebody said is right since.

    Attributes:
        photo: Where it was.
        picture: Hash of its picture data.
        last: The number of the last write for it.
        when: Seconds since the epoch: when the run of that write began.
        left: File -> hash of it as tagroll's last write left it; of the photo itself, and of its sidecars.
    """

    photo: Path
    picture: str
    last: int
    when: float
    left: Mapping[Path, str]


class Journal:
    """The journal of every write.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run: int, write: Write, undoes: int | None = None) -> int:
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

        return self._database.commit(job)

    def settle(self, states: Mapping[int, State]) -> None:
        """Note how writes ended.

        What a write took back is undone when it is done, and done again when it is undone.
        """

        def job(c: sqlite3.Connection) -> None:
            for number, state in states.items():
                settle(c, number, state)

        self._database.commit(job)

    def pending(self) -> list[Writing]:
        """Writes of runs that were cut off: each either happened or did not; the file tells."""
        return list(self._writings("state = 'pending'"))

    def of_run(self, run: int) -> Iterator[Writing]:
        """What one run wrote, taken back or not, the newest first, read as it is needed."""
        return self._writings("run = ? AND state IN ('done', 'undone')", run)

    def entry(self, number: int) -> Writing:
        """One row of the journal."""
        return _writing(self._database.read(f"{_WRITE} WHERE id = ?", number)[0])

    def left(self, run: int) -> list[tuple[int, Path, Path]]:
        """Number, photo and target of the writes of a run that can be taken back; of each photo the newest first."""
        rows = self._database.read(
            "SELECT id, photo, target FROM writes WHERE run = ? AND state = 'done' ORDER BY photo, id DESC",
            run,
        )
        return [(number, as_path(photo), as_path(target)) for number, photo, target in rows]

    def at(self, photo: Path) -> list[Writing]:
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
        rows = self._database.read(
            # A write and what took it back cancel out; what took back something older does not.
            # What was written into another photo that has the name now is none of its business.
            "SELECT max(run) FROM writes WHERE photo IN (?, ?) AND target IN (?, ?) AND id > ? AND run != ?"  # noqa: S608 - our own words
            f" AND picture_hash = ? AND state = 'done' AND (undoes < ? OR {_NO_UNDO})",
            *map(os.fsencode, (write.photo, photo, write.target, target)), writing.id, writing.run,
            write.picture_hash, writing.id,
        )  # fmt: skip
        return None if rows[0][0] is None else int(rows[0][0])

    def is_last(self, run: int) -> bool:
        """Whether nothing that a run wrote, and that is in force, was changed by another run since; see `changed_since`."""
        return not self._database.read(
            "SELECT 1 FROM writes w JOIN writes l ON l.photo = w.photo AND l.target = w.target AND l.id > w.id"  # noqa: S608 - our own words
            " AND l.run != w.run AND l.picture_hash = w.picture_hash AND l.state = 'done'"
            f" AND (l.undoes < w.id OR {_NO_UNDO.replace('undoes', 'l.undoes').replace('run NOT', 'l.run NOT')})"
            " WHERE w.run = ? AND w.state = 'done' LIMIT 1",
            run,
        )

    def in_force_of(self, run: int) -> dict[Path, list[Writing]]:
        """What a run wrote and nobody took back, by photo, the oldest first; without the patches."""
        rows = self._database.read(f"{_WRITE_ALONE} WHERE run = ? AND state = 'done' ORDER BY id", run)
        found: dict[Path, list[Writing]] = {}
        for writing in map(_writing, rows):
            found.setdefault(writing.write.photo, []).append(writing)
        return found

    def left_tags(self, photo: Path) -> tuple[tuple[str, ...], ...]:
        """The lists of tags that writes have left in this photo."""
        rows = self._database.read(
            "SELECT after FROM writes WHERE photo = ? AND state = 'done'", os.fsencode(photo)
        )
        return tuple(tuple(json.loads(str(after))["tags"]) for (after,) in rows)

    def put_back(self, photo: Path) -> tuple[Path, str] | None:
        """The file in which the last write for a photo took an earlier one back, and its hash since; None: it did not."""
        rows = self._database.read(
            "SELECT target, after_hash, undoes FROM writes WHERE photo = ? AND state = 'done' ORDER BY id DESC LIMIT 1",
            os.fsencode(photo),
        )
        return next(((as_path(target), after) for target, after, undoes in rows if undoes is not None), None)

    def written(self, photos: Sequence[Path]) -> set[Path]:
        """Those of the photos for which something was written, ever."""
        names = [os.fsencode(photo) for photo in photos]
        marks = ",".join("?" * len(names))
        rows = self._database.read(f"SELECT DISTINCT photo FROM writes WHERE photo IN ({marks})", *names)  # noqa: S608 - marks only
        return {as_path(name) for (name,) in rows}

    def written_in(self, folder: Path, run: int) -> set[Path]:
        """The photos in and below a folder that a run has written for."""
        inside = os.fsencode(folder).rstrip(b"/") + b"/"
        rows = self._database.read(
            "SELECT DISTINCT photo FROM writes WHERE photo > ? AND photo < ? AND run = ? AND state = 'done'",
            inside, inside[:-1] + b"0", run,
        )  # fmt: skip
        return {as_path(photo) for (photo,) in rows}

    def pictures(self, made: Collection[str]) -> list[KnownPicture]:
        """Of every photo for which something was written, ever, the picture it should hold; by path.

        Args:
            made: The engines that make new files of a photo: what was made is none that was there before.
        """
        marks = ",".join("?" * len(made))
        rows = self._database.read(
            "SELECT photo, writes.id, started, target, after_hash, coalesce(accepted.picture_hash, writes.picture_hash), state"  # noqa: S608 - marks only
            " FROM writes JOIN runs ON runs.id = run LEFT JOIN accepted ON accepted.write = writes.id"
            f" WHERE state IN ('done', 'undone') AND engine NOT IN ({marks}) ORDER BY photo, writes.id",
            *made,
        )
        return [_known_picture(list(of_photo)) for _, of_photo in groupby(rows, key=itemgetter(0))]

    def accept(self, last: int, picture: str) -> None:
        """Note that a photo may hold another picture since the last write for it, whose number is given."""
        values = (last, picture)
        self._database.commit(lambda c: c.execute("INSERT OR REPLACE INTO accepted VALUES (?, ?)", values))

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
        for path in () if found else self._with_picture(picture):
            if path != photo and not os.path.lexists(path):
                return [write for write in self._in_force(path) if write.picture_hash == picture]
        return found

    def _with_picture(self, picture: str) -> list[Path]:
        rows = self._database.read("SELECT path FROM photos WHERE picture_hash = ?", picture)
        return [as_path(path) for (path,) in rows]

    def _in_force(self, photo: Path) -> list[Write]:
        rows = self._database.read(
            f"{_WRITE_ALONE} WHERE photo = ? AND state = 'done' AND {_NO_UNDO} ORDER BY id",
            os.fsencode(photo),
        )
        found = [(_writing(row).write, row[0], _OURS in row[7]) for row in rows]
        if all(tells for _, _, tells in found):
            return [write for write, _, _ in found]
        commands = dict(self._database.read(_COMMANDS, os.fsencode(photo)))
        return _with_authors([(write, commands[number], tells) for write, number, tells in found])

    def copies_of(self, photo: Path) -> list[tuple[Write, str]]:
        """The files that were made, not changed, for this photo and not taken back; each with the model asked."""
        rows = self._database.read(
            f"{_WRITE} WHERE photo = ? AND state = 'done' AND before_hash = '' ORDER BY id DESC",
            os.fsencode(photo),
        )
        models = dict(self._database.read("SELECT id, model FROM runs")) if rows else {}
        return [(writing.write, models[writing.run]) for writing in map(_writing, rows)]

    def _writings(self, where: str, *values: object) -> Iterator[Writing]:
        numbers = self._database.read(f"SELECT id FROM writes WHERE {where} ORDER BY id DESC", *values)  # noqa: S608 - our own words
        for (number,) in numbers:  # one by one: the patches of a large run need not be in memory together
            yield self.entry(number)


def settle(c: sqlite3.Connection, number: int | None, state: State) -> None:
    """Note how a write ended, and what that means for the write that it took back."""
    while number is not None:
        c.execute("UPDATE writes SET state = ? WHERE id = ?", (state, number))
        if state == State.VOID:
            return
        (number,) = c.execute("SELECT undoes FROM writes WHERE id = ?", (number,)).fetchone()
        state = State.UNDONE if state == State.DONE else State.DONE


def _known_picture(rows: Sequence[tuple[Any, ...]]) -> KnownPicture:
    left = {as_path(target): after for *_, target, after, _, state in rows if state == State.DONE}
    photo, last, when, *_, picture, _ = rows[-1]
    return KnownPicture(as_path(photo), picture, last, when, left)


def _writing(row: tuple[Any, ...]) -> Writing:
    number, run, state, photo, target, engine, before, after, *rest = row
    return Writing(
        number,
        run,
        State(state),
        Write(as_path(photo), as_path(target), engine, _metadata(before), _metadata(after), *rest),
    )


def _with_authors(rows: Sequence[tuple[Write, str, bool]]) -> list[Write]:
    """Writes with the tags that tagroll wrote, also where an older catalog does not tell.

    There a model's tags are those that `tag` added. What took the place of such a tag alone is one as well; what else
    was added, or came with an edit, is a person's.

    Args:
        rows: Each write, the oldest first; the command of its run; whether it tells itself.
    """
    known: dict[str, set[str]] = {}
    found = []
    for write, command, tells in rows:
        before, after = identities(write.before.tags), identities(write.after.tags)
        ours = known.get(write.picture_hash, set())
        if tells:
            ours = identities(write.after.ours)
        elif command == "tag" or (command != "serve" and before - after and before - after <= ours):
            ours = ours | (after - before)
        known[write.picture_hash] = ours = ours & after
        tags = tuple(tag for tag in write.after.tags if identity(tag) in ours)
        found.append(write if tells else replace(write, after=replace(write.after, ours=tags)))
    return found


def _content(metadata: Metadata) -> str:
    """What undo needs to put values back by meaning, and what a later write has to know of this one."""
    return as_json({
        "tags": metadata.tags, "title": metadata.title, "description": metadata.description,
        "alt_text": metadata.alt_text, "fields": dict(metadata.fields), "away": metadata.away, "ours": metadata.ours,
    })  # fmt: skip


def _metadata(content: object) -> Metadata:
    """Rows of older catalogs tell no fields."""
    told = json.loads(str(content))
    fields = {name: tuple(values) for name, values in told.get("fields", {}).items()}
    lists = {name: tuple(told.get(name, ())) for name in ("tags", "away", "ours")}
    return Metadata(**{**told, **lists, "fields": fields})
