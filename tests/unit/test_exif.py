"""UserComment and XPKeywords: right text in both byte orders, and no byte that was there before moves."""

import contextlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from support.judge import exiftool
from support.laws import examples
from tagroll.errors import ForeignStructureError, MetadataError
from tagroll.metadata.containers import jpeg
from tagroll.metadata.packets.exif import MAX_BYTES, ExifText, read_text, set_text
from tagroll.metadata.packets.raw import Packets

TEXT = "Größe, 海, 🐕"


def directory(order: str, entries: list[tuple[int, int, int, bytes]], following: int = 0) -> bytes:
    rows = b"".join(
        struct.pack(order + "HHI", tag, kind, count) + value for tag, kind, count, value in entries
    )
    return struct.pack(order + "H", len(entries)) + rows + struct.pack(order + "I", following)


def block(order: str, comment: bytes | None = None, *, keywords: bytes | None = None) -> bytes:
    """A block as cameras write it: IFD0, Exif with MakerNotes, IFD1 with a thumbnail; our fields if given."""
    mark = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    at = lambda place: struct.pack(order + "I", place)  # noqa: E731 - a name for a formula
    first = [(0x10F, 2, 4, b"Cam\0"), (0x8769, 4, 1, at(100))]
    exif = [(0x9000, 7, 4, b"0230"), (0x927C, 7, 20, at(300))]
    if keywords is not None:
        first.append((0x9C9E, 1, len(keywords), at(500)))
    if comment is not None:
        exif.append((0x9286, 7, len(comment), at(700)))
    thumbnail = [(0x201, 4, 1, at(400)), (0x202, 4, 1, at(30))]
    parts = {
        0: mark + directory(order, first, 200),
        100: directory(order, sorted(exif)),
        200: directory(order, thumbnail),
        300: b"maker's own business",
        400: b"\xff\xd8" + b"t" * 26 + b"\xff\xd9",
        500: keywords or b"",
        700: comment or b"",
    }
    out = b""
    for place, data in parts.items():
        out = out.ljust(place, b"\0") + data if data else out
    return out


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (lambda _: b"ASCII\0\0\0Sky, Sea\0\0", "Sky, Sea"),
        (lambda order: b"UNICODE\0" + TEXT.encode("utf-16-le" if order == "<" else "utf-16-be"), TEXT),
        (
            lambda order: b"UNICODE\0" + "Sky, Größe".encode("utf-16-be" if order == "<" else "utf-16-le"),
            "Sky, Größe",
        ),
        (
            lambda order: b"UNICODE\0" + "\ufeffSky".encode("utf-16-le" if order == "<" else "utf-16-be"),
            "Sky",
        ),
        (lambda _: b"JIS\0\0\0\0\0" + "写真".encode("iso2022_jp"), "写真"),
        (lambda _: bytes(8) + "Größe".encode(), "Größe"),
        (lambda _: "Größe, no mark at all".encode("latin-1"), "Größe, no mark at all"),
        (lambda _: bytes(264), ""),
        (lambda _: b"ASCII\0\0\0" + b" " * 100, ""),
    ],
)
def test_comments_as_cameras_and_programs_write_them(order, raw, text):
    assert read_text(block(order, raw(order))).comment == text


@pytest.mark.parametrize("order", ["<", ">"])
def test_keywords_of_windows(order):
    assert read_text(block(order, keywords="Sky;Größe\0".encode("utf-16-le"))) == ExifText("", "Sky;Größe")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("comment", [None, b"ASCII\0\0\0old", bytes(264)])
@pytest.mark.parametrize("keywords", [None, "Sky\0".encode("utf-16-le")])
def test_nothing_that_was_there_moves(order, comment, keywords):
    old = block(order, comment, keywords=keywords)
    new = set_text(old, comment=TEXT, keywords=None if keywords is None else "Sea;Größe")
    assert read_text(new) == ExifText(TEXT, None if keywords is None else "Sea;Größe")
    changed = [i for i, (a, b) in enumerate(zip(old[:430], new[:430], strict=True)) if a != b]
    assert all(i < 200 for i in changed), "only entries and pointers of IFD0 and Exif may change"
    assert Image.open(io.BytesIO(photo(new))).getexif().get_ifd(0x8769)[0x927C] == b"maker's own business"
    assert new[300:320] == b"maker's own business"


@pytest.mark.parametrize("order", ["<", ">"])
def test_repeated_edits_do_not_grow_the_block(order):
    new = set_text(block(order, keywords=b"S\0\0\0"), comment="a" * 50, keywords="b" * 50)
    sizes = set()
    for round_ in range(20):
        new = set_text(new, comment=f"{round_:050}", keywords=f"{round_:050}")
        sizes.add(len(new))
    assert len(sizes) == 1
    assert read_text(new) == ExifText(f"{19:050}", f"{19:050}")
    assert read_text(set_text(new, comment="", keywords="")) == ExifText("", "")


def test_a_value_that_another_one_shares_is_not_cut_off():
    old = bytearray(block("<", b"ASCII\0\0\0shared"))
    at = old.index(struct.pack("<HH", 0x927C, 7))
    old[at + 4 : at + 12] = struct.pack("<II", 10, 702)
    new = set_text(bytes(old), comment="x")
    assert new[702:712] == old[702:712]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pillow_reads_the_text(order):
    new = photo(set_text(block(order), comment=TEXT))
    raw = Image.open(io.BytesIO(new)).getexif().get_ifd(0x8769)[0x9286]
    assert raw[:8] == b"UNICODE\0"
    assert raw[8:].decode("utf-16-le" if order == "<" else "utf-16-be") == TEXT


def photo(exif: bytes | None) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 8)).save(out, "JPEG")
    return jpeg.replace_packets(out.getvalue(), Packets(exif=exif))


@pytest.mark.parametrize(
    "old", [None, block("<"), block(">"), block(">", b"ASCII\0\0\0old", keywords=b"S\0\0\0")]
)
def test_exiftool_reads_the_text_and_finds_nothing_wrong(tmp_path, old):
    path = tmp_path / "a.jpg"
    words = None if old is None or read_text(old).keywords is None else "Sea;Größe"
    path.write_bytes(photo(old))
    before = warnings(exiftool(path, "-a", "-validate", "-warning"))
    path.write_bytes(photo(set_text(old, comment=TEXT, keywords=words)))
    read = exiftool(path, "-UserComment", "-XPKeywords")
    assert read["UserComment"] == TEXT
    assert read.get("XPKeywords") == words
    found = warnings(exiftool(path, "-a", "-validate", "-warning")) - before
    assert all(old is None and "Missing required" in warning for warning in found)
    assert old or list(exiftool(path, "-EXIF:all")) == ["SourceFile", "UserComment"]
    if old is None:  # without a comment nothing is left of it
        assert set_text(set_text(None, comment=TEXT), comment="") == b""


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("comment", [b"ASCII\0\0\0old", bytes(264), b"abc"])
def test_a_comment_that_is_taken_out_leaves_no_entry(tmp_path, order, comment):
    path = tmp_path / "a.jpg"
    path.write_bytes(photo(block(order)))
    without = exiftool(path, "-a", "-G1", "-EXIF:all", "-validate", "-warning")
    path.write_bytes(photo(set_text(block(order, comment), comment="")))
    assert exiftool(path, "-a", "-G1", "-EXIF:all", "-validate", "-warning") == without


def warnings(read: dict) -> set[str]:
    found = read.get("Warning", [])
    return set(found if isinstance(found, list) else [found])


BROKEN = [
    b"",
    b"II*\0",
    b"XX*\0\x08\0\0\0",
    b"II*\0\xff\xff\xff\xff",
    b"II*\0\x08\0\0\0\xff\xff",
    b"II*\0\0\0\0\0\x01\0",
    block("<")[:110],
]


@pytest.mark.parametrize("data", BROKEN)
def test_a_broken_block_is_refused_and_says_nothing(data):
    assert not read_text(data).comment
    if data:
        with pytest.raises(ForeignStructureError):
            set_text(data, comment="x")


def test_keywords_outside_the_block_are_an_error():
    with pytest.raises(MetadataError):
        read_text(block("<", keywords="Sky\0".encode("utf-16-le"))[:450])


def test_a_full_block_is_refused():
    with pytest.raises(ForeignStructureError):
        set_text(block("<"), comment="x" * (MAX_BYTES // 2))


def test_directories_that_point_at_each_other_end():
    loop = bytearray(block("<", b"ASCII\0\0\0old"))
    loop[100 + 2 + 24 : 100 + 2 + 36] = struct.pack("<HHII", 0x8769, 4, 1, 100)
    at = loop.index(struct.pack("<I", 200), 8)
    loop[at : at + 4] = struct.pack("<I", 8)
    with contextlib.suppress(ForeignStructureError):
        set_text(bytes(loop), comment="x")


@examples(200)
@given(data=st.data())
def test_damage_is_refused_or_harmless(data):
    raw = bytearray(block("<", b"ASCII\0\0\0old", keywords="Sky\0".encode("utf-16-le")))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, 260))] = data.draw(st.integers(0, 255))
    try:
        found = read_text(bytes(raw))
        new = set_text(bytes(raw), comment="Néw", keywords=None if found.keywords is None else "Néw")
    except (MetadataError, ForeignStructureError):
        return
    assert read_text(new).comment == "Néw"
    assert new[300:320] == raw[300:320]


def test_directories_that_overlap_are_refused():
    """The comment's count stands where the first directory tells how many entries it has."""
    data = bytearray(b"II*\0" + struct.pack("<I", 40) + bytes(100))
    struct.pack_into("<H", data, 10, 3)  # the Exif directory: two empty entries and the comment at 36
    struct.pack_into("<HHI4s", data, 36, 0x9286, 7, 4, b"abcd")
    struct.pack_into("<HHII", data, 54, 0x8769, 4, 1, 10)
    assert read_text(bytes(data)) == ExifText("abcd", None)
    with pytest.raises(ForeignStructureError, match="broken"):
        set_text(bytes(data), comment="Beach, Dog")
