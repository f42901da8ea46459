"""A model's answer is held to what is known: a person or a place that no field of the photo names is struck out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tagroll.domain import Description
from tagroll.runs.proper_names import names_in, plain

_SENTENCE = re.compile(r"(?<=[.!?\u3002])\s+")
_LINKS = "in|at|on|near|from|with|by|of|for|to|and|or|over|above|outside|around|through|during|called|named"
_BEFORE = rf"(?:\s*,(?:\s+(?:{_LINKS}))?|\s+(?:{_LINKS}))(?:\s+the)?\s+"
_AFTER = rf"(?=\s*(?:[,.;:!?)]|$)|\s+(?:{_LINKS}|while|as|behind|beside|before|after)\b)"
"""Between these a name can be taken out of a sentence: "boats in the harbour of Malcesine at dusk"."""
_SMALL = frozenset({*_LINKS.split("|"), "a", "an", "the"})
"""Words that stay small in a title."""
_WORDS = re.compile(r"[^\W\d_]+")
_DOING = """and carries climbs dances drinks eats enjoys has holds is jumps laughs leans lies listens looks opens plays poses
reads rests rides runs shows sits sleeps smiles stands swims takes talks walks watches waves wears works"""
_DOES = frozenset(_DOING.split())
"""What follows the one word that a sentence is about, if that is somebody: Rose sits on a bench."""

Allowed = Callable[[], frozenset[str]]
"""Finds the identities of the words that the photo's own fields say; asked only where a name was found."""


@dataclass(frozen=True, slots=True)
class Held:
    """An answer, and what was struck out of it.

    Attributes:
        answer: Without the names.
        struck: The names, and the keywords with names in them.
    """

    answer: Description
    struck: tuple[str, ...] = ()


def hold(answer: Description, allowed: Allowed, *, english: bool = True) -> Held:
    """Strike out of an answer the names of people and places that the photo does not say.

    Args:
        answer: What the model said.
        allowed: See `Allowed`.
        english: Whether it is in English; of other languages only names that English knows too are found.
    """
    keywords, texts = answer.keywords, (answer.title, answer.description)
    # large letters tell a name among keywords that most begin small
    capitals = english and 2 * len([word for word in keywords if word[:1].islower()]) > len(keywords)
    named = {word: [*names_in(word, capitals=capitals, first=True)] for word in keywords}
    named |= {text: _names_in_text(text) if english else [*names_in(text, capitals=False)] for text in texts}
    named[answer.filename] = [*names_in(re.sub(r"[-_]+", " ", answer.filename), capitals=False)]
    if not any(named.values()):
        return Held(answer)
    words = allowed()
    wrong = {text: [name for name in names if not _is_said(name, words)] for text, names in named.items()}
    kept = tuple(word for word in keywords if not wrong[word])
    struck = [*(word for word in keywords if wrong[word]), *(name for text in texts for name in wrong[text])]
    return Held(
        replace(
            answer, keywords=kept, title=_without(answer.title, wrong), description=_without(answer.description, wrong),
            filename=_stem_without(answer.filename, wrong[answer.filename]),
        ),
        tuple(dict.fromkeys(struck)),
    )  # fmt: skip


def _names_in_text(text: str) -> list[str]:
    """The names in an English text; the first word of a sentence begins large whatever it is."""
    capitals = _is_prose(text)
    found: list[str] = []
    for sentence in _SENTENCE.split(text):
        second = "".join(_WORDS.findall(sentence)[1:2])
        found += names_in(sentence, capitals=capitals, first=second in _DOES)
    return found


def _is_said(name: str, words: frozenset[str]) -> bool:
    return all(word in words for word in _WORDS.findall(plain(name)))


def _is_prose(text: str) -> bool:
    """Whether large letters mean something in a text: in A Title They Do Not."""
    words = [word for word in _WORDS.findall(text)[1:] if word.casefold() not in _SMALL]
    return 3 * len([word for word in words if word[0].islower()]) >= len(words) > 0


def _without(text: str, wrong: dict[str, list[str]]) -> str:
    """A text without names: what leads up to them goes too, and a sentence in which one stands otherwise goes whole."""
    if not wrong[text]:
        return text
    return " ".join(filter(None, (_sentence_without(one, wrong[text]) for one in _SENTENCE.split(text))))


def _sentence_without(sentence: str, names: list[str]) -> str:
    for name in names:
        sentence = re.sub(f"{_BEFORE}{re.escape(name)}{_AFTER}", "", sentence)
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence):
            return ""
    return sentence


def _stem_without(stem: str, names: list[str]) -> str:
    for name in names:
        pattern = re.sub(r"\s+", "[-_ ]+", re.escape(name).replace("\\ ", " "))
        stem = re.sub(rf"(?<![^\W_]){pattern}(?![^\W_])", "", stem)
    joined = re.sub(r"([-_ ])[-_ ]+", r"\1", stem).strip("-_ ")
    return re.sub(rf"(?:[-_ ](?:{_LINKS}|the))+$", "", joined) if names else stem
