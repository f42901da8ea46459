"""Vectors that embedders made of texts."""

from collections.abc import Collection, Mapping

from tagroll.catalog.database import Database

_AT_ONCE = 500
"""Texts in one question; SQLite takes at most 32,766 values."""


class Vectors:
    """Vectors of texts.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, model: str, texts: Collection[str]) -> dict[str, bytes]:
        """What a model made of texts before, as float32 bytes; only for those it has met."""
        found: dict[str, bytes] = {}
        wanted = list(texts)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._database.read(
                f"SELECT text, vector FROM embeddings WHERE model = ? AND text IN ({marks})",  # noqa: S608 - marks only
                model,
                *some,
            )
            found |= {str(text): bytes(vector) for text, vector in rows}
        return found

    def keep(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """Keep what a model made of texts. Returns when it is on disk."""
        values = [(model, text, vector) for text, vector in vectors.items()]
        self._database.commit(
            lambda c: c.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", values).rowcount
        )
