"""What files tell besides tags and captions: real EXIF and XMP in each format, and broken EXIF, which tells nothing."""

import dataclasses
import io
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from support.judge import NEEDS_EXIFTOOL, by_exiftool, write_by_exiftool
from support.photos import as_photo
from tagroll.domain import Change, Facts, Photo
from tagroll.exiftool.pool import ExifTool
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"
DATE = datetime(2024, 5, 1, 12, 30, 15)  # noqa: DTZ001 - cameras tell local time


EVERY = (
    "baseline.jpg", "rgb.png", "lossy.webp", "single.tif", "plain.heic", "rgb.avif", "raw.dng",
)  # fmt: skip


def facts(path: Path, exiftool: ExifTool | None = None) -> Facts:
    return MetadataStore(exiftool=exiftool).read(as_photo(path)).facts


def told(name: str, tmp_path: Path, *said: str) -> Path:
    """A copy of a sample in which exiftool has written something."""
    path = tmp_path / name
    path.write_bytes((FILES / name).read_bytes())
    write_by_exiftool("-n", *said, path)
    return path


@NEEDS_EXIFTOOL
@pytest.mark.parametrize(
    "name", [EVERY[0], *(pytest.param(name, marks=[pytest.mark.slow]) for name in EVERY[1:])]
)
def test_every_format_tells_what_exiftool_wrote(exiftool, tmp_path, name):
    path = told(
        name, tmp_path, "-DateTimeOriginal=2024:05:01 12:30:15", "-Make=Canon", "-Model=Canon EOS 5D",
        "-ModifyDate=2025:01:01 00:00:00", "-GPSLatitude=59.9", "-GPSLatitudeRef=N", "-GPSLongitude=-10.75",
        "-GPSLongitudeRef=W", "-XMP-xmp:Rating=4",
    )  # fmt: skip
    found = facts(path, exiftool)
    assert (found.date, found.camera, found.rating) == (DATE, "Canon EOS 5D", 4)
    assert (found.latitude, found.longitude) == (pytest.approx(59.9), pytest.approx(-10.75))
    if (FILES / name).suffix in {".jpg", ".png", ".webp"}:
        assert facts(path) == found


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", [name for name in EVERY if name != "raw.dng"])
def test_without_exiftool_other_formats_tell_what_their_container_does(tmp_path, name):
    path = told(name, tmp_path, "-DateTimeOriginal=2024:05:01 12:30:15", "-Model=Canon EOS 5D")
    store = MetadataStore()
    found = store.read(as_photo(path)).facts
    assert (found.date, found.camera, found.width, found.height) == (DATE, "Canon EOS 5D", 120, 80)


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("with_exiftool", [True, False])
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("baseline.jpg", (120, 80)), ("progressive.jpg", (120, 80)), ("rgb.png", (120, 80)), ("lossless.webp", (120, 80)),
        ("lossy.webp", (120, 80)), ("animated.webp", (120, 80)), ("animated.gif", (120, 80)), ("palette.bmp", (120, 80)),
        ("pages.tif", (120, 80)), ("plain.heic", (120, 80)), ("rgb.avif", (120, 80)), ("rotated.heic", (120, 80)),
    ],
)  # fmt: skip
def test_a_size_is_that_of_the_upright_picture(exiftool, name, size, with_exiftool):
    found = facts(FILES / name, exiftool if with_exiftool else None)
    assert (found.width, found.height) == size


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png", "lossy.webp", "single.tif"])
@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (120, 80)), (3, (120, 80)), (6, (80, 120)), (8, (80, 120))]
)
def test_a_turned_picture_is_as_high_as_it_is_shown(exiftool, tmp_path, name, orientation, size):
    path = told(name, tmp_path, f"-Orientation={orientation}")
    for found in (facts(path, exiftool), facts(path)):
        assert (found.width, found.height) == size


@NEEDS_EXIFTOOL
@pytest.mark.parametrize(
    ("said", "rating"),
    [
        (("-XMP-xmp:Rating=5",), 5), (("-XMP-xmp:Rating=-1",), -1), (("-XMP-xmp:Rating=0",), 0), (("-IFD0:Rating=3",), 3),
        (("-IFD0:Rating=3", "-XMP-xmp:Rating=2"), 2), ((), None),
    ],
)  # fmt: skip
def test_stars_are_those_that_programs_show(tmp_path, said, rating):
    assert facts(told("baseline.jpg", tmp_path, *said)).rating == rating


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png"])
def test_where_exif_tells_nothing_xmp_does_and_a_sidecar_too(tmp_path, name):
    said = (
        "-XMP-photoshop:DateCreated=2024:05:01 12:30:15",
        "-XMP-exif:GPSLatitude=-33.5",
        "-XMP-exif:GPSLongitude=151.2",
    )
    path = told(name, tmp_path, *said)
    found = facts(path)
    assert (found.date, found.latitude, found.longitude) == (DATE, pytest.approx(-33.5), pytest.approx(151.2))
    sidecar = path.with_name(f"{path.name}.xmp")
    by_exiftool("-q", "-XMP-xmp:Rating=2", sidecar)
    assert facts(path).rating == 2
    assert facts(path).date == DATE


@NEEDS_EXIFTOOL
def test_nowhere_is_no_place(tmp_path):
    for number, (latitude, longitude) in enumerate([("0", "0"), ("0", "10"), ("12", "0")]):
        path = told("baseline.jpg", tmp_path, f"-GPSLatitude={latitude}", f"-GPSLongitude={longitude}")
        assert (facts(path).latitude is None) == (number == 0)


@NEEDS_EXIFTOOL
def test_a_write_of_tags_leaves_all_that_is_told(tmp_path):
    path = told(
        "baseline.jpg",
        tmp_path,
        "-XMP-xmp:Rating=4",
        "-DateTimeOriginal=2024:05:01 12:30:15",
        "-GPSLatitude=5",
    )
    before = facts(path)
    MetadataStore().write(
        as_photo(path), lambda _: Change(add=("Beach",), set={"title": "T"}), lambda _: None
    )
    assert facts(path) == before != Facts()


def exif(path: Path, *, date: str = "", make: str = "", model: str = "") -> Photo:
    block = Image.Exif()
    block[0x10F], block[0x110] = make, model
    block.get_ifd(0x8769)[0x9003] = date
    Image.new("RGB", (8, 8)).save(path, exif=block)
    return as_photo(path)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2024:05:01 12:30:15", DATE),
        ("2024-05-01 12:30:15", DATE),
        ("0000:00:00 00:00:00", None),
        ("2024:02:30 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
    ],
)
def test_a_day_that_never_was_is_no_date(tmp_path, date, expected):
    assert facts(exif(tmp_path / "a.jpg", date=date).path).date == expected


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("", "X100", "X100"),
        ("", "", ""),
    ],
)
def test_a_camera_is_called_as_people_call_it(tmp_path, make, model, camera):
    assert facts(exif(tmp_path / "a.jpg", make=make, model=model).path).camera == camera


def test_broken_exif_tells_nothing_and_harms_nothing(tmp_path):
    whole = exif(tmp_path / "a.jpg", date="2024:05:01 12:30:15", make="Apple").path.read_bytes()
    start = whole.index(b"Exif\0\0") + 6
    assert Image.open(io.BytesIO(whole)).getexif()[0x10F] == "Apple"
    outcomes = set()
    for at in range(start, whole.index(b"\xff\xdb")):
        for value in (0, 0x7F, 0xFF):
            broken = tmp_path / "broken.jpg"
            broken.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            outcomes.add(dataclasses.replace(facts(broken), width=0, height=0))
    assert Facts() in outcomes
    assert Facts(taken=1714566615, camera="Apple") in outcomes
