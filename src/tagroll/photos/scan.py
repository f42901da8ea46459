"""Folders -> photos: lazily, in a stable order, each file once.

Files named as roots come first. In every folder the photos come first, then its sub-folders, both sorted by
name without regard to letter case. Memory does not grow with the number of photos: what is kept is the names
of one folder, the folders met, and the identity of files that can be met twice (hard and symbolic links).
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tagroll.domain import Outcome, Photo, Status
from tagroll.errors import UsageError
from tagroll.formats import (
    HEAD_BYTES,
    PHOTO_SUFFIXES,
    SIDECAR_ENDINGS,
    VIDEO_SUFFIXES,
    Format,
    detect,
    is_sidecar,
    sidecar_stems,
)
from tagroll.photos.left_out import OUTPUT_FOLDER, Excluded, is_foreign

__all__ = ["OUTPUT_FOLDER", "absolute", "count", "leads_out", "scan"]

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""O_NONBLOCK: a named pipe with a photo's name must not block the scan."""

Known = Callable[[str, os.stat_result], Format | None]
"""Path and status of a file -> its format, if that is known of the file as it is now."""

_Identity = tuple[int, int]  # device and inode


def scan(  # noqa: PLR0913 - each keyword is a decision of the user of its own
    roots: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    leave_out: Sequence[Path] = (),
    recursive: bool = True,
    on_unreadable: Callable[[Path, OSError], None],
    on_link_out: Callable[[Path], None] | None = None,
    on_video: Callable[[], None] | None = None,
    newest_first: bool = False,
    known: Known | None = None,
) -> Iterator[Photo | Outcome]:
    """Find photos.

    Candidates are the files with a photo's suffix (in any letter case) and those named as a root; the content
    decides. Left out below the roots: hidden files and folders, folders named "processed", bins and thumbnail
    folders of operating systems and network storage, and other programs' photo libraries. Links to folders
    are followed, each folder is entered once.

    A link may lead out of the roots, to files that nobody meant. A photo whose sidecar is such a link is left out
    with it: what it says cannot be known without following. A file that is named as a root is meant, whatever
    it links to; its sidecar has to stay in its folder.

    Args:
        roots: Files and folders. What is named here is looked at whatever its name.
        exclude: Shell patterns, in any letter case, matched against the name and against the path below its
            root (with "/"; "*" also matches "/"). An excluded folder is not entered.
        leave_out: Folders that are not entered, by whatever path they are met.
        recursive: Whether to enter the folders inside the roots.
        on_unreadable: Called with each folder that cannot be listed; the scan goes on.
        on_link_out: Called with each link that leads out of the roots, which is not followed then. None: all
            links are followed.
        on_video: Called for each video that is passed over.
        known: Tells the formats of files that need not be opened.
        newest_first: Of the folders in a folder, enter that first in which something was made or removed last.

    Returns:
        A lazy iterator over photos, and failed outcomes for candidates that cannot be read or are no photo.

    Raises:
        UsageError: A root does not exist or is neither a file nor a folder. Before the first photo.
    """
    places = [absolute(root) for root in roots]
    for place in places:
        _check_root(place)
    borders = _Borders(places, on_link_out)
    walk = _Walk(exclude, borders, recursive=recursive, on_unreadable=on_unreadable)
    walk.on_video, walk.newest_first, walk.known = on_video, newest_first, known
    for folder in leave_out:
        walk.leave_out(folder)
    return (found for place in sorted(places, key=os.path.isdir) for found in walk.root(place))


def leads_out(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a path leads out of the roots by links, as `scan` sees it."""
    return _Borders(roots, lambda _: None).leads_out(str(path))


def count(roots: Sequence[Path]) -> int:
    """About how many photos `scan` would find: none is opened, none is met twice by its path."""
    places = [absolute(root) for root in roots]
    walk = _Walk((), _Borders(places, None), recursive=True, on_unreadable=lambda *_: None)
    return sum(map(walk.count, places))


def absolute(root: Path) -> Path:
    """The absolute path, symlinks kept, except that ".." has to be resolved to mean what the system means."""
    return root.resolve() if ".." in root.parts else root.absolute()


def _check_root(root: Path) -> None:
    try:
        mode = root.stat().st_mode
    except FileNotFoundError as error:
        raise UsageError(
            f"{root} does not exist", "Check the spelling, or whether the drive is there"
        ) from error
    except OSError as error:
        raise UsageError(f"{root} cannot be read: {error.strerror}", "Check its permissions") from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise UsageError(f"{root} is neither a file nor a folder", "Name photos, or folders with photos")


class _Borders:
    """Tells links that lead out of the roots; without somebody to tell them to, none does."""

    def __init__(self, roots: Sequence[Path], on_link_out: Callable[[Path], None] | None) -> None:
        folders = (
            f for root in roots for f in ([root] if root.is_dir() else [root.parent, root.resolve().parent])
        )
        self._inside = {os.path.realpath(folder) for folder in folders}
        self._on_link_out = on_link_out

    def leads_out(self, link: str) -> bool:
        """Whether a link must not be followed; it is told then."""
        if self._on_link_out is None:
            return False
        target = os.path.realpath(link)
        if any(target == root or target.startswith(os.path.join(root, "")) for root in self._inside):  # noqa: PTH118 - text
            return False
        self._on_link_out(Path(link))
        return True

    def sidecar_leads_out(self, photo: str) -> bool:
        """The same of the sidecars that a photo named as a root, or met by a link, may have where it is."""
        if self._on_link_out is None:
            return False
        place = os.path.realpath(photo)
        beside = (name + end for name in sidecar_stems(place) for end in SIDECAR_ENDINGS)
        return any(os.path.islink(name) and self.leads_out(name) for name in beside)  # noqa: PTH114 - text


def _order(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _changed(folder: str) -> int:
    """When something was made or removed in a folder last; 0 for one that cannot be looked at."""
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - speed
    except OSError:
        return 0


def _has_photo_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in PHOTO_SUFFIXES  # noqa: PTH122 - ten times the speed of a Path


@dataclass(frozen=True, slots=True)
class _Listing:
    """The names in a folder that matter.

    Attributes:
        files: Those with a photo's suffix.
        links: Those of them that are links.
        folders: Folders to enter, and links to some.
        sidecars: Name without ending, in lower case -> path, of sidecars that are links.
    """

    files: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    folders: list[str] = field(default_factory=list)
    sidecars: dict[str, str] = field(default_factory=dict)


class _Walk:
    """One walk over all roots, with what it has to remember to meet every file once."""

    def __init__(
        self,
        exclude: Sequence[str],
        borders: _Borders,
        *,
        recursive: bool,
        on_unreadable: Callable[[Path, OSError], None],
    ) -> None:
        self._excluded = Excluded(exclude)
        self._borders = borders
        self._recursive = recursive
        self._on_unreadable = on_unreadable
        self._entered: set[_Identity] = set()
        self._met: set[_Identity] = set()
        self.on_video: Callable[[], None] | None = None
        self.newest_first = False
        self.known: Known | None = None

    def leave_out(self, folder: Path) -> None:
        """Never enter a folder; one that is not there cannot be entered."""
        with contextlib.suppress(OSError):
            self._entered.add(_identity(folder.stat()))

    def root(self, root: Path) -> Iterator[Photo | Outcome]:
        if root.is_dir():
            yield from self._tree(root)
        else:
            yield from self._file(str(root), by_link=True)

    def _tree(self, root: Path) -> Iterator[Photo | Outcome]:
        """Depth first with a stack of our own: folders may lie deeper than Python recurses."""
        top = str(root)
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                found = self._list(folder, top)
            except OSError as error:
                self._on_unreadable(Path(folder), error)
                continue
            for name in sorted(found.files, key=_order):
                if not found.sidecars or not self._has_sidecar_outside(name, found):
                    yield from self._file(os.path.join(folder, name), by_link=name in found.links)  # noqa: PTH118 - speed
            folders = [os.path.join(folder, name) for name in sorted(found.folders, key=_order, reverse=True)]  # noqa: PTH118 - speed
            waiting += sorted(folders, key=_changed) if self.newest_first else folders

    def count(self, root: Path) -> int:
        """How many files below a root have a photo's suffix."""
        if not root.is_dir():
            return 1
        number, waiting = 0, [str(root)]
        while waiting:
            folder = waiting.pop()
            with contextlib.suppress(OSError):
                found = self._list(folder, str(root))
                number += len(found.files)
                waiting += [os.path.join(folder, name) for name in found.folders]  # noqa: PTH118 - speed
        return number

    def _has_sidecar_outside(self, photo: str, found: _Listing) -> bool:
        links = (found.sidecars.get(name.lower()) for name in sidecar_stems(photo))
        return any(link and self._borders.leads_out(link) for link in links)

    def _list(self, folder: str, top: str) -> _Listing:
        """What matters in a folder.

        Raises:
            OSError: The folder cannot be listed.
        """
        found = _Listing()
        identity = _identity(os.stat(folder))  # noqa: PTH116 - speed
        if identity in self._entered:
            return found
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                is_folder = _is_folder(entry)
                if is_folder:
                    wanted = self._recursive and name != OUTPUT_FOLDER and not is_foreign(name)
                else:
                    wanted = _has_photo_suffix(name)
                    if is_sidecar(name) and entry.is_symlink():
                        found.sidecars[name[:-4].lower()] = entry.path
                hidden = name.startswith(".")  # our own temporary files (.tagroll-*) among them
                if self.on_video and not (is_folder or hidden) and name.lower().endswith(VIDEO_SUFFIXES):
                    self.on_video()
                if hidden or not wanted or self._excluded(name, entry.path[len(top) :].lstrip(os.sep)):
                    continue
                if entry.is_symlink():
                    if self._borders.leads_out(entry.path):
                        continue
                    found.links.add(name)
                (found.folders if is_folder else found.files).append(name)
        if identity[1]:  # some network file systems give no inode numbers
            self._entered.add(identity)
        return found

    def _file(self, path: str, *, by_link: bool) -> Iterator[Photo | Outcome]:
        """Look into one candidate. `by_link`: it may also be met under another path."""
        try:
            kept = self.known(path, os.stat(path)) if self.known else None  # noqa: PTH116 - speed
            head, status = (b"", os.stat(path)) if kept else _read_head(path)  # noqa: PTH116 - speed
        except OSError as error:
            yield _failed(
                path, f"cannot be read: {error.strerror}", "Check the file's permissions and the drive"
            )
            return
        if self._seen(path, status, by_link=by_link):
            return
        if by_link and self._borders.sidecar_leads_out(path):
            return
        suffix = os.path.splitext(path)[1]  # noqa: PTH122 - speed
        found = kept or detect(head, suffix)
        if found is not None:
            yield Photo(Path(path), status.st_size, status.st_mtime_ns, found)
        elif not stat.S_ISREG(status.st_mode):
            yield _failed(path, "is not a file", "Leave it out with --exclude")
        elif not head.strip(b"\0"):
            problem = "starts with zeros only" if head else "is empty"
            yield _failed(
                path, problem, "The copy has probably failed; look for the photo on its card or backup"
            )
        else:
            yield _failed(
                path, "is no photo of a known format", "It may be damaged, or its suffix may be wrong"
            )

    def _seen(self, path: str, status: os.stat_result, *, by_link: bool) -> bool:
        """Whether the file was met before; keeps the identity of those that can be met again.

        A plain file below a root is met once, because its folder is. So a link needs no memory either when
        the folder of its target has been entered: the target is found there under its own name.
        """
        identity = _identity(status)
        if identity in self._met:
            return True
        if by_link:
            target = Path(path).resolve()
            listed = not target.name.startswith(".") and _has_photo_suffix(target.name)
            if listed and _identity(target.parent.stat()) in self._entered:
                return True
        if identity[1] and (by_link or status.st_nlink > 1):
            self._met.add(identity)
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; a link that cannot be followed is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _read_head(path: str) -> tuple[bytes, os.stat_result]:
    """The first bytes of a file (b"" when it is not a regular one) and its status."""
    descriptor = os.open(path, _OPEN_FLAGS)
    try:
        status = os.fstat(descriptor)
        head = os.read(descriptor, HEAD_BYTES) if stat.S_ISREG(status.st_mode) else b""
    finally:
        os.close(descriptor)
    return head, status


def _failed(path: str, problem: str, hint: str) -> Outcome:
    return Outcome(Path(path), Status.FAILED, error=problem, hint=hint)
