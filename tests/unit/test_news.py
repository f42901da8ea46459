"""What is news of a folder, and what was only written by us."""

import pytest

from support.photos import FILES, as_photo, copy
from tagroll.domain import Change
from tagroll.metadata.store import MetadataStore
from tagroll.photos.left_out import is_passed_over
from tagroll.runs.gallery import Gallery
from tagroll.runs.run import Workspace
from tagroll.settings import Placing, Settings

SIDECAR = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


@pytest.fixture(params=["auto"])
def home(tmp_path, request):
    """A gallery of two photos; the parameter says when they get sidecars."""
    folder = tmp_path / "Pictures"
    (folder / "Oslo").mkdir(parents=True)
    copy("baseline.jpg", folder / "a.jpg")
    copy("baseline.jpg", folder / "Oslo" / "b.jpg")
    placing = Placing(sidecar=request.param)
    with Workspace.open(Settings(catalog=tmp_path / "c"), placing=placing, hold=False) as space:
        gallery = Gallery(space, [folder])
        gallery.refresh(lambda _: None)
        yield folder, gallery, space


@pytest.mark.parametrize("home", ["auto", "always"], indirect=True)
def test_what_is_written_here_or_by_another_run_is_no_news(home):
    folder, gallery, space = home
    before = {path for path in folder.rglob("*") if path.is_file()}
    assert not gallery.is_news(before)
    with (
        Workspace.open(space.settings, placing=space.placing) as other,
        other.begin("tag", []) as run,
    ):
        assert run.write(as_photo(folder / "a.jpg"), lambda _: Change(add=("New",))).writes
    after = before | {path for path in folder.rglob("*") if path.is_file()}
    assert any(path.suffix == ".xmp" for path in after) == (space.placing.sidecar == "always")
    assert not gallery.is_news(after)
    gallery.changed([])
    assert gallery.shown(gallery.search("new").exact[0]).tags == ("New",)


def test_what_the_system_tells_only_an_error_of_is_no_news(home):
    folder, gallery, _ = home
    assert not gallery.is_news([folder / ("x" * 300)])


def test_what_others_do_is_news(home):
    folder, gallery, _ = home
    MetadataStore().write(as_photo(folder / "a.jpg"), lambda _: Change(add=("New",)), lambda _: None)
    assert gallery.is_news([folder / "a.jpg"])
    gallery.refresh(lambda _: None)
    assert not gallery.is_news([folder / "a.jpg"])
    (folder / "a.XMP").write_bytes(SIDECAR)
    assert gallery.is_news([folder / "a.XMP"])
    (folder / "a.XMP").unlink()
    assert not gallery.is_news([folder / "a.XMP"])
    (folder / "Oslo" / "b.jpg").rename(folder / "b.jpg")
    for path in (folder / "b.jpg", folder / "Oslo" / "b.jpg"):
        assert gallery.is_news([path])
    (folder / "Oslo").rmdir()
    assert gallery.is_news([folder / "Oslo"])
    gallery.refresh(lambda _: None)
    assert not gallery.is_news([folder / "Oslo", folder / "Oslo" / "b.jpg", folder / "nothing.txt"])
    (folder / "Oslo").mkdir()
    assert gallery.is_news([folder / "Oslo"])


@pytest.mark.parametrize(
    "name", [".hidden.jpg", ".cache/a.jpg", "processed/a.jpg", "@eaDir/a.jpg/x.jpg", "notes.txt", "lone.xmp"]
)
def test_what_no_scan_finds_is_no_news(home, name):
    folder, gallery, _ = home
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((FILES / "baseline.jpg").read_bytes())
    assert not gallery.is_news([path])
    length = len(gallery)
    gallery.refresh(lambda _: None)
    assert len(gallery) == length


def test_a_folder_that_is_named_is_looked_at_whatever_its_name(tmp_path):
    inside = tmp_path / ".hidden" / "processed"
    assert not is_passed_over(inside / "a.jpg", [inside])
    assert is_passed_over(inside / "a.jpg", [tmp_path])
    assert not is_passed_over(inside / "a.jpg", [tmp_path, inside])
