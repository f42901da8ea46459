"""What a walk over the folders of a gallery met, and which of the photos that it missed are really gone."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from tagroll.domain import plural
from tagroll.photos.left_out import Excluded


@dataclass
class Walked:
    """What a walk has met.

    Attributes:
        roots: Where it goes.
        exclude: Patterns of what it leaves out.
        met: The photos.
        unreadable: Folders that cannot be listed.
        videos: How many videos.
        away: Folders that were full and have nothing in them now, as when a drive is not connected, and the number of
            photos that were there.
    """

    roots: Sequence[Path]
    exclude: Sequence[str] = ()
    met: set[bytes] = field(default_factory=set)
    unreadable: list[bytes] = field(default_factory=list)
    videos: int = 0
    away: Counter[Path] = field(default_factory=Counter)

    @cached_property
    def there(self) -> Sequence[Path]:
        """The roots that are there; all, where none is, so that whoever walks says so."""
        return [root for root in self.roots if os.path.exists(root)] or self.roots  # noqa: PTH110 - a drive may fail

    def pass_over(self, folder: Path, _error: OSError) -> None:
        """A folder that cannot be listed: what was in it may be there still."""
        self.unreadable.append(os.fsencode(folder) + b"/")

    def count_video(self) -> None:
        """One more."""
        self.videos += 1

    def gone(self, places: Iterable[tuple[int, bytes]]) -> list[int]:
        """The numbers of those photos that should have been met and were not; in `away`, what may come back.

        Args:
            places: Number and path of each photo that was there before.
        """
        is_excluded, empty, gone = Excluded(self.exclude), lru_cache(self._emptied), []
        for number, raw in places:
            if raw in self.met or raw.startswith(tuple(self.unreadable)):
                continue
            path = Path(os.fsdecode(raw))
            if is_excluded.below(path, self.roots):
                continue
            if folder := empty(path.parent):
                self.away[folder] += 1
            else:
                gone.append(number)
        return gone

    def notes(self) -> list[str]:
        """What a person should know of folders that were full, a sentence each."""
        return [
            f"{folder} is {'empty' if is_folder else 'not there'} now: what was in it ({plural(count, 'photo')}) is shown"
            " as it was seen last. Is its drive connected?"
            + (" If it was moved, remove the folder." if is_folder else "")
            for folder, count in sorted(self.away.items())
            for is_folder in (_is_folder(folder),)
        ]

    def _emptied(self, folder: Path) -> Path | None:
        """The folder at or above one that has nothing in it now, or the root that is not there; None where photos are gone."""
        for place in (folder, *folder.parents):
            if _is_folder(place):
                with os.scandir(place) as entries:
                    return None if any(True for _ in entries) else place
            if place in self.roots:
                return place
        return None


def _is_folder(path: Path) -> bool:
    """Whether there is a folder; where a drive fails there is none."""
    return os.path.isdir(path)  # noqa: PTH112 - Path has errors for it
