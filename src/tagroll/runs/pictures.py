"""Which picture a photo holds now: hashed only where the index does not know it."""

from tagroll.catalog import Catalog
from tagroll.domain import Photo
from tagroll.metadata.store import MetadataStore


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
    row, stamp = catalog.photos.at(photo.path), store.stamp(photo)
    is_known = row is not None and row.stamp == stamp
    # a row that was made of the head alone knows no picture: "" must never stand for one
    if row and is_known and row.pictured and row.picture_hash and len(like) in (0, len(row.picture_hash)):
        return row.picture_hash
    picture = store.picture_hash(photo, like)
    # else there is no row to note it in (that of a photo which is tagged now comes with its tags), or it is of an older kind
    if is_known and not like:
        catalog.photos.note_picture(photo.path, stamp, picture)
    return picture
