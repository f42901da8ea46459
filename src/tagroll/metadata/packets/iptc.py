"""IPTC-IIM datasets: read and set the keywords (2:25), every other dataset keeps its bytes and its place.

A dataset is 0x1C, record, number, a two-byte length (with the top bit set: the length of a longer one), and
the value (IPTC-NAA Information Interchange Model 4.2, 1.5). Dataset 1:90 tells the character set of the text.
"""

import struct
from collections.abc import Collection
from typing import NamedTuple

from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.packets.codepage import USUAL, code_page

KEYWORD_BYTES = 64
"""The most bytes of one keyword (IIM 4.2, dataset 2:25)."""

_CHARSET, _VERSION, _KEYWORD = (1, 90), (2, 0), (2, 25)
_CAPTIONS = {
    (2, 5): "ObjectName", (2, 105): "Headline", (2, 120): "Caption-Abstract",
    (2, 90): "City", (2, 95): "Province-State", (2, 101): "Country-PrimaryLocationName",
}  # fmt: skip
"""Texts that are read: captions, and where the photo was taken."""
_HEADER = struct.Struct(">BBBH")
_PADDING = (256, 0)
"""Stands for the zeros that some programs leave at the end."""

_UTF8 = b"\x1b%G"
_ENCODINGS = {
    _UTF8: "utf-8",
    b"\x1b%/G": "utf-8",
    b"\x1b%/H": "utf-8",
    b"\x1b%/I": "utf-8",
    **dict.fromkeys((b"\x1b-A", b"\x1b.A", b"\x1b/A"), "latin-1"),
}
_BINARY = frozenset({0, 125, 200, 201, 202})
"""Datasets of record 2 that are no text: versions, pictures."""


class _Dataset(NamedTuple):
    """One dataset; `raw` is all of it, header included."""

    number: tuple[int, int]
    value: bytes
    raw: bytes


class IptcText(NamedTuple):
    """What a stream says: the keywords in order, and the captions and other texts that are there."""

    keywords: tuple[str, ...]
    captions: dict[str, str]


def read(iim: bytes, known: Collection[str] = ()) -> IptcText:
    """Read a stream.

    Args:
        iim: The stream.
        known: What XMP says beside it, by which the code page of unmarked text is told.

    Raises:
        MetadataError: The stream is broken.
        ForeignStructureError: Its character set is not known and a keyword is not ASCII.
    """
    datasets = _parse(iim)
    charset = _charset(datasets, known)
    keywords = (_decode(item.value, charset, is_keyword=True) for item in datasets if item.number == _KEYWORD)
    # of a caption it matters that it is there, whatever it says
    known = "latin-1" if charset == "unknown" else charset
    captions = {_CAPTIONS[i.number]: _decode(i.value, known) for i in datasets if i.number in _CAPTIONS}
    return IptcText(
        tuple(text for text in keywords if text.strip()),
        {name: text for name, text in captions.items() if text.strip()},
    )


def read_keywords(iim: bytes) -> tuple[str, ...]:
    """The keywords alone; see `read`."""
    return read(iim).keywords


def set_keywords(iim: bytes | None, keywords: tuple[str, ...], known: Collection[str] = ()) -> bytes:
    """The stream with these keywords, marked as UTF-8. Text that was in another character set is converted.

    Keywords above KEYWORD_BYTES are left out; those already there keep their datasets.

    Raises:
        MetadataError: The stream is broken.
        ForeignStructureError: It has text in a character set that is not known.
    """
    datasets = _parse(iim or b"")
    charset = _charset(datasets, known)
    if charset != "utf-8":
        datasets = [_to_utf8(item, charset) for item in datasets]
    old = {_decode(item.value, "utf-8"): item for item in reversed(datasets) if item.number == _KEYWORD}
    new = [old.get(word) or _make(_KEYWORD, word.encode()) for word in dict.fromkeys(filter(fits, keywords))]
    first = next((i for i, item in enumerate(datasets) if item.number == _KEYWORD), None)
    rest = [item for item in datasets if item.number not in (_KEYWORD, _CHARSET)]
    if not new and all(item.number in (_VERSION, _PADDING) for item in rest):
        return b""
    if not any(item.number[0] == 2 for item in datasets):
        rest.insert(_place(rest, _VERSION), _make(_VERSION, b"\x00\x04"))
    at = (
        _place(rest, _KEYWORD) if first is None else sum(item.number != _CHARSET for item in datasets[:first])
    )
    out = [*rest[:at], *new, *rest[at:]]
    out.insert(_place(out, _CHARSET), _make(_CHARSET, _UTF8))
    return b"".join(item.raw for item in out)


def fits(keyword: str) -> bool:
    """Whether a keyword has room in IPTC, in UTF-8. One that was cut would be a second tag for whoever reads it."""
    return len(keyword.encode(errors="ignore")) <= KEYWORD_BYTES


def _parse(iim: bytes) -> list[_Dataset]:
    found, at = [], 0
    while at < len(iim):
        if not iim[at] and not iim[at:].strip(b"\0"):
            found.append(_Dataset(_PADDING, b"", iim[at:]))
            break
        start = at
        try:
            marker, record, number, length = _HEADER.unpack_from(iim, at)
        except struct.error as error:
            raise MetadataError("the IPTC data end in the middle of a dataset") from error
        at += 5
        if length & 0x8000:
            more = length & 0x7FFF
            length = int.from_bytes(iim[at : at + more]) if more <= 8 else len(iim)
            at += more
        if marker != 0x1C or at + length > len(iim):
            raise MetadataError("the IPTC data are broken")
        at += length
        found.append(_Dataset((record, number), iim[at - length : at], iim[start:at]))
    return found


def _make(number: tuple[int, int], value: bytes) -> _Dataset:
    length = struct.pack(">H", len(value)) if len(value) < 0x8000 else struct.pack(">HI", 0x8004, len(value))
    return _Dataset(number, value, bytes((0x1C, *number)) + length + value)


def _place(datasets: list[_Dataset], number: tuple[int, int]) -> int:
    return next((i for i, item in enumerate(datasets) if item.number > number), len(datasets))


def _charset(datasets: list[_Dataset], known: Collection[str]) -> str:
    """The encoding of the text: the Python codec that 1:90 tells, "unknown" for any other.

    Without 1:90 it is the old code page that is told by the text itself.
    """
    marks = [item.value for item in datasets if item.number == _CHARSET]
    if marks and marks[0].strip(b"\0 "):
        return _ENCODINGS.get(marks[0].rstrip(b"\0 "), "unknown")
    values = [item.value.rstrip(b"\0") for item in datasets if _is_text(item)]
    old = [value for value in values if not _is_utf8(value)]
    return code_page(old, known) if old else USUAL


def _is_text(item: _Dataset) -> bool:
    record, number = item.number
    return record == 2 and number not in _BINARY and not item.value.isascii()


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return _is_cut(value, error)
    return True


def _is_cut(value: bytes, error: UnicodeDecodeError) -> bool:
    """Whether another program cut a character; text in an older code may end like that, but has rarely this length."""
    return error.reason == "unexpected end of data" and KEYWORD_BYTES - 4 < len(value) <= KEYWORD_BYTES


def _decode(value: bytes, charset: str, *, is_keyword: bool = False) -> str:
    """The text of a dataset; UTF-8 where it can be, even where there is no mark or another one is due."""
    value = value.rstrip(b"\0")
    if value.isascii() and not (charset == "unknown" and b"\x1b" in value):
        return value.decode("ascii")
    if charset == "unknown":
        raise ForeignStructureError("the IPTC text is in a character set that tagroll does not know")
    if charset == "latin-1":
        return value.decode(charset)
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and (
            charset == "utf-8" or (is_keyword and _is_cut(value, error))
        ):
            return value[: error.start].decode()
    try:
        return value.decode(charset if charset != "utf-8" else USUAL)
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _to_utf8(item: _Dataset, charset: str) -> _Dataset:
    record, number = item.number
    if record != 2 or number in _BINARY or (item.value.isascii() and charset != "unknown"):
        return item
    value = _decode(item.value, charset).encode()
    return item if value == item.value.rstrip(b"\0") else _make(item.number, value)
