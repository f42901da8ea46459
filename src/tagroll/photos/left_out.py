"""Which files and folders no scan looks at, for their names."""

import os
import re
import unicodedata
from collections.abc import Sequence
from fnmatch import translate
from itertools import accumulate
from pathlib import Path

OUTPUT_FOLDER = "processed"
"""Where `tagroll classify` puts its copies; these are not to be tagged again."""

_FOREIGN_FOLDERS = frozenset(
    (
        *("@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@database", "@appdata"),  # Synology
        *("@recycle", "@recently-snapshot", "@transcode", "@__thumb"),  # QNAP
        *("~snapshot", "trashbox"),  # NetApp, Buffalo
        *("files_trashbin", "files_versions"),  # Nextcloud, ownCloud
        *("$recycle.bin", "recycler", "recycled", "system volume information", "found.000"),  # Windows
        *("__macosx", "network trash folder", "temporary items", "ipod photo cache"),  # macOS
        *("lost+found", "iphoto library", "photo booth library"),
    )
)
"""Thumbnails, bins and earlier states that operating systems and network storage keep; in lower case."""
_FOREIGN_PREFIXES = ("@gmt-", "appdata_oc")  # Samba's earlier states, Nextcloud's previews
_LIBRARY_SUFFIXES = (
    *(".photoslibrary", ".photolibrary", ".migratedphotolibrary", ".aplibrary", ".migratedaplibrary"),
    *(".imovielibrary", ".imovieproject", ".tvlibrary", ".musiclibrary", ".fcpbundle", ".theater"),
    *(".lrdata", ".lrlibrary", ".lrcat-data", ".cocatalog"),
)
"""Folders that are another program's database: it breaks when its files change behind its back."""


def is_foreign(folder_name: str) -> bool:
    """Whether a folder is one of those that systems and other programs keep."""
    lower = folder_name.lower()
    return (
        lower in _FOREIGN_FOLDERS or lower.endswith(_LIBRARY_SUFFIXES) or lower.startswith(_FOREIGN_PREFIXES)
    )


def is_passed_over(path: Path, roots: Sequence[Path]) -> bool:
    """Whether `scan` leaves a file or folder out for its name or that of a folder between it and its root."""
    below = (path.relative_to(root).parts for root in roots if path.is_relative_to(root))
    return all(
        any(name.startswith(".") or name == OUTPUT_FOLDER or is_foreign(name) for name in names)
        for names in below
    )


class Excluded:
    """Answers whether a name or a path below a root matches one of the user's patterns."""

    def __init__(self, patterns: Sequence[str]) -> None:
        joined = "|".join(translate(_comparable(pattern.rstrip("/"))) for pattern in patterns)
        self._matches = re.compile(joined).match if patterns else None

    def __call__(self, name: str, below_root: str) -> bool:
        """Whether a file or folder of this name, at this place below its root, is left out."""
        if self._matches is None:
            return False
        path = below_root.replace(os.sep, "/")
        return bool(self._matches(_comparable(name)) or self._matches(_comparable(path)))

    def below(self, path: Path, roots: Sequence[Path]) -> bool:
        """Whether a file, or a folder between it and its root, is left out; without roots all folders count."""
        if self._matches is None:
            return False
        places = [
            path.relative_to(root).parts for root in roots or [Path(path.anchor)] if path.is_relative_to(root)
        ]
        return all(any(map(self, parts, accumulate(parts, os.path.join))) for parts in places)


def _comparable(text: str) -> str:
    """Letter case and composition aside: file systems on macOS decompose what the user typed composed."""
    return unicodedata.normalize("NFC", text.casefold())
