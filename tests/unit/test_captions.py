"""A caption that a person left counts wherever it stands, and one of a camera does not."""

import shutil
from pathlib import Path

import pytest

from support.judge import NEEDS_EXIFTOOL, by_exiftool, write_by_exiftool
from support.photos import as_photo
from tagroll.domain import Change, Metadata, Photo
from tagroll.metadata.packets.captions import is_said
from tagroll.metadata.store import MetadataStore
from tagroll.runs.proposal import TagProposal

FILES = Path(__file__).parents[1] / "files"
SAID = "Grandma in Ulm, 1955"
BOTH = {"title": "A sunset", "description": "A sunset on a beach."}

pytestmark = NEEDS_EXIFTOOL


@pytest.fixture
def store(exiftool):
    return MetadataStore(exiftool=exiftool)


def made(folder: Path, name: str, *options: str) -> Photo:
    path = folder / name
    shutil.copyfile(FILES / name, path)
    if options:
        write_by_exiftool(*options, path)
    return as_photo(path)


def proposed(metadata: Metadata) -> set[str]:
    """Which captions a model's answer would set."""
    return set(TagProposal(("Sunset",), BOTH).change(metadata, "append").set)


FIELDS = [
    ("EXIF:ImageDescription", ["baseline.jpg", "rgb.png", "lossy.webp", "plain.heic", "rgb.avif", "single.tif"], set()),
    ("EXIF:UserComment", ["baseline.jpg", "rgb.png", "lossy.webp", "plain.heic", "single.tif"], set()),
    ("EXIF:XPTitle", ["baseline.jpg", "plain.heic", "lossy.webp", "single.tif"], {"description"}),
    ("EXIF:XPComment", ["baseline.jpg", "plain.heic", "rgb.png", "single.tif"], {"title"}),
    ("EXIF:XPSubject", ["baseline.jpg", "single.tif"], set()),
    ("File:Comment", ["baseline.jpg", "animated.gif"], set()),
    ("PNG:Title", ["rgb.png"], {"description"}),
    ("PNG:Description", ["rgb.png"], {"title"}),
    ("PNG:Comment", ["rgb.png"], set()),
    ("IPTC:Headline", ["baseline.jpg", "single.tif"], {"description"}),
    ("IPTC:ObjectName", ["baseline.jpg"], {"description"}),
    ("IPTC:Caption-Abstract", ["baseline.jpg", "single.tif"], {"title"}),
    ("XMP-photoshop:Headline", ["baseline.jpg", "rgb.png"], {"description"}),
    ("XMP-tiff:ImageDescription", ["baseline.jpg", "plain.heic"], set()),
    ("XMP-exif:UserComment", ["baseline.jpg", "lossy.webp"], set()),
    ("XMP-acdsee:Caption", ["baseline.jpg"], {"description"}),
    ("XMP-acdsee:Notes", ["baseline.jpg"], {"title"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "name", "free"), [(field, name, free) for field, names, free in FIELDS for name in names]
)
def test_a_caption_of_a_person_counts_wherever_it_stands(store, tmp_path, field, name, free):
    photo = made(tmp_path, name, f"-{field}={SAID}")
    before = store.read(photo)
    assert proposed(before) == free
    writes = store.write(
        photo, lambda seen: TagProposal(("Sunset",), BOTH).change(seen, "append"), lambda _: None
    )
    assert writes[-1].target == photo.path
    assert by_exiftool("-s3", f"-{field}", photo.path).decode().strip() == SAID
    shown = by_exiftool("-s3", "-XMP-dc:Title", "-XMP-dc:Description", photo.path).decode()
    assert set(shown.splitlines()) == {BOTH[name] for name in free}


@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png", "lossy.webp", "plain.heic", "single.tif"])
def test_without_one_the_model_may_write_one(store, tmp_path, name):
    assert proposed(store.read(made(tmp_path, name))) == set(BOTH)
    camera = made(tmp_path, name, "-EXIF:ImageDescription=OLYMPUS DIGITAL CAMERA         ")
    assert proposed(store.read(camera)) == set(BOTH)


def test_a_caption_in_a_sidecar_counts(store, tmp_path):
    photo = made(tmp_path, "baseline.jpg")
    for field in ("XMP-tiff:ImageDescription", "XMP-photoshop:Headline"):
        sidecar = tmp_path / "baseline.jpg.xmp"
        by_exiftool("-q", "-q", f"-{field}={SAID}", "-o", sidecar)
        assert "title" not in proposed(store.read(photo)), field
        sidecar.unlink()


@pytest.mark.parametrize("comment", ["Cat, Dog", "dog, cat"])
@pytest.mark.parametrize("field", ["EXIF:UserComment", "XMP-exif:UserComment"])
def test_a_list_of_the_tags_is_no_caption(store, tmp_path, comment, field):
    photo = made(
        tmp_path, "baseline.jpg", f"-{field}={comment}", "-XMP-dc:Subject=Cat", "-XMP-dc:Subject=Dog"
    )
    assert proposed(store.read(photo)) == set(BOTH)


def test_undo_leaves_the_caption_of_a_person(store, tmp_path):
    photo = made(tmp_path, "baseline.jpg", f"-EXIF:ImageDescription={SAID}")
    before, journal = photo.path.read_bytes(), []
    store.write(photo, lambda _: Change(add=("Sea",), set={"alt_text": "A beach"}), journal.append)
    write_by_exiftool("-XMP:Rating=3", photo.path)
    store.undo(journal[0], journal.append)
    after = store.read(photo)
    assert (after.tags, after.title, after.alt_text) == ((), SAID, "")
    store.undo(journal[1], journal.append)
    assert before != photo.path.read_bytes()


@pytest.mark.parametrize(
    "text",
    ["OLYMPUS DIGITAL CAMERA         ", "SAMSUNG CAMERA PICTURES", "SONY DSC", "default", "      ", "\0\0",
     "KODAK Digital Still Camera", "KONICA MINOLTA DIGITAL CAMERA", "DCIM\\100MEDIA\\DJI_0001.JPG", "Exif_JPEG_PICTURE",
     "Created with GIMP", "AppleMark\n", "DSC00019", "CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90\n",
     "Lavc58.134.100", "Screenshot", "000001", "oznorWO", "\x01\x02", "Untitled"],
)  # fmt: skip
def test_what_cameras_and_programs_put_there_is_no_caption(text):
    assert not is_said(text)


@pytest.mark.parametrize(
    "text",
    [SAID, "Oma", "1955", "My digital camera", "Default setting of the sun", "海", "Created by my son",
     "Processed by hand", "P.", "Imagine", "a cat, oil painting", "x" * 5000, "Hdr", "Line one\nline two", "50%", "Café 2"],
)  # fmt: skip
def test_what_people_say_is_one(text):
    assert is_said(text)
