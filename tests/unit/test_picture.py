"""The hash of the picture: the same whatever the metadata say, another for another picture."""

import io
import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from support.judge import write_by_exiftool
from tagroll.formats import FORMATS, HEAD_BYTES, Format, detect
from tagroll.metadata.containers.container import is_signed
from tagroll.metadata.containers.picture import picture_hash, same_picture

FILES = Path(__file__).parents[1] / "files"
NO_SAMPLES = {"make_samples.py", "text.png"}  # the picture of rgb.png, and hardly anything but text
SAMPLES = sorted(path for path in FILES.iterdir() if path.name not in NO_SAMPLES and path.suffix != ".md")
TAGS = (
    "-XMP-dc:Subject=hello",
    "-XMP-dc:Title=x",
    "-IPTC:Keywords=hi",
    "-EXIF:UserComment=abc",
    "-EXIF:Orientation#=6",
)
BY_NAME = {fmt.name: fmt for fmt in FORMATS}


def format_of(path: Path) -> Format:
    fmt = detect(path.read_bytes()[:HEAD_BYTES], path.suffix)
    assert fmt is not None
    return fmt


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


@pytest.mark.slow
@pytest.mark.parametrize(
    "sample", [path for path in SAMPLES if path.suffix != ".bmp"], ids=lambda path: path.name
)
def test_exiftool_leaves_the_hash_alone_and_a_changed_picture_does_not(sample, tmp_path):
    path = tmp_path / sample.name
    shutil.copyfile(sample, path)
    fmt = format_of(sample)
    before = path.read_bytes()
    write_by_exiftool(*TAGS, path)
    after = path.read_bytes()
    assert after != before
    assert picture_hash(after, fmt) == picture_hash(before, fmt) == picture_hash(memoryview(before), fmt)
    places = range(len(before) // 4, len(before) * 3 // 4, max(1, len(before) // 40))
    other = [before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :] for at in places]
    changed = [picture_hash(data, fmt) != picture_hash(before, fmt) for data in other]
    assert changed.count(True) > len(changed) / 2


def test_no_two_samples_hash_the_same():
    hashes = {picture_hash(path.read_bytes(), format_of(path)) for path in SAMPLES}
    assert len(hashes) == len(SAMPLES)
    assert {len(digest) for digest in hashes} == {40}


def test_of_a_jpeg_the_scans_tables_and_colours_count_and_the_rest_does_not():
    def jpeg(**options: object) -> bytes:
        out = io.BytesIO()
        picture.save(out, "JPEG", **options)
        return out.getvalue()

    def digest(data: bytes) -> str:
        return picture_hash(data, BY_NAME["jpeg"])

    picture = Image.effect_noise((64, 48), 80).convert("RGB")
    plain = jpeg(progressive=True)
    head, comment = plain[:20], b"\xff\xfe\0\x07hello"
    assert digest(plain) == digest(head + comment + plain[20:]) == digest(plain + b"motion photo")
    assert digest(plain) == digest(head + b"\xff\xff\xff" + comment + plain[20:])
    last_scan = plain.rindex(b"\xff\xda")
    assert digest(plain) != digest(plain[: last_scan + 40] + b"\x55" + plain[last_scan + 41 :])
    assert digest(jpeg(icc_profile=b"one" * 30_000)) != digest(jpeg(icc_profile=b"two" * 30_000))
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"
    assert digest(head + adobe + b"\0" + plain[20:]) != digest(head + adobe + b"\1" + plain[20:])


def test_jpeg_xl_hashes_by_its_codestream_wherever_that_lies():
    stream = b"\xff\x0a" + bytes(range(50))
    pieces = (
        box(b"jxlp", bytes(4) + stream[:9]) + box(b"xml ", b"<x/>") + box(b"jxlp", b"\x80\0\0\1" + stream[9:])
    )
    start = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    hashes = {
        picture_hash(data, BY_NAME["jxl"]) for data in (stream, start + box(b"jxlc", stream), start + pieces)
    }
    assert len(hashes) == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_big_tiff_is_taken_apart(order):
    def tiff(comment: bytes, strip: bytes) -> bytes:
        entries = [(256, 3, 1, 4), (270, 2, len(comment), 100), (273, 16, 1, 130), (279, 4, 1, len(strip))]
        packed = b""
        for tag, kind, count, value in entries:
            form = {3: "H6x", 4: "I4x", 2: "Q", 16: "Q"}[kind]
            packed += struct.pack(f"{order}HHQ{form}", tag, kind, count, value)
        head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HHHQ", 43, 8, 0, 16)
        body = head + struct.pack(f"{order}Q", len(entries)) + packed + bytes(8)
        return body[:130].ljust(130, b"\0") + strip + comment

    one, same, other = (
        picture_hash(tiff(*args), BY_NAME["tiff"])
        for args in ((b"a" * 9, b"12"), (b"b" * 9, b"12"), (b"a" * 9, b"13"))
    )
    assert one == same != other


def test_a_file_that_points_at_itself_over_and_over_is_hashed_whole_and_soon():
    count = 4000
    entry = struct.pack("<HHII", 347, 7, 1_000_000, 8)
    ifds = b"".join(
        struct.pack("<H", 1) + entry + struct.pack("<I", 8 + 18 * (number + 1)) for number in range(count)
    )
    data = (b"II*\0" + struct.pack("<I", 8) + ifds).ljust(1_100_000, b"\0")
    assert picture_hash(data, BY_NAME["tiff"]) == picture_hash(data, BY_NAME["bmp"])


@pytest.mark.parametrize("name", sorted(BY_NAME))
@pytest.mark.parametrize("data", [b"", b"II*\0", b"\xff\xd8\xff\xd9", b"GIF89a", bytes(40)])
def test_what_cannot_be_taken_apart_is_hashed_whole(name, data):
    assert picture_hash(data, BY_NAME[name]) == picture_hash(data, BY_NAME["bmp"])


@given(st.sampled_from([path for path in SAMPLES if path.stat().st_size < 20_000]), st.data())
def test_damaged_files_are_hashed_all_the_same(sample, draw):
    data = bytearray(sample.read_bytes())
    for at in draw.draw(st.lists(st.integers(0, min(len(data), 2000) - 1), min_size=1, max_size=6)):
        data[at] = draw.draw(st.integers(0, 255))
    assert len(picture_hash(bytes(data[: draw.draw(st.integers(0, len(data)))]), format_of(sample))) == 40
    assert is_signed(bytes(data), format_of(sample)) in {True, False}


def test_c2pa_manifests_are_noticed_in_other_formats():
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    heic = (FILES / "plain.heic").read_bytes()
    assert is_signed(heic + box(b"uuid", uuid + bytes(30)), BY_NAME["heic"])
    assert not is_signed(heic + box(b"uuid", bytes(46)), BY_NAME["heic"])
    gif = (FILES / "animated.gif").read_bytes()
    assert is_signed(gif[:-1] + b"\x21\xff\x0bC2PA_GIF\x01\0\0\x01x\0\x3b", BY_NAME["gif"])
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0xCD41, 7, 4, 0) + bytes(4)
    assert is_signed(tiff, BY_NAME["tiff"])
    assert not any(is_signed(path.read_bytes(), format_of(path)) for path in SAMPLES)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_comparing_pictures_says_what_their_hashes_say(path):
    data, fmt = path.read_bytes(), format_of(path)
    at = range(0, len(data), max(1, len(data) // 60))
    others = [
        data,
        *(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :] for i in at),
        data[: len(data) // 2],
        b"",
    ]
    for other in others:
        assert same_picture(data, other, fmt) == (picture_hash(data, fmt) == picture_hash(other, fmt))


def test_a_scan_put_before_the_others_is_another_picture():
    data = (FILES / "progressive.jpg").read_bytes()
    start = data.index(b"\xff\xda")
    scan = data[start : data.index(b"\xff", start + 14)]
    assert not same_picture(data, data[:start] + scan + data[start:], BY_NAME["jpeg"])
