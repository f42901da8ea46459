"""JSON as models write it: found anywhere in a text, and read as far as it makes sense.

Valid JSON is read by the standard library alone. Only what it refuses goes to the tolerant reader, which
takes single and typographic quotes, bare words, comments, missing and trailing commas, Python's tuples, sets
and None, full-width punctuation, and an end in mid-air: whole items stay, the half one at the end goes.
"""
# ruff: noqa: RUF001 - full-width punctuation is meant

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tagroll.models.reply.late import late

_MAX_DEPTH = 24


@dataclass(frozen=True, slots=True)
class Found:
    """A JSON value, where in the text it stands, and whether all of it is there."""

    value: Any
    start: int
    end: int
    whole: bool = True


def find_json(text: str) -> Iterator[Found]:
    """Every outermost object and array in a text, in order."""
    opener = late(r"[{\[]|\((?=\s*(?:\d+,\s*)?[\"'])")
    start, wasted = 0, 0
    if _BODY.match(text):
        reader = _Reader(text, 0)
        value = reader.container("")
        if reader.bare_words == 0:
            yield Found(value, 0, reader.pos, not reader.cut)
            start = reader.pos
    # Reading on from a bracket that turns out to be prose is wasted; a limit to that keeps time linear.
    while (match := opener.search(text, start)) and wasted <= len(text):
        found = _strict(text, match.start())
        if not found:
            found, end = _tolerant(text, match.start())
            wasted += 0 if found else end - match.start()
        if found:
            yield found
        start = found.end if found else match.end()


# The server was told how the answer begins, so that its first bracket is missing.
_BODY = late(r'\s*+"[^"\n]{1,80}"\s*+(?::\s*+["\[{]|,\s*+")')


def _merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which a key that comes again adds to its value."""
    merged: dict[str, Any] = {}
    for key, value in pairs:
        if key in merged:
            before = merged[key] if isinstance(merged[key], list) else [merged[key]]
            merged[key] = before + (value if isinstance(value, list) else [value])
        else:
            merged[key] = value
    return merged


_decoder = json.JSONDecoder(strict=False, object_pairs_hook=_merged)


def _strict(text: str, start: int) -> Found | None:
    try:
        value, end = _decoder.raw_decode(text, start)
    except (ValueError, RecursionError):  # RecursionError: thousands of brackets in a row
        return None
    return Found(value, start, end)


def _tolerant(text: str, start: int) -> tuple[Found | None, int]:
    """The value, unless it is prose, and how far the reader came."""
    reader = _Reader(text, start + 1)
    value = reader.container(text[start])
    # "[Image]", "{name}", "[x]" and f("x") are prose; so is a bracket that never closes around bare words.
    is_cut = reader.cut and text[:start].rstrip()[-1:] in ("", ":", "=")
    is_data = reader.strings > (text[start] == "(") or (reader.bare_words > 1 and not reader.cut)
    found = Found(value, start, reader.pos, not reader.cut) if (is_data and value) or is_cut else None
    return found, reader.pos


_CLOSERS = {"{": "}", "[": "]", "(": ")", "": ""}
_QUOTES = {
    '"': '"”',
    "“": '”"',
    "„": '“”"',
    "'": "'\u2019",
    "\u2018": "\u2019'",
    "«": "»",
    "「": "」",
    "『": "』",
    "`": "`'",
    "＂": "＂",
}
# A quote ends a string when what follows can follow a string: ["a "nice" day", 'dog's toy'] are two.
_STRINGS = {
    quote: late(
        rf"((?:[^\\{ends}]++|\\.|"
        rf"[{ends}](?!\s*+[,，、;:：=\]}})】/]|\s++\#|\s*+\Z|[ \t]*+[\r\n]|\s++[\"'“\u2018]))*+)[{ends}]",
        re.DOTALL,
    )
    for quote, ends in _QUOTES.items()
}
_CLOSED = {quote: late(rf"([^\\\n{ends}]{{1,100}})[{ends}](?=\s)") for quote, ends in _QUOTES.items()}
"""Where no end of a string fits: ["beach", "sunset" ocean]."""
_LAST = late(r"([^\"\n,\[{]{1,60}?)\s*+(?=[\]}][\s\]}`]*+\Z)")
"""Where only the brackets of the whole answer follow: ["beach", "sunset]."""
_SKIP = late(r"(?:[\s,，、;؛،\\]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?|\#(?=[\s!#-])[^\n]*+)*+")
_BARE = late(r"[^,，、;:：=\n\[\]{}】]++")
_COLON = late(r"\s*+(?::|：|=>|=)")
_ESCAPE = late(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "", "f": ""}
_LITERALS = {"true": True, "false": False, "null": None, "none": None, "undefined": None, "nan": None}
_CUT = object()


class _Reader:
    """Reads one value; every step goes forward, so time is linear in the text."""

    def __init__(self, text: str, pos: int) -> None:
        self.text = text
        self.pos = pos
        self.strings = 0
        self.bare_words = 0
        self.cut = False

    def container(self, opener: str, depth: int = 0) -> Any:
        """What stands from here to the closing bracket: a dict when it has keys, else a list."""
        items: list[Any] = []
        pairs: list[tuple[str, Any]] = []
        while not self._at_end(opener):
            item = self._value(depth)
            if item is not _CUT and isinstance(item, str | int | float) and self._colon():
                value = self._after_colon(depth)
                # a quote is missing at the end: {"title": "Dog, "keywords": [...]}
                while isinstance(value, str) and '"' in value and self._colon():
                    value, _, key = value.rpartition('"')
                    pairs.append((str(item), value.rstrip(", \n")))
                    item, value = key, self._after_colon(depth)
                if value is not _CUT:
                    pairs.append((str(item), value))
            elif item is not _CUT and pairs and opener != "[":
                pairs.append((pairs[-1][0], item))  # {"keywords": "a", "b", "c"}
            elif item is not _CUT:
                items.append(item)
        if pairs and items:
            return [_merged(pairs), *items]
        return _merged(pairs) if pairs else items

    def _at_end(self, opener: str) -> bool:
        """Go to the next item; whether there is none before the bracket closes or the text ends."""
        self.pos = _SKIP.match(self.text, self.pos).end()  # type: ignore[union-attr] # matches the empty string too
        if self.pos >= len(self.text):
            self.cut = self.cut or opener != ""
            return True
        if self.text[self.pos] in "]}】" or self.text[self.pos] == _CLOSERS[opener]:
            self.pos += 1
            return True
        return False

    def _colon(self) -> bool:
        match = _COLON.match(self.text, self.pos)
        if match:
            self.pos = match.end()
        return match is not None

    def _after_colon(self, depth: int) -> Any:
        self.pos = late(r"\s*+").match(self.text, self.pos).end()  # type: ignore[union-attr]
        if self.pos < len(self.text) and self.text[self.pos] in ",]}":
            return None
        return self._value(depth) if self.pos < len(self.text) else _CUT

    def _value(self, depth: int) -> Any:
        char = self.text[self.pos]
        if char in "{[(" and (char != "(" or self.text[self.pos + 1 : self.pos + 2] in "\"'"):
            self.pos += 1
            return self.container(char, depth + 1) if depth < _MAX_DEPTH else _CUT
        return self._string(char) if char in _QUOTES else self._bare()

    def _string(self, quote: str) -> Any:
        forms = (_STRINGS[quote], _CLOSED[quote], _LAST)
        match = next(filter(None, (form.match(self.text, self.pos + 1) for form in forms)), None)
        if not match:
            self.pos, self.cut = len(self.text), True
            return _CUT
        self.pos = match.end()
        self.strings += 1
        return _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[0] if len(m[1]) > 1 else m[1]), match[1])

    def _bare(self) -> Any:
        match = _BARE.match(self.text, self.pos)
        self.pos = match.end() if match else self.pos + 1
        if not match or self.pos >= len(self.text):
            self.cut = self.cut or match is not None
            return _CUT
        word = match[0].strip().rstrip(")\"'")
        if word.casefold() in _LITERALS:
            return _LITERALS[word.casefold()]
        try:
            return float(word)
        except ValueError:
            self.bare_words += 1
            return word
