"""`tagroll model get|list|remove`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import click

from tagroll.cli.grouped import Actions, GroupedCommand
from tagroll.cli.options import shared_options
from tagroll.cli.terminal import print_json, print_line, say, tell
from tagroll.errors import UsageError
from tagroll.settings import Settings

WHICH = click.argument("which", metavar="large|text", type=click.Choice(["large", "text"]))


@click.command("get", cls=GroupedCommand)
@WHICH
@click.option("--yes", is_flag=True, help="Fetch it without a question.")
@click.option("--from", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Take it from this file, which was fetched elsewhere; nothing is asked of the network.")  # fmt: skip
@shared_options(model=False, catalog=False)
def get(settings: Settings, which: str, file: Path | None, *, yes: bool) -> None:
    """Fetch a model: one file, named with its licence, size and SHA-256 before it is fetched.

    `large` (78 MB) looks at photos where the small built-in model did, better and three times as slowly; `--model builtin` still
    means the small one. `text` (15 MB) reads text in photos, for `tagroll tag --text`. pip loads the file, from the index
    that it is configured for; nothing is installed, and no code in the file is run.
    """
    from tagroll.runs.fetched import get as fetch
    from tagroll.runs.fetched import offer

    for line in offer(which) if not file else ():
        tell(settings, line)
    if not (yes or file) and not _agreed():
        sys.exit(1)
    model = fetch(which, file, quiet=settings.quiet or settings.json)
    if settings.json:
        print_json({"type": "model", "name": which, "path": str(model.path), "kept": True})
    tell(settings, f"{which} is ready: {model.path}", f"Take it away again: tagroll model remove {which}")


def _agreed() -> bool:
    """Whether a person says yes.

    Raises:
        UsageError: Nobody is there to ask.
    """
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to agree to it", "Give --yes, or --from FILE")
    say("Fetch it? [y/N]")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


@click.command("list", cls=GroupedCommand)
@shared_options(model=False, catalog=False)
def list_models(settings: Settings) -> None:
    """List the models that can be fetched, and where they are if they were."""
    from tagroll.runs.fetched import known

    for model in known():
        if settings.json:
            print_json({"type": "model", "name": model.name, "path": str(model.path), "kept": model.is_kept})
        else:
            where = str(model.path) if model.is_kept else f"not here: {model.command}"
            print_line(f"{model.name}: {model.about} ({model.licence}), {model.size / 1e6:.0f} MB; {where}")


@click.command("remove", cls=GroupedCommand)
@WHICH
@shared_options(model=False, catalog=False)
def remove(settings: Settings, which: str) -> None:
    """Remove a fetched model from this machine. What it said of photos stays known."""
    from tagroll.runs.fetched import remove as take_away

    freed = take_away(which)
    if settings.json:
        print_json({"type": "removed", "name": which, "bytes": freed})
    tell(
        settings,
        f"Removed: {freed / 1e6:.0f} MB are free again" if freed else f"{which} is not on this machine",
    )


class Model(Actions):
    """The actions."""

    actions: ClassVar[Mapping[str, click.Command]] = {"get": get, "list": list_models, "remove": remove}


@click.command("model", cls=Model)
def command() -> None:
    """Models that are fetched when you ask for them: `tagroll model get large`, `get text`, `list`, `remove`."""
