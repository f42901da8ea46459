"""`tagroll undo [RUN] [PATH...]`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagroll.cli.options import shared_options, touch_option, undo_command
from tagroll.cli.progress import Report, stop_on_interrupt
from tagroll.cli.terminal import show, tell
from tagroll.domain import Status
from tagroll.errors import UsageError
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.catalog import Run


@click.command("undo")
@click.argument("run_and_paths", metavar="[RUN] [PATH]...", nargs=-1)
@click.option("--last", is_flag=True, help="The last run that can be taken back.  [default]")
@click.option("--dry-run", is_flag=True, help="Only print what would be put back.")
@touch_option
@shared_options(model=False)
def command(
    settings: Settings, run_and_paths: tuple[str, ...], *, last: bool, dry_run: bool, touch: bool
) -> None:
    """Put back what a run changed: all of it, or only the photos at or below PATH.

    A file that nobody touched since becomes what it was, byte for byte. Where another program wrote since, only
    tagroll's own changes are taken back. Copies that classify made are removed when nobody changed them and the
    photo is still there. RUN is a number from `tagroll history`.
    """
    number = int(run_and_paths[0]) if run_and_paths and run_and_paths[0].isdecimal() and not last else None
    paths = [Path(path) for path in run_and_paths[0 if number is None else 1 :]]
    sys.exit(_run(settings, number, paths, dry_run=dry_run, touch=touch))


def _run(settings: Settings, number: int | None, paths: list[Path], *, dry_run: bool, touch: bool) -> int:
    from tagroll.catalog import Catalog
    from tagroll.exiftool.pool import available_exiftool
    from tagroll.metadata.store import MetadataStore
    from tagroll.parallel import map_unordered
    from tagroll.photos.scan import absolute
    from tagroll.runs.recover import leftover_cleaner, recover
    from tagroll.runs.undo import Moved, Undoer, choose_run, choose_writes

    paths = [absolute(path) for path in paths]
    if not settings.catalog.exists():
        raise UsageError("there is nothing to undo", f"There is no catalog at {settings.catalog}")
    with (
        Catalog(settings.catalog) as catalog,
        MetadataStore(mtime="now" if touch else "keep", exiftool=available_exiftool()) as store,
    ):
        recover(catalog, store)
        chosen = choose_run(catalog, number)
        moved = Moved(paths or [Path(argument) for argument in chosen.arguments], store, catalog)
        writes = choose_writes(catalog, chosen, paths, moved)
        tell(
            settings, f"Taking back run {chosen.id}: {chosen.command} {' '.join(map(show, chosen.arguments))}"
        )
        typed = [str(chosen.id), *map(str, paths), *(["--dry-run"] if dry_run else [])]
        run = catalog.start_run("undo", typed)
        undoer = Undoer(
            store, catalog, moved, chosen.command, run,
            dry_run=dry_run, named=frozenset(paths), clean=leftover_cleaner(store),
        )  # fmt: skip
        with stop_on_interrupt() as stop, _report(settings, chosen, dry_run=dry_run) as report:
            try:
                for outcome in map_unordered(undoer.undo, writes, threads=8, stop=stop):
                    report.add(outcome)
            finally:
                catalog.finish_run(run, report.summary())
        report.finish()
        if number is None and 0 < report.total == report.counts[Status.FAILED]:
            _advise(settings, chosen, catalog.runs())
        return 130 if stop.is_set() else report.exit_code()


def _report(settings: Settings, chosen: "Run", *, dry_run: bool) -> Report:
    done, noun = ("removed", "file") if chosen.command == "classify" else ("put back", "photo")
    return Report(settings, "Undoing", {Status.TAGGED: f"would be {done}" if dry_run else done}, noun=noun)


def _advise(settings: Settings, chosen: "Run", runs: "Sequence[Run]") -> None:
    """The same run is the last one again next time: say how to go on to the one before."""
    older = [run.id for run in runs if run.id < chosen.id and run.left and run.command != "undo"]
    if older:
        tell(
            settings,
            f"Nothing of run {chosen.id} can be taken back. The one before it: {undo_command()} {older[0]}",
        )
