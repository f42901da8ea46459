"""FIELDS: every field in which programs look for tags, and the one meaning they have together.

Reading joins all fields into one list of tags; writing gives every field its share of the new list, so that
every program, whichever field it looks at first, sees the same tags. Both engines (in process and exiftool)
go through `metadata_from_fields` and `fields_after`, so both mean the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from tagroll.domain import Change, Metadata
from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.comment import comment_after
from tagroll.metadata.packets import acdsee, exif, iptc, keywords
from tagroll.metadata.packets.raw import Packets
from tagroll.metadata.packets.xmp import Xmp
from tagroll.tags.identity import LEVEL, identities, identity

Fields = Mapping[str, tuple[str, ...]]
"""Raw values by the name of a row, as exiftool gives them; a field that is not there has no key."""

ALL_FAMILIES = frozenset({"xmp", "iptc", "exif"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: What `exiftool -G1` calls it; the key in `Metadata.fields`.
        family: The packet it stands in.
        holds: "paths" (one value a tag), "flat" (names), "mixed" (paths, but names from Windows), "xml" (the
            categories of ACDSee), "comment" (names in a sentence) or "text" (a caption).
        separator: Between the levels of a path, or between the names in one value; "" where there is none.
        spread: Whether it is written to every file that can hold it; else only where it is already.
        xml: Names of the XMP property, `{namespace}local`, the usual one first.
        prefix: The usual prefix of that namespace.
        kind: The usual list of the property: "Bag", "Seq", "Alt", or "" for simple text.
        change: The key in `Change.set`, for a caption. Those of IPTC are read where XMP has none, never written.
    """

    name: str
    family: Literal["xmp", "iptc", "exif"]
    holds: Literal["paths", "flat", "mixed", "xml", "comment", "text"]
    separator: str = ""
    spread: bool = False
    xml: tuple[str, ...] = ()
    prefix: str = ""
    kind: str = ""
    change: str = ""


_DC = "{http://purl.org/dc/elements/1.1/}"
_LR = "{http://ns.adobe.com/lightroom/1.0/}"
_MS = ("{http://ns.microsoft.com/photo/1.0/}", "{http://ns.microsoft.com/photo/1.0}")
_CORE = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"

_ROWS = (
    Field(
        "XMP-digiKam:TagsList", "xmp", "paths", "/",
        xml=("{http://www.digikam.org/ns/1.0/}TagsList",), prefix="digiKam", kind="Seq",
    ),
    Field(
        "XMP-lr:HierarchicalSubject", "xmp", "paths", LEVEL, spread=True,
        xml=(_LR + "hierarchicalSubject", _LR + "HierarchicalSubject"), prefix="lr", kind="Bag",
    ),
    Field(
        "XMP-mediapro:CatalogSets", "xmp", "paths", LEVEL,
        xml=("{http://ns.iview-multimedia.com/mediapro/1.0/}CatalogSets",), prefix="mediapro", kind="Bag",
    ),
    Field(
        "XMP-acdsee:Categories", "xmp", "xml",
        xml=("{http://ns.acdsee.com/iptc/1.0/}categories",), prefix="acdsee",
    ),
    Field("XMP-dc:Subject", "xmp", "flat", spread=True, xml=(_DC + "subject",), prefix="dc", kind="Bag"),
    Field("IPTC:Keywords", "iptc", "flat", spread=True),
    Field("IFD0:XPKeywords", "exif", "flat", ";"),
    Field(
        "XMP-microsoft:LastKeywordXMP", "xmp", "mixed", "/",
        xml=tuple(space + "LastKeywordXMP" for space in _MS), prefix="MicrosoftPhoto", kind="Bag",
    ),
    Field(
        "XMP-microsoft:LastKeywordIPTC", "xmp", "mixed", "/",
        xml=tuple(space + "LastKeywordIPTC" for space in _MS), prefix="MicrosoftPhoto", kind="Bag",
    ),
    Field("ExifIFD:UserComment", "exif", "comment", ","),
    Field("XMP-dc:Title", "xmp", "text", xml=(_DC + "title",), prefix="dc", kind="Alt", change="title"),
    Field(
        "XMP-dc:Description", "xmp", "text", xml=(_DC + "description",), prefix="dc", kind="Alt",
        change="description",
    ),
    Field(
        "XMP-iptcCore:AltTextAccessibility", "xmp", "text", xml=(_CORE + "AltTextAccessibility",),
        prefix="Iptc4xmpCore", kind="Alt", change="alt_text",
    ),
    Field("IPTC:ObjectName", "iptc", "text", change="title"),
    Field("IPTC:Caption-Abstract", "iptc", "text", change="description"),
    Field("IFD0:ImageDescription", "exif", "text"),
)  # fmt: skip

FIELDS: Mapping[str, Field] = MappingProxyType({row.name: row for row in _ROWS})
"""The rows by name, in the order in which their tags are taken up: paths first, they explain the rest."""

TAG_FIELDS = frozenset(row.name for row in _ROWS if row.holds != "text")
"""The names of those that hold tags; the others hold captions."""

_XMP_ROWS = tuple(row for row in _ROWS if row.family == "xmp")
_SHORT = 3
"""Letters in a level of what is no path but an abbreviation: AC/DC, TCP/IP, and/or."""
_LISTS = frozenset({"Bag", "Seq"})
_COMPLETE = ("XMP-lr:HierarchicalSubject", "XMP-dc:Subject")


def read_metadata(packets: Packets, *sidecars: bytes, fixed: bool = False) -> Metadata:
    """What the packets of a photo, and its XMP sidecars, say about its content; see `metadata_from_fields`.

    Raises:
        MetadataError: A packet is there but cannot be read.
    """
    beside = [_xmp_fields(Xmp(sidecar)) for sidecar in sidecars]
    return metadata_from_fields(read_fields(packets), beside, fixed=fixed)


def read_fields(packets: Packets) -> Fields:
    """The raw values of all fields that are there.

    Raises:
        MetadataError: A packet is there but cannot be read.
    """
    found = _other_fields(packets)
    for packet in (packets.xmp, packets.extended_xmp, *packets.others):
        if packet is not None:
            for name, values in _xmp_fields(_parsed(packet, packets)).items():
                if name not in found:
                    found[name] = values
                elif FIELDS[name].kind in _LISTS:
                    found[name] = tuple(dict.fromkeys((*found[name], *values)))
    return found


def _parsed(packet: bytes, packets: Packets) -> Xmp:
    try:
        return Xmp(packet)
    except MetadataError as error:
        if packet in packets.others:
            # no program may take it for XMP; exiftool knows what it can make of the file
            raise ForeignStructureError(f"the photo has a second XMP packet, and {error.message}") from error
        raise


def metadata_from_fields(fields: Fields, sidecars: Sequence[Fields] = (), *, fixed: bool = False) -> Metadata:
    """One meaning for all fields of a photo.

    Tags are the union over the fields, each once. A flat value that repeats a level of a path, or an IPTC
    keyword that was cut, is no tag of its own. UserComment never counts: a sentence with commas is no list.

    Args:
        fields: The photo's own, raw. They become `Metadata.fields`.
        sidecars: Those of its sidecars. Their tags come first, and their captions win.
        fixed: The photo itself is not written into. Then its sidecars speak alone for the tags as soon as one has
            both lists that tagroll always writes (Lightroom, digiKam and darktable, too): who wrote them had read
            the photo, and what was taken away since can stay away only there. In any other photo, what the sidecar
            lacks was added to the photo by a program that knows of no sidecar, and counts.
    """
    sources = [*sidecars, fields]
    alone = fixed and any(map(is_complete, sidecars))
    tag_sources = sidecars if alone else sources
    paths = [tag for source in tag_sources for tag in _paths(source)]
    flats = _flats(*tag_sources)
    captions: dict[str, Any] = {}
    for row in _ROWS:
        if row.change and not captions.get(row.change):
            captions[row.change] = next((one[row.name][0] for one in sources if one.get(row.name)), "")
    return replace(Metadata(keywords.union(paths, flats), dict(fields)), **captions)


def tag_fields(fields: Fields) -> Fields:
    """Those of the fields that hold tags; no captions."""
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
    after = {row.name: _caption(change.set[row.change]) for row in _XMP_ROWS if row.change in change.set}
    if not (change.add or change.remove or change.align):
        return {**after, **change.fields}
    tags = tags_after(metadata, change)
    flats = _flats(metadata.fields)
    flat = keywords.flat_after(flats, tags)
    aside = _bookkept(metadata.fields) - set(keywords.names(tags))
    for row in _ROWS:
        old = metadata.fields.get(row.name, ())
        if row.holds == "comment":
            after[row.name] = comment_after(metadata, change, flats, flat if row.family in families else ())
        elif row.holds != "text" and (old or (row.spread and row.family in families)):
            left = tuple(value for value in old if _is_aside(row, value, aside))
            ours = tuple(value for value in old if value not in left)
            share = _share(row, ours, _hung(row, ours, tags, metadata, change), flat)
            after[row.name] = old if share == ours else (*left, *share)
    return {**after, **change.fields}


def with_fields(packets: Packets, there: Fields, wanted: Fields) -> Packets:
    """The packets with other values in some fields; those that do not change are the same bytes.

    Args:
        packets: Those of the file that is written (a sidecar is `Packets(xmp=...)`).
        there: All that they say now.
        wanted: What fields shall hold, from `fields_after`.

    Raises:
        MetadataError: A packet cannot be read; nothing may be written then.
        ForeignStructureError: A field that other programs read cannot be kept in step.
    """
    changed = {name: values for name, values in wanted.items() if values != there.get(name, ())}
    rows = [FIELDS[name] for name in changed]
    if any(row.family == "xmp" for row in rows):
        xmp = Xmp(packets.xmp)
        for row in rows:
            _set_xmp(xmp, row, changed[row.name])
        packets = replace(packets, xmp=xmp.to_bytes())
    if "IPTC:Keywords" in changed:
        packets = replace(packets, iptc=iptc.set_keywords(packets.iptc, changed["IPTC:Keywords"]) or None)
    if any(row.family == "exif" for row in rows):
        packets = replace(packets, exif=_set_exif(packets.exif, changed) or None)
    return packets


def apply_change(packets: Packets, change: Change, families: frozenset[str]) -> Packets:
    """The packets after a change to a photo of which they are all there is; see `fields_after` and `with_fields`."""
    now = read_metadata(packets)
    return with_fields(packets, now.fields, fields_after(now, change, families))


def _xmp_fields(xmp: Xmp) -> dict[str, tuple[str, ...]]:
    there = xmp.names()
    found = {}
    for row in _XMP_ROWS:
        if not there.isdisjoint(row.xml):
            found[row.name] = _caption(xmp.default(row.xml)) if row.kind == "Alt" else xmp.values(row.xml)
    return found


def _other_fields(packets: Packets) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if packets.iptc is not None:
        said = iptc.read(packets.iptc)
        found["IPTC:Keywords"] = said.keywords
        found |= {f"IPTC:{name}": (text,) for name, text in said.captions.items()}
    if packets.exif is not None:
        text = exif.read_text(packets.exif)
        if text.keywords is not None:
            found["IFD0:XPKeywords"] = _caption(text.keywords)
        if text.comment is None:
            found["ExifIFD:UserComment"] = ("\ufffd",)  # there is something: not empty, and not ours
        elif text.comment:
            found["ExifIFD:UserComment"] = (text.comment,)
        if text.description:
            found["IFD0:ImageDescription"] = (text.description,)
    return found


def _caption(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def paths_in(row: Field, fields: Fields) -> Iterator[str]:
    """The paths in the values of one field, bookkeeping included."""
    for value in fields.get(row.name, ()):
        if row.holds == "paths" or (row.holds == "mixed" and _is_path(row, value, fields)):
            yield keywords.from_path(value, row.separator)
        elif row.holds == "xml":
            yield from acdsee.read_categories(value) or ()


def _all_paths(fields: Fields) -> Iterator[str]:
    """All paths there are, bookkeeping included."""
    return (path for row in _ROWS for path in paths_in(row, fields))


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
    return not (is_short and value in fields.get("XMP-dc:Subject", ()))


def _paths(fields: Fields) -> Iterator[str]:
    """The tags of all fields that hold paths."""
    return (tag for tag in _all_paths(fields) if not keywords.is_bookkeeping(tag))


def _bookkept(fields: Fields) -> set[str]:
    """The identities of flat values that only repeat a program's bookkeeping."""
    account = [tag for tag in _all_paths(fields) if keywords.is_bookkeeping(tag)]
    return keywords.explained(account) - set(keywords.names(list(_paths(fields)))) if account else set()


def _is_aside(row: Field, value: str, aside: set[str]) -> bool:
    """Whether a value stays where it is and is no tag."""
    if row.holds == "flat":
        return not row.separator and identity(value) in aside
    return row.holds in ("paths", "mixed") and keywords.is_bookkeeping(
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


def _named(fields: Fields) -> list[tuple[Field, str]]:
    """The names in all flat fields, but for bookkeeping, each with the field it stands in."""
    account = _bookkept(fields)
    return [
        (row, name)
        for row in _ROWS
        for name in names_in(row, fields)
        if not account or identity(name) not in account
    ]


def _flats(*sources: Fields) -> list[str]:
    """The values of all flat fields in order; of IPTC's cut ones only those that nothing says in full."""
    named = [found for one in sources for found in _named(one)]
    short = [name for row, name in named if row.family == "iptc" and keywords.may_be_cut(name)]
    if short:
        full = {identity(name) for row, name in named if row.family != "iptc"}
        full.update(keywords.explained([tag for one in sources for tag in _paths(one)]))
        cut = {name for name in short if any(other.startswith(identity(name)) for other in full)}
        named = [(row, name) for row, name in named if row.family != "iptc" or name not in cut]
    return [name for _, name in named]


def _hung(
    row: Field, old: tuple[str, ...], tags: tuple[str, ...], metadata: Metadata, change: Change
) -> tuple[str, ...]:
    """The tags that a field with paths gets: all; but what stands flat beside Lightroom's tree is not hung into it.

    Lightroom writes synonyms and the like beside the tree, and would make keywords at its root of them.
    """
    if row.name != "XMP-lr:HierarchicalSubject" or not any(LEVEL in value for value in old):
        return tags
    hung = identities(_paths(metadata.fields)) | (identities(change.add) - identities(change.remove))
    beside = identities(_flats(metadata.fields)) - hung
    return tuple(tag for tag in tags if LEVEL in tag or identity(tag) not in beside)


def _share(row: Field, old: tuple[str, ...], tags: tuple[str, ...], flat: tuple[str, ...]) -> tuple[str, ...]:
    """What one field shall hold. The old values stay where they say the same."""
    if row.holds == "xml":
        there = acdsee.read_categories(old[0])
        if there is None or identities(there) == identities(tags):
            return old  # what is no category list is another program's business
        return _caption(acdsee.write_categories(tags) if tags else "")
    if row.holds in ("paths", "mixed"):
        new = tuple(
            tag if row.holds == "mixed" and tag in old else keywords.to_path(tag, row.separator)
            for tag in tags
        )
    elif row.family == "iptc":
        new = tuple(filter(iptc.fits, flat))
    elif row.separator:
        joined = row.separator.join(keywords.escape(name, row.separator) for name in flat)
        now, then = (sorted(names_in(row, {row.name: values})) for values in (old, (joined,)))
        return old if now == then else _caption(joined)
    else:
        new = flat
    return old if sorted(old) == sorted(new) else new


def _set_xmp(xmp: Xmp, row: Field, values: tuple[str, ...]) -> None:
    if row.family != "xmp":
        return
    if row.kind == "Alt":
        xmp.set_default(row.xml, "".join(values), row.prefix)
    elif row.kind:
        xmp.set_list(row.xml, values, (row.prefix, row.kind))
    else:
        xmp.set_text(row.xml, "".join(values), row.prefix)


def _set_exif(block: bytes | None, changed: Fields) -> bytes | None:
    comment, words = (
        "".join(changed[name]) if name in changed else None
        for name in ("ExifIFD:UserComment", "IFD0:XPKeywords")
    )
    if comment is not None:
        try:
            return exif.set_text(block, comment=comment, keywords=words)
        except ForeignStructureError:  # the comment is only a fallback: a broken or full block does without
            pass
    return block if words is None else exif.set_text(block, keywords=words)
