"""What others did to a photo's tags since tagroll wrote them: a three-way merge, field by field.

The base is what we left in a field, as the journal has it. What is gone from the field since was taken away by a
person, whose program knows only that field: it is no tag any more, however many of our copies stand elsewhere. What
is there and is not in the base was added. A field that equals its base says nothing.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tagroll.domain import Metadata, Write
from tagroll.metadata.authorship import gone_since, is_marked
from tagroll.metadata.comment import COMMENT
from tagroll.metadata.engines import Content
from tagroll.metadata.fields import names_in, paths_in
from tagroll.metadata.files.hashing import digest
from tagroll.metadata.packets import iptc
from tagroll.metadata.packets.keywords import levels, may_be_cut
from tagroll.metadata.table import FIELDS, SUBJECT, Field, Fields
from tagroll.tags.identity import identities, identity

Past = Callable[[Path, str], Sequence[Write]]
"""Path of a photo and hash of its picture, "" for any -> what was written for it and is in force, the oldest first."""


def nothing_written(_photo: Path, _picture: str) -> Sequence[Write]:
    """The past of any photo where there is no journal."""
    return ()


_LISTS = frozenset({"paths", "tree", "xml", "flat", "mixed", "line"})
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file of a photo as it is now.

    Attributes:
        path: Symlinks resolved.
        content: What it says.
        data: Gives its bytes.
    """

    path: Path
    content: Content
    data: Callable[[], bytes]


@dataclass(slots=True)
class _Edits:
    """What was taken away and added, as identities of whole tags and of names in flat fields."""

    gone: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    gone_names: set[str] = field(default_factory=set)
    added_names: set[str] = field(default_factory=set)

    def took(self, tag: str) -> bool:
        """Whether a tag was taken away."""
        whole, leaf = identity(tag), identity(levels(tag)[-1])
        if whole in self.added:
            return False
        return whole in self.gone or (leaf in self.gone_names and leaf not in self.added_names)

    def include(self, other: "_Edits") -> None:
        """Take up what was done to another file."""
        self.gone |= other.gone
        self.added |= other.added
        self.gone_names |= other.gone_names
        self.added_names |= other.added_names


def merged(metadata: Metadata, files: Sequence[SeenFile], writes: Sequence[Write]) -> Metadata:
    """What a photo carries once what was taken away since our last write is left out.

    Args:
        metadata: All that its fields say together.
        files: The photo and its sidecars.
        writes: What was written for it and is in force, the oldest first. What was written for a photo of another
            path counts only if this one carries a tag of ours: it may be a copy that never had any.

    Returns:
        The metadata, with the tags that a person took away as `away`, and those that tagroll wrote as `ours`.
    """
    marks = [file.content.fields for file in files]
    if not writes or (writes[-1].photo != files[0].path and _leaves(metadata.tags).isdisjoint(_ours(writes))):
        gone = gone_since(metadata, marks)
        return replace(metadata, away=gone) if gone else metadata
    edits = _Edits()
    for file in files:
        edits.include(_edits(file, file.path != files[0].path, writes))
        edits.gone_names |= _left_behind(file.path, files, writes)
    left = tuple(tag for tag in metadata.tags if not edits.took(tag))
    away: dict[str, str] = {}
    for write in writes:
        away |= {identity(tag): tag for tag in write.before.away}
        for tag in (*write.before.tags, *write.after.tags):
            away.pop(identity(tag), None)
    away |= {identity(tag): tag for write in writes[-1:] for tag in write.after.tags if edits.took(tag)}
    there = identities(left)
    ours = identities(metadata.ours if is_marked(marks) else writes[-1].after.ours)
    return replace(
        metadata,
        tags=left,
        away=tuple(tag for name, tag in away.items() if name not in there),
        ours=tuple(tag for tag in left if identity(tag) in ours),
    )


def asked_comment(file: SeenFile, writes: Sequence[Write]) -> tuple[str, ...]:
    """The names in a UserComment that still is what was written there because it was asked for."""
    base = _base(file.path, writes)
    now = file.content.fields.get(COMMENT, ())
    return tuple(", ".join(now).split(", ")) if base and now and base.get(COMMENT) == now else ()


def _base(path: Path, writes: Sequence[Write]) -> Fields | None:
    """The fields as tagroll left them last in a file; None where it never wrote it, or long ago."""
    fields = next((write.after.fields for write in reversed(writes) if write.target == path), None)
    return fields or None


def _edits(file: SeenFile, is_sidecar: bool, writes: Sequence[Write]) -> _Edits:
    """What was done to one file since."""
    base, now, edits = _base(file.path, writes), file.content.fields, _Edits()
    come = [row for row in FIELDS.values() if now.get(row.name) and not (base and base.get(row.name))]
    says_all = (base or is_sidecar) and _agree(come, now)
    for row in FIELDS.values():
        if base and base.get(row.name):
            if now.get(row.name):
                _compare(row, base, now, edits)
            elif row.name == SUBJECT and not _was_stripped(file.content):
                # other lists are dropped by programs that do not know them
                edits.gone_names |= _names(row, base)
        elif row in come and says_all:
            _compare_with_tags(row, now, writes, edits)
    known = {
        hash_
        for write in writes
        if write.target == file.path
        for hash_ in (write.before_hash, write.after_hash)
    }
    if (edits.gone or edits.gone_names) and any(digest(file.data(), like) == like for like in known if like):
        return _Edits()  # restored from a backup: nobody took anything away
    return edits


def _was_stripped(content: Content) -> bool:
    """Whether dc:subject went with its packet, and not because somebody took the last tag away.

    A program that does so may leave an empty packet or none. Where another list stands, the packet alone was taken out.
    Where the file still tells something of the photo, its metadata were not; else all of them were.
    """
    if content.packets.xmp is not None:
        return False
    now = {name for name, values in content.fields.items() if values}
    if any(FIELDS[name].holds in _LISTS for name in now - {COMMENT}):
        return True
    told = content.facts
    return not (now or content.packets.iptc or content.beside or told.taken is not None or told.camera)


def _left_behind(path: Path, files: Sequence[SeenFile], writes: Sequence[Write]) -> set[str]:
    """What we took away in another file of the photo since we wrote this one last: it was read-only, for one."""
    last = max((at for at, write in enumerate(writes) if write.target == path), default=len(writes))
    there, gone = {file.path for file in files}, set[str]()
    for write in writes[last + 1 :]:
        if write.target in there:
            gone = (gone | _leaves(write.before.tags)) - _leaves(write.after.tags)
    return gone


def _compare(row: Field, base: Fields, now: Fields, edits: _Edits) -> None:
    """Compare one field with what we left in it."""
    if row.holds in ("paths", "tree", "xml"):
        was, there = (identities(paths_in(row, one)) for one in (base, now))
        edits.added |= there - was
        edits.gone |= _gone(was, there, row)
    elif row.holds in ("flat", "mixed", "line"):
        was, there = _names(row, base), _names(row, now)
        edits.added_names |= there - was
        edits.gone_names |= _gone(was, there, row)


def _compare_with_tags(row: Field, now: Fields, writes: Sequence[Write], edits: _Edits) -> None:
    """Compare a field that has come since with the tags that we left in the photo.

    Whoever made it had read them only if there is a tag among them that came from us; what he left out is gone then.
    """
    there = _names(row, now)
    if there & _ours(writes):
        names = (levels(tag)[-1] for tag in writes[-1].after.tags)
        was = {identity(name) for name in names if row.family != "iptc" or iptc.fits(name)}
        edits.gone_names |= _gone(was, there, row)


def _agree(rows: Iterable[Field], fields: Fields) -> bool:
    """Whether lists name the same tags: a program that writes all it knows does so in every list that it makes."""
    paths = ("paths", "tree", "xml")
    lists = [
        _leaves(paths_in(row, fields)) if row.holds in paths else identities(names_in(row, fields))
        for row in rows
        if row.holds in (*paths, "flat")
    ]
    return all(one == lists[0] for one in lists)


def _ours(writes: Sequence[Write]) -> set[str]:
    """The identities of the names that came from us."""
    return set[str]().union(*(_leaves(write.after.tags) - _leaves(write.before.tags) for write in writes))


def _leaves(tags: Iterable[str]) -> set[str]:
    return {identity(levels(tag)[-1]) for tag in tags}


def _names(row: Field, fields: Fields) -> set[str]:
    """The identities of all names in a field; of paths, every level."""
    if row.holds in ("paths", "tree", "xml", "mixed"):
        paths = {identity(level) for tag in paths_in(row, fields) for level in levels(tag)}
        return paths | identities(names_in(row, fields))
    return identities(names_in(row, fields))


def _gone(was: set[str], there: set[str], row: Field) -> set[str]:
    """What is not there any more, without what another program has only written in its own way."""
    new = there - was
    return {name for name in was - there if not any(map(partial(_rewrote, row, name), new))}


def _rewrote(row: Field, name: str, new: str) -> bool:
    """Whether a new value is only what a program made of a name: cut at a comma, for IPTC, or in another code page."""
    if name.startswith(new):
        return name[len(new)] == "," or may_be_cut(name)
    pattern = _FOREIGN.sub("\0", name)
    if row.family != "iptc" or pattern == name:
        return False
    return re.fullmatch(".+".join(map(re.escape, pattern.split("\0"))), new, re.DOTALL) is not None
