"""`tagroll tag PATH...`."""

import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.options import (
    asking_options,
    scan_options,
    shared_options,
    store_options,
    text_of,
    threshold_option,
    typed,
    undo_command,
)
from tagroll.cli.progress import UNSURE, Report, no_photos, plural, stop_on_interrupt
from tagroll.cli.scanning import passing, scanned, unheard
from tagroll.cli.terminal import say, tell
from tagroll.domain import Status
from tagroll.settings import Case, Settings, SidecarPolicy
from tagroll.tags.identity import LEVEL, identity

if TYPE_CHECKING:
    from tagroll.domain import Outcome, Photo, Prompt
    from tagroll.runs.tag import Tagger, TagPolicy


@dataclass(frozen=True, slots=True)
class Options:
    """The options of this command, as click gives them."""

    append_tags: bool
    dry_run: bool
    retag: bool
    limit: int | None
    jobs: int | None
    patience: float
    max_tags: int
    language: str | None
    vocabulary: Path | None
    prompt_file: Path | None
    case: Case
    title: bool
    description: bool
    alt_text: bool
    user_comment: bool
    exclude: tuple[str, ...]
    sidecar: SidecarPolicy
    touch: bool

    def policy(self, preferred: Mapping[str, str]) -> "TagPolicy":
        """What is made of the model's answers; `preferred`: what tags are called in this library."""
        from tagroll.runs.tag import TagPolicy

        captions = tuple(name for name in ("title", "description", "alt_text") if getattr(self, name))
        return TagPolicy(
            append=self.append_tags, retag=self.retag, dry_run=self.dry_run, case=self.case,
            max_tags=self.max_tags, captions=captions, vocabulary=_lines(self.vocabulary),
            user_comment=self.user_comment,
            preferred={identity(tag): word for tag, word in preferred.items() if LEVEL not in word},
        )  # fmt: skip

    def prompt(self) -> "Prompt":
        """What the model is asked."""
        from tagroll.models.prompt import build_prompt

        captions = self.title or self.description or self.alt_text
        return build_prompt(
            "classify" if captions else "tags", max_tags=self.max_tags, language=self.language,
            vocabulary=_lines(self.vocabulary), prompt_file_text=text_of(self.prompt_file),
        )  # fmt: skip


@click.command("tag")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
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
    options = Options(**values)
    sys.exit(_run(settings, paths, options))


def _run(settings: Settings, paths: tuple[Path, ...], options: Options) -> int:
    from tagroll.catalog import Catalog
    from tagroll.exiftool.pool import available_exiftool
    from tagroll.metadata.store import MetadataStore
    from tagroll.runs.ask_once import Asking
    from tagroll.runs.choose import choose_model
    from tagroll.runs.recover import recover
    from tagroll.runs.tag import Tagger

    scanned(paths, options.exclude)  # says that a path does not exist before anything begins
    prompt, exiftool = options.prompt(), available_exiftool()
    with (
        Catalog(settings.catalog) as catalog,
        MetadataStore(sidecar=options.sidecar, touch=options.touch, exiftool=exiftool) as store,
        choose_model(settings, exiftool, jobs=options.jobs, patience=options.patience) as model,
    ):
        tell(settings, *model.notes)
        recover(catalog, store)
        arguments = [*(str(path.absolute()) for path in paths), *(["--dry-run"] if options.dry_run else [])]
        run = catalog.start_run("tag", arguments, model.describer.model)
        tagger = Tagger(
            model.describer,
            model.preview,
            store,
            catalog,
            prompt,
            options.policy(catalog.merges()),
            run,
            Asking(),
        )
        with stop_on_interrupt() as stop, _report(settings, paths, options) as report:
            found = islice(scanned(paths, options.exclude, report.pass_over), options.limit)
            photos = passing(found, exiftool, options.sidecar, settings)
            try:
                for outcome in _outcomes(tagger, photos, model.threads, stop):
                    report.add(outcome)
                    if options.dry_run and not settings.json and not settings.verbose:
                        report.show(outcome)
            finally:
                catalog.finish_run(run, report.summary())
                report.finish()
                if not settings.quiet:
                    cut_off = stop.is_set() or sys.exc_info()[0] is not None
                    _advise(report, paths, cut_off=cut_off, dry_run=options.dry_run)
        return 130 if stop.is_set() else report.exit_code()


def _outcomes(
    tagger: "Tagger", found: "Iterator[Photo | Outcome]", threads: int, stop: threading.Event
) -> "Iterator[Outcome]":
    from tagroll.domain import Outcome, Photo
    from tagroll.parallel import map_unordered
    from tagroll.runs.recover import leftover_cleaner

    clean = leftover_cleaner(tagger.store)

    def one(photo: Photo | Outcome) -> Outcome:
        return photo if isinstance(photo, Outcome) else tagger.tag(photo)

    def photos() -> "Iterator[Photo | Outcome]":
        for photo in found:
            clean(photo.path)
            yield photo

    return map_unordered(one, photos(), threads=threads, stop=stop)


def _report(settings: Settings, paths: tuple[Path, ...], options: Options) -> Report:
    def count() -> int:
        return sum(1 for _ in islice(scanned(paths, options.exclude, unheard), options.limit))

    words = {Status.TAGGED: "would be tagged" if options.dry_run else "tagged"}
    return Report(settings, "Looking" if options.dry_run else "Tagging", words, count, nothing=UNSURE)


def _advise(report: Report, paths: tuple[Path, ...], *, cut_off: bool, dry_run: bool) -> None:
    """Say what can be done next, where there is something to say."""
    if cut_off:
        say(f"Stopped; nothing is half-written. Go on with: {typed()}")
    elif not report.total:
        say(no_photos(paths))
    if report.removed:
        would = "would replace" if dry_run else "replaced"
        way_back = "" if dry_run else f"`{undo_command()}` brings them back, "
        dropped = f"The new tags {would} {plural(report.removed, 'tag')} that tagroll did not write"
        say(f"{dropped}: {way_back}--append-tags keeps them.")
    elif report.counts[Status.TAGGED] and not dry_run:
        say(f"Take it back: {undo_command()}")


def _lines(path: Path | None) -> tuple[str, ...] | None:
    text = text_of(path)
    return None if text is None else tuple(line.strip() for line in text.splitlines() if line.strip())
