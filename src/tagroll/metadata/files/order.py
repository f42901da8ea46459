"""Later modification times by which the files of one folder stay in their order.

A written photo gets a time two seconds later, so that backups and galleries notice; where that would reach a file that
was later than it, as in a burst, it goes half the way there. Files of the very same time have no order among each other:
when one after the other is written, they get the same new time again.
"""

import os
import stat
import threading
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NUDGE_NS = 2_000_000_000
"""FAT counts in steps of two seconds, and rsync compares whole ones; less would not be seen by all."""

Later = Callable[[Path, int], int]
"""A file that is about to be replaced, and its modification time -> the time it gets; both in nanoseconds."""

_MOST_FOLDERS = 8  # photos come folder by folder


def two_seconds_later(_file: Path, time_ns: int) -> int:
    """The time that a file gets where no other one is looked at."""
    return time_ns + NUDGE_NS


@dataclass(frozen=True, slots=True)
class _Folder:
    """When the files of a folder were last changed as it was first looked at.

    Attributes:
        first: The time of each.
        names: Those of each time.
        times: All times, in order.
    """

    first: Mapping[str, int]
    names: Mapping[int, Sequence[str]]
    times: Sequence[int]

    @classmethod
    def of(cls, first: Mapping[str, int]) -> "_Folder":
        names: dict[int, list[str]] = defaultdict(list)
        for name, time_ns in first.items():
            names[time_ns].append(name)
        return cls(first, names, sorted(names))

    def after(self, name: str, now_ns: int) -> Sequence[str]:
        """The files that were the next later ones than a file, which now has this time."""
        at = bisect_right(self.times, min(self.first.get(name, now_ns), now_ns))
        return self.names[self.times[at]] if at < len(self.times) else ()


class Order:
    """The order of files by time, in the folders in which photos are written. Safe to use from several threads.

    A folder is listed once; after that a written file costs one look at the next later one.
    """

    def __init__(self) -> None:
        self._folders: OrderedDict[str, _Folder] = OrderedDict()
        self._lock = threading.Lock()

    def later(self, file: Path, time_ns: int) -> int:
        """See `Later`. The time stays as it is where the next file is but a nanosecond later."""
        folder, name = os.path.split(file)
        if not _counts(name):
            return two_seconds_later(file, time_ns)
        after = self._folder(folder, name).after(name, time_ns)
        times = (now_ns for other in after for now_ns in _time(folder, other) if now_ns > time_ns)
        next_ns = min(times, default=time_ns + 2 * NUDGE_NS)
        room = next_ns - time_ns
        return time_ns + (NUDGE_NS if room > NUDGE_NS else room // 2)

    def _folder(self, folder: str, name: str) -> _Folder:
        with self._lock:
            known = self._folders.pop(folder, None)
            if known is None or name not in known.first:
                known = _Folder.of(_listed(folder) | dict(known.first if known else {}))
            self._folders[folder] = known
            if len(self._folders) > _MOST_FOLDERS:
                self._folders.popitem(last=False)
            return known


def _counts(name: str) -> bool:
    """Whether a file has a place in the order: videos have, sidecars and hidden files have none."""
    return not name.startswith(".") and not name.lower().endswith(".xmp")


def _listed(folder: str) -> dict[str, int]:
    """The times of the files in a folder; none where it cannot be listed."""
    found = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _counts(entry.name):
                with suppress(OSError):  # it has just gone
                    state = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(state.st_mode):
                        found[entry.name] = state.st_mtime_ns
    return found


def _time(folder: str, name: str) -> tuple[int, ...]:
    """The time of a file now, if it is still there."""
    try:
        return (os.lstat(os.path.join(folder, name)).st_mtime_ns,)  # noqa: PTH118 - once a photo
    except OSError:
        return ()
