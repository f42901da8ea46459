"""The table of an evaluation: a row a number, a column a model; the same on the terminal and on the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tagroll.runs.evaluate.results import Result
from tagroll.runs.evaluate.scoring import Measure

UNKNOWN = "–"  # noqa: RUF001 - a dash, as tables have it


@dataclass(frozen=True, slots=True)
class Row:
    """One number of all models.

    Attributes:
        name: What it is.
        meaning: What it says, in a few words.
        values: A model each, ready to print.
        details: What stands beside these, or "".
        best: Which of them are the best; empty if none is or it does not matter.
    """

    name: str
    meaning: str
    values: tuple[str, ...]
    details: tuple[str, ...]
    best: frozenset[int]

    @property
    def cells(self) -> tuple[str, ...]:
        """Values and details in one."""
        return tuple(
            f"{value} {detail}".rstrip() for value, detail in zip(self.values, self.details, strict=True)
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a number becomes a row; `better` is 1 where more is better, -1 where less is, 0 where neither."""

    name: str
    meaning: str
    get: Callable[[Result], float | None]
    form: str
    better: int = 0


def _of(name: str) -> Callable[[Result], float | None]:
    def get(result: Result) -> float | None:
        return None if result.measure is None else float(getattr(result.measure, name))

    return get


_MEASURED = (
    _Kind(
        "hit rate, no person", "the same without the label “person”", _of("hit_rate_without_person"), ".3f", 1
    ),
    _Kind("supported", "share of tags that labels or captions speak of", _of("supported_rate"), ".3f", 1),
    _Kind("photos without tags", "share of them", _of("failed"), ".1%", -1),
)
_COUNTED = (
    _Kind("no usable answer", "photos", lambda r: r.failures, ",.0f", -1),
    _Kind("tags a photo", "mean", lambda r: r.tags_per_photo, ".1f"),
    _Kind("vocabulary", "different tags over all photos", lambda r: r.vocabulary, ",.0f"),
    _Kind("same when asked again", "overlap of the tags, 1 is all", lambda r: r.same_again, ".2f", 1),
    _Kind("same when saved anew", "overlap after JPEG compression", lambda r: r.same_recompressed, ".2f", 1),
    _Kind("agreement", "overlap with the other models’ tags", lambda r: r.agreement, ".2f"),  # noqa: RUF001
    _Kind("seconds a photo", "decoding included", lambda r: r.seconds_per_photo, ".3g", -1),
    _Kind("tokens read", "a photo: question and picture", lambda r: r.prompt_tokens, ",.0f"),
    _Kind("tokens written", "a photo", lambda r: r.completion_tokens, ",.0f"),
    _Kind("prompt", "characters", lambda r: r.prompt_characters, ",.0f"),
)


def rows(results: Sequence[Result]) -> list[Row]:
    """The rows in which at least one model has a value."""
    all_rows = [
        _with_interval("quality", "hit rate × (1 - wrong rate), 95% interval", results, 1),  # noqa: RUF001
        _with_interval("hit rate", "share of a photo’s labels that is found", results, 1),  # noqa: RUF001
        *(_row(kind, results) for kind in _MEASURED[:1]),
        _with_interval("wrong rate", "share of the checkable tags that are wrong", results, -1),
        *(_row(kind, results) for kind in _MEASURED[1:] + _COUNTED),
    ]
    return [row for row in all_rows if any(value != UNKNOWN for value in row.values)]


def _row(kind: _Kind, results: Sequence[Result]) -> Row:
    numbers = [kind.get(result) for result in results]
    values = tuple(UNKNOWN if n is None else format(n, kind.form) for n in numbers)
    return Row(kind.name, kind.meaning, values, ("",) * len(values), _best(values, numbers, kind.better))


def _with_interval(name: str, meaning: str, results: Sequence[Result], better: int) -> Row:
    key = name.replace(" ", "_")
    numbers = [_of(key)(result) for result in results]
    values = tuple(UNKNOWN if n is None else f"{n:.3f}" for n in numbers)
    intervals = tuple(_interval(result.measure, key) for result in results)
    return Row(name, meaning, values, intervals, _best(values, numbers, better))


def _interval(measure: Measure | None, key: str) -> str:
    if measure is None:
        return ""
    low, high = getattr(measure, f"{key}_ci95")
    return f"({low:.2f}-{high:.2f})"


def _best(values: Sequence[str], numbers: Sequence[float | None], better: int) -> frozenset[int]:
    """Where the best value stands, by what is printed; nothing if all are the same."""
    known = [
        (number * better, value) for number, value in zip(numbers, values, strict=True) if number is not None
    ]
    if not better or len({value for _, value in known}) < 2:
        return frozenset()
    best = max(known)[1]
    return frozenset(place for place, value in enumerate(values) if value == best)
