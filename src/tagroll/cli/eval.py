"""`tagroll eval LABELS`."""

import dataclasses
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.asking import AskingOptions, asking_options
from tagroll.cli.eval_files import init
from tagroll.cli.eval_output import print_promise, print_results, print_rows
from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import (
    fresh_option,
    scan_options,
    shared_options,
    threshold_option,
)
from tagroll.cli.progress import UNSURE, Report, stop_on_interrupt, watched
from tagroll.cli.scanning import Scope, scanned
from tagroll.cli.terminal import say, show, tell
from tagroll.cli.words import WordOptions, word_options
from tagroll.domain import Outcome, Status
from tagroll.errors import PhotoError, TagrollError, UsageError
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.evaluate.evaluation import EvaluationInput, EvaluationRequest, Round
    from tagroll.runs.evaluate.results import EvaluationAnswers
    from tagroll.runs.run import Workspace

GO_ON = "Stopped. The same command goes on where it stopped."


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """The options of this command, as click gives them."""

    photos: Path | None
    html: Path | None
    init: bool
    output: Path | None
    again: int
    fresh: bool
    thresholds: tuple[float, ...]
    promise: int
    asking: AskingOptions
    words: WordOptions
    scope: Scope

    def request(self) -> "EvaluationRequest":
        """How the models are asked."""
        from tagroll.runs.evaluate.evaluation import EvaluationRequest

        return EvaluationRequest(
            self.again, fresh=self.fresh, max_tags=self.asking.max_tags, case=self.asking.letters,
            language=self.asking.language, words=self.words.request(), prompt_text=self.asking.prompt_text(),
            votes=self.asking.votes, checked=self.asking.check_tags,
        )  # fmt: skip


@click.command("eval", cls=GroupedCommand)
@click.argument("target", metavar="LABELS|DIR", type=click.Path(exists=True, path_type=Path))
@click.option("--photos", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Where the labelled photos are.  [default: where LABELS says, else beside it]")  # fmt: skip
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write a page with the numbers, plots and every photo's tags.")  # fmt: skip
@click.option(
    "--init",
    is_flag=True,
    help="Help to label 30 photos of DIR: write a file to fill in, and a page to do it on.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="LABELS",
              help="The file that --init writes, .json or .txt; the page stands beside it.")  # fmt: skip
@click.option("--again", type=click.IntRange(min=0), metavar="N", default=10, show_default=True,
              help="Ask about N photos twice more, to see how steady the answers are.")  # fmt: skip
@click.option("--promise", type=click.IntRange(1, 50), metavar="N", default=10, show_default=True,
              help="With --check-tags and labels: find how sure the model has to be so that at most N of 100 tags are wrong; "
                   "`tag --check-tags` keeps to it.")  # fmt: skip
@fresh_option("Ask the model again, also where an answer is known.")
@threshold_option(several=True)
@asking_options
@word_options
@scan_options
@shared_options(model="several")
def command(settings: Settings, target: Path, models: tuple[str, ...], **values: Any) -> None:
    """Measure how good, how steady and how fast models are, on photos that you have labelled.

    LABELS is a JSON file {"NAME.jpg": ["tag", "tag"]} or a text file with a line "NAME.jpg: tag, tag" for each photo;
    --init helps to make one. With a folder in its place the models are only compared with each other.

    Answers are remembered, as those of `tagroll tag` are: run it again after an interruption and it goes on where it
    stopped. Nothing is written into photos.
    """
    options = EvalOptions(**values)
    if options.init:
        sys.exit(init(target, options))
    if options.output:
        raise UsageError("-o goes with --init", "For the results on a page: --html FILE; as JSON: --json")
    sys.exit(_run(settings, target, models, options))


def _run(settings: Settings, target: Path, names: tuple[str, ...], options: EvalOptions) -> int:
    from tagroll.runs.evaluate.evaluation import Evaluation, model_settings, threshold_notes
    from tagroll.runs.evaluate.files import check_page, write_page
    from tagroll.runs.evaluate.results import evaluate
    from tagroll.runs.run import Workspace

    if options.html:
        check_page(options.html)
    subject, started = _subject(target, options), time.monotonic()
    with Workspace.open(settings) as space:
        models = []  # all of them before the first photo: a wrong name should not show after hours
        for wanted in model_settings(settings, names):
            models.append(space.model(wanted, options.asking.limits(), partial(watched, settings)))
            tell(settings, *models[-1].notes)
        tell(settings, *threshold_notes(models, options.thresholds, checked=options.asking.check_tags))
        evaluation = Evaluation(space, subject, options.request(), partial(_watch, settings, space))
        with stop_on_interrupt(space.stop, space.halt):
            answers: list[EvaluationAnswers] = []
            for model in models:
                for answer in evaluation.all_answers(model, options.thresholds):
                    answers.append(answer)
                    if space.stop.is_set():  # the other models are not even begun with
                        say(GO_ON)
                        return 130
        results = evaluate(answers, subject.labels)
        _promise(space, options, answers, subject)
        if settings.json:
            print_rows(answers, results, time.monotonic() - started)
        else:
            print_results(results)
        if options.html:
            write_page(space, options.html, subject, answers, results)
            tell(settings, f"Written: {show(options.html)}")
    if any(result.seconds_per_photo is None for result in results):
        tell(
            settings, "Where no time stands the answers were known already; --fresh asks again and measures."
        )
    return (
        0 if not subject.missing and not any(result.failures for result in results) else PhotoError.exit_code
    )


def _promise(
    space: "Workspace", options: EvalOptions, answers: "list[EvaluationAnswers]", subject: "EvaluationInput"
) -> None:
    """Find and tell what can be promised of models whose tags were checked."""
    from tagroll.runs.evaluate.promising import promises

    if options.asking.check_tags and subject.labels:
        for name, found in promises(space.catalog, answers, subject.labels, options.promise / 100):
            print_promise(space.settings, name, found, options.promise)


def _subject(target: Path, options: EvalOptions) -> "EvaluationInput":
    """The photos, and what people say is in them."""
    from tagroll.runs.evaluate.evaluation import folder_input, labelled_input

    if target.is_dir():
        return folder_input(target, scanned([target], options.scope), options.asking.limit)
    subject = labelled_input(target, options.photos, options.asking.limit)
    for path in subject.missing:
        say(f"left out, it is not there: {show(path)}", mark="!")
    return subject


def _watch(
    settings: Settings, space: "Workspace", asked: "Round", outcomes: Iterable[Outcome]
) -> Iterator[Outcome]:
    """Show the answers of a model as they come, and after the first round how many there were."""
    shown = dataclasses.replace(settings, json=False, verbose=settings.verbose and not settings.json)
    is_first = asked.way == "first"
    verb = f"Asking {asked.model}" if is_first else "Asking again"
    words = {Status.UNCHANGED: "answered"}
    with Report(shown, verb, asked.tally, words, lambda: asked.total, nothing=UNSURE, space=space) as report:
        try:
            for outcome in outcomes:
                report.show(outcome)
                yield outcome
        except TagrollError:
            say(GO_ON)
            raise
    if is_first:
        tell(settings, f"{asked.model}:")
        report.finish()
