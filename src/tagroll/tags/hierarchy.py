"""Which tags lie under others: a proposal, never a merge."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from tagroll.tags.identity import LEVEL, identity
from tagroll.tags.lexical_key import key
from tagroll.tags.lexicon import everyday, lexicon
from tagroll.tags.term import Term, term
from tagroll.tags.vetoes import is_kind

DOMINANT = 70
_LEVELS = 3
_ABSTRACT = frozenset(
    {
        "artifact",
        "object",
        "thing",
        "whole",
        "entity",
        "unit",
        "structure",
        "instrumentality",
        "container",
        "device",
        "equipment",
        "facility",
        "instrument",
        "workplace",
        "material",
        "substance",
        "produce",
        "ornament",
        "matter",
        "implement",
        "covering",
        "area",
        "part",
        "piece",
        "group",
        "region",
    }
)
"""Parents that say nothing to a person who looks for a photo."""


@dataclass(frozen=True, slots=True)
class Child:
    """One tag under another. `reason` is "everyday", "kind" (WordNet) or "modifier" (red car under car)."""

    parent: str
    child: str
    reason: str


@cache
def everyday_parents() -> dict[str, tuple[str, ...]]:
    """Lexical key of an everyday word -> the keys of those above it, by the list of everyday things."""
    found: dict[str, list[str]] = {}
    for line in everyday()["under"]:
        parent, _, children = line.partition(":")
        for child in children.split(","):
            found.setdefault(key(child), []).append(key(parent))
    return {child: tuple(parents) for child, parents in found.items()}


def parent_of(child: Term, by_key: Mapping[str, str]) -> tuple[str, str] | None:
    """The nearest tag above one, and how that is known (see `Child`).

    Args:
        child: Any tag.
        by_key: The tags it may lie under, by lexical key.
    """
    words = lexicon()
    is_thing = bool(words.main_meanings(child.key))  # of its own: a hot dog is no dog
    for size in range(len(child.words) - 1, 0, -1):
        name = " ".join(child.words[-size:])
        if name in by_key and not name.isdecimal() and (not is_thing or is_kind(child, term(name))):
            return by_key[name], "modifier"
    for name in everyday_parents().get(child.key, ()):
        if name in by_key:
            return by_key[name], "everyday"
    for levels in range(1, _LEVELS + 1):
        for meaning in sorted(words.main_meanings(child.key, DOMINANT)):
            for above in sorted(words.above(meaning, levels)):
                for name in words.words[above]:
                    if (
                        name in by_key
                        and name not in _ABSTRACT
                        and above in words.main_meanings(name, DOMINANT)
                    ):
                        return by_key[name], "kind"
    return None


def only_paths(paths: Iterable[str]) -> dict[str, str]:
    """Where words stand that stand in one place of a tree alone, and not at its root.

    Args:
        paths: Hierarchical tags; each level of a path is a place.

    Returns:
        The identity of a word -> the path that ends in it.
    """
    places: dict[str, dict[str, str]] = {}
    for tag in sorted(paths):
        names = tag.split(LEVEL)
        for depth, name in enumerate(names, start=1):
            path = LEVEL.join(names[:depth])
            places.setdefault(identity(name), {}).setdefault(identity(path), path)
    only = {name: next(iter(found.values())) for name, found in places.items() if len(found) == 1}
    return {name: path for name, path in only.items() if LEVEL in path}


def propose(tags: Iterable[str]) -> Iterator[Child]:
    """The nearest parent of each tag that has one among the tags, in the order of the alphabet."""
    terms = [term(tag) for tag in sorted(tags)]
    by_key: dict[str, str] = {}
    for t in terms:
        if not t.hierarchical:
            by_key.setdefault(t.key, t.tag)
    for t in terms:
        if not t.hierarchical and (found := parent_of(t, by_key)) and found[0] != t.tag:
            yield Child(found[0], t.tag, found[1])
