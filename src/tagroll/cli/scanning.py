"""Photos below the paths of a command line, with what the user should hear about the walk."""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tagroll.cli.terminal import say, show, tell
from tagroll.domain import Outcome, Photo
from tagroll.errors import UsageError
from tagroll.settings import WHERE_SAFE, Mtime, Placing, Settings

if TYPE_CHECKING:
    from tagroll.runs.run import Known, Workspace

Found = TypeVar("Found", bound=Photo | Outcome)


@contextmanager
def opened(
    settings: Settings, *, placing: Placing = WHERE_SAFE, mtime: Mtime = "nudge"
) -> Iterator["Workspace"]:
    """What a command works with, open (see Workspace); in the end it is said what the disks could not do."""
    from tagroll.runs.run import Workspace

    with Workspace.open(settings, placing=placing, mtime=mtime) as space:
        try:
            yield space
        finally:
            tell(settings, *space.store.notes)


def must_be_writable(paths: Sequence[Path]) -> None:
    """Say that nothing can be written, before a model is asked about every photo for nothing.

    Raises:
        UsageError: All paths are on disks that are mounted read-only.
    """
    if sys.platform != "win32" and all(os.statvfs(path).f_flag & os.ST_RDONLY for path in paths):
        raise UsageError(
            f"{paths[0]} is on a disk that is mounted read-only: no tag can be written",
            "Mount it writable (a container's folder without :ro), or only look: --dry-run, or --review and judge later",
        )


def report_skipped(path: Path, error: OSError) -> None:
    """Say that a folder could not be read."""
    say(f"skipped folder {show(path)}: {error.strerror}", mark="!")


def ignore_error(path: Path, error: OSError) -> None:
    """Say nothing about it: another walk does."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the paths on a command line is walked.

    Attributes:
        settings: How much is told.
        exclude: Patterns of what is left out.
        follow_links: Follow links that lead out of the paths, too.
        known: Tells the formats of files that need not be opened.
    """

    settings: Settings
    exclude: Sequence[str] = ()
    follow_links: bool = False
    known: "Known | None" = None


def scanned(
    paths: Sequence[Path],
    scope: Scope,
    on_unreadable: Callable[[Path, OSError], None] = report_skipped,
    *,
    recursive: bool = True,
    leave_out: Sequence[Path] = (),
) -> Iterator[Photo | Outcome]:
    """Walk the paths; folders that cannot be read, and links that lead out, are passed over, and told."""
    from tagroll.runs.run import scan

    out = set[Path]()
    found = scan(
        paths, exclude=scope.exclude, leave_out=leave_out, recursive=recursive, on_unreadable=on_unreadable, known=scope.known,
        on_link_out=None if scope.follow_links else out.add,
    )  # fmt: skip
    return found if on_unreadable is ignore_error else _telling(found, out, scope.settings)


def _telling(
    found: Iterator[Photo | Outcome], out: Collection[Path], settings: Settings
) -> Iterator[Photo | Outcome]:
    """Pass on what is found, and say at the end how many links were not followed."""
    try:
        yield from found
    finally:
        if out:
            links = "1 link leads" if len(out) == 1 else f"{len(out):,} links lead"
            tell(settings, f"{links} out of the folder: skipped; --follow-links follows them")
            tell(settings, *(f"  {show(link)}" for link in sorted(out) if settings.verbose))


def noted(found: Iterable[Found], space: "Workspace", settings: Settings) -> Iterator[Found]:
    """Pass on what is to be written; say once what becomes of photos that exiftool would write, if it is missing."""
    told = False
    for item in found:
        if not told and isinstance(item, Photo) and (notes := space.sidecar_notes([item])):
            told = True
            tell(settings, *notes)
        yield item
