"""`tagroll eval LABELS`."""

import dataclasses
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.eval_files import LABELLED, init, write_page
from tagroll.cli.eval_output import print_results, print_rows
from tagroll.cli.options import asking_options, scan_options, shared_options, text_of, threshold_option
from tagroll.cli.progress import UNSURE, Report, stop_on_interrupt
from tagroll.cli.scanning import scanned
from tagroll.cli.terminal import say, show, tell
from tagroll.domain import Outcome, Photo, Status
from tagroll.errors import PhotoError, TagrollError, UsageError
from tagroll.settings import Backend, Case, Settings, without_password

if TYPE_CHECKING:
    from tagroll.catalog import Catalog
    from tagroll.domain import Prompt
    from tagroll.metadata.store import MetadataStore
    from tagroll.runs.choose import Model
    from tagroll.runs.evaluate.examining import Examination
    from tagroll.runs.evaluate.labels import LabelSet
    from tagroll.runs.evaluate.results import Answers

BUILTIN = "builtin"
"""The name by which --model means the built-in model; and with describing.NO_HEAD the one without its head."""
GO_ON = "Stopped. The same command goes on where it stopped."
COMPARED = 100
"""Photos that models are compared on when none are labelled and --limit says nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of this command, as click gives them."""

    photos: Path | None
    html: Path | None
    init: bool
    output: Path | None
    again: int
    fresh: bool
    thresholds: tuple[float, ...]
    limit: int | None
    jobs: int | None
    patience: float
    max_tags: int
    language: str | None
    prompt_file: Path | None
    vocabulary: Path | None
    case: Case
    exclude: tuple[str, ...]

    def prompt(self) -> "Prompt":
        """What the models are asked: what `tagroll tag` asks."""
        from tagroll.models.prompt import build_prompt

        lines = (text_of(self.vocabulary) or "").splitlines()
        words = [line.strip() for line in lines if line.strip()]
        return build_prompt(
            "tags", max_tags=self.max_tags, language=self.language,
            vocabulary=words or None, prompt_file_text=text_of(self.prompt_file),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What an evaluation is about.

    Attributes:
        target: The file of labels or the folder, as the user gave it.
        photos: What is shown to the models.
        labels: What people say is in them; None without labels.
        complete: Whether every labelled photo is there.
    """

    target: Path
    photos: "Sequence[Photo | Outcome]"
    labels: "LabelSet | None"
    complete: bool = True


@click.command("eval")
@click.argument("target", metavar="LABELS|DIR", type=click.Path(exists=True, path_type=Path))
@click.option("--photos", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Where the labelled photos are.  [default: where LABELS says, else beside it]")  # fmt: skip
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write a page with the numbers, plots and every photo's tags.")  # fmt: skip
@click.option(
    "--init",
    is_flag=True,
    help=f"Help to label {LABELLED} photos of DIR: write a file to fill in, and a page to do it on.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="LABELS",
              help="The file that --init writes, .json or .txt; the page stands beside it.")  # fmt: skip
@click.option("--again", type=click.IntRange(min=0), metavar="N", default=10, show_default=True,
              help="Ask about N photos twice more, to see how steady the answers are.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Ask also where an answer is known.")
@threshold_option(several=True)
@asking_options
@click.option("--vocabulary", type=click.Path(exists=True, dir_okay=False, path_type=Path), envvar="TAGROLL_VOCABULARY",
              help="Use only the tags in this file, one a line.")  # fmt: skip
@scan_options
@shared_options(model="several")
def command(settings: Settings, target: Path, models: tuple[str, ...], **values: Any) -> None:
    """Measure how good, how steady and how fast models are, on photos that you have labelled.

    LABELS is a JSON file {"NAME.jpg": ["tag", "tag"]} or a text file with a line "NAME.jpg: tag, tag" for each photo;
    --init helps to make one. With a folder in its place the models are only compared with each other.

    Answers are remembered, as those of `tagroll tag` are: run it again after an interruption and it goes on where it
    stopped. Nothing is written into photos.
    """
    options = Options(**values)
    if options.init:
        sys.exit(init(target, options))
    if options.output:
        raise UsageError("-o goes with --init", "For the results on a page: --html FILE; as JSON: --json.")
    if options.html and not options.html.absolute().parent.is_dir():  # better said now than after hours
        raise UsageError(f"{options.html} cannot be written: its folder is not there")
    sys.exit(_run(settings, target, models, options))


def _run(settings: Settings, target: Path, names: tuple[str, ...], options: Options) -> int:
    from tagroll.catalog import Catalog
    from tagroll.exiftool.pool import available_exiftool
    from tagroll.metadata.store import MetadataStore
    from tagroll.runs.choose import THRESHOLD_NOTE, choose_model, other_thresholds
    from tagroll.runs.evaluate.results import evaluate

    subject, started = _subject(target, options), time.monotonic()
    exiftool = available_exiftool()
    with ExitStack() as stack:
        catalog = stack.enter_context(Catalog(settings.catalog))
        store = stack.enter_context(MetadataStore(exiftool=exiftool))
        models = []  # all of them before the first photo: a wrong name should not show after hours
        for wish in _wishes(settings, names):
            model = choose_model(wish, exiftool, jobs=options.jobs, patience=options.patience)
            models.append(stack.enter_context(model))
            tell(settings, *model.notes)
        at_thresholds = [(model, *other_thresholds(model, options.thresholds)) for model in models]
        if options.thresholds and not any(others for _, *others in at_thresholds):
            tell(settings, THRESHOLD_NOTE)
        stop = stack.enter_context(stop_on_interrupt())
        sitting = Sitting(settings, subject, options, catalog, store, stop)
        answers: list[Answers] = []
        for model, *others in at_thresholds:
            for answer in sitting.all_answers(model, others):
                answers.append(answer)
                if stop.is_set():  # the other models are not even begun with
                    say(GO_ON)
                    return 130
        results = evaluate(answers, subject.labels)
        if settings.json:
            print_rows(answers, results, time.monotonic() - started)
        else:
            print_results(results)
        if options.html:
            write_page(options.html, subject, answers, results, exiftool)
            tell(settings, f"Written: {show(options.html)}")
    if any(result.seconds_per_photo is None for result in results):
        tell(
            settings, "Where no time stands the answers were known already; --fresh asks again and measures."
        )
    return 0 if subject.complete and not any(result.failures for result in results) else PhotoError.exit_code


def _wishes(settings: Settings, names: tuple[str, ...]) -> Iterator[Settings]:
    """The settings for each model; without names the one that `tagroll tag` would use."""
    from tagroll.runs.choose import NO_HEAD

    served = dataclasses.replace(settings, model_file=None, server_is_explicit=True, model_is_explicit=True)
    for name in dict.fromkeys(names):
        backend: Backend = "builtin" if name in (BUILTIN, NO_HEAD) else "server"
        yield dataclasses.replace(served, model=name, backend=backend)
    if settings.model_file or not names:
        yield settings


def _subject(target: Path, options: Options) -> Subject:
    """The photos, and what people say is in them.

    Raises:
        UsageError: There are none, or the labels cannot be read.
    """
    from tagroll.runs.evaluate.labels import read_labels
    from tagroll.runs.evaluate.selecting import labelled_photos, spread

    if target.is_dir():
        photos = spread(list(scanned([target], options.exclude)), options.limit or COMPARED)
        if not photos:
            raise UsageError(f"there is no photo in {target}")
        return Subject(target, photos, None)
    labels, found, missing = labelled_photos(read_labels(target, options.photos), options.limit)
    for path in missing:
        say(f"left out, it is not there: {show(path)}", mark="!")
    return Subject(target, found, labels, complete=not missing)


@dataclass(frozen=True, slots=True)
class Sitting:
    """All that is needed to ask one model after the other.

    Attributes:
        settings: How progress is shown.
        subject: The photos.
        options: What is asked.
        catalog: Keeps the answers.
        store: Tells pictures apart.
        stop: Ctrl-C sets it.
    """

    settings: Settings
    subject: Subject
    options: Options
    catalog: "Catalog"
    store: "MetadataStore"
    stop: threading.Event

    def all_answers(self, model: "Model", others: "Sequence[Model]") -> "Iterator[Answers]":
        """Ask a model; the others are the same at other thresholds: they need no look and share what it cost."""
        first = self.answers(model)
        yield first
        for other in others:
            yield dataclasses.replace(self.answers(other), cost=first.cost, confidences={})

    def answers(self, model: "Model") -> "Answers":
        """Ask one model about all photos, and about a few of them twice more."""
        from tagroll.models.builtin.describer import BuiltinDescriber
        from tagroll.runs.evaluate.examining import AGAIN, Examination, Examiner, known_cost
        from tagroll.runs.evaluate.results import Answers, answered
        from tagroll.runs.evaluate.selecting import spread

        prompt, name = self.options.prompt(), model.describer.model
        examiner = Examiner(
            model.describer, model.preview, self.store.picture_hash, self.catalog, prompt,
            fresh=self.options.fresh, case=self.options.case,
        )  # fmt: skip
        first = Examination(examiner, self.subject.photos, "first", model.threads, self.stop)
        outcomes = self._ask(first, f"Asking {name}", quiet=False)
        tags = answered(outcomes)
        sample = spread([photo for photo in self.subject.photos if photo.path in tags], self.options.again)
        again, recompressed = (
            answered(
                self._ask(
                    Examination(examiner, sample, way, model.threads, self.stop), "Asking again", quiet=True
                )
            )
            for way in AGAIN
        )
        cost = (
            first.cost
            if self.options.fresh
            else known_cost(self.catalog.runs(), self._arguments, name, prompt)
        )
        question = "" if isinstance(model.describer, BuiltinDescriber) else prompt.text
        return Answers(name, outcomes, again, recompressed, cost, question, first.confidences)

    @property
    def _arguments(self) -> tuple[str, ...]:
        return str(self.subject.target.absolute()), *map(without_password, self.settings.api_urls)

    def _ask(self, examination: "Examination", verb: str, *, quiet: bool) -> dict[Path, Outcome]:
        """Ask, and show how it goes; the first answers are a run in the catalog, with what they have cost."""
        shown = dataclasses.replace(
            self.settings, json=False, verbose=self.settings.verbose and not self.settings.json
        )
        examiner, outcomes = examination.examiner, {}
        run = None if quiet else self.catalog.start_run("eval", self._arguments, examiner.describer.model)
        with Report(
            shown, verb, {Status.UNCHANGED: "answered"}, lambda: len(examination.photos), nothing=UNSURE
        ) as report:
            try:
                for outcome in examination:
                    report.add(outcome)
                    outcomes[outcome.path] = outcome
            except TagrollError:
                say(GO_ON)
                raise
            finally:
                if run is not None:
                    self.catalog.finish_run(run, report.summary() | examination.cost.summary(examiner.prompt))
        if run is not None:
            tell(self.settings, f"{examiner.describer.model}:")
            report.finish()
        return outcomes
