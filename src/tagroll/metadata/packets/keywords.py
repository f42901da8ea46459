"""What a tag is, whatever field it stands in: its levels, and the flat values that only repeat it.

A tag is a string; "|" stands between the levels of a hierarchical one ("Places|Europe|Paris"). Fields hold
tags either as paths (one value a tag, levels joined by the field's separator) or flat (names only).
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import pairwise

from tagroll.domain import Change
from tagroll.tags.identity import LEVEL, STAND_INS, identity

_SPELLED = "/|."
"""How programs join the levels when they write a whole path into a flat field."""

BOOKKEEPER = "darktable"
"""Below it darktable keeps account of a photo ("darktable|format|jpg"); it shows such "tags" apart from those of people."""

_CUT = 56
"""IPTC cuts a keyword at 64 bytes, some programs a few earlier to save a character: so long may be cut."""


_ILLEGAL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml_safe(text: str) -> str:
    """The text without the characters that no XML document can hold (XML 1.0, production 2)."""
    return text if text.isprintable() else _ILLEGAL.sub("", text)


@lru_cache(maxsize=1 << 14)
def levels(tag: str, separator: str = LEVEL) -> tuple[str, ...]:
    """The levels of a path, outermost first, trimmed, without empty ones."""
    if separator not in tag and tag.isprintable():
        return (name,) if (name := tag.strip()) else ()
    return tuple(level for part in xml_safe(tag).split(separator) if (level := part.strip()))


@lru_cache(maxsize=1 << 14)
def to_path(tag: str, separator: str) -> str:
    """The tag as one value of a field that joins levels by `separator`."""
    return separator.join(escape(level, separator) for level in levels(tag))


@lru_cache(maxsize=1 << 14)
def from_path(value: str, separator: str) -> str:
    """The tag that a value of such a field means; the reverse of `to_path`."""
    if separator == LEVEL:
        return LEVEL.join(levels(value))
    return LEVEL.join(
        escape(level, LEVEL).replace(STAND_INS[separator], separator) for level in levels(value, separator)
    )


def escape(name: str, separator: str) -> str:
    """The name with a look-alike where it holds the separator itself."""
    return name.replace(separator, STAND_INS[separator])


def names(tags: Collection[str]) -> dict[str, str]:
    """The names in these tags by key: every level of every path. Of two spellings a leaf's wins."""
    paths = [levels(tag) for tag in tags if LEVEL in tag]
    found = {identity(tag): tag for tag in tags if LEVEL not in tag}
    for path in paths:
        found.setdefault(identity(path[-1]), path[-1])
    for path in paths:
        for name in path[:-1]:
            found.setdefault(identity(name), name)
    return found


def is_bookkeeping(tag: str) -> bool:
    """Whether a path is a program's own account of the photo and no tag."""
    return tag.startswith(BOOKKEEPER + LEVEL)


def spelled(tags: Collection[str]) -> dict[str, str]:
    """What these tags are by the identity of every spelling of a path in one value; "" for its beginnings."""
    paths = [(tag, levels(tag)) for tag in tags if LEVEL in tag]
    return {
        identity(separator.join(path[:depth])): identity(tag) if depth == len(path) else ""
        for tag, path in paths
        for depth in range(2, len(path) + 1)
        for separator in _SPELLED
    }


def implied_keys(tags: Collection[str]) -> set[str]:
    """Keys of every flat value that only repeats these tags: their names, and paths spelled in one value."""
    return set(spelled(tags)).union(names(tags))


def may_be_cut(value: str) -> bool:
    """Whether a keyword is so long that IPTC may have cut it."""
    return len(value.encode(errors="replace")) >= _CUT


def union(paths: Iterable[str], flats: Iterable[str]) -> tuple[str, ...]:
    """Every tag once, in order: all paths, and the flat values that no path explains."""
    found: dict[str, str] = {}
    for tag in filter(None, paths):
        found.setdefault(identity(tag), tag)
    repeated = implied_keys(found.values())
    for value in flats:
        if (
            identity(value) not in repeated
            and (tag := LEVEL.join(levels(value)))
            and identity(tag) not in repeated
        ):
            found.setdefault(identity(tag), tag)
    return tuple(found.values())


def tags_after(tags: Iterable[str], change: Change) -> tuple[str, ...]:
    """The tags a photo shall carry: those there were, without what to remove, with what is missing.

    A flat tag that is a level of a path there is not missing. Removing comes first, so removing and adding
    the same tag gives it a new spelling or another place.
    """
    return _tags_after(tuple(tags), tuple(change.add), tuple(change.remove))


@lru_cache(maxsize=64)
def _tags_after(tags: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...]) -> tuple[str, ...]:
    """As `tags_after`, which each step of a write asks for again."""
    gone = {identity(tag) for tag in remove}
    added = [LEVEL.join(levels(tag)) for tag in add]
    found: dict[str, str] = {}
    for tag in tags:
        if identity(tag) not in gone:
            found.setdefault(identity(tag), tag)
    known = names([*found.values(), *(tag for tag in added if LEVEL in tag)])
    for tag in filter(None, added):
        if LEVEL in tag or identity(tag) in gone or identity(tag) not in known:
            found.setdefault(identity(tag), tag)
    return tuple(found.values())


def flat_after(existing: Iterable[str], tags: Collection[str]) -> tuple[str, ...]:
    """The one list for all flat fields: the names there that a tag still has, and the leaves that miss.

    So the ancestors that Lightroom writes beside a leaf stay as long as a path has them, and go with it. A
    path spelled in one value ("B/W") stays as it is and stands for its leaf, which would be another word. A leaf
    that misses comes before the one that is next to it in the tags, or last.
    """
    known = names(tags)
    paths = spelled(tags)
    found: dict[str, None] = {}
    whole: dict[str, str] = {}
    for value in existing:
        name = identity(value)
        if name in known:
            found.setdefault(known[name])
        elif name in paths:
            found.setdefault(value)
            whole.setdefault(paths[name], value)
    # linked backwards, from "" to "": inserting into a list took hours for the most keywords that a packet holds
    before = {name: previous for previous, name in pairwise(["", *found, ""])}
    place = ""
    for tag in reversed(tuple(tags)):
        leaf = whole.get(identity(tag)) or known[identity(levels(tag)[-1])]
        if leaf not in before:
            before[leaf], before[place] = before[place], leaf
        place = leaf
    backwards = [before[""]]
    while backwards[-1]:
        backwards.append(before[backwards[-1]])
    return tuple(backwards[-2::-1])
