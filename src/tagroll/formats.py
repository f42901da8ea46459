"""The table of photo formats: what they look like, who decodes them, who writes into them.

A new format is one row in FORMATS (and one tiny sample in tests/files).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

HEAD_BYTES = 64
"""How many bytes from the start of a file `detect` wants to see."""


ALL_FAMILIES: Final = frozenset({"xmp", "iptc", "exif"})
"""Kinds of metadata packets."""
XMP_ONLY: Final = frozenset({"xmp"})


@dataclass(frozen=True, slots=True)
class Format:
    """One photo format.

    Attributes:
        name: Short lower-case name, unique in FORMATS.
        suffixes: File name endings in lower case, with the dot.
        decoder: Who turns it into pixels: "pillow", "heif" (pi-heif), "psd" (we ourselves), "jxl" (pylibjxl, where it is
            installed), or "embedded" (the preview inside a RAW).
        writer: Which engine writes metadata: "jpeg", "png", "webp" in process, "exiftool", or "sidecar" only.
        matches: Whether the first HEAD_BYTES bytes of a file are of this format.
        container: How its files are built, by the names of `metadata/containers/container.py`; "" where nothing is
            known of that, and a file is one whole.
        families: The packets that can be written into it; none: nothing to read either.
        pillow: The plugin of Pillow that decodes it, by the beginning of its name.
        is_raw: Whether it is what the sensor saw: many formats in one row, so that an ending names no content; exiftool
            knows where they keep their EXIF; `name.xmp` belongs to it, whatever else has that name.
        open_suffixes: Endings of RAWs into which photo programs write themselves.
        media_type: What browsers call it; "" where they cannot show it.
    """

    name: str
    suffixes: tuple[str, ...]
    decoder: Literal["pillow", "heif", "psd", "jxl", "embedded"]
    writer: Literal["jpeg", "png", "webp", "exiftool", "sidecar"]
    matches: Callable[[bytes], bool] = field(repr=False, compare=False)
    container: str = ""
    families: frozenset[str] = XMP_ONLY
    pillow: str = ""
    is_raw: bool = False
    open_suffixes: tuple[str, ...] = ()
    media_type: str = ""

    @property
    def in_process(self) -> bool:
        """Whether tagroll itself reads and replaces the packets: the writer is that of the container."""
        return self.writer == self.container

    def kind(self, suffix: str) -> str:
        """What a file with this ending is for photo programs: the format, or the RAW into which they write ("dng")."""
        return suffix.lower()[1:] if suffix.lower() in self.open_suffixes else self.name


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    """A `matches` for formats that begin with one of a few fixed strings."""
    return partial(_begins_with, magics)  # which can be pickled, so that photos can travel


def _begins_with(magics: tuple[bytes, ...], head: bytes) -> bool:
    return head.startswith(magics)


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
"""Sizes of the second header of all BMP versions: "BM" alone is too short to tell a picture by."""


def _is_bmp(head: bytes) -> bool:
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS


_HEVC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_AV1_BRANDS = frozenset((b"avif", b"avis", b"avio"))
_HEIF_BRANDS = frozenset((b"mif1", b"mif2", b"msf1"))  # a HEIF file whose codec is not named


def _brands(head: bytes) -> list[bytes]:
    """Brands of an ISO base media file (ISO/IEC 14496-12, 4.3), the major one first; [] for others."""
    if head[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(head[:4], "big"), len(head) // 4 * 4)
    return [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]


def _heif_codec(head: bytes) -> Literal["hevc", "av1", ""]:
    """The codec by the first brand that names one: the major brand `mif1` leaves that to the others."""
    brands = _brands(head)
    for brand in brands:
        if brand in _HEVC_BRANDS:
            return "hevc"
        if brand in _AV1_BRANDS:
            return "av1"
    return "hevc" if _HEIF_BRANDS.intersection(brands) else ""


def _is_heic(head: bytes) -> bool:
    return _heif_codec(head) == "hevc"


def _is_avif(head: bytes) -> bool:
    return _heif_codec(head) == "av1"


_is_tiff = _starts(b"II*\0", b"MM\0*", b"II+\0\x08\0", b"MM\0+\0\x08")  # the latter two: BigTIFF
_has_raw_magic = _starts(
    b"FUJIFILMCCD-RAW",  # RAF
    b"IIU\0",  # RW2, RWL
    *(b"IIRO", b"IIRS", b"MMOR"),  # ORF
    b"\0MRM",  # MRW
    b"FOVb",  # X3F
    b"II\x1a\0\0\0HEAPCCDR",  # CRW
)


def _is_raw(head: bytes) -> bool:
    """RAW that its content gives away; the others are TIFF by content (see `detect`)."""
    is_cr2 = _is_tiff(head) and head[8:10] == b"CR"
    return is_cr2 or _has_raw_magic(head) or _brands(head)[:1] == [b"crx "]


_TIFF = Format(
    "tiff", (".tif", ".tiff"), "pillow", "exiftool", _is_tiff,
    container="tiff", families=ALL_FAMILIES, pillow="Tiff",
)  # fmt: skip
_RAW = Format(
    "raw",
    (
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".k25"),
        *(".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".raf", ".rw2", ".rwl"),
        *(".sr2", ".srf", ".srw", ".x3f"),
    ),
    "embedded",
    "sidecar",
    _is_raw,
    container="raw",
    is_raw=True,
    open_suffixes=(".dng",),
)

FORMATS: Final = (
    Format(
        "jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), "pillow", "jpeg", _starts(b"\xff\xd8\xff"),
        container="jpeg", families=ALL_FAMILIES, pillow="Jpeg", media_type="image/jpeg",
    ),
    Format("png", (".png", ".apng"), "pillow", "png", _starts(b"\x89PNG\r\n\x1a\n"), container="png", pillow="Png",
           media_type="image/png"),
    Format("webp", (".webp",), "pillow", "webp", _is_webp, container="webp", pillow="WebP",
           media_type="image/webp"),
    Format("gif", (".gif",), "pillow", "exiftool", _starts(b"GIF87a", b"GIF89a"), container="gif", pillow="Gif",
           media_type="image/gif"),
    Format("bmp", (".bmp", ".dib"), "pillow", "sidecar", _is_bmp, container="bmp", families=frozenset(), pillow="Bmp"),
    Format("heic", (".heic", ".heif", ".hif", ".heics", ".heifs"), "heif", "exiftool", _is_heic, container="heif"),
    Format("avif", (".avif", ".avifs"), "pillow", "exiftool", _is_avif, container="heif", pillow="Avif", media_type="image/avif"),
    Format(
        "jxl", (".jxl",), "jxl", "exiftool", _starts(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"), container="jxl"
    ),
    Format(
        "psd", (".psd", ".psb"), "psd", "sidecar", _starts(b"8BPS\0\1", b"8BPS\0\2"),
        container="psd", families=ALL_FAMILIES,
    ),
    _RAW,  # before TIFF: a CR2 is both
    _TIFF,
)  # fmt: skip

PHOTO_SUFFIXES: Final = frozenset(suffix for row in FORMATS for suffix in row.suffixes)
"""File name endings, lower case, by which a photo is looked for."""


VIDEO_SUFFIXES: Final = (
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts"),
    *(".3gp", ".3g2", ".wmv", ".flv", ".ogv"),
)
"""File name endings of videos, which are counted and never looked at."""

SIDECAR_ENDINGS: Final = (".xmp", ".XMP", ".Xmp")
"""What a sidecar's name may end in, as programs write it."""


def is_sidecar(name: str) -> bool:
    """Whether a file's name is that of an XMP sidecar, in any letter case."""
    return name[-4:].lower() == ".xmp" and len(name) > 4


def sidecar_stems(photo: str) -> tuple[str, str]:
    """What sidecars of a photo may be called, without their ending: name.ext, and name."""
    return photo, os.path.splitext(photo)[0]  # noqa: PTH122 - hot path


RAW_SUFFIXES: Final = frozenset(_RAW.suffixes)
"""Those of them that RAW files have."""


def detect(head: bytes, suffix: str) -> Format | None:
    """Tell the format of a file by its content.

    Args:
        head: The first HEAD_BYTES bytes of the file, or all of a shorter one.
        suffix: Its name's ending with the dot, in any letter case. It only tells RAW from TIFF: most RAW
            formats are TIFF files with private tags.

    Returns:
        The row of FORMATS, or None when the file is no photo that we know (videos are none).
    """
    found = next((row for row in FORMATS if row.matches(head)), None)
    return _RAW if found is _TIFF and suffix.lower() in RAW_SUFFIXES else found
