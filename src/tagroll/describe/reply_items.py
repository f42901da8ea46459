"""One item of a list: what is a keyword and what is not, and how lists are cut into items."""

import html
import re

from tagroll.describe.reply_names import Part, is_category, part_named

MAX_WORDS = 6
"""An item of more words is a description; "man in a red jacket" has 5."""

_MAX_CJK_CHARS = 14
_MAX_UNSPACED_CHARS = 45

_VERBS = re.compile(
    r"\b(?:is|are|was|were|isn't|aren't|has|have|shows?|depicts?|appears?|seems?|i'm|i've|i'll|it's|there's|"
    r"that's|here's|ist|sind|zeigt|zeigen|est|sont|montre|muestra|está|están|sono|mostra|é|são|toont|это|"
    r"показан[аоы]?|изображен[аоы]?)\b|\bi\b(?= [a-z])",
    re.IGNORECASE,
)
_POINTING = re.compile(r"\b(?:this|these|those|here|dieses?|cette|esta|questa|questo|deze|этот)\b", re.IGNORECASE)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CJK_SENTENCE = re.compile(
    r"[。！？].|.{8}[。！？]|这[张是幅]|這[張是幅]|[图圖][片中像][中里裡展显顯]?[有展显顯是]|照片[中里裡展显顯]|[显顯展]示了|"  # noqa: RUF001
    r"です|ます|ました|ません|この(?:画像|写真)|습니다|입니다|이 (?:이미지|사진)"
)
REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|apologies|as an? (?:ai|language|text|artificial)|unable to|not able to|"
    r"can(?:no|['’]|\s?no)t (?:see|view|access|process|analy[sz]e|identify|help|assist|provide|describe|"  # noqa: RUF001
    r"generate|determine|fulfil|comply|do|tag|create|recogni[sz]e|be|answer|open|continue)|"
    r"no (?:image|picture|photo)\b(?: (?:was|is|has|provided|attached|found|available|given|to))?|"
    r"image (?:not|could not|cannot|was not|wasn't)|not (?:visible|provided|available|applicable)|"
    r"(?:don't|do not|didn't) (?:see|have|receive) (?:an|any|the|access)|"
    r"(?:please|could you|can you) (?:please )?(?:upload|provide|share|attach|send)|content policy|"
    r"against (?:my|the) (?:guidelines|policy|policies)|not comfortable|"
    r"tut mir leid|entschuldigung|ich kann|leider|désolée?|je ne peux|je suis incapable|lo siento|no puedo|"
    r"desculpe|não (?:posso|consigo)|sinto muito|mi dispiace|non (?:posso|riesco)|het spijt|ik kan|"
    r"tyvärr|beklager|undskyld|przepraszam|niestety|nie mogę|omlouvám|bohužel|valitettavasti|üzgünüm|maaf|"
    r"xin lỗi|извините|простите|не могу|к сожалению|вибачте)\b|"
    r"抱歉|对不起|對不起|无法|無法|申し訳|すみません|できません|죄송|할 수 없|آسف|عذر|لا أستطيع|لا يمكن|"
    r"מצטער|क्षमा|माफ़|ขออภัย|ขอโทษ",
    re.IGNORECASE,
)
BLIND = re.compile(
    r"\bi(?:['\u2019]m| am)? (?:can(?:no|['\u2019]|\s?no)t|unable to|not able to|don['\u2019]t) (?:directly |actually |really )*"
    r"(?:see|view|access|open|process|display|analy[sz]e|interpret) "
    r"(?:(?:directly|actual|the|this|that|any|an|your|attached|uploaded|provided) )*"
    r"(?:images?|pictures?|photos?|photographs?|files?|attachments?)\b",
    re.IGNORECASE,
)
"""A model that says this sees no picture; tags that it gives all the same are made up."""
_PLACEHOLDER = re.compile(
    r"(?:your |the |first |second |third |next |last |another |some |more |example |sample )*"
    r"(?:tags?|keywords?|hashtags?|(?:item|label|object|word|string|thing|example)(?=[ _-]*\d|[ _-][a-cnxyz]$))"
    r"(?: ?(?:one|two|three|four|five|here|list|etc|[a-cnxyz])|[ _-]*\d+)?|"
    r"string|str|insert .*|.* (?:here|goes here)",
    re.IGNORECASE,
)
_NOT_A_KEYWORD = frozenset(
    "none null nil nan n/a na unknown undefined unspecified true false yes no ok okay sure hello hi thanks "
    "etc more and or json yaml python list array confidence score value name assistant user model "
    "system image: here the a an i it this that error nothing empty".split()
) | {"et cetera", "and more", "not sure", "no idea", "no tags", "no keywords", "thank you", "sure thing", "object object"}

_CODE = re.compile(r"[{}<>\\]|://|[A-Za-z0-9_]\(|base64|^image/|\.(?:jpe?g|png|webp|gif|heic|tiff?|bmp|json)$", re.IGNORECASE)
_EMOJI = re.compile(r"^[\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff\s]+|[\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff\s]+$")
_TAIL = re.compile(r"\s(?:etc|usw|ecc|и т\.? ?д|и др|и т\.? ?п)\.?$|(?:等等?|など)$")
_BULLET = re.compile(r"\d\ufe0f?\u20e3\s*|\d{1,2}[.)](?=[^\W\d])|(?:[-*+•·‣◦▪►▸➤→✓✔☑○●–—>~]+|\(?\d{1,3}[.):、]|\(?[a-z]\)|\[[ xX]?\])\s+|[•·‣◦▪►▸➤✓✔☑○●]+")  # noqa: RUF001
_SCORE = re.compile(
    r"(?:\s*[:=|,]\s*|\s+[-\u2013—@~]\s*|\s*[(\[]\s*|\s+(?=\d{1,3}(?:\.\d+)?\s?%|[01]\.\d))"
    r"(?:confidence|score|prob(?:ability)?|conf)?\.?[:= ]*"
    r"(?:\d{1,3}(?:\.\d+)?\s?%|\d(?:\.\d+)?(?:\s?/\s?10{1,2})?|\d{2,3}|\.\d+|high|medium|low)\s*[)\]]?$",
    re.IGNORECASE,
)
_PARENTHESES = re.compile(r"(?:\s++|(?<=[^\x00-\x7f]))(?:\([^()]*+\)|\[[^\[\]]*+\])|\s*+（[^（）]*+）")  # noqa: RUF001
_SURROGATES = re.compile(r"\\u([0-9a-fA-F]{4})")
_EDGES = " \t\n\r\"'`*_~,.:;!?=<>{}[]()|\\/-\u2013—…\u2018\u2019“”„«»「」『』、，。；：؛،"  # noqa: RUF001


def clean_item(text: str) -> str:
    """Take an item's decoration off.

    Returns:
        The keyword, or "" where the text is none: a sentence, a refusal, a placeholder, a number.
    """
    text = " ".join(unescape(text).split())
    if not text or len(text) > 300 or "\ufffd" in text:
        return ""
    text = _without_score(_without_bullet(_EMOJI.sub("", text)))
    bare = _PARENTHESES.sub("", text) if text[-1:] in (")", "]", "）") else text  # noqa: RUF001
    text = _label_or_value(bare or text)
    if is_sentence(text):
        return ""
    text = _TAIL.sub("", _strip_edges(text))
    for joiner in ("and ", "& ", "or ", "und ", "et ", "y "):
        text = text.removeprefix(joiner)
    return text if _can_be_keyword(text) else ""


def unescape(text: str) -> str:
    """Read HTML entities and (twice escaped) \\uXXXX; a broken one becomes U+FFFD."""
    if "\\u" in text:
        text = _SURROGATES.sub(lambda match: chr(int(match[1], 16)), text)
    if "&" in text:
        text = html.unescape(text)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_sentence(text: str) -> bool:
    """Whether a text says something instead of naming something."""
    words = text.count(" ") + 1
    if _CJK.search(text):
        return bool(_CJK_SENTENCE.search(text)) or len(_CJK.findall(text)) > _MAX_CJK_CHARS
    return (
        words > MAX_WORDS
        or (words > 2 and bool(_VERBS.search(text)))
        or (words > 4 and bool(_POINTING.search(text)))
        or (words > 3 and text.rstrip("\"'”*")[-1:] in (".", "!", "?", "…"))
        or (words == 1 and len(text) > _MAX_UNSPACED_CHARS)
    )


def is_placeholder(text: str) -> bool:
    """Whether a text stands for a keyword, as in the examples of prompts ("tag1", "your keyword here")."""
    return bool(_PLACEHOLDER.fullmatch(_strip_edges(text)))


def _can_be_keyword(text: str) -> bool:
    if len(text) == 1 and text.isascii():
        return False
    if text.isdecimal():
        return len(text) == 4  # a year
    return (
        any(c.isalpha() for c in text)
        and text.casefold() not in _NOT_A_KEYWORD
        and not is_placeholder(text)
        and not _CODE.search(text)
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
    """ "beach (0.93)", "beach: 95%" and "beach 0.9" are "beach"; "Route 66" and "Boeing 747" stay."""
    match = _SCORE.search(text[-40:])
    return text[: len(text) - len(text[-40:]) + match.start()] if match else text


def _label_or_value(text: str) -> str:
    """ "Mood: calm" is "calm", "Beach: a sandy shore with waves" is "Beach"."""
    head, value = split_label(text)
    if not value:
        return text
    part = part_named(head)
    if part in (Part.KEYWORDS, Part.THINGS) or is_category(head):
        return value
    if part is not None:
        return ""
    return head if value.count(" ") > 1 or _CJK.search(value) else value


def split_label(text: str) -> tuple[str, str]:
    """Cut "label: value" or "label - some words about it"; ("", "") where there is no label."""
    head, colon, value = text.replace("：", ": ").partition(":")  # noqa: RUF001
    if "," in head or ". " in head or "，" in head or "、" in head:  # noqa: RUF001
        return "", ""
    if not colon or (value[:1] and not value[0].isspace() and not value[0] in "*_\"'"):
        head, colon, value = re.sub(r"\s(?:[\u2013—]|->|=>|→)\s", " - ", text).partition(" - ")
        if value.count(" ") < 2:  # "Spider-Man - Poster" is one name
            return "", ""
    head, value = head.strip(_EDGES), value.strip(" *_`\"")
    return (head, value) if head and value and head.count(" ") < MAX_WORDS else ("", "")


_LIST_BREAK = re.compile(r"[;；؛|•\t\n]|\s[·‧/>]\s")  # noqa: RUF001
_COMMA = re.compile(r"[，、،､]|,(?!\d{3}\b)")  # noqa: RUF001
_DASH = re.compile(r"\s[-\u2013—]\s")
_HAN_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+(?:\s+[\u3040-\u30ff\u3400-\u9fff]+)+")
_WRAPPED = re.compile(r'`([^`\n]++)`|「([^「」\n]++)」|『([^『』\n]++)』|\[([^\[\]\n]++)\]|"([^"\n]++)"')
_NUMBER = re.compile(r"(?:^|\s)\(?\d{1,3}[.)]\s")
_WORD_PAIRS = frozenset(
    ("black and white", "salt and pepper", "arts and crafts", "rock and roll", "fish and chips", "bed and breakfast",
     "food and drink", "bride and groom", "schwarz und weiß")
)  # fmt: skip
_AND = re.compile(r"\s(?:and|und|et|y|e|en|och|og|и|ve)\s")


def is_list_text(text: str) -> bool:
    """Whether a text has a separator that no keyword has."""
    return bool(_LIST_BREAK.search(text)) or len(_COMMA.findall(text)) > 1


def split_items(text: str) -> list[str]:
    """Cut a list written as text into its raw items, at the separators it uses."""
    wrapped = _WRAPPED.findall(text)
    if len(wrapped) > 1 and not _WRAPPED.sub("", text).strip(" ,;.\n"):
        return ["".join(found) for found in wrapped]
    if text.count("#") > 1 and not _COMMA.search(text):
        return [part for part in re.split(r"\s*#", text) if part.strip()]
    if _HAN_WORDS.fullmatch(text):
        return text.split()
    if not _COMMA.search(text) and len(_NUMBER.findall(text)) > 1:
        return _NUMBER.split(text)
    text = unescape(text)
    if "(" in text or "（" in text:  # noqa: RUF001
        text = _PARENTHESES.sub("", text) or text
    breaks, commas = len(_LIST_BREAK.findall(text)), len(_COMMA.findall(text))
    if breaks and breaks >= commas:
        return _LIST_BREAK.split(text)
    if commas:
        parts = [part for chunk in _LIST_BREAK.split(text) for part in _COMMA.split(chunk)]
        return parts[:-1] + _last_items(parts[-1], parts)
    parts = _DASH.split(text)
    return parts if len(parts) > 2 else [text]


def _last_items(last: str, parts: list[str]) -> list[str]:
    """ "a, b and c" has three items; "portrait, woman, black and white" too."""
    sides = _AND.split(last.strip(" ."))
    spoken = len(sides) == 2 and last.strip(" .").casefold() not in _WORD_PAIRS
    if spoken and not any(_AND.search(part) for part in parts[:-1]) and all(s.count(" ") < 2 for s in sides):
        return sides
    return [last]
