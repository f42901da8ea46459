"""WebP packets: what is read, what is written, and that nothing else changes. The judge is exiftool."""

import contextlib
import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from support.judge import exiftool
from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.containers.webp import read_packets, replace_packets
from tagroll.metadata.packets.raw import Packets

FILES = Path(__file__).parents[1] / "files"
EXIF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>'
    b"<rdf:li>Sea</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + bytes(len(payload) % 2)


def riff(*chunks: bytes, tail: bytes = b"") -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body + tail


def encoded(mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((37, 21), 50).convert(mode).save(out, "WEBP", **options)
    return out.getvalue()


def extended(flags: int = 0) -> bytes:
    return chunk(b"VP8X", bytes([flags, 0, 0, 0, 36, 0, 0, 20, 0, 0]))


LOSSY = encoded()[12:]


def read(data: bytes) -> Packets:
    return read_packets(io.BytesIO(data))


def frames(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as image:
        return [frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(image)]


@pytest.mark.parametrize(
    "before",
    [
        encoded(),
        encoded(lossless=True),
        encoded("RGBA", lossless=True),
        encoded("RGBA"),
        *((FILES / name).read_bytes() for name in ("lossy.webp", "lossless.webp", "animated.webp")),
    ],
    ids=["VP8", "VP8L", "VP8L with alpha", "VP8X with alpha", "lossy.webp", "lossless.webp", "animated.webp"],
)
def test_exiftool_and_pillow_find_what_we_write(before, tmp_path):
    data = replace_packets(before, Packets(xmp=XMP, exif=EXIF))
    path = tmp_path / "a.webp"
    path.write_bytes(data)
    said = exiftool(path, "-a", "-G1", "-struct", "-warning", "-all")
    assert said["XMP-dc:Subject"] == ["Sea"]
    assert "ExifTool:Warning" not in said
    flags = said["RIFF:WebP_Flags"].split(", ")
    assert {"XMP", "EXIF"} <= set(flags)
    with Image.open(io.BytesIO(before)) as original, Image.open(path) as ours:
        assert (ours.size, ours.mode, ours.info["xmp"]) == (original.size, original.mode, XMP)
        assert ("Alpha" in flags) == (original.mode == "RGBA")
        assert (said["RIFF:ImageWidth"], said["RIFF:ImageHeight"]) == original.size
    assert frames(data) == frames(before)


def test_chunks_stay_and_flags_follow():
    icc, unknown = chunk(b"ICCP", b"profile"), chunk(b"WHAT", b"odd")
    before = riff(extended(0x20), icc, LOSSY, unknown, tail=b"trailer")
    with_xmp = riff(extended(0x24), icc, LOSSY, unknown, chunk(b"XMP ", XMP), tail=b"trailer")
    assert replace_packets(before, Packets(xmp=XMP)) == with_xmp
    both = riff(
        extended(0x2C), icc, LOSSY, unknown, chunk(b"EXIF", EXIF), chunk(b"XMP ", XMP), tail=b"trailer"
    )
    assert replace_packets(with_xmp, Packets(xmp=XMP, exif=EXIF)) == both
    assert replace_packets(both, Packets()) == before


def test_an_exif_header_in_front_of_the_block_is_read_and_kept():
    data = riff(extended(8), LOSSY, chunk(b"EXIF", b"Exif\0\0" + EXIF))
    assert read(data).exif == EXIF
    longer = EXIF + bytes(2)
    assert replace_packets(data, Packets(exif=longer)) == riff(
        extended(8), LOSSY, chunk(b"EXIF", b"Exif\0\0" + longer)
    )


def test_a_c2pa_manifest_is_noticed():
    assert read(riff(extended(), LOSSY, chunk(b"C2PA", b"jumb"))).signed
    assert not read(riff(extended(), LOSSY)).signed


@pytest.mark.parametrize(
    ("data", "new"),
    [
        (riff(extended(4), LOSSY, chunk(b"XMP ", XMP), chunk(b"XMP ", XMP)), Packets()),
        (riff(LOSSY), Packets(iptc=b"\x1c\x02\x19\0\x01a")),
        (riff(LOSSY, b"XMP \xff\0\0\0ab"), Packets()),
        (riff(LOSSY, b"XMP"), Packets()),
    ],
)
def test_what_is_not_safe_to_edit_is_refused(data, new):
    with pytest.raises(ForeignStructureError):
        replace_packets(data, new)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF\x04\0\0\0WAVE",
        riff(),
        riff(chunk(b"XMP ", XMP), LOSSY),
        riff(LOSSY)[:-1],
        riff(chunk(b"VP8X", b"short")),
        riff(chunk(b"VP8 ", bytes(10))),
        riff(chunk(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + bytes(4))),
        riff(chunk(b"VP8L", bytes(5))),
        riff(chunk(b"VP8L", b"\x2f")),
    ],
)
def test_what_is_cut_off_or_damaged_is_an_error(data):
    with pytest.raises(MetadataError):
        replace_packets(data, Packets(xmp=XMP))


OURS = st.builds(Packets, xmp=st.none() | st.binary(max_size=30), exif=st.none() | st.binary(max_size=30))
FOREIGN = st.builds(chunk, st.sampled_from([b"ICCP", b"ANIM", b"ANMF", b"ABCD"]), st.binary(max_size=9))


@given(st.lists(FOREIGN, max_size=4), st.lists(FOREIGN, max_size=4), OURS, OURS, st.binary(max_size=9))
def test_laws_of_replacing(before, after, old, new, tail):
    bare = riff(extended(), *before, LOSSY, *after, tail=tail)
    data = replace_packets(bare, old)
    assert read(data) == old
    assert replace_packets(data, old) == data
    assert read(replace_packets(data, new)) == new
    assert replace_packets(replace_packets(data, new), Packets()) == bare


SEED = riff(extended(12), LOSSY, chunk(b"EXIF", EXIF), chunk(b"XMP ", XMP))


@given(
    st.lists(st.tuples(st.integers(0, len(SEED)), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5),
    OURS,
)
def test_damaged_files_raise_nothing_but_our_errors(damage, new):
    data = bytearray(SEED)
    for at, junk in damage:
        data[at : at + len(junk)] = junk
    with contextlib.suppress(MetadataError):
        replace_packets(bytes(data), new)
