"""Small pictures for people: right, kept, last wished first made, and private."""

import io
import shutil
import sqlite3
import stat
import threading
from concurrent.futures import CancelledError
from contextlib import ExitStack

import pytest
from PIL import Image

from support.photos import FILES, as_photo
from tagroll.domain import Form
from tagroll.errors import MetadataError, PictureError
from tagroll.photos.preview import kept
from tagroll.photos.preview.decode import make_picture
from tagroll.photos.preview.kept import KeptPictures
from tagroll.photos.preview.pool import PreviewPool
from tagroll.runs.gallery import Gallery
from tagroll.runs.run import Workspace
from tagroll.runs.thumbnails import THUMB, Thumbnails
from tagroll.settings import Settings


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    "name", ["baseline.jpg", "rgb.png", "lossless.webp", "rotated.heic", "animated.gif", "rgb.avif"]
)
def test_a_picture_is_what_the_photo_shows(name):
    photo = as_photo(FILES / name)
    whole = opened(make_picture(photo.path, photo.format, Form(4096)))
    small = opened(make_picture(photo.path, photo.format, Form(24)))
    assert (whole.format, small.format) == ("WEBP", "WEBP")
    assert max(small.size) == min(24, max(whole.size)), "no more than was wanted, and nothing is enlarged"
    assert abs(small.width / small.height - whole.width / whole.height) < 0.1
    average = [
        image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) for image in (small, whole)
    ]
    assert all(abs(one - other) < 12 for one, other in zip(*average, strict=True))


@pytest.mark.parametrize("long_edge", [64, 150, 384])
def test_a_large_jpeg_is_drafted_to_the_size_that_is_wanted(tmp_path, long_edge):
    image = Image.linear_gradient("L").resize((1200, 800)).convert("RGB")
    image.save(tmp_path / "a.jpg", quality=95)
    small = opened(
        make_picture(tmp_path / "a.jpg", as_photo(tmp_path / "a.jpg").format, Form(long_edge, "jpeg"))
    )
    assert (small.format, small.width) == ("JPEG", long_edge)
    wanted = image.resize(small.size, Image.Resampling.LANCZOS)
    pixels = [(x, y) for x in (1, small.width - 2) for y in (1, small.height // 2, small.height - 2)]
    assert all(abs(small.getpixel(at)[0] - wanted.getpixel(at)[0]) < 9 for at in pixels)


def test_the_pool_makes_pictures_and_previews_alike(tmp_path):
    photo = as_photo(FILES / "baseline.jpg")
    (tmp_path / "broken.jpg").write_bytes(photo.path.read_bytes()[:400])
    with PreviewPool(1) as pool:
        assert pool.picture(photo, Form(32)) == make_picture(photo.path, photo.format, Form(32))
        with pytest.raises(PictureError):
            pool.picture(as_photo(tmp_path / "broken.jpg"), Form(32))
        assert pool.make(photo).jpeg[:2] == b"\xff\xd8"


# keeping ------------------------------------------------------------------------------------------------


def test_pictures_are_kept_by_hash_and_size_for_the_owner_alone(tmp_path):
    file = tmp_path / "cache" / "tagroll" / "pictures.sqlite"
    pictures = KeptPictures(file)
    pictures.keep("a", 384, b"small")
    pictures.keep("a", 1600, b"large")
    pictures.close()
    again = KeptPictures(file)
    assert [again.find("a", 384), again.find("a", 1600), again.find("b", 384)] == [b"small", b"large", None]
    for path, mode in ((file, 0o600), (file.parent, 0o700)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    again.close()
    assert again.find("a", 384) is None


def test_what_was_not_looked_at_for_the_longest_time_goes_first(tmp_path, monkeypatch):
    day = 0
    monkeypatch.setattr(kept, "_today", lambda: day * 86_400)
    pictures = KeptPictures(tmp_path / "p", limit=1000)
    for day in range(9):
        pictures.keep(str(day), 384, bytes(100))
    day = 10
    assert pictures.find("0", 384)
    for day in (11, 12):
        pictures.keep(str(day), 384, bytes(100))
    there = [name for name in map(str, range(13)) if pictures.find(name, 384)]
    pictures.close()
    assert "0" in there, "it was looked at since"
    assert {"11", "12"} <= set(there)
    assert not {"1", "2"} & set(there)
    assert len(there) * 100 <= 1000


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_file_is_begun_anew(tmp_path, damage):
    (tmp_path / "p").write_bytes(damage)
    pictures = KeptPictures(tmp_path / "p")
    pictures.keep("a", 384, b"new")
    assert pictures.find("a", 384) == b"new"
    pictures.close()


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_another_server_that_has_the_file_takes_nothing_away(tmp_path, when, monkeypatch):
    monkeypatch.setattr(kept, "PATIENCE", 0.01)
    first = KeptPictures(tmp_path / "p")
    first.keep("a", 384, b"kept")
    other = sqlite3.connect(tmp_path / "p", isolation_level=None)
    pictures = None if when == "before" else KeptPictures(tmp_path / "p")
    other.execute("BEGIN IMMEDIATE")
    pictures = pictures or KeptPictures(tmp_path / "p")
    pictures.keep("b", 384, b"not kept")
    assert pictures.find("a", 384) == b"kept"
    other.execute("ROLLBACK")
    other.close()
    pictures.keep("c", 384, b"kept again")
    assert pictures.find("c", 384) == first.find("c", 384) == b"kept again"
    for one in (first, pictures):
        one.close()


def test_who_looks_for_a_picture_waits_for_nobody_who_keeps_one(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "PATIENCE", 60)
    pictures = KeptPictures(tmp_path / "p")
    pictures.keep("a", 384, b"kept")
    other = sqlite3.connect(tmp_path / "p", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    keeping = threading.Thread(target=pictures.keep, args=("b", 384, b"later"))
    keeping.start()
    monkeypatch.setattr(kept, "_today", lambda: 1 << 40)  # a day on which it was not looked at yet
    assert pictures.find("a", 384) == b"kept"
    assert keeping.is_alive(), "it waits for the other one"
    other.execute("ROLLBACK")
    keeping.join()
    pictures.close()
    ((seen,),) = other.execute("SELECT seen FROM pictures WHERE hash = 'a'").fetchall()
    assert (seen, pictures.find("b", 384)) == (1 << 40, None)
    other.close()


def test_a_folder_that_cannot_be_made_costs_only_the_keeping(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    pictures = KeptPictures(tmp_path / "file" / "p")
    pictures.keep("a", 384, b"x")
    assert pictures.find("a", 384) is None
    pictures.close()


# wishing ------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path):
    """A gallery of three photos, one of them broken, and its thumbnails."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("baseline.jpg", "rgb.png"):
        shutil.copy(FILES / name, photos)
    (photos / "broken.jpg").write_bytes((FILES / "baseline.jpg").read_bytes()[:-300])
    with ExitStack() as resources:
        space = resources.enter_context(Workspace.open(Settings(catalog=tmp_path / "c"), hold=False))
        gallery = Gallery(space, [photos])
        gallery.refresh(lambda _: None)
        thumbnails = Thumbnails.open(space, gallery, tmp_path / "pictures.sqlite")
        resources.callback(thumbnails.close)
        yield space, gallery, thumbnails, {shown.path.name: shown.id for shown in gallery.all_shown()}


def test_a_wish_is_granted_once_and_kept_and_fills_the_index(home):
    space, gallery, thumbnails, numbers = home
    number = numbers["rgb.png"]
    before = gallery.shown(number)
    made = thumbnails.ask(number, THUMB).result(60)
    space.catalog.photos.settled()
    shown = gallery.shown(number)
    assert (before.picture_hash, len(shown.picture_hash) > 20) == ("", True)
    assert thumbnails.find(shown.picture_hash, THUMB) == made
    assert thumbnails.ask(number, THUMB).result(60) == made
    keys = [
        f"{gallery.mark:04x}{shown.picture_hash[:4]}",
        f"{gallery.mark ^ 1:04x}{shown.picture_hash[:4]}",
        "00000000",
    ]
    assert [thumbnails.is_current(key, shown.picture_hash, shown.stamp) for key in keys] == [
        True,
        False,
        False,
    ]
    with pytest.raises(PictureError, match=r"cut off|truncated"):
        thumbnails.ask(numbers["broken.jpg"], THUMB).result(60)
    gallery.shown(number).path.unlink()
    with pytest.raises(MetadataError, match="not there"):
        thumbnails.ask(number, THUMB).result(60)


def test_what_was_wished_last_is_made_first_and_what_was_given_up_never(home, monkeypatch):
    _, _, thumbnails, _ = home
    monkeypatch.setattr("tagroll.runs.thumbnails.cores", lambda: 1)
    go, begun, made = threading.Event(), threading.Event(), []

    def picture(number, _):
        begun.set()
        assert go.wait(60)
        made.append(number)
        return b""

    monkeypatch.setattr(thumbnails, "_picture", picture)
    wishes = [thumbnails.ask(0, THUMB)]
    assert begun.wait(60)
    wishes += [thumbnails.ask(number, THUMB) for number in (1, 2, 3, 4)]
    assert wishes[3].cancel()
    go.set()
    for wish in (*wishes[:3], wishes[4]):
        wish.result(60)
    assert made == [0, 4, 2, 1]


def test_closing_tells_those_who_wait(home):
    _, _, thumbnails, _ = home
    go = threading.Event()
    thumbnails._picture = lambda *_: bytes(go.wait(60))
    wishes = [thumbnails.ask(1, THUMB) for _ in range(200)]
    threading.Timer(0.2, go.set).start()
    thumbnails.close()
    with pytest.raises(CancelledError):
        wishes[100].result(60)
