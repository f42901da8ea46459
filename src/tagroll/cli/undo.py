"""`tagroll undo [RUN] [PATH...]`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import mtime_options, shared_options
from tagroll.cli.progress import Report, stop_on_interrupt
from tagroll.cli.scanning import opened
from tagroll.cli.terminal import show, tell
from tagroll.cli.typed import undo_command
from tagroll.domain import Status
from tagroll.errors import UsageError
from tagroll.settings import Mtime, Settings

if TYPE_CHECKING:
    from tagroll.runs.run import Tally


@click.command("undo", cls=GroupedCommand)
@click.argument("run_and_paths", metavar="[RUN] [PATH]...", nargs=-1)
@click.option("--last", is_flag=True, help="The last run that can be taken back.  [default]")
@click.option("--dry-run", is_flag=True, help="Only print what would be put back.")
@mtime_options
@shared_options(model=False)
def command(
    settings: Settings, run_and_paths: tuple[str, ...], *, last: bool, dry_run: bool, mtime: Mtime
) -> None:
    """Put back what a run changed: all of it, or only the photos at or below PATH.

    A file that nobody touched since becomes what it was, byte for byte. Where another program wrote since, only
    tagroll's own changes are taken back. Copies that classify made are removed when nobody changed them and the
    photo is still there. RUN is a number from `tagroll history`.
    """
    number = int(run_and_paths[0]) if run_and_paths and run_and_paths[0].isdecimal() and not last else None
    paths = [Path(path) for path in run_and_paths[0 if number is None else 1 :]]
    sys.exit(_run(settings, number, paths, dry_run=dry_run, mtime=mtime))


def _run(settings: Settings, number: int | None, paths: list[Path], *, dry_run: bool, mtime: Mtime) -> int:
    from tagroll.runs.undo import Undoing

    if not settings.catalog.exists():
        raise UsageError("there is nothing to undo", f"There is no catalog at {settings.catalog}")
    with opened(settings, mtime=mtime) as space:
        undoing = Undoing.choose(space, number, paths)
        chosen = undoing.chosen
        arguments = [str(chosen.id), *map(str, undoing.paths), *(["--dry-run"] if dry_run else [])]
        tell(
            settings, f"Taking back run {chosen.id}: {chosen.command} {' '.join(map(show, chosen.arguments))}"
        )
        with (
            space.begin("undo", arguments, done=undoing.done) as run,
            stop_on_interrupt(space.stop),
            _report(settings, run.tally, dry_run=dry_run) as report,
        ):
            for outcome in undoing.outcomes(run, dry_run=dry_run):
                report.show(outcome)
        report.finish()
        if number is None and 0 < run.tally.total == len(run.tally.failures):
            _advise(settings, chosen.id, undoing.older(space))
        return 130 if run.cut_off else run.tally.exit_code


def _report(settings: Settings, tally: "Tally", *, dry_run: bool) -> Report:
    done, noun = ("removed", "file") if tally.done is Status.REMOVED else ("put back", "photo")
    words = {tally.done: f"would be {done}" if dry_run else done}
    return Report(settings, "Undoing", tally, words, noun=noun)


def _advise(settings: Settings, chosen: int, older: int | None) -> None:
    """The same run is the last one again next time: say how to go on to the one before."""
    if older is not None:
        tell(
            settings,
            f"Nothing of run {chosen} can be taken back. The one before it: {undo_command()} {older}",
        )
