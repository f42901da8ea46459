"""The numbers of an evaluation: what comes out of the answers of each model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from tagroll.domain import Description, Outcome, Status
from tagroll.runs.evaluate.examining import Cost
from tagroll.runs.evaluate.labels import LabelSet
from tagroll.runs.evaluate.reliability import Bin, reliability
from tagroll.runs.evaluate.scoring import Measure, PhotoScore, Scorer, fold, jaccard, measure
from tagroll.runs.words import Placed

Tags = Mapping[Path, tuple[str, ...]]


def _all_of(keywords: Sequence[str]) -> Placed:
    return Placed(tuple(keywords))


@dataclass(frozen=True, slots=True)
class EvaluationAnswers:
    """What one model said.

    Attributes:
        model: Its name.
        outcomes: Photo -> how it went.
        again: Photo -> tags, where the very same picture was shown once more.
        recompressed: Photo -> tags, where it was shown saved anew.
        cost: What the first answers have cost, as far as that is known.
        question: The words that went with the picture, "" for a model that reads none.
        confidences: Photo -> how likely each word is; empty for a model that does not tell, and for one that differs
            from another only in its threshold.
        said: Photo -> its answer.
        placed: What becomes of keywords.
    """

    model: str
    outcomes: Mapping[Path, Outcome]
    again: Tags
    recompressed: Tags
    cost: Cost
    question: str
    confidences: Mapping[Path, Mapping[str, float]] = field(default_factory=dict)
    said: Mapping[Path, Description] = field(default_factory=dict, repr=False)
    placed: Callable[[Sequence[str]], Placed] = _all_of

    @property
    def tags(self) -> dict[Path, tuple[str, ...]]:
        """The tags of the photos that were answered about."""
        return answered(self.outcomes)


@dataclass(frozen=True, slots=True)
class Result:
    """How one model did. None is what was not measured.

    Attributes:
        model: Its name.
        photos: How many it was shown.
        failures: Photos for which it gave no usable answer.
        measure: How good its tags are; only on labelled photos.
        tags_per_photo: Tags a photo that was answered.
        vocabulary: Different tags over all photos.
        same_again: Mean Jaccard index (0 to 1) of a photo's tags with those of a second, fresh answer.
        same_recompressed: Likewise with the photo saved anew.
        agreement: Likewise with the other models' tags for the same photo.
        seconds_per_photo: Decoding included, as many at once as the model takes.
        prompt_tokens: Mean of a photo, as the server counted; the picture's are among them.
        completion_tokens: Likewise, of the answer.
        prompt_characters: Length of the question; None for a model that reads none.
        reliability: How often words of a given probability are right; empty where that is not known.
        scores: Photo -> how its tags did.
    """

    model: str
    photos: int
    failures: int
    measure: Measure | None
    tags_per_photo: float
    vocabulary: int
    same_again: float | None
    same_recompressed: float | None
    agreement: float | None
    seconds_per_photo: float | None
    prompt_tokens: float | None
    completion_tokens: float | None
    prompt_characters: int | None
    reliability: tuple[Bin, ...] = ()
    scores: Mapping[Path, PhotoScore] = field(default_factory=dict, repr=False)


def answered(outcomes: Mapping[Path, Outcome]) -> dict[Path, tuple[str, ...]]:
    """The tags of the photos that were answered about."""
    return {path: outcome.tags for path, outcome in outcomes.items() if outcome.status is not Status.FAILED}


def evaluate(answers: Sequence[EvaluationAnswers], labels: LabelSet | None) -> list[Result]:
    """Work out the numbers of every model, at least one photo each."""
    scorer = Scorer(labels.synonyms) if labels else None
    results = []
    for one in answers:
        tags, cost = one.tags, one.cost
        scores = _scores(one, labels, scorer) if labels and scorer else {}
        results.append(Result(
            model=one.model,
            photos=len(one.outcomes),
            failures=len(one.outcomes) - len(tags),
            measure=measure(list(scores.values())) if scores else None,
            tags_per_photo=fmean(map(len, tags.values())) if tags else 0.0,
            vocabulary=len({fold(tag) for each in tags.values() for tag in each}),
            same_again=likeness(tags, one.again),
            same_recompressed=likeness(tags, one.recompressed),
            agreement=_mean([likeness(tags, other.tags) for other in answers if other is not one]),
            seconds_per_photo=cost.seconds / cost.timed if cost.timed else None,
            prompt_tokens=cost.prompt_tokens / cost.asked if cost.prompt_tokens else None,
            completion_tokens=cost.completion_tokens / cost.asked if cost.completion_tokens else None,
            prompt_characters=len(one.question) or None,
            reliability=reliability(one.confidences, labels, scorer) if labels and scorer else (),
            scores=scores,
        ))  # fmt: skip
    return results


def _scores(answers: EvaluationAnswers, labels: LabelSet, scorer: Scorer) -> dict[Path, PhotoScore]:
    """The score of every photo, in the order of the labels: the intervals are drawn in this order."""
    tags = answers.tags
    return {
        p: scorer.photo(truth, tags.get(p, ())) for p, truth in labels.photos.items() if p in answers.outcomes
    }


def likeness(some: Tags, others: Tags) -> float | None:
    """Mean Jaccard index of the tags of the photos that are in both; None if there are none."""
    return _mean([jaccard(some[photo], tags) for photo, tags in others.items() if photo in some])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
