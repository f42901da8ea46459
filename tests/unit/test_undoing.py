"""Undo with the journal: photos that were moved, runs taken back in any order, and nothing but what a run wrote."""

import contextlib
import dataclasses
import io
import itertools
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from support.photos import as_photo
from tagroll.catalog import Catalog, PhotoRow, State
from tagroll.domain import Change, Outcome, Status
from tagroll.errors import UsageError
from tagroll.metadata.containers import jpeg
from tagroll.metadata.containers.picture import picture_hash
from tagroll.metadata.files.hashing import digest
from tagroll.metadata.packets import exif
from tagroll.metadata.store import MetadataStore
from tagroll.photos.scan import scan
from tagroll.runs.moved import Moved
from tagroll.runs.read import Reader
from tagroll.runs.recover import recover
from tagroll.runs.run import Run, Workspace
from tagroll.runs.undo import Undoer, choose_run, choose_writes
from tagroll.settings import Settings

FILES = Path(__file__).parents[1] / "files"


class Library:
    """A folder of photos, written and undone as the commands do it, without a model."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder, self.catalog, self.store = folder, catalog, MetadataStore()

    def add(self, name: str, like: str = "baseline.jpg") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(FILES / like, path))

    def write(
        self, *paths: Path, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), command="tag"
    ) -> int:
        run = self.catalog.runs.start(command, [])
        for path in paths:
            numbers: list[int] = []
            writes = self.store.write(
                as_photo(path),
                lambda _: Change(add, remove),
                lambda write, numbers=numbers: numbers.append(self.catalog.journal.add(run, write)),
            )
            after, picture = writes[-1].after.tags, writes[-1].picture_hash
            row = PhotoRow(path, self.store.stamp(as_photo(path)), picture, after)
            self.catalog.photos.conclude(dict.fromkeys(numbers, "done"), row)
        self.catalog.runs.finish(run, {})
        return run

    def rename(self, path: Path, old: str, new: str) -> int:
        return self.write(path, add=(new,), remove=(old,), command="tags rename")

    def undo(self, number: int | None = None, *paths: Path, roots: tuple[Path, ...] = ()) -> list[Outcome]:
        chosen = choose_run(self.catalog, number)
        moved = Moved(roots or paths, self.store, self.catalog)
        writes = choose_writes(self.catalog, chosen, paths, moved)
        run = Run(
            Workspace(Settings(), self.catalog, self.store, None),
            self.catalog.runs.start("undo", [str(chosen.id)]),
        )
        undoer = Undoer(run, moved, chosen.command, named=paths)
        return [undoer.undo(numbers) for numbers in writes]

    def undo_one(self, *arguments, **options) -> Outcome:
        (outcome,) = self.undo(*arguments, **options)
        return outcome

    def look_at(self, folder: Path) -> None:
        """As `tagroll tags FOLDER`."""
        found = scan([folder], on_unreadable=lambda *_: pytest.fail("unreadable"))
        assert list(Reader(self.store, self.catalog).read(found))

    def tags(self, path: Path) -> tuple[str, ...]:
        return self.store.read(as_photo(path)).tags


@pytest.fixture
def library(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        yield Library(tmp_path / "photos", catalog)


# moved photos --------------------------------------------------------------------------------------------


def move(path: Path, to: str) -> Path:
    target = path.parents[1] / to
    target.parent.mkdir(exist_ok=True)
    return path.rename(target)


@pytest.mark.parametrize("first", ["copy", "gone"])
def test_a_copy_that_another_run_tagged_is_not_taken_for_the_photo(library, first):
    copy, gone = library.add("dx/copy.jpg"), library.add("dv/gone.jpg")
    runs = {}
    for path in (copy, gone) if first == "copy" else (gone, copy):
        runs[path] = library.write(path, add=("Lake",))
    gone.unlink()
    before = copy.read_bytes()
    outcome = library.undo_one(runs[gone], roots=(library.folder,))
    assert (outcome.status, outcome.path) == (Status.FAILED, gone)
    assert copy.read_bytes() == before


def test_an_untagged_copy_is_not_taken_for_the_photo(library):
    copy, photo = library.add("dx/copy.jpg"), library.add("dv/photo.jpg")
    library.undo(library.write(copy, add=("Lake",)))
    library.write(photo, add=("Lake",))
    moved = move(photo, "dw/photo.jpg")
    outcome = library.undo_one()
    assert outcome.status is Status.FAILED
    assert "moved or deleted" in outcome.error
    assert "tagroll tags FOLDER" in outcome.hint
    library.look_at(moved.parent)
    assert library.undo_one().path == moved
    assert moved.read_bytes() == copy.read_bytes() == (FILES / "baseline.jpg").read_bytes()


LIKE = ("baseline.jpg", "progressive.jpg", "gray.jpg")


@pytest.mark.parametrize("order", [(1, 2, 3), (1, 0, 2), (2, 0, 1)], ids=["shifted", "swapped", "round"])
def test_photos_that_got_each_others_names_get_their_own_back(library, order):
    """Whoever renumbers photos gives one the name of another; names do not say which photo it is."""
    photos = [library.add(f"{number}.jpg", like) for number, like in enumerate(LIKE)]
    for number, photo in enumerate(photos):
        library.store.write(as_photo(photo), lambda _, n=number: Change((f"Own{n}",)), lambda _: None)
    before = [photo.read_bytes() for photo in photos]
    library.write(*photos, add=("Cat",))
    aside = [photo.rename(photo.with_suffix(".aside")) for photo in photos]
    now = [photo.rename(library.folder / f"{place}.jpg") for photo, place in zip(aside, order, strict=True)]
    outcomes = library.undo(roots=(library.folder,))
    assert {outcome.status for outcome in outcomes} == {Status.RESTORED}
    assert [path.read_bytes() for path in now] == before


def test_a_new_photo_under_the_name_of_one_that_is_gone_is_left_alone(library):
    photo = library.add("IMG_1.jpg")
    library.write(photo, add=("Cat",))
    away = library.folder.parent / "away.jpg"
    photo.rename(away)
    new = library.add("IMG_1.jpg", "progressive.jpg")
    library.store.write(as_photo(new), lambda _: Change(("Cat", "Grandma")), lambda _: None)
    outcome = library.undo_one(roots=(library.folder,))
    assert outcome.status is Status.FAILED
    assert "another picture" in outcome.error
    assert library.tags(new) == ("Cat", "Grandma")
    away.rename(photo)
    assert library.undo_one().status is Status.RESTORED
    assert photo.read_bytes() == (FILES / "baseline.jpg").read_bytes()


def test_a_photo_that_was_edited_is_undone_when_it_is_named(library):
    photo = library.add("photo.jpg")
    library.write(photo, add=("Cat",))
    shutil.copy(FILES / "progressive.jpg", photo)
    library.store.write(as_photo(photo), lambda _: Change(("Cat", "Mine")), lambda _: None)
    assert library.undo_one().status is Status.FAILED
    assert library.undo_one(None, photo).status is Status.RESTORED
    assert library.tags(photo) == ("Mine",)


def test_letter_case_is_put_back_beside_what_another_program_did(library):
    photo = library.add("photo.jpg")
    library.store.write(as_photo(photo), lambda _: Change(("cat", "dog")), lambda _: None)
    library.rename(photo, "cat", "Cat")
    library.store.write(as_photo(photo), lambda _: Change(("Mine",)), lambda _: None)
    assert set(library.tags(photo)) == {"Cat", "dog", "Mine"}
    assert library.undo_one().status is Status.RESTORED
    assert set(library.tags(photo)) == {"cat", "dog", "Mine"}


def test_our_comment_goes_with_our_tags(library):
    """Another program that took our tags away knows nothing of UserComment."""
    photo = library.add("photo.jpg")
    library.write(photo, add=("Cat",))
    library.store.write(as_photo(photo), lambda _: Change(("Mine",), ("Cat",)), lambda _: None)
    read = jpeg.read_packets(io.BytesIO(photo.read_bytes()))
    stale = exif.set_text(read.exif, comment="Cat")
    photo.write_bytes(jpeg.replace_packets(photo.read_bytes(), dataclasses.replace(read, exif=stale)))
    assert library.undo_one().status is Status.RESTORED
    fields = library.store.read(as_photo(photo)).fields
    assert fields["XMP-dc:Subject"] == ("Mine",)
    assert "ExifIFD:UserComment" not in fields


@pytest.mark.parametrize("name", ["photo.jpg", "renamed.jpg"])
@pytest.mark.parametrize("edited", [False, True])
def test_a_moved_photo_that_was_only_read_is_found(library, name, edited):
    library.write(photo := library.add("old/photo.jpg"), add=("Lake",))
    library.add("new/other.jpg", "progressive.jpg")
    moved = move(photo, f"new/{name}")
    if edited:
        library.store.write(as_photo(moved), lambda _: Change(("Mine",)), lambda _: None)
    library.look_at(moved.parent)
    if edited and name != photo.name:  # neither name nor size tells
        assert library.undo_one().status is Status.FAILED
        return
    assert library.undo_one().status is Status.RESTORED
    assert library.tags(moved) == (("Mine",) if edited else ())


def test_only_photos_that_may_be_the_missing_one_are_read_for_it(library, monkeypatch):
    library.write(photo := library.add("old/photo.jpg"), add=("Lake",))
    others = [library.add(f"new/{n}.jpg", "progressive.jpg") for n in range(5)]
    library.look_at(others[0].parent)
    photo.unlink()
    monkeypatch.setattr(
        library.store, "picture_hash", lambda _: pytest.fail("a photo of another size was read")
    )
    assert library.undo_one().status is Status.FAILED


def test_photos_that_the_index_knows_are_not_read_for_a_missing_one(library, monkeypatch):
    photos = [library.add("x/photo.jpg"), *(library.add(f"x/{n}.jpg", "progressive.jpg") for n in range(3))]
    run = library.write(*photos, add=("Lake",))
    photos[0].unlink()
    monkeypatch.setattr(
        library.store, "picture_hash", lambda _: pytest.fail("a photo was read that is known")
    )
    (outcome,) = library.undo(run, photos[0], roots=(library.folder,))
    assert outcome.status is Status.FAILED


def test_photos_of_one_picture_are_each_put_back(library):
    photos = [library.add(f"old/{name}.jpg") for name in "abc"]
    library.write(*photos, add=("Lake",))
    moved = [move(photo, f"new/{photo.name}") for photo in photos]
    assert [outcome.status for outcome in library.undo(roots=(library.folder,))] == [Status.RESTORED] * 3
    assert {path.read_bytes() for path in moved} == {(FILES / "baseline.jpg").read_bytes()}


def test_one_of_two_that_is_gone_is_not_put_back_in_the_other(library):
    photos = [library.add(f"old/{name}.jpg") for name in "ab"]
    library.write(*photos, add=("Lake",))
    move(photos[0], "new/a.jpg")
    photos[1].unlink()
    statuses = [outcome.status for outcome in library.undo(roots=(library.folder,))]
    assert sorted(statuses) == [Status.FAILED, Status.RESTORED]
    assert "moved or deleted" in library.undo_one(roots=(library.folder,)).error


@pytest.mark.parametrize("by_tags", [False, True])
def test_two_missing_photos_are_never_found_in_one_place(library, by_tags):
    photos = [library.add(f"old/{name}.jpg") for name in "abc"]
    run = library.write(*photos, add=("Lake",))
    moved = {move(photo, f"new/moved-{photo.name}") for photo in photos}
    if by_tags:
        library.look_at(library.folder / "new")
    finder = Moved([] if by_tags else [library.folder], library.store, library.catalog)
    # all of them are asked for before the first is put back, as several threads do
    assert {finder.where(writing) for writing in library.catalog.journal.of_run(run)} == moved


@pytest.mark.parametrize("tags", [(), ("Old",), ("Mine", "Old")])
def test_a_copy_without_what_was_written_is_not_the_photo(library, tags):
    def other_program(path: Path, tags: tuple[str, ...]) -> None:
        if tags:
            library.store.write(as_photo(path), lambda _: Change(tags), lambda _: None)

    photo, copy = library.add("old/photo.jpg"), library.add("new/copy.jpg")
    other_program(photo, ("Old",))
    other_program(copy, tags)
    library.write(photo, add=("Lake",), remove=("Old",))
    photo.unlink()
    before = copy.read_bytes()
    assert "moved or deleted" in library.undo_one(roots=(library.folder,)).error
    assert copy.read_bytes() == before


def test_a_photo_of_the_same_name_and_tags_is_not_the_photo(library):
    library.write(photo := library.add("old/photo.jpg"), add=("Lake",))
    photo.unlink()
    other = library.add("new/photo.jpg", "progressive.jpg")
    library.store.write(as_photo(other), lambda _: Change(("Lake",)), lambda _: None)
    library.look_at(other.parent)
    assert library.undo_one().status is Status.FAILED
    assert library.tags(other) == ("Lake",)


def test_a_moved_photo_that_lost_tags_gets_them_back(library):
    photo = library.add("old/photo.jpg")
    library.store.write(as_photo(photo), lambda _: Change(("Old",)), lambda _: None)
    library.write(photo, remove=("Old",))
    moved = move(photo, "new/renamed.jpg")
    library.store.write(as_photo(moved), lambda _: Change(("Mine",)), lambda _: None)
    assert library.undo_one(roots=(library.folder,)).status is Status.RESTORED
    assert set(library.tags(moved)) == {"Mine", "Old"}


def test_a_sidecar_that_stayed_is_put_back_where_it_is(library):
    photo = library.add("old/raw.dng", "raw.dng")
    library.write(photo, add=("Lake",))
    move(photo, "new/raw.dng")
    assert library.undo_one().status is Status.RESTORED
    assert list(photo.parent.iterdir()) == []


def test_a_raw_that_was_moved_with_its_sidecar_is_found_or_said_to_be_missing(library):
    photo = library.add("old/raw.dng", "raw.dng")
    library.write(photo, add=("Lake",))
    moved = move(photo, "new/raw.dng")
    sidecar = move(photo.with_name("raw.dng.xmp"), "new/raw.dng.xmp")
    assert library.undo_one().status is Status.FAILED
    assert sidecar.exists()
    assert library.undo_one(None, moved.parent).status is Status.RESTORED
    assert not sidecar.exists()


# several runs --------------------------------------------------------------------------------------------


def undo_all(library: Library, order: tuple[int, ...]) -> list[Outcome]:
    """Undo runs in this order; what is refused for another one again after it, until all is undone."""
    refused, rest = [], list(order)
    for _ in range(20):
        if not rest:
            return refused
        for run in tuple(rest):
            outcome = library.undo_one(run)
            if outcome.status is Status.FAILED:
                refused.append(outcome)
            else:
                rest.remove(run)
    pytest.fail(f"never undone: {rest}")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("like", ["baseline.jpg", "raw.dng"])
def test_runs_undone_in_any_order_leave_the_photo_as_it_was(library, order, like):
    photo = library.add(f"x/photo{Path(like).suffix}", like)
    first = library.write(photo, add=("Person",))
    runs = (first, library.rename(photo, "Person", "Human"), library.write(photo, add=("Lake",)))
    refused = undo_all(library, tuple(runs[number] for number in order))
    assert [path.name for path in photo.parent.iterdir()] == [photo.name]
    assert photo.read_bytes() == (FILES / like).read_bytes()
    if order != (2, 1, 0):
        assert "was changed by run" in refused[0].error
        assert "tagroll undo" in refused[0].hint
    with pytest.raises(UsageError, match="nothing to undo"):
        choose_run(library.catalog, None)


def test_a_moved_photo_is_not_put_back_past_what_was_written_in_its_new_place(library):
    first = library.write(photo := library.add("old/photo.jpg"), add=("Person",))
    moved = move(photo, "new/photo.jpg")
    second = library.rename(moved, "Person", "Human")
    outcome = library.undo_one(first)
    assert outcome.error == f"was changed by run {second} since"
    undo_all(library, (second, first))
    assert moved.read_bytes() == (FILES / "baseline.jpg").read_bytes()


def test_an_undo_that_is_undone_can_be_done_again(library):
    photo = library.add("x/photo.jpg")
    first, second = library.write(photo, add=("Person",)), library.rename(photo, "Person", "Human")
    for _ in range(3):
        library.undo(second)
        back = library.catalog.runs.all()[0].id
        library.undo(back)
        assert library.tags(photo) == ("Human",)
        assert library.undo_one(first).error == f"was changed by run {second} since"
    library.undo()
    library.undo()
    assert photo.read_bytes() == (FILES / "baseline.jpg").read_bytes()


def test_an_undo_is_not_undone_past_an_undo_of_something_older(library):
    photo = library.add("x/photo.jpg")
    first, second = library.write(photo, add=("Person",)), library.rename(photo, "Person", "Human")
    library.undo(second)
    back = library.catalog.runs.all()[0].id
    library.undo(first)
    assert "was changed by run" in library.undo_one(back).error
    assert photo.read_bytes() == (FILES / "baseline.jpg").read_bytes()


# after a kill --------------------------------------------------------------------------------------------


def test_an_undo_that_was_killed_has_undone_what_it_had_put_back(library):
    photos = [library.add(f"x/{name}.jpg") for name in "ab"]
    run = library.write(*photos, add=("Lake",))
    back = library.catalog.runs.start("undo", [])
    for writing in library.catalog.journal.of_run(run):
        library.store.undo(
            writing.write,
            lambda write, writing=writing: library.catalog.journal.add(back, write, undoes=writing.id),
            dry_run=writing.write.photo == photos[1],
        )
    assert recover(library.catalog, library.store) == 1
    states = {writing.write.photo: writing.state for writing in library.catalog.journal.of_run(run)}
    assert states == {photos[0]: "undone", photos[1]: "done"}


def test_a_file_that_cannot_be_read_stops_no_later_run(library):
    run = library.write(library.add("x/photo.jpg"), add=("Lake",))
    (writing,) = library.catalog.journal.of_run(run)
    lost = writing.write.photo / "no-folder.jpg"
    library.catalog.journal.add(run, dataclasses.replace(writing.write, target=lost))
    assert recover(library.catalog, library.store) == 1
    assert len(library.catalog.journal.pending()) == 1


@pytest.mark.parametrize("command", ["serve", "undo"])
def test_what_was_cut_off_before_it_stood_in_the_journal_leaves_nothing(library, command):
    photo = library.add("x/y/photo.jpg")
    runs, left = library.catalog.runs, photo.with_name(".tagroll-0123456789ab.tmp")
    place = str(library.folder)
    runs.finish(first := runs.start("tag", [place]), {})
    left.write_bytes(b"half a photo")
    recover(library.catalog, library.store)
    assert left.exists(), "no run was cut off: nobody looks through all folders"
    runs.start(command, [place, "+Beach"] if command == "serve" else [str(first)])
    recover(library.catalog, library.store)
    assert (left.exists(), photo.exists()) == (False, True)
    assert [run.id for run in runs.all()] == [first]


def test_of_what_was_cut_off_the_history_keeps_what_was_written_or_decided(library):
    photo, runs = library.add("x/photo.jpg"), library.catalog.runs
    written = library.write(photo, add=("Lake",))
    (writing,) = library.catalog.journal.of_run(written)
    decided, never, tagging = (runs.start(name, []) for name in ("serve", "serve", "tag"))
    library.catalog.decisions.decide({"lake": "Lake"}, (), decided)
    # begun in the journal, and never done
    library.catalog.journal.add(
        never, dataclasses.replace(writing.write, before_hash=writing.write.after_hash)
    )
    library.catalog.verdicts.note(never, writing.write)
    cut_off = runs.start("serve", [])
    library.catalog.journal.settle({library.catalog.journal.add(cut_off, writing.write): State.DONE})
    recover(library.catalog, library.store)
    assert {run.id for run in runs.all()} == {written, decided, tagging, cut_off}
    assert library.catalog.journal.pending() == []


# what is undone ------------------------------------------------------------------------------------------


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
)


def test_a_photo_has_failed_when_its_sidecar_has(library):
    photo = library.add("x/photo.jpg")
    photo.with_name("photo.jpg.xmp").write_text(XMP)
    before = {path: path.read_bytes() for path in photo.parent.iterdir()}
    first = library.write(photo, add=("Lake",))
    library.store = MetadataStore(sidecar="always")
    second = library.write(photo, add=("Boat",))
    assert library.undo_one(first).error == f"was changed by run {second} since"
    library.undo(second)
    library.undo(first)
    assert {path: path.read_bytes() for path in photo.parent.iterdir()} == before


def test_a_photo_and_its_sidecar_are_one(library):
    photo = library.add("x/photo.jpg")
    photo.with_name("photo.jpg.xmp").write_text(XMP)
    before = {path: path.read_bytes() for path in photo.parent.iterdir()}
    library.write(photo, add=("Lake",))
    assert all(path.read_bytes() != data for path, data in before.items())
    assert library.undo_one().status is Status.RESTORED
    assert {path: path.read_bytes() for path in photo.parent.iterdir()} == before


def test_a_run_or_a_path_that_is_not_there_is_an_error(library):
    photo = library.add("x/photo.jpg")
    run = library.write(photo, add=("Lake",))
    with pytest.raises(UsageError, match="there is no run 77"):
        library.undo(77)
    with pytest.raises(UsageError, match="nothing at /none"):
        library.undo(run, photo, Path("/none"))
    assert library.tags(photo) == ("Lake",)  # not even the other one
    library.undo(run, photo.parent)
    with pytest.raises(UsageError, match="has nothing to undo"):
        library.undo(run)


# catalogs of before ----------------------------------------------------------------------------------------


def aged(library: Library) -> None:
    """Let the journal and the index have the hashes that older catalogs have."""
    rows = library.catalog._database.read("SELECT id, photo, target, picture_hash FROM writes")
    with contextlib.closing(sqlite3.connect(library.catalog.path)) as c:
        for number, photo, target, picture in rows:
            after = Path(os.fsdecode(target))
            old = picture_hash(
                Path(os.fsdecode(photo)).read_bytes(),
                as_photo(Path(os.fsdecode(photo))).format,
                "0" * 32,
            )
            values = (digest(after.read_bytes(), "0" * 32), old, number)
            c.execute("UPDATE writes SET after_hash = ?, picture_hash = ? WHERE id = ?", values)
            c.execute("UPDATE photos SET picture_hash = ? WHERE picture_hash = ?", (old, picture))
        c.commit()


def age_before(library: Library, before: dict[Path, bytes]) -> None:
    with contextlib.closing(sqlite3.connect(library.catalog.path)) as c:
        for path, data in before.items():
            values = (digest(data, "0" * 32), os.fsencode(path))
            c.execute("UPDATE writes SET before_hash = ? WHERE target = ? AND before_hash != ''", values)
        c.commit()


@pytest.mark.parametrize("moved", [False, True])
def test_what_an_older_catalog_wrote_is_put_back_byte_for_byte(library, moved):
    before = {library.add(name, name): b"" for name in ("baseline.jpg", "rgb.png", "palette.bmp")}
    before = {path: path.read_bytes() for path in before}
    library.write(*before, add=("Lake",))
    aged(library)
    age_before(library, before)
    if moved:
        (library.folder / "new").mkdir()
        path = library.folder / "baseline.jpg"
        before[path.rename(library.folder / "new/beach.jpg")] = before.pop(path)
    assert {outcome.status for outcome in library.undo(roots=(library.folder,))} == {Status.RESTORED}
    assert {path: path.read_bytes() for path in before} == before
    assert not list(library.folder.rglob("*.xmp"))
