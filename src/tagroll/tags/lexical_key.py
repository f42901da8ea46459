"""The lexical key: two tags with one key are the same word written in two ways."""

import re
import unicodedata
from functools import cache

from tagroll.tags.identity import LEVEL
from tagroll.tags.lexicon import everyday, lexicon

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_INITIALS = re.compile(r"\b(?:\w\.){2,}(?=\W|$)")
_APOSTROPHES = re.compile("['`\u00b4\u02bc\u2018\u2019]")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.,](?=\d)|(?<=\bf)/(?=\d)|(?<=\d)/(?=\d)")
_PUNCTUATION = frozenset({"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Cc", "Cf", "Zs", "Zl", "Zp"})
_KEPT = "%°"
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "Ø": "O", "Ł": "L", "Đ": "D"}
)


def strip_accents(text: str) -> str:
    """Take the accents off Latin letters; in other scripts a mark is part of the letter."""
    kept: list[str] = []
    for char in unicodedata.normalize("NFD", text):
        if not (unicodedata.combining(char) and kept and kept[-1].isascii()):
            kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept)).translate(_UNDECOMPOSED)


@cache
def _table(section: str) -> dict[str, str]:
    """A section of everyday.txt with lines `a = b`."""
    rows = (line.split("=") for line in everyday()[section])
    return {a.strip(): b.strip() for a, b in rows}


@cache
def _keep() -> frozenset[str]:
    return frozenset(word for line in everyday()["keep"] for word in line.split())


def _american(word: str) -> str:
    word = _table("spelling").get(word, word)
    return lexicon().british.get(word, word)


def _shorter_forms(word: str) -> list[str]:
    """What a word could be the regular plural of, the likeliest first."""
    if word.endswith("ies") and len(word) > 4:
        return [word[:-3] + "y", word[:-1]]
    if re.search(r"(ss|x|z|ch|sh)es$", word):
        return [word[:-2], word[:-1]]
    return [word[:-1], word[:-2]] if word.endswith(("ses", "oes")) else [word[:-1]]


def _regular_singular(word: str) -> str:
    words = lexicon()
    forms = [form for form in _shorter_forms(word) if len(form) > 2]
    found = next((form for form in forms if form in words.meanings), "")
    if found or word in words.meanings or word.endswith("ics"):
        return found or word
    found = next((form for form in forms if form in words.known), "")
    unknown = len(word) > 5 and word not in words.known and word[-2] not in "suiao"
    return found or (word[:-1] if unknown else word)


@cache
def singular(word: str) -> str:
    """The singular of an English noun; any other word as it is.

    Plurals with a meaning of their own (glasses, woods, arms) stay.
    """
    words = lexicon()
    if word in _table("singular"):
        return _table("singular")[word]
    if word in _keep() or word in words.names:
        return word
    if word in words.plurals and word not in words.meanings:
        return words.plurals[word]
    if word.endswith("men") and word[:-2] + "an" in words.known:
        return word[:-2] + "an"
    return word if word.endswith("ss") or not word.endswith("s") or len(word) < 4 else _regular_singular(word)


def _level_words(text: str) -> list[str]:
    text = _CAMEL.sub(" ", strip_accents(text)).casefold()
    text = _INITIALS.sub(lambda m: m[0].replace(".", ""), text)
    text = _APOSTROPHES.sub("", text).replace("&", " and ")
    inner = {m.start() for m in _BETWEEN_DIGITS.finditer(text)}
    chars = (
        c if i in inner or c in _KEPT or unicodedata.category(c) not in _PUNCTUATION else " "
        for i, c in enumerate(text)
    )
    words = [_american(word) for word in "".join(chars).split()]
    if words:
        words[-1] = _american(singular(words[-1]))
    return words


@cache
def key(tag: str) -> str:
    """What is left of a tag when the ways of writing it are taken away.

    Compatible characters, CamelCase, accents of Latin letters, case, "#", apostrophes, "&", "_", "-", British
    spelling and the plural of the last word. Digits, "1.8" and "f/1.8" stay. Each level of a hierarchical
    tag has its own key. A tag of nothing but punctuation is its own key.
    """
    text = unicodedata.normalize("NFKC", tag).strip()
    levels = [" ".join(_level_words(level)) for level in text.split(LEVEL)]
    return LEVEL.join(levels) if any(levels) else text


def squash(text: str) -> str:
    """A key without spaces (sea shore, seashore); those between two numbers stay."""
    return re.sub(r"(?<!\d) | (?!\d)|/", "", text)
