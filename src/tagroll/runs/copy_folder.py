"""The folder that copies go to: which names are taken there, and what the JSON files beside copies tell."""

import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tagroll.domain import Photo
from tagroll.errors import WriteError
from tagroll.runs.names import Names, same_name

_JSON_LIMIT = 1 << 20
"""Bytes: a larger JSON file is not one of ours."""


class Output:
    """The folder that copies go to: which names are taken there, and what the JSON files tell. Thread-safe.

    Args:
        root: The folder; absolute.
        source: The folder with the photos, whose tree is mirrored; absolute.
        follow_links: Go also where a link inside the folder leads out of it.
    """

    def __init__(self, root: Path, source: Path, *, follow_links: bool = False) -> None:
        self.root = root
        self._follow_links = follow_links
        self._source = source
        self._lock = threading.Lock()
        # Two folders that differ in case only may be one on the disk: they share their names.
        self._names: defaultdict[str, Names] = defaultdict(Names)
        self._listed: set[Path] = set()
        self._told: dict[Path, Mapping[str, list[tuple[Path, str]]]] = {}

    def folder_for(self, photo: Photo) -> Path:
        """Where the copy of a photo goes.

        Raises:
            WriteError: A link there leads out of the folder for copies.
        """
        folder = self.root / photo.path.parent.relative_to(self._source)
        if not (self._follow_links or folder.resolve().is_relative_to(self.root.resolve())):
            raise WriteError(f"the folder for its copy is a link that leads out: {folder}", "--follow-links")
        return folder

    def take(self, folder: Path, stem: str, suffix: str) -> str:
        """A stem in a folder that nobody else has or gets, whatever the suffix."""
        with self._lock:
            names = self._names[same_name(str(folder))]
            if folder not in self._listed:
                self._listed.add(folder)
                for path in _listing(folder):
                    names.add(path.stem)
            while True:
                free = names.take(stem)
                if not any(os.path.lexists(folder / f"{free}{end}") for end in (suffix, ".json")):
                    return free  # else another program has made it since the folder was listed

    def known_copies(self, folder: Path, source: Path) -> list[tuple[Path, str]]:
        """Copies of a photo and the models behind them, as the JSON files in a folder tell."""
        with self._lock:
            if folder not in self._told:
                found = defaultdict(list)
                for told, copy, model in _read_json_copies(folder):
                    found[told].append((copy, model))
                self._told[folder] = found
            return self._told[folder].get(str(source), [])


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _read_json_copies(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """Source, copy and model in every JSON file of ours; files of others are passed over."""
    for path in _listing(folder):
        if path.suffix != ".json":
            continue
        try:
            fields = json.loads(path.read_bytes()) if path.stat().st_size <= _JSON_LIMIT else None
        except (OSError, ValueError, RecursionError):
            continue  # not ours, or broken: its photo has to be made anew
        keys = ("source", "filename", "model")
        if isinstance(fields, dict) and all(isinstance(fields.get(key), str) for key in keys):
            yield fields["source"], folder / Path(fields["filename"]).name, fields["model"]
