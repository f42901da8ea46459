"""`tagroll tags sync PATH...`."""

import sys
from pathlib import Path
from typing import Any

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.progress import Report, no_photos, stop_on_interrupt
from tagroll.cli.scanning import Scope, noted, opened, scanned
from tagroll.cli.tags_edit import dry_run_option, rewriting_options
from tagroll.cli.terminal import print_line, say, tell
from tagroll.cli.typed import typed, undo_command
from tagroll.domain import Outcome, Status
from tagroll.settings import Mtime, Placing, Settings


@click.command("sync", cls=GroupedCommand)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@dry_run_option("Print what would change; write nothing.")
@rewriting_options
def sync(settings: Settings, paths: tuple[Path, ...], *, dry_run: bool, **values: Any) -> None:
    """Make the lists of tags in each photo of PATH... agree, so that every program sees the same tags; tell what changed.

    A photo has the tags that `tagroll tags` lists: no tag comes or goes. What a person took away in one list goes from the
    others.
    """
    sys.exit(_run(settings, paths, values["scope"], (values["placing"], values["mtime"]), dry_run=dry_run))


def _run(
    settings: Settings, paths: tuple[Path, ...], scope: Scope, how: tuple[Placing, Mtime], *, dry_run: bool
) -> int:
    from tagroll.runs.sync import Syncer

    placing, mtime = how
    arguments = [*(str(path.absolute()) for path in paths), *(["--dry-run"] if dry_run else [])]
    words = {Status.REWRITTEN: "would be rewritten" if dry_run else "rewritten"}
    with (
        opened(settings, placing=placing, mtime=mtime) as space,
        stop_on_interrupt(space.stop),
        space.begin("tags sync", arguments, done=Status.REWRITTEN) as run,
        Report(settings, "Rewriting", run.tally, words) as report,
    ):
        found = noted(scanned(paths, scope, report.pass_over), space, settings)
        for outcome in run.outcomes(Syncer(run, dry_run).sync, found):
            report.show(outcome)
            if not (settings.json or settings.quiet):
                _print(report, outcome)
        report.finish()
        if run.cut_off:
            say(f"Stopped before the end; no file is half-written. Resume with: {typed()}")
        elif not run.tally.total:
            say(no_photos(paths))
        elif run.tally.changed and not dry_run:
            tell(settings, f"Take it back: {undo_command()}")
        return 130 if run.cut_off else run.tally.exit_code


def _print(report: Report, outcome: Outcome) -> None:
    """A photo whose lists change, and how."""
    if outcome.lists and not report.settings.verbose:
        report.print(outcome)
    for name, (came, went) in outcome.lists.items():
        words = [*(f"+{one}" for one in came), *(f"-{one}" for one in went)]
        print_line(f"    {name}: {'  '.join(words) or 'in another order or form'}")
