"""What a person asks for: `tag:beach -tag:person year:2019..2021 sunset over water`.

A term is a field and a value, with a "-" before it for "not"; all terms have to fit. Words without a field, and with one
that is not known here, are text: they are searched for. Nothing that can be typed is an error. The page has the same
grammar (`web/static/query.js`); both pass `tests/query_cases.json`.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagroll.runs.columns import CAPTION, FILE_DATE, NO_RATING, REVIEW, UNREADABLE
from tagroll.tags.identity import LEVEL, identity

if TYPE_CHECKING:
    from tagroll.runs.columns import Columns

    Array = np.ndarray[tuple[int], np.dtype[Any]]

TOKEN = re.compile(r'-?(?:[a-z]+:)?(?:"[^"]*"?|[^\s"]+)+', re.IGNORECASE)
"""A word, or several in quotation marks, with a field before it or none."""
_TERM = re.compile(r"(-?)([a-z]+):(.*)", re.IGNORECASE | re.DOTALL)
_COMPARED = re.compile(r"(>=|<=|>|<)(.+)", re.DOTALL)
_DAY = re.compile(r"(\d{1,4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local time
_DAY_S = 86_400
Span = tuple[float, float]
"""The lowest and the highest of a range, both within it."""
_NOTHING: Span = (math.inf, -math.inf)


@dataclass(frozen=True, slots=True)
class Shown:
    """One photo as a face shows it.

    Attributes:
        id: Its number in the catalog.
        path: Where it is.
        format: The name of its format, "" when unknown.
        width: Of the upright picture; 0 when unknown.
        height: Likewise.
        taken: Local seconds since 1970-01-01 as the camera's clock told it; None: not told.
        camera: Maker and model, or "".
        latitude: In degrees, or None.
        longitude: Likewise.
        rating: 0 to 5, -1: rejected, None: none.
        title: Or "".
        description: Or "".
        tags: In the order of the file.
        folder: Its folder as it is shown, from the name of the served folder on.
        picture_hash: Of the file as it is, "" when unknown.
        stamp: Size and times of the file as it was read, or "".
        error: Why it cannot be read, or "".
        hint: What can be done about that, or "".
        review: Whether there is a proposal to judge.
    """

    id: int
    path: Path
    format: str = ""
    width: int = 0
    height: int = 0
    taken: int | None = None
    camera: str = ""
    latitude: float | None = None
    longitude: float | None = None
    rating: int | None = None
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    folder: str = ""
    picture_hash: str = ""
    stamp: str = ""
    error: str = ""
    hint: str = ""
    review: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition.

    Attributes:
        field: Its field, in lower case; one of FIELDS.
        value: What it is compared with, without quotation marks.
        is_not: Whether it must not fit.
    """

    field: str
    value: str
    is_not: bool = False

    def __str__(self) -> str:
        """As it is typed."""
        value = f'"{self.value}"' if re.search(r"\s", self.value) else self.value
        return f"{'-' if self.is_not else ''}{self.field}:{value}"

    def fits(self, columns: "Columns") -> "Array":
        """Of each photo, in order, whether it is as the term wants it."""
        fits: Array = FIELDS[self.field](columns, self.value) != self.is_not
        return fits

    @property
    def mistake(self) -> str:
        """Why no photo can be so, whatever photos there are, or ""."""
        value = self.value.lower()
        if self.field in ("year", "date") and _days(self.value) == _NOTHING:
            return f"{self} is no date: write {self.field}:2019, {self.field}:2019-06..2021 or {self.field}:2019.."
        if self.field == "rating" and _numbers(self.value) == _NOTHING:
            return f"{self} is no number: write rating:4 or rating:3.."
        if value not in (known := _WORDS.get(self.field, {value: None})):
            return f"{self} means nothing: there is {', '.join(f'{self.field}:{word}' for word in known)}"
        return ""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for.

    Attributes:
        terms: The conditions.
        text: The words to search for, as they were typed.
    """

    terms: tuple[Clause, ...] = ()
    text: str = ""

    @property
    def is_about_review(self) -> bool:
        """Whether it matters which photos have a proposal to be judged."""
        return any((term.field, term.value.lower()) == ("is", "review") for term in self.terms)

    def fits(self, columns: "Columns") -> "Array":
        """Of each photo, in order, whether all conditions fit; the text is not looked at."""
        everything: Array = np.ones(len(columns), bool)
        for term in self.terms:
            everything &= term.fits(columns)
        return everything


def parse(typed: str) -> Query:
    """Understand what was typed. A field without a value is one that is still being typed, and no condition."""
    terms, words = [], []
    for token in TOKEN.findall(typed):
        found = _TERM.fullmatch(token)
        field = found[2].lower() if found else ""
        if not found or field not in FIELDS:
            words.append(token)
        elif value := found[3].replace('"', "").strip():
            terms.append(Clause(field, value, found[1] == "-"))
    return Query(tuple(terms), " ".join(words))


@lru_cache(maxsize=1 << 14)
def folded(text: str) -> str:
    """A text without regard to letter case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in plain if not unicodedata.category(sign).startswith("M")).lower()


# the fields ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def is_meant(tag: str, value: str) -> bool:
    """Whether a tag is the one that is named, or has it as a level or some levels of its path.

    Quotation marks do not count: those around a value cannot be told from those in it.
    """
    return _levels(value) in _levels(tag.replace('"', ""))


def _levels(tag: str) -> str:
    return f"{LEVEL}{LEVEL.join(map(identity, tag.split(LEVEL)))}{LEVEL}"


def _date(columns: "Columns", value: str) -> "Array":
    return _between(columns.of("second") // _DAY_S, _days(value))


def _between(values: "Array", span: Span) -> "Array":
    between: Array = (values >= span[0]) & (values <= span[1])
    return between


@lru_cache(maxsize=256)
def _days(value: str) -> Span:
    """The first and the last day, in days since 1970-01-01, of a day, month or year, or of a range of such."""
    return _range(value, _span)


def _range(value: str, read: Callable[[str], Span | None]) -> Span:
    """The lowest and the highest that a value allows: "2019", ">=2019", "2019..2021", "..2021". Nothing where it is none."""
    if compared := _COMPARED.fullmatch(value):
        one = read(compared[2])
        return _NOTHING if one is None else {
            ">=": (one[0], math.inf), "<=": (-math.inf, one[1]), ">": (one[1] + 1, math.inf), "<": (-math.inf, one[0] - 1),
        }[compared[1]]  # fmt: skip
    first, dots, last = value.partition("..")
    start, end = read(first), read(last) if dots else read(first)
    if (first and start is None) or (last and end is None) or not (first or last):
        return _NOTHING
    return (start[0] if start else -math.inf, end[1] if end else math.inf)


def _span(text: str) -> Span | None:
    """The first and the last day of a day, month or year."""
    found = _DAY.fullmatch(text.strip())
    if not found:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    try:
        first = datetime(year, month or 1, day or 1)  # noqa: DTZ001 - local time
        if day:
            following = first + timedelta(days=1)
        else:
            following = datetime(*((year, month + 1) if 0 < month < 12 else (year + 1, 1)), 1)  # noqa: DTZ001 - local time
    except (ValueError, OverflowError):
        return None
    return (first - _EPOCH).days, (following - _EPOCH).days - 1


def _rating(columns: "Columns", value: str) -> "Array":
    ratings = columns.of("rating")
    fits: Array = _between(ratings, _numbers(value)) & (ratings != NO_RATING)
    return fits


@lru_cache(maxsize=256)
def _numbers(value: str) -> Span:
    """The lowest and the highest of a number or a range."""
    return _range(value, _number)


def _number(text: str) -> Span | None:
    return (int(text), int(text)) if _NUMBER.fullmatch(text.strip()) else None


Test = Callable[["Columns"], "Array"]


def _flag(flag: int, *, is_set: bool = True) -> Test:
    def test(columns: "Columns") -> "Array":
        found: Array = (columns.of("flags") & flag != 0) == is_set
        return found

    return test


def _is_untagged(columns: "Columns") -> "Array":
    """What cannot be read may have some."""
    found: Array = (columns.of("ntags") == 0) & (columns.of("flags") & UNREADABLE == 0)
    return found


def _has_place(columns: "Columns") -> "Array":
    found: Array = ~np.isnan(columns.of("lat"))
    return found


def _never(columns: "Columns") -> "Array":
    return np.zeros(len(columns), bool)


_WORDS: Mapping[str, Mapping[str, Test]] = {
    "is": {
        "untagged": _is_untagged,
        "review": _flag(REVIEW),
        "unreadable": _flag(UNREADABLE),
    },
    "has": {
        "gps": _has_place,
        "caption": _flag(CAPTION),
        "rating": lambda columns: columns.of("rating") != NO_RATING,
        "date": _flag(FILE_DATE, is_set=False),
        "camera": lambda columns: columns.of("camera") != 0,
    },
}
"""Fields whose values are words."""


def _word(field: str) -> Callable[["Columns", str], "Array"]:
    def fits(columns: "Columns", value: str) -> "Array":
        return _WORDS[field].get(value.lower(), _never)(columns)

    return fits


FIELDS: Mapping[str, Callable[["Columns", str], "Array"]] = {
    "tag": lambda columns, value: columns.with_tag(lambda tag: is_meant(tag, value)),
    "year": _date,
    "date": _date,
    "folder": lambda columns, value: columns.in_folder(lambda name: folded(value) in folded(name)),
    "camera": lambda columns, value: columns.by_camera(lambda name: folded(value) in folded(name)),
    "rating": _rating,
    "is": _word("is"),
    "has": _word("has"),
}
"""What a term with a value says of photos, by its field. A value that is none fits no photo."""
