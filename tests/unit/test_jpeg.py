"""JPEG packets: what is read, what is written, and that nothing else changes. The judge is exiftool."""

import contextlib
import io
import struct
from dataclasses import replace
from functools import partial
from hashlib import md5 as insecure_md5
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from support import judge
from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.containers.jpeg import read_packets, replace_packets
from tagroll.metadata.packets.raw import Packets

FILES = Path(__file__).parents[1] / "files"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
md5 = partial(insecure_md5, usedforsecurity=False)
EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"


def xmp(*tags: str, padding: int = 0, extra: str = "") -> bytes:
    items = "".join(f"<rdf:li>{tag}</rdf:li>" for tag in tags)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f"{extra}><dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
        f'{" " * padding}<?xpacket end="w"?>'
    ).encode()


def iptc(*keywords: bytes) -> bytes:
    return b"".join(b"\x1c\x02\x19" + struct.pack(">H", len(word)) + word for word in keywords)


def exif(comment: bytes = b"\0" * 8) -> bytes:
    """A little-endian TIFF block: IFD0 with an Exif IFD that holds a UserComment."""
    value = struct.pack("<HHHII", 1, 0x9286, 7, len(comment), 44) + bytes(4) + comment
    return b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0) + value


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def resource(key: int, data: bytes, name: bytes = b"") -> bytes:
    pascal = bytes([len(name)]) + name
    pascal += bytes(len(pascal) % 2)
    return (
        b"8BIM" + struct.pack(">H", key) + pascal + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)
    )


def xmp_segment(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def exif_segment(block: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block)


def photoshop(*resources: bytes) -> bytes:
    return segment(0xED, b"Photoshop 3.0\0" + b"".join(resources))


JFIF = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
ADOBE = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
ICC = segment(0xE2, b"ICC_PROFILE\0\x01\x01" + b"profile" * 20)


def plain() -> bytes:
    """A real JPEG without any APPn segment."""
    out = io.BytesIO()
    Image.effect_noise((48, 32), 60).convert("RGB").save(out, "JPEG", quality=60)
    data = out.getvalue()
    return data[:2] + data[2 + len(JFIF) :]


PICTURE = plain()[2:]


def photo(*segments: bytes, tail: bytes = b"") -> bytes:
    return b"\xff\xd8" + b"".join(segments) + PICTURE + tail


def read(data: bytes) -> Packets:
    return read_packets(io.BytesIO(data))


def exiftool(data: bytes, folder: Path, *options: str) -> dict[str, object]:
    path = folder / "photo.jpg"
    path.write_bytes(data)
    return judge.exiftool(path, "-a", "-G1", "-struct", *options)


def test_exiftool_finds_what_we_write_into_a_bare_photo(tmp_path):
    new = Packets(xmp("Sea", "Ærø"), iptc(b"Sea"), exif(b"ASCII\0\0\0hello"))
    data = replace_packets((FILES / "baseline.jpg").read_bytes(), new)
    assert read(data) == new
    said = exiftool(data, tmp_path, "-validate", "-warning")
    said |= exiftool(data, tmp_path)
    assert said["XMP-dc:Subject"] == ["Sea", "Ærø"]
    assert said["IPTC:Keywords"] == "Sea"
    assert said["ExifIFD:UserComment"] == "hello"
    assert said["Photoshop:IPTCDigest"] == said["File:CurrentIPTCDigest"]
    with Image.open(io.BytesIO(data)) as ours, Image.open(FILES / "baseline.jpg") as original:
        assert ours.tobytes() == original.tobytes()


def test_new_segments_stand_in_the_order_readers_expect():
    data = replace_packets(photo(JFIF, ICC, ADOBE), Packets(xmp("a"), iptc(b"a"), exif()))
    at = [
        data.index(mark) for mark in (b"JFIF", b"Exif\0\0", b"http://ns.adobe", b"Photoshop 3.0", b"ICC_PROF")
    ]
    assert at == sorted(at)
    assert replace_packets(data, Packets()) == photo(JFIF, ICC, ADOBE)


def test_a_packet_that_fits_is_padded_so_that_nothing_moves():
    before = photo(JFIF, exif_segment(exif()), xmp_segment(xmp("old", padding=500)), ICC)
    after = replace_packets(before, replace(read(before), xmp=xmp("one", "two")))
    assert len(after) == len(before)
    assert after[-len(PICTURE) - len(ICC) :] == before[-len(PICTURE) - len(ICC) :]
    written = read(after).xmp
    assert written is not None
    assert written.replace(b" ", b"") == xmp("one", "two").replace(b" ", b"")
    assert written.endswith(b'<?xpacket end="w"?>')


def test_other_photoshop_resources_stay_and_the_digest_is_refreshed():
    path, clip = resource(0x03ED, b"\0\x48\0\0\0\x01\0\x01" * 2), resource(0x07D0, b"odd", name=b"clip")
    agency = b"AgHg" + clip[4:]
    before = photo(
        JFIF, photoshop(path, resource(0x0404, iptc(b"old")), agency, resource(0x0425, b"x" * 16), clip)
    )
    after = replace_packets(before, Packets(iptc=iptc(b"new")))
    ours = resource(0x0404, iptc(b"new")) + resource(0x0425, md5(iptc(b"new")).digest())
    assert after == photo(JFIF, photoshop(path, ours, agency, clip))
    assert replace_packets(after, Packets()) == photo(JFIF, photoshop(path, agency, clip))


def test_iptc_may_go_on_in_the_next_segment_but_is_not_edited_there():
    block = resource(0x0404, iptc(b"first", b"second"))
    data = photo(photoshop(block[:20]), photoshop(block[20:]))
    assert read(data).iptc == iptc(b"first", b"second")
    with pytest.raises(ForeignStructureError):
        replace_packets(data, Packets(iptc=iptc(b"x")))
    assert read(replace_packets(data, replace(read(data), xmp=xmp("fine")))).xmp == xmp("fine")


def test_the_photoshop_segment_with_iptc_is_the_one_edited():
    first, second = photoshop(resource(0x03ED, b"1234")), photoshop(resource(0x0404, iptc(b"a")))
    after = replace_packets(photo(first, second, ICC), Packets(iptc=None))
    assert after == photo(first, ICC)


@pytest.mark.parametrize(
    ("segments", "wanted"),
    [
        ((photoshop(resource(0x0404, iptc(b"b")) + resource(0x0404, iptc(b"a"))),), "several IPTC"),
        ((photoshop(resource(0x0404, iptc(b"a"))[:-3]),), "cut off"),
        ((b"\0\0", JFIF), "unknown bytes"),
    ],
)
def test_structure_that_programs_disagree_about_is_refused(segments, wanted):
    with pytest.raises(ForeignStructureError, match=wanted):
        read(photo(*segments))


def test_an_empty_iptc_resource_beside_a_full_one_is_none():
    full, empty = resource(0x0404, iptc(b"a")), resource(0x0404, b"")
    assert read(photo(photoshop(empty + full))).iptc == iptc(b"a")
    after = replace_packets(photo(photoshop(empty + full)), Packets(iptc=iptc(b"b")))
    assert read(after).iptc == iptc(b"b")
    assert after.count(b"8BIM\x04\x04") == 1


def test_no_other_segment_keeps_a_digest_of_the_iptc_that_was():
    stale = resource(0x0425, md5(iptc(b"a")).digest())
    clip = resource(0x07D0, b"clip")
    data = photo(photoshop(resource(0x0404, iptc(b"a"))), photoshop(stale + clip))
    after = replace_packets(data, Packets(iptc=iptc(b"b")))
    assert stale not in after
    assert photoshop(clip) in after
    assert replace_packets(photo(photoshop(resource(0x0404, iptc(b"a"))), photoshop(stale)), Packets()).count(
        b"8BIM"
    ) == 0  # fmt: skip


@pytest.mark.parametrize(
    ("segments", "main", "others"),
    [
        ((photoshop(resource(0x0424, xmp("a"))), xmp_segment(xmp("b"))), xmp("b"), (xmp("a"),)),
        ((xmp_segment(xmp("a")), xmp_segment(xmp("b"))), xmp("a"), (xmp("b"),)),
        ((segment(0xE1, b"http://example.org/\0" + xmp("a")),), None, (xmp("a"),)),
        ((segment(0xE1, b"Hello\0" + xmp("a")), xmp_segment(xmp("b"))), xmp("b"), (xmp("a"),)),
        ((segment(0xE1, xmp("a")),), None, (xmp("a"),)),
        ((segment(0xE1, b"http://example.org/nothing"),), None, ()),
    ],
)
def test_xmp_that_programs_disagree_about_is_read_and_never_edited(segments, main, others):
    data = photo(*segments)
    found = read(data)
    assert (found.xmp, found.others) == (main, others)
    if others:
        with pytest.raises(ForeignStructureError, match="several XMP"):
            replace_packets(data, Packets(xmp=xmp("new")))


@pytest.mark.parametrize(
    ("segments", "new", "wanted"),
    [
        ((exif_segment(exif()), exif_segment(exif())), Packets(exif=exif(b"ASCII\0\0\0x")), "several EXIF"),
        ((), Packets(xmp=bytes(65510)), "64 KB"),
        ((), Packets(exif=bytes(65528)), "64 KB"),
        ((), Packets(iptc=bytes(65500)), "64 KB"),
    ],
)
def test_an_edit_that_is_not_safe_is_refused(segments, new, wanted):
    with pytest.raises(ForeignStructureError, match=wanted):
        replace_packets(photo(*segments), new)


def test_several_exif_segments_do_not_stop_an_xmp_edit():
    data = photo(exif_segment(exif()), exif_segment(exif()))
    after = replace_packets(data, replace(read(data), xmp=xmp("a")))
    assert after == photo(exif_segment(exif()), exif_segment(exif()), xmp_segment(xmp("a")))


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff", photo(JFIF)[:30], b"GIF89a", b"\xff\xd8" + b"\xff" * 99_999]
)
def test_what_is_no_whole_jpeg_is_an_error(data):
    with pytest.raises(MetadataError):
        read(data)


def test_flickrs_mangled_header_is_read_and_put_right(tmp_path):
    mangled = segment(0xE1, b"XMP\0://ns.adobe.com/xap/1.0/\0" + xmp("old"))
    assert read(photo(JFIF, mangled)).xmp == xmp("old")
    assert replace_packets(photo(JFIF, mangled), Packets(xmp=xmp("old"))) == photo(JFIF, mangled)
    after = replace_packets(photo(JFIF, mangled), Packets(xmp=xmp("new")))
    assert after == photo(JFIF, xmp_segment(xmp("new")))
    said = exiftool(after, tmp_path)
    assert said["XMP-dc:Subject"] == ["new"]
    assert "ExifTool:Warning" not in said


def extended(content: bytes, cuts: tuple[int, ...], guid: str = "") -> tuple[bytes, list[bytes]]:
    """The main packet and the extension segments for an extended packet cut at `cuts`."""
    guid = guid or md5(content).hexdigest().upper()
    bounds = [0, *cuts, len(content)]
    portions = [
        segment(0xE1, EXTENDED + guid.encode() + struct.pack(">II", len(content), start) + content[start:end])
        for start, end in pairwise(bounds)
    ]
    name = f' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{guid}"'
    return xmp_segment(xmp("main", extra=name)), portions


def test_extended_xmp_is_put_together_and_not_edited():
    content = b"<x:xmpmeta>" + b"depth" * 100 + b"</x:xmpmeta>"
    main, portions = extended(content, (100, 300))
    data = photo(JFIF, main, *reversed(portions))
    assert read(data).extended_xmp == content
    assert replace_packets(data, read(data)) == data
    with pytest.raises(ForeignStructureError, match="extended"):
        replace_packets(data, Packets(xmp=xmp("a")))
    assert read(replace_packets(data, replace(read(data), iptc=iptc(b"a")))).iptc == iptc(b"a")


def test_extended_xmp_that_is_not_whole_is_an_error():
    main, portions = extended(b"0123456789" * 50, (100, 300))
    for damaged in (portions[:-1], [*portions, portions[0]], [portions[0], portions[2], portions[2]]):
        with pytest.raises(MetadataError, match="extended"):
            read(photo(main, *damaged))
    main, portions = extended(b"0123456789", (), guid="0" * 32)
    with pytest.raises(MetadataError, match="extended"):
        read(photo(main, *portions))


def test_extended_xmp_that_nobody_names_is_ignored():
    _, portions = extended(b"0123456789", ())
    assert read(photo(xmp_segment(xmp("a")), *portions)) == Packets(xmp=xmp("a"))


def test_a_c2pa_manifest_is_noticed():
    box = (
        b"JP\0\x01\0\0\0\x01"
        + struct.pack(">I", 40)
        + b"jumb"
        + struct.pack(">I", 32)
        + b"jumdc2pa\0\x11\0\x10"
    )
    assert read(photo(JFIF, segment(0xEB, box + bytes(20)))).signed
    remote = xmp(
        "a", extra=' xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="https://example.org/m"'
    )
    assert read(photo(xmp_segment(remote))).signed
    assert not read(photo(JFIF, xmp_segment(xmp("a")), segment(0xEB, b"HDR_RI"))).signed


def mpf(order: str, first: int, second: int, distance: int) -> bytes:
    """An APP2 MPF segment that lists this picture and one `distance` bytes behind its TIFF header."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    entries = struct.pack(f"{order}IIIHH", 0x30000, first, 0, 0, 0) + struct.pack(
        f"{order}IIIHH", 0, second, distance, 0, 0
    )
    ifd = struct.pack(
        f"{order}HHHI4sHHIIHHIII", 3, 0xB000, 7, 4, b"0100", 0xB001, 4, 1, 2, 0xB002, 7, 32, 50, 0
    )
    return segment(0xE2, b"MPF\0" + magic + struct.pack(f"{order}I", 8) + ifd + entries)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("old", [None, xmp("a")], ids=["no XMP", "XMP behind the index"])
def test_the_pictures_of_an_mpf_index_stay_findable(order, old, tmp_path):
    behind = xmp_segment(old) if old else b""
    size = len(mpf(order, 0, 0, 0))
    main = 2 + len(JFIF) + size + len(behind) + len(PICTURE)
    second = photo(JFIF)
    data = photo(JFIF, mpf(order, main, len(second), main - 2 - len(JFIF) - 8), behind, tail=second)
    images = []
    for edited in (data, replace_packets(data, Packets(xmp("a", padding=300), iptc(b"a"), exif()))):
        (tmp_path / "mpf.jpg").write_bytes(edited)
        images.append(judge.by_exiftool("-b", "-MPImage2", tmp_path / "mpf.jpg"))
    assert images == [second, second]


def test_an_mpf_index_that_would_break_and_cannot_be_mended_is_refused():
    data = photo(JFIF, segment(0xE2, b"MPF\0II*\0\xff\xff\0\0"), xmp_segment(xmp("a")), tail=photo())
    with pytest.raises(ForeignStructureError, match="multi-picture"):
        replace_packets(data, Packets(xmp=xmp("longer", "than before")))
    assert replace_packets(data, Packets(xmp=xmp("b")))  # the same length: nothing moves


@pytest.mark.parametrize("origin", ["file", "TIFF header"])
def test_a_pointer_from_the_exif_to_a_preview_behind_the_picture_is_not_broken(origin):
    at = len(photo(JFIF, exif_segment(exif(bytes(12)))))
    target = at if origin == "file" else at - 2 - len(JFIF) - 10
    data = photo(JFIF, exif_segment(exif(b"ASCII\0\0\0" + struct.pack("<I", target))), tail=photo())
    with pytest.raises(ForeignStructureError, match="preview"):
        replace_packets(data, replace(read(data), xmp=xmp("a")))
    unrelated = photo(JFIF, exif_segment(exif(b"ASCII\0\0\0" + struct.pack("<I", target + 1))), tail=photo())
    assert read(replace_packets(unrelated, replace(read(unrelated), xmp=xmp("a")))).xmp == xmp("a")


def test_an_afcp_trailer_counts_from_the_start_of_the_file():
    data = photo(JFIF, tail=b"AXS!" + bytes(8))
    with pytest.raises(ForeignStructureError, match="AFCP"):
        replace_packets(data, Packets(xmp=xmp("a")))


def test_a_file_of_nothing_but_segments_is_refused_soon():
    with pytest.raises(MetadataError, match="too many") as error:
        read(photo(segment(0xE0, b"") * 20_000))
    assert not isinstance(error.value, ForeignStructureError)  # exiftool would take minutes


OURS = st.builds(
    Packets,
    xmp=st.none() | st.builds(xmp, st.text("abc", max_size=9), padding=st.integers(0, 30)),
    iptc=st.none() | st.builds(iptc, st.binary(max_size=20)),
    exif=st.none() | st.builds(exif, st.binary(min_size=8, max_size=30)),
)
FOREIGN = st.one_of(
    st.sampled_from([JFIF, ICC, ADOBE, photoshop(resource(0x03ED, b"123"))]),
    st.builds(segment, st.sampled_from([0xE3, 0xEC, 0xEF, 0xFE, 0xDB, 0xE1]), st.binary(max_size=40)),
    st.integers(1, 3).map(lambda count: b"\xff" * count + segment(0xFE, b"filled up")),
)


@given(st.lists(FOREIGN, max_size=6), st.lists(FOREIGN, max_size=6), OURS, OURS, st.binary(max_size=30))
def test_laws_of_replacing(before, after, old, new, tail):
    bare = photo(*before, *after, tail=tail)
    data = replace_packets(bare, old)
    assert read(data) == old
    assert replace_packets(data, old) == data
    changed = replace_packets(data, new)
    written = read(changed)
    assert (written.iptc, written.exif) == (new.iptc, new.exif)
    assert (written.xmp or b"").replace(b" ", b"") == (new.xmp or b"").replace(b" ", b"")
    assert replace_packets(changed, Packets()) == bare


SEED = replace_packets(
    photo(JFIF, mpf("<", 1, 1, 9), *extended(b"123", ())[1], tail=photo()), Packets(None, iptc(b"a"), exif())
)


@given(
    st.lists(st.tuples(st.integers(0, 700), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5), OURS
)
def test_damaged_files_raise_nothing_but_our_errors(damage, new):
    data = bytearray(SEED)
    for at, junk in damage:
        data[at : at + len(junk)] = junk
    with contextlib.suppress(MetadataError):
        replace_packets(bytes(data), new)
