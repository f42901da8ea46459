"""The body of a chat request."""

import binascii
import json
from dataclasses import dataclass, replace
from typing import Any

from tagroll.domain import Prompt
from tagroll.models.server.completion import Completion
from tagroll.models.server.refusal import CHANCES

THOUGHT_TOKENS = 4096
"""Room for a model that thinks although it was asked not to."""

ALTERNATIVES = 5
"""Of each token of an answer with yes and no: so many likeliest ones are told."""


@dataclass(frozen=True, slots=True)
class Question:
    """One way to ask for one picture.

    Attributes:
        prompt: What is wanted.
        tokens: How long the answer may be.
        temperature: 0 for the model's best guess, more for another one.
        thinks: Whether there is room for thoughts in it.
    """

    prompt: Prompt
    tokens: int
    temperature: float = 0.0
    thinks: bool = False

    @classmethod
    def first(cls, prompt: Prompt, *, thinks: bool = False) -> "Question":
        """The first try: a keyword of three words in a script that tokens are not made for takes about 16.

        Args:
            prompt: What is wanted.
            thinks: Whether the model is known to think although it was asked not to.
        """
        room = 100 + 16 * prompt.max_tags + (300 if prompt.task == "classify" else 0)
        return cls(prompt, room + (THOUGHT_TOKENS if thinks else 0), thinks=thinks)

    def again(self, said: Completion) -> "Question":
        """The second try after an answer that was cut or unusable: more room if cut, and another guess.

        Thoughts get their room once: with twice of it, a model that cannot stop takes twice the time.
        """
        tokens, thinks = self.tokens, self.thinks
        if said.cut and said.thought and not thinks:
            tokens, thinks = tokens + THOUGHT_TOKENS, True
        elif said.cut:
            tokens += 3 * (tokens - (THOUGHT_TOKENS if thinks else 0))
        return replace(self, tokens=tokens, temperature=0.4, thinks=thinks)

    def body(self, model: str, jpeg: bytes | None, switches: frozenset[str]) -> bytes:
        """The request as bytes, of a picture or of words alone. The picture goes around the JSON encoder, which is slow."""
        fields: dict[str, Any] = {
            "model": model,
            "stream": False,
        }
        if "max_tokens" in switches:
            fields["max_tokens"] = self.tokens
        elif "completion_tokens" in switches:  # its name with newer models of OpenAI
            fields["max_completion_tokens"] = self.tokens
        if "temperature" in switches:
            fields["temperature"] = self.temperature
        if "template" in switches:
            fields["chat_template_kwargs"] = {"enable_thinking": False}
        if "effort" in switches:
            fields["reasoning_effort"] = "none"
        if self.prompt.task == "check" and CHANCES in switches:
            fields |= {"logprobs": True, "top_logprobs": ALTERNATIVES}
        if "schema" in switches:
            schema = {"name": self.prompt.task, "strict": True, "schema": self.prompt.schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        if jpeg is None:
            messages = [{"role": "user", "content": self.prompt.text}]
            return json.dumps(fields | {"messages": messages}).encode()
        after = [{"type": "text", "text": self.prompt.after}] if self.prompt.after else []
        # Words first: what all requests begin with is computed once by servers that keep a prompt cache.
        return b"".join(
            (
                json.dumps(fields).encode()[:-1],
                b', "messages": [{"role": "user", "content": [',
                json.dumps({"type": "text", "text": self.prompt.text}).encode(),
                b', {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,',
                binascii.b2a_base64(jpeg, newline=False),
                b'"}}',
                b"".join(b", " + json.dumps(part).encode() for part in after),
                b"]}]}",
            )
        )
