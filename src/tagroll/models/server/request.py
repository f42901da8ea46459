"""The body of a chat request, and what the answer to it says."""

import binascii
import json
from dataclasses import dataclass, replace
from typing import Any

from tagroll.domain import Prompt

THOUGHT_TOKENS = 4096
"""Room for a model that thinks although it was asked not to."""


@dataclass(frozen=True, slots=True)
class Question:
    """One way to ask for one picture.

    Attributes:
        prompt: What is wanted.
        tokens: How long the answer may be.
        temperature: 0 for the model's best guess, more for another one.
    """

    prompt: Prompt
    tokens: int
    temperature: float = 0.0

    @classmethod
    def first(cls, prompt: Prompt, *, thinks: bool = False) -> "Question":
        """The first try: a keyword of three words in a script that tokens are not made for takes about 16.

        Args:
            prompt: What is wanted.
            thinks: Whether the model is known to think although it was asked not to.
        """
        room = 100 + 16 * prompt.max_tags + (300 if prompt.task == "classify" else 0)
        return cls(prompt, room + (THOUGHT_TOKENS if thinks else 0))

    def again(self, said: "Said") -> "Question":
        """The second try after an answer that was cut or unusable: more room if cut, and another guess."""
        tokens = self.tokens
        if said.cut:
            tokens = max(4 * tokens, THOUGHT_TOKENS if said.thought else 0)
        return replace(self, tokens=tokens, temperature=0.4)

    def body(self, model: str, jpeg: bytes, switches: frozenset[str]) -> bytes:
        """The request as bytes. The picture goes around the JSON encoder, the slowest part otherwise."""
        fields: dict[str, Any] = {
            "model": model,
            "max_tokens": self.tokens,
            "temperature": self.temperature,
            "stream": False,
        }
        if "template" in switches:
            fields["chat_template_kwargs"] = {"enable_thinking": False}
        if "effort" in switches:
            fields["reasoning_effort"] = "none"
        if "schema" in switches:
            schema = {"name": self.prompt.task, "strict": True, "schema": self.prompt.schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        # Words first: what all requests begin with is computed once by servers that keep a prompt cache.
        return b"".join(
            (
                json.dumps(fields).encode()[:-1],
                b', "messages": [{"role": "user", "content": [',
                json.dumps({"type": "text", "text": self.prompt.text}).encode(),
                b', {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,',
                binascii.b2a_base64(jpeg, newline=False),
                b'"}}]}]}',
            )
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said.

    Attributes:
        text: Its answer, or its thoughts if they are all there is and look like an answer.
        cut: Whether it ran out of tokens.
        thought: Whether it thought before it answered.
        prompt_tokens: As the server counted, 0 if it did not.
        completion_tokens: Likewise.
        model: Which model says so, "" if that is not told.
    """

    text: str
    cut: bool = False
    thought: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""


def read_completion(answer: Any) -> Said | None:
    """Read a chat completion.

    Args:
        answer: The body as JSON, whatever that is.

    Returns:
        What was said, or None if this is no chat completion.
    """
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        finish = choice.get("finish_reason")
        content = _text(message.get("content"))
        thoughts = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    except (LookupError, TypeError, AttributeError):
        return None
    cut = finish == "length"
    if not content.strip() and (not cut or thoughts.lstrip()[:1] in {"{", "["}):
        content = thoughts  # LM Studio puts an answer by schema there for some models
    thought = bool(thoughts.strip()) or "<think>" in content
    usage = answer.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    read, written = (_count(counts.get(f"{which}_tokens")) for which in ("prompt", "completion"))
    return Said(content, cut, thought, read, written, _text(answer.get("model")))


def _text(content: Any) -> str:
    """A message's text: a string, or a list of parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _count(number: Any) -> int:
    return number if isinstance(number, int) else 0
