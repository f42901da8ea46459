"""Which picture a photo holds now: hashed only where the index does not know it."""

from typing import Protocol

from tagroll.catalog import Catalog, PhotoRow
from tagroll.domain import Photo
from tagroll.metadata.store import MetadataStore


class Hashes(Protocol):
    """Who hashes pictures: the store, or somebody on another machine."""

    def stamp(self, photo: Photo) -> str:
        """See MetadataStore."""

    def picture_hash(self, photo: Photo, like: str = "") -> str:
        """See MetadataStore."""


def picture_now(photo: Photo, store: MetadataStore, catalog: Catalog, like: str = "") -> str:
    """Hash of a photo's picture as its file is now: the index knows it, or is told.

    Args:
        photo: Whose.
        store: Hashes it.
        catalog: Holds the index.
        like: A hash of the kind that is wanted, as older catalogs have others; "" for the one of today.

    Raises:
        MetadataError: The file cannot be read.
    """
    return picture_by(catalog.photos.at(photo.path), photo, store, catalog, like)


def picture_by(row: PhotoRow | None, photo: Photo, store: Hashes, catalog: Catalog, like: str = "") -> str:
    """As `picture_now`, by the row that the index has of the photo."""
    if row is None or row.stamp != store.stamp(photo):
        # nothing to note it in: the row of a photo that is tagged now comes with its tags
        return store.picture_hash(photo, like)
    # a row that was made of the head alone knows no picture: "" must never stand for one
    if row.pictured and row.picture_hash and len(like) in (0, len(row.picture_hash)):
        return row.picture_hash
    picture = store.picture_hash(photo, like)
    if not like:  # else it may be of an older kind
        catalog.photos.note_picture(photo.path, row.stamp, picture)
    return picture
