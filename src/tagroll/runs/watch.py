"""Photos that come into folders, or change there, while nobody is at the computer: which are to be looked at, and when.

`batches` gives everything first: what came while nobody watched is found by the scan. Then it gives what comes, once it is
complete: a file that still grows, or that another program has locked, is waited for. What tagroll itself has written is as
the catalog says, and does not come back.
"""

import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tagroll.domain import Outcome, Photo
from tagroll.errors import MetadataError, UsageError
from tagroll.formats import PHOTO_SUFFIXES
from tagroll.metadata.store import is_locked
from tagroll.photos.left_out import Excluded, is_passed_over
from tagroll.photos.scan import leads_out, scan
from tagroll.runs.run import Workspace
from tagroll.runs.watching import Watching
from tagroll.settings import Settings

QUIET: Final = 2.0
"""Seconds for which size and time of a file stay as they are before it counts as complete."""
TICK: Final = 0.5
AGAIN: Final = 30.0
"""Seconds after which it is tried again with a server, or a catalog, that was not to be had."""
POLL: Final = 60.0
"""Seconds between two looks at folders of which the system does not tell changes."""
_DAY = dt.timedelta(days=1)
_TELLS_OWN_ONLY = (
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "9p", "vboxsf", "prl_fs", "vmhgfs", "drvfs"),
    *("fuse.sshfs", "fuse.rclone", "fuse.davfs2", "fuse.vmhgfs-fuse", "fuse.mergerfs"),
)
"""File systems on which others write, too, and of that the system hears nothing."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A time of day in which photos are looked at: from one minute to another, over midnight if need be.

    Attributes:
        begin: Its first minute.
        end: The minute in which it is over.
    """

    begin: dt.time
    end: dt.time

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Of "22:00-06:00".

        Raises:
            UsageError: It is no such thing.
        """
        try:
            begin, end = (dt.datetime.strptime(part.strip(), "%H:%M").time() for part in text.split("-"))  # noqa: DTZ007 - here
        except ValueError as error:
            raise UsageError(f"{text} is no time of day", "Write it as 22:00-06:00") from error
        return cls(begin, end)

    def left(self, now: dt.datetime) -> float:
        """Seconds for which it lasts from now on; 0 where it has not begun."""
        moment = now.time()
        is_in = (
            self.begin <= moment < self.end
            if self.begin < self.end
            else moment >= self.begin or moment < self.end
        )
        return (_next(self.end, now) - now).total_seconds() if is_in else 0

    def until(self, now: dt.datetime) -> float:
        """Seconds until it begins; 0 where it has begun."""
        return 0 if self.left(now) else (_next(self.begin, now) - now).total_seconds()


def _next(moment: dt.time, now: dt.datetime) -> dt.datetime:
    today = now.replace(hour=moment.hour, minute=moment.minute, second=moment.second, microsecond=0)
    return today if today > now else today + _DAY


class Watch:
    """What is to be looked at, and when.

    Args:
        roots: Folders, absolute.
        stop: Ends it.
        exclude: Patterns of what is left out.
        follow_links: Links that lead out of the roots are followed.
        hours: Only then; None: always.
        poll: Seconds between two looks at all files, where somebody wants them; None: where the system tells nothing.
        tell: Called with what a person should know.
    """

    def __init__(  # noqa: PLR0913 - each a decision of the user of its own
        self,
        roots: Sequence[Path],
        stop: threading.Event,
        *,
        exclude: Sequence[str] = (),
        follow_links: bool = False,
        hours: Hours | None = None,
        poll: float | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._roots, self._stop, self._hours, self._tell = roots, stop, hours, tell
        self._exclude, self._excluded, self._follow_links = exclude, Excluded(exclude), follow_links
        self._waiting: dict[Path, tuple[tuple[int, int] | None, float]] = {}
        self._changing = threading.Lock()
        self._poll = poll or (POLL if any(map(_tells_own_only, roots)) else None)
        self._polling: threading.Thread | None = None
        self._everything = True

    def batches(self) -> Iterator[list[Path] | None]:
        """What is to be looked at next, as it comes; None for everything below the roots: at first, and once a day."""
        watching = Watching(self._roots, self.heard, self._deaf)
        if self._poll:
            self._deaf("")
        watching.start()
        try:
            yield from self._batches()
        finally:
            self._stop.set()
            watching.close()
            if self._polling:
                self._polling.join()

    def _batches(self) -> Iterator[list[Path] | None]:
        day = _now().date()
        while not self._stop.is_set():
            now = _now()
            if self._hours and (closed := self._hours.until(now)):
                self._stop.wait(min(closed, 60))
            elif self._everything or now.date() != day:
                day, self._everything = now.date(), False
                yield None
            elif batch := self._complete():
                yield batch
            else:
                self._stop.wait(TICK)

    def again(self, batch: Sequence[Path] | None, seconds: float = AGAIN) -> None:
        """Give a batch once more, later: what it takes was not to be had."""
        if batch is None:
            self._everything = True
        else:
            self.heard(batch)
        self._stop.wait(seconds)

    def found(
        self, space: Workspace, batch: Sequence[Path] | None, on_unreadable: Callable[[Path, OSError], None]
    ) -> Iterator[Photo | Outcome]:
        """The photos of a batch; what has gone since is passed over, and what a person took back and nobody changed since."""
        link_out = None if self._follow_links else _ignore_link
        for paths in [self._roots] if batch is None else [[path] for path in batch]:
            with suppress(UsageError):
                found = scan(paths, exclude=self._exclude, on_unreadable=on_unreadable, on_link_out=link_out)
                yield from (
                    one for one in found if not (isinstance(one, Photo) and _is_taken_back(one, space))
                )

    @staticmethod
    def settings(space: Workspace) -> Settings:
        """A server that was there the last time is waited for; the built-in model does not take its place."""
        settings = space.settings
        was_there = (
            settings.backend == "auto" and settings.model_file is None and space.asked_server_before(settings)
        )
        return replace(settings, backend="server") if was_there else settings

    @contextmanager
    def while_open(self, space: Workspace) -> Iterator[None]:
        """For as long as this lasts, what works in the workspace is halted when the watch, or its hours, end."""
        over = threading.Event()

        def end() -> None:
            while not over.wait(TICK):
                if self._stop.is_set() or self._is_closed():
                    space.halt()
                    return

        ender = threading.Thread(target=end, name="tagroll-hours", daemon=True)
        ender.start()
        try:
            yield
        finally:
            over.set()
            ender.join()

    def _is_closed(self) -> bool:
        return self._hours is not None and self._hours.until(_now()) > 0

    def heard(self, changed: Iterable[Path]) -> None:
        """Something has come or changed: photos, and folders with all that is in them."""
        found = [
            photo
            for path in changed
            for photo in (_photos_below(path) if os.path.isdir(path) else [path])  # noqa: PTH112 - no errors
        ]
        wanted = [photo for photo in found if self._is_wanted(photo)]
        with self._changing:
            for photo in wanted:
                self._waiting.setdefault(photo, (None, 0))

    def _is_wanted(self, path: Path) -> bool:
        return (
            path.suffix.lower() in PHOTO_SUFFIXES
            and not is_passed_over(path, self._roots)
            and not self._excluded.below(path, self._roots)
            and (self._follow_links or not leads_out(path, self._roots))
        )

    def _complete(self) -> list[Path]:
        """Those that wait no longer."""
        with self._changing:
            waiting = list(self._waiting)
        complete = [path for path in waiting if self._is_complete(path)]
        with self._changing:
            for path in complete:
                del self._waiting[path]
        return sorted(complete)

    def _is_complete(self, path: Path) -> bool:
        before, since = self._waiting[path]
        try:
            state = path.stat()
        except OSError:  # it was a temporary name, or is gone again
            with self._changing:
                del self._waiting[path]
            return False
        now = state.st_size, state.st_mtime_ns
        if now != before:
            with self._changing:
                self._waiting[path] = now, time.monotonic()
            return False
        return time.monotonic() - since >= QUIET and not is_locked(path)

    def _deaf(self, reason: str) -> None:
        """The system does not tell of changes: look for them."""
        if self._polling:
            return
        self._poll = self._poll or POLL
        why = f" ({reason})" if reason else ""
        self._tell(
            f"The system does not tell of all changes in these folders{why}: they are looked at every {self._poll:.0f} s"
        )
        self._polling = threading.Thread(target=self._look, name="tagroll-poll", daemon=True)
        self._polling.start()

    def _look(self) -> None:
        known = self._states()
        while not self._stop.wait(self._poll):
            now = self._states()
            self.heard([path for path, state in now.items() if known.get(path) != state])
            known = now

    def _states(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for path in (photo for root in self._roots for photo in _photos_below(root)):
            with suppress(OSError):
                state = path.stat()
                found[path] = state.st_size, state.st_mtime_ns
        return found


def _now() -> dt.datetime:
    return dt.datetime.now().astimezone()


def _is_taken_back(photo: Photo, space: Workspace) -> bool:
    put_back = space.catalog.journal.put_back(photo.path)
    with suppress(MetadataError):  # who tags it will say so
        return put_back is not None and space.store.file_hash(*put_back) == put_back[1]
    return False


def _ignore_link(_link: Path) -> None:
    """A link that leads out of the folders is not followed."""


def _photos_below(folder: Path) -> Iterator[Path]:
    for here, _, names in os.walk(folder):
        yield from (Path(here, name) for name in names if Path(name).suffix.lower() in PHOTO_SUFFIXES)


def _tells_own_only(root: Path) -> bool:
    """Whether a folder lies on a disk on which others write, too, of which the system hears nothing (Linux tells)."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:  # noqa: PTH123
            rows = [line.split() for line in mounts]
    except OSError:
        return False
    place = Path(os.path.realpath(root))
    kinds = {row[4].encode().decode("unicode_escape"): row[row.index("-") + 1] for row in rows}
    nearest = next((str(path) for path in (place, *place.parents) if str(path) in kinds), "")
    return kinds.get(nearest, "") in _TELLS_OWN_ONLY
