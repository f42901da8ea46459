"""`tagroll tag PATH...`."""

import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import (
    asking_options,
    limits,
    lines_of,
    scan_options,
    shared_options,
    store_options,
    text_of,
    threshold_option,
)
from tagroll.cli.progress import UNSURE, Report, no_photos, plural, stop_on_interrupt
from tagroll.cli.scanning import Scope, ignore_error, noted, opened, scanned
from tagroll.cli.terminal import say, tell
from tagroll.cli.typed import typed, undo_command
from tagroll.domain import Status
from tagroll.settings import Case, Mtime, Placing, Settings

if TYPE_CHECKING:
    from tagroll.runs.run import Run, Tally
    from tagroll.runs.tag import TagRequest


@dataclass(frozen=True, slots=True)
class TagOptions:
    """The options of this command, as click gives them."""

    append_tags: bool
    dry_run: bool
    retag: bool
    limit: int | None
    jobs: int | None
    patience: float
    timeout: float | None
    force: bool
    max_tags: int
    language: str | None
    vocabulary: Path | None
    prompt_file: Path | None
    case: Case
    title: bool
    description: bool
    alt_text: bool
    user_comment: bool
    scope: Scope
    placing: Placing
    mtime: Mtime

    def request(self) -> "TagRequest":
        """What is wanted of the run."""
        from tagroll.runs.tag import CAPTIONS, TagRequest

        return TagRequest(
            append=self.append_tags, retag=self.retag, dry_run=self.dry_run, case=self.case,
            user_comment=self.user_comment,
            max_tags=self.max_tags, captions=tuple(name for name in CAPTIONS if getattr(self, name)),
            language=self.language, vocabulary=lines_of(self.vocabulary), prompt_text=text_of(self.prompt_file),
        )  # fmt: skip


@click.command("tag", cls=GroupedCommand)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--append-tags", is_flag=True, help="Keep the tags a photo has and add to them.  [default: replace them]"
)
@click.option("--dry-run", is_flag=True, help="Print what would be written; write nothing into photos.")
@click.option("--retag", is_flag=True, help="Ask the model again about photos it has described before.")
@asking_options
@threshold_option()
@click.option("--vocabulary", type=click.Path(exists=True, dir_okay=False, path_type=Path), envvar="TAGROLL_VOCABULARY",
              help="Use only the tags in this file, one a line.")  # fmt: skip
@click.option("--title", is_flag=True, help="Write a title too, where a photo has none.")
@click.option("--description", is_flag=True, help="Write a description too, where a photo has none.")
@click.option("--alt-text", is_flag=True, help="Write an alternative text too, where a photo has none.")
@click.option(
    "--user-comment",
    is_flag=True,
    help="Write the tags into EXIF UserComment too; some programs show it as a caption.",
)
@scan_options
@store_options
@shared_options(model=True)
def command(settings: Settings, paths: tuple[Path, ...], **values: Any) -> None:
    """Show every photo in PATH... to a model and write what it sees into the photos, as tags.

    What a model said is remembered: run it again after an interruption and it goes on where it stopped.
    `tagroll undo` takes a run back. Hidden files and folders, whose names begin with a dot, are left out unless
    PATH names them.
    """
    options = TagOptions(**values)
    sys.exit(_run(settings, paths, options))


def _run(settings: Settings, paths: tuple[Path, ...], options: TagOptions) -> int:
    from tagroll.runs.executors import threads
    from tagroll.runs.tag import tagger

    scanned(paths, options.scope)  # says that a path does not exist before anything begins
    request = options.request()
    arguments = [*(str(path.absolute()) for path in paths), *(["--dry-run"] if options.dry_run else [])]
    with opened(settings, placing=options.placing, mtime=options.mtime) as space:
        model = space.model(limits=limits(options), defer=True)
        model.announce(lambda notes: tell(settings, *notes))
        with (
            space.begin("tag", arguments, model=model.describer.model) as run,
            stop_on_interrupt(space.stop, space.halt),
            _report(settings, paths, options, run) as report,
        ):
            found = islice(scanned(paths, options.scope, report.pass_over), options.limit)
            photos = noted(found, space, settings)
            try:
                for outcome in run.outcomes(tagger(run, model, request).tag, photos, threads(model.threads)):
                    report.show(outcome)
                    if options.dry_run and not settings.json and not settings.verbose:
                        report.print(outcome)
            finally:
                if report.is_due:
                    report.finish()
                if report.is_due and not settings.quiet:
                    cut_off = run.cut_off or sys.exc_info()[0] is not None
                    _advise(report.tally, paths, cut_off=cut_off, dry_run=options.dry_run)
        return 130 if run.cut_off else run.tally.exit_code


def _report(settings: Settings, paths: tuple[Path, ...], options: TagOptions, run: "Run") -> Report:
    def count() -> int:
        return sum(1 for _ in islice(scanned(paths, options.scope, ignore_error), options.limit))

    words = {Status.TAGGED: "would be tagged" if options.dry_run else "tagged"}
    return Report(
        settings, "Looking" if options.dry_run else "Tagging", run.tally, words, count, nothing=UNSURE,
        space=run.space,
    )  # fmt: skip


def _advise(tally: "Tally", paths: tuple[Path, ...], *, cut_off: bool, dry_run: bool) -> None:
    """Say what can be done next, where there is something to say."""
    if cut_off:
        say(f"Stopped before the end; no file is half-written. Resume with: {typed()}")
    elif not tally.total:
        say(no_photos(paths))
    if tally.kept:
        say(
            f"{plural(tally.kept, 'photo')} had a title or description already: {'it stays' if tally.kept == 1 else 'they stay'}."
        )
    if tally.withheld:
        say(
            f"The model says {plural(tally.withheld, 'tag')} that a person took away: "
            f"{'it stays' if tally.withheld == 1 else 'they stay'} away."
        )
    if tally.removed:
        would = "would replace" if dry_run else "replaced"
        way_back = "" if dry_run else f"`{undo_command()}` brings them back, "
        dropped = f"The new tags {would} {plural(tally.removed, 'tag')} that tagroll did not write"
        say(f"{dropped}: {way_back}--append-tags keeps them.")
    elif tally.changed and not dry_run:
        say(f"Take it back: {undo_command()}")
