"""Whatever a model says about a photo -> keywords, or an honest failure.

    text -> without thoughts, debris, prompt   reply_clean
         -> JSON found in it -> its meaning    reply_json, reply_values
         or sections, lists, tables            reply_lines
         -> items that are keywords            reply_items

Never an invented tag: a refusal, a sentence or an echo of the prompt is a ReplyError.
"""

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass

from tagroll.errors import ReplyError
from tagroll.models.reply.clean import Cleaned, clean, without_markup
from tagroll.models.reply.items import clean_item, is_placeholder, uncounted, unescape, ungrown
from tagroll.models.reply.lines import read_text
from tagroll.models.reply.loose_json import Found, find_json
from tagroll.models.reply.names import Part
from tagroll.models.reply.phrases import BLIND, CORRECTION, REFUSAL, SERVER, SOURCE, TROUBLE
from tagroll.models.reply.values import Findings, read_value
from tagroll.tags.identity import identity

_LOOP = 2
"""Keywords said this often on average mean that the model ran in a circle until it was cut off."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer, parsed but not normalised.

    Attributes:
        keywords: At least one; unique by identity, in the model's order.
        title: As the model wrote it, or "".
        description: As the model wrote it, or "".
        filename: As the model wrote it, or "".
    """

    keywords: tuple[str, ...]
    title: str = ""
    description: str = ""
    filename: str = ""


def parse_reply(text: str, *, prompt_text: str = "") -> Reply:
    """Find the keywords in what a model said.

    Args:
        text: The answer, as it came.
        prompt_text: The question: lines of it that the answer repeats are not part of the answer.

    Returns:
        The keywords, and title, description and file name where the answer has them. Of several JSON
        values all count, unless words like "final" or "instead" between them take the earlier back.

    Raises:
        ReplyError: There is no keyword in it; the message says what it was instead.
    """
    cleaned = clean(text, prompt_text)
    found = Findings()
    for variant in _variants(cleaned):
        found = _read(variant)
        keywords = _keywords(found.items())
        found.error = found.error or _trouble(variant, found.items())
        if BLIND.search(variant):
            break
        if keywords and not found.error and not _is_example(keywords, prompt_text):
            return Reply(
                keywords, *(_text(found, part) for part in (Part.TITLE, Part.DESCRIPTION, Part.FILENAME))
            )
        if found.error:
            break
    raise _failure(cleaned, found)


def _variants(cleaned: Cleaned) -> Iterable[str]:
    """The answer as it is; then with what may hide it undone; then JSON among the thoughts."""
    answer = _decoded(cleaned.answer)
    if "&quot;" in answer and '"' not in answer:
        answer = html.unescape(answer)
    yield answer
    if "&#" in answer or "&lt;" in answer:
        yield html.unescape(answer)
    if not answer and cleaned.thoughts:
        # Some servers put a whole answer there. What is not JSON is only thinking aloud.
        yield "\n".join(cleaned.thoughts[v.start : v.end] for v in find_json(cleaned.thoughts) if v.whole)


def _decoded(text: str) -> str:
    """The answer inside one JSON string, or inside what lost the quotes around it."""
    if text.startswith('"') and text.endswith('"'):
        try:
            return str(json.loads(text, strict=False))
        except ValueError:
            return text
    quote = text.find('"')
    is_encoded = (quote > 0 and text[quote - 1] == "\\") or text.startswith(("{\\n", "[\\n"))
    if is_encoded or ("\\n" in text and quote < 0):
        return text.replace('\\"', '"').replace("\\n", "\n")
    return text


def _read(text: str) -> Findings:
    """Collect from JSON where there is any with keywords in it, else from the text around it."""
    values = list(find_json(text))
    if SOURCE.search(text):
        return Findings(echoed=True)
    found = Findings()
    # The last draft counts, unless it broke off and an earlier one is whole.
    for draft in sorted(
        _drafts(text, values), key=lambda draft: (draft[0].whole, draft[0].start), reverse=True
    ):
        found = Findings()
        read_value([v.value for v in draft] if len(draft) > 1 else draft[0].value, found)
        if found.error or any(map(clean_item, found.items())):
            break
    rest = "\n".join([_outside(text, values), *found.speech])
    if values and not any(value.value for value in values) and len(rest.split()) < 3:
        rest = ""  # "result {}"
    if any(c.isalpha() for c in rest):
        beside = Findings()
        read_text(without_markup(rest), beside)
        if not any(map(clean_item, found.items())):
            found.named, found.others = beside.named, beside.others
        found.texts = beside.texts | found.texts
        found.has_list = found.has_list or beside.has_list
    return found


def _drafts(text: str, values: list[Found]) -> list[list[Found]]:
    """Group values; a new group begins where the words before a value take back what came before."""
    groups: list[list[Found]] = []
    end = 0
    for value in values:
        if not groups or CORRECTION.search(text, end, value.start):
            groups.append([])
        groups[-1].append(value)
        end = value.end
    return groups


def _outside(text: str, values: list[Found]) -> str:
    """The text around JSON values."""
    parts, end = [], 0
    for value in values:
        parts.append(text[end : value.start])
        end = value.end
    return "\n".join([*parts, text[end:]])


def _keywords(items: list[str]) -> tuple[str, ...]:
    """Clean and unique; when the model ran in a circle, without the half word at its cut end."""
    if any(REFUSAL.search(item) for item in items[:1]):
        return ()  # "I'm sorry", "but I cannot", "identify people"
    keywords: dict[str, str] = {}
    for item in ungrown(uncounted(list(dict.fromkeys(items)))):
        if keyword := clean_item(item):
            keywords.setdefault(identity(keyword), keyword)
    if items and len(items) >= _LOOP * len(keywords):
        last = identity(clean_item(items[-1]))
        if last in keywords and any(key != last and key.startswith(last) for key in keywords):
            del keywords[last]
    return tuple(keywords.values())


def _trouble(answer: str, items: list[str]) -> str:
    """What a server says in the place of an answer, or ""."""
    said = [
        " ".join(item.split()).strip(" .!…[](){}<>*\"'`") for item in items if any(map(str.isalpha, item))
    ]
    is_trouble = TROUBLE.match(answer) or (said and all(map(SERVER.fullmatch, said)))
    return " ".join(answer.split()) if is_trouble else ""


def _text(found: Findings, part: Part) -> str:
    text = " ".join(unescape(found.texts.get(part, "")).split())
    if not any(map(str.isalnum, text)) or is_placeholder(text):
        return ""
    return text[1:-1] if text[:1] + text[-1:] in ('""', "\u201c\u201d", "**", "''") else text


def _is_example(keywords: tuple[str, ...], prompt_text: str) -> bool:
    """Whether just these keywords stand in the prompt as JSON: then the model repeats its example."""
    if len(keywords) < 2 or not all(keyword in prompt_text for keyword in keywords):
        return False
    return any(_keywords(_read_one(found.value)) == keywords for found in find_json(prompt_text))


def _read_one(value: object) -> list[str]:
    found = Findings()
    read_value(value, found)
    return found.items()


def _failure(cleaned: Cleaned, found: Findings) -> ReplyError:
    """Say what the answer was, since it was no list of keywords."""
    answer = cleaned.answer
    items = [item for item in found.items() if item.strip()]
    is_echo = (
        cleaned.echoed
        or found.echoed
        or (items and all(is_placeholder(i) or not any(map(str.isalnum, i)) for i in items))
    )
    causes = (
        (found.error, f"the model reported an error: {_excerpt(found.error)}"),
        (not answer and cleaned.thoughts, "the model's answer ended while it was still thinking"),
        (not answer and not cleaned.echoed, "the model's answer is empty"),
        (BLIND.search(answer), "the model says that it sees no picture"),
        (REFUSAL.search(answer), f"the model refused: {_excerpt(answer)}"),
        (is_echo, "the model repeated the question instead of answering it"),
        (found.has_list and not items, "the model found nothing to name"),
        (True, f"the model gave no list of keywords: {_excerpt(answer)}"),
    )
    message = next(message for holds, message in causes if holds)
    thinking = "Switch thinking off in the server, or use a model that does not think"
    return ReplyError(
        message, thinking if "thinking" in message else "Another model may do better: --model NAME"
    )


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line if len(line) <= 60 else line[:59] + "…"}"'
