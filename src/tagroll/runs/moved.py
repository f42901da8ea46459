"""Photos that were moved or renamed since they were written, found by their picture."""

import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tagroll.catalog import Catalog, Writing
from tagroll.domain import Photo, Write
from tagroll.errors import PhotoError
from tagroll.metadata.store import MADE, MetadataStore, left_in, target_of
from tagroll.photos.scan import scan
from tagroll.runs.pictures import picture_now


class Moved:
    """Finds photos that were moved or renamed, by their picture.

    Args:
        roots: Files and folders to look in. They are read when the first photo is missing, and once.
        store: Hashes pictures.
        catalog: May have met the photo in its new place.
    """

    def __init__(self, roots: Sequence[Path], store: MetadataStore, catalog: Catalog) -> None:
        self._roots, self._store, self._catalog = roots, store, catalog
        self._places: dict[Path, Path | None] = {}
        self._taken: set[Path] = set()
        self._known: dict[str, dict[Path, Photo]] = {}
        self._scanned: dict[int, dict[str, dict[Path, Photo]]] = {}
        self._unhashed: dict[str, list[Path]] | None = None
        self._looking = threading.Lock()

    def where(self, writing: Writing) -> Path | None:
        """Where the photo of a write is now, which is not where it was. No place is that of two photos.

        It is a file that is still as it was written, else one of the same picture that carries what was written.
        """
        photo = writing.write.photo
        with self._looking:
            if photo not in self._places:
                self._places[photo] = place = self._find(writing)
                if place:
                    self._take(place, writing.write.picture_hash)
            return self._places[photo]

    def _find(self, writing: Writing) -> Path | None:
        write, carrying = writing.write, None
        for photo in self._candidates(write):
            with suppress(PhotoError):  # one that cannot be read is not known to be the one
                says = self._journal_says(writing, photo.path)
                if says is False or self._picture(photo, write.picture_hash) != write.picture_hash:
                    continue
                if (
                    write.after_hash
                    and self._store.file_hash(target_of(write, photo.path), write.after_hash)
                    == write.after_hash
                ):
                    return photo.path
                if carrying is None and (says or left_in(write, self._store.read(photo))):
                    carrying = photo.path
        return carrying

    def _candidates(self, write: Write) -> Iterator[Photo]:
        """Photos that may be of the picture and are not known to be another one, the likely ones first."""
        picture = write.picture_hash
        if picture not in self._known:
            paths = [row.path for row in self._catalog.photos.with_picture(picture)]
            self._known[picture] = {photo.path: photo for photo in photos_at(paths)}
        yield from self._known[picture].values()
        for path in self._only_read(write):
            yield from photos_at([path]) if path not in self._taken else ()
        yield from self._in_roots(picture).values()

    def _take(self, place: Path, picture: str) -> None:
        """See that a place is no candidate any more: of a thousand equal photos, each one looked through all."""
        self._taken.add(place)
        self._known[picture].pop(place, None)
        for found in self._scanned.values():
            found[picture].pop(place, None)

    def _only_read(self, write: Write) -> Iterator[Path]:
        """Photos whose picture the catalog does not know, as `tagroll tags` reads their heads: by name or size."""
        if self._unhashed is None:
            self._unhashed = defaultdict(list)
            for path, stamp in self._catalog.photos.unhashed():
                self._unhashed[path.name].append(path)
                self._unhashed[_size(stamp)].append(path)
        row = self._catalog.photos.at(write.photo)
        for key in (write.photo.name, *([_size(row.stamp)] if row and row.stamp else [])):
            yield from self._unhashed.get(key, [])

    def _in_roots(self, picture: str) -> Mapping[Path, Photo]:
        kind = len(picture)  # older catalogs have hashes of another kind
        if kind not in self._scanned:
            found = self._scanned[kind] = defaultdict(dict)
            for photo in photos_at(self._roots):
                with suppress(PhotoError):
                    if photo.path not in self._taken:
                        found[self._picture(photo, picture)][photo.path] = photo
        return self._scanned[kind][picture]

    def _picture(self, photo: Photo, like: str) -> str:
        return picture_now(photo, self._store, self._catalog, like)

    def _journal_says(self, writing: Writing, path: Path) -> bool | None:
        """Whether the photo of this path is that of the write, going by what tagroll wrote there; None: nothing.

        If it is, then what was written there before led to the write, and the write to what came after.
        """
        picture = writing.write.picture_hash  # what was written into others that had this path says nothing
        there = [
            other
            for other in self._catalog.journal.at(path)
            if other.write.engine not in MADE and other.write.picture_hash == picture
        ]
        before = [other.write for other in there if other.id < writing.id]
        after = [other.write for other in there if other.id > writing.id]
        if before and not left_in(before[-1], writing.write.before):
            return False
        return left_in(writing.write, after[0].before) if after else None


def photos_at(roots: Sequence[Path]) -> Iterator[Photo]:
    """The photos at and below those roots that are there."""
    found = scan([root for root in roots if os.path.exists(root)], on_unreadable=pass_over)  # noqa: PTH110 - no errors
    return (photo for photo in found if isinstance(photo, Photo))


def pass_over(_folder: Path, _error: OSError) -> None:
    """A folder that cannot be read cannot give a photo back; the photo itself is reported."""


def _size(stamp: str) -> str:
    """The size of a photo, as the key of those of this size: no file has such a name."""
    return "/" + stamp.partition(".")[0]
