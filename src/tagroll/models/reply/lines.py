"""Answers in plain text: labelled sections, bullets, tables, hashtags, comma lists."""
# ruff: noqa: RUF001 - full-width punctuation is meant

import re
from collections.abc import Sequence
from itertools import chain, takewhile

from tagroll.models.reply.items import clean_item, is_sentence, split_items, split_label, unescape, ungrown
from tagroll.models.reply.late import late
from tagroll.models.reply.names import Part, is_category, is_name, part_named, words_of
from tagroll.models.reply.phrases import CLAUSE, INTERJECTION, REFUSAL, RELATION
from tagroll.models.reply.values import Findings

_BULLET = late(
    r"\s*(?:(?:\*{1,4}|[-+•‣◦▪►▸➤→✓✔☑○●\u2013—]|(?:[│┃|][ \t]*)*[├└┣┗|`+][─━-]+|"
    r"\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]|\d{1,2}\.\d{1,2}|\d{1,3}[．、])\s+(?=\S)|(?=\*\*[^*\n]{1,60}\*\*\s*[:\u2013—-]?\s+\S)|"
    r"\d{1,2}[.)．、](?=[^\W\d])|[・•‣◦▪►▸➤✓✔☑○●](?=\S))"
)
_CONTINUED = late(rf"(?<=[,，、])[ \t]*+\n(?!{_BULLET.pattern})\s*+")
_COMMENT = late(r"(?<=[\w\"'])[ \t]+#[ \t][^\n]*")
_HASHTAG = late(r"(?<![\w#&])#(?=[^\W_])([\w-]+)")
_TABLE_RULE = late(r"[\s|:+-]+")
_LABELS_IN_LINE = late(
    r"(?:(?<=[\s.*])|^)(?=\**(?:Title|Description|Keywords|Tags|File ?name|Summary|Caption)\**:)"
)
_SPOKEN_LABEL = late(
    r"^[\s*]*(?:\w{2,8}:)?((?:[\w' ]{0,40}\b)?(?:keywords|tags)\b[\w' ]{0,40}?)"
    r"(?:\s(?:are|include|would be|could be)(?=\s)(?!\s*:)|\s*(?:=|->|=>|→)+|\s[-\u2013—](?=\s))\s*",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETED_LABEL = late(r"^[ \t]*[【\[]([^\]】\[\n]{1,30})[】\]][ \t]*[:：]?[ \t]*(?=\S)", re.MULTILINE)
_COUNTED = late(
    r"[ \t]*[(\[*<]{0,3}(?:(?:no|nr|number|tag|keyword|label|item)\b\.?[ \t]*)?(?:[#№][ \t]?(?=\d+ )|(?!#))"
    r"(\d{1,3}|(?:[a-z]|[ivx]{1,5})(?=[.):\]*/>]|[ \t][-\u2013—]))\b"
    r"(?:[.):\]*/>]{1,3}|[ \t](?=[-\u2013—:]))?[ \t]*[-\u2013—:]?[ \t]+(?=\S)",
    re.IGNORECASE,
)
_COUNTS = (
    tuple(map(str, range(1, 100))),
    tuple("abcdefghijklmnopqrstuvwxyz"),
    tuple("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split()),  # noqa: SIM905
)
_CANNOT = late(r"\b(?:can(?:no|['’])t|won['’]t|unable|not able)\b(?!.*\bbut\b)", re.IGNORECASE)
_FINAL = late(r"\b(?:final|corrected|revised|improved)\b", re.IGNORECASE)
_SENTENCE_END = late(r"(?<=[^\W\d_]{3}[.!])\s+(?=[^\W\d_])")
_NOTED = late(r"\s*([^\s:]+(?: [^\s:]+){0,2})(?: (?:-|=|[-=]>|[→\u2013—])|:) (?!.* - )\S")
"""A keyword on its line, and a note about it..."""
_NOTE = late(r" (?:-|[-=]>|[→\u2013—]) |[:=] (?:an?|the|there)\s", re.IGNORECASE)
"""...which at least one of the lines shows to be a note."""
_INTRODUCES = late(r"\b(?:following|contains?|includes?|depicts?|shows?|see)\b", re.IGNORECASE)
_PARTS = (Part.KEYWORDS, Part.TITLE, Part.DESCRIPTION, Part.FILENAME)
"""They may head a section without a colon; "number" and "box" may be keywords on a line."""
_MAX_INTRO_WORDS = 20
"""So long may a sentence be that ends in a colon and introduces keywords."""
_MAX_MEAN_WORDS = 3.2
"""Clauses are longer than the items of a list."""


def read_text(text: str, into: Findings) -> None:
    """Collect what an answer in plain text holds."""
    text = _SPOKEN_LABEL.sub("\\1: ", INTERJECTION.sub("", _COMMENT.sub("", unescape(text))))
    text = _BRACKETED_LABEL.sub(lambda label: f"{label[1]}: " if is_name(label[1]) else label[0], text)
    text = "\n".join(map(_label_on_each_line, _without_numbers(text.splitlines())))
    text = _CONTINUED.sub(" ", text)
    sections, rest = _sections(text.splitlines(), into)
    final = [lines for label, lines in sections.items() if _FINAL.search(label)]
    for lines in final or sections.values():
        into.named.extend(_list_items(lines, labelled=True))
    into.has_list = into.has_list or bool(sections)
    if not into.named:
        # Without a label, a list in a refusal says what to do instead, not what is in the picture.
        asked = list(takewhile(lambda line: not REFUSAL.search(line), rest))
        into.others.extend(_list_items(asked, labelled=False))


def _without_numbers(lines: list[str]) -> list[str]:
    """Make lines that count up from one ("A. beach", "B. sunset"; "#1", "#2"; "No. I", "No. II") to bullets."""
    counted = [(place, match) for place, line in enumerate(lines) if (match := _COUNTED.match(line))]
    said = [match[1].casefold() for _, match in counted]
    if len(said) < 2 or not any(said == list(count[: len(said)]) for count in _COUNTS):
        return lines
    bullets = {place: f"- {match.string[match.end() :]}" for place, match in counted}
    return [bullets.get(place, line) for place, line in enumerate(lines)]


def _label_on_each_line(line: str) -> str:
    """Put "Title: Evening Keywords: beach, sea" on two lines."""
    parts = re.split(r"\s*[|;]\s*", line)
    if len(parts) > 1 and all(is_category(part.partition(": ")[0]) and ": " in part for part in parts):
        return "\n".join(parts)
    return _LABELS_IN_LINE.sub("\n", line) if len(_LABELS_IN_LINE.findall(line)) > 1 else line


def _sections(lines: list[str], into: Findings) -> tuple[dict[str, list[str]], list[str]]:
    """Sort lines by the label above them: those under a label for keywords, and those under none."""
    sections: dict[str, list[str]] = {}
    rest: list[str] = []
    texts: dict[Part, list[str]] = {}
    current = rest
    for line in lines:
        part, label, value = _label(line)
        if part in (Part.TITLE, Part.DESCRIPTION, Part.FILENAME):
            current = texts.setdefault(part, [])
        elif part is Part.KEYWORDS:
            current = sections.setdefault(words_of(label), [])
        elif part in (Part.ASIDE, Part.ERROR):
            # in YAML, "    score: 0.9" is about the item above it
            current = current if line[:1].isspace() else []
            value = ""
        elif current is texts.get(Part.TITLE) and current and not line.strip():
            current = rest
        if part is None or value:
            current.append(value if part else line)
    for part, said in texts.items():
        text = " ".join(" ".join(said).split()).strip("*_ ").removeprefix("- ")
        if text:
            into.texts.setdefault(part, text)
    return sections, rest


def _label(line: str) -> tuple[Part | None, str, str]:
    """The part of the answer that a line begins, its label, and what follows on the line."""
    head, colon, value = line.replace("：", ":").partition(":")
    words = words_of(re.sub(r"^\W*\d{1,2}[.)]", "", head)).split()
    said = re.split(r"[.!?]\s", head)[-1]
    part = part_named(said)
    if colon:
        limit = _MAX_INTRO_WORDS if part is Part.KEYWORDS else 3
        fits = not value.startswith("//")
    else:
        limit = 3 if re.match(r"\s*(?:#+\s|\*\*)", line) else 1
        fits = part in _PARTS and (limit == 3 or is_name(line))
    fits = fits and 0 < len(words) <= limit and part is not Part.THINGS
    if not fits or _CANNOT.search(said):
        return None, "", ""
    return part, head, value.strip(" *_") if value.strip(" *_-`") else ""


def _list_items(lines: list[str], *, labelled: bool) -> list[str]:
    """The raw items in the lines of a list; [] when they are prose.

    Args:
        lines: Lines, empty ones included.
        labelled: A label says that keywords follow; else the lines must look like nothing but a list.
    """
    text = "\n".join(lines)
    bars = min((line.count("|") for line in lines if "|" in line and _TABLE_RULE.fullmatch(line)), default=2)
    table = [line for line in lines if line.count("|") >= min(bars, 2)]
    if len(table) > 1:
        return _table_items(table)
    bullets = [line for line in lines if _BULLET.match(line)]
    if len(bullets) > (0 if labelled else 1):
        return _bullet_items([line for line in lines if line in bullets or _is_categorised(line)])
    hashtags = _HASHTAG.findall(text)
    if len(hashtags) > 1:
        alone = "," not in text and not is_sentence(" ".join(_HASHTAG.sub("", text).split()) or "x")
        return split_items(" ".join(text.split())) if alone and text.strip().startswith("#") else hashtags
    items: list[str] = []
    paragraphs = re.split(r"\n\s*\n", text.strip())
    are_lines = not any("\n" in paragraph for paragraph in paragraphs)
    if are_lines and not (labelled and _comma_items(paragraphs[0], labelled=True)):
        paragraphs = ["\n".join(paragraphs)]
    for paragraph in paragraphs:
        is_first = paragraph is paragraphs[0]
        alone = len(paragraphs) == 1
        items.extend(_paragraph_items(paragraph.splitlines(), labelled=labelled and is_first, alone=alone))
    return items


def _paragraph_items(lines: list[str], *, labelled: bool, alone: bool) -> list[str]:
    """The raw items in one paragraph without bullets: comma lists, or a word or two on each line."""
    ends = (":", "：") if labelled or alone else (":", "：", "!", "?")
    lines = [line for line in lines if line.strip() and not line.rstrip().endswith(ends)]
    if noted := _noted(lines):
        return noted
    items = [item for line in lines for item in _comma_items(line, labelled=labelled)]
    if items or labelled:
        return items or [line for line in lines if not _is_said(line)]
    names = [line for line in lines if not _is_said(line)]
    longest = max((len(line.split()) for line in names), default=0)
    fits = longest <= 4 if len(names) > 2 else longest <= 2 and (alone or len(names) > 1)
    return names if fits and len(lines) - len(names) < min(len(names), 3) else []


def _noted(lines: list[str]) -> list[str]:
    """The keywords of lines that have one each and a note about it, or []."""
    noted = [match[1] for match in map(_NOTED.match, lines) if match]
    fits = len(noted) == len(lines) > 1 and any(map(_NOTE.search, lines))
    return noted if fits and not any(map(is_category, noted)) else []


def _is_categorised(line: str) -> bool:
    """Whether a line says of what kind its few words are ("place: meadow")."""
    head, value = split_label(line)
    return is_category(head) and value.count(" ") < 3


def _is_said(line: str) -> bool:
    return is_sentence(line) or line.rstrip().endswith(("!", "?"))


def _comma_items(line: str, *, labelled: bool, nested: bool = False) -> list[str]:
    """The raw items of a list in one line, or []; `nested`: it stood behind a label already."""
    intro, _, told = line.partition(": ")
    if told and "," not in intro and _INTRODUCES.search(intro):
        line, nested = told.rstrip("."), True
    head, value = ("", "") if nested else split_label(line)
    if value and not value[0].isdigit():  # a digit begins a score: "beach: 0.9, sunset: 0.8"
        found = _comma_items(value.replace(":", " "), labelled=labelled, nested=True)
        if found or (is_category(head) and not is_sentence(value)):
            return found or [value]
    if stopped := _stopped_items(line):
        return stopped
    # "beach, sunset, ocean. These tags describe the photo."
    first, *more = _SENTENCE_END.split(line, maxsplit=1)
    parts = [part for part in ungrown(split_items(first)) if part.strip()]
    if labelled:
        named = sum(map(bool, map(clean_item, parts)))
        return parts if len(parts) > 1 and named * 2 >= len(parts) and not is_sentence(parts[0]) else []
    return parts if len(parts) > (2 if more else 1) and _look_like_items(parts, first) else []


def _stopped_items(line: str) -> list[str]:
    """The raw items of a list with a full stop after each, or []."""
    parts = [part.rstrip(". ") for part in _SENTENCE_END.split(line)]
    fits = len(parts) > 2 and "," not in line and all(part.count(" ") < 3 for part in parts)
    return parts if fits and all(map(clean_item, parts)) and not any(map(_is_clause, parts)) else []


def _look_like_items(parts: list[str], sentence: str) -> bool:
    """Whether the parts of an unlabelled line are names of things, and not the clauses of a sentence."""
    bare = [part.strip().removeprefix("and ") for part in parts]
    bad = [part for part in bare if is_sentence(part.rstrip(".")) or _is_clause(part) or _relates(part)]
    if len(bare) > 4 and len(bad) * 5 <= len(bare) and bare[0] not in bad:
        return True
    words = sum(len(part.split()) for part in bare) / len(bare)
    is_told = sentence.rstrip().endswith(".") and re.match(r"(?:an?|the|two|this)\s", sentence, re.IGNORECASE)
    return not bad and words <= (2.2 if is_told or len(bare) == 2 else _MAX_MEAN_WORDS)


def _is_clause(part: str) -> bool:
    """Whether a part goes on with a sentence; a name does not ("First Communion", "Standing Stones")."""
    first, *more = part.split() or [""]
    is_name = bool(more) and len(first) > 1 and all(word[0].isupper() for word in (first, *more))
    return CLAUSE.match(part) is not None and not is_name


def _relates(part: str) -> bool:
    return part.count(" ") > 2 and RELATION.search(part) is not None


def _bullet_items(lines: list[str]) -> list[str]:
    """The raw items of a bulleted or numbered list; [] when most of it is prose."""
    bodies = [_emphasis_as_label(_BULLET.sub("", line, count=1)) for line in lines]
    bodies = [body for body in bodies if not body.rstrip().endswith((":", "："))] or bodies
    if noted := _noted(bodies):
        return noted
    labels = [split_label(body) for body in bodies]
    # "- **Mood:** The picture has a calm feeling" is prose in sections: then no label is a keyword.
    in_sections = any(is_category(head) and is_sentence(value) for head, value in labels)
    items: list[str] = []
    good = 0
    for body, (_, value) in zip(bodies, labels, strict=True):
        if value and in_sections and is_sentence(value):
            continue
        parts = [] if value and is_sentence(value) else _comma_items(body, labelled=True)
        found = parts if parts and all(map(clean_item, parts)) else [body]
        items.extend(found)
        good += any(map(clean_item, found))
    return items if good * 2 >= len(bodies) else []


def _emphasis_as_label(body: str) -> str:
    """Make "**Beach** with waves" to "Beach: with waves": what is bold is the item."""
    match = re.match(r"(?:\*\*|__)([^*_]{1,60})(?:\*\*|__)\s*([:\u2013—-]\s*)?(?=\S)(?!,)", body)
    if match and match[2] and ":" not in match[0] and not is_category(match[1]):
        return match[1]
    return f"{match[1].rstrip(':')}: {body[match.end() :]}" if match else body.replace("**", "")


def _table_items(lines: Sequence[str]) -> list[str]:
    """The raw items in the column of a table that holds keywords."""
    rows = [[cell.strip(" *`") for cell in line.strip().strip("|").split("|")] for line in lines]
    rows = [row for row in rows if not _TABLE_RULE.fullmatch("|".join(row))]
    header = [part_named(cell) for cell in rows[0]] if rows else []
    if len(rows) == len(lines) and not any(header) and all(map(clean_item, chain(*rows))):
        return list(chain(*rows))
    wanted = next((part for part in (Part.KEYWORDS, Part.THINGS) if part in header), None)
    if len(rows) == 2 and wanted is not Part.KEYWORDS and all(map(is_category, rows[0])):
        return [item for cell in rows[1] for item in split_items(cell)]
    if wanted:
        column, rows = header.index(wanted), rows[1:]
    else:
        has_words = [
            sum(bool(clean_item(row[i])) for row in rows if i < len(row)) for i in range(len(header))
        ]
        column = has_words.index(max(has_words)) if has_words else 0
    return [item for row in rows if column < len(row) for item in split_items(row[column])]
