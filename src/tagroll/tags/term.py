"""A tag, taken apart for comparison."""

import re
from dataclasses import dataclass
from functools import cache

from tagroll.tags.identity import LEVEL
from tagroll.tags.lexical_key import key, singular, squash

_STOP = frozenset({"a", "an", "the", "of", "in", "on", "at", "with", "and", "for", "by", "to", "from", "s"})
_COUNTS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th",
}  # fmt: skip
"""Number words before another word: two people, 2 people."""
_NUMBER = re.compile(r"\d+(?:[./,]\d+)*")


@dataclass(frozen=True, slots=True)
class Term:
    """What comparing needs to know of a tag.

    Attributes:
        tag: As written.
        key: Its lexical key.
        squashed: The key without spaces, every word in the singular.
        words: The words of the key in the singular, without articles and prepositions.
        numbers: The numbers in it, sorted.
    """

    tag: str
    key: str
    squashed: str
    words: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def hierarchical(self) -> bool:
        """Whether the tag is a path with levels."""
        return LEVEL in self.key


@cache
def term(tag: str) -> Term:
    """Take a tag apart."""
    text = key(tag)
    words = [singular(w) for w in text.split()]
    if len(words) > 1:
        words[0] = _COUNTS.get(words[0], words[0])
    return Term(
        tag=tag,
        key=text,
        squashed=squash(text if LEVEL in text else " ".join(words)),
        words=tuple(w for w in words if w not in _STOP) or tuple(words),
        numbers=tuple(sorted(_NUMBER.findall(text if LEVEL in text else " ".join(words)))),
    )


@cache
def _rest(words: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    left = list(other)
    rest = []
    for word in words:
        if word in left:
            left.remove(word)
        else:
            rest.append(word)
    return tuple(rest)


def differing(a: Term, b: Term) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that only one of the two has, in order."""
    return _rest(a.words, b.words), _rest(b.words, a.words)
