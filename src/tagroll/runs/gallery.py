"""What a face shows of a library: its photos in memory, and the columns a browser gets of them."""

import gzip
import hashlib
import json
import math
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tagroll.domain import Photo, Status
from tagroll.errors import MetadataError
from tagroll.photos.scan import absolute, scan
from tagroll.runs.moved import photos_at
from tagroll.runs.read import Reader
from tagroll.runs.run import Workspace


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading of a library is."""

    done: int
    about: int
    running: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Photos that words find."""

    exact: tuple[int, ...]
    close: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One photo as a face shows it."""

    id: int
    path: Path
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
    tags: tuple[str, ...]
    picture_hash: str
    error: str = ""


class Gallery:
    """What is shown of the library at and below some paths."""

    def __init__(self, space: Workspace, paths: Sequence[Path]) -> None:
        self._space, self.paths = space, [absolute(path) for path in paths]
        self._shown: dict[int, Shown] = {}
        self._numbers: dict[Path, int] = {}
        self._lock = threading.Lock()
        self._generation = 0
        self._built: tuple[int, bytes] = (-1, b"")
        self.videos = 0

    @property
    def generation(self) -> str:
        return str(self._generation)

    def shown(self, number: int) -> Shown | None:
        return self._shown.get(number)

    def all(self) -> list[Shown]:
        return list(self._shown.values())

    def carrying(self, tags: Iterable[str]) -> list[int]:
        wanted = set(tags)
        return [shown.id for shown in self.all() if not wanted.isdisjoint(shown.tags)]

    def photo(self, number: int) -> Photo:
        shown = self._shown[number]
        found = next(photos_at([shown.path]), None)
        if found is None:
            raise MetadataError("was moved or deleted")
        return found

    def search(self, words: str) -> Found:
        wanted = words.casefold()
        return Found(
            tuple(s.id for s in self.all() if any(wanted in t.casefold() for t in (*s.tags, s.path.name))), ()
        )

    def refresh(self, tell: Callable[[Progress], None]) -> None:
        found = list(scan(self.paths, on_unreadable=lambda *_: None))
        photos = {item.path: item for item in found if isinstance(item, Photo)}
        done = 0
        for outcome in Reader(self._space.store, self._space.catalog).read(found):
            if self._space.stop.is_set():
                return
            done += 1
            with self._lock:
                number = self._numbers.setdefault(outcome.path, len(self._numbers) + 1)
                photo = photos.get(outcome.path)
                row = self._space.catalog.photos.at(outcome.path)
                error = outcome.error if outcome.status is Status.FAILED else ""
                self._put(
                    Shown(
                        number,
                        outcome.path,
                        photo.format.name if photo else "",
                        0,
                        0,
                        int(photo.mtime_ns / 1e9) if photo else None,
                        "",
                        None,
                        None,
                        None,
                        "",
                        "",
                        outcome.tags,
                        row.picture_hash if row else "",
                        error,
                    )
                )
            tell(Progress(done, len(found), running=done < len(found)))

    def _put(self, shown: Shown) -> None:
        if self._shown.get(shown.id) != shown:
            self._shown[shown.id] = shown
            self._generation += 1

    def changed(self, paths: Iterable[Path]) -> None:
        self._space.catalog.journal.settle({})  # what is queued for the index is there now
        with self._lock:
            for path in paths:
                row, number = self._space.catalog.photos.at(path), self._numbers.get(path)
                if number and row and not row.stamp:
                    metadata = self._space.store.read(self.photo(number))
                    self._put(replace(self._shown[number], tags=metadata.tags))
                elif number and row:
                    self._put(replace(self._shown[number], tags=row.tags, picture_hash=row.picture_hash))

    def columns(self) -> bytes:
        with self._lock:
            if self._built[0] != self._generation:
                self._built = (self._generation, self._build())
            return self._built[1]

    def _build(self) -> bytes:
        rows = sorted(self._shown.values(), key=lambda s: (-(s.taken or 0), s.path))
        counts = Counter(tag for row in rows for tag in row.tags)
        tags = {tag: n for n, (tag, _) in enumerate(counts.most_common())}
        folders = {f: n for n, f in enumerate(sorted({str(r.path.parent) for r in rows}))}
        minutes = [(r.taken or 0) // 60 for r in rows]
        columns: list[tuple[str, str, array[int] | array[float]]] = [
            ("id", "u32", array("I", (r.id for r in rows))),
            ("aspect", "u16", array("H", (0 for _ in rows))),
            ("minute", "i32", array("i", (m - p for m, p in zip(minutes, [0, *minutes], strict=False)))),
            ("folder", "u32", array("I", (folders[str(r.path.parent)] for r in rows))),
            ("camera", "u16", array("H", (0 for _ in rows))),
            ("rating", "i8", array("b", (-128 for _ in rows))),
            ("lat", "f32", array("f", (math.nan for _ in rows))),
            ("lon", "f32", array("f", (math.nan for _ in rows))),
            ("flags", "u8", array("B", (5 for _ in rows))),
            ("key", "u32", array("I", (int(key_of(r), 16) for r in rows))),
            ("ntags", "u16", array("H", (len(r.tags) for r in rows))),
            ("tags", "u32", array("I", (tags[t] for r in rows for t in r.tags))),
        ]
        head = {
            "version": 1, "generation": self.generation, "count": len(rows), "tags": counts.most_common(),
            "folders": list(folders), "cameras": [], "videos": 0, "readOnly": False,
            "columns": [{"name": n, "type": t, "length": len(a)} for n, t, a in columns],
            "roots": list(map(str, self.paths)),
        }  # fmt: skip
        text = json.dumps(head).encode()
        text += b" " * (-(4 + len(text)) % 8)
        parts = [len(text).to_bytes(4, "little"), text]
        for _, _, values in columns:
            data = values.tobytes()
            parts += [data, bytes(-len(data) % 8)]
        return gzip.compress(b"".join(parts), 1)


def key_of(shown: Shown) -> str:
    return (shown.picture_hash or hashlib.sha256(str(shown.path).encode()).hexdigest())[:8]
