"""Keywords as a model or a person wrote them -> tags that every photo program reads the same way."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Literal

from tagroll.tags.identity import identity

Case = Literal["title", "sentence", "lower", "keep"]

MAX_CHARS = 64
"""A longer "tag" is text. Also what IPTC's 64 bytes hold of plain ASCII, so most tags fit there uncut."""

MAX_WORDS = 6
"""A tag of more words is a description ("Statue of Liberty" has 3, "man in a red jacket" 5)."""

_SENTENCE_WORDS = 4
"""From this many words on, a full stop at the end makes a sentence ("Washington D.C." is none)."""

_JOINERS = "\u200c\u200d"  # ZWNJ and ZWJ: Persian and Indic spelling, emoji families
_LOOSE_JOINERS = re.compile(rf"(?<![^\x00-\x7f])[{_JOINERS}]+|[{_JOINERS}]+(?![^\x00-\x7f])")
_TAGS = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)|[\U000e0020-\U000e007f]"
)
"""A flag of a region (Unicode technical standard 51, ED-14a: England, Scotland), or a character of one elsewhere."""
_LEADING = "#*•·‣◦▪-\u2013—~,.:!?=+…"
_TRAILING = "*•·-\u2013—~,:!?=…"
_QUOTES = "\"'`\u2018\u2019“”„«»\u2039\u203a「」『』"
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_WRAPPING = "".join((_QUOTES, *_BRACKETS, *_BRACKETS.values()))
_ALTERNATIVES = re.compile(r"[^\W\d_]{3,}(?:/[^\W\d_]{3,})+")
_SHORT = 3
"""A word with slashes between parts of so many letters is an abbreviation, and one tag: B/W, AC/DC, 24/7, and/or."""
_WITH = re.compile(r"(?<!\S)w/(?=\s*\w{2})")


_SEPARATORS = re.compile("[;|]")
_LISTED = re.compile("[;|\u3001\u060c\uff0c]|,(?!(?<=\\d,)\\d)")
"""Those, and commas of any script; the one in "1,000" is none."""


def normalize(
    keywords: Iterable[str],
    *,
    case: Case = "title",
    max_tags: int | None = None,
    whole: Collection[str] = frozenset(),
) -> tuple[str, ...]:
    """Make keywords into tags: clean, short, unique, in the order given.

    - NFC; no control, format, private or broken characters; white space and underscores are one space.
    - No wrapping quotes, brackets, bullets, hashes, and no punctuation at the end.
    - `;`, `|` and a comma end a tag and begin the next, but for the comma in a number and in texts of `whole`. So
      does a slash with spaces around it, or one between single words ("couch/sofa"). It stays in what is short ("B/W",
      "AC/DC", "24/7"), and becomes a space elsewhere: photo programs read it as a hierarchy. "w/" is "with".
    - What has no letter, digit or symbol, more than MAX_WORDS words or MAX_CHARS characters, or ends
      like a sentence, is dropped.
    - Of tags that differ only in case, the first stays.

    Args:
        keywords: Any texts.
        case: "title" gives words that are all lower case a capital ("DSLR" and "McDonald" stay), "sentence" the first
            word alone, as most languages write;
            "lower" lowers everything; "keep" changes nothing.
        max_tags: How many tags at the most, 0 or more; the first ones stay. None: all.
        whole: Identities of texts that a person wrote: a comma in them stays.

    Returns:
        The tags. Normalising them again changes nothing.
    """
    tags: dict[str, str] = {}
    for text in map(_clean, keywords):
        for tag in _tags_in(text, case, is_whole=identity(text) in whole):
            if max_tags is not None and len(tags) >= max_tags:
                return tuple(tags.values())
            tags.setdefault(identity(tag), tag)
    return tuple(tags.values())


@lru_cache(maxsize=1 << 12)
def _tags_in(text: str, case: Case, *, is_whole: bool) -> tuple[str, ...]:
    """The tags that a clean keyword is; models use few words again and again."""
    # Casing can take a joiner's neighbour from it (İ becomes i and a dot) and can undo NFC.
    return tuple(
        tag
        for part in _parts(text, is_whole=is_whole)
        if _is_tag(tag := unicodedata.normalize("NFC", _without_loose_joiners(_cased(_stripped(part), case))))
        and not _ends_like_a_sentence(part.strip(_QUOTES + " "))
    )


def is_visible(text: str) -> bool:
    """Whether all of a text can be seen, so that a person may use it as a tag: no control, bidi or format characters.

    ZWNJ and ZWJ are allowed where `normalize` keeps them: in Persian words, in families of emoji; so are flags of regions.
    """
    return _visible(text) == text


def _parts(text: str, *, is_whole: bool) -> Iterator[str]:
    """Cut a keyword at the characters that other programs read as structure."""
    # each by itself: a sentence behind a `|` makes no sentence of the list before it
    for piece in _SEPARATORS.split(text):
        for part in [piece] if is_whole or _is_prose(piece) else _LISTED.split(piece):
            yield from _without_slashes(part)


def _without_slashes(part: str) -> Iterator[str]:
    """Cut at slashes between alternatives; the others but those of abbreviations become spaces."""
    if "/" not in part:
        yield part.strip()
        return
    for side in re.split(r"(?<=\s)/(?=\s)", part):
        tight = _WITH.sub("with ", side).strip()
        if _ALTERNATIVES.fullmatch(tight):
            yield from tight.split("/")
        else:
            words = (word if _is_short(word) else word.replace("/", " ") for word in tight.split())
            yield " ".join(" ".join(words).split())


def _is_short(word: str) -> bool:
    """Whether a word with slashes is an abbreviation, whatever its case; alternatives are looked for before."""
    parts = word.strip(_WRAPPING).split("/")
    return len(parts) > 1 and all(
        part.isalnum() and len(part) == len(part.title()) == len(part.lower()) <= _SHORT for part in parts
    )


def _is_prose(text: str) -> bool:
    """Whether a text with commas is a sentence or two and no list; as one tag, it is dropped."""
    return _ends_like_a_sentence(text) or (
        text.count(" ") >= MAX_WORDS
        and max(part.count(" ", 1) for part in _LISTED.split(text)) >= _SENTENCE_WORDS
    )


def _clean(text: str) -> str:
    """NFC with single spaces, without characters that XML, IPTC or a screen cannot hold."""
    return unicodedata.normalize("NFC", " ".join(_visible(text).replace("_", " ").split()))


def _visible(text: str) -> str:
    """The text without what cannot be seen; joiners stay where they join, and what makes a flag of a region there."""
    if text.isascii() and text.isprintable():
        return text
    text = "".join(c if c.isprintable() else _replacement(c) for c in text)
    return _without_loose_joiners(_TAGS.sub(r"\1", text))


def _replacement(char: str) -> str:
    """What stands for a character that str.isprintable() refuses."""
    if char in _JOINERS or _TAGS.fullmatch(char):
        return char
    kind = unicodedata.category(char)
    if char.isspace() or kind == "Cc":
        return " "
    # Not assigned (Cn) is mostly an emoji newer than this Python; U+FFFE and its like are for no text.
    is_noncharacter = ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
    return char if kind == "Cn" and not is_noncharacter else ""


def _without_loose_joiners(text: str) -> str:
    """Keep a joiner only between two characters that it can join."""
    return text if text.isascii() else _LOOSE_JOINERS.sub("", text)


def _stripped(text: str) -> str:
    """Take off quotes, brackets, bullets and punctuation until nothing more comes off."""
    before = ""
    while text != before:
        before = text
        text = text.strip(_QUOTES + " ").lstrip(_LEADING).rstrip(_TRAILING).strip()
        if text.endswith(".") and "." not in text[:-1]:  # the stop in "D.C." belongs to it
            text = text[:-1]
        if len(text) > 1 and _BRACKETS.get(text[0]) == text[-1]:
            text = text[1:-1]
    return text


def _cased(tag: str, case: Case) -> str:
    if case == "lower":
        return tag.lower()
    if case == "keep":
        return tag
    return re.sub("[^ /]+", lambda word: _capital(word[0]), tag, count=1 if case == "sentence" else 0)


def _capital(word: str) -> str:
    # str.title() on one character: the digraph "ǆ" and Georgian have a form for it that is not upper().
    return word[0].title() + word[1:] if word.islower() else word


def _is_tag(tag: str) -> bool:
    return (
        len(tag) <= MAX_CHARS
        and tag.count(" ") < MAX_WORDS
        and not _ends_like_a_sentence(tag)
        and any(c.isalnum() or unicodedata.category(c) == "So" for c in tag)
    )


def _ends_like_a_sentence(text: str) -> bool:
    return text.endswith(("。", "！", "？")) or (  # noqa: RUF001 - the full-width marks are meant
        text.endswith((".", "!", "?")) and text.count(" ") >= _SENTENCE_WORDS - 1
    )
