"""Formats of photos that are as the index knows them: a walk over these opens none."""

import os
from collections.abc import Mapping
from pathlib import Path

from tagroll.catalog import Catalog
from tagroll.formats import FORMATS, Format
from tagroll.metadata.store import state_of

_FORMATS = {fmt.name: fmt for fmt in FORMATS}


class KnownFormats:
    """Tells the formats of files, asking the index once a folder. For one walk.

    Args:
        catalog: Holds the index.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._folder = ""
        self._rows: Mapping[str, tuple[str, str]] = {}

    def __call__(self, path: str, status: os.stat_result) -> Format | None:
        """The format of a file in this state; None where the index knows it in another state, or not at all."""
        folder = os.path.dirname(path)  # noqa: PTH120 - hot path
        if folder != self._folder:
            self._folder, self._rows = folder, self._catalog.photos.formats_in(Path(folder))
        stamp, name = self._rows.get(path, ("", ""))
        return _FORMATS.get(name) if stamp.partition(" ")[0] == state_of(status) else None
