"""Asking one model about the photos of an evaluation: first all of them, then a few once more.

EvaluationAnswers are kept in the catalog under the same key as those of `tagroll tag`, second answers under keys of
their own; so nothing is asked twice, and what one command has learned the other need not ask.
"""

import dataclasses
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tagroll.catalog import RunRow
from tagroll.domain import Describer, Description, Outcome, Photo, Preview, Prompt, Status
from tagroll.errors import StoppedError
from tagroll.parallel import map_unordered
from tagroll.runs.evaluate.pictures import recompressed
from tagroll.runs.guard import guard
from tagroll.runs.look import Looker, Questions
from tagroll.runs.run import Workspace
from tagroll.runs.words import Placed

Way = Literal["first", "again", "recompressed"]
"""How a photo is shown: for the first time; the very same once more; saved anew as a smaller JPEG."""

AGAIN: tuple[Way, ...] = ("again", "recompressed")


@dataclass(frozen=True, slots=True)
class Cost:
    """What answers have cost.

    Attributes:
        asked: Photos the model was asked about.
        timed: Those of them that count for the time: not the first one, with which a model may be loaded.
        seconds: What these took, decoding included, many at once as the model takes them.
        prompt_tokens: Of all that were asked, as the server counted.
        completion_tokens: Likewise.
    """

    asked: int = 0
    timed: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            *(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True))
        )

    def summary(self, prompt: Prompt) -> dict[str, int]:
        """As it is kept with the run in the catalog, with the prompt it is for."""
        row = dataclasses.asdict(self) | {
            "seconds": round(self.seconds * 1000),
            "prompt": _number(prompt),
        }
        return {f"cost_{name}": value for name, value in row.items()}


def _number(prompt: Prompt) -> int:
    """Tells prompts apart among the counts of a run."""
    return zlib.crc32(prompt.key.encode())


def known_cost(runs: Sequence[RunRow], arguments: Sequence[str], model: str, prompt: Prompt) -> Cost:
    """What this evaluation has cost so far, over all its runs: one may have been cut off and gone on with."""
    total = Cost()
    for run in runs:
        row = run.summary
        same = (run.command, run.arguments, run.model) == ("eval", tuple(arguments), model)
        if same and row.get("cost_prompt") == _number(prompt):
            asked, timed, ms, said, answered = (
                row.get(f"cost_{f.name}", 0) for f in dataclasses.fields(Cost)
            )
            total += Cost(asked, timed, ms / 1000, said, answered)
    return total


@dataclass(slots=True)
class Survey:
    """Asks about photos while it is iterated over; knows then what it has cost.

    Attributes:
        questions: Asks the model.
        photos: What the scan found; what it could not read fails.
        way: How they are shown.
        threads: How many at once.
        stop: Once it is set, only what is in flight is finished.
        placed: What becomes of keywords.
        cost: Of what was asked so far.
        confidences: Photo -> how likely each word is, where the answer tells.
        answers: Photo -> what the model said.
    """

    questions: Questions
    photos: Sequence[Photo | Outcome]
    way: Way
    threads: int
    stop: threading.Event
    placed: Callable[[Sequence[str]], Placed]
    cost: Cost = Cost()
    confidences: dict[Path, Mapping[str, float]] = field(default_factory=dict)
    answers: dict[Path, Description] = field(default_factory=dict)

    @property
    def describer(self) -> Describer:
        """The model."""
        return self.questions.looker.describer

    def __iter__(self) -> Iterator[Outcome]:
        """Every photo's outcome, in no particular order.

        Raises:
            ServerError, CatalogError: The run cannot go on.
        """
        before = self.describer.stats
        photos = iter(self.photos)
        started, asked, timed = time.monotonic(), 0, 0
        try:
            for photo in photos:  # one by one until the model had to work: a server may load it only then
                if self.stop.is_set():
                    break
                try:
                    outcome = self._one(photo)
                except StoppedError:
                    break
                asked += outcome.asked
                started = time.monotonic()
                yield outcome
                if outcome.asked or outcome.status is Status.FAILED:
                    break
            for outcome in map_unordered(self._one, photos, threads=self.threads, stop=self.stop):
                timed += outcome.asked
                yield outcome
        finally:
            seconds = time.monotonic() - started if timed else 0.0
            spent = self.describer.stats
            read, written = (
                getattr(spent, name) - getattr(before, name)
                for name in ("prompt_tokens", "completion_tokens")
            )
            self.cost = Cost(asked + timed, timed, seconds, read, written)

    def _one(self, photo: Photo | Outcome) -> Outcome:
        if isinstance(photo, Outcome):
            return photo
        return guard(photo.path, lambda: self._outcome(photo))

    def _outcome(self, photo: Photo) -> Outcome:
        looker = self.questions.looker
        look = self.questions.look(photo, looker.picture_hash(photo))
        self.answers[photo.path] = look.answer
        if look.answer.confidences:
            self.confidences[photo.path] = look.answer.confidences
        placed = self.placed(look.answer.keywords)
        return Outcome(photo.path, Status.UNCHANGED, placed.tags, asked=look.asked, unlisted=placed.unlisted)


def questions_for(
    describer: Describer, way: Way, prompt: Prompt, space: Workspace, *, fresh: bool
) -> Questions:
    """What asks a model about photos that are shown in a way.

    Args:
        describer: The model.
        way: How they are shown. Each way has a key of its own, under which its answers are kept.
        prompt: What is asked; the same as `tagroll tag` asks.
        space: Keeps the answers, tells pictures apart, makes previews.
        fresh: Ask also where an answer is kept; but not a model that rereads what another one has said.
    """
    question = prompt
    preview: Callable[[Photo], Preview] = space.preview
    if way != "first":
        question = dataclasses.replace(prompt, key=f"{prompt.key} {way}")
    if way == "recompressed":
        preview = _recompressing(preview)
    looker = Looker(describer, preview, space.store.picture_hash, question)
    again = fresh and describer.cache_name == describer.model
    return Questions(looker, space.catalog.answers, again, just_this=True)


def _recompressing(preview: Callable[[Photo], Preview]) -> Callable[[Photo], Preview]:
    return lambda photo: recompressed(preview(photo))
