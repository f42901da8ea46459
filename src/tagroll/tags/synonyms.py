"""What speaks for two tags being the same thing, as far as dictionaries know."""

import re
import string
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import combinations

from tagroll.tags.identity import identity
from tagroll.tags.lexical_key import key, squash
from tagroll.tags.lexicon import CONCRETE, everyday, lexicon, no_typos
from tagroll.tags.phrasing import is_color, phrasing
from tagroll.tags.term import Term, differing

DOMINANT = 70
"""Percent of a word's uses that a shared meaning has to have in both tags."""
_SHORTEST_TYPO, _LONGEST_TYPO = 5, 20
_MOST_DOUBLED = 3
"""Letters that a word doubles (committee); no common word has four."""
_GENRE = frozenset({"photo", "photograph", "photography"})
_USUAL = 50
"""Percent of a word's uses in which it is the class that it stands for behind another word."""
_ANIMAL, _PLANT, _TIME = 5, 20, 28
"""WordNet's files of animals, plants and times."""
_SYNONYMOUS = CONCRETE | {11, 15, _TIME}
"""WordNet's files whose synonyms people take for each other: things, events, places and times (not acts, nor people)."""


@cache
def _groups() -> dict[str, frozenset[int]]:
    """Key -> the lines of everyday.txt's synonyms it stands in."""
    found: dict[str, set[int]] = {}
    for number, line in enumerate(everyday()["same"]):
        for name in line.split(" = "):
            found.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


@cache
def classes(phrase: str) -> frozenset[str]:
    """The names of the classes of synonyms a key belongs to: two keys that share one mean the same."""
    words = lexicon()
    nouns = () if _is_adjective(phrase) else words.main_meanings(phrase, DOMINANT)
    meanings = {f"wordnet {s}" for s in nouns if words.synsets[s].kind in _SYNONYMOUS}
    return frozenset(meanings | {f"everyday {n}" for n in _groups().get(phrase, ())})


def _spellings(t: Term) -> frozenset[str]:
    """A tag without spaces: with every word in the singular (fire flies, firefly), and as it is (sportscar)."""
    return frozenset((t.squashed, squash(t.key)))


def is_compound(a: Term, b: Term) -> bool:
    """Whether one tag is a color and a noun, the other the word that both make together (green house, greenhouse)."""
    short, long = sorted((a, b), key=lambda t: len(t.words))
    if not _spellings(a) & _spellings(b) or len(short.words) == len(long.words):
        return False
    words = lexicon()
    return is_color(long.words[0]) and short.key in words.known and long.key not in words.meanings


def _is_adjective(word: str) -> bool:
    """Whether a noun alone is rather a color, or an adjective (sweet, remote), so that its plural is another tag."""
    words = lexicon()
    kinds = {words.synsets[s].kind for s in words.main_meanings(word)}
    lives = kinds & {_ANIMAL, _PLANT}  # human, rose
    return is_color(word) or (bool(kinds) and word in words.mainly_adjectives and not lives)


def is_adjective_and_plural(a: Term, b: Term) -> bool:
    """Whether one tag is an adjective, the other the plural of the noun of that spelling (orange, oranges)."""
    plurals = [identity(t.tag).endswith("s") for t in (a, b)]
    return plurals[0] != plurals[1] and a.key == b.key and _is_adjective(a.key)


def same_spelling(a: Term, b: Term) -> bool:
    """Whether two tags are one word written in two ways."""
    return bool(_spellings(a) & _spellings(b)) and not is_compound(a, b)


def same_everyday(a: Term, b: Term) -> bool:
    """Whether everyday.txt calls two tags the same."""
    return bool(_groups().get(a.key, frozenset()) & _groups().get(b.key, frozenset()))


def same_meaning(a: Term, b: Term) -> bool:
    """Whether two tags share a dominant concrete meaning, or are one phrase with such a synonym swapped.

    Or one is the other with what it is behind it (hammerhead, hammerhead shark), or with the genre in two words
    (street photo, street photography).
    """
    if classes(a.key) & classes(b.key) or (a.key != b.key and _core(a) == _core(b)):
        return True
    only_a, only_b = differing(a, b)
    return (
        len(only_a) == len(only_b) == 1
        and len(a.words) == len(b.words)
        and a.words.index(only_a[0]) == b.words.index(only_b[0])
        and bool(classes(only_a[0]) & classes(only_b[0]))
    )


@cache
def _core(t: Term) -> str:
    """A tag without a last word that says nothing more (hammerhead shark), in a genre of photos with that word."""
    *first, last = t.words
    name = " ".join(first)
    if not first or len(t.words) < len(t.key.split()):
        return t.key
    if last in _GENRE:
        return f"{name} photo"
    words = lexicon()
    above = {up for s in words.main_meanings(name, DOMINANT) for up in _classes_of(s)}
    says_more = words.main_meanings(t.key) - words.main_meanings(name)
    return name if above & words.main_meanings(last, _USUAL) and not says_more else t.key


def _classes_of(meaning: int) -> Iterator[int]:
    """What a concrete thing, a place or a person is, step by step up."""
    words = lexicon()
    synset = words.synsets[meaning]
    if synset.kind in CONCRETE:
        yield from words.above(meaning)
    for up in synset.instance_of:
        yield up
        yield from words.above(up)


@cache
def _one_edit_away(word: str) -> frozenset[str]:
    splits = [(word[:i], word[i:]) for i in range(1, len(word) + 1)]
    drops = {a + b[1:] for a, b in splits if b}
    changes = {a + c + b[1:] for a, b in splits if b for c in string.ascii_lowercase}
    inserts = {a + c + b for a, b in splits for c in string.ascii_lowercase}
    return frozenset((drops | changes | inserts) - {word})


def _everyday(reached: AbstractSet[str]) -> AbstractSet[str]:
    """Those that a typo may mean: the common words, and days with a name (Christmas)."""
    words = lexicon()
    nouns = (word for word in reached if word in words.meanings)
    days = {w for w in nouns if any(words.synsets[s].kind == _TIME for s in words.main_meanings(w))}
    return reached & words.common | days


def _doubled(word: str) -> Iterator[str]:
    """The word with each doubled letter written once, and with up to so many letters doubled as words have."""
    once = re.sub(r"(.)\1+", r"\1", word)
    for count in range(_MOST_DOUBLED + 1):
        for places in combinations(range(len(once)), count):
            yield "".join(char * 2 if i in places else char for i, char in enumerate(once))


@cache
def correction(word: str) -> str:
    """The one common word that an unknown word is a slip of the finger away from, or "".

    A slip doubles letters or not, swaps two, or is any other change of one letter; the likelier kind wins. Only when it
    leads to exactly one word: a name that comes close to several English words is no typo, nor is a word that another
    language knows (rivier, chocolat). The first letter is never taken for the slip.
    """
    words = lexicon()
    if not _SHORTEST_TYPO <= len(word) <= _LONGEST_TYPO or not word.isascii() or not word.isalpha():
        return ""
    if word in words.known or word in words.meanings:
        return ""
    swaps = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1)}
    for reached in (swaps.union(_doubled(word)), _one_edit_away(word)):
        if found := {key(w) for w in _everyday(reached)}:
            return found.pop() if len(found) == 1 and word not in no_typos() else ""
    return ""


def is_typo(a: Term, b: Term) -> bool:
    """Whether one tag is the other with a slip of the finger in one word."""
    only_a, only_b = differing(a, b)
    if not (len(only_a) == len(only_b) == 1 and len(a.words) == len(b.words)):
        return False
    return correction(only_a[0]) == only_b[0] or correction(only_b[0]) == only_a[0]


def buckets(t: Term) -> Iterator[str]:
    """Names under which a tag meets every tag that the rules could call the same."""
    for spelling in _spellings(t):
        yield "spelling " + spelling
    yield "core " + _core(t)
    yield "phrasing " + phrasing(t)
    for name in classes(t.key):
        yield name
    for i, word in enumerate(t.words):
        rest = " ".join((*t.words[:i], "_", *t.words[i + 1 :]))
        for name in classes(word):
            yield f"{name} in {rest}"
        if fixed := correction(word):
            yield f"typo {rest} {fixed}"
        yield f"typo {rest} {word}"
