"""What the built-in model's network sees in pictures, as numbers: for learning and for finding alike photos."""

from collections.abc import Iterator

from tagroll.catalog.database import Database
from tagroll.domain import Features

_KEEP = "INSERT OR REPLACE INTO features (picture_hash, model, vector) VALUES (?, ?, ?)"
_AT_ONCE = 8192
"""Rows that are read together."""


class KeptFeatures:
    """The features that are kept, of each picture those of each model that looked at it.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, picture_hash: str, model: str) -> Features | None:
        """What a model saw in a picture, or None."""
        rows = self._database.read(
            "SELECT vector FROM features WHERE picture_hash = ? AND model = ?", picture_hash, model
        )
        return Features(model, bytes(rows[0][0])) if rows else None

    def of(self, model: str, after: int = 0) -> Iterator[list[tuple[int, str, bytes]]]:
        """Number, picture and vector of all that a model saw, some at a time; those with a number above `after`."""
        return self._database.read_some(
            _AT_ONCE,
            "SELECT id, picture_hash, vector FROM features WHERE id > ? AND model = ? ORDER BY id",
            after,
            model,
        )

    def photos(self, model: str) -> Iterator[tuple[tuple[int, ...], tuple[bytes, ...]]]:
        """The numbers of photos, and what a model saw of each, many at a time; those that are gone are left out."""
        for rows in self._database.read_some(
            _AT_ONCE,
            "SELECT photos.id, vector FROM photos JOIN features USING (picture_hash)"
            " WHERE model = ? AND pictured AND NOT gone ORDER BY features.id",
            model,
        ):
            numbers, vectors = zip(*rows, strict=True)
            yield numbers, vectors

    def keep(self, picture_hash: str, features: Features) -> None:
        """Keep what a model saw in a picture, without waiting for the disk: what is lost in a crash is seen again."""
        values = (picture_hash, features.model, features.vector)
        self._database.queue(lambda c: c.execute(_KEEP, values).close())

    def settled(self) -> None:
        """Wait until what was kept so far can be read."""
        self._database.commit(lambda _: None)

    def forget(self, but: str = "") -> None:
        """Forget all that models saw, but for one of them."""
        self._database.commit(lambda c: c.execute("DELETE FROM features WHERE model != ?", (but,)).rowcount)
