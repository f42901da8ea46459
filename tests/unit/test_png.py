"""PNG packets: what is read, what is written, and that nothing else changes. The judge is exiftool."""

import contextlib
import io
import struct
import zlib
from dataclasses import replace
from hashlib import md5
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from support.judge import exiftool
from support.photos import as_photo
from tagroll.domain import Change
from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.containers.png import read_packets, replace_packets
from tagroll.metadata.packets.raw import Packets
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"
KEYWORD = b"XML:com.adobe.xmp"
EXIF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>'
    b"<rdf:li>Sea</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)
IPTC = b"\x1c\x02\x19\0\x03sea"
VERSION = b"\x1c\x02\0\0\x02\0\x04"
RESOURCE = b"8BIM\x03\xed\0\0\0\0\0\x03abc\0"


def chunk(name: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def itxt(text: bytes, keyword: bytes = KEYWORD) -> bytes:
    return chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text)


def packed_itxt(text: bytes) -> bytes:
    return chunk(b"iTXt", KEYWORD + b"\0\x01\0en\0title\0" + zlib.compress(text))


def raw(kind: bytes, data: bytes) -> bytes:
    """A raw profile the way ImageMagick writes it."""
    digits = data.hex().encode()
    lines = b"".join(b"\n" + digits[at : at + 72] for at in range(0, len(digits), 72))
    return b"\n" + kind + b"\n" + f"{len(data):8}".encode() + lines + b"\n"


def raw_ztxt(kind: bytes, data: bytes) -> bytes:
    return chunk(b"zTXt", b"Raw profile type " + kind + b"\0\0" + zlib.compress(raw(kind, data)))


SIGNATURE = b"\x89PNG\r\n\x1a\n"
IHDR = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0))
IDAT = chunk(b"IDAT", zlib.compress(b"\0\x40\x80"))
IEND = chunk(b"IEND")
GAMMA = chunk(b"gAMA", struct.pack(">I", 45455))


def photo(*before: bytes, after: tuple[bytes, ...] = (), tail: bytes = b"") -> bytes:
    return b"".join([SIGNATURE, IHDR, *before, IDAT, *after, IEND, tail])


def read(data: bytes) -> Packets:
    return read_packets(io.BytesIO(data))


def test_the_same_iptc_under_two_names_is_kept_in_step():
    """As ImageMagick writes it."""
    stream, other = VERSION + IPTC, VERSION + IPTC.replace(b"sea", b"sky")
    block = b"8BIM\x04\x04\0\0" + len(stream).to_bytes(4, "big") + stream + bytes(len(stream) % 2)
    data = photo(raw_ztxt(b"8bim", block), raw_ztxt(b"iptc", block))
    assert read(data).iptc == stream
    new = replace_packets(data, Packets(iptc=other))
    assert read(new).iptc == other
    assert new.count(b"Raw profile type") == 2
    with pytest.raises(ForeignStructureError, match="several IPTC"):
        read(photo(raw_ztxt(b"8bim", block), raw_ztxt(b"iptc", other)))


@pytest.mark.parametrize("name", ["rgb.png", "alpha.png", "palette.png", "gray16.png"])
def test_exiftool_finds_what_we_write(name, tmp_path):
    before = (FILES / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(replace_packets(before, Packets(xmp=XMP, exif=EXIF)))
    said = exiftool(path, "-a", "-G1", "-struct", "-validate", "-warning", "-all")
    assert said["XMP-dc:Subject"] == ["Sea"]
    assert "XMP" not in said.get("ExifTool:Warning", "")
    with Image.open(path) as ours, Image.open(FILES / name) as original:
        assert ours.tobytes() == original.tobytes()
    assert replace_packets(path.read_bytes(), Packets()) == before


def test_xmp_goes_before_the_picture_and_everything_else_stays():
    unsafe, damaged = chunk(b"prVW", b"?"), chunk(b"teST", b"123")[:-1] + b"?"
    before = photo(GAMMA, unsafe, after=(IDAT, damaged), tail=b"behind the end")
    after = replace_packets(before, Packets(xmp=XMP))
    assert after == photo(GAMMA, unsafe, itxt(XMP), after=(IDAT, damaged), tail=b"behind the end")


def test_xmp_is_replaced_where_it_stands():
    before = photo(GAMMA, after=(itxt(XMP), chunk(b"tIME", bytes(7))))
    assert replace_packets(before, Packets(xmp=b"<x/>")) == photo(
        GAMMA, after=(itxt(b"<x/>"), chunk(b"tIME", bytes(7)))
    )
    assert replace_packets(before, Packets()) == photo(GAMMA, after=(chunk(b"tIME", bytes(7)),))


@pytest.mark.parametrize(
    ("old", "wanted"),
    [
        (itxt(XMP), Packets(xmp=XMP)),
        (packed_itxt(XMP), Packets(xmp=XMP)),
        (chunk(b"tEXt", KEYWORD + b"\0" + XMP), Packets(xmp=XMP)),
        (raw_ztxt(b"xmp", XMP), Packets(xmp=XMP)),
        (chunk(b"tEXt", b"Raw profile type xmp\0" + raw(b"xmp", XMP)), Packets(xmp=XMP)),
        (chunk(b"eXIf", EXIF), Packets(exif=EXIF)),
        (chunk(b"eXIf", b"Exif\0\0" + EXIF), Packets(exif=EXIF)),
        (raw_ztxt(b"exif", b"Exif\0\0" + EXIF), Packets(exif=EXIF)),
        (raw_ztxt(b"APP1", b"Exif\0\0" + EXIF), Packets(exif=EXIF)),
        (raw_ztxt(b"exif", b"Exif\0\0?") + chunk(b"eXIf", EXIF), Packets(exif=EXIF)),
        (raw_ztxt(b"iptc", IPTC), Packets(iptc=IPTC)),
        (raw_ztxt(b"iptc", RESOURCE + b"8BIM\x04\x04\0\0\0\0\0\x08" + IPTC), Packets(iptc=IPTC)),
        (chunk(b"tEXt", b"Comment\0hello") + itxt(b"XML:com.adobe.xmp", b"Title"), Packets()),
        (chunk(b"caBX", b"jumb"), Packets()),
    ],
)
def test_every_way_to_store_a_packet_is_read(old, wanted):
    data = photo(old)
    assert read(data) == wanted
    assert read(data).signed == (b"caBX" in old)
    assert replace_packets(data, wanted) == data


def test_raw_xmp_becomes_modern_and_raw_iptc_is_kept_in_step(tmp_path):
    new = IPTC.replace(b"sea", b"sky")
    data = photo(
        raw_ztxt(b"xmp", b"<old/>"), raw_ztxt(b"iptc", RESOURCE + b"8BIM\x04\x04\0\0\0\0\0\x08" + IPTC)
    )
    after = replace_packets(data, Packets(xmp=XMP, iptc=new))
    assert read(after) == Packets(xmp=XMP, iptc=new)
    (tmp_path / "a.png").write_bytes(after)
    said = exiftool(tmp_path / "a.png", "-a", "-G1", "-struct")
    assert said["IPTC:Keywords"] == "sky"
    assert said["Photoshop:IPTCDigest"] == md5(new, usedforsecurity=False).hexdigest()
    assert said["XMP-dc:Subject"] == ["Sea"]
    assert read(replace_packets(photo(raw_ztxt(b"iptc", IPTC)), Packets(iptc=new))).iptc == new
    assert replace_packets(photo(raw_ztxt(b"iptc", IPTC)), Packets()) == photo()


@pytest.mark.parametrize(
    ("data", "new"),
    [
        (photo(itxt(XMP), itxt(XMP)), Packets()),
        (photo(itxt(XMP), raw_ztxt(b"xmp", XMP)), Packets()),
        (photo(raw_ztxt(b"APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP)), Packets()),
        (photo(), Packets(iptc=IPTC)),
        (photo(raw_ztxt(b"exif", b"Exif\0\0" + EXIF)), Packets()),
        (photo(raw_ztxt(b"exif", b"Exif\0\0" + EXIF), chunk(b"eXIf", EXIF)), Packets()),
    ],
)
def test_what_is_not_safe_to_edit_is_refused(data, new):
    with pytest.raises(ForeignStructureError):
        replace_packets(data, new)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        SIGNATURE + IHDR,
        photo()[:-5],
        photo(b"\0\0\0\x05a?bc12345" + bytes(4)),
        photo(struct.pack(">I", (1 << 32) - 12) + b"tEXt"),
        photo(itxt(XMP)[:-4] + bytes(4)),
        photo(chunk(b"iTXt", KEYWORD + b"\0\0\0no more")),
        photo(chunk(b"zTXt", KEYWORD + b"\0\0not packed")),
        photo(chunk(b"zTXt", KEYWORD + b"\0\0" + zlib.compress(XMP)[:-6])),
        photo(chunk(b"zTXt", KEYWORD + b"\0\0" + zlib.compress(bytes(65 << 20)))),
    ],
)
def test_what_is_cut_off_or_damaged_is_an_error_and_not_empty(data):
    with pytest.raises(MetadataError):
        read(data)


DAMAGED = {
    "cut": chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 5\nabcd\n"),
    "no digits": chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 2\nab??\n"),
    "no profile": chunk(b"tEXt", b"Raw profile type 8bim\0hello"),
    "not packed": chunk(b"zTXt", b"Raw profile type iptc\0\0hello"),
    "wrong sum": raw_ztxt(b"iptc", IPTC)[:-4] + bytes(4),
    "wrong sum of EXIF": chunk(b"eXIf", EXIF)[:-4] + bytes(4),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_beside_xmp_is_told_and_hides_no_xmp(damaged):
    assert "damaged" in read(photo(damaged)).damaged
    found = read(photo(itxt(XMP), damaged))
    assert found.xmp == XMP
    assert "damaged" in found.damaged
    assert not read(photo(itxt(XMP))).damaged


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_a_photo_with_something_damaged_stays_as_it_is_and_is_no_photo_without_tags(tmp_path, damaged):
    path = tmp_path / "a.png"
    path.write_bytes(photo(damaged))
    with pytest.raises(MetadataError, match="damaged"):
        MetadataStore().read(as_photo(path))
    before = photo(itxt(XMP), damaged)
    path.write_bytes(before)
    (write,) = MetadataStore().write(as_photo(path), lambda _: Change(add=("Sky",)), lambda _: None)
    assert (write.target.name, path.read_bytes()) == ("a.png.xmp", before)
    assert MetadataStore().read(as_photo(path)).tags == ("Sea", "Sky")


def test_the_picture_is_not_read():
    class Counting(io.BytesIO):
        got = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.got += len(data)
            return data

    source = Counting(photo(chunk(b"IDAT", bytes(1_000_000)), after=(itxt(XMP),)))
    assert read_packets(source).xmp == XMP
    assert source.got < 1000


OURS = st.builds(
    Packets, xmp=st.none() | st.binary(max_size=30), exif=st.none() | st.binary(min_size=1, max_size=30)
)
FOREIGN = st.sampled_from(
    [GAMMA, IDAT, chunk(b"prVW", b"x"), chunk(b"tEXt", b"Comment\0x"), itxt(b"x", b"Title")]
)


@given(st.lists(FOREIGN, max_size=4), st.lists(FOREIGN, max_size=4), OURS, OURS, st.binary(max_size=9))
def test_laws_of_replacing(before, after, old, new, tail):
    bare = photo(*before, after=tuple(after), tail=tail)
    data = replace_packets(bare, old)
    assert read(data) == old
    assert replace_packets(data, old) == data
    assert read(replace_packets(data, new)) == new
    assert replace_packets(replace_packets(data, new), Packets()) == bare


SEED = photo(packed_itxt(XMP), raw_ztxt(b"iptc", IPTC), chunk(b"eXIf", EXIF))


@given(
    st.lists(st.tuples(st.integers(0, len(SEED)), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5),
    OURS,
)
def test_damaged_files_raise_nothing_but_our_errors(damage, new):
    data = bytearray(SEED)
    for at, junk in damage:
        data[at : at + len(junk)] = junk
    with contextlib.suppress(MetadataError):
        replace_packets(bytes(data), replace(new, iptc=IPTC))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (chunk(b"tEXt", b"Title\0Ulm"), {"PNG:Title": "Ulm"}),
        (chunk(b"tEXt", b"description\0f\xfcr Oma"), {"PNG:Description": "für Oma"}),
        (chunk(b"zTXt", b"COMMENT\0\0" + zlib.compress(b"Ulm")), {"PNG:Comment": "Ulm"}),
        (chunk(b"iTXt", b"title\0\0\0de\0Titel\0" + "für Oma".encode()), {"PNG:Title": "für Oma"}),
        (chunk(b"tEXt", b"Titles\0Ulm") + chunk(b"tEXt", b"parameters\0a cat"), {}),
    ],
)
@pytest.mark.parametrize("behind", [False, True])
def test_a_caption_in_a_text_is_found_however_it_is_called(text, found, behind):
    data = photo(after=(IDAT, text)) if behind else photo(text)
    assert read(data).texts == found
