"""Command lines that are told: the one that was typed, and the one that takes a run back."""

import shlex
from collections.abc import Collection

import click

from tagroll.cli.terminal import show
from tagroll.settings import without_password

_URLS = ("--api-url", "--embedding-url")


def typed(*more: object, without: Collection[str] = ()) -> str:
    """The command line as the user typed it, ready for a shell; a key or password is not shown.

    Args:
        more: Added at its end.
        without: Flags that are left out.
    """
    words = ["tagroll"]
    for word in click.get_current_context().find_root().obj or ():
        if words[-1] == "--api-key":
            words.append("KEY")
        elif words[-1] in _URLS:
            words.append(without_password(word, "USER:PASSWORD@"))
        elif word not in without:
            words.append(_public(word))
    return shlex.join(show(word) for word in (*words, *map(str, more)))


def _public(word: str) -> str:
    """A word of the command line, without the secret that an option and its value in one word hold."""
    option, equals, value = word.partition("=")
    if equals and option == "--api-key":
        return "--api-key=KEY"
    return f"{option}={without_password(value, 'USER:PASSWORD@')}" if equals and option in _URLS else word


def undo_command() -> str:
    """What takes the run back: with the run's catalog, unless that is found without being named."""
    ctx = click.get_current_context()
    found = (click.core.ParameterSource.DEFAULT, click.core.ParameterSource.ENVIRONMENT)
    named = ctx.get_parameter_source("catalog") not in found
    return shlex.join(["tagroll", "undo", *(("--catalog", show(ctx.params["catalog"])) if named else ())])
