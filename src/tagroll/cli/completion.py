"""`tagroll completion SHELL`."""

import click
from click.shell_completion import get_completion_class

from tagroll.cli.grouped import GroupedCommand

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", cls=GroupedCommand)
@click.argument("shell", metavar="|".join(SHELLS), type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that lets the Tab key complete commands, options, files and tags in a shell.

    A line in the shell's start file is enough; it works in shells that are opened from then on. bash has to be 4.4 or newer.
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has all three
    click.echo(found(ctx.find_root().command, {}, "tagroll", "_TAGROLL_COMPLETE").source())
