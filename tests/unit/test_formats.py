"""The format of a file goes by its content."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tagroll
from tagroll.formats import FORMATS, HEAD_BYTES, PHOTO_SUFFIXES, detect, is_sidecar

FILES = Path(__file__).parents[1] / "files"
SAMPLES = {
    "baseline.jpg": "jpeg",
    "cmyk.jpg": "jpeg",
    "rgb.png": "png",
    "lossy.webp": "webp",
    "lossless.webp": "webp",
    "animated.webp": "webp",
    "single.tif": "tiff",
    "animated.gif": "gif",
    "palette.bmp": "bmp",
    "plain.heic": "heic",
    "rgb.avif": "avif",
    "plain.jxl": "jxl",
    "rgb.psd": "psd",
    "deep.psb": "psd",
    "raw.dng": "raw",
}


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return ((len(body) + 4).to_bytes(4, "big") + body + b"\0\0\0\x10meta" + bytes(HEAD_BYTES))[:HEAD_BYTES]


def name_of(head: bytes, suffix: str = "") -> str | None:
    found = detect(head, suffix)
    return found.name if found else None


@pytest.mark.parametrize(("sample", "name"), SAMPLES.items())
def test_the_samples_are_what_they_are(sample: str, name: str) -> None:
    path = FILES / sample
    assert name_of(path.read_bytes()[:HEAD_BYTES], path.suffix.upper()) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (ftyp(b"heic", b"mif1", b"heic"), "heic"),
        (ftyp(b"mif1", b"mif1", b"heix"), "heic"),
        (ftyp(b"msf1", b"hevc", b"mif1"), "heic"),
        (ftyp(b"mif1", b"miaf"), "heic"),  # the codec is not named: libheif has to see
        (ftyp(b"avif", b"mif1", b"miaf"), "avif"),
        (ftyp(b"mif1", b"avif", b"miaf"), "avif"),
        (ftyp(b"msf1", b"avis"), "avif"),
        (ftyp(b"crx ", b"crx ", b"isom"), "raw"),
        (ftyp(b"isom", b"mp42"), None),
        (ftyp(b"qt  ", b"qt  "), None),
        (ftyp(b"mp42", b"isom")[:20] + b"mif1", None),  # the box ends before it
    ],
)
def test_brands_tell_heic_avif_and_cr3_from_each_other_and_from_videos(head: bytes, name: str | None) -> None:
    assert name_of(head) == name


@pytest.mark.parametrize(
    "head",
    [
        b"II*\0\x10\0\0\0CR\x02\0",
        b"FUJIFILMCCD-RAW 0201",
        b"IIU\0\x08\0\0\0",
        b"IIRO\x08\0\0\0",
        b"MMOR\0\0\0\x08",
        b"\0MRM\0\0",
        b"FOVb\0\0",
        b"II\x1a\0\0\0HEAPCCDR",
    ],
)
def test_raw_that_shows_itself_needs_no_suffix(head: bytes) -> None:
    assert name_of(head, ".tif") == "raw"


@pytest.mark.parametrize(
    "magic", [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"]
)
def test_only_the_suffix_tells_raw_from_tiff(magic: bytes) -> None:
    assert [name_of(magic, suffix) for suffix in (".NEF", ".dng", ".tif", "")] == [
        "raw",
        "raw",
        "tiff",
        "tiff",
    ]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\x0a\xfa\x7f", "jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
        (b"BM a memo to all of us about bitmaps", None),
        (b"RIFF\x24\0\0\0WAVEfmt ", None),
        (b"%PDF-1.7", None),
        (b"version https://git-lfs.github.com/spec/v1", None),
        (b"", None),
        (bytes(HEAD_BYTES), None),
    ],
)
def test_other_contents(head: bytes, name: str | None) -> None:
    assert name_of(head, ".jpg") == name


@given(st.binary(max_size=HEAD_BYTES), st.text(max_size=5))
def test_no_head_is_too_odd(head: bytes, suffix: str) -> None:
    detect(head, suffix)


def test_the_table_is_consistent() -> None:
    names = [row.name for row in FORMATS]
    suffixes = [suffix for row in FORMATS for suffix in row.suffixes]
    assert len(set(names)) == len(names)
    assert len(set(suffixes)) == len(suffixes)
    assert set(suffixes) == PHOTO_SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes)


STEERING = {
    "metadata/containers/container.py": "the table of containers, by their names",
    "metadata/apps.py": "what programs open, format by format, is what they do and not what we choose",
    "runs/beside.py": "likewise: what programs make of a RAW's sidecars",
    "photos/preview/decode.py": "a JPEG is decoded small, and its data are looked at before",
}
"""Where a string that is the name of a format may decide something, and why."""


def compared(tree: ast.AST) -> set[str]:
    """The strings that something is compared with, or looked up by."""
    places = [node for node in ast.walk(tree) if isinstance(node, ast.Compare | ast.Dict | ast.Set)]
    strings = [child for place in places for child in ast.walk(place) if isinstance(child, ast.Constant)]
    return {child.value for child in strings if isinstance(child.value, str)}


def test_what_a_format_means_stands_in_its_row() -> None:
    """So that a new format is one row, and its container if it has one of its own."""
    package = Path(tagroll.__file__).parent
    names = {fmt.name for fmt in FORMATS} | {fmt.container for fmt in FORMATS} - {""}
    steering = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if names & compared(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert steering == STEERING.keys()


def test_the_reader_of_comparisons_sees_every_form() -> None:
    assert compared(ast.parse('if fmt.name == "a" or fmt.name in ("b", "c"): d = {"e": {"f"}}')) == set(
        "abcef"
    )


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a.xmp", True),
        ("a.jpg.XMP", True),
        ("a.XmP", True),
        (".xmp", False),
        ("a.xmp.jpg", False),
        ("xmp", False),
    ],
)
def test_a_sidecar_is_told_by_its_ending(name, is_one):
    assert is_sidecar(name) is is_one
