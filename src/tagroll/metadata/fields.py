"""FIELDS: every field in which programs look for tags, and the one meaning they have together.

Reading joins all fields into one list of tags; writing gives every field its share of the new list, so that
every program, whichever field it looks at first, sees the same tags. Both engines (in process and exiftool)
go through `metadata_from_fields` and `fields_after`, so both mean the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import md5
from types import MappingProxyType
from typing import Literal

from tagroll.domain import Change, Metadata
from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.packets import acdsee, exif, iptc, keywords
from tagroll.metadata.packets.captions import is_said
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
        family: The packet it stands in; "text" for what stands in none.
        holds: "paths" (one value a tag), "flat" (names), "mixed" (paths, but names from Windows), "xml" (the
            categories of ACDSee), "tree" (one tag a value, once read out of its structures), "line" (names in one
            text), "comment" (names in a sentence), "text" (a caption), "told" (a caption that is read, never written)
            or "digest" (whether IPTC is as it was when XMP was brought in step with it).
        separator: Between the levels of a path, or between the names in one value; "" where there is none.
        spread: Whether it is written to every file that can hold it; else only where it is already.
        cleaned: Tags that are gone are taken out of it, and none are added: no program that is known goes by it.
        xml: Names of the XMP property, `{namespace}local`, the usual one first.
        prefix: The usual prefix of that namespace.
        kind: The usual list of the property: "Bag", "Seq", "Alt", or "" for simple text.
        change: Keys in `Change.set` for which this is the caption; both where programs differ about it.
    """

    name: str
    family: Literal["xmp", "iptc", "exif", "text"]
    holds: Literal["paths", "flat", "mixed", "xml", "tree", "line", "comment", "text", "told", "digest"]
    separator: str = ""
    spread: bool = False
    cleaned: bool = False
    xml: tuple[str, ...] = ()
    prefix: str = ""
    kind: str = ""
    change: tuple[str, ...] = ()


_DC = "{http://purl.org/dc/elements/1.1/}"
_LR = "{http://ns.adobe.com/lightroom/1.0/}"
_MS = ("{http://ns.microsoft.com/photo/1.0/}", "{http://ns.microsoft.com/photo/1.0}")
_CORE = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"
_ACDSEE = "{http://ns.acdsee.com/iptc/1.0/}"
_PRISM = tuple(
    f"{{http://prismstandard.org/namespaces/basic/{version}/}}" for version in ("2.0", "1.2", "2.1", "3.0")
)
_TITLE, _TOLD, _BOTH = ("title",), ("description",), ("title", "description")

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
        "XMP-expressionmedia:CatalogSets", "xmp", "paths", LEVEL,
        xml=("{http://ns.microsoft.com/expressionmedia/1.0/}CatalogSets",), prefix="expressionmedia", kind="Bag",
    ),
    Field(
        "XMP-mwg-kw:KeywordInfo", "xmp", "tree", LEVEL,
        xml=("{http://www.metadataworkinggroup.com/schemas/keywords/}Keywords",), prefix="mwg-kw",
    ),
    Field("XMP-acdsee:Categories", "xmp", "xml", xml=(_ACDSEE + "categories",), prefix="acdsee"),
    Field("XMP-acdsee:Keywords", "xmp", "paths", LEVEL, xml=(_ACDSEE + "keywords",), prefix="acdsee", kind="Bag"),
    Field("XMP-dc:Subject", "xmp", "flat", spread=True, xml=(_DC + "subject",), prefix="dc", kind="Bag"),
    Field("IPTC:Keywords", "iptc", "flat", spread=True),
    Field(
        "XMP-iptcCore:Keywords", "xmp", "flat", xml=(_CORE + "Keywords",), prefix="Iptc4xmpCore", kind="Bag",
    ),
    Field(
        "XMP-prism:Keyword", "xmp", "flat", cleaned=True, xml=tuple(space + "keyword" for space in _PRISM),
        prefix="prism", kind="Bag",
    ),
    Field(
        "XMP-pdf:Keywords", "xmp", "line", cleaned=True, xml=("{http://ns.adobe.com/pdf/1.3/}Keywords",), prefix="pdf",
    ),
    Field("IFD0:XPKeywords", "exif", "flat", ";"),
    Field(
        "XMP-microsoft:LastKeywordXMP", "xmp", "mixed", "/",
        xml=tuple(space + "LastKeywordXMP" for space in _MS), prefix="MicrosoftPhoto", kind="Bag",
    ),
    Field(
        "XMP-microsoft:LastKeywordIPTC", "xmp", "mixed", "/",
        xml=tuple(space + "LastKeywordIPTC" for space in _MS), prefix="MicrosoftPhoto", kind="Bag",
    ),
    Field("ExifIFD:UserComment", "exif", "comment", ",", change=_BOTH),
    Field("XMP-dc:Title", "xmp", "text", xml=(_DC + "title",), prefix="dc", kind="Alt", change=_TITLE),
    Field("XMP-dc:Description", "xmp", "text", xml=(_DC + "description",), prefix="dc", kind="Alt", change=_TOLD),
    Field(
        "XMP-iptcCore:AltTextAccessibility", "xmp", "text", xml=(_CORE + "AltTextAccessibility",),
        prefix="Iptc4xmpCore", kind="Alt", change=("alt_text",),
    ),
    Field("IPTC:ObjectName", "iptc", "told", change=_TITLE),
    Field("IPTC:Headline", "iptc", "told", change=_TITLE),
    Field("IPTC:Caption-Abstract", "iptc", "told", change=_TOLD),
    Field(
        "XMP-photoshop:Headline", "xmp", "told", xml=("{http://ns.adobe.com/photoshop/1.0/}Headline",),
        prefix="photoshop", change=_TITLE,
    ),
    Field("XMP-acdsee:Caption", "xmp", "told", xml=(_ACDSEE + "caption",), prefix="acdsee", change=_TITLE),
    Field("XMP-acdsee:Notes", "xmp", "told", xml=(_ACDSEE + "notes",), prefix="acdsee", change=_TOLD),
    Field(
        "XMP-tiff:ImageDescription", "xmp", "told", xml=("{http://ns.adobe.com/tiff/1.0/}ImageDescription",),
        prefix="tiff", kind="Alt", change=_BOTH,
    ),
    Field(
        "XMP-exif:UserComment", "xmp", "told", xml=("{http://ns.adobe.com/exif/1.0/}UserComment",), prefix="exif",
        kind="Alt", change=_BOTH,
    ),
    Field("IFD0:XPTitle", "exif", "told", change=_TITLE),
    Field("IFD0:ImageDescription", "exif", "told", change=_BOTH),
    Field("IFD0:XPComment", "exif", "told", change=_TOLD),
    Field("IFD0:XPSubject", "exif", "told", change=_BOTH),
    Field("PNG:Title", "text", "told", change=_TITLE),
    Field("PNG:Description", "text", "told", change=_TOLD),
    Field("PNG:Comment", "text", "told", change=_BOTH),
    Field("File:Comment", "text", "told", change=_BOTH),
    Field("Photoshop:IPTCDigest", "iptc", "digest"),
)  # fmt: skip

FIELDS: Mapping[str, Field] = MappingProxyType({row.name: row for row in _ROWS})
"""The rows by name, in the order in which their tags are taken up: paths first, they explain the rest."""

_XMP_ROWS = tuple(row for row in _ROWS if row.family == "xmp")
_SHORT = 3
"""Letters in a level of what is no path but an abbreviation: AC/DC, TCP/IP, and/or."""
_LISTS = frozenset({"Bag", "Seq"})
_COMPLETE = ("XMP-lr:HierarchicalSubject", "XMP-dc:Subject")
_COMMENT, _DESCRIPTION = "ExifIFD:UserComment", "IFD0:ImageDescription"
_SUBJECT, _IPTC, _DIGEST = "XMP-dc:Subject", "IPTC:Keywords", "Photoshop:IPTCDigest"
_NO_TAGS = frozenset({"text", "told", "digest"})


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
    found: dict[str, tuple[str, ...]] = {}
    for packet in (packets.xmp, packets.extended_xmp, *packets.others):
        if packet is not None:
            for name, values in _xmp_fields(_parsed(packet, packets)).items():
                if name not in found:
                    found[name] = values
                elif FIELDS[name].kind in _LISTS:
                    found[name] = tuple(dict.fromkeys((*found[name], *values)))
    return found | _other_fields(packets, _known(found))


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
    keyword that was cut, is no tag of its own. UserComment never counts: a sentence with commas is no list. Nor
    does IPTC beside dc:subject, unless the file's digest tells that IPTC was changed since both were in step: so
    the Metadata Working Group's guidelines (2.0, 3.3) and those who follow them, Adobe and exiftool.

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
    found = Metadata(keywords.union(paths, flats), dict(fields))
    return Metadata(found.tags, found.fields, **_captions(sources, found))


def _captions(sources: Sequence[Fields], metadata: Metadata) -> dict[str, str]:
    """The captions of a photo; those in XMP first, which tagroll writes, then those elsewhere that a person said."""
    captions: dict[str, str] = {}
    for row in sorted((row for row in _ROWS if row.change), key=lambda row: row.holds != "text"):
        for text in (one[row.name][0] for one in sources if one.get(row.name)):
            missing = [name for name in row.change if not captions.get(name)]
            if missing and (row.holds == "text" or (is_said(text) and not _is_ours(text, metadata, ()))):
                captions |= dict.fromkeys(missing, text)
    return captions


def is_complete(fields: Fields) -> bool:
    """Whether a sidecar has the lists that tagroll always writes."""
    return all(fields.get(name) for name in _COMPLETE)


def tags_after(metadata: Metadata, change: Change) -> tuple[str, ...]:
    """The tags the photo carries after a change: what a re-read has to find."""
    return keywords.tags_after(metadata.tags, change)


def fields_after(metadata: Metadata, change: Change, families: frozenset[str] = ALL_FAMILIES) -> Fields:
    """The full list that each field shall hold after a change; `()` takes a field out.

    Fields without a key stay as they are. When tags change, every field gets all of them, so that lists which
    were partial become whole. For UserComment see `_comment_after`.

    Args:
        metadata: What the photo is known to carry: `tags` may come from more places than `fields`, which are
            those of the file that is written.
        change: What to do.
        families: The packets the file can hold. Outside of them, a field is kept in step where it is already.
    """
    after = {
        row.name: _caption(change.set[name])
        for row in _ROWS
        for name in row.change
        if row.holds == "text" and name in change.set
    }
    if not change.add and not change.remove:
        return after
    tags = tags_after(metadata, change)
    flat = keywords.flat_after(_flats(metadata.fields), tags)
    aside = _bookkept(metadata.fields) - set(keywords.names(tags))
    unread = _unread(metadata, change, tags)
    gone = set(keywords.names(metadata.tags)) - set(keywords.names(tags))
    for row in _ROWS:
        old = metadata.fields.get(row.name, ())
        if row.holds == "comment":
            after[row.name] = _comment_after(metadata, change, flat if row.family in families else ())
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
    return after


def _unread(metadata: Metadata, change: Change, tags: tuple[str, ...]) -> set[str]:
    """The identities of IPTC keywords that do not count beside XMP and are not lost all the same.

    Another program or a person put them there alone; they stay until all tags are replaced. What tagroll left there
    itself is stale.
    """
    said = keywords.explained(metadata.tags)
    if not _xmp_speaks(metadata.fields) or identities(metadata.tags).isdisjoint(identities(tags)):
        return set()
    names = identities(metadata.fields.get(_IPTC, ())) - said - identities(change.remove)
    fragments = {
        name for name in names if keywords.may_be_cut(name) and any(one.startswith(name) for one in said)
    }
    return names.difference(fragments, *map(keywords.explained, change.left))


def _xmp_speaks(fields: Fields) -> bool:
    """Whether the keywords in XMP count alone beside those in IPTC."""
    return bool(fields.get(_SUBJECT)) and fields.get(_DIGEST) != ("other",)


def _cleaned(row: Field, old: tuple[str, ...], gone: set[str]) -> tuple[str, ...]:
    """The values of a field without the tags that are gone."""
    if row.holds != "line":
        return tuple(value for value in old if identity(value) not in gone)
    parts = list(_names(row, {row.name: old}))
    kept = [part for part in parts if identity(part) not in gone]
    return old if kept == parts else _caption(f"{_divider(old)} ".join(kept))


def _divider(values: tuple[str, ...]) -> str:
    """What stands between the names in one text."""
    return ";" if any(";" in value for value in values) else ","


def _comment_after(metadata: Metadata, change: Change, flat: tuple[str, ...]) -> tuple[str, ...]:
    """What UserComment shall hold: the list of tags where it is wanted, and nothing where it holds a list of ours.

    Five programs show it as the photo's caption, so a person's words stay, and none of ours stand beside a caption in
    ImageDescription. exiv2 cannot convert what goes beyond the Basic Multilingual Plane (it shows the first letter).
    """
    old = metadata.fields.get(_COMMENT, ())
    if old and not _is_ours("".join(old), metadata, change.left):
        return old
    text = ", ".join(flat)
    wanted = change.comment and not metadata.fields.get(_DESCRIPTION) and max(text, default="") < "\U00010000"
    return _caption(text) if wanted else ()


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
    if _IPTC in changed:
        packets = replace(
            packets, iptc=iptc.set_keywords(packets.iptc, changed[_IPTC], _known(there)) or None
        )
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
            if row.holds == "tree":
                found[row.name] = xmp.tree(row.xml)
            else:
                found[row.name] = _caption(xmp.default(row.xml)) if row.kind == "Alt" else xmp.values(row.xml)
    return found


def _known(xmp: Fields) -> list[str]:
    """The words and texts of XMP that IPTC may repeat in an old code page."""
    levels = (level for tag in _paths(xmp) for level in keywords.levels(tag))
    return [
        *levels,
        *(value for row in _XMP_ROWS if row.holds not in ("paths", "xml") for value in xmp.get(row.name, ())),
    ]


def _other_fields(packets: Packets, known: Collection[str]) -> dict[str, tuple[str, ...]]:
    found = {name: _caption(text) for name, text in packets.texts.items()}
    if packets.iptc is not None:
        said = iptc.read(packets.iptc, known)
        found[_IPTC] = said.keywords
        found |= {f"IPTC:{name}": (text,) for name, text in said.captions.items()}
        if packets.digest is not None:
            same = packets.digest == md5(packets.iptc, usedforsecurity=False).digest()
            found[_DIGEST] = ("same" if same else "other",)
    if packets.exif is not None:
        text = exif.read_text(packets.exif)
        if text.keywords is not None:
            found["IFD0:XPKeywords"] = _caption(text.keywords)
        if text.comment is None:
            found["ExifIFD:UserComment"] = ("\ufffd",)  # there is something: not empty, and not ours
        elif text.comment:
            found["ExifIFD:UserComment"] = (text.comment,)
        found |= {f"IFD0:{name}": (words,) for name, words in text.captions.items()}
    return found


def _caption(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _all_paths(fields: Fields) -> Iterator[str]:
    """All paths there are, bookkeeping included."""
    for row in _ROWS:
        for value in fields.get(row.name, ()):
            if row.holds in ("paths", "tree") or (row.holds == "mixed" and _is_path(row, value, fields)):
                yield keywords.from_path(value, row.separator)
            elif row.holds == "xml":
                yield from acdsee.read_categories(value) or ()


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
    return row.holds in ("paths", "tree", "mixed") and keywords.is_bookkeeping(
        keywords.from_path(value, row.separator)
    )


def _names(row: Field, fields: Fields) -> Iterator[str]:
    """The names in the values of a flat field, or of a mixed one as far as they are no paths."""
    values = fields.get(row.name, ())
    if row.holds == "flat":
        for value in values:
            yield from keywords.levels(value, row.separator) if row.separator else (value,)
    elif row.holds == "mixed":
        yield from (value for value in values if not _is_path(row, value, fields))
    elif row.holds == "line":
        yield from (name for value in values for name in keywords.levels(value, _divider(values)))


def _named(fields: Fields) -> Iterator[tuple[Field, str]]:
    """The names in the flat fields of one source, but for what only repeats a program's bookkeeping."""
    account, speaks = _bookkept(fields), _xmp_speaks(fields)
    for row in _ROWS:
        for name in () if speaks and row.family == "iptc" else _names(row, fields):
            if not account or identity(name) not in account:
                yield row, name


def _flats(*sources: Fields) -> list[str]:
    """The values of all flat fields in order; of IPTC's cut ones only those that nothing says in full."""
    named = [pair for one in sources for pair in _named(one)]
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
    if row.holds in ("paths", "tree", "mixed"):
        new = tuple(
            tag if row.holds == "mixed" and tag in old else keywords.to_path(tag, row.separator)
            for tag in tags
        )
    elif row.family == "iptc":
        new = tuple(filter(iptc.fits, flat))
    elif row.separator:
        joined = row.separator.join(keywords.escape(name, row.separator) for name in flat)
        now, then = (sorted(_names(row, {row.name: values})) for values in (old, (joined,)))
        return old if now == then else _caption(joined)
    else:
        new = flat
    return old if sorted(old) == sorted(new) else new


def _is_ours(comment: str, metadata: Metadata, left: Iterable[tuple[str, ...]]) -> bool:
    """Whether a UserComment is a list of the photo's tags, or one that tagroll left there: no word is lost with it.

    The older script wrote UTF-8 where UTF-16 belongs; read rightly, that is a row of Chinese characters, which no
    person wrote: as the bytes it came from, it need not name all tags.
    """
    if any(says(comment, tags) for tags in (metadata.tags, _flats(metadata.fields), *left)):
        return True
    known = _parts((*keywords.names(metadata.tags).values(), *_flats(metadata.fields)))
    return any(_parts([reading]) <= known for reading in list(_readings(comment))[1:])


def says(comment: str, tags: Iterable[str]) -> bool:
    """Whether a UserComment is just this list of tags, in whatever order."""
    leaves = _parts(levels[-1] for tag in tags if (levels := keywords.levels(tag)))
    return bool(leaves) and any(_parts([reading]) == leaves for reading in _readings(comment))


def _parts(names: Iterable[str]) -> set[str]:
    """The keys of what stands between the commas."""
    return {identity(part) for name in names for part in name.split(",") if part.strip()}


def _readings(comment: str) -> Iterator[str]:
    yield comment
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            yield comment.encode(encoding).rstrip(b"\0").decode()
        except UnicodeError:
            continue


def _set_xmp(xmp: Xmp, row: Field, values: tuple[str, ...]) -> None:
    if row.family != "xmp":
        return
    if row.holds == "tree":
        xmp.set_tree(row.xml, values, row.prefix)
    elif row.kind == "Alt":
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
