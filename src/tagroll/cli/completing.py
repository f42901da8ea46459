"""What the Tab key offers that click does not know: tags, and the actions of a command."""

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from tagroll.errors import TagrollError
from tagroll.settings import Settings, default_catalog

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def tags(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Tags that the catalog knows and that begin so in any letter case, the most frequent first."""
    from click.shell_completion import CompletionItem

    from tagroll.runs.history import History

    try:
        with History.open(Settings(catalog=ctx.params.get("catalog") or default_catalog())) as history:
            counts = history.words() if history else {}
    except TagrollError:  # there is no place to say it, and the command itself will
        return []
    begun = incomplete.casefold()
    found = sorted(counts, key=lambda tag: (-counts[tag], tag))
    return [CompletionItem(_typed(tag)) for tag in found if tag.casefold().startswith(begun)]


def tag_then_paths(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """A tag first, then files."""
    begun = bool(ctx.params.get(parameter.name or ""))
    return [_files(incomplete)] if begun else tags(ctx, parameter, incomplete)


def actions_or_paths(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """The actions of the command, as long as nothing else was named, and files."""
    begun = bool(ctx.params.get(parameter.name or ""))
    actions: Mapping[str, click.Command] = {} if begun else getattr(ctx.command, "actions", {})
    return [*matching(actions, incomplete), _files(incomplete)]


def matching(actions: Mapping[str, click.Command], incomplete: str) -> "list[CompletionItem]":
    """Those that begin so, with what they do."""
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(name, help=action.get_short_help_str())
        for name, action in actions.items()
        if name.startswith(incomplete)
    ]


def _files(incomplete: str) -> "CompletionItem":
    """The shell itself completes files."""
    from click.shell_completion import CompletionItem

    return CompletionItem(incomplete, type="file")


def _typed(tag: str) -> str:
    """A tag as it stands in the command line: bash puts down what it gets, other shells quote it themselves."""
    is_bash = os.environ.get("_TAGROLL_COMPLETE") == "bash_complete"
    return re.sub(r"([^\w./+@%:,-])", r"\\\1", tag) if is_bash else tag
