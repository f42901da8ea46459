"""Files that are too large to be held in memory are read in parts, and get sidecars."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.photos import as_photo
from tagroll.domain import Change
from tagroll.errors import MetadataError, WriteError
from tagroll.metadata.copies import COPY, NewFile, make_files, take_back
from tagroll.metadata.files import safe_write
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"
NAMES = ["baseline.jpg", "rgb.png", "lossy.webp", "single.tif", "plain.heic", "raw.dng", "animated.gif"]


@pytest.fixture
def store(exiftool, monkeypatch):
    """For which 100 KB are large."""
    monkeypatch.setattr(safe_write, "LARGEST", 100_000)
    monkeypatch.setattr(safe_write, "_CHUNK", 7_001)
    return MetadataStore(exiftool=exiftool)


@pytest.fixture
def photo(tmp_path, request):
    """A photo with much behind it."""
    path = tmp_path / getattr(request, "param", NAMES[0])
    shutil.copyfile(FILES / path.name, path)
    os.truncate(path, 300_000)
    return as_photo(path)


def cat(_):
    return Change(add=("Cat",))


@pytest.mark.parametrize("photo", NAMES, indirect=True)
def test_a_large_photo_gets_a_sidecar(store, photo, tmp_path):
    before, rows = photo.path.read_bytes(), []
    why = "such files are not written into" if photo.path.suffix == ".dng" else "larger than"
    assert why in store.explain(photo).reason
    store.write(photo, cat, rows.append)
    assert [row.target.name for row in rows] == [photo.path.name + ".xmp"]
    assert rows[0].picture_hash == store.picture_hash(photo)
    assert store.read(photo).tags == ("Cat",)
    assert store.undo(rows[0], lambda _: None)
    assert photo.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [photo.path.name]


def test_its_hash_tells_pictures_apart(store, photo):
    known = store.picture_hash(photo)
    with photo.path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert store.picture_hash(photo) != known


@pytest.mark.usefixtures("store")
def test_without_sidecars_it_is_refused_with_the_reason(photo):
    with pytest.raises(WriteError, match="larger than"):
        MetadataStore(sidecar="never").write(photo, cat, pytest.fail)


def test_a_large_sidecar_is_an_error_and_never_empty(store, photo):
    sidecar = photo.path.with_name(photo.path.name + ".xmp")
    sidecar.write_bytes(bytes(200_000))
    with pytest.raises(MetadataError, match="too large"):
        store.read(photo)
    with pytest.raises(MetadataError, match="too large"):
        store.write(photo, cat, pytest.fail)
    assert sidecar.read_bytes() == bytes(200_000)


def test_a_photo_that_was_written_when_it_was_small_is_not_put_back_half(store, photo, monkeypatch):
    rows = []
    monkeypatch.setattr(safe_write, "LARGEST", 1 << 20)
    store.write(photo, cat, rows.append)
    assert rows[0].target == photo.path
    after = photo.path.read_bytes()
    monkeypatch.setattr(safe_write, "LARGEST", 100_000)
    with pytest.raises(MetadataError, match="too large"):
        store.undo(rows[0], pytest.fail)
    assert photo.path.read_bytes() == after


def test_a_large_copy_is_taken_back_when_nobody_has_changed_it(store, photo, tmp_path):
    rows = []
    make_files(photo, store.picture_hash(photo), [NewFile(tmp_path / "out" / "cat.jpg", COPY)], rows.append)
    copy = tmp_path / "out" / "cat.jpg"
    assert copy.read_bytes() == photo.path.read_bytes()
    with copy.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    with pytest.raises(WriteError, match="changed"):
        take_back(rows[0], pytest.fail)
    shutil.copyfile(photo.path, copy)
    assert take_back(rows[0], lambda _: None)
    assert not copy.exists()


CHILD = r"""
import re, sys
from pathlib import Path
from tagroll.domain import Change, Photo
from tagroll.formats import HEAD_BYTES, detect
from tagroll.exiftool.pool import available_exiftool
from tagroll.metadata.store import MetadataStore
path = Path(sys.argv[1])
photo = Photo(path, 0, 0, detect(path.open("rb").read(HEAD_BYTES), path.suffix))
store = MetadataStore(exiftool=available_exiftool()).__enter__()
store.picture_hash(photo)
store.write(photo, lambda _: Change(add=("Cat",)), lambda _: None)
# of this program alone: ru_maxrss begins with what the process had that started it
peak = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])
print(*store.read(photo).tags, peak < 300_000)
store.__exit__(None, None, None)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", ["rgb.png", "raw.dng"])
def test_600_megabytes_are_never_in_memory(tmp_path, name):
    photo = tmp_path / name
    shutil.copyfile(FILES / name, photo)
    os.truncate(photo, 600 << 20)
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, photo],
        capture_output=True,
        text=True,
        env=os.environ | path,
        check=False,
    )
    assert done.stdout == "Cat True\n", done
