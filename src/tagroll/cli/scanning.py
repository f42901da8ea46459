"""Photos below the paths of a command line, with what the user should hear about the walk."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tagroll.cli.terminal import paint, say, show
from tagroll.domain import Outcome, Photo


def scanned(
    paths: Sequence[Path],
    exclude: Sequence[str],
    *,
    quiet: bool = False,
    recursive: bool = True,
    leave_out: Sequence[Path] = (),
) -> Iterator[Photo | Outcome]:
    """Walk the paths; say which folders could not be read (unless quiet) and pass over them."""
    from tagroll.scan import scan

    def on_unreadable(path: Path, error: OSError) -> None:
        if not quiet:
            say(f"{paint('!', '33')} passed over {show(path)}: {error.strerror}")

    return scan(paths, exclude=exclude, leave_out=leave_out, recursive=recursive, on_unreadable=on_unreadable)
