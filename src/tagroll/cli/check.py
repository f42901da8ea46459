"""`tagroll check [PATH...]`."""

import sys
from pathlib import Path

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import shared_options
from tagroll.cli.progress import Report, stop_on_interrupt
from tagroll.cli.terminal import say, tell
from tagroll.cli.typed import typed
from tagroll.domain import Status
from tagroll.errors import UsageError
from tagroll.settings import Settings

WORDS = {
    Status.UNCHANGED: "whole",
    Status.SKIPPED: "not there any more",
    Status.FAILED: "damaged, or another picture",
}


@click.command("check", cls=GroupedCommand)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--accept", is_flag=True, help="Other pictures that are whole are right: the photos at PATH were edited."
)
@shared_options(model=False)
def command(settings: Settings, paths: tuple[Path, ...], *, accept: bool) -> None:
    """See that the picture of every photo that tagroll ever wrote is what it was: all of them, or those at and below PATH.

    Reads each photo once and writes into none. A photo whose picture was damaged by a failing disk or another program
    is named, with where the same picture is whole, if tagroll knows. Ends with 3 where there is one.
    """
    sys.exit(_run(settings, paths, accept=accept))


def _run(settings: Settings, paths: tuple[Path, ...], *, accept: bool) -> int:
    from tagroll.runs.check import check, known_pictures
    from tagroll.runs.run import Tally, Workspace

    if not settings.catalog.exists():
        raise UsageError("there is nothing to check", f"There is no catalog at {settings.catalog}")
    tally = Tally(Status.UNCHANGED)
    with Workspace.open(settings, hold=False) as space, stop_on_interrupt(space.stop):
        known = known_pictures(space, paths)
        with Report(settings, "Checking", tally, WORDS, lambda: len(known), nothing="whole") as report:
            for outcome in check(space, known, tally, accept=accept):
                report.show(outcome)
        report.finish()
        if tally.counts[Status.SKIPPED]:
            tell(
                settings,
                "Photos that were moved are found once tagroll has met them: tagroll tags FOLDER, then check again",
            )
        if space.stop.is_set():
            say(f"Stopped before the end. Check again: {typed()}")
            return 130
    return tally.exit_code
