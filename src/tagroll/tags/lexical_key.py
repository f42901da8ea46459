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
_NAMED_HASH = re.compile(r"(?<![^\W_])[^\W\d_]{1,2}#(?![^\W_])")
"""The end of a name (C#, F#), and no hashtag."""
_NAMED_DOT = re.compile(r"(?<![^\s|])\.(?=[^\W_])")
"""The beginning of one (.NET, .22)."""
_STATES = re.compile(r"(?<![^\W_])(?:U\.S\.A\.?|U\.S\.?|US)(?![^\W_])")
"""Only as it is written for the country: "us" is a word of its own."""
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30f6ー・]+")
_VU = re.compile("ヴ([ァィェォ]?)")
_BA = {"ァ": "バ", "ィ": "ビ", "ェ": "ベ", "ォ": "ボ", "": "ブ"}
_LONG_KANA = 4
"""Characters up to which a long vowel at the end makes another word (ビル, ビール; コピー)."""
_LIGATURES = str.maketrans({"æ": "ae", "œ": "oe"})
_UNDECOMPOSED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss"})


def without_accents(text: str) -> str:
    """Take the accents off small Latin letters, and write ß as ss; in other scripts a mark is part of the letter."""
    if text.isascii():
        return text
    kept: list[str] = []
    for char in unicodedata.normalize("NFD", text):
        if not (unicodedata.combining(char) and kept and kept[-1].isascii()):
            kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept)).translate(_UNDECOMPOSED)


@cache
def _accents() -> frozenset[str]:
    return frozenset(word for line in everyday()["accents"] for word in line.split())


def _is_written_either_way(word: str) -> bool:
    """Whether English writes a word with its accents and without (café, cafe), and means the same."""
    words, plain = lexicon(), without_accents(word)
    # Of the dictionaries, the one of spellings knows accents; WordNet writes its nouns without.
    noun = plain in words.meanings or plain in words.plurals
    known = word in words.known and plain not in words.known and noun
    more = word.endswith("s") and _is_written_either_way(word[:-1])
    return known or more or word in _accents()


def _without_idle_accents(level: str) -> str:
    """Take off the accents without which English words, and phrases, mean the same.

    Of other words nobody can say that here: Año and Ano, Bär and Bar, Maße and Masse are two words each.
    """
    plain = without_accents(level)
    if plain == level or (" " in plain and plain in lexicon().meanings):
        return plain
    return " ".join(without_accents(word) if _is_written_either_way(word) else word for word in level.split())


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
def singular(word: str, *, alone: bool = True) -> str:
    """The singular of an English noun; any other word as it is.

    Plurals with a meaning of their own (glasses, woods, arms) stay, but not at the end of a phrase (wine glasses).
    """
    words = lexicon()
    if word in _table("singular"):
        return _table("singular")[word]
    if (alone and word in _keep()) or word in words.names:
        return word
    if word in words.plurals and word not in words.meanings:
        return words.plurals[word]
    if word.endswith("men") and word[:-2] + "an" in words.known:
        return word[:-2] + "an"
    return word if word.endswith("ss") or not word.endswith("s") or len(word) < 4 else _regular_singular(word)


def _split_camel_case(text: str) -> str:
    if text.islower():
        return text
    plain = text if text.isascii() else "".join(without_accents(char)[0] for char in text)
    places = [match.start() for match in _CAMEL.finditer(plain)]
    return " ".join(text[i:j] for i, j in zip([0, *places], [*places, len(text)], strict=True))


def _level_words(text: str) -> list[str]:
    text = _split_camel_case(_STATES.sub("USA", text)).lower().translate(_LIGATURES)
    text = _INITIALS.sub(lambda m: m[0].replace(".", ""), text)
    text = _APOSTROPHES.sub("", text).replace("&", " and ")
    inner = {m.end() - 1 for kept in (_BETWEEN_DIGITS, _NAMED_HASH, _NAMED_DOT) for m in kept.finditer(text)}
    chars = (
        c if i in inner or c in _KEPT or unicodedata.category(c) not in _PUNCTUATION else " "
        for i, c in enumerate(text)
    )
    level = _without_idle_accents(" ".join("".join(chars).split()))
    words = [_american(word) for word in level.split()]
    if len(words) > 1:
        words = ["saint" if word == "st" else word for word in words[:-1]] + words[-1:]
        words[-1] = "street" if words[-1] == "st" else words[-1]
    if words:
        is_one = len(words) == 1 or " ".join(words) in lexicon().meanings  # Niagara Falls
        words[-1] = _american(singular(words[-1], alone=is_one))
    return words


def _kana(text: str) -> str:
    """A word in kana alone, in katakana, without a long vowel at its end and with B for V, as both are written."""
    if not _KANA.fullmatch(text):
        return text
    text = "".join(chr(ord(c) + 0x60) if "\u3041" <= c <= "\u3096" else c for c in text)
    text = _VU.sub(lambda m: _BA[m[1]], text)
    return text.removesuffix("ー") if len(text) > _LONG_KANA else text


@cache
def key(tag: str) -> str:
    """What is left of a tag when the ways of writing it are taken away.

    Compatible characters, CamelCase, accents of English words, case, the "#" of hashtags,
    apostrophes, "&", "_", "-", British spelling and the plural of the last word. Digits, "1.8", "f/1.8", "C#"
    and ".NET" stay. Each level of a hierarchical tag has its own key. A tag of nothing but punctuation is its own key.
    """
    text = _kana(unicodedata.normalize("NFKC", tag).strip())
    levels = [" ".join(_level_words(level)) for level in text.split(LEVEL)]
    return LEVEL.join(levels) if any(levels) else text


def squash(text: str) -> str:
    """A key without spaces (sea shore, seashore) and slashes (f/8, f8); those between two numbers stay."""
    return re.sub(r"(?<!\d)[ /]|[ /](?!\d)", "", text)
