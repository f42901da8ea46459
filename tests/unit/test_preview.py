"""Previews: upright, in the right colours, whole, or an honest failure. And the pool outlives its workers."""

import io
import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pylibjxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw, TiffImagePlugin

from support.laws import examples
from support.runs import has_ended, wait_for
from tagroll.domain import Outcome, Photo, Preview
from tagroll.errors import PictureError
from tagroll.formats import FORMATS, HEAD_BYTES, Format, detect
from tagroll.photos.preview.decode import make_preview
from tagroll.photos.preview.pool import PreviewPool
from tagroll.photos.scan import scan

FILES = Path(__file__).parents[1] / "files"
FORMAT = {row.name: row for row in FORMATS}
QUADRANTS = ((200, 40, 40), (40, 160, 60), (40, 70, 200), (230, 220, 120))
"""Colours of the samples: upper left, upper right, lower left, lower right."""
WHOLE = (
    *(
        "baseline.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "rgb.png",
        "lossy.webp",
        "lossless.webp",
        "animated.webp",
    ),
    *("single.tif", "pages.tif", "animated.gif", "palette.bmp", "plain.heic", "rotated.heic", "rgb.avif"),
    *("plain.jxl", "rgb.psd", "deep.psb"),
)


def format_of(data: bytes) -> Format:
    found = detect(data[:HEAD_BYTES], "")
    assert found is not None
    return found


def preview_of(data: bytes, **options: int) -> Image.Image:
    """The preview of a file's bytes, checked for what is true of every preview, decoded."""
    preview = make_preview(data, format_of(data), **options)
    image = Image.open(io.BytesIO(preview.jpeg))
    image.load()
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (preview.width, preview.height))
    assert not {"exif", "icc_profile", "comment", "xmp", "progressive"} & image.info.keys()
    return image


def centres(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quadrants."""
    width, height = image.size
    return [image.getpixel((width * x // 4, height * y // 4)) for x, y in ((1, 1), (3, 1), (1, 3), (3, 3))]


def is_near(colours: object, expected: object, tolerance: int = 6) -> bool:
    pairs = [
        (a, b) for one, other in zip(colours, expected, strict=True) for a, b in zip(one, other, strict=True)
    ]
    return max(abs(a - b) for a, b in pairs) <= tolerance


def picture() -> Image.Image:
    return Image.open(FILES / "rgb.png").convert("RGB")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("name", WHOLE)
def test_every_format_gives_the_same_upright_picture(name: str) -> None:
    image = preview_of((FILES / name).read_bytes())
    assert image.size == (120, 80)
    assert is_near(centres(image), QUADRANTS)


TRANSPOSED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,  # stored turned to the left, so that showing turns it to the right
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored(orientation: int, kind: str, *, tagged: bool = True) -> bytes:
    """The picture as a camera held otherwise stores it."""
    method = TRANSPOSED[orientation]
    image = picture() if method is None else picture().transpose(method)
    exif = Image.Exif()
    if tagged:
        exif[0x0112] = orientation
    return encoded(image, kind, exif=exif, quality=95)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", TRANSPOSED)
def test_upright_by_exif(kind: str, orientation: int) -> None:
    image = preview_of(stored(orientation, kind))
    assert image.size == (120, 80)
    assert is_near(centres(image), QUADRANTS)


@pytest.mark.parametrize("orientation", TRANSPOSED)
def test_orientation_of_a_raw_turns_its_preview_unless_that_knows_better(orientation: int) -> None:
    plain, tagged = stored(orientation, "JPEG", tagged=False), stored(orientation, "JPEG")
    for embedded in (plain, tagged):
        preview = make_preview(embedded, FORMAT["raw"], orientation=orientation)
        assert is_near(centres(Image.open(io.BytesIO(preview.jpeg))), QUADRANTS)
    upright = make_preview(tagged, FORMAT["raw"], orientation=orientation % 8 + 1)
    assert is_near(centres(Image.open(io.BytesIO(upright.jpeg))), QUADRANTS)


@given(st.binary(max_size=200), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
@examples(60)
def test_with_broken_exif_the_picture_comes_as_it_is_stored(noise: bytes, header: bytes) -> None:
    image = preview_of(encoded(picture(), "JPEG", exif=b"Exif\0\0" + header + noise))
    assert sorted(image.size) == [80, 120]  # the noise may happen to be an orientation


def test_metadata_stay_out_of_the_preview() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a caption"
    preview_of(encoded(picture(), "JPEG", exif=exif, comment=b"a comment", xmp=b"<x/>"))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1024, 600), (1024, 600)),
        ((1025, 600), (1024, 599)),
        ((600, 3000), (205, 1024)),
        ((20000, 3), (1024, 56)),
        ((1, 1), (56, 56)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_size(kind: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert preview_of(encoded(Image.new("RGB", size), kind)).size == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_shrinking_does_not_alias(kind: str) -> None:
    """Lines of one pixel turn gray; picking pixels would leave black, white or moire."""
    lines = Image.new("L", (4000, 2000), "white")
    pen = ImageDraw.Draw(lines)
    for x in range(0, 4000, 2):
        pen.line((x, 0, x, 2000), fill="black")
    low, high = preview_of(encoded(lines, kind)).convert("L").crop((10, 10, 1000, 500)).getextrema()
    assert high - low < 20


def test_cmyk_without_an_adobe_marker() -> None:
    ink = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    [colour] = preview_of(encoded(ink, "TIFF")).getcolors()
    assert is_near([colour[1]], [(255, 0, 0)])


def test_palette_transparency_is_white() -> None:
    assert is_near(
        centres(preview_of((FILES / "palette.png").read_bytes())), ((255, 255, 255), *QUADRANTS[1:])
    )


def test_alpha_fades_to_white() -> None:
    image = preview_of((FILES / "alpha.png").read_bytes())
    fading = [image.getpixel((x, 20)) for x in (2, 30, 57)]
    assert is_near(fading[:1], [(255, 255, 255)])
    assert fading[0][1] > fading[1][1] > fading[2][1] > 40


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_half_transparent_gray_on_white(mode: str) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 128)).convert(mode)
    assert is_near([preview_of(encoded(image, "TIFF")).getpixel((20, 20))], [(127, 127, 127)])


def test_a_picture_that_would_be_all_invisible_is_shown() -> None:
    image = picture()
    image.putalpha(0)
    assert is_near(centres(preview_of(encoded(image, "PNG"))), QUADRANTS)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    gray = preview_of((FILES / "gray16.png").read_bytes()).convert("L")
    assert is_near([[gray.getpixel((60, y)) for y in (1, 40, 78)]], [[3, 129, 253]])


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("I;16", (0, 32768, 65535), (0, 128, 255)),
        ("I;16", (0, 2048, 4095), (0, 128, 255)),  # 12 bits of a scanner in 16
        ("I;16", (0, 128, 255), (0, 128, 255)),
        ("I", (0, 1 << 30, (1 << 31) - 1), (0, 128, 255)),
        ("I", (-128, 0, 127), (0, 128, 255)),
        ("F", (0.0, 0.5, 1.0), (0, 128, 255)),
        ("F", (0.0, 0.1, 0.2), (0, 26, 51)),
        ("F", (0.0, 5.0, 10.0), (0, 128, 255)),
        ("1", (0, 255, 255), (0, 255, 255)),
    ],
)
def test_deep_and_shallow_gray(mode: str, values: tuple[float, ...], expected: tuple[int, ...]) -> None:
    image = Image.new(mode, (180, 60))
    for third, value in enumerate(values):
        image.paste(Image.new(mode, (60, 60), value), (60 * third, 0))
    shown = preview_of(encoded(image, "TIFF")).convert("L")
    assert is_near([[shown.getpixel((x, 30)) for x in (30, 90, 150)]], [expected])


def wide_gamut_profile() -> bytes:
    """An ICC profile like sRGB, whose red and green primaries have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def test_colours_go_by_the_embedded_profile() -> None:
    swapped = encoded(picture(), "PNG", icc_profile=wide_gamut_profile())
    assert is_near(centres(preview_of(swapped)), [(g, r, b) for r, g, b in QUADRANTS])
    usual = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert is_near(centres(preview_of(encoded(picture(), "PNG", icc_profile=usual))), QUADRANTS)


@pytest.mark.parametrize("profile", [b"nonsense", bytes(200), wide_gamut_profile()[:300]])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    assert is_near(centres(preview_of(encoded(picture(), "PNG", icc_profile=profile))), QUADRANTS)


def test_a_profile_for_another_mode_is_ignored() -> None:
    gray = encoded(picture().convert("L"), "PNG", icc_profile=wide_gamut_profile())
    assert is_near(centres(preview_of(gray)), centres(picture().convert("L").convert("RGB")))


def detailed() -> Image.Image:
    """A picture whose files are long enough to be cut anywhere."""
    return Image.effect_noise((400, 300), 90).convert("RGB")


CUTTABLE = {
    "baseline": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "PNG": ("PNG", {}),
    "GIF": ("GIF", {}),
    "BMP": ("BMP", {}),
    "WebP": ("WEBP", {}),
    "lossless WebP": ("WEBP", {"lossless": True}),
    "AVIF": ("AVIF", {"speed": 10}),
    "TIFF": ("TIFF", {}),
    "TIFF LZW": ("TIFF", {"compression": "tiff_lzw"}),
}


@pytest.mark.parametrize("name", CUTTABLE)
def test_a_file_that_is_cut_off_fails(name: str) -> None:
    kind, options = CUTTABLE[name]
    data = encoded(detailed(), kind, **options)
    preview_of(data)
    for percent in (10, 50, 90, 99):
        with pytest.raises(PictureError) as caught:
            make_preview(data[: len(data) * percent // 100], format_of(data))
        assert caught.value.hint


def test_a_heic_that_is_cut_off_fails() -> None:
    data = (FILES / "plain.heic").read_bytes()
    with pytest.raises(PictureError):
        make_preview(data[:-20], FORMAT["heic"])


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_whose_end_is_zeros_fails_but_padding_is_fine(progressive: bool) -> None:
    data = encoded(detailed(), "JPEG", progressive=progressive)
    preview_of(data + bytes(50_000))
    preview_of(data + b"a trailer" + bytes(50_000))
    with pytest.raises(PictureError, match="cut off"):
        make_preview(data[: len(data) // 2] + bytes(len(data)), FORMAT["jpeg"])


def test_a_jpeg_that_promises_more_than_it_can_hold_fails() -> None:
    data = encoded(picture(), "JPEG")
    frame = data.index(b"\xff\xc0") + 5  # height, width
    lying = data[:frame] + b"\xff\xdc\xff\xdc" + data[frame + 4 :]
    with pytest.raises(PictureError, match="cut off"):
        make_preview(lying, FORMAT["jpeg"])


def png_with(name: bytes, payload: bytes) -> bytes:
    """A PNG with one more chunk before its picture."""
    data = (FILES / "rgb.png").read_bytes()
    checksum = zlib.crc32(name + payload).to_bytes(4, "big")
    return data[:33] + len(payload).to_bytes(4, "big") + name + payload + checksum + data[33:]


def packed(size: int) -> bytes:
    return zlib.compress(bytes(size), 1)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png_with(b"zTXt", b"workflow\0\0" + packed(2_000_000)), id="compressed text"),
        pytest.param(
            png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed(9_000_000)), id="compressed XMP"
        ),
        pytest.param(png_with(b"iTXt", b"workflow\0\0\0\0\0" + b"a" * 2_000_000), id="text"),
        pytest.param(png_with(b"tEXt", b"workflow\0" + b"a" * 2_000_000), id="old text"),
        pytest.param(png_with(b"iCCP", b"printer\0\0" + packed(1_200_000)), id="colour profile"),
    ],
)
def test_megabytes_of_text_or_profile_are_no_obstacle(data: bytes) -> None:
    assert preview_of(data).size == (120, 80)


def chunk(name: bytes, payload: bytes, checksum: bytes = b"") -> bytes:
    return len(payload).to_bytes(4) + name + payload + (checksum or zlib.crc32(name + payload).to_bytes(4))


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(chunk(b"tEXt", b"Comment\0hello", b"????"), id="wrong sum"),
        pytest.param(chunk(b"gAMA", b"\0\0\xb1\x8f", b"????"), id="wrong sum of the colours"),
        pytest.param(chunk(b"zTXt", b"a\0\7" + packed(9)), id="packed in no known way"),
        pytest.param(chunk(b"iCCP", b"a\0\7" + packed(9)), id="profile packed in no known way"),
        pytest.param(chunk(b"iCCP", b"a"), id="no profile at all"),
    ],
)
@pytest.mark.parametrize("at", [33, -12])
def test_what_is_damaged_beside_the_picture_is_no_obstacle(damaged: bytes, at: int) -> None:
    data = (FILES / "rgb.png").read_bytes()
    assert preview_of(data[:at] + damaged + data[at:]).size == (120, 80)


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE"])
def test_what_is_damaged_in_the_picture_fails(name: bytes) -> None:
    data = (FILES / "palette.png").read_bytes()
    at = data.index(name)
    size = int.from_bytes(data[at - 4 : at])
    with pytest.raises(PictureError):
        make_preview(data[: at + 4 + size] + b"????" + data[at + 8 + size :], FORMAT["png"])


@pytest.mark.parametrize(
    "head", [b"zTXt" + b"a\0\0", b"iTXt" + b"a\0\1\0\0\0", b"iCCP" + b"a\0\0"], ids=["zTXt", "iTXt", "iCCP"]
)
def test_text_that_unpacks_without_end_is_refused(head: bytes) -> None:
    unpacker = zlib.compressobj(1)
    bomb = b"".join(unpacker.compress(bytes(1 << 20)) for _ in range(80)) + unpacker.flush()
    data = png_with(head[:4], head[4:] + bomb)
    with pytest.raises(PictureError, match="Decompressed data too large"):
        make_preview(data, FORMAT["png"])


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "baseline.jpg"])
def test_too_large_is_refused_before_decoding(name: str) -> None:
    data = (FILES / name).read_bytes()
    with pytest.raises(PictureError, match="too large: 120 x 80 pixels"):
        make_preview(data, format_of(data), max_pixels=120 * 80 - 1)
    make_preview(data, format_of(data), max_pixels=120 * 80)


def test_a_baseline_jpeg_counts_as_what_it_is_decoded_to() -> None:
    data = encoded(Image.new("L", (8192, 2048)), "JPEG", quality=20)
    assert preview_of(data, max_pixels=1024 * 256).size == (1024, 256)


def test_a_name_opens_no_other_decoder() -> None:
    """What scans as one format is not tried as another: a JPEG's name must not start PostScript."""
    data = encoded(picture(), "EPS")
    for fmt in FORMATS:
        with pytest.raises(PictureError):
            make_preview(data, fmt)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@given(noise=st.binary(min_size=0, max_size=300))
@examples(15)
def test_noise_behind_a_real_beginning_is_a_picture_error_or_a_picture(fmt: Format, noise: bytes) -> None:
    beginnings = {"jxl": b"\xff\x0a", "raw": b""}
    sample = next((path for path in FILES.iterdir() if path.suffix in fmt.suffixes), None)
    head = beginnings.get(fmt.name) or (sample.read_bytes()[:150] if sample else b"")
    with suppress(PictureError):
        make_preview(head + noise, fmt)


def document(mode: str, number: int, *, depth: int = 8, resources: bytes = b"", packing: int = 0) -> bytes:
    """A Photoshop document with the test's picture, colours as that program stores them."""
    shown = picture().quantize(8) if mode == "P" else picture().convert(mode)
    planes = [band.tobytes() for band in shown.split()]
    if mode == "CMYK":
        planes = [bytes(255 - value for value in plane) for plane in planes]
    palette = bytes(shown.getpalette() or ()) if mode == "P" else b""
    colours = b"".join(palette[channel::3].ljust(256, b"\0") for channel in range(3)) if palette else b""
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, len(planes), shown.height, shown.width, depth, number)
    sections = (
        struct.pack(">I", len(colours)) + colours + struct.pack(">I", len(resources)) + resources + bytes(4)
    )
    return head + sections + struct.pack(">H", packing) + b"".join(planes)


@pytest.mark.parametrize(("mode", "number"), [("RGB", 3), ("CMYK", 4), ("P", 2)])
def test_photoshop_documents_of_several_modes(mode: str, number: int) -> None:
    assert is_near(centres(preview_of(document(mode, number))), QUADRANTS)


def test_a_photoshop_document_goes_by_its_profile_and_in_lab() -> None:
    profile = wide_gamut_profile()
    resource = b"8BIM\x04\x0f\0\0" + struct.pack(">I", len(profile)) + profile
    shown = centres(preview_of(document("RGB", 3, resources=resource)))
    assert is_near(shown, centres(preview_of(encoded(picture(), "PNG", icc_profile=profile))))
    there, back = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(picture(), there, back, outputMode="LAB")
    assert lab
    planes = b"".join(band.tobytes() for band in lab.split())
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, lab.height, lab.width, 8, 9)
    assert is_near(
        centres(preview_of(head + bytes(12) + b"\0\0" + planes)), QUADRANTS, 8
    )  # 8 bits of Lab are coarse


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (document("RGB", 3, resources=b"8BIM\x04\x21\0\0\0\0\0\x06\0\0\0\1\0\0"), "no merged picture"),
        (document("RGB", 3, packing=2), "packing"),
        (document("RGB", 3, depth=32), "rare kind"),
        (document("RGB", 7), "rare kind"),
        (document("L", 3), "rare kind"),
        (document("RGB", 3)[:-1], "truncated"),
        (document("RGB", 3)[:30], "truncated"),
    ],
)
def test_photoshop_documents_that_cannot_be_seen_say_why(data: bytes, told: str) -> None:
    with pytest.raises(PictureError, match=told):
        make_preview(data, FORMAT["psd"])


@pytest.mark.parametrize("lossless", [True, False])
def test_jpeg_xl_goes_by_its_profile(lossless: bool) -> None:
    profile = wide_gamut_profile()
    data = pylibjxl.encode(np.asarray(picture()), lossless=lossless, icc=profile)
    assert is_near(
        centres(preview_of(data)), centres(preview_of(encoded(picture(), "PNG", icc_profile=profile))), 8
    )


def test_jpeg_xl_in_gray_and_with_transparent_parts() -> None:
    for mode in ("L", "RGBA"):
        data = pylibjxl.encode(np.atleast_3d(np.asarray(picture().convert(mode))), lossless=True)
        assert is_near(
            centres(preview_of(data)), centres(preview_of(encoded(picture().convert(mode), "PNG")))
        )


def test_jpeg_xl_without_its_decoder_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylibjxl", None)
    with pytest.raises(PictureError, match="without pylibjxl") as caught:
        make_preview(FILES / "plain.jxl", FORMAT["jxl"])
    assert "tagroll[jxl]" in caught.value.hint


def test_jxl_and_raw_without_a_preview_say_so() -> None:
    with pytest.raises(PictureError, match="cannot be decoded"):
        make_preview(b"\xff\x0a", FORMAT["jxl"])
    with pytest.raises(PictureError, match="preview"):
        make_preview(FILES / "raw.dng", FORMAT["raw"])
    with pytest.raises(PictureError, match="preview"):
        make_preview(b"no picture", FORMAT["raw"])


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="cannot be read: No such file"):
        make_preview(tmp_path / "a.jpg", FORMAT["jpeg"])


# The pool


def photo(path: Path) -> Photo:
    [found] = scan([path], on_unreadable=lambda folder, error: pytest.fail(f"{folder}: {error}"))
    assert isinstance(found, Photo)
    return found


@pytest.fixture
def pool() -> Iterator[PreviewPool]:
    with PreviewPool(2, timeout_s=200) as pool:
        yield pool


def process_ids(pool: PreviewPool) -> list[int]:
    return [worker._process.pid for worker in pool._started]


def test_the_pool_gives_what_decoding_here_gives(pool: PreviewPool) -> None:
    for name in WHOLE:
        expected = make_preview(FILES / name, photo(FILES / name).format)
        assert pool.make(photo(FILES / name)) == expected


@pytest.mark.parametrize("name", ["single.tif", "pages.tif", "single.tif as .CR2"])
def test_a_plain_tiff_under_the_name_of_a_raw_is_decoded(tmp_path: Path, name: str) -> None:
    sample, _, suffix = name.partition(" as ")
    copy = tmp_path / f"photo{suffix or '.nef'}"
    copy.write_bytes((FILES / sample).read_bytes())
    assert photo(copy).format.is_raw
    assert make_preview(copy, photo(copy).format) == make_preview(FILES / sample, FORMAT["tiff"])


@pytest.mark.parametrize("tag", [(254, 1), (262, 32803), (262, 34892), (330, 8), (50706, 1)])
def test_a_tiff_with_the_marks_of_a_raw_is_not_decoded_as_a_plain_one(
    tmp_path: Path, tag: tuple[int, int]
) -> None:
    ifd = TiffImagePlugin.ImageFileDirectory_v2()
    ifd[tag[0]] = tag[1]
    copy = tmp_path / "photo.nef"
    Image.new("RGB", (9, 9)).save(copy, "TIFF", tiffinfo=ifd)
    data = copy.read_bytes()
    if tag[0] == 262:  # Pillow sets it by the mode
        at = data.index(b"\x06\x01\x03\x00") + 8
        copy.write_bytes(data[:at] + tag[1].to_bytes(2, "little") + data[at + 2 :])
    with pytest.raises(PictureError):
        make_preview(copy, FORMAT["raw"])


def test_the_pool_takes_embedded_previews_and_their_orientation(pool: PreviewPool) -> None:
    embedded = stored(6, "JPEG", tagged=False)
    preview = pool.make(photo(FILES / "raw.dng"), embedded, orientation=6)
    assert (preview.width, preview.height) == (120, 80)
    with pytest.raises(PictureError, match="preview") as caught:
        pool.make(photo(FILES / "raw.dng"))
    assert caught.value.hint


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names of any bytes")
def test_the_pool_takes_any_file_name(pool: PreviewPool, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"-n\xff\n\x01.jpg")
    shutil.copy(FILES / "baseline.jpg", odd)
    assert pool.make(photo(odd)).width == 120


def test_many_threads_share_the_pool(pool: PreviewPool) -> None:
    photos = [photo(FILES / name) for name in WHOLE]
    alone = [make_preview(each.path, each.format) for each in photos]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(pool.make, photos * 4)) == alone * 4
    assert len(process_ids(pool)) == 2


def test_workers_start_when_needed_and_only_as_many(pool: PreviewPool) -> None:
    assert process_ids(pool) == []
    for _ in range(3):
        pool.make(photo(FILES / "baseline.jpg"))
    assert len(process_ids(pool)) == 1


def test_a_worker_that_dies_costs_only_its_photo(pool: PreviewPool) -> None:
    """It is stopped, so that it is surely at work on the photo when it is killed."""
    from fcntl import ioctl
    from termios import FIONREAD

    pool.make(photo(FILES / "baseline.jpg"))
    [worker], [victim] = pool._started, process_ids(pool)
    os.kill(victim, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        doomed = thread.submit(pool.make, photo(FILES / "baseline.jpg"))
        wait_for(lambda: int.from_bytes(ioctl(worker._requests, FIONREAD, bytes(4)), sys.byteorder))
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(PictureError, match="crashed"):
            doomed.result()
    assert pool.make(photo(FILES / "baseline.jpg")).width == 120
    assert victim not in process_ids(pool)


def test_a_worker_that_died_between_photos_costs_none(pool: PreviewPool) -> None:
    pool.make(photo(FILES / "baseline.jpg"))
    [worker] = pool._started
    worker._process.kill()
    worker._process.wait()
    assert pool.make(photo(FILES / "baseline.jpg")).width == 120


@pytest.mark.slow
def test_a_worker_that_hangs_is_replaced_in_time() -> None:
    with PreviewPool(1, timeout_s=200) as pool:
        pool.make(photo(FILES / "baseline.jpg"))
        [victim] = process_ids(pool)
        os.kill(victim, signal.SIGSTOP)
        pool._timeout_s = 0.5  # else it would hang for ever
        with pytest.raises(PictureError, match=r"longer than 0\.5 s"):
            pool.make(photo(FILES / "baseline.jpg"))
        pool._timeout_s = 200
        assert pool.make(photo(FILES / "baseline.jpg")).width == 120
    assert has_ended(victim)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only there the limit is enforced")
def test_the_memory_limit_turns_a_giant_into_a_failure(tmp_path: Path) -> None:
    Image.new("RGB", (10_000, 8_000)).save(tmp_path / "giant.png", compress_level=1)
    with PreviewPool(1, memory_limit=300 << 20) as pool:
        with pytest.raises(PictureError, match="too large"):
            pool.make(photo(tmp_path / "giant.png"))
        assert pool.make(photo(FILES / "baseline.jpg")).width == 120


def test_closing_ends_the_workers_and_what_waits() -> None:
    with PreviewPool(1) as pool:
        pool.make(photo(FILES / "baseline.jpg"))
        workers = process_ids(pool)
    assert all(map(has_ended, workers))
    with pytest.raises(PictureError, match="stopped"):
        pool.make(photo(FILES / "baseline.jpg"))


PARENT = """
import sys, time
from pathlib import Path
from tagroll.photos.preview.pool import PreviewPool
from tagroll.photos.scan import scan
assert "PIL" not in sys.modules
pool = PreviewPool(1)
[photo] = scan([Path(sys.argv[1])], on_unreadable=print)
pool.make(photo)
heavy = {"PIL", "numpy", "onnxruntime", "lxml", "click", "rich"} & sys.modules.keys()
try:
    print(next(iter(pool._started))._process.pid, sorted(heavy), flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print(pool.make(photo).width, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A program that has a pool with one worker; its first line of output is the worker's process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, FILES / "baseline.jpg"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    with process:
        yield process
        process.kill()


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(parent: subprocess.Popen[str]) -> None:
    worker, heavy = parent.stdout.readline().split(maxsplit=1)
    assert heavy.strip() == "[]"
    assert not has_ended(int(worker))
    parent.kill()
    wait_for(lambda: has_ended(int(worker)))


@pytest.mark.skipif(os.name != "posix", reason="process groups")
def test_ctrl_c_is_the_parents_alone(parent: subprocess.Popen[str]) -> None:
    worker = int(parent.stdout.readline().split()[0])
    os.killpg(parent.pid, signal.SIGINT)  # as the terminal does
    assert parent.stdout.readline().strip() == "120"
    assert not has_ended(worker)
    parent.kill()
    assert parent.stderr.read() == ""


MEASURE = "import sys; sys.path[:] = sys.argv[1:]; import tagroll.photos.preview.worker; print(*sys.modules)"


def test_workers_import_only_what_they_need() -> None:
    run = subprocess.run(
        [sys.executable, "-P", "-c", MEASURE, *filter(None, sys.path)],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(run.stdout.split())
    assert "PIL.Image" in loaded
    assert not loaded & {
        "numpy",
        "onnxruntime",
        "lxml",
        "click",
        "rich",
        "pi_heif",
        "tagroll.cli",
        "multiprocessing",
    }


BAD = Path(os.environ.get("TAGROLL_DATA", "missing")) / "badfiles" / "files"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not BAD.is_dir(), reason="TAGROLL_DATA does not name the folder of test data")
def test_bad_files_end_as_previews_or_failures(tmp_path: Path) -> None:
    """Broken, odd and hostile files: no crash, no hang, no change, and every one is named."""
    shutil.copytree(BAD, tmp_path / "bad")
    files = sorted((tmp_path / "bad").iterdir())
    before = {path: blake2b(path.read_bytes()).digest() for path in files}

    def ending(found: Photo | Outcome) -> Preview | PictureError | Outcome:
        if isinstance(found, Outcome):
            return found
        try:
            return pool.make(found)
        except PictureError as error:
            return error

    with PreviewPool(2, timeout_s=60) as pool, ThreadPoolExecutor(2) as threads:
        found = list(scan(files, on_unreadable=lambda folder, error: pytest.fail(f"{folder}: {error}")))
        endings = list(threads.map(ending, found))
    assert {each.path for each in found} == set(files)
    assert {path: blake2b(path.read_bytes()).digest() for path in files} == before
    assert all(each.error and each.hint for each in endings if isinstance(each, Outcome))
    assert all(each.message and each.hint for each in endings if isinstance(each, PictureError))
    assert not [each for each in endings if isinstance(each, PictureError) and "crashed" in each.message]
    assert sum(isinstance(each, Preview) for each in endings) > 140


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((1, 1), (56, 56)), ((10, 10), (56, 56)), ((55, 56), (56, 57)), ((8, 40), (56, 280)), ((1024, 7), (1024, 56)),
        ((8, 1024), (56, 1024)), ((4000, 8), (1024, 56)), ((56, 56), (56, 56)), ((90, 60), (90, 60)),
    ],
)  # fmt: skip
def test_tiny_and_thin_pictures_are_made_large_enough_to_be_seen(size, seen):
    preview = make_preview(encoded(Image.new("RGB", size, (250, 10, 10)), "PNG"), FORMAT["png"])
    assert (preview.width, preview.height) == seen
    with Image.open(io.BytesIO(preview.jpeg)) as image:
        assert image.size == seen
        red, green, _ = image.convert("RGB").getpixel((seen[0] // 2, seen[1] // 2))
    assert red > 140 > green
