"""What files tell besides tags and captions: size, date, camera, place, rating. What cannot be read is not known."""

import math
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from tagroll.domain import ADDRESS, Facts
from tagroll.errors import MetadataError
from tagroll.formats import Format
from tagroll.metadata.containers.container import container_of
from tagroll.metadata.packets.tiff import CLASSIC, Entry, Tiff
from tagroll.metadata.table import FIELDS, Fields

_MAKE, _MODEL, _ORIENTATION, _RATING, _EXIF_IFD, _GPS_IFD = 0x10F, 0x110, 0x112, 0x4746, 0x8769, 0x8825
_ORIGINAL, _DIGITIZED = 0x9003, 0x9004
_FIRST = frozenset({_MAKE, _MODEL, _ORIENTATION, _RATING, _EXIF_IFD, _GPS_IFD})
_DATES = frozenset({_ORIGINAL, _DIGITIZED})
_GPS = frozenset({1, 2, 3, 4})
"""GPSLatitudeRef, GPSLatitude, GPSLongitudeRef, GPSLongitude."""
_SHORT, _RATIONAL = 3, 5
_TURNED = frozenset({5, 6, 7, 8})
"""Values of Orientation with which width and height change places."""
_DATE = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?")
_XMP_PLACE = re.compile(r"(\d+),(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?([NSEW])", re.IGNORECASE)
"""XMP part 2, 1.2.7.4: DDD,MM,SSk or DDD,MM.mmk."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local time
_BROKEN = (ValueError, LookupError, OverflowError, struct.error)

EXIFTOOL = (
    *(
        "IFD0:Make",
        "IFD0:Model",
        "IFD0:Orientation",
        "IFD0:Rating",
        "ExifIFD:DateTimeOriginal",
        "ExifIFD:CreateDate",
    ),
    *("Composite:ImageSize", "QuickTime:Rotation", "Composite:GPSLatitude", "Composite:GPSLongitude"),
)
"""What exiftool is asked for."""
TAKEN, CREATED, RATING = "XMP-exif:DateTimeOriginal", "XMP-photoshop:DateCreated", "XMP-xmp:Rating"
LATITUDE, LONGITUDE = "XMP-exif:GPSLatitude", "XMP-exif:GPSLongitude"

_ADDRESSES = (
    ADDRESS,
    ("IPTC:City", "IPTC:Province-State", "IPTC:Country-PrimaryLocationName"),
)
_FACES = tuple(row.name for row in FIELDS.values() if row.holds == "faces")
_TOLD = (RATING, TAKEN, CREATED, LATITUDE, LONGITUDE)

Size = tuple[int, int]
"""Width and height as the pixels are stored; (0, 0) when unknown."""


def facts_of(block: bytes | memoryview | None, size: Size = (0, 0)) -> Facts:
    """What an EXIF block says, read as EXIF 2.32 has it. One that is broken tells as much as was read before that.

    DateTime (0x132) is left alone: editors set it to the day of the edit.

    Args:
        block: The TIFF block, or None.
        size: Of the picture beside it.
    """
    orientation, rating, camera, taken = 1, None, "", None
    place: tuple[float | None, float | None] = (None, None)
    if block is not None and block[:4] in CLASSIC:
        with suppress(*_BROKEN):
            tiff = Tiff(memoryview(block))
            first = {entry.tag: entry for entry in tiff.entries(tiff.first, _FIRST)}
            orientation = _number(tiff, first.get(_ORIENTATION)) or 1
            rating = _rating(_number(tiff, first.get(_RATING)))
            camera = _camera(_text(tiff, first.get(_MAKE)), _text(tiff, first.get(_MODEL)))
            taken = _taken_of(tiff, first.get(_EXIF_IFD))
            place = _place_of(tiff, first.get(_GPS_IFD))
    return Facts(*_upright(size, turned=orientation in _TURNED), taken, camera, *_place(*place), rating)


def facts_in(data: bytes, fmt: Format) -> Facts:
    """What a file tells that is read neither in process nor by exiftool.

    Args:
        data: All of it, or as much as there is of one that tells no more than its size.
        fmt: Its format.
    """
    container, view = container_of(fmt), memoryview(data)
    block: bytes | memoryview | None = None
    size = (0, 0)
    with suppress(MetadataError, *_BROKEN):
        size = container.size(view) if container.size else size
    with suppress(MetadataError, *_BROKEN):
        block = container.exif(view) if container.exif else None
    known = facts_of(block, size)
    return known if container.turns_itself is False else replace(known, width=size[0], height=size[1])


def facts_from(tags: Mapping[str, str], *, turns_itself: bool) -> Facts:
    """What exiftool found of EXIFTOOL.

    Args:
        tags: By name.
        turns_itself: The format says itself how its picture is turned (HEIC, AVIF), whatever EXIF says.
    """
    sizes = tags.get("Composite:ImageSize", "").split()
    size = (int(sizes[0]), int(sizes[1])) if len(sizes) == 2 and all(map(str.isdecimal, sizes)) else (0, 0)
    turned = (
        tags.get("QuickTime:Rotation") in ("90", "270")
        if turns_itself
        else tags.get("IFD0:Orientation") in ("5", "6", "7", "8")
    )
    place = _place(_float(tags.get("Composite:GPSLatitude")), _float(tags.get("Composite:GPSLongitude")))
    return Facts(
        *_upright(size, turned=turned),
        _first_date(tags.get(f"ExifIFD:{name}", "") for name in ("DateTimeOriginal", "CreateDate")),
        _camera(tags.get("IFD0:Make", "").strip(), tags.get("IFD0:Model", "").strip()),
        *place,
        _rating(tags.get("IFD0:Rating")),
    )


def with_xmp(facts: Facts, sources: Sequence[Fields]) -> Facts:
    """With what XMP says: of the rating it is the last word, of the rest where EXIF tells nothing.

    Args:
        facts: What EXIF says.
        sources: Fields of the photo's sidecars, and of the photo: what comes first counts.
    """
    told: dict[str, str] = {}
    for source in sources:
        for name in _TOLD:
            if values := source.get(name):
                told.setdefault(name, values[0])
    if not told:
        return facts
    rating, taken = _rating(told.get(RATING)), facts.taken
    if taken is None:
        taken = _first_date(told.get(name, "") for name in (TAKEN, CREATED))
    place = facts.latitude, facts.longitude
    if facts.latitude is None:
        place = _place(*(_xmp_degrees(told.get(name, "")) for name in (LATITUDE, LONGITUDE)))
    rating = facts.rating if rating is None else rating
    return Facts(facts.width, facts.height, taken, facts.camera, *place, rating)


def people_in(sources: Sequence[Fields]) -> tuple[str, ...]:
    """Whom other programs have named in a photo, each once."""
    names = (name for source in sources for field in _FACES for name in source.get(field, ()))
    return tuple(dict.fromkeys(names))


def address_in(sources: Sequence[Fields]) -> tuple[str, str, str]:
    """City, state and country from the first source that has one of them."""
    found = (
        tuple("".join(source.get(name, ())[:1]).strip() for name in names)
        for source in sources
        for names in _ADDRESSES
        if not source.keys().isdisjoint(names)  # most photos have none
    )
    city, state, country = next(filter(any, found), ("", "", ""))
    return city, state, country


def _upright(size: Size, *, turned: bool) -> Size:
    return (size[1], size[0]) if turned else size


def _place(latitude: float | None, longitude: float | None) -> tuple[float | None, float | None]:
    """A place, if it is one; 0, 0 is what cameras write that do not know where they are."""
    if latitude is None or longitude is None or (latitude == longitude == 0):
        return None, None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else (None, None)


def _camera(make: str, model: str) -> str:
    """As people call it."""
    maker = make.split(maxsplit=1)[0] if make else ""
    return (model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}").strip()


def _first_date(texts: Iterable[str]) -> int | None:
    return next((seconds for seconds in map(_date, texts) if seconds is not None), None)


def _date(text: str) -> int | None:
    """The date in EXIF's or XMP's form; None for "0000:00:00 00:00:00" and other days that never were."""
    found = _DATE.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return int((datetime(year, month, day, hour, minute, second) - _EPOCH).total_seconds())  # noqa: DTZ001 - local time
    except ValueError:
        return None


def _rating(value: object) -> int | None:
    """Stars as programs show them; -1 is what Lightroom and Bridge call rejected."""
    number = _float(value)
    return None if number is None else max(-1, min(5, int(number)))


def _float(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _xmp_degrees(text: str) -> float | None:
    found = _XMP_PLACE.match(text.strip())
    if not found:
        return None
    degrees = int(found[1]) + float(found[2]) / 60 + float(found[3] or 0) / 3600
    return -degrees if found[4] in "SsWw" else degrees


# the EXIF block ------------------------------------------------------------------------------------------


def _text(tiff: Tiff[memoryview], entry: Entry | None) -> str:
    if entry is None:
        return ""
    text, _, _ = bytes(tiff.value(entry)).partition(b"\0")
    return text.decode("utf-8", "replace").strip()


def _number(tiff: Tiff[memoryview], entry: Entry | None) -> int | None:
    numbers = tiff.numbers(entry) if entry is not None and entry.kind == _SHORT else ()
    return numbers[0] if numbers else None


def _directory(tiff: Tiff[memoryview], pointer: Entry | None, only: frozenset[int]) -> dict[int, Entry]:
    places = tiff.numbers(pointer)
    return {entry.tag: entry for entry in tiff.entries(places[0], only)} if places else {}


def _taken_of(tiff: Tiff[memoryview], pointer: Entry | None) -> int | None:
    there = _directory(tiff, pointer, _DATES)
    return _first_date(_text(tiff, there.get(tag)) for tag in (_ORIGINAL, _DIGITIZED))


def _place_of(tiff: Tiff[memoryview], pointer: Entry | None) -> tuple[float | None, float | None]:
    there = _directory(tiff, pointer, _GPS)
    north, east = _degrees(tiff, there.get(2)), _degrees(tiff, there.get(4))
    if north is None or east is None:
        return None, None
    south, west = (_text(tiff, there.get(tag)).upper() for tag in (1, 3))
    return -north if south == "S" else north, -east if west == "W" else east


def _degrees(tiff: Tiff[memoryview], entry: Entry | None) -> float | None:
    """Degrees, minutes, seconds as three fractions; None where there are no degrees."""
    if entry is None or entry.kind != _RATIONAL or entry.values != 3:
        return None
    numbers = struct.unpack(tiff.order + "6I", tiff.value(entry))
    if not numbers[1]:
        return None
    parts = (up / down if down else 0.0 for up, down in zip(numbers[::2], numbers[1::2], strict=True))
    return sum(part / unit for part, unit in zip(parts, (1, 60, 3600), strict=True))
