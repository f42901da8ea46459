"""Asking a model once more, of each of its words: is it there? And how sure it is of that.

How likely a word was in a list says little: the model had many true words to choose from. How likely "yes" is against "no"
says more.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tagroll.domain import Description, Prompt
from tagroll.models.prompt import is_english
from tagroll.models.reply.loose_json import find_json
from tagroll.tags.broader import broader

_TEXT = """Do not list keywords. Look at the photo again and say of each of these, one by one, whether it can surely be seen:

{words}

"yes" only if it is there. Answer with JSON only, in this form: {{"...": "yes", "...": "no"}}"""
_YES, _NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an answer.

    Attributes:
        text: It.
        chances: What could have stood in its place -> how likely that was, 0 to 1; the likeliest alone.
    """

    text: str
    chances: Mapping[str, float]


def check_prompt(prompt: Prompt, words: Sequence[str]) -> Prompt:
    """Ask of each of these words whether it is there, after the question that led to them and the picture.

    Args:
        prompt: That question: the request begins with it, so that a server need not read the picture again.
        words: At least one.
    """
    answer = {"type": "string", "enum": [_YES, _NO]}
    schema = {
        "type": "object",
        "properties": dict.fromkeys(words, answer),
        "required": list(words),
        "additionalProperties": False,
    }
    listed = "\n".join(f"- {word}" for word in words)
    return Prompt("check", prompt.text, schema, len(words), prompt.key, after=_TEXT.format(words=listed))


def asked_of(said: Description, prompt: Prompt) -> tuple[str, ...]:
    """The words that a model is asked about: those that it said, and in English the broader ones, each once."""
    words = list(said.keywords)
    if is_english(prompt.language or None) and not prompt.listed:
        words += [above for word in said.keywords for above in broader(word)]
    by_name: dict[str, str] = {}
    for word in words:
        by_name.setdefault(word.casefold(), word)
    return tuple(by_name.values())


def read_check(text: str, tokens: Sequence[Token], words: Iterable[str]) -> dict[str, float]:
    """Word -> how likely it is there, 0 to 1: P(yes) / (P(yes) + P(no)), or just 1 or 0 where the server tells no chances.

    A word of which nothing is said is left out.
    """
    found = next((one.value for one in find_json(text) if isinstance(one.value, dict)), {})
    said = {str(word).casefold(): str(answer).strip().casefold() for word, answer in found.items()}
    ends = _places(text, tokens)
    sure: dict[str, float] = {}
    for word in words:
        answer = said.get(word.casefold(), "")
        if answer[:1] in {"y", "n"}:
            chance = _chance(text, ends, word)
            sure[word] = float(answer[0] == "y") if chance is None else round(chance, 4)
    return sure


def with_broader(sure: Mapping[str, float]) -> dict[str, float]:
    """The same, and no word less likely than one that it is true of: where there is a dog, there is an animal."""
    named = {word.casefold(): word for word in sure}
    found, before = dict(sure), dict[str, float]()
    while found != before:  # what is above the broader ones rises, too
        before = dict(found)
        for word in sure:
            for name in filter(None, map(named.get, broader(word))):
                found[name] = max(found[name], found[word])
    return found


def _places(text: str, tokens: Sequence[Token]) -> list[tuple[int, Token]]:
    """Where in the text each token begins; nothing where they are not those of the text."""
    if not tokens or "".join(token.text for token in tokens).strip() != text.strip():
        return []
    joined = "".join(token.text for token in tokens)
    at = text.find(joined.strip()) - (len(joined) - len(joined.lstrip()))
    places: list[tuple[int, Token]] = []
    for token in tokens:
        places.append((at, token))
        at += len(token.text)
    return places


def _chance(text: str, places: Sequence[tuple[int, Token]], word: str) -> float | None:
    """How likely "yes" was against "no" where the answer for a word begins; None where that is not told."""
    answer = re.search(rf'"{re.escape(word)}"\s*:\s*"?\s*([yn])', text, re.IGNORECASE)
    if answer is None:
        return None
    at = answer.start(1)
    token = next(((start, one) for start, one in places if start <= at < start + len(one.text)), None)
    if token is None:
        return None
    before = token[1].text[: at - token[0]]
    yes = no = 0.0
    for alternative, chance in token[1].chances.items():
        letter = alternative.removeprefix(before).lstrip(' "')[:1].casefold()
        yes += chance * (letter == _YES[0])
        no += chance * (letter == _NO[0])
    return yes / (yes + no) if yes + no else None
