"""From words as people type them to an expression of SQLite's FTS5, which they can neither break nor steer."""

import re

_TOKEN = re.compile(r'-?(?:[a-z]+:)?(?:"[^"]*"?|[^\s"]+)+', re.IGNORECASE)
_PLACES = {
    "title": "title", "description": "description", "caption": "{title description}", "name": "name", "text": "",
}  # fmt: skip
"""Fields of which the text alone is searched."""
_WORD = re.compile(r"\w", re.UNICODE)


def expressions_for(words: str) -> tuple[str, str]:
    """What has to be there, all of it, of the last word at least the beginning; and what must not, any of it ("": nothing)."""
    wanted: list[str] = []
    unwanted: list[str] = []
    tokens = _TOKEN.findall(words)
    for token in tokens:
        is_not = token.startswith("-") and len(token) > 1
        bare = token[1:] if is_not else token
        is_last = token is tokens[-1] and not words[-1:].isspace() and not bare.endswith('"')
        if term := _term(bare, prefix=is_last):
            (unwanted if is_not else wanted).append(term)
    return " AND ".join(wanted), " OR ".join(unwanted)


def plain_words(words: str) -> str:
    """What is asked for as a plain text, without what must not be there."""
    tokens = (token for token in _TOKEN.findall(words) if not (token.startswith("-") and len(token) > 1))
    return " ".join(" ".join(tokens).replace('"', " ").split())


def _term(token: str, *, prefix: bool) -> str:
    field, colon, value = token.partition(":")
    place = _PLACES.get(field.lower()) if colon else None
    phrase = (token if place is None else value).replace('"', " ").strip()
    if not _WORD.search(phrase):  # FTS5 finds nothing in it
        return ""
    quoted = f'"{phrase}"{"*" if prefix else ""}'
    return f"{place} : {quoted}" if place else quoted
