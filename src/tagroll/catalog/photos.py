"""The index: what is known of photos as long as their files are as they were."""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

from tagroll.catalog.database import Database, as_json, as_path, as_text
from tagroll.catalog.journal import State
from tagroll.domain import Facts
from tagroll.tags.identity import LEVEL

_PHOTO = "SELECT path, stamp, picture_hash, tags, wanted, pictured FROM photos"

_NEXT = "(SELECT coalesce(max(version), 0) + 1 FROM photos)"
"""The version of a row that changes now."""
_ABOUT = (
    *("format", "width", "height", "taken", "camera", "latitude", "longitude", "rating"),
    *("title", "description"),
)
"""What is only known where `known` says so."""


def _upsert(update: Mapping[str, str]) -> str:
    """A row that is made, or changed where it is: its id stays. Values: path to modified, as `_values` gives them."""
    names = ("path", "stamp", "picture_hash", "pictured", "tags", "wanted", "known", *_ABOUT, "modified")
    marks = ", ".join("?" * len(names))
    sets = {name: f"excluded.{name}" for name in names[1:]}
    sets |= {name: f"iif(excluded.known, excluded.{name}, {name})" for name in _ABOUT}
    sets |= {"error": "''", "hint": "''", "gone": "0", "version": "excluded.version", **update}
    changes = ", ".join(f"{name} = {value}" for name, value in sets.items())
    return (
        f"INSERT INTO photos ({', '.join(names)}, version) VALUES ({marks}, {_NEXT})"  # noqa: S608 - our own words
        f" ON CONFLICT (path) DO UPDATE SET {changes}"
    )


_INDEX = _upsert({})
_INDEX_READ = (
    _upsert(
        {
            # a head says nothing of the picture; where the file is another one now, the hash is that of the one before
            "picture_hash": "picture_hash",
            "pictured": "pictured AND stamp = excluded.stamp",
            "wanted": "wanted",
        }
    )
    + " WHERE version <= ?"
)  # what was written since it was read is newer
_FAILED = (
    f"INSERT INTO photos (path, stamp, picture_hash, pictured, tags, format, modified, error, hint, version)"  # noqa: S608 - our own words
    f" VALUES (?, '', '', 0, '[]', ?, ?, ?, ?, {_NEXT}) ON CONFLICT (path) DO UPDATE SET stamp = '', pictured = 0, gone = 0,"
    " modified = excluded.modified, error = excluded.error, hint = excluded.hint, version = excluded.version"
    " WHERE gone OR (error, hint, modified) != (excluded.error, excluded.hint, excluded.modified)"
)
_IN = "path > ? AND path < ? AND instr(substr(path, ?), x'2f') = 0 AND NOT gone"
"""Right in a folder; values: `_bounds`."""
_ANY_VERSION = (1 << 63) - 1
_GONE = f"UPDATE photos SET gone = ?, version = {_NEXT} WHERE id = ?"  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of its photo besides tags.

    Attributes:
        format: The name of its format.
        facts: Size, date, camera, place, rating.
        title: Its title, or "".
        description: Its description, or "".
    """

    format: str
    facts: Facts = field(default_factory=Facts)
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A row of the index.

    Attributes:
        path: The photo.
        stamp: What its size and times were; while they are the same, the rest of the row is true.
        picture_hash: Hash of the picture data when it was last made, or "".
        tags: The tags in the file.
        wanted: What tagroll last made of it, or None when it never tagged this file.
        pictured: Whether the hash is of the file as the stamp says.
        about: To be noted with it; None: not known, so that the file is read for it when somebody wants it. Not read back.
    """

    path: Path
    stamp: str
    picture_hash: str
    tags: tuple[str, ...]
    wanted: Mapping[str, object] | None = None
    pictured: bool = True
    about: About | None = field(default=None, compare=False)


class ShownRow(NamedTuple):
    """What a gallery shows of a photo, as the index has it."""

    id: int
    path: bytes
    format: str
    width: int
    height: int
    taken: int | None
    camera: str
    latitude: float | None
    longitude: float | None
    rating: int | None
    title: str
    description: str
    tags: str
    """JSON."""
    modified: int
    stamp: str
    picture_hash: str
    """That of the file as the stamp says, or ""."""
    error: str
    hint: str
    gone: int
    version: int


_SHOWN = f"SELECT {', '.join(ShownRow._fields)} FROM photos".replace(  # noqa: S608 - our own words
    "picture_hash", "iif(pictured, picture_hash, '')"
)


class ShownColumns(NamedTuple):
    """What a list of photos needs of some of them, a tuple of values for each thing: a row each would take twice the time."""

    id: tuple[int, ...]
    path: tuple[bytes, ...]
    aspect: tuple[int, ...]
    """Width by height of the upright picture in thousandths, at most 65,535; 0: unknown."""
    taken: tuple[int | None, ...]
    modified: tuple[int, ...]
    camera: tuple[str, ...]
    rating: tuple[int | None, ...]
    latitude: tuple[float | None, ...]
    longitude: tuple[float | None, ...]
    captioned: tuple[int, ...]
    """1: it has a title or a description."""
    format: tuple[str, ...]
    unreadable: tuple[int, ...]
    """1: it could not be read the last time."""
    stamp: tuple[str, ...]
    picture_hash: tuple[str, ...]
    """That of the file as the stamp says, or ""."""
    tags: tuple[str, ...]
    """JSON."""
    gone: tuple[int, ...]
    version: tuple[int, ...]

    def where(self, wanted: Sequence[bool]) -> "ShownColumns":
        """Only those that are wanted."""
        return ShownColumns._make(tuple(compress(values, wanted)) for values in self)


_COLUMNS = ", ".join(
    {
        "aspect": "iif(height > 0, min(65535, CAST(round(1000.0 * width / height) AS INTEGER)), 0)",
        "captioned": "title != '' OR description != ''",
        "unreadable": "error != ''",
        "picture_hash": "iif(pictured, picture_hash, '')",
    }.get(name, name)
    for name in ShownColumns._fields
)
_MOST_PLACES = 100
"""Paths that a query names; SQLite refuses an expression of a thousand."""
_AT_ONCE = 8192
"""Photos that are read of the index together: with all of them in memory as rows, Python's collector would be busy."""


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
        """Every path that is known to hold this picture, or to have held it when it was last hashed."""
        return [
            _photo_row(row) for row in self._database.read(f"{_PHOTO} WHERE picture_hash = ?", picture_hash)
        ]

    def paths(self) -> set[str]:
        """Every hierarchical tag of the photos that are known."""
        rows = self._database.read("SELECT DISTINCT tags FROM photos WHERE instr(tags, '|') AND stamp != ''")
        return {tag for (tags,) in rows for tag in json.loads(tags) if LEVEL in tag}

    def words(self) -> Counter[str]:
        """Tag -> how many of the photos that are known, and not gone, carry it."""
        rows = self._database.read("SELECT tags FROM photos WHERE NOT gone AND stamp != '' AND tags != '[]'")
        return Counter(tag for (tags,) in rows for tag in json.loads(tags))

    def taken_in(self, folder: Path) -> list[tuple[int, Path, tuple[str, ...]]]:
        """When, which photo, with which tags: the photos in a folder, not below it, whose time is known, in order."""
        rows = self._database.read(
            f"SELECT taken, path, tags FROM photos WHERE {_IN} AND taken IS NOT NULL AND stamp != ''"  # noqa: S608 - our own words
            " ORDER BY taken, path",
            *_bounds(folder),
        )
        return [(int(taken), as_path(path), tuple(json.loads(tags))) for taken, path, tags in rows]

    def formats_in(self, folder: Path) -> dict[str, tuple[str, str]]:
        """Path -> stamp and name of the format, of the photos in a folder, not below it."""
        rows = self._database.read(
            f"SELECT path, stamp, format FROM photos WHERE {_IN} AND known",  # noqa: S608 - our own words
            *_bounds(folder),
        )
        return {os.fsdecode(path): (stamp, name) for path, stamp, name in rows}

    def pictures(self) -> dict[Path, str]:
        """Every photo that is known and not gone -> the hash of its picture, "" where that is not known."""
        sql = "SELECT path, iif(pictured, picture_hash, '') FROM photos WHERE NOT gone"
        return {as_path(path): str(picture) for path, picture in self._database.read(sql)}

    def unhashed(self) -> list[tuple[Path, str]]:
        """Path and stamp of the photos whose picture is not known, as they were only read."""
        rows = self._database.read("SELECT path, stamp FROM photos WHERE NOT pictured")
        return [(as_path(path), str(stamp)) for path, stamp in rows]

    def tags_at(self, paths: Sequence[Path]) -> list[tuple[str, tuple[str, ...]] | None]:
        """What the index says of many paths at once: stamp and tags, or None for one of which it does not know all."""
        names = [os.fsencode(path) for path in paths]
        marks = ",".join("?" * len(names))
        rows = self._database.read(
            f"SELECT path, stamp, tags FROM photos WHERE known AND NOT gone AND path IN ({marks})",  # noqa: S608 - marks only
            *names,
        )
        # one JSON text for all: starting the decoder anew for each row would take most of the time
        tags = json.loads(f"[{','.join(row[2] for row in rows)}]")
        known = {row[0]: (row[1], tuple(found)) for row, found in zip(rows, tags, strict=True)}
        return [known.get(name) for name in names]

    def version(self) -> int:
        """The version of what has changed last."""
        return int(self._database.read("SELECT coalesce(max(version), 0) FROM photos")[0][0])

    def index(self, rows: Sequence[PhotoRow], as_of: int | None = None) -> None:
        """Note what files hold that were only read; what tagroll last made of them stays. Returns when it is on disk.

        Args:
            rows: What they hold.
            as_of: The version when their reading began: of what has changed since, the index knows more. None: now.
        """
        newest = _ANY_VERSION if as_of is None else as_of
        values = [(*_values(row), newest) for row in rows]
        if values:
            self._database.commit(lambda c: c.executemany(_INDEX_READ, values).rowcount)

    def note_failures(self, failures: Sequence[tuple[Path, str, int, str, str]]) -> None:
        """Note of files that they cannot be read: path, name of the format or "", when modified, the reason, a hint."""
        values = [
            (os.fsencode(path), fmt, modified, as_text(error), as_text(hint))
            for path, fmt, modified, error, hint in failures
        ]
        if values:
            self._database.commit(lambda c: c.executemany(_FAILED, values).rowcount)

    def note_picture(self, path: Path, stamp: str, picture_hash: str) -> None:
        """Note the hash of a picture that was made in passing, if the file is as it was; without waiting for the disk."""

        def job(c: sqlite3.Connection) -> None:
            c.execute(
                "UPDATE photos SET picture_hash = ?, pictured = 1 WHERE path = ? AND stamp = ?",
                (picture_hash, os.fsencode(path), stamp),
            )

        self._database.queue(job)

    def conclude(self, states: Mapping[int, State], row: PhotoRow) -> None:
        """Note how writes ended (see `settle`) and what the file holds now, without waiting for the disk.

        When this is lost in a crash, the next run finds out from the file itself. An error shows at the next
        commit that is waited for.
        """
        settled = [(state, number) for number, state in states.items()]
        values = _values(row)

        def job(c: sqlite3.Connection) -> None:
            c.executemany("UPDATE writes SET state = ? WHERE id = ?", settled)
            c.execute(_INDEX, values)

        self._database.queue(job)

    def forget(self, paths: Sequence[Path], *, wanted: bool = True) -> None:
        """What the index says of these files is no longer so; with `wanted`, they count as never tagged by us."""
        values = [(os.fsencode(path),) for path in paths]
        change = "stamp = '', pictured = 0" + (", wanted = NULL" if wanted else "")
        sql = f"UPDATE photos SET {change} WHERE path = ?"  # noqa: S608 - our own words
        self._database.commit(lambda c: c.executemany(sql, values).rowcount)

    # what a gallery shows --------------------------------------------------------------------------------

    def settled(self) -> None:
        """Wait until what was noted in passing so far can be read."""
        self._database.commit(lambda _: None)

    def mark(self) -> int:
        """A number, 1 to 65,535, that another catalog hardly has: there, the same ids are other photos."""
        return int(self._database.read("SELECT number FROM mark")[0][0])

    def columns(self, roots: Sequence[Path] | None, since: int = -1) -> Iterator[ShownColumns]:
        """The photos at and below some paths (None: everywhere), some at a time, as of one moment.

        Those that are gone are only among what has changed since a version.
        """
        # few have changed: these are looked up by their version, and not by their path
        index, left = ("INDEXED BY photos_version", "TRUE") if since >= 0 else ("", "NOT gone")
        named = None if roots is None or len(roots) > _MOST_PLACES else roots
        places, values = ["TRUE"], list[bytes]()
        if named is not None:
            places = ["(path = ? OR (path >= ? AND path < ?))" for _ in named] or ["FALSE"]
        for root in named or ():
            inside = os.fsencode(root).rstrip(b"/") + b"/"
            values += (os.fsencode(root), inside, inside[:-1] + b"0")  # "0" follows "/"
        sql = (
            f"SELECT {_COLUMNS} FROM photos {index} WHERE version > ? AND {left} AND ({' OR '.join(places)})"  # noqa: S608 - our own words
        )
        wanted = None if named is roots else frozenset(map(os.fsencode, roots or ()))
        for rows in self._database.read_some(_AT_ONCE, sql, since, *values):
            some = ShownColumns._make(zip(*rows, strict=True))
            if wanted is not None:
                some = some.where([_is_at_or_below(path, wanted) for path in some.path])
            if some.id:
                yield some

    def captions(self) -> dict[int, str]:
        """The title and the description of each photo that has one, as one text."""
        rows = self._database.read(
            "SELECT id, title, description FROM photos WHERE NOT gone AND (title != '' OR description != '')"
        )
        return {number: title if title == told else f"{title} {told}".strip() for number, title, told in rows}

    def shown_as(self, numbers: Sequence[int]) -> list[ShownRow]:
        """The photos with these numbers, in no order."""
        marks = ",".join("?" * len(numbers))
        return list(map(ShownRow._make, self._database.read(f"{_SHOWN} WHERE id IN ({marks})", *numbers)))

    def answered(self) -> list[int]:
        """The photos of whose pictures an answer of a model is kept, or what it saw."""
        rows = self._database.read(
            "SELECT id FROM photos WHERE pictured AND NOT gone AND picture_hash IN"
            " (SELECT picture_hash FROM answers UNION SELECT picture_hash FROM features)"
        )
        return [number for (number,) in rows]

    def picture(self, number: int) -> tuple[str, str] | None:
        """Hash of a photo's picture ("": not known as its file is now), and the stamp of the file."""
        sql = "SELECT iif(pictured, picture_hash, ''), stamp FROM photos WHERE id = ?"
        rows = self._database.read(sql, number)
        return (rows[0][0], rows[0][1]) if rows else None

    def shown_at(self, paths: Sequence[Path]) -> list[ShownRow]:
        """Those of some paths that are known, gone or not."""
        names = [os.fsencode(path) for path in paths]
        return [ShownRow(*r) for n in names for r in self._database.read(f"{_SHOWN} WHERE path = ?", n)]

    def set_gone(self, ids: Sequence[int], *, gone: bool = True) -> None:
        """Note that photos are not there any more; nothing that is known of them is lost."""
        values = [(int(gone), number) for number in ids]
        if values:
            self._database.commit(lambda c: c.executemany(_GONE, values).rowcount)


def _is_at_or_below(path: bytes, roots: frozenset[bytes]) -> bool:
    """Whether a path is one of some others, or lies below one."""
    while path and path not in roots:
        path = path.rpartition(b"/")[0]
    return bool(path) or b"/" in roots


def _values(row: PhotoRow) -> tuple[object, ...]:
    about = row.about
    more: tuple[object, ...] = ("", *Facts().values(), "", "")
    if about:
        more = (about.format, *about.facts.values(), as_text(about.title), as_text(about.description))
    wanted = None if row.wanted is None else as_json(row.wanted)
    pictured = int(row.pictured and row.picture_hash != "")
    head = (os.fsencode(row.path), row.stamp, row.picture_hash, pictured, as_json(row.tags), wanted)
    return (*head, int(about is not None), *more, _modified(row.stamp))


def _bounds(folder: Path) -> tuple[bytes, bytes, int]:
    inside = os.fsencode(folder).rstrip(b"/") + b"/"
    return inside, inside[:-1] + b"0", len(inside) + 1


def _modified(stamp: str) -> int:
    """The modification time in a stamp, in seconds; 0 for what is none."""
    parts = stamp.split(".", 2)
    return int(parts[1]) // 1_000_000_000 if len(parts) == 3 and parts[1].isdecimal() else 0


def _photo_row(row: tuple[Any, ...]) -> PhotoRow:
    path, stamp, picture_hash, tags, wanted, pictured = row
    wanted = None if wanted is None else json.loads(wanted)
    return PhotoRow(as_path(path), stamp, picture_hash, tuple(json.loads(tags)), wanted, bool(pictured))
