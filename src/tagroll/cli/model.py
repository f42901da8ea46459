"""`tagroll model get|list|remove`."""

import sys
from pathlib import Path
from typing import ClassVar

import click

from tagroll.cli.grouped import Actions, GroupedCommand
from tagroll.cli.options import shared_options
from tagroll.cli.terminal import print_json, print_line, say, tell
from tagroll.errors import UsageError
from tagroll.settings import Settings

_WHICH = click.argument("which", metavar="large", type=click.Choice(["large"]))


@click.command("get", cls=GroupedCommand)
@_WHICH
@click.option("--yes", is_flag=True, help="Fetch it without a question.")
@click.option("--from", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Take it from this file, which was fetched elsewhere; nothing is asked of the network.")  # fmt: skip
@shared_options(model=False)
def get(settings: Settings, which: str, file: Path | None, *, yes: bool) -> None:
    """Fetch the large built-in model: one file of 78 MB, named with its licence and SHA-256 before it is fetched.

    From then on it looks at the photos where the small one did; `--model builtin` still means the small one. This is the only
    command of tagroll that loads anything from the network.
    """
    from tagroll.runs.large_model import get as fetch
    from tagroll.runs.large_model import offer

    del which
    for line in offer() if not file else ():
        tell(settings, line)
    if not (yes or file) and not _agreed():
        sys.exit(1)
    kept = fetch(file, quiet=settings.quiet or settings.json)
    if settings.json:
        print_json({"type": "model", "name": kept.name, "path": str(kept.file), "bytes": kept.size})
    tell(settings, f"{kept.name} is ready: {kept.file}", "Take it away again: tagroll model remove large")


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
@shared_options(model=False)
def list_models(settings: Settings) -> None:
    """List the models that can be fetched, and where they are if they were."""
    from tagroll.runs.large_model import ABOUT, LICENCE, known

    for kept in known():
        if settings.json:
            print_json({"type": "model", "name": kept.name, "path": str(kept.file), "bytes": kept.size})
        else:
            where = f"{kept.file}, {kept.size / 1e6:.0f} MB" if kept.size else "not here: tagroll model get large"
            print_line(f"{kept.name}: {ABOUT} ({LICENCE}); {where}")


@click.command("remove", cls=GroupedCommand)
@_WHICH
@shared_options(model=False)
def remove(settings: Settings, which: str) -> None:
    """Remove the large model from this machine. What it said of photos stays known."""
    from tagroll.runs.large_model import remove as take_away

    del which
    freed = take_away()
    if settings.json:
        print_json({"type": "removed", "bytes": freed})
    tell(settings, f"Removed: {freed / 1e6:.0f} MB are free again" if freed else "It is not on this machine")


class Model(Actions):
    """The actions."""

    actions: ClassVar[dict[str, click.Command]] = {"get": get, "list": list_models, "remove": remove}


@click.command("model", cls=Model)
def command() -> None:
    """Built-in models that are fetched: `tagroll model get large`, `tagroll model list`, `tagroll model remove large`."""
