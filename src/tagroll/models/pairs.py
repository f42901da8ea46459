"""What a model is asked about pairs of tags, and what its answer says."""

import hashlib
import json
from collections.abc import Sequence

from tagroll.domain import Prompt
from tagroll.errors import ReplyError
from tagroll.models.reply.loose_json import find_json
from tagroll.tags.questions import Pair, Relation

_TEXT = """These are tags of one photo library, in pairs. Say of each pair how its first tag (a) belongs to the second (b):

- "same": every photo that fits one fits the other, and whoever looks for one wants the other as well. Spelling, plural, \
synonym, or a word more that says nothing ("Calm", "Calm Atmosphere").
- "narrower": a is a kind or a closer description of b ("clear blue sky", "blue sky").
- "broader": the other way round ("bird", "owl").
- "related": they go together, but are two things.
- "opposite": they exclude each other.
- "unsure": you do not know.

Different colors, numbers, times, seasons, places, people and opposites are never the same. If in doubt: "unsure".

Examples: couch, sofa: same. sunrise, sunset: opposite. wine glass, wine: related. sports car, car: narrower.

Every pair gets one answer, with its number. Answer with JSON only, in this form: \
{"verdicts": [{"id": 1, "relation": "..."}]}"""

PAIRS_KEY = hashlib.sha256(_TEXT.encode()).hexdigest()[:16]
"""Names the wording: what a model said to another one is not counted."""


def pairs_prompt(pairs: Sequence[Pair]) -> Prompt:
    """Ask how tags belong together, numbered from 1."""
    lines = [
        f"{number}. a: {json.dumps(a, ensure_ascii=False)}, b: {json.dumps(b, ensure_ascii=False)}"
        for number, (a, b) in enumerate(pairs, 1)
    ]
    verdict = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "relation": {"type": "string", "enum": list(Relation)}},
        "required": ["id", "relation"],
        "additionalProperties": False,
    }
    verdicts = {"type": "array", "items": verdict, "minItems": len(pairs), "maxItems": len(pairs)}
    schema = {
        "type": "object",
        "properties": {"verdicts": verdicts},
        "required": ["verdicts"],
        "additionalProperties": False,
    }
    return Prompt("pairs", "\n".join((_TEXT, "", *lines)), schema, len(pairs), PAIRS_KEY)


def read_relations(text: str, number: int) -> list[Relation]:
    """What an answer says of so many pairs, in their order.

    Raises:
        ReplyError: It does not speak of each of them, once.
    """
    for found in find_json(text):
        verdicts = found.value.get("verdicts") if isinstance(found.value, dict) else found.value
        if isinstance(verdicts, list) and found.whole:
            said = [(one.get("id"), one.get("relation")) for one in verdicts if isinstance(one, dict)]
            by_number = {
                place: relation
                for place, relation in said
                if isinstance(place, int) and relation in list(Relation)
            }
            if len(said) == len(verdicts) == number and by_number.keys() == set(range(1, number + 1)):
                return [Relation(by_number[place]) for place in range(1, number + 1)]
    raise ReplyError("the model does not say one thing of each pair", "A larger model may do")
