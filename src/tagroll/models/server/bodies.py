"""What stands in the body of an answer: JSON, a stream of events, or words about what is wrong."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

WORDS_SHOWN = 300
"""Characters of a server's own words in a message."""


def read_json(body: bytes) -> Any:
    """The JSON value with which a body begins, however sloppily it is written: None if there is none.

    Line breaks inside strings, a byte order mark, letters of an old code page, and more behind the value (a gateway's
    "data: [DONE]") are passed over. A stream of events, which some servers send unasked, is read as the one answer
    that its pieces are.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    whole = _value(text)
    joined = None
    if isinstance(whole, list) and len(whole) > 1 and any(map(first_choice, whole)):
        joined = _joined(event for event in whole if isinstance(event, dict))
    elif whole is None or "\n{" in text or _piece(whole, first_choice(whole)) is not None:
        joined = _joined(_events(text))
    return whole if joined is None else joined


def _value(text: str) -> Any:
    """The JSON value with which a text begins, None if there is none."""
    text = text.lstrip()
    if text[:1] not in {"{", "[", '"'}:  # "404 page not found" begins with a number
        return None
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


_SHAPES = (
    ("choices", "message", "finish_reason"),  # OpenAI's chat completions, and those that keep to them
    ("choices", "text", "finish_reason"),  # OpenAI's completions
    ("candidates", "content", "finishReason"),  # Gemini
    ("", "message", "done_reason"),  # Ollama's chat
    ("", "response", "done_reason"),  # Ollama's generate
    ("", "content", "stop_reason"),  # Anthropic's messages
    ("", "output", "status"),  # OpenAI's responses
)
"""Where the choices of an answer are ("" for an answer that is the only one), what one says, and why it ended."""


def first_choice(said: Any) -> dict[str, Any]:
    """The first of a completion's choices that says something, in the shape of OpenAI's; {} if it has none.

    Gateways wrap a completion once more, in a list or under "data", and some send the only choice or its message alone.
    """
    said = said[0] if isinstance(said, list) and len(said) == 1 else said
    if not isinstance(said, dict):
        return {}
    inner = next((said[key] for key in ("data", "response") if isinstance(said.get(key), dict)), said)
    said = said if "choices" in said else inner
    found: list[dict[str, Any]] = []
    for place, key, finish in _SHAPES:
        choices = said.get(place) if place else said if _is_message(said, key) else None
        for choice in choices if isinstance(choices, list) else [choices]:
            if isinstance(choice, dict):
                message = choice.get(key)
                as_openai = {"message": _message(message), "finish_reason": choice.get(finish)}
                found.append(choice if message is None else {**choice, **as_openai})
    return next(filter(_says_something, found), found[0] if found else {})


def _is_message(said: dict[str, Any], key: str) -> bool:
    """Whether this is an answer without choices: an error may have "message", "response" and "content" as well."""
    value = said.get(key)
    if isinstance(value, dict):
        return "content" in value
    return value is not None and key != "message" and ("model" in said or "role" in said)


def _message(said: Any) -> Any:
    if isinstance(said, dict) and "parts" in said:
        said = said["parts"]
    return {"content": said} if isinstance(said, str | list) else said


_ABOUT = frozenset({"role", "type", "id", "model"})


def _says_something(choice: dict[str, Any]) -> bool:
    message = choice.get("message")
    return isinstance(message, dict) and any(value for key, value in message.items() if key not in _ABOUT)


def _events(text: str) -> Iterator[dict[str, Any]]:
    """The data of a stream of events, or a stream of JSON lines."""
    for block in re.split(r"(?:\r?\n){2,}", text):
        lines = [
            line.removeprefix("data:").strip()
            for line in block.splitlines()
            if line.startswith(("data:", "{"))
        ]
        lines = [line for line in lines if line != "[DONE]"]
        values = [_value(line) for line in lines]
        if len(lines) > 1 and None in values:  # one value over several lines
            values = [_value("\n".join(lines))]
        failed = re.search(r"^(?:event: *error\b|error:\s*(.*))", block, re.MULTILINE)
        if failed:
            yield {"error": (_value(failed[1]) or failed[1]) if failed[1] else (values or ["error"])[0]}
        yield from (value for value in values if isinstance(value, dict))


def _joined(events: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """One completion out of its pieces; the whole one or the error, if one of them is that."""
    message: dict[str, Any] = {}
    finish = None
    beside: dict[str, Any] = {}
    for event in events:
        choice = first_choice(event)
        piece = _piece(event, choice)
        if event.get("error") or (piece is None and _says_something(choice)):
            return event
        for key, value in ((_PIECES.get(key, key), value) for key, value in (piece or {}).items()):
            if key == "tool_calls":
                calls = message.setdefault("function_call", {"arguments": ""})
                calls["arguments"] += "".join(_arguments(value))
            elif key not in _ABOUT and isinstance(value, str | list):
                message[key] = message[key] + value if isinstance(message.get(key), type(value)) else value
        finish = choice.get("finish_reason") or message.pop("stop_reason", None) or finish
        beside |= {key: value for key, value in event.items() if value}
    if not message and finish is None:
        return None
    return {**beside, "choices": [{"message": message, "finish_reason": finish}]}


_PIECES = {"text": "content", "partial_json": "content"}


def _piece(event: Any, choice: dict[str, Any]) -> dict[str, Any] | None:
    """What an event adds to a message; None if it is no piece of one."""
    event = event if isinstance(event, dict) else {}
    if event.get("done") is False or "candidates" in event or "text" in choice:
        said = choice.get("message")
    elif "message" in choice:
        return None
    else:
        said = choice.get("delta", event.get("delta"))
    piece = _message(said)
    return piece if isinstance(piece, dict) else None


def _arguments(calls: Any) -> Iterator[str]:
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            yield function["arguments"]


_WORDS = (
    "error", "message", "detail", "details", "msg", "reason", "errors", "title", "metadata", "raw", "error_message",
    "error_msg", "error_description", "description", "innererror", "fault", "faultstring",
)  # fmt: skip
"""Where servers put their words, in the order in which they are told."""


def error_text(body: bytes) -> str:
    """Find the words in an error answer, in any shape: `error` as string or object, FastAPI's `detail`, plain text.

    Returns:
        At most WORDS_SHOWN characters on one line without control characters, for it is shown on a terminal.
    """
    said = read_json(body)
    if said is None:
        text = body[:100_000].decode("utf-8", "replace")
        page = re.search(r"<(?:title|h1)>(.*?)</(?:title|h1)>", text, re.DOTALL | re.IGNORECASE)
        if text.lstrip("\ufeff \t\r\n").startswith("<"):
            text = page[1] if page else ""
        return one_line(text)
    return _words_of(said)


def _words_of(said: Any) -> str:
    return one_line(": ".join(dict.fromkeys(_words_in(said))) or (json.dumps(said) if said else ""))


def _words_in(said: Any, depth: int = 6) -> Iterator[str]:
    """All that an error says, and the part of the request that it says it about."""
    if isinstance(said, str) and said.strip():
        nested = read_json(said.encode("utf-8", "replace")) if said.lstrip().startswith("{") else None
        yield from _words_in(nested, depth - 1) if isinstance(nested, dict) and depth else (said.strip(),)
    elif isinstance(said, list) and depth:
        for item in said[:2]:
            yield from _words_in(item, depth - 1)
    elif isinstance(said, dict) and depth:
        said = {str(key).lower(): value for key, value in said.items()}
        if isinstance(said.get("errors"), dict):  # by the part of the request
            said["errors"] = list(said["errors"].values())
        words = [word for key in _WORDS for word in _words_in(said.get(key), depth - 1)]
        place = said.get("loc") or said.get("param")
        named = ".".join(map(str, place)) if isinstance(place, list) else place
        if isinstance(named, str) and words and named not in words[0]:
            yield named.removeprefix("body.")
        yield from words


def one_line(text: str) -> str:
    """The beginning of a text, fit for a terminal."""
    clean = "".join(sign if sign.isprintable() else " " for sign in text[: 10 * WORDS_SHOWN])
    return " ".join(clean.split())[:WORDS_SHOWN]


def stated_error(said: Any) -> str:
    """The words of an error inside an answer that says "200 OK"; "" if there are none."""
    if not isinstance(said, dict):
        return ""
    choice = first_choice(said)
    for place in (said, choice):
        if any(place.get(key) for key in ("error", "errors")):
            return _words_of({key: place.get(key) for key in ("error", "errors")})
    if choice:
        return one_line(_refused_by_the_model(choice))
    code = said.get("code", said.get("error_code"))
    failed = said.get("success") is False or "error" in (
        said.get("object"),
        said.get("status"),
        said.get("type"),
    )
    if failed or "detail" in said or "error_msg" in said or (isinstance(code, int) and code >= 400):
        return _words_of(said)
    return ""


def _refused_by_the_model(choice: dict[str, Any]) -> str:
    """The words of a model, or of a filter behind it, that refuses to speak; "" if it speaks."""
    message, finish = choice.get("message"), str(choice.get("finish_reason"))
    fields = message if isinstance(message, dict) else {}
    content = fields.get("content")
    if finish == "error":
        return content if isinstance(content, str) and content.strip() else "finish_reason: error"
    if content:
        return ""
    if isinstance(fields.get("refusal"), str):
        return str(fields["refusal"])
    return (
        f"finish_reason: {finish}" if re.search(r"filter|safety|prohibited|blocked", finish.lower()) else ""
    )
