"""The one meaning that all fields of a photo have together.

Reading joins all fields into one list of tags; writing gives every field its share of the new list, so that
every program, whichever field it looks at first, sees the same tags. Both engines (in process and exiftool)
go through `metadata_from_fields` and `fields_after`, so both mean the same.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tagroll.domain import ADDRESS, Change, Facts, Metadata
from tagroll.formats import ALL_FAMILIES
from tagroll.metadata.authorship import mark_after, marked_in, ours_after
from tagroll.metadata.comment import comment_after, is_ours
from tagroll.metadata.field_values import as_values, read_fields, with_fields, xmp_fields
from tagroll.metadata.packets import acdsee, iptc, keywords
from tagroll.metadata.packets.captions import is_said
from tagroll.metadata.packets.raw import Packets
from tagroll.metadata.packets.xmp import Xmp
from tagroll.metadata.table import DIGEST, FIELDS, HIERARCHICAL, IPTC, MARK, SUBJECT, Field, Fields
from tagroll.tags.identity import LEVEL, identities, identity

_ROWS = tuple(FIELDS.values())
_PATH_ROWS = tuple(row for row in _ROWS if row.holds in ("paths", "tree", "mixed", "xml"))
_FLAT_ROWS = tuple(row for row in _ROWS if row.holds in ("flat", "mixed", "line"))
_CAPTION_ROWS = tuple(sorted((row for row in _ROWS if row.change), key=lambda row: row.holds != "text"))
"""Those in XMP first, which tagroll writes."""
_NO_FACTS = Facts()
_SHORT = 3
"""Letters in a level of what is no path but an abbreviation: AC/DC, TCP/IP, and/or."""
_COMPLETE = (HIERARCHICAL, SUBJECT)
_NO_TAGS = frozenset({"text", "told", "fact", "faces", "mark", "digest"})
TAG_FIELDS = frozenset(row.name for row in _ROWS if row.holds not in _NO_TAGS).union(ADDRESS)
"""The names of the fields that hold tags, and of those that are written beside them: the journal keeps what they held."""


def read_metadata(packets: Packets, *sidecars: bytes, read_only: bool = False) -> Metadata:
    """What the packets of a photo, and its XMP sidecars, say about its content; see `metadata_from_fields`.

    Raises:
        MetadataError: A packet is there but cannot be read.
    """
    beside = [xmp_fields(Xmp(sidecar)) for sidecar in sidecars]
    return metadata_from_fields(read_fields(packets), beside, read_only=read_only)


def metadata_from_fields(
    fields: Fields, sidecars: Sequence[Fields] = (), *, read_only: bool = False, facts: Facts = _NO_FACTS
) -> Metadata:
    """One meaning for all fields of a photo.

    Tags are the union over the fields, each once. A flat value that repeats a level of a path, or an IPTC
    keyword that was cut, is no tag of its own. UserComment never counts: a sentence with commas is no list. Nor
    does IPTC beside dc:subject, unless the file's digest tells that IPTC was changed since both were in step: so
    the Metadata Working Group's guidelines (2.0, 3.3) and those who follow them, Adobe and exiftool.

    Args:
        fields: The photo's own, raw. They become `Metadata.fields`.
        sidecars: Those of its sidecars. Their tags come first, and their captions win.
        read_only: The photo itself is not written into. Then its sidecars speak alone for the tags as soon as one has
            both lists that tagroll always writes (Lightroom, digiKam and darktable, too): who wrote them had read
            the photo, and what was taken away since can stay away only there. In any other photo, what the sidecar
            lacks was added to the photo by a program that knows of no sidecar, and counts.
        facts: What it tells besides.
    """
    sources = [*sidecars, fields]
    alone = read_only and any(map(is_complete, sidecars))
    tag_sources = sidecars if alone else sources
    paths = [tag for source in tag_sources for tag in _paths(source)]
    flats = _flats(*tag_sources)
    tags = keywords.union(paths, flats)
    captions = _captions(sources, tags, flats)
    return Metadata(tags, dict(fields), **captions, facts=facts, ours=marked_in(tags, sources))


def _captions(sources: Sequence[Fields], tags: Sequence[str], flats: Sequence[str]) -> dict[str, Any]:
    """The captions of a photo: what stands where tagroll writes them, else what a person said elsewhere."""
    captions: dict[str, Any] = {}
    there = set[str]().union(*sources)  # of the many fields, a photo has few
    for row in (row for row in _CAPTION_ROWS if row.name in there):
        for text in (one[row.name][0] for one in sources if one.get(row.name)):
            missing = [name for name in row.change if not captions.get(name)]
            if missing and (row.holds == "text" or (is_said(text) and not is_ours(text, tags, flats, ()))):
                captions |= dict.fromkeys(missing, text)
    return captions


def tag_fields(fields: Fields) -> Fields:
    """Those of the fields that hold tags, or where the photo was taken; no captions."""
    return {name: values for name, values in fields.items() if name in TAG_FIELDS}


def is_complete(fields: Fields) -> bool:
    """Whether a sidecar has the lists that tagroll always writes."""
    return all(fields.get(name) for name in _COMPLETE)


def tags_after(metadata: Metadata, change: Change) -> tuple[str, ...]:
    """The tags the photo carries after a change: what a re-read has to find."""
    return keywords.tags_after(metadata.tags, change)


def fields_after(metadata: Metadata, change: Change, families: frozenset[str] = ALL_FAMILIES) -> Fields:
    """The full list that each field shall hold after a change; `()` takes a field out.

    Fields without a key stay as they are. When tags change, every field gets all of them, so that lists which
    were partial become whole. For UserComment see `comment_after`.

    Args:
        metadata: What the photo is known to carry: `tags` may come from more places than `fields`, which are
            those of the file that is written.
        change: What to do.
        families: The packets the file can hold. Outside of them, a field is kept in step where it is already.
    """
    after = {
        row.name: as_values(change.set[name])
        for row in _ROWS
        for name in row.change
        if row.holds == "text" and name in change.set
    }
    if not (change.add or change.remove or change.align or change.ours or change.theirs):
        return {**after, **change.fields}
    tags = tags_after(metadata, change)
    flats = _flats(metadata.fields)
    flat = keywords.flat_after(flats, tags)
    aside = _bookkept(metadata.fields) - set(keywords.names(tags))
    unread = _unread(metadata, change, tags)
    gone = set(keywords.names(metadata.tags)) - set(keywords.names(tags))
    for row in _ROWS:
        old = metadata.fields.get(row.name, ())
        if row.holds == "comment":
            after[row.name] = comment_after(metadata, change, flats, flat if row.family in families else ())
        elif row.cleaned:
            after[row.name] = _cleaned(row, old, gone)
        elif row.holds not in _NO_TAGS and (old or (row.spread and row.family in families)):
            left = tuple(
                value
                for value in old
                if _is_aside(row, value, aside | unread if row.family == "iptc" else aside)
            )
            ours = tuple(value for value in old if value not in left)
            share = _share(row, ours, _hung(row, ours, tags, metadata, change), flat)
            after[row.name] = old if share == ours else (*left, *share)
    if FIELDS[MARK].family in families:
        is_written = any(values != metadata.fields.get(name, ()) for name, values in after.items())
        after[MARK] = _mark(metadata, change, is_written=is_written)
    return {**after, **change.fields}


def _mark(metadata: Metadata, change: Change, *, is_written: bool) -> tuple[str, ...]:
    """The mark of tagroll's own tags. No file is written only because it names some that are gone."""
    old, new = metadata.fields.get(MARK, ()), mark_after(metadata, change)
    says_it = sorted(old) == sorted(new)
    if not is_written and old:
        says_it |= marked_in(metadata.tags, [metadata.fields]) == ours_after(metadata, change)
    return old if says_it else new


def _unread(metadata: Metadata, change: Change, tags: tuple[str, ...]) -> set[str]:
    """The identities of IPTC keywords that do not count beside XMP and are not lost all the same.

    Another program or a person put them there alone; they stay until all tags are replaced. What tagroll left there
    itself is stale.
    """
    said = keywords.implied_keys(metadata.tags)
    if not _xmp_speaks(metadata.fields) or identities(metadata.tags).isdisjoint(identities(tags)):
        return set()
    names = identities(metadata.fields.get(IPTC, ())) - said - identities(change.remove)
    fragments = {
        name for name in names if keywords.may_be_cut(name) and any(one.startswith(name) for one in said)
    }
    return names.difference(fragments, *map(keywords.implied_keys, change.left))


def _xmp_speaks(fields: Fields) -> bool:
    """Whether the keywords in XMP count alone beside those in IPTC."""
    return bool(fields.get(SUBJECT)) and fields.get(DIGEST) != ("other",)


def _cleaned(row: Field, old: tuple[str, ...], gone: set[str]) -> tuple[str, ...]:
    """The values of a field without the tags that are gone."""
    if row.holds != "line":
        return tuple(value for value in old if identity(value) not in gone)
    parts = list(names_in(row, {row.name: old}))
    kept = [part for part in parts if identity(part) not in gone]
    return old if kept == parts else as_values(f"{_divider(old)} ".join(kept))


def _divider(values: tuple[str, ...]) -> str:
    """What stands between the names in one text."""
    return ";" if any(";" in value for value in values) else ","


def apply_change(packets: Packets, change: Change, families: frozenset[str]) -> Packets:
    """The packets after a change to a photo of which they are all there is; see `fields_after` and `with_fields`."""
    now = read_metadata(packets)
    return with_fields(packets, now.fields, fields_after(now, change, families))


def paths_in(row: Field, fields: Fields) -> Iterator[str]:
    """The paths in the values of one field, bookkeeping included."""
    for value in fields.get(row.name, ()):
        if row.holds in ("paths", "tree") or (row.holds == "mixed" and _is_path(row, value, fields)):
            yield keywords.from_path(value, row.separator)
        elif row.holds == "xml":
            yield from acdsee.read_categories(value) or ()


def _all_paths(fields: Fields) -> Iterator[str]:
    """All paths there are, bookkeeping included."""
    return (path for row in _PATH_ROWS if row.name in fields for path in paths_in(row, fields))


def _is_path(row: Field, value: str, fields: Fields) -> bool:
    """Whether a value of a mixed field is a path.

    Windows writes the names of dc:subject once more there: "Places/Paris" is a path to Photo Gallery and digiKam,
    "B/W", "24/7" and "AC/DC" are none.
    """
    if row.separator not in value:
        return False
    is_short = value.isascii() and all(
        len(level) <= _SHORT for level in keywords.levels(value, row.separator)
    )
    return not (is_short and value in fields.get(SUBJECT, ()))


def _paths(fields: Fields) -> Iterator[str]:
    """The tags of all fields that hold paths."""
    return (tag for tag in _all_paths(fields) if not keywords.is_bookkeeping(tag))


def _bookkept(fields: Fields) -> set[str]:
    """The identities of flat values that only repeat a program's bookkeeping."""
    if not any(keywords.BOOKKEEPER in value for row in _PATH_ROWS for value in fields.get(row.name, ())):
        return set()
    account = [tag for tag in _all_paths(fields) if keywords.is_bookkeeping(tag)]
    return keywords.implied_keys(account) - set(keywords.names(list(_paths(fields)))) if account else set()


def _is_aside(row: Field, value: str, aside: set[str]) -> bool:
    """Whether a value stays where it is and is no tag."""
    if row.holds == "flat":
        return not row.separator and identity(value) in aside
    return row.holds in ("paths", "tree", "mixed") and keywords.is_bookkeeping(
        keywords.from_path(value, row.separator)
    )


def names_in(row: Field, fields: Fields) -> Iterator[str]:
    """The names in the values of a flat field, or of a mixed one as far as they are no paths."""
    values = fields.get(row.name, ())
    if row.holds == "flat":
        for value in values:
            yield from keywords.levels(value, row.separator) if row.separator else (value,)
    elif row.holds == "mixed":
        yield from (value for value in values if not _is_path(row, value, fields))
    elif row.holds == "line":
        yield from (name for value in values for name in keywords.levels(value, _divider(values)))


def _named(fields: Fields) -> list[tuple[Field, str]]:
    """The names in all flat fields, but for bookkeeping, each with the field it stands in."""
    account, speaks = _bookkept(fields), _xmp_speaks(fields)
    return [
        (row, name)
        for row in _FLAT_ROWS
        if row.name in fields and not (speaks and row.family == "iptc")
        for name in names_in(row, fields)
        if not account or identity(name) not in account
    ]


def _flats(*sources: Fields) -> list[str]:
    """The values of all flat fields in order; of IPTC's cut ones only those that nothing says in full."""
    named = [found for one in sources for found in _named(one)]
    short = [name for row, name in named if row.family == "iptc" and keywords.may_be_cut(name)]
    if short:
        full = {identity(name) for row, name in named if row.family != "iptc"}
        full.update(keywords.implied_keys([tag for one in sources for tag in _paths(one)]))
        cut = {name for name in short if any(other.startswith(identity(name)) for other in full)}
        named = [(row, name) for row, name in named if row.family != "iptc" or name not in cut]
    return [name for _, name in named]


def _hung(
    row: Field, old: tuple[str, ...], tags: tuple[str, ...], metadata: Metadata, change: Change
) -> tuple[str, ...]:
    """The tags that a field with paths gets: all; but what stands flat beside Lightroom's tree is not hung into it.

    Lightroom writes synonyms and the like beside the tree, and would make keywords at its root of them. A tree that
    goes with this change is none, and a word that is to hang there is no synonym.
    """
    if (
        row.name != HIERARCHICAL
        or not any(LEVEL in value for value in old)
        or not any(LEVEL in tag for tag in tags)
    ):
        return tags
    hung = identities((*_paths(metadata.fields), *change.hang)) | (
        identities(change.add) - identities(change.remove)
    )
    beside = identities(_flats(metadata.fields)) - hung
    return tuple(tag for tag in tags if LEVEL in tag or identity(tag) not in beside)


def _share(row: Field, old: tuple[str, ...], tags: tuple[str, ...], flat: tuple[str, ...]) -> tuple[str, ...]:
    """What one field shall hold. The old values stay where they say the same."""
    if row.holds == "xml":
        there = acdsee.read_categories(old[0])
        if there is None or identities(there) == identities(tags):
            return old  # what is no category list is another program's business
        return as_values(acdsee.write_categories(tags) if tags else "")
    if row.holds in ("paths", "tree", "mixed"):
        new = tuple(
            tag if row.holds == "mixed" and tag in old else keywords.to_path(tag, row.separator)
            for tag in tags
        )
    elif row.family == "iptc":
        new = tuple(filter(iptc.fits, flat))
    elif row.separator:
        joined = row.separator.join(keywords.escape(name, row.separator) for name in flat)
        now, then = (sorted(names_in(row, {row.name: values})) for values in (old, (joined,)))
        return old if now == then else as_values(joined)
    else:
        new = flat
    return old if sorted(old) == sorted(new) else new
