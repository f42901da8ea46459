"""`tagroll classify DIR`."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from tagroll.cli.options import (
    asking_options,
    scan_options,
    shared_options,
    text_of,
    threshold_option,
    typed,
    undo_command,
)
from tagroll.cli.progress import UNSURE, Report, no_photos, stop_on_interrupt
from tagroll.cli.scanning import scanned, unheard
from tagroll.cli.terminal import say, show, tell
from tagroll.domain import Outcome, Photo, Status
from tagroll.errors import UsageError
from tagroll.photos.scan import OUTPUT_FOLDER, absolute
from tagroll.settings import Case, Settings

if TYPE_CHECKING:
    from tagroll.domain import Prompt
    from tagroll.runs.classify import Classifier, ClassifyPolicy
    from tagroll.runs.names import Style


@dataclass(frozen=True, slots=True)
class Options:
    """The options of this command, as click gives them."""

    directory: Path
    output: Path | None
    recursive: bool
    dry_run: bool
    again: bool
    name_style: "Style"
    name_template: str
    link: Literal["hard", "sym"] | None
    write_metadata: bool
    limit: int | None
    jobs: int | None
    patience: float
    max_tags: int
    language: str | None
    prompt_file: Path | None
    case: Case
    exclude: tuple[str, ...]

    @property
    def source(self) -> Path:
        """The folder with the photos, absolute."""
        return absolute(self.directory)

    @property
    def target(self) -> Path:
        """The folder for the copies, absolute."""
        return absolute(self.output) if self.output else self.source / OUTPUT_FOLDER

    def check(self) -> None:
        """See that what is asked for can be.

        Raises:
            UsageError: It cannot.
        """
        from tagroll.runs.names import check_template

        if self.link and self.write_metadata:
            raise UsageError(
                "--write-metadata would write through the links into your photos",
                "Leave out --link, or use tagroll tag.",
            )
        if self.name_template:
            check_template(self.name_template)
        source, target = self.source.resolve(), self.target.resolve()
        if source == target or (self.recursive and source.is_relative_to(target)):
            raise UsageError("the copies would lie among the photos", "Name another folder with -o.")

    def found(self, on_unreadable: Callable[[Path, OSError], None]) -> "Iterator[Photo | Outcome]":
        """The photos, and what is none."""
        found = scanned(
            [self.source], self.exclude, on_unreadable, recursive=self.recursive, leave_out=[self.target]
        )
        return islice(found, self.limit)

    def policy(self) -> "ClassifyPolicy":
        """What is made of the model's answers."""
        from tagroll.metadata.copies import COPY, HARD_LINK, SYMBOLIC_LINK
        from tagroll.runs.classify import ClassifyPolicy

        return ClassifyPolicy(
            again=self.again, dry_run=self.dry_run, style=self.name_style, template=self.name_template,
            case=self.case, max_tags=self.max_tags, write_metadata=self.write_metadata,
            engine={None: COPY, "hard": HARD_LINK, "sym": SYMBOLIC_LINK}[self.link],
        )  # fmt: skip

    def prompt(self) -> "Prompt":
        """What the model is asked."""
        from tagroll.models.prompt import build_prompt

        return build_prompt(
            "classify", max_tags=self.max_tags, language=self.language,
            prompt_file_text=text_of(self.prompt_file),
        )  # fmt: skip

    def typed(self) -> list[str]:
        """The command's arguments as the history shows them."""
        output = ("-o", str(self.output)) if self.output else ()
        return [str(self.directory), *output, *(["--dry-run"] if self.dry_run else [])]


@click.command("classify")
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the copies go.  [default: DIR/processed]",
)
@click.option("--recursive", is_flag=True, help="Look into the folders inside DIR too, and mirror them.")
@click.option("--dry-run", is_flag=True, help="Print the names; make no file.")
@click.option(
    "--again", is_flag=True, help="Make new copies also of photos that have one; ask the model again."
)
@click.option(
    "--name-style",
    type=click.Choice(["slug", "keep"]),
    default="slug",
    show_default=True,
    envvar="TAGROLL_NAME_STYLE",
    help="slug: lower case with hyphens. keep: as the model writes it.",
)
@click.option(
    "--name-template",
    metavar="TEMPLATE",
    default="",
    envvar="TAGROLL_NAME_TEMPLATE",
    help="Make names of {name}, {date:%Y-%m-%d}, {camera}, {counter:04d} and {original}.",
)
@click.option(
    "--link", type=click.Choice(["hard", "sym"]), help="Make links to the photos in the place of copies."
)
@click.option(
    "--write-metadata", is_flag=True, help="Write title, description and keywords into the copies too."
)
@asking_options
@threshold_option()
@scan_options
@shared_options(model=True)
def command(settings: Settings, **values: Any) -> None:
    """Copy every photo in DIR under a name that tells what it shows, and write what a model sees as JSON.

    The photos themselves stay as they are. Run it again and only new photos are done. `tagroll undo` removes
    the copies.
    """  # fmt: skip
    options = Options(**values)
    options.check()
    sys.exit(_run(settings, options))


def _run(settings: Settings, options: Options) -> int:
    from tagroll.catalog import Catalog
    from tagroll.exiftool.pool import available_exiftool
    from tagroll.metadata.store import MetadataStore
    from tagroll.runs.choose import choose_model
    from tagroll.runs.classify import Classifier, Output
    from tagroll.runs.recover import recover

    prompt, exiftool = options.prompt(), available_exiftool()
    with (
        Catalog(settings.catalog) as catalog,
        MetadataStore(exiftool=exiftool) as store,
        choose_model(settings, exiftool, jobs=options.jobs, patience=options.patience) as model,
    ):
        tell(settings, *model.notes)
        recover(catalog, store)
        run = catalog.start_run("classify", options.typed(), model.describer.model)
        output = Output(options.target, options.source)
        classifier = Classifier(
            model.describer, model.preview, store, catalog, prompt, options.policy(), output, run, exiftool
        )
        with stop_on_interrupt() as stop, _report(settings, options) as report, _folder(options):
            try:
                for outcome in _outcomes(classifier, options.found(report.pass_over), model.threads, stop):
                    report.add(outcome)
                    is_news = options.dry_run and outcome.status is not Status.UNCHANGED
                    if is_news and not settings.json and not settings.verbose:
                        report.show(outcome)
            finally:
                catalog.finish_run(run, report.summary())
                report.finish()
                if not settings.quiet:
                    _advise(report, options, cut_off=stop.is_set() or sys.exc_info()[0] is not None)
        return 130 if stop.is_set() else report.exit_code()


@contextlib.contextmanager
def _folder(options: Options) -> Iterator[None]:
    """Make the folder for the copies, so that the walk knows it; one that stays empty is removed again."""
    if options.dry_run or options.target.is_dir():
        yield
        return
    try:
        options.target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"{options.target} cannot be made: {error.strerror}"
        raise UsageError(text, "Name another one with -o.") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # there is something in it
            options.target.rmdir()


def _outcomes(
    classifier: "Classifier", found: "Iterable[Photo | Outcome]", threads: int, stop: threading.Event
) -> "Iterator[Outcome]":
    from tagroll.parallel import map_unordered
    from tagroll.runs.recover import leftover_cleaner

    clean = leftover_cleaner(classifier.store)

    def one(numbered: tuple[int, Photo | Outcome]) -> Outcome:
        number, photo = numbered
        return photo if isinstance(photo, Outcome) else classifier.classify(photo, number)

    def photos() -> "Iterator[tuple[int, Photo | Outcome]]":
        for number, photo in enumerate(found, start=1):
            if isinstance(photo, Photo):
                clean(classifier.output.folder_for(photo) / photo.path.name)
            yield number, photo

    return map_unordered(one, photos(), threads=threads, stop=stop)


def _report(settings: Settings, options: Options) -> Report:
    def count() -> int:
        return sum(1 for _ in options.found(unheard))

    words = {Status.TAGGED: "would be copied" if options.dry_run else "copied"}
    return Report(settings, "Looking" if options.dry_run else "Classifying", words, count, nothing=UNSURE)


def _advise(report: Report, options: Options, *, cut_off: bool) -> None:
    """Say what can be done next, where there is something to say."""
    if cut_off:
        say(f"Stopped; nothing is half-written. Go on with: {typed()}")
    elif not report.total:
        say(no_photos([options.directory]))
    elif report.counts[Status.TAGGED] and not options.dry_run:
        say(f"They are in {show(options.target)}. Take it back: {undo_command()}")
