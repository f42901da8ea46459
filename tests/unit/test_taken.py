"""When and with what a photo was taken: real EXIF in each format, and broken EXIF, which tells nothing."""

import io
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from support.photos import as_photo
from tagroll.domain import Photo
from tagroll.exiftool.pool import ExifTool, find_exiftool
from tagroll.metadata.capture import Capture, read_capture

FILES = Path(__file__).parents[1] / "files"
DATE = datetime(2024, 5, 1, 12, 30, 15)  # noqa: DTZ001 - cameras tell local time


@pytest.mark.parametrize(
    "name", ["baseline.jpg", "rgb.png", "lossy.webp", "single.tif", "plain.heic", "rgb.avif", "raw.dng"]
)
def test_every_format_tells_what_exiftool_wrote(tmp_path, name):
    command = find_exiftool()
    assert command
    path = tmp_path / name
    path.write_bytes((FILES / name).read_bytes())
    facts = [
        "-DateTimeOriginal=2024:05:01 12:30:15",
        "-Make=Canon",
        "-Model=Canon EOS 5D",
        "-ModifyDate=2025:01:01 00:00:00",
    ]
    subprocess.run([*command, "-q", "-overwrite_original", *facts, path], check=True)
    with ExifTool(command) as exiftool:
        assert read_capture(as_photo(path), exiftool) == Capture(DATE, "Canon EOS 5D")
    assert read_capture(as_photo(path), None) == (
        Capture() if name == "raw.dng" else Capture(DATE, "Canon EOS 5D")
    )


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
    assert read_capture(exif(tmp_path / "a.jpg", date=date), None).date == expected


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
    assert read_capture(exif(tmp_path / "a.jpg", make=make, model=model), None).camera == camera


def test_broken_exif_tells_nothing_and_harms_nothing(tmp_path):
    whole = exif(tmp_path / "a.jpg", date="2024:05:01 12:30:15", make="Apple").path.read_bytes()
    start = whole.index(b"Exif\0\0") + 6
    assert Image.open(io.BytesIO(whole)).getexif()[0x10F] == "Apple"
    outcomes = set()
    for at in range(start, whole.index(b"\xff\xdb")):
        for value in (0, 0x7F, 0xFF):
            broken = tmp_path / "broken.jpg"
            broken.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            outcomes.add(read_capture(as_photo(broken), None))
    assert Capture() in outcomes
    assert Capture(DATE, "Apple") in outcomes
