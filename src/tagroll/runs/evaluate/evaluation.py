"""Asking models about photos, one model after the other: first all photos, then a few once more."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tagroll.domain import Outcome, Photo, Prompt
from tagroll.errors import UsageError
from tagroll.models.choose import THRESHOLD_NOTE, Model, other_thresholds
from tagroll.models.prompt import build_prompt
from tagroll.runs.bars import Bars
from tagroll.runs.evaluate.examining import AGAIN, Survey, Way, known_cost, questions_for
from tagroll.runs.evaluate.labels import LabelSet, read_labels
from tagroll.runs.evaluate.results import EvaluationAnswers, answered
from tagroll.runs.evaluate.selecting import labelled_photos, spread
from tagroll.runs.run import Tally, Workspace
from tagroll.runs.words import WordRequest, Words
from tagroll.settings import BUILTIN_MODELS, DEFAULT_MAX_TAGS, Backend, Case, Settings, without_password

COMPARED = 100
"""Photos that models are compared on when none are labelled and nothing is said about how many."""


@dataclass(frozen=True, slots=True)
class EvaluationInput:
    """What an evaluation is about.

    Attributes:
        target: The file of labels or the folder, as the user gave it.
        photos: What is shown to the models.
        labels: What people say is in them; None without labels.
        missing: Labelled photos that are not there.
    """

    target: Path
    photos: Sequence[Photo | Outcome]
    labels: LabelSet | None = None
    missing: Sequence[Path] = ()


def labelled_input(labels: Path, folder: Path | None, limit: int | None) -> EvaluationInput:
    """The photos of a file of labels; `folder` says where they are, None leaves it to the file.

    Raises:
        UsageError: The labels cannot be read.
    """
    known, found, missing = labelled_photos(read_labels(labels, folder), limit)
    return EvaluationInput(labels, found, known, missing)


def folder_input(folder: Path, found: Iterable[Photo | Outcome], limit: int | None) -> EvaluationInput:
    """Some of the photos found in a folder, spread over it.

    Raises:
        UsageError: There are none.
    """
    photos = spread(list(found), limit or COMPARED)
    if not photos:
        raise UsageError(f"there is no photo in {folder}")
    return EvaluationInput(folder, photos)


def model_settings(settings: Settings, names: Sequence[str]) -> Iterator[Settings]:
    """The settings for each model; without names the one that `tagroll tag` would use."""
    served = dataclasses.replace(settings, model_file=None, server_is_explicit=True, model_is_explicit=True)
    for name in dict.fromkeys(names):
        backend: Backend = "builtin" if name in BUILTIN_MODELS else "server"
        yield dataclasses.replace(served, model=name, backend=backend)
    if settings.model_file or not names:
        yield settings


def threshold_notes(
    models: Iterable[Model], thresholds: Sequence[float], *, checked: bool
) -> tuple[str, ...]:
    """What the user is told where thresholds have no effect, as no model has one; `checked`: any has."""
    without = thresholds and not checked and not any(other_thresholds(model, thresholds) for model in models)
    return (THRESHOLD_NOTE,) if without else ()


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """How models are asked.

    Attributes:
        again: Photos that are asked about twice more.
        fresh: Ask also where an answer is known.
        max_tags: At most so many tags a photo.
        case: Letter case of the tags.
        language: Of the tags; None for English.
        words: What a person says of the words.
        prompt_text: The person's own words to the model, or None.
        votes: How many answers about a photo are compared.
        checked: The models are asked again of each of their words.
        bars: How sure they have to be then.
    """

    again: int = 10
    fresh: bool = False
    max_tags: int = DEFAULT_MAX_TAGS
    case: Case = "title"
    language: str | None = None
    words: WordRequest = field(default_factory=WordRequest)
    prompt_text: str | None = None
    votes: int = 1
    checked: bool = False
    bars: Bars = field(default_factory=Bars)

    def prompt(self) -> Prompt:
        """What the models are asked: what `tagroll tag` asks."""
        return build_prompt(
            "tags", max_tags=self.max_tags, language=self.language,
            wordlist=self.words.wordlist, prompt_file_text=self.prompt_text, votes=self.votes,
            check=self.checked,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Round:
    """Photos that a model is asked about.

    Attributes:
        model: Its name.
        way: How they are shown.
        total: How many there are.
        tally: Counts its answers.
    """

    model: str
    way: Way
    total: int
    tally: Tally


Watch = Callable[[Round, Iterable[Outcome]], Iterator[Outcome]]
"""Shows the answers of a round, and passes them on."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that is needed to ask one model after the other.

    Attributes:
        space: Keeps the answers, tells pictures apart, makes previews.
        subject: The photos.
        request: How they are asked about.
        watch: Shows how it goes.
    """

    space: Workspace
    subject: EvaluationInput
    request: EvaluationRequest
    watch: Watch

    def all_answers(self, model: Model, thresholds: Sequence[float] = ()) -> Iterator[EvaluationAnswers]:
        """Ask a model; then the same at other thresholds, which needs no look and shares what it cost."""
        first = self.answers(model)
        yield first
        for other in other_thresholds(model, thresholds):
            yield dataclasses.replace(self.answers(other), cost=first.cost, confidences={})
        for threshold in dict.fromkeys(thresholds) if any(said.said for said in first.said.values()) else ():
            request = dataclasses.replace(self.request, bars=Bars(threshold), fresh=False)
            there = dataclasses.replace(self, request=request).answers(model)
            name = f"{first.model}@{threshold:g}"
            yield dataclasses.replace(there, model=name, cost=first.cost, confidences={})

    def answers(self, model: Model) -> EvaluationAnswers:
        """Ask one model about all photos, and about a few of them twice more."""
        prompt, name, space = self.request.prompt(), model.describer.model, self.space
        words = self.request.words.words_among({}, (), counts=space.catalog.photos.words())
        survey = partial(self._survey, model, words)
        first = survey(self.subject.photos, "first")
        outcomes = self._first(first)
        tags = answered(outcomes)
        sample = spread([photo for photo in self.subject.photos if photo.path in tags], self.request.again)
        again, recompressed = (answered(self._asked(survey(sample, way), Tally())) for way in AGAIN)
        known = known_cost(space.catalog.runs.all(), self._arguments, name, prompt)
        question = prompt.text if model.describer.served_as else ""
        cost = first.cost if self.request.fresh else known
        return EvaluationAnswers(
            name,
            outcomes,
            again,
            recompressed,
            cost,
            question,
            first.confidences,
            first.answers,
            first.placed,
        )

    def _survey(self, model: Model, words: Words, photos: Sequence[Photo | Outcome], way: Way) -> Survey:
        request, space = self.request, self.space
        questions = questions_for(model.describer, way, request.prompt(), space, fresh=request.fresh)
        questions = dataclasses.replace(questions, judge=request.bars.judged)
        placed = partial(words.of, case=request.case, limit=request.max_tags)
        return Survey(questions, photos, way, model.threads, space.stop, placed)

    def _first(self, survey: Survey) -> Mapping[Path, Outcome]:
        """The first answers are a run in the catalog, with what they have cost."""
        with self.space.begin("eval", self._arguments, model=survey.describer.model) as run:
            try:
                return self._asked(survey, run.tally)
            finally:
                run.extra = survey.cost.summary(self.request.prompt())

    def _asked(self, survey: Survey, tally: Tally) -> dict[Path, Outcome]:
        name, total = survey.describer.model, len(survey.photos)
        watched = self.watch(Round(name, survey.way, total, tally), tally.counted(survey))
        return {outcome.path: outcome for outcome in watched}

    @property
    def _arguments(self) -> tuple[str, ...]:
        return str(self.subject.target.absolute()), *map(without_password, self.space.settings.api_urls)
