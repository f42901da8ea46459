"""The words of the built-in model in other languages.

data/languages.tsv has a row for each word and a column for each language, written by hand; docs/quality.md says how it was
checked. Within a language no two words are the same, so that an answer can be turned back into English.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

ENGLISH = "English"


@cache
def _table() -> tuple[tuple[str, ...], ...]:
    """The columns, each with the language's English name first."""
    text = files("tagroll.models.builtin").joinpath("data/languages.tsv").read_text("utf-8")
    return tuple(zip(*(line.split("\t") for line in text.splitlines()), strict=True))


def languages() -> tuple[str, ...]:
    """What the built-in model can answer in, by English names; English is the first."""
    return tuple(column[0] for column in _table())


@cache
def words_in(language: str) -> Mapping[str, str]:
    """English word -> the word of a language, in small letters but where that language wants capitals; empty for English."""
    english, *others = _table()
    return next(
        (dict(zip(english[1:], words, strict=True)) for name, *words in others if name == language), {}
    )
