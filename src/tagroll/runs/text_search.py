"""From words as people type them to an expression of SQLite's FTS5, which they can neither break nor steer."""

import re

from tagroll.catalog import as_text
from tagroll.runs.query import TOKEN

_PLACES = {
    "title": "title", "description": "description", "caption": "{title description}", "name": "name", "text": "",
}  # fmt: skip
"""Fields of which the text alone is searched."""
_WORD = re.compile(r"\w", re.UNICODE)


def expressions_for(words: str) -> tuple[str, str]:
    """What has to be there, all of it, of the last word at least the beginning; and what must not, any of it ("": nothing)."""
    wanted: list[str] = []
    unwanted: list[str] = []
    tokens = TOKEN.findall(_plain(words))
    for place, token in enumerate(tokens, start=1):
        is_not = token.startswith("-") and len(token) > 1
        bare = token[1:] if is_not else token
        is_last = place == len(tokens) and not words[-1:].isspace() and not bare.endswith('"')
        if term := _term(bare, prefix=is_last):
            (unwanted if is_not else wanted).append(term)
    return " AND ".join(wanted), " OR ".join(unwanted)


def plain_words(words: str) -> str:
    """What is asked for as a plain text, without what must not be there."""
    tokens = (
        token for token in TOKEN.findall(_plain(words)) if not (token.startswith("-") and len(token) > 1)
    )
    return " ".join(" ".join(tokens).replace('"', " ").split())


def _plain(words: str) -> str:
    """Without what ends a text for SQLite, and what is none."""
    return as_text(words.replace("\0", " "))


def _term(token: str, *, prefix: bool) -> str:
    field, colon, value = token.partition(":")
    place = _PLACES.get(field.lower()) if colon else None
    phrase = (token if place is None else value).replace('"', " ").strip()
    if not _WORD.search(phrase):  # FTS5 finds nothing in it
        return ""
    quoted = f'"{phrase}"{"*" if prefix else ""}'
    return f"{place} : {quoted}" if place else quoted
