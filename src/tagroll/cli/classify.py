"""`tagroll classify DIR`."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from tagroll.cli.asking import AskingOptions, asking_options
from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.knowing import context_options
from tagroll.cli.options import (
    fresh_option,
    scan_options,
    shared_options,
    threshold_option,
)
from tagroll.cli.progress import UNSURE, Report, no_photos, stop_on_interrupt
from tagroll.cli.scanning import Scope, ignore_error, opened, scanned
from tagroll.cli.terminal import say, show, tell
from tagroll.cli.then import then_option
from tagroll.cli.typed import typed, undo_command
from tagroll.cli.words import WordOptions, word_options
from tagroll.domain import Outcome, Photo, Status
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.classify import ClassifyRequest
    from tagroll.runs.context import Telling
    from tagroll.runs.names import Style
    from tagroll.runs.run import Run, Tally


@dataclass(frozen=True, slots=True)
class ClassifyOptions:
    """The options of this command, as click gives them."""

    directory: Path
    output: Path | None
    recursive: bool
    dry_run: bool
    fresh: bool
    name_style: "Style"
    name_template: str
    link: Literal["hard", "sym"] | None
    write_metadata: bool
    asking: AskingOptions
    telling: "Telling"
    words: WordOptions
    scope: Scope

    def request(self) -> "ClassifyRequest":
        """What is wanted of the run.

        Raises:
            UsageError: It cannot be.
        """
        from tagroll.runs.classify import LINKS, ClassifyPolicy, ClassifyRequest

        policy = ClassifyPolicy(
            again=self.fresh, dry_run=self.dry_run, style=self.name_style, template=self.name_template,
            case=self.asking.letters, max_tags=self.asking.max_tags, write_metadata=self.write_metadata, engine=LINKS[self.link],
        )  # fmt: skip
        request = replace(
            ClassifyRequest.of(self.directory, self.output, policy),
            recursive=self.recursive, follow_links=self.scope.follow_links, language=self.asking.language,
            prompt_text=self.asking.prompt_text(), words=self.words.request(), telling=self.telling,
            votes=self.asking.votes, checked=self.asking.check_tags,
        )  # fmt: skip
        request.check()
        return request

    def typed(self) -> list[str]:
        """The command's arguments as the history shows them."""
        output = ("-o", str(self.output)) if self.output else ()
        return [str(self.directory), *output, *(["--dry-run"] if self.dry_run else [])]


@click.command("classify", cls=GroupedCommand)
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
@fresh_option("Ask the model again, and make new copies of photos that have one.", "--again")
@then_option
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
@click.option("--link", type=click.Choice(["hard", "sym"]), help="Make links instead of copies.")
@click.option(
    "--write-metadata", is_flag=True, help="Write title, description and keywords into the copies too."
)
@asking_options
@context_options
@threshold_option()
@word_options
@scan_options
@shared_options(model=True)
def command(settings: Settings, **values: Any) -> None:
    """Copy every photo in DIR under a name that tells what it shows, and write what a model sees as JSON.

    The photos themselves stay as they are. Run it again and only new photos are done. `tagroll undo` removes
    the copies.
    """  # fmt: skip
    options = ClassifyOptions(**values)
    sys.exit(_run(settings, options, options.request()))


def _run(settings: Settings, options: ClassifyOptions, request: "ClassifyRequest") -> int:
    from tagroll.runs.classify import classifier
    from tagroll.runs.executors import threads

    with opened(settings) as space:
        model = space.model(limits=options.asking.limits(), defer=True)
        model.announce(lambda notes: tell(settings, *notes))
        with (
            space.begin("classify", options.typed(), model=model.describer.model, done=Status.COPIED) as run,
            stop_on_interrupt(space.stop, space.halt),
            _report(settings, options, request, run) as report,
            request.folder(),
        ):
            work = classifier(run, model, request)
            photos = numbered(_found(options, request, report.pass_over))
            try:
                for outcome in run.outcomes(
                    lambda item: work.classify(*item), photos, threads(model.threads)
                ):
                    report.show(outcome)
                    is_news = options.dry_run and outcome.status is not Status.UNCHANGED
                    if is_news and not settings.json and not settings.verbose:
                        report.print(outcome)
            finally:
                if report.is_due:
                    report.finish()
                if report.is_due and not settings.quiet:
                    _advise(
                        report.tally,
                        options,
                        request.target,
                        cut_off=run.cut_off or sys.exc_info()[0] is not None,
                    )
        return 130 if run.cut_off else run.tally.exit_code


def numbered(found: Iterable[Photo | Outcome]) -> Iterator[tuple[Photo, int] | Outcome]:
    """Each photo with its place among all that was found, from 1."""
    for number, item in enumerate(found, start=1):
        yield item if isinstance(item, Outcome) else (item, number)


def _found(
    options: ClassifyOptions, request: "ClassifyRequest", on_unreadable: Callable[[Path, OSError], None]
) -> Iterator[Photo | Outcome]:
    """The photos, and what is none."""
    found = scanned(
        [request.source], options.scope, on_unreadable,
        recursive=request.recursive, leave_out=[request.target],
    )  # fmt: skip
    return islice(found, options.asking.limit)


def _report(settings: Settings, options: ClassifyOptions, request: "ClassifyRequest", run: "Run") -> Report:
    def count() -> int:
        return sum(1 for _ in _found(options, request, ignore_error))

    words = {Status.COPIED: "would be copied" if options.dry_run else "copied"}
    return Report(
        settings, "Looking" if options.dry_run else "Classifying", run.tally, words, count, nothing=UNSURE,
        space=run.space,
    )  # fmt: skip


def _advise(tally: "Tally", options: ClassifyOptions, target: Path, *, cut_off: bool) -> None:
    """Say what can be done next, where there is something to say."""
    options.words.advise(tally.unlisted)
    if cut_off:
        say(f"Stopped before the end; no file is half-written. Resume with: {typed()}")
    elif not tally.total:
        say(no_photos([options.directory]))
    elif tally.changed and not options.dry_run:
        say(f"They are in {show(target)}. Take it back: {undo_command()}")
