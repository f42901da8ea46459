"""Models that are asked about pairs of tags, and answer as they are told to."""

import json
import random
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from tagroll.domain import Describer, Description, Preview, Prompt
from tagroll.tags.questions import Relation

Says = Callable[[str, str], str]
"""What is said of two tags."""


def asked(text: str) -> list[tuple[str, str]]:
    """The pairs of a question."""
    lines = re.findall(r'^\d+\. a: (".*"), b: (".*")$', text, re.MULTILINE)
    return [(json.loads(a), json.loads(b)) for a, b in lines]


def answer(text: str, says: Says) -> str:
    """A whole answer to a question."""
    verdicts = [{"id": number, "relation": says(a, b)} for number, (a, b) in enumerate(asked(text), 1)]
    return json.dumps({"verdicts": verdicts})


def perfect(same: Collection[frozenset[str]]) -> Says:
    """Who knows which pairs are the same: these, and those that everybody knows."""
    from tagroll.runs.judging import ANYBODY

    everybody = {frozenset(pair) for pair, is_same in ANYBODY.items() if is_same}

    def says(a: str, b: str) -> str:
        return Relation.SAME if {frozenset((a, b))} & {*same, *everybody} else Relation.RELATED

    return says


def at_random(seed: int = 1) -> Says:
    """Who guesses."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    return lambda _a, _b: draw.choice(list(Relation))


@dataclass
class Scripted(Describer):
    """A model without a server. `answers` makes the answer to a question."""

    answers: Callable[[str], str]
    model: str = "scripted"
    questions: list[list[tuple[str, str]]] = field(default_factory=list)

    def answer(self, prompt: Prompt) -> str:
        self.questions.append(asked(prompt.text))
        return self.answers(prompt.text)

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        raise NotImplementedError
