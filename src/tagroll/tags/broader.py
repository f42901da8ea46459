"""The broader words of a word, for when the word itself is not sure: golden retriever, dog, animal."""

from functools import cache
from typing import Final

from tagroll.tags.hierarchy import DOMINANT, everyday_parents
from tagroll.tags.lexicon import CONCRETE, lexicon
from tagroll.tags.term import term

MOST: Final = 2
"""Broader words of one word; those above say ever less."""
_LEVELS = 6
_VAGUE = frozenset({"nature", "architecture", "transport", "pet", "family"})
"""Everyday words that say nothing of what is in a photo, or that are not true of all that stands below them."""
_LAST = frozenset({"water"})
"""Has no broader word: a lake is no drink."""


@cache
def broader(word: str) -> tuple[str, ...]:
    """The nearest everyday words that are true of all that a word is true of, the nearest first; English, small letters.

    They come from the list of everyday things, from the end of a phrase (red car, car), and from that list by way of
    WordNet's tree. A word that names no thing, or more than one, has none.
    """
    meant = term(word)
    found: list[str] = []
    step = meant.key
    while len(found) < MOST and (above := _above(step)):
        if above in found or above == meant.key:
            break
        found.append(above)
        step = above
    return tuple(found)


def _above(name: str) -> str:
    """The next everyday word above one; "" where there is none."""
    words = lexicon()
    if name in _LAST:
        return ""
    if parents := everyday_parents().get(name):
        return next((one for one in parents if one not in _VAGUE), "")
    meanings = words.main_meanings(name, DOMINANT)
    if not meanings:
        *_, last = (parts := name.split())
        is_thing = len(parts) > 1 and not words.main_meanings(name) and words.main_meanings(last, DOMINANT)
        return last if is_thing and last in words.common else ""
    level = {meaning for meaning in meanings if words.synsets[meaning].kind in CONCRETE}
    for _ in range(_LEVELS):
        level = {up for meaning in level for up in words.synsets[meaning].up}
        names = (
            one
            for meaning in sorted(level)
            for one in words.words[meaning]
            if one in _everyday() and meaning in words.main_meanings(one, DOMINANT)
        )
        if above := next(names, ""):
            return above
    return ""


@cache
def _everyday() -> frozenset[str]:
    """Words that a person would look for: those of the list of everyday things."""
    parents = everyday_parents()
    return frozenset(parents).union(*parents.values()) - _VAGUE
