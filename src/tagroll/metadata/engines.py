"""The engines: each turns the bytes of a file and a change into new bytes, and reads them back.

In-process engines and sidecars work on packets; exiftool writes what it alone can take apart. All of them
mean the same by a change: what each field shall hold comes from `fields.fields_after`.
"""

import base64
import io
import re
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import md5
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Protocol

from tagroll.domain import Change, Facts, Metadata, Photo
from tagroll.errors import ForeignStructureError, MetadataError, plainly
from tagroll.exiftool.pool import ExifTool
from tagroll.formats import FORMATS, XMP_ONLY, Format
from tagroll.metadata import facts
from tagroll.metadata.comment import COMMENT
from tagroll.metadata.containers.container import container_of
from tagroll.metadata.field_values import read_fields, with_fields
from tagroll.metadata.fields import fields_after
from tagroll.metadata.packets.keywords import xml_safe
from tagroll.metadata.packets.raw import Packets
from tagroll.metadata.table import FIELDS, Fields

_TAGS = frozenset({"paths", "flat", "mixed", "xml", "tree", "line"})
_TEXTS = tuple(row.name for row in FIELDS.values() if row.family in ("exif", "text"))
_BINARY = "base64:"
_XMP, _IPTC = "XMP:XMP", "IPTC:IPTC"
_COPY = re.compile(r"Copy\d+:")
_ANY_IPTC = re.compile(r"IPTC\d*:IPTC")
_EXTENDED = b"HasExtendedXMP"
_DIGEST = "Photoshop:IPTCDigest"
"""MD5 of the IPTC block: where it does not match, Lightroom takes IPTC for newer than XMP."""
_MD5 = re.compile("[0-9a-fA-F]{32}")
_UNKNOWN = frozenset({"XMP-mwg-kw:KeywordInfo", "XMP-iptcCore:Keywords"})
"""Fields that exiftool does not write as a plain list."""
_MANDATORY = frozenset(
    f"ExifIFD:{name}" for name in ("ExifVersion", "ComponentsConfiguration", "FlashpixVersion", "ColorSpace")
)
"""What exiftool adds to an Exif directory that lacks it. Nobody has told it of the photo, and programs show it."""
_BESIDE = _MANDATORY | {_DIGEST}
"""What is no field of ours, but has to be known for a write."""
_UNREACHED = re.compile(
    r"(?:Truncated .* (?:data|image)|Corrupted \w+ image|Bad IFD0 directory|Illegal IFD0|\w+ format error|Error reading"
    r"|.* did not start with)"
)
"""Warnings after which exiftool has given up: what it did not find may be there all the same."""
_BEHIND = re.compile(r"Truncated '(?!(?:meta|mdat|idat|moov|uuid)')")
"""What exiftool makes of bytes behind the last box, like those that phones add for a live photo."""
_ITEMS = "Meta:PrimaryItemReference"
"""Found once the list of all that a HEIC or AVIF holds was read: with it, only a box with data can be missed."""
_WANTED = (_XMP, "IPTC", *sorted(_BESIDE), _ITEMS, *_TEXTS, *facts.EXIFTOOL)


SIGNED = "a C2PA signature would become invalid"
"""Why a signed file must stay as it is."""
DAMAGED = "Its metadata are damaged. In a copy of the photo: exiftool -all= -tagsfromfile @ -all:all -unsafe -icc_profile COPY"
"""Exiftool's own way to build them anew from what can be read (its FAQ, 20)."""
EXIFTOOL = "exiftool"
"""How the journal calls that engine."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an engine found in a file.

    Attributes:
        fields: Raw values.
        packets: Where they come from.
        read_only_reason: Why the file must stay as it is, one line; "" where it may be changed.
        beside: Which of _BESIDE the file has; None when nobody has looked.
        by: The in-process engine that has read it.
        told: What it tells besides, XMP left out; None: its packets tell that.
    """

    fields: Fields
    packets: Packets = field(default_factory=Packets)
    read_only_reason: str = ""
    beside: frozenset[str] | None = None
    by: "InProcess | None" = None
    told: Facts | None = None

    @property
    def facts(self) -> Facts:
        """What it tells besides, XMP left out; read now, as who looks whether a write was right wants none."""
        return facts.facts_of(self.packets.exif, self.packets.size) if self.told is None else self.told


class Engine(Protocol):
    """Reads and edits one kind of file, in memory."""

    @property
    def name(self) -> str:
        """How the journal calls it."""

    @property
    def families(self) -> frozenset[str]:
        """The packets that such a file can hold."""

    def read(self, data: bytes) -> Content:
        """Find the fields.

        Raises:
            ForeignStructureError: Another engine may be able to read the file.
            MetadataError: It cannot be read.
        """

    def edit(self, data: bytes, content: Content, wanted: Fields) -> bytes:
        """The whole new file. `content` is what was read; `wanted` is what fields shall hold.

        Raises:
            ForeignStructureError: Another engine may be able to edit the file.
            MetadataError: It cannot be read.
        """


@dataclass(frozen=True, slots=True)
class InProcess:
    """JPEG, PNG and WebP: only the packets change."""

    name: str
    module: ModuleType
    families: frozenset[str]

    def read(self, data: bytes) -> Content:
        """See Engine."""
        return self.read_from(io.BytesIO(data))

    def read_from(self, source: BinaryIO) -> Content:
        """As `read`, from an open file: only what it needs."""
        with _hinted():
            packets = self.module.read_packets(source)
            fields, reason = _said(packets)
        return Content(fields, packets, reason, by=self)

    def edit(self, data: bytes, content: Content, wanted: Fields) -> bytes:
        """See Engine."""
        packets = with_fields(content.packets, content.fields, wanted)
        new: bytes = self.module.replace_packets(data, packets)
        return new


@dataclass(frozen=True, slots=True)
class Sidecar:
    """An XMP file; no bytes are one that is not there yet."""

    name: str = "sidecar"
    families: frozenset[str] = XMP_ONLY

    def read(self, data: bytes) -> Content:
        """See Engine."""
        packets = Packets(xmp=data or None)
        return Content(read_fields(packets), packets)

    def edit(self, data: bytes, content: Content, wanted: Fields) -> bytes:
        """See Engine."""
        return with_fields(content.packets, content.fields, wanted).xmp or data


@dataclass(frozen=True, slots=True)
class ViaExifTool:
    """Every other format that exiftool can write."""

    exiftool: ExifTool
    format: Format
    suffix: str
    families: frozenset[str]
    name: str = EXIFTOOL

    def read(self, data: bytes | Path) -> Content:
        """See Engine; a path of a file will do."""
        content = self._look(data)
        if self._is_extended(content):
            raise MetadataError("the photo has extended XMP beside structures that are not understood")
        return content

    def _is_extended(self, content: Content) -> bool:
        """Whether there is more XMP than exiftool gives in one piece; only JPEG has it, copies of the mark do not count."""
        return container_of(self.format).extends_xmp and _EXTENDED in (content.packets.xmp or b"")

    def _look(self, data: bytes | Path) -> Content:
        return _content(self.exiftool.read(data, self.suffix, _WANTED), data, self.format)

    def edit(self, data: bytes, content: Content, wanted: Fields) -> bytes:
        """See Engine.

        XMP and IPTC are edited here and handed over as blocks, so that exiftool does not tidy up what other
        programs wrote there. Only extended XMP is left to it, which is more than one block.
        """
        if content.beside is None:  # read by another engine
            content = self._look(data)
        packets, fields, there = content.packets, content.fields, content.beside or frozenset()
        left = frozenset({"exif", "xmp"} if self._is_extended(content) else {"exif"})
        values = {
            name: tuple(map(xml_safe, new))
            for name, new in wanted.items()
            if FIELDS[name].family in left and new != fields.get(name, ())
        }
        if not _UNKNOWN.isdisjoint(values):
            raise ForeignStructureError("the photo has keywords in extended XMP that exiftool cannot write")
        if COMMENT in values:
            values |= dict.fromkeys(_MANDATORY - there, ())
        here = {name: new for name, new in wanted.items() if FIELDS[name].family not in left}
        new = with_fields(packets, fields, here)
        blocks = {}
        if new.xmp != packets.xmp:
            blocks["XMP"] = new.xmp or b""
        if new.iptc != packets.iptc:
            blocks["IPTC"] = block = _padded(new.iptc or b"")
            if _DIGEST in there:
                values[_DIGEST] = (md5(block, usedforsecurity=False).hexdigest(),) if block else ()
        return self.exiftool.write(data, self.suffix, values, blocks) if values or blocks else data


@contextmanager
def _hinted() -> Iterator[None]:
    """Say of damaged metadata what can be done about them."""
    try:
        yield
    except ForeignStructureError:
        raise
    except MetadataError as error:
        raise MetadataError(error.message, error.hint or DAMAGED) from error


def _said(packets: Packets) -> tuple[Fields, str]:
    """What the packets of a photo say, and why it must stay as it is, or "".

    IPTC that is broken, as ImageMagick leaves it in a TIFF, takes nothing away from XMP that has the tags. It cannot
    be brought in step with them any more, though.

    Raises:
        MetadataError: A packet cannot be read, and no other one says what may be in it.
    """
    try:
        fields, problem = read_fields(packets), packets.damaged
    except ForeignStructureError:
        raise
    except MetadataError as error:
        if packets.iptc is None:
            raise
        fields, problem = read_fields(replace(packets, iptc=None)), error.message
    if problem and not any(fields.get(name) for name in FIELDS if FIELDS[name].holds in _TAGS):
        raise MetadataError(problem)
    return fields, problem or _read_only_reason(packets)


def _read_only_reason(packets: Packets) -> str:
    """Why a file with these packets must stay as it is."""
    if packets.others:
        return "programs disagree about which of its XMP packets counts"
    return SIGNED if packets.signed else ""


def in_process(fmt: Format) -> InProcess | None:
    """The in-process engine of a format, if it has one."""
    return _IN_PROCESS.get(fmt.writer)


def via_exiftool(exiftool: ExifTool, fmt: Format, path: Path) -> ViaExifTool:
    """The engine that lets exiftool do it, under a name that fits the content: it goes by the ending."""
    suffix = path.suffix
    if suffix.lower() not in fmt.suffixes:
        suffix = "" if fmt.is_raw else fmt.suffixes[0]
    return ViaExifTool(exiftool, fmt, suffix, fmt.families)


def read_many(exiftool: ExifTool, photos: Sequence[Photo]) -> list[Content | None]:
    """What exiftool finds in many files at once; None for one of which only `ViaExifTool.read` says what is wrong."""
    found: list[Content | None] = []
    tags_of_each = exiftool.read_many([photo.path for photo in photos], _WANTED)
    for photo, tags in zip(photos, tags_of_each, strict=True):
        try:
            found.append(_content(tags, photo.path, photo.format) if tags is not None else None)
        except MetadataError:
            found.append(None)
    return found


def _content(tags: Mapping[str, str], source: bytes | Path, fmt: Format) -> Content:
    """The fields in what exiftool gave for _WANTED."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, text in tags.items():
        found[_COPY.sub("", name)].append(text)
    xmp = _of_the_photo([block for text in found[_XMP] if (block := _block(text))], source, fmt)
    iptc = [_block(text) for name, texts in found.items() if _ANY_IPTC.fullmatch(name) for text in texts]
    many = len({(block or b"").rstrip(b"\0") for block in iptc}) > 1
    digest = found.get(_DIGEST, [""])[0]
    packets = Packets(
        xmp=next(iter(xmp), None),
        iptc=None if many else next(iter(iptc), None),
        others=tuple(xmp[1:]),
        digest=bytes.fromhex(digest) if digest.strip("0") and _MD5.fullmatch(digest) else None,
        damaged="the photo has several IPTC blocks that do not say the same" if many else "",
    )
    texts = {name: (found[name][0],) for name in _TEXTS if found.get(name, [""])[0].strip()}
    if packets == Packets() and not texts:
        for warning in found["ExifTool:Warning"]:
            if _UNREACHED.match(warning) and not (_ITEMS in tags and _BEHIND.match(warning)):
                raise MetadataError(f"exiftool cannot read all of it: {plainly(warning)}", DAMAGED)
    there = _BESIDE.intersection(found)
    with _hinted():
        fields, reason = _said(packets)
    told = facts.facts_from(tags, turns_itself=container_of(fmt).turns_itself)
    return Content({**fields, **texts}, packets, reason, beside=there, told=told)


def _of_the_photo(xmp: list[bytes], source: bytes | Path, fmt: Format) -> list[bytes]:
    """The packets that are the photo's, the one that counts first: HEIC and AVIF also have some of gain maps and the like.

    Those that the list of items does not explain are kept, so that nothing they say is lost.
    """
    told_apart = container_of(fmt).xmp
    if not xmp or told_apart is None:
        return xmp
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            items = told_apart(file)
    except (ValueError, LookupError, struct.error, OSError):
        return xmp
    rest = [block for block in xmp if block not in items.photos and block not in items.others]
    return [*(block for block in items.photos if block in xmp), *rest]


def edit(
    engine: Engine, data: bytes, content: Content, change: Change, known: Metadata
) -> tuple[bytes, Fields]:
    """Make the new bytes of a file, read the fields back from them and compare these with what was to be written.

    Args:
        engine: Who writes.
        data: The file.
        content: What was read of it. Who read it reads the new bytes, too: exiftool sees less of some.
        change: What is to be done.
        known: What the photo is known to carry; `fields` are those of this very file.

    Returns:
        The new bytes, and what they say.

    Raises:
        ForeignStructureError: The engine cannot do it, or the new bytes do not say what they should.
        MetadataError: The file cannot be read.
    """
    wanted = fields_after(known, change, engine.families)
    new = engine.edit(data, content, wanted)
    try:
        found = (content.by or engine).read(new).fields
    except MetadataError as error:
        raise ForeignStructureError(f"the new file could not be read back: {error.message}") from error
    for name, texts in {**known.fields, **wanted}.items():
        if FIELDS[name].holds == "digest":
            continue  # it follows from what is written
        now = found.get(name, ())
        same = now == texts or _plain(now) == _plain(texts)
        if not same and not (name == COMMENT and now == known.fields.get(name, ())):
            raise ForeignStructureError(f"the new file does not say what it should in {name}")
    return new, found


def _plain(texts: tuple[str, ...]) -> list[str]:
    return [xml_safe(text).strip() for text in texts]


def _padded(block: bytes) -> bytes:
    """Filled up to whole words, as TIFF stores it: the digest counts the filling."""
    return block + b"\0" * (-len(block) % 4)


def _block(text: str | None) -> bytes | None:
    if not text:
        return None
    return base64.b64decode(text[len(_BINARY) :]) if text.startswith(_BINARY) else text.encode()


_IN_PROCESS = {
    fmt.writer: InProcess(fmt.writer, module, fmt.families)
    for fmt in FORMATS
    if fmt.in_process and (module := container_of(fmt).packets)
}
