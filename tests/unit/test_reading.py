"""Reading the tags of many photos: from files, in processes, by exiftool, from the index."""

import os
import shutil
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from support.judge import COMMAND, NEEDS_EXIFTOOL
from support.photos import as_photo
from tagroll.catalog import Catalog, PhotoRow
from tagroll.domain import Change, Outcome, Photo, Status
from tagroll.errors import MetadataError
from tagroll.exiftool.pool import ExifTool
from tagroll.exiftool.process import Process
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.store import MetadataStore
from tagroll.photos.scan import scan
from tagroll.runs import read as reading
from tagroll.runs.read import Reader

FILES = Path(__file__).parents[1] / "files"


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as opened:
        yield opened


@pytest.fixture(scope="module")
def tagged(exiftool, tmp_path_factory):
    """One tagged photo of every format that can be written here, each with a tag of its own."""
    folder = tmp_path_factory.mktemp("tagged")
    store = MetadataStore(exiftool=exiftool)
    for source in FILES.iterdir():
        fmt = detect(source.read_bytes()[:HEAD_BYTES], source.suffix)
        if fmt:
            path = Path(shutil.copy(source, folder))
            store.write(
                Photo(path, 0, 0, fmt),
                lambda _, path=path: Change(add=("All", path.name)),
                lambda _: None,
            )
    return folder


@pytest.fixture
def library(tagged, tmp_path):
    return shutil.copytree(tagged, tmp_path / "photos")


def photos(folder: Path) -> list[Photo | Outcome]:
    return list(scan([folder], on_unreadable=lambda *_: pytest.fail("unreadable")))


def tags(outcomes: list[Outcome]) -> dict[str, tuple[str, ...]]:
    return {outcome.path.name: outcome.tags for outcome in outcomes}


@NEEDS_EXIFTOOL
def test_what_is_read_together_is_what_is_read_alone(exiftool, library, catalog):
    store = MetadataStore(exiftool=exiftool)
    found = list(Reader(store, catalog).read(photos(library)))
    assert tags(found) == {photo.path.name: store.read(photo).tags for photo in photos(library)}
    assert len(found) == len(list(library.glob("*.*"))) - len(list(library.glob("*.xmp"))) > 15
    assert all(outcome.tags == ("All", outcome.path.name) for outcome in found)


@NEEDS_EXIFTOOL
def test_exiftool_is_asked_about_many_at_once(exiftool, library, monkeypatch):
    commands = []
    real = Process.run
    monkeypatch.setattr(Process, "run", lambda self, *asked: commands.append(asked) or real(self, *asked))
    store = MetadataStore(exiftool=exiftool)
    store.read_many([photo for photo in photos(library) if photo.format.name != "jxl"])
    assert len(commands) == 1


@NEEDS_EXIFTOOL
def test_one_bad_file_fails_alone(exiftool, library, catalog):
    whole = (library / "plain.heic").read_bytes()
    (library / "cut.heic").write_bytes(whole[:40])
    (library / "damaged.tif").write_bytes((library / "single.tif").read_bytes()[:8] + b"\xff" * 64)
    store = MetadataStore(exiftool=exiftool)
    found = {outcome.path.name: outcome for outcome in Reader(store, catalog).read(photos(library))}
    failed = {name for name, outcome in found.items() if outcome.status is Status.FAILED}
    assert failed == {"cut.heic", "damaged.tif"}
    assert all(found[name].error for name in failed)
    assert found["plain.heic"].tags == ("All", "plain.heic")


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", ["plain.heic", "rgb.avif"])
def test_what_a_phone_adds_behind_a_whole_photo_does_not_hide_that_it_has_no_tags(exiftool, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(
        (FILES / name).read_bytes() + b"\0\0\0\x10mdat-a video" + b"v2_f31".ljust(40) + b"LIVE_123"
    )
    photo = as_photo(path)
    store = MetadataStore(exiftool=exiftool)
    assert store.read(photo).tags == ()
    (write,) = store.write(photo, lambda _: Change(add=("Beach",)), lambda _: None)
    assert write.engine == "sidecar"
    path.write_bytes((FILES / name).read_bytes()[:-40])  # cut off: tags may be with the lost data
    with pytest.raises(MetadataError, match="mdat"):
        store.read(photo)


@NEEDS_EXIFTOOL
def test_a_file_that_kills_exiftool_does_not_take_the_others_along(library, catalog, monkeypatch):
    real = Process.run

    def run(self, arguments, timeout_s):
        if any(Path(name).resolve().name == "rotated.heic" for name in arguments):
            self._process.kill()  # as a file may do that makes exiftool use up all memory
        return real(self, arguments, timeout_s)

    monkeypatch.setattr(Process, "run", run)
    with MetadataStore(exiftool=ExifTool(COMMAND)) as store:
        found = {outcome.path.name: outcome for outcome in Reader(store, catalog).read(photos(library))}
    assert [name for name, outcome in found.items() if outcome.status is Status.FAILED] == ["rotated.heic"]
    assert "exiftool" in found["rotated.heic"].error


def test_processes_read_what_we_read(library, catalog, monkeypatch):
    (library / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    here = list(Reader(MetadataStore(), catalog).read(photos(library)))
    catalog.photos.forget([outcome.path for outcome in here])
    monkeypatch.setattr(reading, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(reading, "SHARE", 3)
    away = list(Reader(MetadataStore(), catalog).read(photos(library)))
    assert away == here
    assert {outcome.path.name for outcome in away if outcome.status is Status.FAILED} >= {"broken.jpg"}


def test_what_a_killed_process_was_to_read_is_read_here(library, catalog, monkeypatch):
    here = list(Reader(MetadataStore(), catalog).read(photos(library)))
    catalog.photos.forget([outcome.path for outcome in here])

    class Pool(ProcessPoolExecutor):
        def submit(self, *work):
            return super().submit(*work if self._processes else (os._exit, 9))

    monkeypatch.setattr(reading, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(reading, "cores", lambda: 1)
    monkeypatch.setattr(reading, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(reading, "BATCH", 4)
    monkeypatch.setattr(reading, "SHARE", 2)
    assert list(Reader(MetadataStore(), catalog).read(photos(library))) == here


def test_every_item_comes_back_in_order_whatever_the_batches(library, catalog, monkeypatch):
    given = photos(library)
    given.insert(2, Outcome(library / "gone.jpg", Status.FAILED, error="gone"))
    whole = list(Reader(MetadataStore(), catalog).read(given))
    assert [outcome.path for outcome in whole] == [item.path for item in given]
    monkeypatch.setattr(reading, "BATCH", 4)
    assert list(Reader(MetadataStore(), catalog).read(given)) == whole
    catalog.photos.forget([outcome.path for outcome in whole])  # the same when each batch has to be read
    assert list(Reader(MetadataStore(), catalog).read(given)) == whole
    monkeypatch.setattr(reading, "WORTH_PROCESSES", 1)
    catalog.photos.forget([outcome.path for outcome in whole])
    assert list(Reader(MetadataStore(), catalog).read(given)) == whole


def test_a_photo_that_is_gone_is_not_answered_from_a_row_that_counts_no_more(library, catalog):
    photo = next(photo for photo in photos(library) if photo.path.suffix == ".jpg")
    assert next(Reader(MetadataStore(), catalog).read([photo])).tags == ("All", photo.path.name)
    catalog.photos.forget([photo.path])
    photo.path.unlink()
    assert next(Reader(MetadataStore(), catalog).read([photo])).status is Status.FAILED


def test_who_ends_early_does_not_wait_for_what_was_begun_ahead(library, catalog, monkeypatch):
    asked = []

    class Pool(ProcessPoolExecutor):
        def submit(self, *work):
            asked.append(super().submit(*work))
            return asked[-1]

    monkeypatch.setattr(reading, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(reading, "cores", lambda: 1)
    monkeypatch.setattr(reading, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(reading, "BATCH", 512)
    monkeypatch.setattr(reading, "SHARE", 8)
    photo = next(photo for photo in photos(library) if photo.path.suffix == ".jpg")
    outcomes = Reader(MetadataStore(), catalog).read([photo] * 3 * reading.BATCH)
    assert next(outcomes).tags == ("All", photo.path.name)
    outcomes.close()
    assert len(asked) == 2 * 512 // 8
    assert any(future.cancelled() for future in asked)


def test_photos_that_fail_are_not_kept_in_memory(library):
    whole = (library / "rgb.avif").read_bytes()
    given = []
    for number in range(4):
        path = library / f"large{number}.avif"
        path.write_bytes(whole + b"<dc:subject>" + bytes(1 << 20))
        given.append(Photo(path, 0, 0, detect(whole[:HEAD_BYTES], ".avif")))
    tracemalloc.start()
    try:
        errors = MetadataStore().read_many(given)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all("only exiftool can read" in error.message and error.hint for error in errors)
    assert held < 1 << 19


def test_what_did_not_change_is_not_opened_again(library, catalog, monkeypatch):
    first = list(Reader(MetadataStore(), catalog).read(photos(library)))
    opened = []
    real = MetadataStore.read_many
    monkeypatch.setattr(
        MetadataStore, "read_many", lambda self, asked: opened.extend(asked) or real(self, asked)
    )
    changed = next(outcome.path for outcome in first if outcome.path.suffix == ".png")
    MetadataStore().write(
        next(photo for photo in photos(library) if photo.path == changed),
        lambda _: Change(add=("New",)), lambda _: None,
    )  # fmt: skip
    second = list(Reader(MetadataStore(), catalog).read(photos(library)))
    failed = {outcome.path for outcome in first if outcome.status is Status.FAILED}
    assert {photo.path for photo in opened} == {changed} | failed
    assert tags(second)[changed.name] == ("All", changed.name, "New")


def test_what_tagging_wanted_of_a_photo_is_kept_when_it_is_read_anew(library, catalog):
    photo = next(photo for photo in photos(library) if photo.path.suffix == ".jpg")
    wanted = {"tags": ["Beach"]}
    catalog.photos.conclude({}, PhotoRow(photo.path, "of long ago", "hash", ("Old",), wanted))
    catalog.runs.start("tags", [])  # committed after it
    assert next(Reader(MetadataStore(), catalog).read([photo])).tags == ("All", photo.path.name)
    row = catalog.photos.at(photo.path)
    assert (row.tags, row.wanted) == (("All", photo.path.name), wanted)
    assert (row.picture_hash, row.pictured) == (
        "hash",
        False,
    )  # of the file as it was: a head says nothing of it
