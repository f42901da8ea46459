"""`--then COMMAND`: what is run at the end of a long run, to tell a person or to go on."""

import functools
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.progress import TALLY
from tagroll.cli.terminal import say, show
from tagroll.domain import Status
from tagroll.errors import TagrollError

if TYPE_CHECKING:
    from tagroll.runs.tally import Tally

_INTERRUPTED = 130


def then_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --then. Its failure is told, and changes nothing of how the run ended."""

    @functools.wraps(function)
    def wrapper(*, then: tuple[str, ...], **values: Any) -> Any:
        code = 0
        try:
            return function(**values)
        except BaseException as error:
            code = _exit_code(error)
            raise
        finally:
            tally = click.get_current_context().meta.get(TALLY)
            if then and tally and code != _INTERRUPTED:  # whoever presses Ctrl-C is there
                _run(then, _counts(tally, code))

    return click.option(
        "--then", metavar="COMMAND", callback=_words,
        help="Run this at the end, however the run ends but by Ctrl-C; $TAGROLL_TAGGED, $TAGROLL_FAILED ... are the counts.",
    )(wrapper)  # fmt: skip


def _words(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The command's words, as a shell would read them; no shell runs it.

    Raises:
        BadParameter: They are no command: better told now than after hours.
    """
    try:
        words = shlex.split(value or "", posix=sys.platform != "win32")  # there "\" stands in paths
    except ValueError as error:
        raise click.BadParameter(f"a quotation mark is missing ({error})") from error
    if sys.platform == "win32":
        words = [word.strip('"') for word in words]
    if not words:
        if value is None:
            return ()
        raise click.BadParameter("there is no command in it")
    program = shutil.which(str(Path(words[0]).expanduser()))
    if program is None:
        raise click.BadParameter(f"there is no program {words[0]!r}")
    return (program, *words[1:])


def _exit_code(error: BaseException) -> int:
    """How the run ends."""
    match error:
        case (
            SystemExit(code=int() as code)
            | TagrollError(exit_code=code)
            | click.exceptions.Exit(exit_code=code)
        ):
            return code
        case KeyboardInterrupt():
            return _INTERRUPTED
        case _:
            return 1


def _counts(tally: "Tally", code: int) -> dict[str, str]:
    counts = {f"TAGROLL_{status.name}": tally.counts[status] for status in Status}
    counts |= {"TAGROLL_TOTAL": tally.total, "TAGROLL_EXIT_CODE": code}
    name = click.get_current_context().command.name or ""
    return {"TAGROLL_COMMAND": name} | {key: str(number) for key, number in counts.items()}


def _run(words: Sequence[str], counts: dict[str, str]) -> None:
    """Run it; what it prints goes to stderr, since stdout is data."""
    filled = [Template(word).safe_substitute(counts) for word in words]
    try:
        code = subprocess.run(filled, env=os.environ | counts, stdout=2, check=False).returncode  # noqa: S603 - the user's own
    except OSError as error:
        say(f"--then: {show(words[0])} cannot be run: {error.strerror}", mark="✗")
        return
    if code:
        say(f"--then: {show(words[0])} ended with exit code {code}", mark="✗")
