"""A gallery: what it shows of real files, what it packs, how it follows what others do to them."""

import gzip
import json
import os
import shutil
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from support.photos import FILES, copy
from tagroll.catalog import About, PhotoRow
from tagroll.domain import Change, Facts
from tagroll.errors import MetadataError, UsageError
from tagroll.metadata.store import MetadataStore
from tagroll.runs import gallery as module
from tagroll.runs.columns import CAPTION, FILE_DATE, REVIEW, UNREADABLE
from tagroll.runs.gallery import Gallery, Progress
from tagroll.runs.read import Reader
from tagroll.runs.run import Workspace
from tagroll.runs.walked import Walked
from tagroll.settings import Settings

TYPES = {"u8": "<u1", "i8": "<i1", "u16": "<u2", "u32": "<u4", "i32": "<i4", "f32": "<f4"}


@pytest.fixture
def space(tmp_path) -> Iterator[Workspace]:
    with Workspace.open(Settings(catalog=tmp_path / "catalog.sqlite"), hold=False) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "Pictures"
    for name in ("2019/Oslo/a.jpg", "2019/b.jpg", "c.jpg"):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo = copy("baseline.jpg", path)
        change = Change(add=("All", f"Name|{path.stem}"), set={"title": "Fjord"} if path.stem == "a" else {})
        MetadataStore().write(photo, lambda _, change=change: change, lambda _: None)
    return place


def opened(space: Workspace, folder: Path) -> Gallery:
    gallery = Gallery(space, [folder])
    gallery.refresh(lambda _: None)
    return gallery


def by_name(gallery: Gallery) -> dict[str, int]:
    return {photo.path.name: photo.id for photo in gallery.all_shown()}


def unpacked(gallery: Gallery) -> tuple[dict, dict[str, np.ndarray]]:
    """The head and the columns, as a page reads them."""
    data = gzip.decompress(gallery.columns())
    (size,) = struct.unpack_from("<I", data)
    head, at, columns = json.loads(data[4 : 4 + size]), 4 + size, {}
    for column in head["columns"]:
        assert at % 8 == 0, column
        kind = np.dtype(TYPES[column["type"]])
        columns[column["name"]] = np.frombuffer(data, kind, column["length"], at)
        at += -(-column["length"] * kind.itemsize // 8) * 8
    assert at == len(data)
    return head, columns


def said(gallery: Gallery) -> list[tuple]:
    """What the columns say of each photo, in order."""
    head, columns = unpacked(gallery)
    names, starts = [name for name, _ in head["tags"]], np.cumsum(columns["ntags"]) - columns["ntags"]
    return [
        (
            int(columns["id"][n]), int(columns["aspect"][n]), int(np.cumsum(columns["minute"])[n]),
            head["folders"][columns["folder"][n]], ["", *head["cameras"]][columns["camera"][n]], int(columns["rating"][n]),
            int(columns["flags"][n]), int(columns["key"][n]),
            tuple(names[i] for i in columns["tags"][starts[n] :][: columns["ntags"][n]]),
        )
        for n in range(head["count"])
    ]  # fmt: skip


def test_columns_say_what_the_files_say(space, folder):
    gallery = opened(space, folder)
    head, columns = unpacked(gallery)
    assert head["version"] == 1
    assert head["generation"] == gallery.generation
    assert head["tags"] == [["All", 3], ["Name|a", 1], ["Name|b", 1], ["Name|c", 1]]
    assert sorted(head["folders"]) == ["Pictures", "Pictures/2019", "Pictures/2019/Oslo"]
    assert head["roots"] == [str(folder)]
    assert [column["name"] for column in head["columns"]] == [
        "id", "aspect", "minute", "folder", "camera", "rating", "lat", "lon", "flags", "key", "ntags", "tags",
    ]  # fmt: skip
    found = {one[0]: one for one in said(gallery)}
    for photo in gallery.all_shown():
        _, aspect, minute, place, camera, rating, flags, key, tags = found[photo.id]
        assert (aspect, place, camera, rating) == (1500, photo.folder, "", -128)
        assert tags == ("Name|" + photo.path.stem, "All") == photo.tags or tags == photo.tags
        moment = photo.path.stat().st_mtime
        assert minute == (int(moment) + time.localtime(moment).tm_gmtoff) // 60
        assert bool(flags & CAPTION) == (photo.path.name == "a.jpg")
        assert flags & FILE_DATE
        assert key
    assert np.isnan(columns["lat"]).all()


def test_photos_stand_with_the_newest_first_and_then_by_path(space, folder):
    for name, moment in (
        ("2019/b.jpg", 2_000_000_000),
        ("c.jpg", 1_000_000_000),
        ("2019/Oslo/a.jpg", 1_000_000_000),
    ):
        os.utime(folder / name, (moment, moment))
    gallery = opened(space, folder)
    assert [photo.path.name for photo in gallery.all_shown()] == ["b.jpg", "a.jpg", "c.jpg"]


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_patched_is_what_would_be_built_anew(space, folder, count):
    gallery = opened(space, folder)
    numbers = by_name(gallery)
    generation, before = gallery.generation, gallery.columns()
    assert gallery.columns() is before
    paths = [gallery.shown(number).path for number in list(numbers.values())[:count]]
    with space.begin("serve", []) as run:
        for path in paths:
            number = numbers[path.name]
            run.write(
                gallery.photo(number), lambda _: Change(add=("New",), remove=("All",), set={"title": "T"})
            )
    gallery.changed(paths)
    assert gallery.generation != generation
    fresh = Gallery(space, [folder])
    assert said(gallery) == said(fresh)
    assert ["New", count] in unpacked(gallery)[0]["tags"]
    assert all("New" in gallery.shown(numbers[path.name]).tags for path in paths)
    gallery.refresh(lambda _: None)
    assert said(gallery) == said(fresh)


def test_what_an_undo_forgot_is_read_again(space, folder):
    gallery = opened(space, folder)
    number = by_name(gallery)["a.jpg"]
    path = gallery.shown(number).path
    photo = gallery.photo(number)
    MetadataStore().write(photo, lambda _: Change(remove=("All",)), lambda _: None)
    space.catalog.photos.forget([path])
    gallery.changed([path])
    assert "All" not in gallery.shown(number).tags


def test_what_is_gone_is_not_shown_and_keeps_its_number(space, folder):
    gallery = opened(space, folder)
    numbers = by_name(gallery)
    away = folder.with_name("away.jpg")
    (folder / "c.jpg").rename(away)
    gallery.refresh(lambda _: None)
    assert by_name(gallery) == {name: numbers[name] for name in ("a.jpg", "b.jpg")}
    assert gallery.shown(numbers["c.jpg"]) is None
    with pytest.raises(MetadataError):
        gallery.photo(numbers["c.jpg"])
    away.rename(folder / "c.jpg")
    gallery.refresh(lambda _: None)
    assert by_name(gallery) == numbers


def test_a_file_that_vanishes_between_two_looks_says_so(space, folder):
    gallery = opened(space, folder)
    (folder / "c.jpg").unlink()
    with pytest.raises(MetadataError, match="not there"):
        gallery.photo(by_name(gallery)["c.jpg"])


@pytest.mark.parametrize("linked", ["c.jpg", "2019", "2019/Oslo"])
def test_a_link_that_takes_a_photos_place_does_not_lead_out(space, folder, linked):
    gallery, outside = opened(space, folder), folder.parent / "outside"
    (folder / linked).rename(outside)
    (folder / linked).symlink_to(outside)
    for name, number in by_name(gallery).items():
        if name == "c.jpg" if linked == "c.jpg" else name.startswith("a"):
            with pytest.raises(MetadataError, match="leads out"):
                gallery.photo(number)
    served = Gallery(space, [folder / linked])  # who names a link means what it leads to
    served.refresh(lambda _: None)
    assert len(served) > 0
    assert all(served.photo(number).path for number in by_name(served).values())


def test_a_sidecar_that_becomes_a_link_out_is_not_followed(space, folder):
    gallery = opened(space, folder)
    (folder / "c.xmp").symlink_to(copy("baseline.jpg", folder.parent / "outside.jpg").path)
    with pytest.raises(MetadataError):
        gallery.photo(by_name(gallery)["c.jpg"])


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may list any folder")
def test_a_folder_that_cannot_be_listed_takes_nothing_away_by_its_mode(space, folder):
    gallery = opened(space, folder)
    (folder / "2019").chmod(0)
    try:
        gallery.refresh(lambda _: None)
        assert len(by_name(gallery)) == 3
    finally:
        (folder / "2019").chmod(0o755)


def test_a_folder_that_cannot_be_listed_takes_nothing_away(space, folder, monkeypatch):
    gallery = opened(space, folder)
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("2019"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("tagroll.photos.scan.os.scandir", scandir)
    gallery.refresh(lambda _: None)
    assert set(by_name(gallery)) == {"a.jpg", "b.jpg", "c.jpg"}


def test_a_library_that_is_not_there_is_an_error_and_takes_nothing_away(space, folder):
    gallery = opened(space, folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(UsageError):
        gallery.refresh(lambda _: None)
    assert len(by_name(gallery)) == 3


@pytest.mark.parametrize("place", ["", "2019"])
def test_a_drive_that_is_not_connected_takes_nothing_away_and_is_told(space, folder, place):
    gallery = opened(space, folder)
    numbers, drive, aside = by_name(gallery), folder / place, folder.parent / "aside"
    inside = [photo.id for photo in gallery.all_shown() if photo.path.is_relative_to(drive)]
    drive.rename(aside)
    drive.mkdir()  # as the place where it is mounted looks then
    gallery.refresh(lambda _: None)
    assert by_name(gallery) == numbers
    (note,) = gallery.notes
    assert note.startswith(f"{drive} is empty now: what was in it ({len(inside)} photos) is shown")
    shutil.copyfile(FILES / "rgb.png", drive / "new.png")  # so it is no drive that is away
    gallery.refresh(lambda _: None)
    assert set(by_name(gallery)) == {*numbers, "new.png"} - {
        gallery_name for gallery_name, n in numbers.items() if n in inside
    }
    assert gallery.notes == ()
    shutil.rmtree(drive)
    aside.rename(drive)
    gallery.refresh(lambda _: None)
    assert (by_name(gallery), gallery.notes) == (numbers, ())


def test_a_path_that_is_not_there_keeps_nobody_from_looking_at_the_others(space, folder):
    both = Gallery(space, [folder / "2019", other := folder.parent / "other"])
    shutil.copytree(folder / "2019", other)
    both.refresh(lambda _: None)
    shutil.rmtree(other)
    shutil.copyfile(FILES / "rgb.png", folder / "2019" / "new.png")
    (folder / "2019" / "b.jpg").unlink()
    both.refresh(lambda _: None)
    assert sorted(photo.path.relative_to(folder.parent).as_posix() for photo in both.all_shown()) == [
        "Pictures/2019/Oslo/a.jpg", "Pictures/2019/new.png", "other/Oslo/a.jpg", "other/b.jpg",
    ]  # fmt: skip
    assert both.notes == (
        f"{other} is not there now: what was in it (2 photos) is shown as it was seen last. Is its drive connected?",
    )


def test_a_path_of_which_the_system_tells_only_an_error_is_one_that_is_not_there(folder):
    bad = folder.parent / ("x" * 300)  # as a drive that fails: no file can be asked for
    walked = Walked([bad, folder])
    assert walked.there == [folder]
    assert walked.gone([(1, os.fsencode(bad / "a.jpg")), (2, os.fsencode(folder / "none.jpg"))]) == [2]
    assert walked.notes()[0].startswith(f"{bad} is not there now: what was in it (1 photo)")


def test_what_is_excluded_stays_as_it_was_known(space, folder):
    gallery = opened(space, folder)
    numbers = by_name(gallery)
    shutil.copyfile(FILES / "rgb.png", folder / "2019" / "new.png")
    (folder / "c.jpg").unlink()
    gallery.refresh(lambda _: None, ["2019"])
    assert by_name(gallery) == {name: numbers[name] for name in ("a.jpg", "b.jpg")}


def test_only_what_lies_in_the_paths_is_shown(space, folder):
    whole = opened(space, folder)
    part = Gallery(space, [folder / "2019"])
    assert set(by_name(part)) == {"a.jpg", "b.jpg"}
    assert part.shown(by_name(whole)["c.jpg"]) is None
    assert set(unpacked(part)[0]["folders"]) == {"2019", "2019/Oslo"}
    part.refresh(lambda _: None)
    assert set(by_name(whole)) == {"a.jpg", "b.jpg", "c.jpg"}
    assert len(Gallery(space, [])) == 3


def test_what_cannot_be_read_is_shown_with_its_reason(space, folder):
    (folder / "cut.jpg").write_bytes((FILES / "baseline.jpg").read_bytes()[:20])
    (folder / "none.jpg").write_bytes(b"")
    gallery = opened(space, folder)
    numbers = by_name(gallery)
    for name, reason in (("cut.jpg", "cut off"), ("none.jpg", "is empty")):
        photo = gallery.shown(numbers[name])
        assert reason in photo.error
        (flags, key) = next(one[6:8] for one in said(gallery) if one[0] == photo.id)
        assert flags & UNREADABLE
        assert key == 0
    shutil.copyfile(FILES / "baseline.jpg", folder / "cut.jpg")
    gallery.refresh(lambda _: None)
    assert gallery.shown(numbers["cut.jpg"]).error == ""


def test_indexing_tells_how_far_it_is_and_shows_what_it_has(space, folder, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    monkeypatch.setattr("tagroll.runs.read.BATCH", 1)
    (folder / "film.MP4").write_bytes(b"")
    gallery, told, seen = Gallery(space, [folder]), [], []
    gallery.refresh(lambda progress: (told.append(progress), seen.append(len(gallery))))
    assert told == [*(Progress(n, 3, running=True) for n in range(4)), Progress(3, 3)]
    assert seen == sorted(seen)
    assert 0 < seen[2] < 3
    assert (gallery.videos, unpacked(gallery)[0]["videos"]) == (1, 1)


def test_the_newest_folders_are_read_first(space, folder):
    for name, moment in (("2019/Oslo", 3), ("2019", 2), ("1999", 1), ("2024", 9)):
        (folder / name).mkdir(exist_ok=True)
        shutil.copyfile(FILES / "baseline.jpg", folder / name / "x.jpg")
        os.utime(folder / name, (moment, moment))
    read = []
    real = space.store.read_many
    space.store.read_many = lambda photos: read.extend(photos) or real(photos)
    opened(space, folder)
    order = [photo.path.parent.name for photo in read if photo.path.name == "x.jpg"]
    assert order == ["2024", "2019", "Oslo", "1999"]


def test_who_stops_it_loses_nothing(space, folder):
    gallery = opened(space, folder)
    space.stop.set()
    gallery.refresh(lambda _: None)
    assert len(by_name(gallery)) == 3


def test_what_is_to_be_judged_is_marked_and_stays_so(space, folder):
    gallery = opened(space, folder)
    number = by_name(gallery)["b.jpg"]
    gallery.mark_review([number, 999])
    assert [one[0] for one in said(gallery) if one[6] & REVIEW] == [number]
    assert gallery.shown(number).review
    with space.begin("serve", []) as run:
        run.write(gallery.photo(number), lambda _: Change(add=("New",)))
    gallery.changed([gallery.shown(number).path])
    assert gallery.shown(number).review
    gallery.mark_review([])
    assert not any(one[6] & REVIEW for one in said(gallery))


def test_a_search_gives_exact_hits_of_these_paths_in_order(space, folder):
    whole = opened(space, folder)
    numbers = by_name(whole)
    assert whole.search("fjord").exact == (numbers["a.jpg"],)
    assert set(whole.search("all").exact) == set(numbers.values())
    assert Gallery(space, [folder / "2019" / "Oslo"]).search("all").exact == (numbers["a.jpg"],)
    assert set(whole.search("").exact) == set(whole.search("tag:all").exact) == set(numbers.values())
    assert whole.search("?").exact == whole.search("tag:all ?").exact == ()
    assert whole.search("tag:Name|b all").exact == (numbers["b.jpg"],)
    assert set(whole.search("-fjord").exact) == set(numbers.values()) - {numbers["a.jpg"]}
    assert set(whole.search("all -fjord").exact) == set(numbers.values()) - {numbers["a.jpg"]}


def test_what_is_close_in_meaning_is_a_group_of_its_own(space, folder):
    for name, tag in (("a.jpg", "Puppy"), ("b.jpg", "Locomotive"), ("c.jpg", "Dog")):
        path = next(folder.rglob(name))
        MetadataStore().write(
            copy("baseline.jpg", path), lambda _, tag=tag: Change(add=(tag,)), lambda _: None
        )
    gallery = opened(space, folder)
    numbers = by_name(gallery)
    told = []
    gallery.prepare_meaning(lambda done, of: told.append((done, of)))
    assert told[-1] == (3, 3)
    found = gallery.search("dog")
    assert found.exact == (numbers["c.jpg"],)
    assert found.close == (numbers["a.jpg"],)
    with space.begin("serve", []) as run:
        run.write(
            gallery.photo(numbers["b.jpg"]),
            lambda _: Change(add=("Hound",), remove=("Locomotive",), set={"title": "A dog"}),
        )
    gallery.changed([gallery.shown(numbers["b.jpg"]).path])
    gallery.prepare_meaning(lambda *_: None)
    assert set(gallery.search("puppies").close) == set(numbers.values())


def test_a_caption_counts_beside_the_tags_and_takes_a_byte_a_number(space):
    said = {
        "a": (("Locomotive",), "Puppies in the snow"),
        "b": ((), "A dog"),
        "c": (("Dog",), ""),
        "d": ((), "A dog"),
    }
    space.catalog.photos.index([
        PhotoRow(Path("/x", f"{name}.jpg"), f"{n}.2.3", "", tags, about=About("jpeg", Facts(), "", caption))
        for n, (name, (tags, caption)) in enumerate(said.items())
    ])  # fmt: skip
    gallery = Gallery(space, [])
    gallery.prepare_meaning(lambda *_: None)
    names = {number: gallery.shown(number).path.stem for number in gallery.search("").exact}
    found = [names[number] for number in gallery.search("puppy").close]
    assert set(found) == {"a", "b", "c", "d"}
    library = gallery._meaning._library
    assert (library.captions.numbers.dtype, library.captions.numbers.shape) == (np.int8, (2, 384))
    texts = ["Puppies in the snow", "A dog"]
    exact = gallery._meaning._embedder.embed([*texts, "puppy", "Locomotive"])
    assert np.abs(library.captions.rows(slice(None)) - exact[:2]).max() < 0.002
    cosines = dict(zip(names.values(), library.cosines(exact[2]), strict=True))
    both = exact[0] + 0.6 * exact[3]
    assert cosines["a"] == pytest.approx(exact[2] @ both / np.linalg.norm(both), abs=0.002)
    assert cosines["b"] == cosines["d"] == pytest.approx(exact[2] @ exact[1], abs=0.002)


def test_without_an_embedder_nothing_is_close_and_all_else_works(space, folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tagroll.models.builtin.embedder", None)
    gallery = opened(space, folder)
    gallery.prepare_meaning(lambda *_: None)
    assert gallery.search("fjord").exact
    assert gallery.search("fjord").close == ()


def test_a_photo_without_tags_has_a_row_and_a_gallery_knows_it(space, folder):
    shutil.copyfile(FILES / "rgb.png", folder / "untagged.png")
    gallery = opened(space, folder)
    photo = gallery.shown(by_name(gallery)["untagged.png"])
    assert (photo.tags, photo.format, photo.width, photo.height) == ((), "png", 120, 80)


def test_an_edit_while_the_folders_are_read_is_what_is_shown(space, folder, monkeypatch):
    gallery = opened(space, folder)
    number = by_name(gallery)["a.jpg"]
    path = folder / "2019/Oslo/a.jpg"
    space.catalog.photos.forget([path])  # so that it is read again
    read_here = Reader._read_here

    def meanwhile(reader, photos):
        answers = list(read_here(reader, photos))
        with space.begin("serve", []) as run:
            run.write(
                gallery.photo(number), lambda _: Change(add=("New",)), entries=run.entries(by_person=True)
            )
        return answers

    monkeypatch.setattr(Reader, "_read_here", meanwhile)
    gallery.refresh(lambda _: None)
    assert "New" in gallery.shown(number).tags


@pytest.mark.parametrize("seconds", [1 << 62, 1 << 40, -(1 << 62), -1])
def test_a_time_that_no_calendar_has_is_shown_all_the_same(space, folder, seconds):
    row = PhotoRow(
        folder / "c.jpg", f"1.{seconds * 1_000_000_000}.1", "", ("All",), about=About("jpeg", Facts())
    )
    space.catalog.photos.index([row])
    assert [photo.path.name for photo in Gallery(space, [folder]).all_shown()] == ["c.jpg"]


def test_more_tags_than_a_column_counts_harm_no_other_photo(space, folder):
    many = tuple(f"t{number}" for number in range(70_000))
    space.catalog.photos.index([PhotoRow(folder / "c.jpg", "1.2.3", "", many, about=About("jpeg", Facts()))])
    gallery = opened(space, folder / "2019")
    space.catalog.photos.index(
        [PhotoRow(folder / "2019/z.jpg", "1.2.3", "", many, about=About("jpeg", Facts()))]
    )
    gallery.changed([])
    assert {one[-1] for one in said(gallery) if len(one[-1]) < 10} == {("All", "Name|a"), ("All", "Name|b")}


@pytest.mark.slow
def test_whoever_looks_while_photos_come_and_go_gets_an_answer(space, folder):
    gallery = opened(space, folder)
    numbers, ended, failed = list(by_name(gallery).values()), threading.Event(), []

    def look():
        try:
            while not ended.is_set():
                for number in numbers:
                    gallery.shown(number)
                list(gallery.all_shown())
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(60):
        space.catalog.photos.set_gone(numbers, gone=turn % 2 == 0)
        gallery.changed([])
    ended.set()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_folder_that_has_taken_a_photos_name_is_no_photo(space, folder):
    gallery = opened(space, folder)
    number = by_name(gallery)["c.jpg"]
    assert (gallery.path(number), gallery.path(0)) == (folder / "c.jpg", None)
    (folder / "c.jpg").unlink()
    (folder / "c.jpg").mkdir()
    copy("baseline.jpg", folder / "c.jpg" / "inside.jpg")
    with pytest.raises(MetadataError):
        gallery.photo(number)
