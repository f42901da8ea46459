"""One photo -> one preview, or one picture for people: decoded once, upright, sRGB, no longer than wanted.

Runs in the worker processes of `pool`, which alone import this: Pillow is heavy, and decoding is dangerous.
"""

import io
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Final, cast

from PIL import (
    Image,
    ImageCms,
    ImageFile,
    PngImagePlugin,
    TiffImagePlugin,
)

from tagroll.domain import OUTLINE, Form, Preview
from tagroll.errors import PictureError, plainly
from tagroll.formats import FORMATS, HEAD_BYTES, Format, detect
from tagroll.photos.preview.jxl import open_jxl
from tagroll.photos.preview.psd import open_psd

LONG_EDGE: Final = 1024
"""Pixels; what vision models look at without losing the patience of their users."""
SHORT_EDGE: Final = 56
"""Pixels: two patches of the models with the largest ones."""

MAX_PIXELS: Final = 200_000_000
"""The largest sensors of phones. Each pixel takes 4 to 16 bytes while it is decoded (WebP the most). A
baseline JPEG is decoded at down to an eighth of its width and height, and counts as what it is decoded to."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow itself, where it looks before we can, refuses twice this

PngImagePlugin.MAX_TEXT_CHUNK = 64 << 20
"""Bytes that a text or a colour profile may unpack to: printers' profiles, layers and work flows of image generators
take megabytes. More is an attack."""
PngImagePlugin.MAX_TEXT_MEMORY = 4 * PngImagePlugin.MAX_TEXT_CHUNK


class _PngStream(PngImagePlugin.PngStream):
    """A PNG as libpng and every viewer read it: a damaged chunk beside the picture (PNG, 5.4) is no obstacle."""

    def call(self, cid: bytes, pos: int, length: int) -> bytes:
        try:
            return super().call(cid, pos, length)
        except (SyntaxError, LookupError, struct.error):
            if not cid[:1].islower():
                raise
            return b""

    def crc(self, cid: bytes, data: bytes) -> None:
        (self.crc_skip if cid[:1].islower() else super().crc)(cid, data)


PngImagePlugin.PngStream = _PngStream  # type: ignore[misc]


def _pillow_class(plugin: str) -> type[ImageFile.ImageFile]:
    module = import_module(f"PIL.{plugin}ImagePlugin")
    found: type[ImageFile.ImageFile] = getattr(module, f"{plugin}ImageFile")
    return found


_PILLOW_CLASSES = {row.name: _pillow_class(row.pillow) for row in FORMATS if row.pillow}

_QUALITY = 90
_ORIENTATION = 0x0112  # the EXIF tag

_EXIF_ERRORS = (
    *(AttributeError, EOFError, LookupError, OSError, OverflowError, SyntaxError, TypeError, ValueError),
    *(ZeroDivisionError, struct.error),
)
"""What reading broken EXIF throws; a photo without a readable orientation is shown as it is stored."""


def make_preview(
    source: Path | bytes, fmt: Format, *, max_pixels: int = MAX_PIXELS, orientation: int = 1
) -> Preview:
    """Decode a photo into what a model gets to see.

    Of animated and multi-page files it is the first picture. Transparent parts are white. The preview carries
    no metadata and is never larger than the photo.

    Args:
        source: The photo's file; for the "embedded" decoder the bytes of the camera's own preview.
        fmt: The photo's format; nothing else is tried.
        max_pixels: Refuse larger pictures before decoding them.
        orientation: EXIF orientation (1 to 8) to use when the picture itself says nothing about it, for the
            previews inside RAW files.

    Raises:
        PictureError: The picture cannot be decoded in full.
    """
    with _plain_errors():
        upright = _seeable(_upright(source, fmt, max_pixels, orientation, LONG_EDGE))
        outline = upright.convert("L").resize((OUTLINE, OUTLINE), Image.Resampling.BOX, reducing_gap=2.0)
        jpeg = _encoded(upright, "JPEG", quality=_QUALITY)
        return Preview(jpeg, upright.width, upright.height, outline.tobytes())


def make_picture(
    source: Path | bytes, fmt: Format, form: Form, *, max_pixels: int = MAX_PIXELS, orientation: int = 1
) -> bytes:
    """Decode a photo into a small picture of it; see `make_preview`, but nothing is enlarged or framed.

    Raises:
        PictureError: The picture cannot be decoded in full.
    """
    with _plain_errors():
        upright = _upright(source, fmt, max_pixels, orientation, form.long_edge)
        # method 2 takes two thirds of the time of 4 for 3 % more bytes; measured on thumbnails
        options = {"quality": 75, "method": 2} if form.format == "webp" else {"quality": 75}
        return _encoded(upright, form.format.upper(), **options)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn whatever other people's decoders throw at hostile files into words for the user."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the metadata of broken files; nobody could act on them
            yield
    except PictureError:
        raise
    except Exception as error:  # any type may come out
        raise _explained(error) from error


def _explained(error: Exception) -> PictureError:
    """Turn what a decoder threw into words for the user."""
    text = plainly(error)
    if isinstance(error, MemoryError | Image.DecompressionBombError):
        return PictureError("the picture is too large to be decoded", "Make a smaller copy of it")
    if isinstance(error, OSError) and error.errno is not None:
        return PictureError(
            f"cannot be read: {error.strerror}", "Check the permissions of the file, and the drive"
        )
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return PictureError("the image is truncated", _DAMAGED)
    return PictureError(
        f"the picture cannot be decoded ({text or type(error).__name__})",
        "The file is damaged or of an unusual kind; if other programs show it, convert it to JPEG",
    )


_DAMAGED = "The file is damaged; look for the photo on its card or in a backup"


def _upright(
    source: Path | bytes, fmt: Format, max_pixels: int, orientation: int, long_edge: int
) -> Image.Image:
    if fmt.decoder == "embedded":
        fmt = _embedded_format(source)
    with _reader(source) as file:
        if opener := _OPENERS.get(fmt.decoder):
            image = opener(file, partial(_check_size, max_pixels=max_pixels))
        else:
            image = _open(file, fmt, max_pixels, long_edge)
        # libheif turns the picture, and what EXIF says there must be ignored (ISO/IEC 23008-12, 6.5.10)
        turn = 1 if fmt.decoder == "heif" else _orientation(image, orientation)
        profile = image.info.get("icc_profile")
        small = _shrunk(_resizable(image), long_edge)
    return _turned(_srgb(small, profile), turn)


def _encoded(image: Image.Image, name: str, **options: int) -> bytes:
    image.info = {}  # Pillow would write the comment
    out = io.BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


def _seeable(image: Image.Image) -> Image.Image:
    """An image that no model falls over: tiny ones are enlarged, thin ones get gray margins.

    Models look at patches of 28 or 32 pixels, and some of their servers fail below one or two of these, or where
    one side is 200 times the other.
    """
    scale = min(SHORT_EDGE / min(image.size), LONG_EDGE / max(image.size))
    if scale > 1:
        image = image.resize(
            (round(image.width * scale) or 1, round(image.height * scale) or 1), Image.Resampling.BICUBIC
        )
    size = (max(image.width, SHORT_EDGE), max(image.height, SHORT_EDGE))
    if size == image.size:
        return image
    framed = Image.new(image.mode, size, "gray")
    framed.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return framed


def _embedded_format(source: Path | bytes) -> Format:
    """The format of the preview from inside a RAW file, or of a file that only has a RAW's name."""
    with _reader(source) as file:
        found = detect(file.read(HEAD_BYTES), "")
        is_raw = not isinstance(source, bytes) and not (
            found and found.container == "tiff" and _is_plain(file)
        )
    if found is None or is_raw or found.decoder not in ("pillow", "heif"):
        raise PictureError("no usable preview in the raw file", "See: tagroll doctor PHOTO")
    return found


_SUBFILE, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 262, 330, 50706
_PLAIN = frozenset({0, 1, 2, 3, 5, 6, 8})  # gray, RGB, palette, CMYK, YCbCr, CIELab


def _is_plain(file: BinaryIO) -> bool:
    """Whether a TIFF is a picture in itself: what the sensor saw stands in sub-directories, or is no such colours."""
    file.seek(0)
    tags = TiffImagePlugin.TiffImageFile(file).tag_v2
    return (
        not tags.get(_SUBFILE)
        and tags.get(_PHOTOMETRIC) in _PLAIN
        and not {_SUB_IFDS, _DNG_VERSION}.intersection(tags)
    )


def _reader(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _open(file: BinaryIO, fmt: Format, max_pixels: int, long_edge: int) -> ImageFile.ImageFile:
    """Decode with Pillow's class for this format, so that nothing else it can read gets a chance."""
    image = _PILLOW_CLASSES[fmt.name](file)
    if fmt.container == "jpeg":
        if image.info.get("progressive"):  # whatever it is scaled to, libjpeg holds all of its coefficients
            _check_size(image.size, max_pixels)
        _check_jpeg_data(file, image.width * image.height)
        image.draft(None, _fitted(image.size, long_edge))
    _check_size(image.size, max_pixels)
    image.load()
    return image


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            f"the picture is too large: {width} x {height} pixels",
            f"The limit is {max_pixels / 1e6:.0f} megapixels",
        )


_TAIL = 4096


def _check_jpeg_data(file: BinaryIO, pixels: int) -> None:
    """Refuse a JPEG whose data end early in a way that libjpeg passes over, filling up with gray.

    One way is data that cannot be enough: each block of 8 x 8 pixels takes a bit at the very least. The other
    is zeros instead of the file's end, as failed downloads and recovered cards have them. Cameras that fill
    the file up with zeros after the end marker are fine.

    Args:
        file: Positioned behind the picture's headers; left there.
        pixels: What the headers promise.
    """
    start = file.tell()
    end = file.seek(0, io.SEEK_END)
    if (end - start) * 8 < pixels / 64:
        raise PictureError("the picture is cut off: there is too little data for its size", _DAMAGED)
    file.seek(max(start, end - _TAIL))
    is_empty = not any(file.read())
    file.seek(start)
    if is_empty and b"\xff\xd9" not in file.read():
        raise PictureError("the picture is cut off: the file ends in zeros", _DAMAGED)
    file.seek(start)


def _open_heif(file: BinaryIO, check_size: Callable[[tuple[int, int]], None]) -> Image.Image:
    import pi_heif  # 60 ms, and many collections hold no HEIC

    container = pi_heif.open_heif(file)
    if not len(container):  # libheif leaves out what it cannot decode
        raise PictureError("there is no picture in it that can be decoded", "Convert the photo to JPEG")
    check_size(container.size)
    image: Image.Image = container.to_pillow()
    return image


_OPENERS = {"heif": _open_heif, "psd": open_psd, "jxl": open_jxl}
"""Who decodes what Pillow does not, by the decoder of a row of FORMATS."""


def _orientation(image: Image.Image, default: int) -> int:
    with suppress(*_EXIF_ERRORS):
        found: object = image.getexif().get(_ORIENTATION)
        if isinstance(found, int) and found in range(1, 9):
            return found
    return default


def _fitted(size: tuple[int, int], long_edge: int) -> tuple[int, int]:
    """The size of what is made of a picture of this size."""
    scale = min(1.0, long_edge / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _resizable(image: Image.Image) -> Image.Image:
    """Bring a picture into a mode whose pixels can be averaged."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _eight_bits(image)
    if image.mode == "1":
        return image.convert("L")
    if image.mode != "RGBA" and image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode == "P" else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale (not clip) 16-bit, 32-bit and floating point gray to 8 bits.

    White is the highest value of the smallest bit depth that holds the picture: scanners and microscopes put
    10, 12 or 14 bits into 16. Floating point pictures have their white at 1, or at their maximum beyond.
    """
    is_float = image.mode == "F"
    wide = image if is_float else image.convert("I")
    low, high = cast("tuple[float, float]", wide.getextrema())
    low = min(0, low)
    span = max(1.0, high - low) if is_float else (1 << max(8, int(high - low).bit_length())) - 1
    scale = 255 / span
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _shrunk(image: Image.Image, long_edge: int) -> Image.Image:

    size = _fitted(image.size, long_edge)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Bring colours to sRGB and lay transparent parts on white, the paper of most cut-outs and scans."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    opaque = image.convert("RGB") if alpha else image
    if profile:
        opaque = _by_profile(opaque, profile)
    if opaque.mode != "RGB":
        opaque = opaque.convert("RGB")
    if alpha is None or not alpha.getbbox():  # nothing to see at all: then the alpha channel is wrong
        return opaque

    white = Image.new("RGB", opaque.size, "white")
    white.paste(opaque, mask=alpha)
    return white


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert by the embedded profile; a profile that is broken or does not fit the picture is ignored."""
    with suppress(ImageCms.PyCMSError, OSError):
        transform = _transform(profile, image.mode)
        return transform.apply(image) if transform else image
    return image


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from a profile to sRGB, None when that is next to nothing, as with most cameras' profiles.

    Kept, since photos of one camera share it: building it takes as long as decoding a small photo.

    Raises:
        PyCMSError: The profile is broken, or for other than this mode.
        OSError: The profile is broken.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    if mode != "RGB":
        return transform
    after = transform.apply(_SWATCHES).tobytes()
    change = max(abs(one - other) for one, other in zip(_SWATCHES.tobytes(), after, strict=True))
    return transform if change > _VISIBLE else None


_STEPS = (0, 40, 90, 150, 210, 255)
_SWATCHES = Image.frombytes(
    "RGB", (36, 6), bytes(v for r in _STEPS for g in _STEPS for b in _STEPS for v in (r, g, b))
)
"""Colours from all over the space, by which a profile is compared with sRGB."""
_VISIBLE = 3  # of 255; JPEG itself changes more


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _turned(image: Image.Image, orientation: int) -> Image.Image:

    method = _TURNS.get(orientation)
    return image if method is None else image.transpose(method)
