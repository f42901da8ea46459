"""When a photo was taken and with which camera, from its EXIF data; what cannot be read is not known."""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from tagroll.domain import Photo
from tagroll.errors import MetadataError
from tagroll.exiftool.pool import ExifTool
from tagroll.metadata.containers.container import container_of
from tagroll.metadata.files.safe_write import read_file
from tagroll.metadata.packets.tiff import Tiff

_MAKE, _MODEL, _EXIF_IFD, _ORIGINAL, _DIGITIZED = 0x10F, 0x110, 0x8769, 0x9003, 0x9004
_EXIFTOOL_NAMES = {
    "IFD0:Make": _MAKE,
    "IFD0:Model": _MODEL,
    "ExifIFD:DateTimeOriginal": _ORIGINAL,
    "ExifIFD:CreateDate": _DIGITIZED,
}
_DATE = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Capture:
    """What is known about the moment a photo was taken.

    Attributes:
        date: Local time there, as the camera's clock told it; None when unknown.
        camera: Maker and model, or "".
    """

    date: datetime | None = None
    camera: str = ""


def read_capture(photo: Photo, exiftool: ExifTool | None) -> Capture:
    """Read EXIF 2.32's DateTimeOriginal (else DateTimeDigitized), Make and Model. Decodes no picture.

    DateTime (0x132) is left alone: editors set it to the day of the edit.

    Args:
        photo: Of any format; one without EXIF data, or with broken ones, tells nothing.
        exiftool: For RAW; None where there is none.
    """
    try:
        return _taken(_texts(photo, exiftool))
    except (OSError, MetadataError, ValueError, KeyError, struct.error):
        return Capture()  # only a name depends on it


def tells_of_capture(exif: bytes) -> bool:
    """Whether an EXIF block says when or with what a photo was taken; what has only to be turned upright does not."""
    try:
        return any(text for _, text in _of_tiff(Tiff(memoryview(exif))))
    except (ValueError, struct.error):
        return False


def _taken(texts: Mapping[int, str]) -> Capture:
    make, model = texts.get(_MAKE, ""), texts.get(_MODEL, "")
    maker = make.split()[0] if make else ""
    camera = model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}"
    dates = (_date(texts.get(tag, "")) for tag in (_ORIGINAL, _DIGITIZED))
    return Capture(next(filter(None, dates), None), camera.strip())


def _date(text: str) -> datetime | None:
    """The date in EXIF's form; None for "0000:00:00 00:00:00" and other days that never were."""
    found = _DATE.match(text)
    try:
        return datetime(*map(int, found.groups())) if found else None  # type: ignore[arg-type]  # noqa: DTZ001 - local time
    except ValueError:
        return None


def _texts(photo: Photo, exiftool: ExifTool | None) -> dict[int, str]:
    if photo.format.is_raw:
        values = exiftool.read(photo.path, photo.path.suffix, tuple(_EXIFTOOL_NAMES)) if exiftool else {}
        return {_EXIFTOOL_NAMES[key]: text for key, text in values.items() if key in _EXIFTOOL_NAMES}
    block = _block(photo)
    return dict(_of_tiff(Tiff(memoryview(block)))) if block else {}


def _block(photo: Photo) -> bytes | memoryview | None:
    """The TIFF block with the EXIF data."""
    container = container_of(photo.format)
    if container.packets:
        with photo.path.open("rb", buffering=0) as file:
            found: bytes | None = container.packets.read_packets(file).exif
            return found
    return container.exif(memoryview(read_file(photo.path))) if container.exif else None


def _of_tiff(tiff: Tiff[memoryview]) -> Iterator[tuple[int, str]]:
    first, _ = tiff.directory(tiff.first)
    pointer = tiff.numbers(first.get(_EXIF_IFD))
    exif, _ = tiff.directory(pointer[0]) if pointer else ({}, 0)
    for tag in (_MAKE, _MODEL, _ORIGINAL, _DIGITIZED):
        entry = (first if tag in {_MAKE, _MODEL} else exif).get(tag)
        if entry:
            text, _, _ = bytes(tiff.value(entry)).partition(b"\0")
            yield tag, text.decode("utf-8", "replace").strip()
