"""What only phrasing tells apart: fillers, a state as noun and as adjective, the order of words.

Vision models write "Peaceful Atmosphere" today and "Peaceful" tomorrow, "Joyful" and "Joy", "Flower Field" and "Field of
Flowers". The rules only see English grammar, so they are an evidence of their own that a person can switch off.
"""

from functools import cache

from tagroll.tags.lexical_key import key, singular
from tagroll.tags.lexicon import everyday, lexicon
from tagroll.tags.term import Term
from tagroll.tags.vetoes import opposed

_CLOTHES = frozenset({"clothing", "headdress", "footwear", "eyeglass", "spectacle"})
_ARTICLES = frozenset({"a", "an", "the"})
_ANIMAL, _PERSON = 5, 18
"""WordNet's files of animals and people."""
_WORN = frozenset({"in", "with", "wearing"})
_TURNED = frozenset({"of", "on"})
"""Words around which a phrase is turned: field of flowers, flower field."""


@cache
def _words(section: str) -> frozenset[str]:
    return frozenset(word for line in everyday()[section] for word in line.split())


@cache
def _fillers() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Kind of filler -> its words, and the adjectives it says nothing more behind (none: any other)."""
    found = {}
    for line in everyday()["fillers"]:
        name, _, lists = line.partition(":")
        fillers, _, adjectives = lists.partition("<")
        found[name] = (
            frozenset(fillers.split()),
            frozenset(key(text) for text in adjectives.split(",") if text.strip()),
        )
    return found


@cache
def _with_fillers_of_their_own() -> frozenset[str]:
    return frozenset[str]().union(*(adjectives for _, adjectives in _fillers().values()))


@cache
def _state_of() -> dict[str, str]:
    """Adjective -> the noun of the state."""
    found: dict[str, str] = {}
    for line in everyday()["states"]:
        noun, *adjectives = map(key, line.split("="))
        found |= dict.fromkeys(adjectives, noun)
    return found


@cache
def _state(word: str) -> str:
    """One word for a state, whichever part of speech names it (joyful: joy; darkness: dark)."""
    stem = word.removesuffix("ness")
    stem = stem[:-1] + "y" if stem.endswith("i") else stem
    if stem != word and stem in lexicon().adjectives and word not in _words("no state"):
        word = stem
    return _state_of().get(word, word)


def is_color(word: str) -> bool:
    """Whether a word names a color."""
    return word == "red" or opposed(word, "red") == "color"


def _is_plain_adjective(word: str) -> bool:
    """Whether a filler may go behind it: "Blue Sky" is no "Blue", "Good Mood" no "Good", a dining area no dining."""
    words = lexicon()
    return (
        word in words.adjectives
        and not word.endswith("ing")
        and not is_color(word)
        and word not in _words("no filler behind")
    )


def _without_filler(words: tuple[str, ...]) -> tuple[str, ...]:
    """A phrase without a last word that says nothing more."""
    *first, last = words
    rest = " ".join(first)
    for fillers, adjectives in _fillers().values():
        if last in fillers and (rest in adjectives or (not adjectives and _takes_filler(first))):
            return tuple(first)
    if last == "lighting" and first[-1] in lexicon().adjectives and not first[-1].endswith("ing"):
        return (*first, "light")
    return words


def _takes_filler(first: list[str]) -> bool:
    """Whether "setting" or "atmosphere" behind these words is a filler: behind an adjective, or a whole phrase."""
    return len(first) > 1 or (_is_plain_adjective(first[0]) and first[0] not in _with_fillers_of_their_own())


def _turned(words: list[str]) -> list[str]:
    """Field of flowers: flower field; car parked: parked car; man in a hat: man with a hat."""
    for i, word in enumerate(words[1:-1], 1):
        if word in _TURNED and len(words) == 3 and not _keeps_its_place(words[0], word):
            return [words[-1], singular(words[0])]
        if word in _WORN and _is_worn(words[-1]):
            return [*words[:i], "with", *words[i + 1 :]]
    return words[::-1] if len(words) == 2 and _says_what_it_does(*words) else words


def _keeps_its_place(first: str, word: str) -> bool:
    """Whether a phrase is not turned: a glass of wine is no wine glass, a man on a horse no horse man."""
    words = lexicon()
    lives = any(words.synsets[s].kind in (_ANIMAL, _PERSON) for s in words.main_meanings(first))
    return first in _words("no turning") or (word == "on" and lives)


def _is_worn(word: str) -> bool:
    words = lexicon()
    clothes = {s for name in _CLOTHES for s in words.main_meanings(name)}
    return any(clothes & words.above(s, 8) or s in clothes for s in words.main_meanings(word))


def _says_what_it_does(noun: str, word: str) -> bool:
    """Whether the word behind a noun says what it does, of a list of what needs no object, or what was done to it."""
    words = lexicon()
    walks = word == "walking" and any(words.synsets[s].kind == _PERSON for s in words.main_meanings(noun))
    done = word.endswith("ed") and word in words.adjectives and word not in words.meanings
    return noun in words.meanings and (word in _words("does") or walks or done)


@cache
def phrasing(t: Term) -> str:
    """What is left of a tag without what only phrasing adds; two tags that share it say the same.

    The key itself of a hierarchical tag, and of a phrase that WordNet knows as a word (bird of paradise).
    """
    words, nouns = t.key.split(), lexicon().meanings
    if t.hierarchical or (len(words) > 1 and t.key in nouns):
        return t.key
    left = tuple(_turned([word for word in words if word not in _ARTICLES] or words))
    if len(left) > 1:
        left = _without_filler(left)
    found = " ".join(map(_state, left))
    return t.key if len(left) > 1 and found in nouns else found


def same_phrasing(a: Term, b: Term) -> bool:
    """Whether only phrasing tells two tags apart."""
    return phrasing(a) == phrasing(b)
