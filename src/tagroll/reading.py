"""Which tags photos carry, read from the files; a file that is as it was is answered from the index."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tagroll.catalog import Catalog, PhotoRow
from tagroll.domain import Outcome, Photo, Status
from tagroll.errors import PhotoError
from tagroll.metadata.store import MetadataStore

BATCH = 1024
"""Photos that are looked up, read and noted together."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the tags of photos.

    Attributes:
        store: Reads files.
        catalog: Holds the index.
        threads: Files read at once.
    """

    store: MetadataStore
    catalog: Catalog
    threads: int = 4

    def read(self, found: Iterable[Photo | Outcome]) -> Iterator[Outcome]:
        """Yield one outcome a photo, in order: unchanged with its tags, or failed. A failed read is never "no tags"."""
        source = iter(found)
        with ThreadPoolExecutor(self.threads) as pool:
            while batch := list(islice(source, BATCH)):
                yield from self._batch(batch, pool)

    def _batch(self, batch: Sequence[Photo | Outcome], pool: ThreadPoolExecutor) -> Iterator[Outcome]:
        photos = [item for item in batch if isinstance(item, Photo)]
        rows = self.catalog.photos_at([photo.path for photo in photos])
        stamps = {photo.path: self.store.stamp(photo) for photo in photos}
        stale = [p for p in photos if (row := rows.get(p.path)) is None or row.stamp != stamps[p.path]]
        outcomes = dict(zip((photo.path for photo in stale), pool.map(self._read, stale), strict=True))
        self.catalog.index([
            _row(path, stamps[path], outcome.tags, rows.get(path))
            for path, outcome in outcomes.items() if outcome.status is not Status.FAILED
        ])  # fmt: skip
        for item in batch:
            if isinstance(item, Outcome):
                yield item
            else:
                yield outcomes.get(item.path) or Outcome(item.path, Status.UNCHANGED, rows[item.path].tags)

    def _read(self, photo: Photo) -> Outcome:
        try:
            return Outcome(photo.path, Status.UNCHANGED, self.store.read(photo).tags)
        except PhotoError as error:
            return Outcome(photo.path, Status.FAILED, error=error.message, hint=error.hint)


def _row(path: Path, stamp: str, tags: tuple[str, ...], before: PhotoRow | None) -> PhotoRow:
    """What is known now; the picture's hash is not, as only the file's head was read."""
    return PhotoRow(path, stamp, "", tags, before.wanted if before else None)
