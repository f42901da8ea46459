"""In which of the old code pages a few unmarked words are written.

The statistics of a language are wrong for most lists of a few keywords (charset-normalizer 3.5 reads 12 of 33 short
lists in 20 code pages right). What can be told is which reading looks like words: letters of one script, capitals
only in front, few accents in a row, common signs rather than rare ones.
"""

import codecs
import re
import unicodedata
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from tagroll.tags.identity import identities, identity

USUAL = "cp1252"
"""Windows' code page of western Europe and America: what text is in when nothing speaks for another one."""

_GUESSED = {
    USUAL: 1.0, "mac_roman": 0.95, "cp932": 0.95, "gbk": 0.93, "cp949": 0.93, "big5": 0.9, "cp1251": 0.9, "cp1253": 0.85,
    "cp1250": 0.85, "cp1255": 0.9, "koi8_r": 0.87, "mac_cyrillic": 0.8, "cp1256": 0.7, "cp874": 0.7,
}  # fmt: skip
"""The pages that are guessed, with how much a word in them counts: what is rarer needs more to be believed."""
_MATCHED = (*_GUESSED, "cp1254", "cp1257", "cp1258", "mac_latin2", "mac_greek", "mac_turkish", "euc_jp",
            "iso8859_2", "iso8859_5", "cp866", "cp437", "cp850", "cp852")  # fmt: skip

_ENOUGH, _LONG = 200, 1000
"""Texts, and bytes of each, that are looked at."""

_WORD = re.compile(r"[^\W\d_\u00aa\u00b2\u00b3\u00b5\u00b9\u00ba]+")
_INSIDE = re.compile(r"(?<=[^\W\d_\u00aa\u00b2\u00b3\u00b5\u00b9\u00ba])[^\w\s'\u2019./&+-](?=[^\W\d_])")
"""A sign between two letters that belongs into no word."""
_SIGN = re.compile(
    r"[\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb\u2026\u00a9\u00ae\u2122\u00b0\u20ac\u00a3\u00a7\u2022\u00a5\u00a2]"
    r"|(?<!\S)[\u00bf\u00a1](?=[A-Z])|(?<=m)[\u00b2\u00b3]|(?<=\b[Nn])\u00ba|(?<!\S)[\u2013\u2014](?!\S)"
)
"""Signs of western text where they belong: quotes, currencies, square metres, a dash between blanks."""
_ROW = re.compile(r"[^\x00-\x7f]{3}")
"""More accents in a row than words of Latin letters have."""
_RARE = frozenset("ŞşŢţĐđŠšŽžŒœŸƒÝýÞþÐðªºıﬁﬂΩπ∂∏∑µЃѓЅѕЊњЉљЌќЋћЏџЂђЎўЈјҐґ")
_USED = re.compile("^[ŠŽ](?=[aeiouy])|[œŒ](?=[iu])")
"""Where the rare ones of western Europe do stand: Žatec, cœur."""
_VOWELS = frozenset("аеиоуыэюяёіїє")
_FINALS = re.compile("[ךםןףץ](?=[א-ת])")
"""Hebrew letters that only end a word, and do not."""
_HANGUL = re.compile(
    "[\u1101\u1104\u1108\u110a\u110d]|[\u1164\u1168\u116a\u116b\u1170\u1171\u1174]|[\u11a9\u11aa\u11ac-\u11ae\u11b0-\u11b6\u11b9\u11bd-\u11c2]"
)
"""Parts of syllables that are few among Korean words, and many where Chinese is read as Korean."""
_COMMON = {
    "cp932": range(0x88, 0x98),
    "gbk": range(0xB0, 0xD8),
    "big5": range(0xA4, 0xC7),
    "cp949": range(0xB0, 0xC9),
}
"""Lead bytes of the first level of each set: the characters that are in use."""


def code_page(values: Sequence[bytes], known: Collection[str] = ()) -> str:
    """The Python codec by which these texts of one writer are read best; none of them is ASCII or UTF-8.

    Args:
        values: The texts, at least one.
        known: What stands beside them and can be read with certainty, like XMP. The page in which most of the texts
            say the same counts, where any do.
    """
    readings = {page: texts for page in _MATCHED if (texts := _decoded(values[:_ENOUGH], page))}
    sure = identities(known)
    matches = {page: sum(identity(text) in sure for text in texts) for page, texts in readings.items()}
    if most := max(matches.values(), default=0):
        return next(page for page, count in matches.items() if count == most)
    scores = {page: _score(page, readings[page]) for page in _GUESSED if page in readings}
    best = max(scores, key=scores.__getitem__, default=USUAL)
    return best if scores.get(best, 0) > max(scores.get(USUAL, 0), 0) else USUAL


def plain_text(value: bytes) -> str:
    """A text without any mark: UTF-8 where it can be."""
    value = value.rstrip(b"\0")
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode(code_page([value]), "replace")


def _decoded(values: Sequence[bytes], page: str) -> list[str]:
    """The texts in a code page; none where one of them is no text in it."""
    decoder = codecs.getincrementaldecoder(page)
    try:
        texts = [decoder().decode(value[:_LONG], final=len(value) <= _LONG) for value in values]
    except UnicodeDecodeError:
        return []
    signs = {char for text in texts for char in text}
    return (
        []
        if any(unicodedata.category(char) in ("Cc", "Co", "Cn") for char in signs - set("\t\n\r"))
        else texts
    )


def _score(page: str, texts: Sequence[str]) -> float:
    """How much texts look like words; a byte that is not ASCII counts 1 at the most."""
    sign = 0.9 if page in (USUAL, "mac_roman") else 0.0
    signs = sum(sign * len(_SIGN.findall(text)) - (1 + sign) * len(_INSIDE.findall(text)) for text in texts)
    return _GUESSED[page] * (
        signs + sum(_word_score(page, word) for text in texts for word in _WORD.findall(text))
    )


@lru_cache(maxsize=1 << 10)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "").split(" ")[0].removesuffix("-HALFWIDTH")
    return "CJK" if name in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA") else name


def _word_score(page: str, word: str) -> float:
    letters = [char for char in word if not char.isascii()]
    size = len("".join(letters).encode(page))
    scripts = {_script(char) for char in word}
    if not letters:
        return 0
    if len(scripts) > 1 or scripts - {
        "LATIN",
        "CYRILLIC",
        "GREEK",
        "HEBREW",
        "ARABIC",
        "THAI",
        "CJK",
        "HANGUL",
    }:
        return -size
    if page in _COMMON:
        return sum(_sign_score(page, char) for char in letters)
    late = not word.isupper() and any(char.isupper() and not char.isascii() for char in word[1:])
    if late or ("LATIN" in scripts and _ROW.search(word)) or _FINALS.search(word):
        return -size
    if len(word) == 1:
        return 0.5
    rare = sum(char in _RARE for char in letters) - len(_USED.findall(word))
    score = len(letters) - 0.7 * rare
    return score if "LATIN" in scripts or _is_likely(word, scripts) else score / 2


def _is_likely(word: str, scripts: AbstractSet[str]) -> bool:
    """Whether a word has what most words of its script have: small letters, vowels, an accent in Greek."""
    lower = word.lower()
    vowels = sum(char in _VOWELS for char in lower)
    accents = len(unicodedata.normalize("NFD", lower)) - len(lower)
    return (
        not word.isupper()
        and ("CYRILLIC" not in scripts or vowels * 4 >= len(word))
        and ("GREEK" not in scripts or accents > 0 or len(word) < 4)
    )


def _sign_score(page: str, char: str) -> float:
    """Of two bytes: how common a sign is among those of its set."""
    data = char.encode(page)
    if len(data) == 1:
        return -0.5  # half-width katakana
    kana = "\u3040" <= char <= "\u30ff"
    if kana:
        return 2.0 if page == "cp932" else -1.0
    if data[0] not in _COMMON[page] or (page in ("gbk", "cp949") and data[1] < 0xA1):
        return -1.0
    if page == "cp949":
        return -0.5 if _HANGUL.search(unicodedata.normalize("NFD", char)) else 2.0
    return 1.8
