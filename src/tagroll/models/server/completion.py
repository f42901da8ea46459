"""What a chat completion says, wherever a server puts it."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tagroll.models.checking import Token
from tagroll.models.server.bodies import first_choice

_CUT = frozenset({"length", "max_tokens", "max_length", "model_length", "token_limit", "incomplete"})
"""Words for "it ran out of tokens"; many servers have others, or none."""
_TEXT_KEYS = ("text", "content", "value", "output_text", "summary", "thinking", "reasoning")
_ANSWER_KEYS = frozenset({"keywords", "tags", "title", "filename"})
_THOUGHT_KEYS = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thoughts")
_COUNTS = (
    ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count"),
    ("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count"),
)
_NOTHING = frozenset({"", "{}", "[]", "null"})
_ARGUMENTS = ("arguments", "input", "args")
_CALL_KEYS = frozenset({*_ARGUMENTS, "functionCall"})
_THINKING_PART = re.compile(r"reason|think|thought")


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model said.

    Attributes:
        text: Its answer, or its thoughts if they are all there is and look like an answer.
        cut: Whether it ran out of tokens.
        thought: Whether it thought before it answered.
        prompt_tokens: As the server counted, 0 if it did not.
        completion_tokens: Likewise.
        model: Which model says so, "" if that is not told.
        tokens: The pieces of the text, with what could have stood in their place, where that was asked for and told.
    """

    text: str
    cut: bool = False
    thought: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""
    tokens: tuple[Token, ...] = ()

    @property
    def is_endless(self) -> bool:
        """Whether it thought until there was no room for an answer."""
        answer = re.sub(r"<think>(?!.*</think>).*", "", self.text, flags=re.DOTALL)
        return self.cut and self.thought and not answer.strip()


def read_completion(answer: Any) -> Completion | None:
    """Read a chat completion.

    Args:
        answer: The body as JSON, whatever that is.

    Returns:
        What was said, or None if this is no chat completion.
    """
    choice = first_choice(answer)
    message = choice.get("message")
    if not isinstance(message, dict):
        return None
    content = _text(message.get("content", message.get("text"))) or _called(message)
    thoughts = "".join(_thoughts(message))
    cut = str(choice.get("finish_reason")).lower() in _CUT
    if content.strip() in _NOTHING and (not cut or thoughts.lstrip()[:1] in {"{", "["}):
        content = thoughts  # LM Studio puts an answer by schema there for some models
    thought = bool(thoughts.strip()) or "<think>" in content
    answer = answer if isinstance(answer, dict) else {}
    usage = answer.get("usage") or answer.get("usageMetadata")
    counts = usage if isinstance(usage, dict) else answer
    prompt, completion = (
        next((n for key in keys if isinstance(n := counts.get(key), int)), 0) for keys in _COUNTS
    )
    return Completion(
        content, cut or breaks_off(content), thought, prompt, completion, _text(answer.get("model")),
        _tokens(choice.get("logprobs")),
    )  # fmt: skip


def _tokens(told: Any) -> tuple[Token, ...]:
    """The tokens of an answer; none where what is told of them is not of the form that it should have."""
    content = told.get("content") if isinstance(told, dict) else None
    if not isinstance(content, list):
        return ()
    try:
        return tuple(
            Token(
                one["token"],
                {other["token"]: math.exp(min(other["logprob"], 0.0)) for other in one["top_logprobs"]},
            )
            for one in content
        )
    except (KeyError, TypeError):
        return ()


def breaks_off(text: str) -> bool:
    """Whether a text is JSON that ends in the middle: an open list or string, and no closing bracket at the end."""
    body = re.sub(r"^.*</think>|```(json)?", "", text, count=2, flags=re.DOTALL).strip()
    if body[:1] not in {"{", "["} or text.rstrip().endswith(("}", "]", "```")):
        return False
    without_strings = re.sub(
        r'"(?:[^"\\]|\\.)*("|$)', lambda string: "" if string[1] else "{", body, flags=re.DOTALL
    )
    opened = sum(without_strings.count(sign) for sign in "{[")
    return opened > sum(without_strings.count(sign) for sign in "}]")


def _text(content: Any) -> str:
    """A text: as such, in parts, in an object; an object that is no wrapping is an answer itself."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part for part in content if not _is_thinking(part) and not _is_call(part)]
        texts = [_text(part) for part in parts]
        joined = "".join(texts)
        if (
            len(parts) < 2
            or not all(isinstance(part, str) for part in parts)
            or joined.lstrip()[:1] in {"{", "[", "`"}
        ):
            return joined
        return json.dumps(parts)  # a list of keywords
    if isinstance(content, dict):
        is_answer = bool(_ANSWER_KEYS & content.keys())
        inner = None if is_answer else next((content[key] for key in _TEXT_KEYS if key in content), None)
        return json.dumps(content) if inner is None and content else _text(inner)
    return ""


def _is_thinking(part: Any) -> bool:
    return isinstance(part, dict) and bool(
        part.get("thought") is True or _THINKING_PART.search(str(part.get("type", "")).lower())
    )


def _is_call(part: Any) -> bool:
    return isinstance(part, dict) and not _CALL_KEYS.isdisjoint(part)


def _thoughts(message: dict[str, Any]) -> Iterator[str]:
    """What a model thought, beside the answer or as parts of it."""
    for key in (*_THOUGHT_KEYS, "content"):
        value = message.get(key)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict) and _is_thinking(part):
                yield _text({**part, "type": "", "thought": False})
            elif key != "content":
                yield _text(part)


def _called(message: dict[str, Any]) -> str:
    """What a model says by calling functions, or what a server has understood of its answer already."""
    places = (message.get(key) for key in ("tool_calls", "content"))
    calls = [call for place in places if isinstance(place, list) for call in place]
    said: list[str] = []
    for call in (message.get("function_call"), *calls):
        if isinstance(call, dict):
            function = next(
                (call[key] for key in ("function", "custom", "functionCall") if key in call), call
            )
            arguments = (
                next((function[key] for key in _ARGUMENTS if function.get(key)), None)
                if isinstance(function, dict)
                else None
            )
            if arguments:
                said.append(arguments if isinstance(arguments, str) else json.dumps(arguments))
    if said:
        return "\n".join(said)
    parsed = message.get("parsed")
    return json.dumps(parsed) if isinstance(parsed, dict | list) and parsed else ""
