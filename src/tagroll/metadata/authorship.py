"""Who wrote a tag: tagroll, or a person. A mark in the file names tagroll's, so that it is known wherever the file goes.

The mark is a list of tags in a namespace of our own. It only tells of tags that are there: the name of one that is
gone is ignored. Without a mark, the journal tells; without either, all tags are a person's.
"""

from collections.abc import Iterable
from typing import Final

from tagroll.domain import Change, Metadata
from tagroll.metadata.packets import keywords
from tagroll.metadata.table import MARK, Fields
from tagroll.tags.identity import LEVEL, identities, identity, word_of

_NONE: Final = (LEVEL,)
"""A mark that is no tag: a person has made all of tagroll's tags theirs. No mark at all would leave it to the journal."""


def is_marked(sources: Iterable[Fields]) -> bool:
    """Whether a file of the photo has a mark."""
    return any(MARK in source for source in sources)


def marked_in(tags: Iterable[str], sources: Iterable[Fields]) -> tuple[str, ...]:
    """Those of the tags that a mark in one of the files names; of a path, its word alone may be left."""
    marks = _marks(sources)
    if not marks:
        return ()
    names = identities(marks) | {word_of(name) for name in marks if LEVEL in name}
    return tuple(tag for tag in tags if identity(tag) in names)


def gone_since(metadata: Metadata, sources: Iterable[Fields]) -> tuple[str, ...]:
    """The tags that a mark names and a person has taken away; none where all are gone, as they then were stripped."""
    marks = _marks(sources)
    if len(metadata.ours) == len(marks):
        return ()
    there = {identity(level) for tag in metadata.tags for level in keywords.levels(tag)}
    gone = tuple(name for name in marks if word_of(name) not in there)
    return gone if len(gone) < len(marks) else ()


def _marks(sources: Iterable[Fields]) -> list[str]:
    """The tags that are named, each once."""
    named = {name: None for source in sources for name in source.get(MARK, ()) if name != LEVEL}
    return list(named)


def ours_after(metadata: Metadata, change: Change) -> tuple[str, ...]:
    """Those of the tags after a change that tagroll wrote."""
    ours = identities((*metadata.ours, *change.ours)) - identities(change.theirs)
    return tuple(tag for tag in keywords.tags_after(metadata.tags, change) if identity(tag) in ours)


def mark_after(metadata: Metadata, change: Change) -> tuple[str, ...]:
    """What the mark shall hold after a change; nothing where tagroll wrote none of the tags."""
    ours = ours_after(metadata, change)
    if ours:
        return ours
    kept = identities(metadata.ours) & identities(keywords.tags_after(metadata.tags, change))
    return _NONE if kept or metadata.fields.get(MARK) == _NONE else ()
