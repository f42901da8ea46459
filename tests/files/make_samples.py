"""Make the tiny sample files beside this script, one for every kind of photo file the tests need.

    python tests/files/make_samples.py          (needs Pillow; HEIC also heif-enc from libheif-examples, and exiftool; JPEG XL
                                                 also cjxl from libjxl-tools)

The picture is drawn here: four quadrants in four colours, so that a test sees whether a preview is upright
and its colours are right. The outputs are committed; this script is how they can be checked or made again.
"""

import io
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, PngImagePlugin

HERE = Path(__file__).parent
SIZE = (120, 80)
QUADRANTS = {  # upper left, upper right, lower left, lower right
    (0, 0): (200, 40, 40),
    (1, 0): (40, 160, 60),
    (0, 1): (40, 70, 200),
    (1, 1): (230, 220, 120),
}


GAIN_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:g="http://ns.apple.com/HDRGainMap/1.0/" g:HDRGainMapVersion="65536"/>'
    "</rdf:RDF></x:xmpmeta>"
)


def draw(size: tuple[int, int] = SIZE) -> Image.Image:
    """The picture, upright: red, green over blue, yellow."""
    picture = Image.new("RGB", size)
    pen = ImageDraw.Draw(picture)
    width, height = size[0] // 2, size[1] // 2
    for (column, row), colour in QUADRANTS.items():
        left, top = column * width, row * height
        pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)
    return picture


def jpegs(picture: Image.Image) -> None:
    picture.save(HERE / "baseline.jpg", quality=90)
    picture.save(HERE / "progressive.jpg", quality=90, progressive=True)
    picture.convert("L").save(HERE / "gray.jpg", quality=90)
    # Pillow writes CMYK as Adobe does: inverted, with an APP14 segment
    picture.convert("CMYK").save(HERE / "cmyk.jpg", quality=90)


def pngs(picture: Image.Image) -> None:
    picture.save(HERE / "rgb.png", optimize=True)
    gradient = Image.linear_gradient("L").resize(SIZE).convert("I").point(lambda value: value * 257)
    gradient.convert("I;16").save(HERE / "gray16.png", optimize=True)
    palette = picture.quantize(8)
    palette.save(HERE / "palette.png", optimize=True, transparency=palette.getpixel((0, 0)))
    fading = picture.copy()
    fading.putalpha(Image.linear_gradient("L").rotate(90).resize(SIZE))
    fading.save(HERE / "alpha.png", optimize=True)
    # what other programs leave in files and viewers do not mind: 1.1 MB of text, packed
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "DocumentAncestors " * 64_000, zip=True)
    picture.save(HERE / "text.png", optimize=True, pnginfo=text)


def frames(picture: Image.Image) -> list[Image.Image]:
    """What follows in the animated and the multi-page files, to be told from the first picture."""
    return [Image.new("RGB", picture.size, shade) for shade in ((0, 0, 0), (128, 128, 128))]


def others(picture: Image.Image) -> None:
    more = frames(picture)
    picture.save(HERE / "lossy.webp", quality=90)
    picture.save(HERE / "lossless.webp", lossless=True)
    picture.save(HERE / "animated.webp", save_all=True, append_images=more, duration=100)
    picture.save(HERE / "single.tif", compression="tiff_adobe_deflate")
    picture.save(HERE / "pages.tif", compression="tiff_lzw", save_all=True, append_images=more)
    picture.save(HERE / "animated.gif", save_all=True, append_images=more, duration=100)
    picture.quantize(8).save(HERE / "palette.bmp")
    picture.save(HERE / "rgb.avif", quality=80)


def heics(picture: Image.Image) -> None:
    """plain.heic, and rotated.heic: stored lying on its side, with the turn in its `irot` box."""
    encoder = shutil.which("heif-enc")
    if encoder is None:
        sys.stderr.write("no heif-enc: the HEIC samples stay as they are\n")
        return
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn clockwise by 90 degrees to show
    with tempfile.TemporaryDirectory() as folder:
        for name, image, orientation in (
            ("plain.heic", picture, None),
            ("rotated.heic", picture.transpose(Image.Transpose.ROTATE_90), exif),
        ):
            source = Path(folder, "source.jpg")
            image.save(source, quality=97, subsampling=0, exif=orientation or Image.Exif())
            subprocess.run([encoder, "-q", "60", "-o", HERE / name, source], check=True)
    rotated = HERE / "rotated.heic"
    rotated.write_bytes(add_rotation(rotated.read_bytes()))


def gain_map(picture: Image.Image) -> None:
    """gainmap.heic: as iPhones write it, its only XMP describes an auxiliary picture (here an alpha channel)."""
    tools = shutil.which("heif-enc"), shutil.which("exiftool")
    if None in tools:
        sys.stderr.write("no heif-enc or exiftool: the HEIC with a gain map stays as it is\n")
        return
    sample = HERE / "gainmap.heic"
    fading = picture.copy()
    fading.putalpha(Image.new("L", picture.size, 255))
    with tempfile.TemporaryDirectory() as folder:
        source, xmp = Path(folder, "source.png"), Path(folder, "gain.xmp")
        fading.save(source)
        xmp.write_text(GAIN_XMP)
        subprocess.run([tools[0], "-q", "60", "-o", sample, source], check=True)
        subprocess.run([tools[1], "-q", "-overwrite_original", f"-XMP<={xmp}", sample], check=True)
    data = bytearray(sample.read_bytes())
    primary, auxiliary = struct.pack(">H", 1), struct.pack(">H", 2)
    at = data.index(b"cdsc") + 8  # past the item that describes, and the count of those it describes
    assert data[at : at + 2] == primary
    assert data[data.index(b"auxl") + 4 :][:2] == auxiliary
    data[at : at + 2] = auxiliary
    sample.write_bytes(data)


def jxl(_: Image.Image) -> None:
    """plain.jxl, from what `pngs` has made: a container, as exiftool writes into no bare codestream."""
    encoder = shutil.which("cjxl")
    if encoder is None:
        sys.stderr.write("no cjxl: the JPEG XL sample stays as it is\n")
        return
    command = [encoder, HERE / "rgb.png", HERE / "plain.jxl", "--quality=90", "--container=1"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def add_rotation(heic: bytes) -> bytes:
    """Give the only picture of a file fresh from heif-enc an `irot` property, as phones write it.

    heif-enc notes the turn in EXIF only, which readers of HEIC have to ignore (ISO/IEC 23008-12, 6.5.10).
    """
    data = bytearray(heic)
    irot = struct.pack(">L4sB", 9, b"irot", 3)  # 3 x 90 degrees anticlockwise
    for box, grown in ((b"meta", 10), (b"iprp", 10), (b"ipco", 9), (b"ipma", 1)):
        at = data.index(box) - 4
        data[at : at + 4] = struct.pack(">L", struct.unpack_from(">L", data, at)[0] + grown)
    items = data.index(b"iloc") + 12  # past version and flags, sizes of fields, count of items
    for number in range(2):  # the picture and its EXIF: id, reference, offset, count of extents, extent
        at = items + 18 * number + 4
        data[at : at + 4] = struct.pack(">L", struct.unpack_from(">L", data, at)[0] + 10)
    count = data.index(b"ipma") + 14  # past version and flags, count of items, id
    data[count] += 1
    data.insert(count + data[count], 0x84)  # the 4th property, essential
    properties_end = data.index(b"ipma") - 4
    data[properties_end:properties_end] = irot
    return bytes(data)


def entry(tag: int, kind: int, *values: int) -> tuple[int, int, tuple[int, ...]]:
    """One TIFF directory entry: BYTE (1), SHORT (3) or LONG (4)."""
    return tag, kind, values


def directory(entries: list[tuple[int, int, tuple[int, ...]]], offset: int) -> bytes:
    """Serialise a little-endian TIFF directory that will lie at `offset`; values over 4 bytes follow it."""
    out = struct.pack("<H", len(entries))
    overflow = b""
    after = offset + 2 + 12 * len(entries) + 4
    for tag, kind, values in sorted(entries):
        packed = struct.pack(f"<{len(values)}{ {1: 'B', 3: 'H', 4: 'L'}[kind] }", *values)
        if len(packed) > 4:
            out += struct.pack("<HHLL", tag, kind, len(values), after + len(overflow))
            overflow += packed
        else:
            out += struct.pack("<HHL", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return out + b"\0\0\0\0" + overflow


def dng(picture: Image.Image) -> None:
    """A raw file: directory 0 is the camera's JPEG preview, its sub-directory the sensor's mosaic."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    jpeg = buffer.getvalue() + b"\0" * (len(buffer.getvalue()) % 2)
    mosaic = bytes(range(256))  # 16 x 16, 8 bits
    start, mosaic_at = 8, 8 + len(jpeg)
    sub_at = mosaic_at + len(mosaic)
    raw = [
        entry(254, 4, 0),  # NewSubfileType: the full picture
        *(entry(256, 3, 16), entry(257, 3, 16), entry(258, 3, 8), entry(259, 3, 1)),
        entry(262, 3, 32803),  # PhotometricInterpretation: CFA
        *(entry(273, 4, mosaic_at), entry(277, 3, 1), entry(278, 3, 16), entry(279, 4, len(mosaic))),
        *(entry(33421, 3, 2, 2), entry(33422, 1, 0, 1, 1, 2)),  # the CFA pattern: RGGB
    ]
    sub = directory(raw, sub_at)
    preview = [
        entry(254, 4, 1),  # a reduced picture
        *(entry(256, 3, picture.width), entry(257, 3, picture.height), entry(258, 3, 8, 8, 8)),
        *(entry(259, 3, 7), entry(262, 3, 6)),  # JPEG, YCbCr
        *(entry(273, 4, start), entry(277, 3, 3), entry(278, 3, picture.height), entry(279, 4, len(jpeg))),
        *(entry(330, 4, sub_at), entry(50706, 1, 1, 4, 0, 0)),  # SubIFDs, DNGVersion
    ]
    first_at = sub_at + len(sub)
    header = b"II*\0" + struct.pack("<L", first_at)
    (HERE / "raw.dng").write_bytes(header + jpeg + mosaic + sub + directory(preview, first_at))


def packed(row: bytes) -> bytes:
    """A row as PackBits has it: runs of three and more, the rest as it is."""
    out, at = b"", 0
    while at < len(row):
        run = next((n for n in range(1, 128) if row[at + n : at + n + 1] != row[at : at + 1]), 128)
        out += (
            bytes((257 - run & 255, row[at]))
            if run > 2
            else b"".join(bytes((0, one)) for one in row[at : at + run])
        )
        at += run
    return out


def photoshop(picture: Image.Image) -> None:
    """Documents without layers: 8 bits a channel and packed; large, 16 bits and as they are."""
    planes = [band.tobytes() for band in picture.split()]
    size = struct.pack(">II", picture.height, picture.width)
    rows = [plane[at : at + picture.width] for plane in planes for at in range(0, len(plane), picture.width)]
    tight = [packed(row) for row in rows]
    counts = struct.pack(f">{len(tight)}H", *map(len, tight))
    head = b"8BPS" + struct.pack(">H6xH", 1, 3) + size + struct.pack(">HH", 8, 3)
    (HERE / "rgb.psd").write_bytes(head + bytes(12) + b"\0\1" + counts + b"".join(tight))
    head = b"8BPS" + struct.pack(">H6xH", 2, 3) + size + struct.pack(">HH", 16, 3)
    deep = b"".join(bytes((one, one)) for plane in planes for one in plane)
    (HERE / "deep.psb").write_bytes(head + bytes(16) + b"\0\0" + deep)


def main() -> None:
    picture = draw()
    for make in (jpegs, pngs, others, heics, gain_map, jxl, photoshop, dng):
        make(picture)


if __name__ == "__main__":
    main()
