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
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tagroll.catalog import ShownColumns

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
    *("id", "aspect", "minute", "folder", "camera", "rating", "lat", "lon", "flags", "key"),
    *("ntags", "tags"),
)
NO_RATING = -128
_FEW_NAMES = 1 << 16
"""So many tags or fewer are told in two bytes each, which is a seventh less of all that is sent."""
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


def _wanted(names: "Iterable[str]", is_wanted: "Callable[[str], bool]") -> "Array":
    """Of each name, by its number, whether it is wanted."""
    wanted: Array = np.array([is_wanted(name) for name in names], bool)
    return wanted


def _starts(counts: "Array") -> "Array":
    """Where each of some lists starts when they stand one after another."""
    ends: Array = np.cumsum(counts, dtype=np.int64)
    return ends - counts


class Columns:
    """The columns of some photos, which follow what changes.

    Args:
        roots: The folders and files they are shown from; folders are called from the name of their root on. Without
            any, by their whole path.
        mark: Of the catalog; see `thumbnail_key`.
    """

    def __init__(self, roots: "Sequence[Path]", mark: int = 1) -> None:
        self._mark = mark
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
        return self.of("id")

    def of(self, name: str) -> "Array":
        """A column as it is kept, in order: with `second` (see `dated`), and 0 for no camera."""
        return self._kept[name][self._ordered()]

    def among(self, numbers: "Array") -> "Array":
        """Of each photo, in order, whether its number is one of these."""
        ids = self.ids()
        wanted = np.zeros(max(int(ids.max(initial=0)), int(numbers.max(initial=0))) + 1, bool)
        wanted[numbers] = True
        fits: Array = wanted[ids]
        return fits

    def tag_lists(self) -> TagLists:
        """Which photo has which tags."""
        order = self._ordered()
        return TagLists(self.ids(), list(self._tag_index), self._kept["ntags"][order], self._tags_in(order))

    def tag_counts(self) -> dict[str, int]:
        """The tags that photos have, and how many of them."""
        counts = np.bincount(self._tags_in(self._ordered()), minlength=len(self._tag_index)).tolist()
        return {name: count for name, count in zip(self._tag_index, counts, strict=True) if count}

    def with_tag(self, is_wanted: "Callable[[str], bool]") -> "Array":
        """Of each photo, in order, whether it has such a tag."""
        _, names, counts, flat = self.tag_lists()
        fits: Array = np.zeros(len(counts), bool)
        fits[np.repeat(np.arange(len(counts)), counts)[_wanted(names, is_wanted)[flat]]] = True
        return fits

    def in_folder(self, is_wanted: "Callable[[str], bool]") -> "Array":
        """Of each photo, in order, whether its folder is such a one."""
        fits: Array = _wanted(self._folder_index, is_wanted)[self.of("folder")]
        return fits

    def by_camera(self, is_wanted: "Callable[[str], bool]") -> "Array":
        """Of each photo, in order, whether its camera is such a one; one that nobody knows is none."""
        fits: Array = np.concatenate([[False], _wanted(self._camera_index, is_wanted)])[self.of("camera")]
        return fits

    def path(self, number: int) -> bytes | None:
        """Where a photo is; None for one that is not here."""
        slot = self._slots.get(number)
        return None if slot is None else self._paths[slot]

    def folder(self, path: bytes) -> str:
        """The folder of a photo as it is shown."""
        place = path.rpartition(b"/")[0]
        parent = next((one for one in self._parents if place.startswith(one + b"/")), b"")
        return text(place[len(parent) + 1 :] if parent or self._parents else place)

    def places(self) -> "list[tuple[int, bytes]]":
        """Number and path of each photo, in no order."""
        return [(number, self._paths[slot]) for number, slot in self._slots.items()]

    def put(self, some: "ShownColumns") -> None:
        """Take up photos that are new or changed; those that are gone are left out."""
        if any(some.gone):
            for number, gone in zip(some.id, some.gone, strict=True):
                if gone:
                    self._drop(number)
            some = some.where([not gone for gone in some.gone])
        new = [n for n, number in enumerate(some.id) if number not in self._slots]
        first = len(self._paths)
        self._paths += [some.path[n] for n in new]
        if new:
            self._kept = {
                name: np.concatenate([old, np.zeros(len(new), old.dtype)]) for name, old in self._kept.items()
            }
            self._order = None
        # last, so that whoever asks meanwhile whether a photo is marked finds its place
        self._slots.update((some.id[n], slot) for slot, n in enumerate(new, first))
        if some.id:
            self._fill(some)

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
        names, counts, ranks = self._by_frequency()
        columns["tags"] = ranks[self._tags_in(order)]
        kinds = {**_KEPT, "minute": "i32", "tags": "u16" if len(names) <= _FEW_NAMES else "u32"}
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

    def _fill(self, some: "ShownColumns") -> None:
        slots = np.fromiter(map(self._slots.__getitem__, some.id), np.intp, len(some.id))
        # one JSON text for all: starting the decoder anew for each row would take most of the time
        tags = json.loads(f"[{','.join(some.tags)}]")
        if max(map(len, tags)) > _MOST_TAGS:
            tags = [each[:_MOST_TAGS] for each in tags]
        seconds = np.array(list(map(dated, some.taken, some.modified)), np.int64)
        values: dict[str, Any] = {
            "id": some.id,
            "aspect": some.aspect,
            "second": seconds,
            "folder": list(map(self._folder, some.path)),
            "camera": [self._camera_index[camera] + 1 if camera else 0 for camera in some.camera],
            "rating": [NO_RATING if rating is None else rating for rating in some.rating],
            "lat": np.array(some.latitude, float),  # None becomes NaN
            "lon": np.array(some.longitude, float),
            "flags": self._flags(some, slots),
            "key": [
                0 if unreadable else thumbnail_key(self._mark, picture, stamp)
                for picture, stamp, unreadable in zip(
                    some.picture_hash, some.stamp, some.unreadable, strict=True
                )
            ],
            **self._with_tags(tags),
        }
        if self._order is not None and (self._kept["second"][slots] != seconds).any():
            self._order = None
        for name, one in values.items():
            self._kept[name][slots] = one

    def _flags(self, some: "ShownColumns", slots: "Array") -> "Array":
        """What is so of some photos; whether there is something to review stays as it was."""
        flags: Array = self._kept["flags"][slots] & REVIEW
        unreadable = np.array(some.unreadable, bool)
        flags |= np.where([taken is None for taken in some.taken], np.uint8(FILE_DATE), np.uint8(0))
        flags |= np.where(np.array(some.captioned, bool), np.uint8(CAPTION), np.uint8(0))
        flags |= np.where(unreadable, np.uint8(UNREADABLE), np.uint8(0))
        in_browsers = np.array([fmt in _BROWSERS_SHOW for fmt in some.format])
        flags |= np.where(in_browsers & ~unreadable, np.uint8(BROWSER), np.uint8(0))
        return flags

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

    def _by_frequency(self) -> "tuple[list[str], list[int], Array]":
        """The tags that photos have, the most frequent first, their counts, and index -> place among them."""
        counts = self.tag_counts()
        names = sorted(counts, key=lambda name: (-counts[name], name))
        ranks = np.zeros(len(self._tag_index), "<u4")
        ranks[[self._tag_index[name] for name in names]] = np.arange(len(names))
        return [text(name) for name in names], [counts[name] for name in names], ranks

    def _folder(self, path: bytes) -> int:
        place = path[: path.rfind(b"/")]
        if (known := self._folder_of.get(place)) is None:
            shown = self.folder(path)
            known = self._folder_of[place] = self._folder_index[shown]
        return known


def dated(taken: int | None, modified: int) -> int:
    """When a photo was taken, in local seconds since 1970-01-01; that of the file where nobody tells."""
    if taken is not None:
        return taken
    try:
        return modified + time.localtime(modified).tm_gmtoff
    except (ValueError, OverflowError, OSError):  # a disk may tell of years that no calendar has
        return modified


def thumbnail_key(mark: int, picture_hash: str, stamp: str) -> int:
    """Changes when the picture may be another one; never 0, which stands for a photo that cannot be shown.

    The upper half is the catalog's mark (1 to 65,535), so that no browser takes a picture of its cache for a photo that
    has the same number in another catalog. The lower half is of the picture's hash, or of the file's stamp as long as
    that is not known: more would be most of what is sent of a photo besides its tags, and keep out one more in 65,536 of
    the pictures that were edited.
    """
    lower = int(picture_hash[:4], 16) if picture_hash else zlib.crc32(stamp.encode()) & 0xFFFF
    return mark << 16 | lower


def text(name: bytes | str) -> str:
    """A name that anybody can be sent: bytes that are no text are question marks."""
    return as_text(os.fsdecode(name))
