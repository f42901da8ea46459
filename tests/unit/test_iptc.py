"""IPTC-IIM: keywords come and go, other datasets keep their bytes, and text says the same in any charset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.judge import exiftool
from tagroll.errors import MetadataError
from tagroll.metadata.packets.iptc import KEYWORD_BYTES, fits, read_keywords, set_keywords

UTF8 = b"\x1c\x01Z\x00\x03\x1b%G"
VERSION = b"\x1c\x02\x00\x00\x02\x00\x04"


def dataset(number: int, value: bytes, record: int = 2) -> bytes:
    return bytes((0x1C, record, number)) + len(value).to_bytes(2) + value


def extended(number: int, value: bytes) -> bytes:
    return bytes((0x1C, 2, number)) + b"\x80\x04" + len(value).to_bytes(4) + value


def test_a_new_stream():
    iim = set_keywords(None, ("Sky", "Größe"))
    assert iim == UTF8 + VERSION + dataset(25, b"Sky") + dataset(25, "Größe".encode())
    assert read_keywords(iim) == ("Sky", "Größe")


def test_all_else_keeps_its_bytes_and_its_place():
    before = dataset(0, b"\x00\x02") + dataset(5, b"Title") + dataset(25, b"Old")
    after = (
        dataset(80, b"By")
        + extended(120, b"A" * 40_000)
        + dataset(202, b"\xff\xfe\x00", 2)
        + dataset(1, b"x", 3)
    )
    old = UTF8 + before + dataset(25, b"Sky") + after + b"\0\0\0"
    new = set_keywords(old, ("Sky", "Sea"))
    assert new == UTF8 + before[:-8] + dataset(25, b"Sky") + dataset(25, b"Sea") + after + b"\0\0\0"


def test_keywords_that_stay_keep_their_datasets():
    odd = extended(25, b"Sky")
    assert set_keywords(UTF8 + odd, ("Sky", "Sea")) == UTF8 + odd + dataset(25, b"Sea")


def test_without_a_keyword_the_new_ones_go_where_they_belong():
    old = dataset(5, b"Title") + dataset(80, b"By")
    assert set_keywords(old, ("Sky",)) == UTF8 + dataset(5, b"Title") + dataset(25, b"Sky") + dataset(
        80, b"By"
    )


def test_nothing_is_left_when_the_last_keyword_goes():
    assert set_keywords(set_keywords(None, ("Sky",)), ()) == b""
    assert set_keywords(dataset(5, b"T") + dataset(25, b"Sky"), ()) == UTF8 + dataset(5, b"T")


@pytest.mark.parametrize("length", [61, 64, 80])
def test_only_a_keyword_counts_as_cut(length):
    """A caption in an older code may end in a letter that looks like the beginning of one in UTF-8."""
    caption = "Une photo prise pendant les grandes vacances chez ".ljust(length - 1, "x") + "é"
    assert dataset(120, caption.encode()) in set_keywords(dataset(120, caption.encode("latin-1")), ("Sky",))
    assert read_keywords(dataset(25, ("ä" * 32).encode()[:63])) == ("ä" * 31,)
    assert read_keywords(dataset(25, b"Caf\xe9")) == ("Café",)
    assert read_keywords(dataset(25, b"x" * 80 + b"\xe9")) == ("x" * 80 + "é",)


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "cp1252"),
        (b"", "utf-8"),
        (dataset(90, b"\x1b.A", 1), "latin-1"),
        (UTF8, "utf-8"),
        (UTF8, "cp1252"),  # programs that only claim to write UTF-8
    ],
)
def test_text_says_the_same_whatever_its_charset(mark, encoding):
    old = mark + dataset(25, "Größe".encode(encoding)) + dataset(120, "Über ä all".encode(encoding))
    assert read_keywords(old) == ("Größe",)
    new = set_keywords(old, ("Größe", "海"))
    assert read_keywords(new) == ("Größe", "海")
    if mark != UTF8:
        assert dataset(120, "Über ä all".encode()) in new
    assert new.count(UTF8) == 1


def test_binary_datasets_are_not_converted():
    picture = dataset(202, b"\xff\xd8\xe9")
    assert picture in set_keywords(dataset(120, b"\xe9") + picture, ("Sky",))


def test_a_charset_nobody_knows():
    mark = dataset(90, b"\x1b$B", 1)
    assert read_keywords(mark + dataset(25, b"Sky")) == ("Sky",)
    for value in (b"\xb3\xb5", b"\x1b$B0!"):
        with pytest.raises(MetadataError):
            read_keywords(mark + dataset(25, value))
        with pytest.raises(MetadataError):
            set_keywords(mark + dataset(120, value), ("Sky",))


def test_a_character_that_another_program_cut():
    assert read_keywords(UTF8 + dataset(25, "Größe".encode()[:3])) == ("Gr",)


@pytest.mark.parametrize(
    "data",
    [
        b"\x1c\x02\x19\x00\x05Sky",
        b"\x1c\x02\x19\x00",
        b"\x1d\x02\x19\x00\x03Sky",
        b"\x1c\x02\x19\xff\xffSky",
        b"\x1c\x02\x19\x80\x04\xff\xff\xff\xffSky",
        dataset(25, b"Sky") + b"junk",
    ],
)
def test_a_broken_stream_is_an_error(data):
    with pytest.raises(MetadataError):
        read_keywords(data)
    with pytest.raises(MetadataError):
        set_keywords(data, ("Sea",))


@pytest.mark.parametrize("keyword", ["x" * 64, "ä" * 32, "語" * 21, "\U0001f3d6" * 16])
def test_the_limit_counts_bytes(keyword):
    assert fits(keyword)
    assert not fits(keyword + "é")
    assert read_keywords(set_keywords(None, (keyword, keyword + "é", "Sky"))) == (keyword, "Sky")


@given(st.text(max_size=80))
def test_no_keyword_in_iptc_is_a_part_of_another_one(keyword):
    assert set(read_keywords(set_keywords(None, ("Sky", keyword)))) <= {"Sky", keyword.rstrip("\0")}
    assert fits(keyword) == (len(keyword.encode(errors="ignore")) <= KEYWORD_BYTES)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        found = read_keywords(data)
    except MetadataError:
        return
    assert read_keywords(set_keywords(data, (*found, "New")) or b"")[-1] == "New"


def test_exiftool_agrees(tmp_path):
    from PIL import Image

    from tagroll.metadata.containers import jpeg
    from tagroll.metadata.packets.raw import Packets

    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(path)
    caption = dataset(120, "Über all".encode("cp1252"))
    iim = set_keywords(dataset(25, b"Sky") + caption, ("Sky", "Größe", "海" * 30))
    path.write_bytes(jpeg.replace_packets(path.read_bytes(), Packets(iptc=iim)))
    read = exiftool(path, "-IPTC:all", "-validate", "-warning")
    assert read["Keywords"] == ["Sky", "Größe"]
    assert (read["Caption-Abstract"], read["CodedCharacterSet"]) == ("Über all", "UTF8")
    assert read["Validate"] == "OK"
