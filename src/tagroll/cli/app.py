"""The group of all commands, and the one place where errors become messages and exit codes."""

import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from tagroll import __version__
from tagroll.cli.terminal import complain, error_row, print_json, show
from tagroll.errors import TagrollError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "tag": "Write what a model sees into the photos, as tags.",
    "watch": "Tag photos as they come into folders.",
    "classify": "Copy photos under descriptive names, with what a model sees as JSON.",
    "dedupe": "Make tags that mean the same one word, across all photos.",
    "tags": "List every tag with its count, read from the files.",
    "learn": "Learn your own tags, so that other photos can get them.",
    "vocabulary": "Write the words of your photos as a file to edit, for --vocabulary.",
    "find": "Find photos by tags, date, place, words and meaning.",
    "serve": "Show the photos in a browser: find, tag, judge proposals, undo.",
    "history": "Tell what tagroll did: runs, photos, tags.",
    "undo": "Take a run back.",
    "check": "See that no picture was damaged since tagroll first saw it.",
    "model": "Fetch a larger built-in model, or one that reads text; list, remove.",
    "eval": "Measure how good and how fast models are, on labelled photos.",
    "config": "Show the settings and where each comes from; an example of the settings file.",
    "completion": "Print what makes the Tab key complete commands, options and tags.",
    "doctor": "Say in plain words what works here and what does not.",
}
"""Name -> one line of help. `tagroll --help` reads this and imports no command."""


class Commands(click.Group):
    """Finds the command NAME in tagroll.cli.NAME, and imports it only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order a newcomer needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"tagroll.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - our own modules
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """What the Tab key offers: commands, without importing them, and options."""
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; one that does not finish its work at Ctrl-C ends at once."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error).update(message=show(error.message))  # it may quote the name of a file
            if "--json" in (ctx.obj or ()):
                path = (getattr(error, "ctx", None) or ctx).command_path
                print_json(error_row(error.format_message(), f"{path} --help", error.exit_code))
            raise
        except KeyboardInterrupt:
            sys.exit(130)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run, and turn every error of ours into a message, a hint and an exit code."""
        typed = tuple(sys.argv[1:] if args is None else args)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(
                stream, io.TextIOWrapper
            ):  # a pipe on Windows may know the letters of one code page only
                stream.reconfigure(errors="backslashreplace")
        try:
            try:
                return super().main(args, prog_name or "tagroll", obj=typed, **extra)
            except TagrollError as error:
                complain(error, as_json="--json" in typed)
                sys.exit(error.exit_code)
            finally:
                sys.stdout.flush()  # and not at the very end, where an error could not be told
        except BrokenPipeError:
            # The reader of our output has gone (`tagroll tags | head`): nothing is wrong.
            _drop_output()
            sys.exit(0)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            _drop_output()
            complain(TagrollError(f"the output cannot be written: {error.strerror}"))
            sys.exit(TagrollError.exit_code)


def _drop_output() -> None:
    """Let what is still to be printed go nowhere: it would be tried again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tagroll")
def main() -> None:
    """Show photos to an AI model on your own machine and write what it sees into them, safely.

    Start with: tagroll tag ~/Pictures --dry-run --limit 10
    """
