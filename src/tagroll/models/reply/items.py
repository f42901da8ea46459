"""One item of a list: what is a keyword and what is not, and how lists are cut into items."""
# ruff: noqa: RUF001 - full-width punctuation is meant

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from tagroll.models.reply.late import late
from tagroll.models.reply.names import Part, is_category, is_name, part_named
from tagroll.models.reply.phrases import (
    BROKEN,
    CJK,
    CJK_SENTENCE,
    CODE,
    FIXED_PAIRS,
    NOT_A_KEYWORD,
    PLACEHOLDER,
    POINTING,
    REFUSAL,
    VERBS,
)

MAX_WORDS = 6
"""An item of more words is a description; "man in a red jacket" has 5."""

_MAX_CJK_CHARS = 14
_MAX_UNSPACED_CHARS = 45

_PICTOGRAMS = r"[\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff\s]+"
_EMOJI = late(f"^{_PICTOGRAMS}|{_PICTOGRAMS}$")
_TAIL = late(r"\s(?:etc|usw|ecc|и т\.? ?д|и др|и т\.? ?п)\.?$|(?:等等?|など)$")
_BULLET = late(
    r"(?:[-*+•·‣◦▪►▸➤→✓✔☑○●\u2013—>~]+|\(?\d{1,3}[.):、．]|\(?[a-z]\)|\[[ xX]?\]|\d{1,3}(?:\.\d+)?\s?%)\s+|"
    r"\d\ufe0f?\u20e3\s*|\d{1,2}[.):．](?=[^\W\d])|[・•·‣◦▪►▸➤✓✔☑○●]+"
)
_SCORE = late(
    r"(?:(?<!\d)\s*[:=|,]\s*|\s+[-\u2013—@~]\s*|\s*[(\[]\s*|\s+(?=\d{1,3}(?:\.\d+)?\s?%|[01]\.\d))"
    r"(?:confidence|score|prob(?:ability)?|conf)?\.?[:= ]*"
    r"(?:\d{1,3}(?:\.\d+)?\s?%|\d(?:\.\d+)?(?:\s?/\s?10{1,2})?|\d{2,3}|\.\d+|high|medium|low|true|yes)\s*[)\]]?$",
    re.IGNORECASE,
)
_COUNT = late(r"^\s*\d{1,3}\s?[x×]\s(?=[^\W\d])|\s[x×]\s?\d{1,3}\s*$", re.IGNORECASE)
_PARENTHESES = late(r"(?<![,;])(?:\s++|(?<=[^\x00-\x7f]))(?:\([^()]*+\)|\[[^\[\]]*+\])|\s*+（[^（）]*+）")
_SURROGATES = late(r"\\u([0-9a-fA-F]{4})")
_EDGES = " \t\n\r\"'`*_~,.:;!?=<>{}[]()|\\/-\u2013—…\u2018\u2019“”„«»「」『』、，。；：؛،"


@lru_cache(maxsize=1 << 12)
def clean_item(text: str) -> str:
    """Take an item's decoration off.

    Returns:
        The keyword, or "" where the text is none: a sentence, a refusal, a placeholder, a number.
    """
    text = " ".join(unescape(text).split())
    if not text or len(text) > 300 or "\ufffd" in text:
        return ""
    text = _without_score(_without_bullet(_EMOJI.sub("", text)))
    bare = _PARENTHESES.sub("", text) if text[-1:] in (")", "]", "）") else text
    text = _label_or_value(bare or text)
    if is_sentence(text):
        return ""
    text = _TAIL.sub("", _strip_edges(text))
    for joiner in ("and ", "& ", "or ", "und ", "et ", "y "):
        text = text.removeprefix(joiner)
    return text if _can_be_keyword(text) else ""


def unescape(text: str) -> str:
    r"""Read HTML entities and (twice escaped) \uXXXX; a broken one becomes U+FFFD."""
    if "\\u" in text:
        text = _SURROGATES.sub(lambda match: chr(int(match[1], 16)), text)
    if "&" in text:
        text = html.unescape(text)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_sentence(text: str) -> bool:
    """Whether a text says something instead of naming something."""
    words = text.count(" ") + 1
    if CJK.search(text):
        return bool(CJK_SENTENCE.search(text)) or len(CJK.findall(text)) > _MAX_CJK_CHARS
    return (
        words > MAX_WORDS
        or (words > 2 and bool(VERBS.search(text)))
        or (words > 4 and bool(POINTING.search(text)))
        or (words > 3 and text.rstrip("\"'”*")[-1:] in (".", "!", "?", "…"))
        or (words == 1 and len(text) > _MAX_UNSPACED_CHARS)
    )


def is_placeholder(text: str) -> bool:
    """Whether a text stands for a keyword, as in the examples of prompts ("tag1", "your keyword here")."""
    text = _strip_edges(text)
    numbered = re.fullmatch(r"(\D{2,30}?)[ _-]*\d{1,2}", text)
    return bool(PLACEHOLDER.fullmatch(text)) or bool(
        numbered and is_name(numbered[1]) and part_named(numbered[1]) is Part.KEYWORDS
    )


def _can_be_keyword(text: str) -> bool:
    if len(text) == 1 and text.isascii():
        return False
    if text.isdecimal():
        return len(text) == 4  # a year
    return (
        any(c.isalpha() for c in text)
        and text.casefold() not in NOT_A_KEYWORD
        and not is_placeholder(text)
        and not CODE.search(text)
        and not BROKEN.fullmatch(re.sub(r"\s", "", text.casefold()))
        and not REFUSAL.search(text)
    )


def _strip_edges(text: str) -> str:
    stripped = text.lstrip(_EDGES + "#").rstrip(_EDGES)
    if text.rstrip("\"'*, ").endswith(stripped + ".") and "." in stripped:
        return stripped + "."  # the stop in "D.C." belongs to it
    return stripped


def _without_bullet(text: str) -> str:
    while match := _BULLET.match(text):
        text = text[match.end() :]
    return text


def _without_score(text: str) -> str:
    """Make "beach (0.93)", "beach: 95%" and "beach 0.9" to "beach"; "Route 66" and "Boeing 747" stay."""
    match = _SCORE.search(text[-40:])
    return text[: len(text) - len(text[-40:]) + match.start()] if match else text


def _label_or_value(text: str) -> str:
    """Take "calm" of "Mood: calm", and "Beach" of "Beach: a sandy shore with waves"."""
    head, value = split_label(text)
    if not value:
        return text
    part = part_named(head)
    if part in (Part.KEYWORDS, Part.THINGS) or is_category(head):
        return value
    if part is not None:
        return ""
    return head if value.count(" ") > 1 or CJK.search(value) else value


def split_label(text: str) -> tuple[str, str]:
    """Cut "label: value" or "label - some words about it"; ("", "") where there is no label."""
    head, colon, value = text.replace("：", ": ").partition(":")
    if "," in head or ". " in head or "，" in head or "、" in head:
        return "", ""
    if not colon or (value[:1] and not value[0].isspace() and value[0] not in "*_\"'"):
        head, colon, value = re.sub(r"\s(?:[\u2013—]|->|=>|→)\s", " - ", text).partition(" - ")
        if value.count(" ") < 2:  # "Spider-Man - Poster" is one name
            return "", ""
    head, value = head.strip(_EDGES), value.strip(' *_`":')
    return (head, value) if head and value and head.count(" ") < MAX_WORDS else ("", "")


_LIST_BREAK = late(r"[;；؛|•\t\n]|\s[·‧/>]\s|(?<=\S) {3,}(?=\S)")
_SPACED = late(r"\s[.+]\s")
_ARROW = late(r"\s(?:[→⇒»~]|[-=]>)\s")
_WEIGHED = late(r"(?<=[:=]0\.\d)\s+|(?<=[:=]0\.\d\d)\s+|(?<=[:=]1\.0)\s+")
_COMMA = late(r"[，、،､]|,(?!\d{3}\b)")
_DASH = late(r"\s[-\u2013—]\s")
_HAN_WORDS = late(r"[\u3040-\u30ff\u3400-\u9fff]+(?:\s+[\u3040-\u30ff\u3400-\u9fff]+)+")
_WRAPPED = late(r'`([^`\n]++)`|「([^「」\n]++)」|『([^『』\n]++)』|\[([^\[\]\n]++)\]|"([^"\n]++)"')
_NUMBER = late(r"(?:^|\s)\(?\d{1,3}[.)]\s")
_AND = late(r"\s(?:and|und|et|y|e|en|och|og|и|ve)\s")


def ungrown(items: Sequence[str]) -> Sequence[str]:
    """The items up to where a model runs in a loop: "dog", "dog park", "dog park bench", "dog park bench tree" ..."""
    grown = 0
    for place, (before, item) in enumerate(pairwise(map(str.strip, items))):
        grows = before and (item.startswith(f"{before} ") or item.endswith(f" {before}"))
        grown = grown + 1 if grows else 0
        if grown > 2:
            return items[:place]
    return items


def uncounted(items: Sequence[str]) -> Sequence[str]:
    """The items without how many there are of each, where most have that: "dog x2", "2x dog". "BMW x5" has it alone."""
    bare = [_COUNT.sub("", item) for item in items]
    return bare if 2 * sum(map(str.__ne__, bare, items)) > len(items) > 1 else items


def is_list_text(text: str) -> bool:
    """Whether a text has a separator that no keyword has."""
    return bool(_LIST_BREAK.search(text)) or len(_COMMA.findall(text)) > 1


def split_items(text: str) -> list[str]:
    """Cut a list written as text into its raw items, at the separators it uses."""
    wrapped = _WRAPPED.findall(text)
    if len(wrapped) > 1 and not _WRAPPED.sub("", text).strip(" ,;.\n"):
        return ["".join(found) for found in wrapped]
    has_comma = _COMMA.search(text)
    if text.count("#") > 1 and not has_comma:
        return [part for part in text.split("#") if part.strip()]
    if len(_NUMBER.findall(text)) > 1 and not has_comma:
        return _NUMBER.split(text)
    return text.split() if _HAN_WORDS.fullmatch(text) else _split_at_separators(text)


def _split_at_separators(text: str) -> list[str]:
    text = unescape(text)
    if "(" in text or "（" in text:
        text = _PARENTHESES.sub("", text) or text
    breaks, commas = len(_LIST_BREAK.findall(text)), len(_COMMA.findall(text))
    if breaks and breaks >= commas:
        return _LIST_BREAK.split(text)
    if commas:
        parts = [part for chunk in _LIST_BREAK.split(text) for part in _COMMA.split(chunk)]
        return parts[:-1] + _last_items(parts[-1], parts)
    for separator in (_DASH, _SPACED, _ARROW, _WEIGHED):
        if len(parts := separator.split(text)) > 2:
            return parts
    return [text]


def _last_items(last: str, parts: list[str]) -> list[str]:
    """Cut "b and c." at the end of "a, b and c.", but not "black and white"."""
    last = last.strip().removeprefix("and ")
    last = last if "." in last[:-1] else last.removesuffix(".")
    sides = _AND.split(last)
    spoken = len(sides) == 2 and last.casefold() not in FIXED_PAIRS
    most = 1 if " and " in last else 2  # blanks: "puesta de sol" is no longer than "sunset"
    if (
        spoken
        and not any(_AND.search(part) for part in parts[:-1])
        and all(s.count(" ") <= most for s in sides)
    ):
        return sides
    return [last]
