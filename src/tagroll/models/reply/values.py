"""What a JSON answer means: keywords by whatever name and in whatever shape, and the texts beside them."""

import re
from dataclasses import dataclass, field
from typing import Any

from tagroll.models.reply.items import is_list_text, split_items
from tagroll.models.reply.loose_json import find_json
from tagroll.models.reply.names import Part, is_category, is_name, part_named

_MAX_DEPTH = 16
_ITEM_KEYS = (
    "name",
    "tag",
    "keyword",
    "label",
    "term",
    "word",
    "text",
    "value",
    "object",
    "item",
    "subject",
    "class",
)
_GRADES = frozenset(("high", "medium", "low", "yes", "true", "present", "visible", "certain", "likely"))
_DENIALS = frozenset(("no", "false", "absent", "0", "0%"))
_NO_ERROR = frozenset(("", "none", "null", "no", "no error", "n/a", "false", "ok"))


@dataclass(slots=True)
class Findings:
    """What an answer holds, collected in order. Items are raw: not yet cleaned.

    Attributes:
        named: Items under a name for keywords.
        others: Items under any other name or none: "objects", categories, a bare list.
        texts: Title, description and file name; the first of each.
        has_list: A place for keywords was there, even if it was empty.
        speech: What the model says as a whole, inside JSON: text to be read like any answer.
        error: What the model reports as an error, or "".
        echoed: The schema of the wanted answer was in it.
    """

    named: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    texts: dict[Part, str] = field(default_factory=dict)
    has_list: bool = False
    speech: list[str] = field(default_factory=list)
    error: str = ""
    echoed: bool = False

    def items(self) -> list[str]:
        """The raw keywords: those called so, else the best there is."""
        return self.named or self.others


def read_value(value: Any, into: Findings, depth: int = 0) -> None:
    """Collect what a JSON value holds."""
    if depth > _MAX_DEPTH:
        return
    value = _unwrapped(value, into)
    if isinstance(value, list):
        into.has_list = into.has_list or not depth
        for item in value:
            is_call = isinstance(item, dict) and _arguments(item) is not None
            if isinstance(item, dict) and (is_call or _is_answer(item) or not _item_name(item)):
                read_value(item, into, depth + 1)
            else:
                into.others.extend(_items(item, depth + 1, in_list=len(value) > 1))
    elif isinstance(value, dict):
        _read_object(value, into, depth)
    elif isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        for found in find_json(value):
            read_value(found.value, into, depth + 1)


def _unwrapped(value: Any, into: Findings) -> Any:
    """The answer in a call of a function, or in a schema that was filled in; a schema alone holds none."""
    if isinstance(value, list) and all(
        isinstance(part, dict) and part.keys() == {"key", "value"} for part in value
    ):
        return {str(part["key"]): part["value"] for part in value} or value
    if not isinstance(value, dict):
        return value
    if _is_schema(value):
        into.echoed = True
        return _filled_in(value)
    if any(isinstance(part, dict) and _is_schema(part) for part in value.values()):
        into.echoed = True  # a schema's properties, and maybe something beside them
        typed = {key: part for key, part in value.items() if isinstance(part, dict) and _is_schema(part)}
        return {key: part for key, part in value.items() if key not in typed} | _filled_in(
            {"properties": typed}
        )
    arguments = _arguments(value)
    return value if arguments is None else arguments


def _arguments(call: dict[str, Any]) -> Any:
    """What a function is called with, or None where this is no call."""
    function = call.get("function")
    if isinstance(function, dict):
        return _arguments({"name": "", **function})
    if not any(isinstance(call.get(key), str) for key in ("name", "function", "tool", "tool_name", "action")):
        return None
    for key in ("arguments", "parameters", "args", "input", "kwargs", "action_input"):
        if isinstance(call.get(key), dict | list):
            return call[key]
        if isinstance(call.get(key), str) and call[key].lstrip()[:1] in ("{", "["):
            return [found.value for found in find_json(call[key])]
    if isinstance(call.get("action_input"), str):
        return {"answer": call["action_input"]}
    return None


_SCHEMA_TYPES = frozenset(
    ("object", "array", "string", "number", "integer", "boolean", "json_schema", "json_object")
)
_SCHEMA_KEYS = frozenset(
    (
        "properties",
        "items",
        "minItems",
        "maxItems",
        "required",
        "additionalProperties",
        "enum",
        "json_schema",
        "schema",
    )
)


def _is_schema(value: dict[str, Any]) -> bool:
    """Whether an object says what an answer has to look like (JSON Schema, or OpenAI's response_format)."""
    inner = value.get("schema", value.get("json_schema"))
    is_typed = isinstance(value.get("type"), str) and value["type"] in _SCHEMA_TYPES
    is_wrapped = isinstance(inner, dict) and (_is_schema(inner) or "schema" in inner)
    properties = value.get("properties")
    inside = properties.values() if isinstance(properties, dict) else ()
    return (
        is_wrapped
        or ("$schema" in value and not _is_answer(value))
        or any(isinstance(part, dict) and _is_schema(part) for part in inside)
        or (is_typed and (len(value) == 1 or not _SCHEMA_KEYS.isdisjoint(value)))
    )


def _filled_in(schema: dict[str, Any]) -> dict[str, Any]:
    """What a model wrote into the places of a schema: lists of texts where a type should stand."""
    answer: dict[str, Any] = {}
    properties = schema.get("properties")
    for key, value in properties.items() if isinstance(properties, dict) else ():
        inner = value.get("items", value.get("value")) if isinstance(value, dict) else value
        if isinstance(inner, list):
            answer[key] = inner
    return answer


def _read_object(answer: dict[str, Any], into: Findings, depth: int) -> None:
    if _are_scores(answer):
        into.others.extend(_items(answer, depth))
        return
    for key, value in answer.items():
        part = part_named(key)
        if part is Part.KEYWORDS:
            into.has_list = True
            into.named.extend(_items(value, depth + 1))
        elif part is Part.THINGS:
            _read_things(value, into, depth)
        elif part is Part.ERROR:
            into.error = into.error or _error(value)
        elif part in (Part.TITLE, Part.DESCRIPTION, Part.FILENAME):
            _keep_text(part, value, into)
        else:
            is_wrapper = len(answer) == 1 and isinstance(value, dict)
            _read_other("" if is_wrapper else key, value, into, depth)
    if into.named and isinstance(answer.get("name"), str):
        into.texts.setdefault(Part.FILENAME, answer["name"])


def _read_things(value: Any, into: Findings, depth: int) -> None:
    """Keywords, unless the name is a wrapper around keywords by name ({"items": [{"tags": ...}]})."""
    inner = Findings()
    if isinstance(value, dict | list):
        read_value(value, inner, depth + 1)
    if inner.named:
        into.named.extend(inner.named)
    else:
        into.others.extend(_items(value, depth + 1))


def _read_other(key: str, value: Any, into: Findings, depth: int) -> None:
    """A category ({"colors": [...]}, {"setting": "beach"}), or a wrapper around the answer."""
    part = part_named(key)
    if isinstance(value, dict | list):
        inner = Findings()
        read_value(value, inner, depth + 1)
        into.named.extend(inner.named)
        into.error = into.error or inner.error
        into.has_list = into.has_list or inner.has_list
        for part, text in inner.texts.items():
            into.texts.setdefault(part, text)
        into.speech.extend(inner.speech)
        if part is not Part.ASIDE:
            into.others.extend(inner.others)
    elif isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        read_value(value, into, depth + 1)
    elif isinstance(value, str) and part is Part.SPEECH:
        into.speech.append(value)
    elif isinstance(value, str) and part is None and (is_category(key) or key.isdecimal()):
        into.others.extend(split_items(value))


def _items(value: Any, depth: int, *, in_list: bool = False) -> list[str]:
    """The raw items in a value that stands where keywords belong."""
    if depth > _MAX_DEPTH:
        return []
    text = value if isinstance(value, str) else _item_name(value) if isinstance(value, dict) else ""
    if text.lstrip()[:1] in ("{", "["):
        return [item for found in find_json(text) for item in _items(found.value, depth + 1)]
    if isinstance(value, str):
        # Inside a list a comma belongs to the item ("Paris, France") unless there are several.
        missing_quote = '", ' in value or ', "' in value
        if in_list and not re.search(r"\n\s*(?:[-*•]|\d+[.)])\s", value):
            value = value.strip().replace("\n", " ")  # broken in the middle, as lines are
        is_one = in_list and not missing_quote and not is_list_text(value.strip())
        return [value] if is_one else split_items(value)
    if isinstance(value, list):
        alone = len(value) == 1
        return [item for element in value for item in _items(element, depth + 1, in_list=not alone)]
    if isinstance(value, dict):
        return [text] if text else [item for key, v in value.items() for item in _entry(key, v, depth)]
    return []


def _entry(key: str, value: Any, depth: int) -> list[str]:
    """One entry of an object in the place of a list: {"beach": 0.9}, {"colors": ["blue"]}, {"1": "beach"}."""
    part = part_named(key)
    if part is Part.ASIDE and is_name(key):
        return []
    if _is_score(value):
        return [key] if value and str(value).casefold() not in _DENIALS else []
    is_explained = isinstance(value, str) and value.count(" ") > 2 and "," not in value
    is_placed = isinstance(value, list) and bool(value) and all(isinstance(v, int | float) for v in value)
    is_key = part is None and (is_explained or is_placed or _is_detail(value))
    return [key] if is_key else _items(value, depth + 1)


def _is_score(value: Any) -> bool:
    """Whether a value says how sure the model is of its key."""
    if isinstance(value, str):
        return (
            value.casefold() in _GRADES | _DENIALS
            or value.strip().rstrip("%").replace(".", "", 1).isdecimal()
        )
    return isinstance(value, int | float)


def _are_scores(answer: dict[str, Any]) -> bool:
    """Whether an object is a list of keywords with how sure the model is of each."""
    values = answer.values()
    detailed = all(_is_detail(value) and any(map(_is_score, value.values())) for value in values)
    return (detailed or all(map(_is_score, values))) and not all(map(is_name, answer))


def _is_detail(value: Any) -> bool:
    """Whether a value says more about its key, and only that."""
    return isinstance(value, dict) and bool(value) and all(part_named(key) is Part.ASIDE for key in value)


def _item_name(item: dict[str, Any]) -> str:
    """The keyword in an object that stands for one ({"name": "beach", "confidence": 0.9}), or ""."""
    lower = {key.casefold(): value for key, value in item.items()}
    names = (lower.get(key) for key in _ITEM_KEYS)
    return next((name for name in names if isinstance(name, str)), "")


def _is_answer(item: dict[str, Any]) -> bool:
    """Whether an object in a list is an answer of its own, not an item."""
    return any(
        part_named(key) is Part.KEYWORDS and (isinstance(value, list | dict) or key.casefold().endswith("s"))
        for key, value in item.items()
    )


def _keep_text(part: Part, value: Any, into: Findings) -> None:
    text = value[0] if isinstance(value, list) and value else value
    if isinstance(text, str) and text.strip():
        into.texts.setdefault(part, text)
    elif isinstance(value, dict):
        read_value(value, into, 1)


def _error(value: Any) -> str:
    """What went wrong in the model's words, or "" where nothing did."""
    text = value.get("message", "unknown") if isinstance(value, dict) else value
    said = text if isinstance(text, str) else "unknown" if text else ""
    return "" if said.strip().casefold() in _NO_ERROR else said
