"""The library as columns: typed arrays of all photos in one piece, which a page holds in memory to filter and to draw.

Little-endian: the length of the head in bytes (u32); the head, JSON filled up with spaces so that both together are a
multiple of 8 long; then the arrays that it names under "columns", one after the other, each filled up with zeros to a
multiple of 8. Photos stand with the newest first, those of one second by path.
"""

import gzip
import json
import os
import struct
import time
import zlib
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tagroll.catalog import as_text
from tagroll.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tagroll.catalog import ShownRow
    from tagroll.runs.query import Shown

    Array = np.ndarray[tuple[int], np.dtype[Any]]

FILE_DATE, REVIEW, BROWSER, CAPTION, UNREADABLE = 1, 2, 4, 8, 16
"""Bits of the column `flags`."""
_BROWSERS_SHOW = frozenset(fmt.name for fmt in FORMATS if fmt.media_type)
_TYPES = {"u8": "<u1", "i8": "<i1", "u16": "<u2", "u32": "<u4", "i32": "<i4", "i64": "<i8", "f32": "<f4"}
_KEPT = {
    "id": "u32", "aspect": "u16", "second": "i64", "folder": "u32", "camera": "u16", "rating": "i8", "lat": "f32",
    "lon": "f32", "flags": "u8", "key": "u32", "ntags": "u16", "start": "i64",
}  # fmt: skip
_SENT = (
    "id",
    "aspect",
    "minute",
    "folder",
    "camera",
    "rating",
    "lat",
    "lon",
    "flags",
    "key",
    "ntags",
    "tags",
)
_NO_RATING = -128
_MOST_TAGS = 65_535
"""Of one photo; what a column can count."""


class TagLists(NamedTuple):
    """Which photo has which tags: photos in order, all tags, how many each photo has, and the indexes of theirs in a row."""

    ids: "Array"
    names: list[str]
    counts: "Array"
    tags: "Array"


class _Numbers(dict[str, int]):
    """Numbers for names, from 0 on: a new name gets the next."""

    def __missing__(self, name: str) -> int:
        self[name] = number = len(self)
        return number


def _starts(counts: "Array") -> "Array":
    """Where each of some lists starts when they stand one after another."""
    ends: Array = np.cumsum(counts, dtype=np.int64)
    return ends - counts


class Columns:
    """The columns of some photos, which follow what changes.

    Args:
        roots: The folders and files they are shown from; folders are called from the name of their root on. Without
            any, by their whole path.
    """

    def __init__(self, roots: "Sequence[Path]") -> None:
        self._parents = [
            os.fsencode(root if root.is_dir() else root.parent).rpartition(b"/")[0] for root in roots
        ]
        self._kept: dict[str, Array] = {n: np.empty(0, _TYPES[t]) for n, t in _KEPT.items()}
        self._slots: dict[int, int] = {}
        self._paths: list[bytes] = []
        self._tags: Array = np.empty(0, "<u4")
        self._tag_index, self._camera_index, self._folder_index = _Numbers(), _Numbers(), _Numbers()
        self._folder_of: dict[bytes, int] = {}
        self._order: Array | None = None

    def __contains__(self, number: int) -> bool:
        """Whether a photo is among them."""
        return number in self._slots

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self._slots)

    def ids(self) -> "Array":
        """The numbers of the photos, in order."""
        return self._kept["id"][self._ordered()]

    def among(self, numbers: "Sequence[int]") -> "Array":
        """Those of some photos that are here, in order."""
        ids = self.ids()
        wanted = np.zeros(max(int(ids.max(initial=0)), max(numbers, default=0)) + 1, bool)
        wanted[np.array(numbers, np.intp)] = True
        return ids[wanted[ids]]

    def tag_lists(self) -> TagLists:
        """Which photo has which tags."""
        order = self._ordered()
        return TagLists(self.ids(), list(self._tag_index), self._kept["ntags"][order], self._tags_in(order))

    def carrying(self, tags: "Iterable[str]") -> list[int]:
        """The photos that carry one of these very tags, in order."""
        wanted = [self._tag_index[tag] for tag in tags if tag in self._tag_index]
        ids, _, counts, flat = self.tag_lists()
        owners = np.repeat(np.arange(len(ids)), counts)
        found: list[int] = ids[np.unique(owners[np.isin(flat, wanted)])].tolist()
        return found

    def path(self, number: int) -> bytes | None:
        """Where a photo is; None for one that is not here."""
        slot = self._slots.get(number)
        return None if slot is None else self._paths[slot]

    def folder(self, path: bytes) -> str:
        """The folder of a photo as it is shown."""
        place = path.rpartition(b"/")[0]
        parent = next((one for one in self._parents if place.startswith(one + b"/")), b"")
        return text(place[len(parent) + 1 :] if parent or self._parents else place)

    def put(self, rows: "Sequence[ShownRow]") -> None:
        """Take up photos that are new or changed; those that are gone are left out."""
        for row in rows:
            if row.gone:
                self._drop(row.id)
        there = [row for row in rows if not row.gone]
        new = [row for row in there if row.id not in self._slots]
        first = len(self._paths)
        self._paths += [row.path for row in new]
        if new:
            self._kept = {
                name: np.concatenate([old, np.zeros(len(new), old.dtype)]) for name, old in self._kept.items()
            }
            self._order = None
        # last, so that whoever asks meanwhile whether a photo is marked finds its place
        self._slots.update((row.id, first + n) for n, row in enumerate(new))
        if there:
            self._fill(there)

    def mark(self, numbers: "Iterable[int]", flag: int) -> None:
        """Set a flag of exactly these photos."""
        flags = self._kept["flags"]
        flags &= ~np.uint8(flag)
        slots = [self._slots[number] for number in numbers if number in self._slots]
        flags[slots] |= np.uint8(flag)

    def marked(self, number: int, flag: int) -> bool:
        """Whether a photo has a flag. May be asked while photos are put or left out; one that is not here has none."""
        slot = self._slots.get(number)
        return slot is not None and bool(self._kept["flags"][slot] & flag)

    def pack(self, head: "Mapping[str, object]") -> bytes:
        """All of it in one piece, gzipped; `head` goes before what is said of the columns."""
        order = self._ordered()
        columns = {name: kept[order] for name, kept in self._kept.items() if name != "start"}
        columns["minute"] = np.diff(columns.pop("second") // 60, prepend=0).astype("<i4")
        names, counts, ranks = self._by_frequency(order)
        columns["tags"] = ranks[self._tags_in(order)]
        kinds = {**_KEPT, "minute": "i32", "tags": "u32"}
        told = {
            "version": 1, **head, "count": len(order), "tags": [list(pair) for pair in zip(names, counts, strict=True)],
            "folders": list(self._folder_index), "cameras": list(self._camera_index),
            "columns": [{"name": n, "type": kinds[n], "length": len(columns[n])} for n in _SENT],
        }  # fmt: skip
        said = json.dumps(told, separators=(",", ":")).encode()
        said += b" " * (-(4 + len(said)) % 8)
        parts = (columns[name].astype(_TYPES[kinds[name]], copy=False).tobytes() for name in _SENT)
        padded = (part + bytes(-len(part) % 8) for part in parts)
        return gzip.compress(b"".join((struct.pack("<I", len(said)), said, *padded)), 1, mtime=0)

    # inside ----------------------------------------------------------------------------------------------

    def _drop(self, number: int) -> None:
        if self._slots.pop(number, None) is not None:
            self._order = None

    def _fill(self, rows: "Sequence[ShownRow]") -> None:
        slots = np.array([self._slots[row.id] for row in rows], np.intp)
        # one JSON text for all: starting the decoder anew for each row would take most of the time
        tags = [some[:_MOST_TAGS] for some in json.loads(f"[{','.join([row.tags for row in rows])}]")]
        seconds = [dated(row) for row in rows]
        values: dict[str, list[Any]] = {
            "id": [row.id for row in rows],
            "aspect": [
                min(65_535, round(1000 * row.width / row.height)) if row.height else 0 for row in rows
            ],
            "second": seconds,
            "folder": [self._folder(row.path) for row in rows],
            "camera": [self._camera(row.camera) for row in rows],
            "rating": [_NO_RATING if row.rating is None else row.rating for row in rows],
            "lat": [np.nan if row.latitude is None else row.latitude for row in rows],
            "lon": [np.nan if row.longitude is None else row.longitude for row in rows],
            "flags": [_flags(row) for row in rows],
            "key": [thumbnail_key(row) for row in rows],
            **self._with_tags(tags),
        }
        if self._order is not None and (self._kept["second"][slots] != seconds).any():
            self._order = None
        review = self._kept["flags"][slots] & REVIEW
        for name, one in values.items():
            self._kept[name][slots] = one
        self._kept["flags"][slots] |= review

    def _with_tags(self, tags: "Sequence[Sequence[str]]") -> dict[str, Any]:
        """Put the tags of some photos at the end of all tags: how many each has, and where they start.

        Those that a photo had before are left where they are, until they are more than those that count.
        """
        if len(self._tags) > 2 * int(self._kept["ntags"].sum(dtype=np.int64)):
            slots = np.arange(len(self._paths))
            self._tags = self._tags_in(slots)
            self._kept["start"] = _starts(self._kept["ntags"])
        first, counts = len(self._tags), np.fromiter(map(len, tags), "<u2", len(tags))
        numbers = map(self._tag_index.__getitem__, chain.from_iterable(tags))
        self._tags = np.concatenate(
            [self._tags, np.fromiter(numbers, "<u4", int(counts.sum(dtype=np.int64)))]
        )
        return {"ntags": counts, "start": first + _starts(counts)}

    def _ordered(self) -> "Array":
        """The slots of the photos, the newest first."""
        if self._order is None:
            slots = np.array(sorted(self._slots.values(), key=self._paths.__getitem__), np.intp)
            self._order = slots[np.argsort(-self._kept["second"][slots], kind="stable")]
        return self._order

    def _tags_in(self, order: "Array") -> "Array":
        """The tags of some photos, one after another."""
        counts = self._kept["ntags"][order]
        shifts = self._kept["start"][order] - _starts(counts)
        places = np.repeat(shifts, counts) + np.arange(int(counts.sum(dtype=np.int64)))
        return self._tags[places]

    def _by_frequency(self, order: "Array") -> "tuple[list[str], list[int], Array]":
        """The tags that photos have, the most frequent first, their counts, and index -> place among them."""
        names = list(self._tag_index)
        counts = np.bincount(self._tags_in(order), minlength=len(names)).tolist()
        sequence = sorted((n for n in range(len(names)) if counts[n]), key=lambda n: (-counts[n], names[n]))
        ranks = np.zeros(len(names), "<u4")
        ranks[sequence] = np.arange(len(sequence))
        return [text(names[n]) for n in sequence], [counts[n] for n in sequence], ranks

    def _folder(self, path: bytes) -> int:
        place = path[: path.rfind(b"/")]
        if (known := self._folder_of.get(place)) is None:
            shown = self.folder(path)
            known = self._folder_of[place] = self._folder_index[shown]
        return known

    def _camera(self, camera: str) -> int:
        return self._camera_index[camera] + 1 if camera else 0


def dated(row: "ShownRow") -> int:
    """When a photo was taken, in local seconds since 1970-01-01; that of the file where nobody tells."""
    if row.taken is not None:
        return row.taken
    try:
        return row.modified + time.localtime(row.modified).tm_gmtoff
    except (ValueError, OverflowError, OSError):  # a disk may tell of years that no calendar has
        return row.modified


def thumbnail_key(row: "ShownRow | Shown") -> int:
    """Changes when the picture may be another one; 0: there is nothing to show."""
    if row.error:
        return 0
    if row.picture_hash:
        return int(row.picture_hash[:8], 16) or 1
    return zlib.crc32(row.stamp.encode()) or 1


def text(name: bytes | str) -> str:
    """A name that anybody can be sent: bytes that are no text are question marks."""
    return as_text(os.fsdecode(name))


def _flags(row: "ShownRow") -> int:
    return (
        (FILE_DATE if row.taken is None else 0)
        | (BROWSER if row.format in _BROWSERS_SHOW and not row.error else 0)
        | (CAPTION if row.title or row.description else 0)
        | (UNREADABLE if row.error else 0)
    )
