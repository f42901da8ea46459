"""The options that say what of a photo a model is told besides its picture."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.options import TOLD
from tagroll.errors import UsageError

if TYPE_CHECKING:
    from tagroll.runs.context import Telling

_ALL, _NONE = "all", "none"


def context_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that tell a model what is known of photos; the command gets them as `telling`."""

    @functools.wraps(function)
    def wrapper(*, context: str, no_people: bool, hint: str, **values: Any) -> Any:
        return function(telling=_telling(context, hint, people=not no_people), **values)

    kinds = click.option(
        "--context", metavar="KINDS", envvar="TAGROLL_CONTEXT", default="place,date,folder,keywords", show_default=True,
        help="Tell the model what is known of a photo: place, date, folder, people, keywords; all; none.",
    )  # fmt: skip
    people = click.option(
        "--no-people", is_flag=True, envvar="TAGROLL_NO_PEOPLE",
        help="Do not tell it, for titles and descriptions, whom other programs have named in a photo.",
    )  # fmt: skip
    hint = click.option(
        "--hint", metavar="TEXT", envvar="TAGROLL_HINT", default="",
        help="Tell it something about all photos; [hints] in the settings file does so by folder.",
    )  # fmt: skip
    return kinds(people(hint(wrapper)))


def _telling(context: str, hint: str, *, people: bool) -> "Telling":
    """What is told, as the user wants it.

    Raises:
        UsageError: The list has a word that is no kind.
    """
    from tagroll.runs.context import KINDS, Telling

    ctx = click.get_current_context()
    named = {word.strip().casefold() for word in context.split(",") if word.strip()}
    if unknown := named - {*KINDS, _ALL, _NONE}:
        raise UsageError(
            f"--context does not know {', '.join(sorted(unknown))}",
            f"It knows {', '.join(KINDS)}, all and none",
        )
    if _NONE in named and len(named) > 1:
        raise UsageError("--context none goes alone", "Leave out none, or the rest")
    typed = ctx.get_parameter_source("context") not in (None, click.core.ParameterSource.DEFAULT)
    wanted = {kind for kind in KINDS if kind in named or _ALL in named or (kind == "people" and not typed)}
    kinds = frozenset(wanted if people else wanted - {"people"})
    hints = tuple((str(Path(folder).expanduser()), text) for folder, text in ctx.meta.get(TOLD, {}).items())
    return Telling(kinds, hint, hints, is_wanted=typed, is_held=_NONE not in named)
