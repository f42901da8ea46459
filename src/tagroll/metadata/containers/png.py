"""Metadata packets of PNG files: read them without the picture data, change them and nothing else.

XMP stands in an iTXt chunk (XMP specification part 3, 1.1.5), EXIF in an eXIf chunk (PNG specification, third
edition). ImageMagick and exiv2 also keep XMP, EXIF and IPTC as hexadecimal "raw profiles" in text chunks:
those are read; a raw XMP profile gives way to an iTXt chunk, and a raw IPTC profile is kept in step.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.containers.c2pa import points_to_manifest
from tagroll.metadata.containers.limits import MADE_OF_CRUMBS
from tagroll.metadata.containers.photoshop import iptc_of, with_iptc
from tagroll.metadata.containers.splice import Edit, Parts, splice
from tagroll.metadata.packets.codepage import plain_text
from tagroll.metadata.packets.raw import Packets

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_XMP = b"XML:com.adobe.xmp"
_RAW_IPTC = frozenset({b"Raw profile type iptc", b"Raw profile type 8bim"})
"""Both are Photoshop resources (the first also bare IPTC), by which name depends on the program."""
_EXIF_HEADER = b"Exif\0\0"
_KINDS = {
    _XMP: "xmp",
    b"Raw profile type xmp": "xmp",
    **dict.fromkeys(_RAW_IPTC, "iptc"),
    b"Raw profile type exif": "exif",
    b"Raw profile type APP1": "exif",
}
_CAPTIONS = {b"Title": "PNG:Title", b"Description": "PNG:Description", b"Comment": "PNG:Comment"}
"""Keywords of the text that people and programs keep captions in (PNG, third edition, 11.3.3.1)."""
_MAX_CAPTION = 1 << 16
"""Bytes of a caption that are looked at."""
_MAX_CHUNKS = 50_000
"""Other than those of the picture: far more than any photo has; a file of empty chunks must not cost minutes."""
_PICTURE = frozenset({b"IDAT", b"fdAT", b"fcTL"})
_MAX_PICTURE_CHUNKS = 1_000_000
"""Encoders cut a picture into chunks of 8 KB and more."""
_MAX_TEXT = 64 * 1024 * 1024
"""Bytes a compressed packet may unpack to; more is an attack."""
_PNG_CHUNKS = frozenset(
    {
        *(b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"),
        *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"CgBI"),
    }
)


class _Chunk(NamedTuple):
    """One chunk: `start` is its length field, `end` lies behind its checksum; `payload` if it may be ours.

    `is_whole`: Its checksum fits; looked at only where there is a payload.
    """

    name: bytes
    start: int
    end: int
    payload: bytes
    is_whole: bool = True


class _Found(NamedTuple):
    """A packet and its chunk; `raw`: what its raw profile wraps, or b""; `is_alone`: it has no twin."""

    chunk: _Chunk
    packet: bytes | None
    raw: bytes
    is_alone: bool


def read_packets(source: BinaryIO) -> Packets:
    """Read the metadata packets; picture data is skipped.

    Args:
        source: The file, at its start; it must be able to seek.

    Raises:
        ForeignStructureError: There are several IPTC packets.
        MetadataError: The file is no PNG, is cut off, or its XMP is damaged.
    """
    return _packets(list(_chunks(source)))[0]


def replace_packets(data: bytes, new: Packets) -> bytes:
    """The file with other metadata packets; all other chunks byte for byte and in their order.

    Raises:
        ForeignStructureError: Editing is not safe: EXIF in a raw profile or twice, or new IPTC.
        MetadataError: As `read_packets`.
    """
    chunks = list(_chunks(io.BytesIO(data)))
    old, found = _packets(chunks)
    edits = []
    if new.exif != old.exif:
        exif = found["exif"][0] if "exif" in found else None
        edits.append(_edit(chunks, exif, _exif_chunk(exif, new.exif)))
    if new.xmp != old.xmp:
        if old.others:
            raise ForeignStructureError("the photo has several XMP packets")
        edits.append(_edit(chunks, found["xmp"][0] if "xmp" in found else None, _xmp_chunk(new.xmp)))
    if new.iptc != old.iptc:
        edits += [_edit(chunks, one, _iptc_chunk(one, new.iptc)) for one in found.get("iptc", [None])]
    return splice(data, edits)


def _chunks(source: BinaryIO) -> Iterator[_Chunk]:
    """All chunks up to IEND; what follows that is not PNG and stays as it is."""
    if source.read(8) != _SIGNATURE:
        raise MetadataError("not a PNG file")
    size = source.seek(0, io.SEEK_END)
    position = source.seek(8)
    left, others = _MAX_PICTURE_CHUNKS, _MAX_CHUNKS
    while left and others:
        head = source.read(8)
        name = head[4:]
        length = int.from_bytes(head[:4], "big")
        end = position + 12 + length
        if len(head) < 8 or end > size or not name.isalpha():
            raise MetadataError("the PNG is cut off or damaged")
        payload, is_whole = b"", True
        if name == b"IHDR":
            payload = source.read(8)
            source.seek(end)
        elif name in _TEXTS or name == b"eXIf":
            payload = source.read(length)
            is_whole = source.read(4) == _checksum(name, payload)
        else:
            source.seek(end)
        yield _Chunk(name, position, end, payload, is_whole)
        if name == b"IEND":
            return
        position = end
        if name in _PICTURE:
            left -= 1
        else:
            others -= 1
    raise MetadataError("the PNG has too many chunks", MADE_OF_CRUMBS)


def _is_ours(name: bytes, payload: bytes) -> bool:
    return name == b"eXIf" or payload[:80].partition(b"\0")[0] in _KINDS


def _checksum(name: bytes, payload: bytes) -> bytes:
    return zlib.crc32(payload, zlib.crc32(name)).to_bytes(4, "big")


def _packets(chunks: Sequence[_Chunk]) -> tuple[Packets, Mapping[str, list[_Found]]]:
    """What the chunks say, and where it stands."""
    found: dict[str, list[_Found]] = {}
    twins: list[bytes | None] = []
    damaged = ""
    for kind, several in _by_kind(chunks).items():
        # the modern EXIF chunk beside its raw twin is what ImageMagick writes; it counts
        several.sort(key=lambda chunk: chunk.name != b"eXIf")
        counting = several[:1] if kind == "exif" else several
        try:
            of_kind = [_found(chunk, is_alone=len(several) == 1) for chunk in counting]
        except ForeignStructureError:
            raise
        except MetadataError as error:
            if kind == "xmp":
                raise
            damaged = error.message
            continue
        if kind == "iptc":
            # Photoshop resources need not hold any; ImageMagick writes the same under two names
            of_kind = [one for one in of_kind if one.packet is not None]
            if len({one.packet for one in of_kind}) > 1:
                raise ForeignStructureError("the photo has several IPTC packets")
        if kind == "xmp":
            twins = [one.packet for one in of_kind[1:]]
        if of_kind:
            found[kind] = of_kind
    xmp, iptc, exif = (found[kind][0].packet if kind in found else None for kind in ("xmp", "iptc", "exif"))
    signed = any(chunk.name == b"caBX" for chunk in chunks) or points_to_manifest(xmp)
    header = next((chunk.payload for chunk in chunks if chunk.name == b"IHDR"), b"")
    size = struct.unpack(">II", header) if len(header) == 8 else (0, 0)
    return Packets(
        xmp,
        iptc,
        exif,
        others=tuple(filter(None, twins)),
        texts=_captions(chunks),
        size=size,
        signed=signed,
        damaged=damaged,
    ), found


def _by_kind(chunks: Sequence[_Chunk]) -> dict[str, list[_Chunk]]:
    """The chunks that hold packets, by what these are."""
    found: dict[str, list[_Chunk]] = {}
    for chunk in chunks:
        if chunk.payload and _is_ours(chunk.name, chunk.payload):
            keyword = chunk.payload[:80].partition(b"\0")[0]
            found.setdefault("exif" if chunk.name == b"eXIf" else _KINDS[keyword], []).append(chunk)
    return found


def _captions(chunks: Sequence[_Chunk]) -> dict[str, str]:
    """The captions in text chunks; of a damaged one nothing."""
    found: dict[str, str] = {}
    for chunk in chunks:
        # some programs write it in small letters
        keyword = chunk.payload[:80].partition(b"\0")[0].capitalize()
        name = _CAPTIONS.get(keyword) if chunk.name in _TEXTS else None
        if name and name not in found:
            with suppress(MetadataError):
                text = _text(chunk, _MAX_CAPTION)[1]
                found[name] = plain_text(text) if chunk.name == b"iTXt" else text.decode("latin-1")
    return found


def _found(chunk: _Chunk, *, is_alone: bool) -> _Found:
    if not chunk.is_whole:
        raise MetadataError("a metadata chunk of the PNG is damaged")
    if chunk.name == b"eXIf":
        return _Found(chunk, chunk.payload.removeprefix(_EXIF_HEADER), b"", is_alone)
    keyword, text = _text(chunk)
    if keyword == _XMP:
        return _Found(chunk, text, b"", is_alone)
    raw = _unwrap(text)
    if keyword in _RAW_IPTC:
        return _Found(chunk, iptc_of(raw) if raw.startswith(b"8BIM") else raw, raw, is_alone)
    if keyword.endswith(b"APP1") and not raw.startswith(_EXIF_HEADER):
        raise ForeignStructureError("the photo has an XMP packet in a raw profile of APP1")
    return _Found(chunk, raw.removeprefix(_EXIF_HEADER), raw, is_alone)


def _text(chunk: _Chunk, most: int = 0) -> tuple[bytes, bytes]:
    """Keyword and text of a text chunk, unpacked (PNG, third edition, 11.3.3); `most` bytes of it, or all."""
    keyword, _, rest = chunk.payload.partition(b"\0")
    if chunk.name == b"tEXt":
        return keyword, rest
    if chunk.name == b"zTXt":
        return keyword, _unpacked(rest[1:], most)
    fields = rest[2:].split(b"\0", 2)
    if len(fields) < 3:
        raise MetadataError("a text chunk of the PNG is damaged")
    return keyword, _unpacked(fields[2], most) if rest[0] else fields[2]


def _unpacked(packed: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, most or _MAX_TEXT)
    except zlib.error as error:
        raise MetadataError("a text chunk of the PNG is damaged") from error
    if not unpacker.eof and not most:
        raise MetadataError("a text chunk of the PNG is cut off or too large")
    return text


def _unwrap(text: bytes) -> bytes:
    r"""The bytes of a raw profile: "\nname\n   length\nhexadecimal digits in lines"."""
    head = re.match(rb"\s*\w[^\n]*\n\s*(\d{1,10})\s", text)
    try:
        raw = bytes.fromhex(text[head.end() :].decode("ascii")) if head else b""
    except ValueError as error:
        raise MetadataError("a raw profile in the PNG is damaged") from error
    if head is None or len(raw) != int(head[1]):
        raise MetadataError("a raw profile in the PNG is damaged")
    return raw


def _chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + _checksum(name, payload)


def _edit(chunks: Sequence[_Chunk], found: _Found | None, new: bytes) -> Edit:
    """Replace the chunk of the packet, or put one before the picture data, where all readers look."""
    if found:
        return Edit(found.chunk.start, found.chunk.end, new)
    at = next((chunk.start for chunk in chunks if chunk.name == b"IDAT"), chunks[-1].start)
    return Edit(at, at, new)


def _xmp_chunk(xmp: bytes | None) -> bytes:
    # keyword, no compression, no language, no translated keyword
    return b"" if xmp is None else _chunk(b"iTXt", _XMP + b"\0\0\0\0\0" + xmp)


def _exif_chunk(found: _Found | None, exif: bytes | None) -> bytes:
    if found and (found.raw or not found.is_alone):
        raise ForeignStructureError("the photo has EXIF in a raw profile")
    return b"" if exif is None else _chunk(b"eXIf", exif)


def _iptc_chunk(found: _Found | None, iptc: bytes | None) -> bytes:
    if found is None:
        raise ForeignStructureError("PNG has no place for IPTC")
    raw = with_iptc(found.raw, iptc) if found.raw.startswith(b"8BIM") else iptc or b""
    if not raw:
        return b""
    keyword = found.chunk.payload.partition(b"\0")[0]
    digits = raw.hex()
    lines = "".join(f"\n{digits[at : at + 72]}" for at in range(0, len(digits), 72))
    text = b"\n%b\n%8d%b\n" % (keyword.rpartition(b" ")[2], len(raw), lines.encode())
    return _chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(text))


def png_parts(view: memoryview) -> Parts:
    """What counts of a PNG as its picture (see `picture`)."""
    position = 8
    name = b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", view, position)
        if position + 12 + length > len(view):
            raise ValueError("cut off")
        if name in _PNG_CHUNKS:
            yield view[position + 4 : position + 8 + length]
        position += 12 + length
