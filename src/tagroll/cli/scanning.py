"""Photos below the paths of a command line, with what the user should hear about the walk."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tagroll.cli.terminal import say, show, tell
from tagroll.domain import Outcome, Photo
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.run import Workspace

Found = TypeVar("Found", bound=Photo | Outcome)


def passed_over(path: Path, error: OSError) -> None:
    """Say that a folder could not be read."""
    say(f"passed over {show(path)}: {error.strerror}", mark="!")


def unheard(path: Path, error: OSError) -> None:
    """Say nothing about it: another walk does."""


def scanned(
    paths: Sequence[Path],
    exclude: Sequence[str],
    on_unreadable: Callable[[Path, OSError], None] = passed_over,
    *,
    recursive: bool = True,
    leave_out: Sequence[Path] = (),
) -> Iterator[Photo | Outcome]:
    """Walk the paths; folders that cannot be read are passed over, and told."""
    from tagroll.runs.run import scan

    return scan(paths, exclude=exclude, leave_out=leave_out, recursive=recursive, on_unreadable=on_unreadable)


def noted(found: Iterable[Found], space: "Workspace", settings: Settings) -> Iterator[Found]:
    """Pass on what is to be written; say once what becomes of photos that exiftool would write, if it is missing."""
    told = not space.lacks_exiftool
    for item in found:
        if not told and isinstance(item, Photo) and (notes := space.sidecar_notes([item])):
            told = True
            tell(settings, *notes)
        yield item
