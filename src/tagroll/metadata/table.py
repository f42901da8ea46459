"""FIELDS: every field in which programs look for tags, or people leave captions, one row each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tagroll.tags.identity import LEVEL

Fields = Mapping[str, tuple[str, ...]]
"""Raw values by the name of a row, as exiftool gives them; a field that is not there has no key."""

SUBJECT, IPTC, DIGEST = "XMP-dc:Subject", "IPTC:Keywords", "Photoshop:IPTCDigest"
HIERARCHICAL, MARK = "XMP-lr:HierarchicalSubject", "XMP-tagroll:WrittenTags"


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: What `exiftool -G1` calls it; the key in `Metadata.fields`.
        family: The packet it stands in; "text" for what stands in none.
        holds: "paths" (one value a tag), "flat" (names), "mixed" (paths, but names from Windows), "xml" (the
            categories of ACDSee), "tree" (one tag a value, once read out of its structures), "line" (names in one
            text), "comment" (names in a sentence), "text" (a caption), "told" (a caption that is read, never written),
            "fact" (neither tag nor caption, which is read, and written only where `Change.fields` says so), "faces" (names
            of people, which are read, never written), "mark" (which tags tagroll wrote) or "digest"
            (whether IPTC is as it was when XMP was brought in step with it).
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
    holds: Literal[
        "paths",
        "flat",
        "mixed",
        "xml",
        "tree",
        "line",
        "comment",
        "text",
        "told",
        "fact",
        "faces",
        "mark",
        "digest",
    ]
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
_EXIF = "{http://ns.adobe.com/exif/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
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
    Field(
        "XMP-tagroll:WrittenTags", "xmp", "mark", spread=True, xml=("{urn:tagroll:ns/1.0/}WrittenTags",), prefix="tagroll",
        kind="Bag",
    ),
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
        "XMP-photoshop:Headline", "xmp", "told", xml=(_PHOTOSHOP + "Headline",),
        prefix="photoshop", change=_TITLE,
    ),
    Field("XMP-acdsee:Caption", "xmp", "told", xml=(_ACDSEE + "caption",), prefix="acdsee", change=_TITLE),
    Field("XMP-acdsee:Notes", "xmp", "told", xml=(_ACDSEE + "notes",), prefix="acdsee", change=_TOLD),
    Field(
        "XMP-tiff:ImageDescription", "xmp", "told", xml=("{http://ns.adobe.com/tiff/1.0/}ImageDescription",),
        prefix="tiff", kind="Alt", change=_BOTH,
    ),
    Field(
        "XMP-exif:UserComment", "xmp", "told", xml=(_EXIF + "UserComment",), prefix="exif",
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
    Field("XMP-xmp:Rating", "xmp", "fact", xml=("{http://ns.adobe.com/xap/1.0/}Rating",), prefix="xmp"),
    Field("XMP-exif:DateTimeOriginal", "xmp", "fact", xml=(_EXIF + "DateTimeOriginal",), prefix="exif"),
    Field(
        "XMP-photoshop:DateCreated", "xmp", "fact", xml=(_PHOTOSHOP + "DateCreated",),
        prefix="photoshop",
    ),
    Field("XMP-exif:GPSLatitude", "xmp", "fact", xml=(_EXIF + "GPSLatitude",), prefix="exif"),
    Field("XMP-exif:GPSLongitude", "xmp", "fact", xml=(_EXIF + "GPSLongitude",), prefix="exif"),
    Field("XMP-photoshop:City", "xmp", "fact", xml=(_PHOTOSHOP + "City",), prefix="photoshop"),
    Field("XMP-photoshop:State", "xmp", "fact", xml=(_PHOTOSHOP + "State",), prefix="photoshop"),
    Field("XMP-photoshop:Country", "xmp", "fact", xml=(_PHOTOSHOP + "Country",), prefix="photoshop"),
    Field("IPTC:City", "iptc", "fact"),
    Field("IPTC:Province-State", "iptc", "fact"),
    Field("IPTC:Country-PrimaryLocationName", "iptc", "fact"),
    Field(
        "XMP-iptcExt:PersonInImage", "xmp", "faces",
        xml=("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}PersonInImage",), prefix="Iptc4xmpExt",
    ),
    Field(
        "XMP-mwg-rs:RegionInfo", "xmp", "faces", xml=("{http://www.metadataworkinggroup.com/schemas/regions/}Regions",),
        prefix="mwg-rs",
    ),
    Field(
        "XMP-MP:RegionInfoMP", "xmp", "faces", xml=("{http://ns.microsoft.com/photo/1.2/}RegionInfo",), prefix="MP",
    ),
    Field("Photoshop:IPTCDigest", "iptc", "digest"),
)  # fmt: skip

FIELDS: Mapping[str, Field] = MappingProxyType({row.name: row for row in _ROWS})
"""The rows by name, in the order in which their tags are taken up: paths first, they explain the rest."""
