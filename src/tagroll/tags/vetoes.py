"""Why two tags must stay apart, whatever a model thinks of them.

An embedding puts red beside blue, Monday beside Tuesday and 35 mm beside 50 mm, often closer than real
synonyms; these rules are about what words exclude each other.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from itertools import product

from tagroll.tags.lexical_key import key, without_accents
from tagroll.tags.lexicon import everyday, lexicon
from tagroll.tags.term import Term, differing

_OPPOSITE_PREFIXES = ("un", "non", "in", "im", "dis", "ir", "anti")
_NEAR = 2
"""Steps up WordNet's tree within which two words under one roof are kinds of the same thing."""


@cache
def _exclusive() -> dict[str, dict[int, tuple[str, int]]]:
    """Word -> number of each set it excludes the rest of -> the set's name, and the number of the word's value."""
    found: dict[str, dict[int, tuple[str, int]]] = defaultdict(dict)
    for number, line in enumerate(everyday()["apart"]):
        name, _, values = line.partition(":")
        for place, value in enumerate(values.split(",")):
            for word in value.split("="):
                found[key(word)][number] = name, place
    return found


@cache
def opposed(a: str, b: str) -> str:
    """Why two different words exclude each other: the kind of value they are, "antonym", "name", or ""."""
    sets, others = _exclusive().get(a, {}), _exclusive().get(b, {})
    for number, (name, place) in sets.items():
        if number in others and others[number][1] != place:
            return name
    words = lexicon()
    if (a, b) in words.antonyms:
        return "antonym"
    short, long = sorted((a, b), key=len)
    if (
        len(short) > 3
        and any(long == prefix + short for prefix in _OPPOSITE_PREFIXES)
        and long in words.known
    ):
        return "antonym"
    if words.is_name(a) and words.is_name(b) and not words.main_meanings(a) & words.main_meanings(b):
        return "name"
    return ""


def _any_opposed(first: Iterable[str], second: Iterable[str]) -> str:
    return next((why for a, b in product(first, second) if (why := opposed(a, b))), "")


@cache
def veto(a: Term, b: Term) -> str:
    """Why two tags with different keys exclude each other, as alone or as the differing words, or ""."""
    if without_accents(a.key) == without_accents(b.key):
        return "accents"  # many embeddings do not see them, so that no cosine can tell
    if a.hierarchical or b.hierarchical:
        return "hierarchy"
    if a.numbers != b.numbers:
        return "number"
    return opposed(a.key, b.key) or _any_opposed(*differing(a, b))


def is_kind(child: Term, parent: Term) -> bool:
    """Whether WordNet knows one tag as a kind or an instance of the other."""
    words = lexicon()
    above = words.main_meanings(parent.key)
    if above:
        for meaning in words.main_meanings(child.key):
            direct = set(words.synsets[meaning].instance_of)
            if above & (words.above(meaning) | direct | {up for d in direct for up in words.above(d)}):
                return True
    return False


@cache
def lies_under(child: Term, parent: Term) -> bool:
    """Whether one tag is a kind, an instance or a closer description of the other (red car, car)."""
    more = len(child.words) > len(parent.words) and child.words[-len(parent.words) :] == parent.words
    return more or is_kind(child, parent)


def _is_part(of: frozenset[int], other: frozenset[int]) -> bool:
    return any(other.intersection(lexicon().synsets[s].parts) for s in of)


def _relation(first: frozenset[int], second: frozenset[int]) -> str:
    """How the meanings of two tags belong together."""
    if first & second:
        return ""
    if _is_part(first, second) or _is_part(second, first):
        return "part"
    ancestors = [{up for s in side for up in lexicon().above(s, _NEAR)} for side in (first, second)]
    return "kinds of one thing" if ancestors[0] & ancestors[1] else ""


@cache
def related(a: Term, b: Term) -> str:
    """How two tags belong together without being the same (parent and child, part), or ""."""
    if lies_under(a, b) or lies_under(b, a):
        return "parent and child"
    only_a, only_b = differing(a, b)
    if bool(only_a) != bool(only_b):
        return "one is the other and a word more"
    meanings = lexicon().main_meanings
    found = _relation(meanings(a.key), meanings(b.key))
    if found or len(only_a) + len(only_b) == 2:  # one word each is for the rule of the one modifier
        return found
    return _relation(meanings(" ".join(only_a)), meanings(" ".join(only_b)))
