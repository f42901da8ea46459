"""Metadata packets of JPEG files: read them fast, change them and nothing else.

A JPEG is a row of segments up to the first scan (ITU-T T.81, annex B). XMP and EXIF live in APP1, IPTC in
the Photoshop resources of APP13. Everything that is not one of these three is carried over byte for byte; the
only other bytes that can change are the offsets of an MPF index (CIPA DC-007) whose images would move.
"""

import hashlib
import re
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, takewhile
from typing import BinaryIO, NamedTuple

from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.containers import mpf
from tagroll.metadata.containers.c2pa import is_c2pa_box, points_to_manifest
from tagroll.metadata.containers.limits import LOOKED_AT, MADE_OF_CRUMBS, MAX_SEGMENTS
from tagroll.metadata.containers.photoshop import digest_of, has_digest, iptc_of, with_iptc, xmp_of
from tagroll.metadata.containers.splice import Edit, Parts, moved, splice
from tagroll.metadata.packets.codepage import plain_text
from tagroll.metadata.packets.raw import Packets

_EXIF = b"Exif\0"
_EXIF_HEADER = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_FLICKR_XMP = b"XMP\0://ns.adobe.com/xap/1.0/\0"
"""What Flickr makes of the XMP header in the files it hands out. exiftool, and what stands on it, read such
a packet, and prefer it to a proper one before it; so it counts as the photo's XMP, and an edit gives it the
proper header again."""
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_APP1, _APP13 = 0xE1, 0xED
_KINDS = {
    0xE0: ((b"", "jfif"),),
    _APP1: ((_EXIF, "exif"), (_XMP, "xmp"), (_FLICKR_XMP, "xmp"), (_EXTENDED, "extended"), (b"http", "odd")),
    0xE2: ((b"MPF\0", "mpf"),),
    0xEB: ((b"JP", "jumbf"),),
    0xFE: ((b"", "comment"),),
    _APP13: ((_PHOTOSHOP, "photoshop"),),
    # all frames but tables and what is reserved (T.81, table B.1)
    **dict.fromkeys(
        (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)), ((b"", "frame"),)
    ),
}
"""What a segment is, by its marker and how its payload begins."""
_HEADER = struct.Struct(">BBH")
"""A marker's two bytes, and the length of its segment."""
_PICTURE = frozenset({b"\xff\xda", b"\xff\xd9"})
"""The markers of the first scan, and of the end."""
_LIMIT = 65533
"""Bytes a segment can hold."""
_HEAD_BYTES = 32768
"""Read at once: nearly always the whole of what comes before the picture."""
_FILL = re.compile(rb"\xff+")
_MAX_TRAILING_PICTURES = 10_000
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""A marker inside compressed data: 0xFF and neither a stuffed zero, a restart marker nor a fill byte."""
_END = 0xD9
_MAX_SCANS = 10_000
_MARKER_SEGMENT = re.compile(rb"\xff([^\x00\xff])")
_START = b"\xff\xd8\xff"
"""How a JPEG begins; never inside the data of a picture (T.81, B.1.1.5)."""


class _Segment(NamedTuple):
    """One marker segment: `start` is its 0xFF; `kind` is "" and `payload` empty where it is none of ours."""

    kind: str
    start: int
    end: int
    payload: bytes


class _CutOffError(MetadataError):
    """The data end before the picture starts."""


def read_packets(source: BinaryIO) -> Packets:
    """Read the metadata packets; of the picture no more than comes along with the first 32 KB.

    Args:
        source: The file, at its start. Unbuffered files (`buffering=0`) are read fastest.

    Raises:
        ForeignStructureError: There are several IPTC blocks, or the segments cannot be told apart.
        MetadataError: The file is no JPEG, is cut off, or a packet is damaged.
    """
    data = source.read(_HEAD_BYTES)
    while True:
        try:
            return _packets(_segments(data))
        except _CutOffError:
            more = source.read(3 * len(data))
            if not more:
                raise
            data += more


def replace_packets(data: bytes, new: Packets) -> bytes:
    """The file with other metadata packets; all the rest byte for byte and in its order.

    A new XMP packet that is not longer than the old one is filled up with spaces before its end marker, so
    that nothing in the file moves.

    Raises:
        ForeignStructureError: Editing is not safe: extended XMP, several packets of a kind, a packet over
            64 KB, offsets into the data behind the picture that would break.
        MetadataError: As `read_packets`.
    """
    segments = _segments(data)
    old = _packets(segments)
    edits: list[Edit] = []
    if new.exif != old.exif:
        edits.append(_exif_edit(segments, new.exif))
    if new.xmp != old.xmp:
        if old.others:
            raise ForeignStructureError("the photo has several XMP packets")
        edits.append(_xmp_edit(segments, new.xmp))
    if new.iptc != old.iptc:
        edits += _iptc_edits(segments, new.iptc)
    if any(edit.growth for edit in edits):
        _check_pointers(data, segments, edits)
        edits += [
            fix for one in _of(segments, "mpf") for fix in mpf.follow(data, one.start + 8, one.end, edits)
        ]
    return splice(data, edits)


def _segments(data: bytes) -> list[_Segment]:
    """The segments before the first scan; the last one is the scan (or end) marker itself."""
    if data[:2] != b"\xff\xd8":
        raise MetadataError("not a JPEG file")
    segments: list[_Segment] = []
    position = 2
    while data[position : position + 2] not in _PICTURE:
        if len(data) < position + 4:
            raise _CutOffError("the JPEG is cut off before its picture")
        prefix, marker, length = _HEADER.unpack_from(data, position)
        if prefix == marker == 0xFF and (fill := _FILL.match(data, position)):
            position = fill.end() - 1  # any number of 0xFF may come before a marker (T.81, B.1.1.2)
            continue
        if len(segments) == MAX_SEGMENTS:
            raise MetadataError("the JPEG has too many segments", MADE_OF_CRUMBS)
        if prefix != 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xD8 or length < 2:
            raise ForeignStructureError("the JPEG has unknown bytes between its segments")
        end = position + 2 + length
        if len(data) < end:
            raise _CutOffError("the JPEG is cut off before its picture")
        kinds = _KINDS.get(marker)
        segments.append(
            _segment_at(data, position, end, kinds) if kinds else _Segment("", position, end, b"")
        )
        position = end
    segments.append(_Segment("picture", position, position, b""))
    return segments


def _segment_at(data: bytes, start: int, end: int, kinds: tuple[tuple[bytes, str], ...]) -> _Segment:
    payload = data[start + 4 : end]
    for header, kind in kinds:
        if payload.startswith(header):
            return _Segment(kind, start, end, payload)
    # exiftool reads XMP under any header, most other programs do not
    if kinds is _KINDS[_APP1] and b"<?xpacket" in payload:
        return _Segment("odd", start, end, payload)
    return _Segment("", start, end, b"")


def _of(segments: Sequence[_Segment], kind: str) -> list[_Segment]:
    return [segment for segment in segments if segment.kind == kind]


def _packets(segments: Sequence[_Segment]) -> Packets:
    """What the segments say."""
    ours: dict[str, list[_Segment]] = defaultdict(list)
    for segment in segments:
        if segment.kind:
            ours[segment.kind].append(segment)
    twins = [segment.payload[len(_XMP) :] for segment in ours["xmp"]]
    main = twins.pop(0) if twins else None
    photoshop = b"".join(segment.payload[len(_PHOTOSHOP) :] for segment in ours["photoshop"])
    odd = [segment.payload[at:] for segment in ours["odd"] if (at := _start_of_xmp(segment.payload)) >= 0]
    return Packets(
        xmp=main,
        iptc=iptc_of(photoshop),  # a resource may go on from one Photoshop segment to the next
        # an EXIF block over 64 KB goes on in further segments; what we want of it is in the first
        exif=ours["exif"][0].payload[len(_EXIF_HEADER) :] if ours["exif"] else None,
        extended_xmp=_extended(main, ours["extended"]),
        others=(*twins, *odd, *xmp_of(photoshop)),
        digest=digest_of(photoshop),
        texts={"File:Comment": plain_text(ours["comment"][0].payload)} if ours["comment"] else {},
        size=_size(ours["frame"]),
        signed=any(is_c2pa_box(segment.payload) for segment in ours["jumbf"]) or points_to_manifest(main),
    )


def _size(frames: Sequence[_Segment]) -> tuple[int, int]:
    """Width and height, from the header of the frame (T.81, B.2.2)."""
    if not frames or len(frames[0].payload) < 5:
        return 0, 0
    height, width = struct.unpack_from(">HH", frames[0].payload, 1)
    return width, height


def _start_of_xmp(payload: bytes) -> int:
    """Where XMP starts behind an odd header; -1 where there is none."""
    wrapper = payload.find(b"<?xpacket")
    return wrapper if wrapper >= 0 else payload.find(b"<")


def _extended(xmp: bytes | None, segments: Sequence[_Segment]) -> bytes | None:
    """The extended packet that the main one names: header, GUID, full length, offset, portion in each."""
    named = (
        re.search(rb"HasExtendedXMP\s*(?:=\s*[\"']|>)\s*([0-9A-Fa-f]{32})", xmp or b"") if segments else None
    )
    if named is None:
        return None
    at = len(_EXTENDED)
    portions: list[tuple[int, int, bytes]] = []
    for segment in segments:
        if segment.payload[at : at + 32] == named[1] and len(segment.payload) >= at + 40:
            length, offset = struct.unpack_from(">II", segment.payload, at + 32)
            portions.append((offset, length, segment.payload[at + 40 :]))
    if not portions:
        return None
    portions.sort()
    whole = b"".join(portion for _, _, portion in portions)
    ends = accumulate(len(portion) for _, _, portion in portions)
    expected = [(start, len(whole)) for start in (0, *ends)][:-1]
    guid = hashlib.md5(whole, usedforsecurity=False).hexdigest()
    if [portion[:2] for portion in portions] != expected or guid.encode() != named[1].lower():
        raise MetadataError("the extended XMP is incomplete or damaged")
    return whole


def _segment(marker: int, payload: bytes) -> bytes:
    if len(payload) > _LIMIT:
        raise ForeignStructureError("the metadata does not fit into a JPEG segment of 64 KB")
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _lead(segments: Sequence[_Segment], kinds: set[str]) -> int:
    """Where the unbroken row of segments of these kinds at the start of the file ends.

    New segments go there: JFIF first, then EXIF, then XMP, then Photoshop, as the standards and readers want
    it, and before an MPF index, so that its images keep their distance to it.
    """
    end = 2
    for segment in segments:
        if segment.kind not in kinds:
            break
        end = segment.end
    return end


def _edit(found: Sequence[_Segment], lead: int, marker: int, payload: bytes | None) -> Edit:
    """Replace the one segment found, or add one at `lead`."""
    start, end = (found[0].start, found[0].end) if found else (lead, lead)
    return Edit(start, end, b"" if payload is None else _segment(marker, payload))


def _exif_edit(segments: Sequence[_Segment], exif: bytes | None) -> Edit:
    found = _of(segments, "exif")
    if len(found) > 1:
        raise ForeignStructureError("the photo has several EXIF segments")
    header = found[0].payload[: len(_EXIF_HEADER)] if found else _EXIF_HEADER
    return _edit(found, _lead(segments, {"jfif"}), _APP1, None if exif is None else header + exif)


def _xmp_edit(segments: Sequence[_Segment], xmp: bytes | None) -> Edit:
    if _of(segments, "extended"):
        raise ForeignStructureError("the photo has extended XMP")
    found = _of(segments, "xmp")
    if xmp is not None:
        xmp = _XMP + _padded(xmp, len(found[0].payload) - len(_XMP) if found else 0)
    return _edit(found, _lead(segments, {"jfif", "exif"}), _APP1, xmp)


def _padded(xmp: bytes, length: int) -> bytes:
    """The packet with spaces before its end marker, `length` bytes long if it is shorter than that."""
    end = xmp.rfind(b"<?xpacket end=")
    if end < 0:
        return xmp
    return xmp[:end] + b" " * (length - len(xmp)) + xmp[end:]


def _iptc_edits(segments: Sequence[_Segment], iptc: bytes | None) -> list[Edit]:
    """Put the IPTC where it was, or into the first Photoshop segment, or into a new one; no other keeps a digest."""
    found = _of(segments, "photoshop")
    # a resource that goes on in the next segment is refused here
    holding = [segment for segment in found if iptc_of(segment.payload[len(_PHOTOSHOP) :]) is not None]
    target = (holding or found)[:1]
    block = with_iptc(target[0].payload[len(_PHOTOSHOP) :] if target else b"", iptc)
    payload = _PHOTOSHOP + block if block else None
    edits = [_edit(target, _lead(segments, {"jfif", "exif", "xmp"}), _APP13, payload)]
    for segment in found:
        if segment not in target and has_digest(segment.payload):
            block = with_iptc(segment.payload[len(_PHOTOSHOP) :], None)
            edits.append(_edit([segment], 0, _APP13, _PHOTOSHOP + block if block else None))
    return edits


def _check_pointers(data: bytes, segments: Sequence[_Segment], edits: Sequence[Edit]) -> None:
    """Refuse when the EXIF (MakerNotes mostly) may point at a preview behind the picture, which would move.

    Such offsets count from the EXIF header or from the start of the file, and only the camera's maker knows
    where they stand. So every four bytes that would be such an offset count as one.
    """
    if data[-12:-8] in {b"AXS!", b"AXS*"}:
        raise ForeignStructureError("the photo has an AFCP trailer, with offsets from the file's start")
    first = data.find(_START, segments[-1].start) if _of(segments, "exif") else -1
    if first < 0:
        return
    end = end_of_image(data, segments[-1].start)
    found = islice(re.finditer(_START, memoryview(data)[end:]), _MAX_TRAILING_PICTURES)
    pictures = [end + start.start() for start in found]
    for exif in _of(segments, "exif") if pictures else ():
        base = exif.start + 4 + len(_EXIF_HEADER)
        words = _words(exif.payload[len(_EXIF_HEADER) :])
        for origin in (0, base):
            moves = moved(end, edits) - moved(origin, edits) != end - origin
            if moves and any(picture - origin in words for picture in pictures):
                raise ForeignStructureError("the camera's notes point at a preview behind the picture")


def _words(exif: bytes) -> set[int]:
    """Every four bytes of an EXIF block as a number in its byte order."""
    order = "<" if exif.startswith(b"II") else ">"
    return {
        word
        for at in range(4)
        for (word,) in struct.iter_unpack(f"{order}I", exif[at : at + max(0, len(exif) - at) // 4 * 4])
    }


def jpeg_parts(view: memoryview) -> Parts:
    """What counts of a JPEG as its picture (see `picture`)."""
    parts, colour, start = _jpeg_head(view)
    yield from parts
    yield view[start : end_of_image(view, start)]
    yield from colour


def same_from_first_scan(old: bytes, new: bytes) -> bool:
    """Whether nothing at all differs from the first scan of a JPEG on: where the picture ends need not be known."""
    try:
        *before, start = _jpeg_head(memoryview(old))
        *after, there = _jpeg_head(memoryview(new))
    except ValueError:
        return False
    same_length = len(old) - start == len(new) - there
    return same_length and before == after and new.endswith(memoryview(old)[start:])


def _jpeg_head(view: memoryview) -> tuple[list[bytes], list[bytes], int]:
    """What counts before the first scan, what counts of the colour, and where that scan starts."""
    parts: list[bytes] = []
    colour: list[bytes] = []
    for marker, start, end in islice(_markers(view), MAX_SEGMENTS):
        if marker == 0xDA:
            return parts, colour, start
        if 0xD0 <= marker <= 0xD9:
            break
        segment = view[start:end]
        head = bytes(segment[4:16])
        if marker == 0xE2 and head == b"ICC_PROFILE\0":
            # without the number of the part, which depends on how it is cut up
            colour.append(bytes(segment[18:]))
        elif marker == 0xEE and head.startswith(b"Adobe"):
            colour.append(bytes(segment))
        elif not 0xE0 <= marker <= 0xEF and marker != 0xFE:
            parts.append(bytes(segment))
    raise ValueError("no picture, or too many segments before it")


def _markers(data: bytes | memoryview) -> Iterator[tuple[int, int, int]]:
    """The markers that decoders find, past fill bytes and stray ones: which, where, and where its segment ends."""
    position = 2
    while found := _MARKER_SEGMENT.search(data, position):
        start = found.end() - 2
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        yield found[1][0], start, end
        position = max(end, start + 4)


def segments(source: BinaryIO) -> Iterator[object]:
    """Every segment before the picture, as `limits` counts them."""
    ahead = _markers(source.read(LOOKED_AT))
    return takewhile(lambda found: not 0xD8 <= found[0] <= 0xDA, ahead)


def end_of_image(data: bytes | memoryview, position: int) -> int:
    """The offset behind the end marker of the picture, or the length of the file.

    The latter for a file that has no end marker, or absurdly many scans.

    Args:
        data: The whole file.
        position: Where the first scan (or end) marker stands.
    """
    for _ in range(_MAX_SCANS):
        found = _MARKER.search(data, position)
        if found is None:
            break
        start = found.start()
        if data[start + 1] == _END:
            return start + 2
        # a scan header or a table between two scans; what follows may be compressed data again
        position = start + 2 + max(2, int.from_bytes(data[start + 2 : start + 4], "big"))
    return len(data)
