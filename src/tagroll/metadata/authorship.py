"""Who wrote a tag: tagroll, or a person. A mark in the file names tagroll's, so that it is known wherever the file goes.

The mark is a list of tags in a namespace of our own. It only tells of tags that are there: the name of one that is
gone is ignored. Without a mark, the journal tells; without either, all tags are a person's.
"""

from collections.abc import Iterable
from typing import Final

from tagroll.domain import Change, Metadata
from tagroll.metadata.packets import keywords
from tagroll.metadata.table import MARK, SUBJECT, Fields
from tagroll.tags.identity import LEVEL, identities, identity, word_of

_NONE: Final = (LEVEL,)
"""A mark that is no tag: a person has made all of tagroll's tags theirs. No mark at all would leave it to the journal."""


def is_marked(sources: Iterable[Fields]) -> bool:
    """Whether a file of the photo has a mark."""
    return any(MARK in source for source in sources)


def marked_in(tags: Iterable[str], sources: Iterable[Fields]) -> tuple[str, ...]:
    """Those of the tags that a mark in one of the files names; of a path, its word alone may be left.

    A file that has the tag and a mark without it tells that it is a person's: the mark of another one is an older one,
    of a photo that could not be written when its sidecar was.
    """
    marked = [source for source in sources if MARK in source]
    if not marked:
        return ()
    marks = set[str]().union(*map(_marks, marked))
    names = identities(marks) | {word_of(name) for name in marks if LEVEL in name}
    theirs = set[str]().union(
        *(identities(source.get(SUBJECT, ())) - set(map(word_of, _marks(source))) for source in marked)
    )
    return tuple(tag for tag in tags if identity(tag) in names and word_of(tag) not in theirs)


def gone_since(metadata: Metadata, sources: Iterable[Fields]) -> tuple[str, ...]:
    """The tags that every mark names and a person has taken away; none where all are gone, as they then were stripped."""
    first, *others = [_marks(source) for source in sources if MARK in source] or [{}]
    marks = [name for name in first if all(name in other for other in others)]
    if identities(marks) <= identities(metadata.ours):
        return ()
    there = {identity(level) for tag in metadata.tags for level in keywords.levels(tag)}
    gone = tuple(name for name in marks if word_of(name) not in there)
    return gone if len(gone) < len(marks) else ()


def _marks(source: Fields) -> dict[str, None]:
    """The tags that the mark of a file names, each once."""
    return {name: None for name in source.get(MARK, ()) if name != LEVEL}


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
