"""`tagroll history`."""

import time
from collections import Counter
from typing import TYPE_CHECKING

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import shared_options
from tagroll.cli.terminal import print_json, print_line, say, show, tell
from tagroll.domain import plural
from tagroll.errors import UsageError
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.history import History

NOTHING = "Nothing has been done yet."


@click.command("history", cls=GroupedCommand)
@click.argument("run", type=int, required=False)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="At most N runs."
)
@shared_options(model=False)
def command(settings: Settings, run: int | None, limit: int) -> None:
    """List what tagroll did, the newest run first; with RUN, what that run did to each photo."""
    from tagroll.runs.history import History

    with History.open(settings) as history:
        if history is None:
            if run is not None:
                raise UsageError(f"there is no run {run}", "Nothing has been done yet")
            if not settings.json:
                tell(settings, NOTHING)
        elif run is not None:
            _show_writes(history, run, as_json=settings.json)
        else:
            _show_runs(history, limit, as_json=settings.json)


def _show_runs(history: "History", limit: int, *, as_json: bool) -> None:
    runs = history.runs(limit)
    if not runs and not as_json:
        say(NOTHING)
    for past in runs:
        if as_json:
            print_json(past.row())
            continue
        run = past.run
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
        cut_off = "(running, or cut off)" if past.is_running else "(cut off)"
        parts = (
            f"{run.id:>4}", when, " ".join((run.command, *map(show, run.arguments))), f"{plural(run.writes, 'file')} written",
            run.model, "(dry run)" if run.dry_run else "", "" if run.finished else cut_off,
        )  # fmt: skip
        print_line("  ".join(filter(None, parts)))


def _show_writes(history: "History", run: int, *, as_json: bool) -> None:
    tags: Counter[str] = Counter()
    nothing = True
    for write in history.writes(run):
        nothing = False
        tags.update(write.added)
        if as_json:
            print_json(write.row())
            continue
        marks = [f"+{show(tag)}" for tag in write.added] + [f"-{show(tag)}" for tag in write.removed]
        made = f"made from {show(write.photo)}" if write.made else "removed"
        print_line(
            f"{show(write.target)}: {', '.join(marks) or made}{'  (taken back)' if write.undone else ''}"
        )
    if not as_json and nothing:
        say(f"Run {run} wrote nothing.")
    if not as_json and tags:
        say("Tags added most: " + ", ".join(f"{show(tag)} {count}" for tag, count in tags.most_common(10)))
