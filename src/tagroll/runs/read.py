"""What photos say of themselves, read from the files; a file that is as it was is answered from the index."""

import gc
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tagroll.catalog import About, Catalog, PhotoRow
from tagroll.domain import Facts, Metadata, Outcome, Photo, Status
from tagroll.errors import ForeignStructureError, PhotoError
from tagroll.formats import FORMATS
from tagroll.metadata.store import MetadataStore
from tagroll.parallel import cores

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

BATCH = 2048
"""Photos that are looked up in the index, read and noted there together."""
SHARE = 128
"""Photos that a reading process is given at once."""
EXIFTOOL_SHARE = 32
"""Photos that exiftool is given at once."""
WORTH_PROCESSES = 1024
"""From so many photos to read in a batch on, processes pay for their start."""

_FORMATS = {fmt.name: fmt for fmt in FORMATS}


@dataclass(frozen=True)
class Reader:
    """Reads the tags of photos.

    Attributes:
        store: Reads files.
        catalog: Holds the index.
        authors: Tell, too, which tags tagroll wrote; the index does not know that, so that all files are read.
    """

    store: MetadataStore
    catalog: Catalog
    authors: bool = False

    def read(self, found: Iterable[Photo | Outcome]) -> Iterator[Outcome]:
        """Yield one outcome a photo, in order: unchanged with its tags, or failed. A failed read is never "no tags"."""
        source = iter(found)
        with ExitStack() as resources:
            processes = _Processes(resources)
            begun: _Batch | None = None
            while items := list(islice(source, BATCH)):
                following = self._begin(items, processes)
                if begun:  # the processes have work while this is noted
                    yield from self._finish(begun)
                begun = following
            if begun:
                yield from self._finish(begun)

    def _begin(self, items: Sequence[Photo | Outcome], processes: "_Processes") -> "_Batch":
        """Look photos up, and give those that have to be read to the processes, if they are many."""
        photos = [item for item in items if isinstance(item, Photo)]
        as_of = self.catalog.photos.version()
        rows = self.catalog.photos.tags_at([photo.path for photo in photos])
        stamps = self.store.stamps(photos)
        files = [
            # "" is no stamp: that of a file which is not there, and of a row that counts no more
            _File(photo, stamp, row[1] if row and stamp and row[0] == stamp and not self.authors else None)
            for photo, stamp, row in zip(photos, stamps, rows, strict=True)
        ]
        stale = [file.photo for file in files if file.tags is None]
        # what a person took away since tagroll wrote only the store here can know
        ours = self.catalog.journal.written([photo.path for photo in stale])
        delegated = [
            photo
            for photo in stale
            if len(stale) >= WORTH_PROCESSES and photo.format.in_process and photo.path not in ours
        ]
        return _Batch(items, files, delegated, processes.read(delegated), as_of)

    def _finish(self, batch: "_Batch") -> Iterator[Outcome]:
        """Read the rest, and note in the index what was read."""
        answers = zip(batch.delegated, batch.results, strict=True)
        found = {photo.path: said for photo, said in answers if said is not None}
        here = [f.photo for f in batch.files if f.tags is None and f.photo.path not in found]
        found.update(self._read_here(here))
        known = [
            # what is known now; the picture's hash is not, as only the file's head was read
            PhotoRow(file.photo.path, file.stamp, "", said.tags, about=said.about(file.photo))
            for file in batch.files
            if isinstance(said := found.get(file.photo.path), _Said)
        ]
        self.catalog.photos.index(known, batch.as_of)
        outcomes = [
            _outcome(file.photo.path, found.get(file.photo.path) or file.tags or ()) for file in batch.files
        ]
        read = iter(outcomes)
        together = [item if isinstance(item, Outcome) else next(read) for item in batch.items]
        self.catalog.photos.note_failures([
            (item.path, *_state(item), outcome.error, outcome.hint)
            for item, outcome in zip(batch.items, together, strict=True)
            if outcome.status is Status.FAILED
        ])  # fmt: skip
        yield from together

    def _read_here(self, photos: Sequence[Photo]) -> Iterator[tuple[Path, "_Said | PhotoError"]]:
        """Read in this process: few, or what exiftool has to read, which is given many at a time."""
        shares = [photos[start : start + EXIFTOOL_SHARE] for start in range(0, len(photos), EXIFTOOL_SHARE)]
        with ThreadPoolExecutor(2) as pool:  # as many as there are exiftool processes
            for share, read in zip(shares, pool.map(self.store.read_many, shares), strict=True):
                for photo, metadata in zip(share, read, strict=True):
                    yield photo.path, _said(metadata)


@dataclass(frozen=True, slots=True)
class _File:
    """A photo, its stamp now, and its tags where the index knows them; None where it has to be read."""

    photo: Photo
    stamp: str
    tags: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Items in order, their photos, those that the processes read, and the version of the index then."""

    items: Sequence[Photo | Outcome]
    files: Sequence[_File]
    delegated: Sequence[Photo]
    results: Iterator["_Said | PhotoError | None"]
    as_of: int


@dataclass(frozen=True)
class _Processes:
    """Reading processes, started when first needed and ended with the resources."""

    resources: ExitStack

    @cached_property
    def _pool(self) -> "ProcessPoolExecutor":
        import multiprocessing  # late: 10 ms that who reads few photos need not wait
        from concurrent.futures import ProcessPoolExecutor

        context = multiprocessing.get_context("spawn")  # no threads or locks of ours are copied into them
        pool = ProcessPoolExecutor(max(1, cores() - 1), context, initializer=_prepare)  # we read, too
        # the batch that was begun ahead is not wanted any more when reading ends early
        self.resources.callback(pool.shutdown, cancel_futures=True)
        return pool

    def read(self, photos: Sequence[Photo]) -> Iterator["_Said | PhotoError | None"]:
        """Begin to read photos; gives what they say."""
        asked = [(str(photo.path), photo.format.name) for photo in photos]
        shares = [asked[start : start + SHARE] for start in range(0, len(asked), SHARE)]
        return _gathered(shares, [self._submit(share) for share in shares])

    def _submit(self, share: "_Share") -> "Future[list[_Answer]]":
        try:
            return self._pool.submit(_read_share, share)
        except BrokenExecutor as error:
            broken = Future[list[_Answer]]()
            broken.set_exception(error)
            return broken


def _prepare() -> None:
    """Make a process ready to read."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that ends us
    gc.freeze()
    gc.set_threshold(100_000)  # nothing here makes cycles; looking for some took a fifth of the time


_Share = Sequence[tuple[str, str]]
"""Photos as path and format."""


class _Said(NamedTuple):
    """What a photo says, as it travels from one process to another."""

    tags: tuple[str, ...]
    title: str
    description: str
    facts: tuple[Any, ...]
    ours: tuple[str, ...]
    away: tuple[str, ...]

    def about(self, photo: Photo) -> About:
        """As the index keeps it."""
        return About(photo.format.name, Facts(*self.facts), self.title, self.description)


_Answer = _Said | PhotoError | None
"""What a photo says, or why it cannot be read; None: exiftool may be able to."""


def _gathered(shares: Sequence[_Share], futures: Sequence[Future[list[_Answer]]]) -> Iterator[_Answer]:
    """What the photos of all shares say. From the end on, what no process has begun with is read here."""
    here = {n: _read_share(shares[n]) for n in reversed(range(len(shares))) if futures[n].cancel()}
    for number, future in enumerate(futures):
        yield from here[number] if number in here else _result(future, shares[number])


def _result(future: Future[list[_Answer]], share: _Share) -> list[_Answer]:
    """What a process has read; where one was killed, as for want of memory, it is read here."""
    try:
        return future.result()
    except BrokenExecutor:
        return _read_share(share)


def _read_share(share: _Share) -> list[_Answer]:
    """Read photos in process; None for one that exiftool may be able to read."""
    photos = [Photo(Path(path), 0, 0, _FORMATS[name]) for path, name in share]
    said = map(_said, MetadataStore().read_many(photos))
    return [None if isinstance(one, ForeignStructureError) else one for one in said]


def _said(read: Metadata | PhotoError) -> _Said | PhotoError:
    return (
        read
        if isinstance(read, PhotoError)
        else _Said(read.tags, read.title, read.description, read.facts.values(), read.ours, read.away)
    )


def _outcome(path: Path, said: _Said | PhotoError | tuple[str, ...]) -> Outcome:
    if isinstance(said, PhotoError):
        return Outcome(path, Status.FAILED, error=said.message, hint=said.hint)
    if isinstance(said, _Said):
        return Outcome(path, Status.UNCHANGED, said.tags, ours=said.ours, away=said.away)
    return Outcome(path, Status.UNCHANGED, said)


def _state(item: Photo | Outcome) -> tuple[str, int]:
    """The format of a photo that cannot be read, where it is known, and when it was modified, in seconds."""
    if isinstance(item, Photo):
        return item.format.name, item.mtime_ns // 1_000_000_000
    with suppress(OSError):
        return "", int(item.path.stat().st_mtime)
    return "", 0
