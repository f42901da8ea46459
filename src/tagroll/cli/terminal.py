"""What goes to the terminal: safe text, messages, errors. stdout is data, stderr is for people."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tagroll.errors import TagrollError
from tagroll.settings import Settings


def show(path: Path | str) -> str:
    """A path or tag for a person to read: bytes that are no text, and control characters, are escaped.

    A file name may hold anything, also sequences that would steer the terminal.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_json(row: dict[str, object]) -> None:
    """One JSON line of data on stdout."""
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """One message on stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the place that prints


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
    say(f"{paint('Error:', '1;31')} {show(error.message)}")
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


def paint(text: str, code: str, stream: IO[str] | None = None) -> str:
    """Colour a text when the stream (stderr) is a terminal and NO_COLOR is not set."""
    stream = stream or sys.stderr
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return f"\x1b[{code}m{text}\x1b[0m"
