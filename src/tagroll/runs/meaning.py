"""Search by meaning: photos whose tags and captions are about what is asked for, whatever the words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from tagroll.catalog import Catalog
    from tagroll.runs.columns import Columns


class Meaning:
    """Finds photos by meaning.

    Args:
        catalog: Keeps the vectors of texts.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def close(self, words: str, columns: Columns, hits: Collection[int]) -> tuple[int, ...]:
        """The photos that are close to some words in meaning and are no hits, the closest first."""
        del words, columns, hits
        return ()
