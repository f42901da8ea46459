"""UserComment and XPKeywords in an EXIF (TIFF) block, changed without moving a value that was there.

MakerNotes hold offsets that only their maker understands, so nothing in the block may move. A new value goes
to the end and its entry is pointed there; where the entry is missing, a copy of its directory with it goes
to the end, and the pointer to that directory is changed. Our value that stands at the end already is replaced
there, so that repeated edits do not make the block grow. A comment that is taken out leaves no entry.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.packets.codepage import plain_text
from tagroll.metadata.packets.tiff import CLASSIC, BrokenTiffError, Entry, Tiff

MAX_BYTES = 65_527
"""The largest block that fits into one JPEG segment (65,533 bytes, less "Exif" and two zeros)."""

_DESCRIPTION, _EXIF_IFD, _COMMENT, _KEYWORDS = 0x10E, 0x8769, 0x9286, 0x9C9E
_CAPTIONS = {_DESCRIPTION: "ImageDescription", 0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9F: "XPSubject"}
_TOLD = frozenset({_KEYWORDS, _EXIF_IFD, *_CAPTIONS})
"""What is read of the first directory."""
_POINTERS = frozenset({_EXIF_IFD, 0x8825, 0xA005})
"""Entries that hold the place of another directory: Exif, GPS, interoperability."""

_THUMBNAIL = (0x201, 0x202)
"""Place and length of the thumbnail."""

_NO_ENTRIES = bytes(6)
"""A directory without entries, and without one that follows."""

_BYTE, _LONG, _UNDEFINED = 1, 4, 7


@dataclass(frozen=True, slots=True)
class ExifText:
    """The text that tagroll cares for.

    Attributes:
        comment: UserComment decoded, "" when there is none or nothing but blanks, None when it is unreadable.
        keywords: XPKeywords as it stands there (";" between the keywords), None when there is no such entry.
        captions: ImageDescription, and Windows' XPTitle, XPComment and XPSubject by their names; none of those that are
            blank or lie outside the block.
    """

    comment: str | None
    keywords: str | None
    captions: Mapping[str, str] = field(default_factory=dict)


class _Block(Tiff[bytearray]):
    """A block with its directories, open for changes at its end."""

    _lowest = 8  # behind the header

    def __init__(self, block: bytes) -> None:
        if block[:4] not in CLASSIC:
            raise BrokenTiffError("not an EXIF block")
        super().__init__(bytearray(block))
        self._budget = math.inf  # what is read of it is little, but again and again

    def exif_at(self) -> int | None:
        """Where the Exif directory stands; None when there is none."""
        pointer = self.find(self.first, _EXIF_IFD)
        return None if pointer is None else self.number(pointer.at)

    def text(self, entry: Entry) -> bytes:
        """The bytes of a value, however the block changes afterwards."""
        return bytes(self.value(entry))

    def append(self, data: bytes) -> int:
        """Put data at the end, at an even place as TIFF 6.0 asks; gives the place."""
        self.data += b"\0" * (len(self.data) % 2)
        self.data += data
        return len(self.data) - len(data)

    def locate(self, tag: int) -> Entry | None:
        """The entry of one of our two fields, in its own directory."""
        at = self.first if tag == _KEYWORDS else self.exif_at()
        return None if at is None else self.find(at, tag)

    def assign(self, tag: int, data: bytes) -> None:
        """Give one of our two fields a new value, at the end of the block unless it fits into the entry."""
        kind = _BYTE if tag == _KEYWORDS else _UNDEFINED
        entry = self.locate(tag)
        if entry is None:
            pointer = None if tag == _KEYWORDS else self.find(self.first, _EXIF_IFD)
            self.insert(pointer.at if pointer else 4, tag, kind, bytes(8))
            entry = self.locate(tag)
        if entry is None:
            raise BrokenTiffError("the block is broken")
        place = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(self.order + "I", self.append(data))
        head = struct.pack(self.order + "HHI", tag, kind, len(data))
        self.data[entry.start : entry.start + 12] = head + place

    def prove(self, tag: int, data: bytes) -> None:
        """See that one of our two fields has this value: where directories overlap, it may have been changed since."""
        entry = self.locate(tag)
        if entry is None or self.value(entry) != data:
            raise BrokenTiffError("the block is broken")

    def insert(self, holder: int, tag: int, kind: int, value: bytes) -> None:
        """Add an entry: a copy of the directory that `holder` points to goes to the end and takes its place.

        Args:
            holder: Where the offset of the directory stands.
            tag: The new entry's.
            kind: Its TIFF type.
            value: The count (four bytes) and the value or its place (four bytes).
        """
        at = self.number(holder)
        old = [bytes(self.data[entry.start : entry.start + 12]) for entry in self.entries(at)]
        after = at + 2 + 12 * len(old)
        new = struct.pack(self.order + "HH", tag, kind) + value
        rows = sorted([*old, new], key=lambda row: struct.unpack_from(self.order + "H", row))
        following = bytes(self.data[after : after + 4]).ljust(4, b"\0")
        copy = struct.pack(self.order + "H", len(rows)) + b"".join(rows) + following
        place = self.append(copy)
        struct.pack_into(self.order + "I", self.data, holder, place)
        self.first = self.number(4)

    def drop(self, holder: int, tag: int) -> int:
        """Take an entry out of the directory that `holder` points to; those behind it move up, their values stay.

        Returns:
            How many entries are left.
        """
        at = self.number(holder)
        entries = self.entries(at)
        end = at + 2 + 12 * len(entries) + 4
        entry = next((one for one in entries if one.tag == tag), None)
        if entry is None or end > len(self.data):
            raise BrokenTiffError("the block is broken")
        self.data[entry.start : end] = self.data[entry.start + 12 : end] + bytes(12)
        struct.pack_into(self.order + "H", self.data, at, len(entries) - 1)
        return len(entries) - 1

    def drop_comment(self) -> None:
        """Take UserComment out, and with it each directory that holds nothing else; then the block is empty."""
        pointer = self.find(self.first, _EXIF_IFD)
        if pointer is None or self.locate(_COMMENT) is None:
            return
        left = self.drop(pointer.at, _COMMENT) or self.drop(4, _EXIF_IFD)
        if not left and not self.number(self.first + 2):  # no directory follows
            self.data.clear()

    def release(self, entry: Entry) -> bool:
        """Cut the value of an entry off the end, when it stands there and nothing else points into it."""
        start, end = self.span(entry)
        if entry.size <= 4 or end != len(self.data) or any(e > start for _, e in self._used(entry)):
            return False
        del self.data[start:]
        self.data[entry.at - 4 : entry.at] = bytes(4)
        return True

    def _used(self, but: Entry) -> Iterator[tuple[int, int]]:
        """Every span that the known directories use, but one entry's."""
        yield 0, 8
        places, seen = [self.first], set[int]()
        while places:
            at = places.pop()
            if at in seen or not at:
                continue
            seen.add(at)
            entries = self.entries(at)
            end = at + 2 + 12 * len(entries)
            yield at, end + 4
            places += [self.number(entry.at) for entry in entries if entry.tag in _POINTERS]
            places.append(self.following(at, len(entries)))
            yield from (self.span(entry) for entry in entries if entry.start != but.start and entry.size > 4)
            thumbnail = [self.number(entry.at) for entry in entries if entry.tag in _THUMBNAIL]
            yield 0, sum(thumbnail) if len(thumbnail) == 2 else 0


def read_text(block: bytes) -> ExifText:
    """Read the two fields.

    A block that is broken elsewhere is no obstacle; if its first directory cannot be found, nobody finds
    keywords there.

    Raises:
        MetadataError: There is an XPKeywords entry, but its value lies outside the block.
    """
    try:
        tiff = _Block(block)
        first: dict[int, Entry] = {}
        for one in tiff.entries(tiff.first, _TOLD):
            first.setdefault(one.tag, one)
    except BrokenTiffError:
        return ExifText(None, None)
    try:
        entry = first.get(_KEYWORDS)
        keywords = None if entry is None else _words(tiff.text(entry))
    except BrokenTiffError as error:
        raise MetadataError("the EXIF keywords (XPKeywords) lie outside the EXIF block") from error
    try:
        pointer = first.get(_EXIF_IFD)
        entry = tiff.find(tiff.number(pointer.at), _COMMENT) if pointer else None
        comment = "" if entry is None else _decode(tiff.text(entry), tiff.order)
    except BrokenTiffError:
        return ExifText(None, keywords, _captions(tiff, first))
    return ExifText(comment, keywords, _captions(tiff, first))


def _captions(tiff: _Block, first: Mapping[int, Entry]) -> dict[str, str]:
    found = {}
    for tag in filter(_CAPTIONS.__contains__, first):
        with suppress(BrokenTiffError):
            value = tiff.text(first[tag])
            text = plain_text(value) if tag == _DESCRIPTION else _words(value)
            found[_CAPTIONS[tag]] = text.strip("\0 \t\r\n")
    return {name: text for name, text in found.items() if text}


def set_text(block: bytes | None, *, comment: str | None = None, keywords: str | None = None) -> bytes:
    """The block with new values; None leaves a field as it is. Without a block, one of this field alone is made.

    Args:
        block: The TIFF block.
        comment: New UserComment; "" takes it out.
        keywords: New XPKeywords.

    Returns:
        The new block; b"" where nothing is left in it.

    Raises:
        ForeignStructureError: The block is broken, or would not fit into a JPEG segment any more.
    """
    wanted = {}
    try:
        tiff = _Block(block or struct.pack("<2sHI", b"II", 42, 8) + _NO_ENTRIES)
        if keywords is not None:
            wanted[_KEYWORDS] = (keywords + "\0").encode("utf-16-le", "ignore")
        if comment:
            text = comment.encode("utf-16-le" if tiff.order == "<" else "utf-16-be", "ignore")
            wanted[_COMMENT] = b"UNICODE\0" + text
            _ensure_exif(tiff)
        changed = {*wanted, *([_COMMENT] if comment is not None else [])}
        while any(tiff.release(entry) for tag in changed if (entry := tiff.locate(tag))):
            pass
        for tag, data in wanted.items():
            tiff.assign(tag, data)
        if comment == "":
            tiff.drop_comment()
        for tag, data in wanted.items():
            tiff.prove(tag, data)
    except BrokenTiffError as error:
        raise ForeignStructureError("the EXIF block is broken") from error
    if len(tiff.data) > MAX_BYTES:
        raise ForeignStructureError("the EXIF block is full")
    return bytes(tiff.data)


def _ensure_exif(tiff: _Block) -> None:
    """Give a block that has no Exif directory an empty one.

    EXIF 2.32 (4.6.5) calls further tags mandatory there. Of a photo of which nobody has told its colour space or its
    version they would be made up, and programs show them.
    """
    if tiff.find(tiff.first, _EXIF_IFD) is None:
        at = tiff.append(_NO_ENTRIES)
        tiff.insert(4, _EXIF_IFD, _LONG, struct.pack(tiff.order + "II", 1, at))


def _words(value: bytes) -> str:
    """The text of XPKeywords, up to the first zero."""
    return value[: len(value) // 2 * 2].decode("utf-16-le", "replace").partition("\0")[0]


def _decode(value: bytes, order: str) -> str:
    """The text of a UserComment (EXIF 2.32, 4.6.5): eight bytes of code, then the text."""
    code, text = value[:8], value[8:]
    if code == b"UNICODE\0":
        return _utf16(text, order).strip("\0 \ufeff")
    if code.startswith(b"JIS\0"):
        return text.decode("iso2022_jp", "replace").strip("\0 ")
    plain = text if code in (b"ASCII\0\0\0", bytes(8)) else value
    try:
        return plain.decode().strip("\0 ")
    except UnicodeDecodeError:
        return plain.decode("latin-1").strip("\0 ")


def _utf16(text: bytes, order: str) -> str:
    """UTF-16 in the order that gives the more plausible text: writers disagree whether it is the file's.

    UTF-8, which the older script left here, is tried where the bytes are no UTF-16 at all.
    """
    text += b"\0" * (len(text) % 2)
    # Latin text has its zeros in the second byte, or the first
    zeros = text[1::2].count(0) - text[::2].count(0)
    little = zeros > 0 or (zeros == 0 and order == "<")
    for name in ("utf-16-le" if little else "utf-16-be", "utf-8"):
        try:
            return text.decode(name)
        except UnicodeDecodeError:
            continue
    return text.decode("utf-16-le" if little else "utf-16-be", "replace")
