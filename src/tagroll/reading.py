"""Which tags photos carry, read from the files; a file that is as it was is answered from the index."""

import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

from tagroll.catalog import Catalog, PhotoRow
from tagroll.domain import Outcome, Photo, Status
from tagroll.errors import ForeignStructureError, PhotoError
from tagroll.formats import FORMATS
from tagroll.metadata.store import MetadataStore
from tagroll.parallel import cores

BATCH = 2048
"""Photos that are looked up in the index, read and noted there together."""
SHARE = 128
"""Photos that a reading process is given at once."""
WORTH_PROCESSES = 1024
"""From so many photos to read in a batch on, processes pay for their start."""

_FORMATS = {fmt.name: fmt for fmt in FORMATS}


@dataclass(frozen=True)
class Reader:
    """Reads the tags of photos.

    Attributes:
        store: Reads files.
        catalog: Holds the index.
    """

    store: MetadataStore
    catalog: Catalog

    def read(self, found: Iterable[Photo | Outcome]) -> Iterator[Outcome]:
        """Yield one outcome a photo, in order: unchanged with its tags, or failed. A failed read is never "no tags"."""
        source = iter(found)
        with ExitStack() as resources:
            processes = _Processes(resources)
            while batch := list(islice(source, BATCH)):
                yield from self._batch(batch, processes)

    def _batch(self, batch: Sequence[Photo | Outcome], processes: "_Processes") -> Iterator[Outcome]:
        photos = [item for item in batch if isinstance(item, Photo)]
        rows = self.catalog.photos_at([photo.path for photo in photos])
        stamps = dict(zip((photo.path for photo in photos), self.store.stamps(photos), strict=True))
        stale = [p for p in photos if (row := rows.get(p.path)) is None or row.stamp != stamps[p.path]]
        outcomes = {outcome.path: outcome for outcome in self._read(stale, processes)}
        self.catalog.index([
            _row(path, stamps[path], outcome.tags, rows.get(path))
            for path, outcome in outcomes.items() if outcome.status is not Status.FAILED
        ])  # fmt: skip
        for item in batch:
            if isinstance(item, Outcome):
                yield item
            else:
                yield outcomes.get(item.path) or Outcome(item.path, Status.UNCHANGED, rows[item.path].tags)

    def _read(self, photos: Sequence[Photo], processes: "_Processes") -> Iterator[Outcome]:
        """Read them here when they are few or need exiftool, else in processes."""
        many = len(photos) >= WORTH_PROCESSES
        away = [p for p in photos if many and p.format.writer in {"jpeg", "png", "webp"}]
        shares = [away[start : start + SHARE] for start in range(0, len(away), SHARE)]
        asked = processes.read([[(photo.path, photo.format.name) for photo in share] for share in shares])
        tried = dict(zip((photo.path for photo in away), chain.from_iterable(asked), strict=True))
        for photo in photos:
            yield tried.get(photo.path) or self._read_here(photo)

    def _read_here(self, photo: Photo) -> Outcome:
        try:
            return Outcome(photo.path, Status.UNCHANGED, self.store.read(photo).tags)
        except PhotoError as error:
            return Outcome(photo.path, Status.FAILED, error=error.message, hint=error.hint)


@dataclass(frozen=True)
class _Processes:
    """Reading processes, started when first needed and ended with the resources."""

    resources: ExitStack

    @cached_property
    def _pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # no threads or locks of ours are copied into them
        ignore = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that ends them
        return self.resources.enter_context(
            ProcessPoolExecutor(cores(), context, initializer=signal.signal, initargs=ignore)
        )

    def read(self, shares: Sequence[Sequence[tuple[Path, str]]]) -> Iterable[list[Outcome | None]]:
        return self._pool.map(_read_share, shares) if shares else ()


def _read_share(share: Sequence[tuple[Path, str]]) -> list[Outcome | None]:
    """Read photos (path and format) in process; None for one that exiftool may be able to read."""
    store = MetadataStore()
    outcomes: list[Outcome | None] = []
    for path, name in share:
        try:
            tags = store.read(Photo(path, 0, 0, _FORMATS[name])).tags
            outcomes.append(Outcome(path, Status.UNCHANGED, tags))
        except ForeignStructureError:
            outcomes.append(None)
        except PhotoError as error:
            outcomes.append(Outcome(path, Status.FAILED, error=error.message, hint=error.hint))
    return outcomes


def _row(path: Path, stamp: str, tags: tuple[str, ...], before: PhotoRow | None) -> PhotoRow:
    """What is known now; the picture's hash is not, as only the file's head was read."""
    return PhotoRow(path, stamp, "", tags, before.wanted if before else None)
