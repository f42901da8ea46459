"""Metadata packets of WebP files: read them without the picture data, change them and nothing else.

RFC 9649: a RIFF of chunks; metadata needs the extended form, whose first chunk VP8X says which chunks there
are. A file in the simple form gets that chunk. WebP has no place for IPTC.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.containers.c2pa import points_to_manifest
from tagroll.metadata.containers.limits import MADE_OF_CRUMBS
from tagroll.metadata.containers.splice import Edit, Parts, splice
from tagroll.metadata.packets.raw import Packets

_ALPHA, _EXIF_FLAG, _XMP_FLAG = 0x10, 0x08, 0x04
_EXIF_HEADER = b"Exif\0\0"
_XMP, _EXIF = b"XMP ", b"EXIF"
_ODD_XMP = b"XMP\0"
"""What some programs write instead, and exiftool reads."""
_MAX_CHUNKS = 100_000
"""Far more than any photo has; a file of empty chunks must not cost minutes."""
_MAX_RIFF = (1 << 32) - 10
_WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})


class _RiffChunk(NamedTuple):
    """One chunk: `start` is its name, `end` lies behind its padding; `payload` what _PEEK asks for."""

    name: bytes
    start: int
    end: int
    payload: bytes


_PEEK = {b"VP8X": 10, b"VP8 ": 10, b"VP8L": 5, _XMP: 1 << 32, _ODD_XMP: 1 << 32, _EXIF: 1 << 32}


def read_packets(source: BinaryIO) -> Packets:
    """Read the metadata packets; picture data is skipped.

    Args:
        source: The file, at its start; it must be able to seek.

    Raises:
        ForeignStructureError: There are several EXIF packets.
        MetadataError: The file is no WebP, or is cut off.
    """
    return _packets(list(_chunks(source)))


def replace_packets(data: bytes, new: Packets) -> bytes:
    """The file with other metadata packets; all other chunks byte for byte and in their order.

    Raises:
        ForeignStructureError: Editing is not safe, or IPTC is wanted, for which there is no place.
        MetadataError: As `read_packets`.
    """
    chunks = list(_chunks(io.BytesIO(data)))
    old = _packets(chunks)
    if new.iptc is not None:
        raise ForeignStructureError("WebP has no place for IPTC")
    edits = []
    if new.exif != old.exif:
        edits.append(_edit(chunks, _EXIF, new.exif))
    if new.xmp != old.xmp:
        if old.others:
            raise ForeignStructureError("the photo has several XMP packets")
        edits.append(_edit(chunks, _XMP, new.xmp))
    if not edits:
        return data
    flags = {_EXIF_FLAG: new.exif is not None, _XMP_FLAG: new.xmp is not None}
    edits.append(_header_edit(chunks, flags))
    size = chunks[-1].end - 8 + sum(edit.growth for edit in edits)
    if size > _MAX_RIFF:
        raise ForeignStructureError("the WebP would get too large")
    return splice(data, [Edit(4, 8, struct.pack("<I", size)), *edits])


def _chunks(source: BinaryIO) -> Iterator[_RiffChunk]:
    """The chunks of the RIFF; what follows its end is not WebP and stays as it is."""
    head = source.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise MetadataError("not a WebP file")
    stop = 8 + int.from_bytes(head[4:8], "little")
    if source.seek(0, io.SEEK_END) < stop:
        raise MetadataError("the WebP is cut off")
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position == stop:
            return
        source.seek(position)
        head = source.read(8)
        size = int.from_bytes(head[4:], "little")
        end = position + 8 + size + size % 2
        if end > stop or len(head) < 8:
            raise ForeignStructureError("the WebP's chunks do not fill it evenly")
        yield _RiffChunk(head[:4], position, end, source.read(min(size, _PEEK.get(head[:4], 0))))
        position = end
    raise MetadataError("the WebP has too many chunks", MADE_OF_CRUMBS)


def _packets(chunks: Sequence[_RiffChunk]) -> Packets:
    if not chunks or chunks[0].name not in {b"VP8X", b"VP8 ", b"VP8L"}:
        raise MetadataError("the WebP does not start with a picture")
    packets = [chunk.payload for chunk in chunks if chunk.name == _XMP]
    main = packets[0] if packets else None
    others = (*packets[1:], *(chunk.payload for chunk in chunks if chunk.name == _ODD_XMP))
    exif = _one(chunks, _EXIF)
    block = exif.payload.removeprefix(_EXIF_HEADER) if exif else None
    signed = any(chunk.name == b"C2PA" for chunk in chunks) or points_to_manifest(main)
    return Packets(main, None, block, others=others, size=_size(chunks[0]), signed=signed)


def _size(first: _RiffChunk) -> tuple[int, int]:
    try:
        header = first.payload if first.name == b"VP8X" else _header(first)
    except MetadataError:  # it can be read all the same
        return 0, 0
    width, height = (int.from_bytes(header[at : at + 3], "little") + 1 for at in (4, 7))
    return width, height


def _one(chunks: Sequence[_RiffChunk], name: bytes) -> _RiffChunk | None:
    found = [chunk for chunk in chunks if chunk.name == name]
    if len(found) > 1:
        raise ForeignStructureError(f"the photo has several {name.decode().strip()} packets")
    return found[0] if found else None


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + bytes(len(payload) % 2)


def _edit(chunks: Sequence[_RiffChunk], name: bytes, packet: bytes | None) -> Edit:
    """Replace the chunk of the packet, or add one: EXIF, then XMP, at the end (RFC 9649, 2.7)."""
    old = _one(chunks, name)
    if old and packet is not None and old.payload.startswith(_EXIF_HEADER):
        packet = _EXIF_HEADER + packet
    new = b"" if packet is None else _chunk(name, packet)
    if old:
        return Edit(old.start, old.end, new)
    before = _one(chunks, _XMP) if name == _EXIF else None
    at = before.start if before else chunks[-1].end
    return Edit(at, at, new)


def _header_edit(chunks: Sequence[_RiffChunk], wanted: dict[int, bool]) -> Edit:
    """The VP8X chunk with the flags of our packets; a new one where the file is in the simple form."""
    first = chunks[0]
    header = first.payload if first.name == b"VP8X" else _header(first)
    if len(header) < 10:
        raise MetadataError("the WebP's header is damaged")
    flags = header[0]
    for flag, on in wanted.items():
        flags = flags | flag if on else flags & ~flag
    if first.name == b"VP8X":
        return Edit(first.start + 8, first.start + 9, bytes([flags]))
    return Edit(first.start, first.start, _chunk(b"VP8X", bytes([flags]) + header[1:]))


def _header(picture: _RiffChunk) -> bytes:
    """The VP8X payload for a file in the simple form (RFC 9649, 2.5 to 2.7; RFC 6386, 9.1)."""
    start = picture.payload
    if picture.name == b"VP8L" and len(start) == 5 and start[0] == 0x2F:
        bits = int.from_bytes(start[1:], "little")
        width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF  # both less one, as in VP8X
        alpha = _ALPHA * (bits >> 28 & 1)
    elif picture.name == b"VP8 " and start[3:6] == b"\x9d\x01\x2a" and len(start) == 10:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", start, 6))
        width, height, alpha = width - 1, height - 1, 0
    else:
        raise MetadataError("the WebP's picture is damaged")
    if min(width, height) < 0:
        raise MetadataError("the WebP's picture is damaged")
    return bytes([alpha, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


def webp_parts(view: memoryview) -> Parts:
    """What counts of a WebP as its picture (see `picture`)."""
    position = 12
    stop = 8 + int.from_bytes(view[4:8], "little")
    while position < stop:
        name, size = struct.unpack_from("<4sI", view, position)
        if position + 8 + size > len(view):
            raise ValueError("cut off")
        if name in _WEBP_CHUNKS:
            yield view[position : position + 8 + size]
        position += 8 + size + size % 2
