"""Photos that carry tags in unusual ways: under a wrong name, beside the packets of auxiliary pictures, beside broken ones."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from tagroll.domain import Change, Photo
from tagroll.exiftool.pool import ExifTool, find_exiftool
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.containers.bmff import ItemXmp, heif_xmp
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"
COMMAND = find_exiftool()
pytestmark = pytest.mark.skipif(COMMAND is None, reason="no exiftool here")


@pytest.fixture(scope="module")
def exiftool():
    with ExifTool(COMMAND) as pool:
        yield pool


@pytest.fixture
def store(exiftool):
    return MetadataStore(exiftool=exiftool)


def as_photo(path: Path) -> Photo:
    data = path.read_bytes()
    return Photo(path, len(data), path.stat().st_mtime_ns, detect(data[:HEAD_BYTES], path.suffix))


def copy(sample: str, path: Path) -> Photo:
    shutil.copyfile(FILES / sample, path)
    return as_photo(path)


def by_exiftool(path: Path, *arguments: str) -> str:
    command = [*COMMAND, "-q", "-q", "-overwrite_original", *arguments, path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def changed(store: MetadataStore, photo: Photo, change: Change) -> list:
    """Write a change; gives what the journal got."""
    journal: list = []
    store.write(as_photo(photo.path), lambda _: change, journal.append)
    return journal


# the content of a file decides, not its name ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        ("plain.heic", "heic.jpg"), ("plain.heic", "heic.png"), ("plain.heic", "heic.avif"), ("rgb.avif", "avif.jpg"),
        ("rgb.avif", "avif.heic"), ("single.tif", "tif.jpg"), ("pages.tif", "pages.webp"), ("animated.gif", "gif.jpg"),
        ("raw.dng", "dng.jpg"), ("plain.jxl", "jxl.png"), ("rgb.png", "png.heic"), ("baseline.jpg", "jpeg.tif"),
        ("lossy.webp", "webp.gif"), ("single.tif", "tif.JPG"), ("plain.heic", "heic.mov"), ("animated.gif", "gif"),
    ],
)  # fmt: skip
def test_a_photo_under_a_wrong_name_is_embedded_and_undone(store, tmp_path, sample, name):
    photo = copy(sample, tmp_path / name)
    before = photo.path.read_bytes()
    done = changed(store, photo, Change(add=("Cat", "Dog")))
    assert [write.target for write in done] == [photo.path]
    assert "Cat, Dog" in by_exiftool(photo.path, "-XMP-dc:Subject")
    assert store.read(as_photo(photo.path)).tags == ("Cat", "Dog")
    store.undo(done[0], [].append)
    assert photo.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


# HEIC and AVIF: whose XMP it is -----------------------------------------------------------------------------


def xmp_of(path: Path) -> ItemXmp:
    return heif_xmp(io.BytesIO(path.read_bytes()))


def add_item(path: Path) -> bytes:
    """Give a photo the XMP of its own, by exiftool; the gain map's stays as it was."""
    (gain,) = xmp_of(path).others
    by_exiftool(path, "-XMP-dc:Subject=Anna", "-XMP-dc:Title=Mine")
    return gain


@pytest.mark.parametrize("own", [False, True], ids=["the only packet", "beside the photo's"])
def test_the_xmp_of_a_gain_map_is_left_alone_and_the_photo_written_again_and_again(store, tmp_path, own):
    photo = copy("gainmap.heic", tmp_path / "a.heic")
    gain = add_item(photo.path) if own else xmp_of(photo.path).others[0]
    mine = ("Anna",) if own else ()
    assert store.read(as_photo(photo.path)).tags == mine
    states, journal = [], []
    for change, tags in (
        (Change(add=("Beach", "Lake")), (*mine, "Beach", "Lake")),
        (Change(remove=("Beach",)), (*mine, "Lake")),
        (Change(add=("Sky",)), (*mine, "Lake", "Sky")),
    ):
        states.append(photo.path.read_bytes())
        journal += changed(store, photo, change)
        assert store.read(as_photo(photo.path)).tags == tags
        items = xmp_of(photo.path)
        assert items.others == [gain]
        assert len(items.photos) == 1
        assert b"HDRGainMap" not in items.photos[0]
        assert "Lake" in by_exiftool(photo.path, "-XMP-dc:Subject")
    for write in reversed(journal):
        store.undo(write, [].append)
        assert photo.path.read_bytes() == states.pop()
    assert [path.name for path in tmp_path.iterdir()] == ["a.heic"]


def test_the_tags_of_many_photos_are_those_of_the_photos(store, tmp_path):
    photos = [copy("gainmap.heic", tmp_path / f"{number}.heic") for number in range(3)]
    add_item(photos[1].path)
    tags = [found.tags for found in store.read_many([as_photo(photo.path) for photo in photos])]
    assert tags == [(), ("Anna",), ()]


def test_tags_in_the_xmp_of_an_auxiliary_picture_are_not_the_photos(store, tmp_path):
    photo = copy("gainmap.heic", tmp_path / "a.heic")
    data = photo.path.read_bytes()
    named = data.replace(b"HDRGainMapVersion", b"HDRGainMapVertoon").replace(
        b"http://ns.apple.com/HDRGainMap/1.0/", b"http://purl.org/dc/elements/1.1/   "
    )
    assert len(named) == len(data)
    photo.path.write_bytes(named)
    assert store.read(as_photo(photo.path)).tags == ()


def refer(data: bytes, to: int) -> bytes:
    """The XMP item's reference, turned to another item."""
    at = data.index(b"cdsc") + 8
    return data[:at] + to.to_bytes(2, "big") + data[at + 2 :]


@pytest.mark.parametrize(
    ("to", "kind", "photos", "others"),
    [
        (1, b"auxl", 1, 0), (2, b"auxl", 0, 1), (2, b"thmb", 0, 1),
        (2, b"dimg", 0, 1),  # item 2 is made of the primary one, not the other way round
    ],
)  # fmt: skip
def test_whose_xmp_it_is(tmp_path, to, kind, photos, others):
    path = tmp_path / "a.heic"
    path.write_bytes(refer((FILES / "gainmap.heic").read_bytes(), to).replace(b"auxl", kind))
    items = xmp_of(path)
    assert (len(items.photos), len(items.others)) == (photos, others)


def test_what_the_photo_is_made_of_counts_where_it_has_none_itself(tmp_path):
    data = (FILES / "gainmap.heic").read_bytes()
    at = data.index(b"auxl")
    # item 1 is now derived from item 2
    made_of = data[:at] + b"dimg" + b"\0\1\0\1\0\2" + data[at + 10 :]
    path = tmp_path / "a.heic"
    path.write_bytes(made_of)
    assert len(xmp_of(path).photos) == 1


def test_xmp_that_refers_to_nothing_is_seen_and_the_photo_beside_it_left_alone(store, tmp_path):
    photo = copy("gainmap.heic", tmp_path / "a.heic")
    add_item(photo.path)
    data = photo.path.read_bytes()
    first = data.index(b"cdsc")
    assert data[first + 8 : first + 10] == b"\0\2"
    photo.path.write_bytes(data[:first] + b"none" + data[first + 4 :])
    (write,) = changed(store, photo, Change(add=("Lake",)))
    assert store.read(as_photo(photo.path)).tags == ("Anna", "Lake")
    assert write.target == tmp_path / "a.heic.xmp"


def test_the_only_xmp_is_the_photos_though_it_refers_to_nothing(store, tmp_path):
    photo = copy("plain.heic", tmp_path / "a.heic")
    by_exiftool(photo.path, "-XMP-dc:Subject=Anna")
    photo.path.write_bytes(photo.path.read_bytes().replace(b"cdsc", b"none"))
    for tag in ("Lake", "Sky"):
        changed(store, photo, Change(add=(tag,)))
    assert store.read(as_photo(photo.path)).tags == ("Anna", "Lake", "Sky")
