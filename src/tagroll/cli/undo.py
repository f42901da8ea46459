"""`tagroll undo [RUN] [PATH...]`."""

import sys
from pathlib import Path

import click

from tagroll.cli.options import shared_options, touch_option
from tagroll.cli.report import Report, stop_on_interrupt
from tagroll.cli.terminal import tell
from tagroll.domain import Status
from tagroll.settings import Settings


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
    number = int(run_and_paths[0]) if run_and_paths and run_and_paths[0].isdigit() and not last else None
    paths = [Path(path).absolute() for path in run_and_paths[0 if number is None else 1 :]]
    sys.exit(_run(settings, number, paths, dry_run=dry_run, touch=touch))


def _run(settings: Settings, number: int | None, paths: list[Path], *, dry_run: bool, touch: bool) -> int:
    from tagroll.catalog import Catalog
    from tagroll.metadata.exiftool import available_exiftool
    from tagroll.metadata.store import MetadataStore
    from tagroll.parallel import map_unordered
    from tagroll.recovering import recover
    from tagroll.undoing import Moved, Undoer, choose_run, choose_writings

    with (
        Catalog(settings.catalog) as catalog,
        MetadataStore(touch=touch, exiftool=available_exiftool()) as store,
    ):
        recover(catalog, store)
        chosen = choose_run(catalog, number)
        tell(settings, f"Taking back run {chosen.id}: {chosen.command} {' '.join(chosen.arguments)}")
        run = catalog.start_run("undo", [str(chosen.id), *map(str, paths)])
        moved = Moved(paths or [Path(argument) for argument in chosen.arguments], store, catalog)
        undoer = Undoer(store, catalog, moved, chosen.command, run, dry_run=dry_run)
        done, noun = ("removed", "file") if chosen.command == "classify" else ("put back", "photo")
        words = {Status.TAGGED: f"would be {done}" if dry_run else done}
        with stop_on_interrupt() as stop, Report(settings, "Undoing", words, noun=noun) as report:
            try:
                for outcome in map_unordered(
                    undoer.undo, choose_writings(catalog, chosen, paths, moved), threads=8, stop=stop
                ):
                    report.add(outcome)
            finally:
                catalog.finish_run(run, report.summary())
        report.finish()
        return 130 if stop.is_set() else report.exit_code()
