"""What goes to the terminal: safe text, messages, errors. stdout is data, stderr is for people.

File names, tags and what a server calls its models may hold anything, also sequences that steer a terminal, line
breaks that forge a message, and signs that turn the direction of writing. So every text passes through `show` on
its way, here and nowhere else: `print_line` and `say` print no text of anybody as it is.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tagroll.errors import TagrollError
from tagroll.settings import Settings

JOINERS = "\u200c\u200d"
"""Between letters and in emoji they belong to the word, and do nothing else."""
COLOURS = {"✓": "32", "✗": "31", "!": "33", "Error:": "1;31"}
"""Marks that a line may begin with, and how a terminal shows them."""


def show(path: Path | str) -> str:
    """A text on one line as it can be printed: bytes that are no text, and what does not print, are escaped.

    What was shown once stays as it is when it is shown again.
    """
    return "".join(c if c.isprintable() or c in JOINERS else _escaped(c) for c in os.fspath(path))


def _escaped(sign: str) -> str:
    if "\udc80" <= sign <= "\udcff":  # a byte of a file name that is no text, as Python keeps it
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode()


class SafeFormatter(logging.Formatter):
    """Formats what the log has to say, also errors that quote what they met."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """One line."""
        return show(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The lines of a traceback."""
        return "\n".join(map(show, super().formatException(ei).splitlines()))


def print_json(row: dict[str, object]) -> None:
    """One JSON line of data on stdout."""
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def print_line(text: str, *, mark: str = "") -> None:
    """One line of data for a person on stdout.

    Args:
        text: In anybody's words.
        mark: Goes in front, as it is; perhaps one of COLOURS, with blanks before it.
    """
    sys.stdout.write(f"{_marked(mark, sys.stdout)}{show(text)}\n")


def say(text: str, *, mark: str = "") -> None:
    """One line on stderr; see `print_line`."""
    print(f"{_marked(mark, sys.stderr)}{show(text)}", file=sys.stderr, flush=True)  # noqa: T201 - this is the place that prints


def tell(settings: Settings, *texts: str) -> None:
    """Messages on stderr, unless the user asked for quiet."""
    for text in texts if not settings.quiet else ():
        say(text)


def error_row(message: str, hint: str, exit_code: int) -> dict[str, object]:
    """What ended a run, as JSON."""
    return {"type": "error", "error": message, "hint": hint, "exit_code": exit_code}


def complain(error: TagrollError, *, as_json: bool = False) -> None:
    """Say what went wrong and what can be done about it."""
    if as_json:
        print_json(error_row(error.message, error.hint, error.exit_code))
    say(error.message, mark="Error:")
    if error.hint:
        say(f"  {error.hint}")


@contextmanager
def single_keys() -> Iterator[Callable[[], str]]:
    """Read keys without Enter: gives a function that waits for the next one.

    The terminal is in this mode before a question is shown, so that an answer that comes at once is not lost.
    Ctrl-C and Ctrl-D come as KeyboardInterrupt.
    """
    if sys.platform == "win32":
        import click

        yield click.getchar
        return
    import termios

    terminal = sys.stdin.fileno()
    before, mode = termios.tcgetattr(terminal), termios.tcgetattr(terminal)
    mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
    mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0

    def key() -> str:
        pressed = os.read(terminal, 1).decode("ascii", "replace")
        if pressed in ("", "\x03", "\x04"):
            raise KeyboardInterrupt
        return pressed

    termios.tcsetattr(terminal, termios.TCSADRAIN, mode)
    try:
        yield key
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _marked(mark: str, stream: IO[str]) -> str:
    """A mark, coloured when the stream is a terminal and NO_COLOR is not set."""
    sign = mark.strip()
    if sign not in COLOURS or os.environ.get("NO_COLOR") or not stream.isatty():
        return mark and f"{mark} "
    return f"{mark.removesuffix(sign)}\x1b[{COLOURS[sign]}m{sign}\x1b[0m "
