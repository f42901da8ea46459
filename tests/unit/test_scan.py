"""Scanning real folders."""

import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tagroll.catalog import Catalog
from tagroll.domain import Outcome, Photo, Status
from tagroll.errors import UsageError
from tagroll.formats import FORMATS
from tagroll.metadata.store import MetadataStore
from tagroll.photos.scan import scan
from tagroll.runs.known import KnownFormats
from tagroll.runs.read import Reader

FILES = Path(__file__).parents[1] / "files"
JPEG = (FILES / "baseline.jpg").read_bytes()

Plant = Callable[..., None]
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    def plant(*names: str, content: bytes = JPEG) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return plant


def unexpected(folder: Path, error: OSError) -> None:
    pytest.fail(f"{folder}: {error}")


def everything(*roots: Path, **options: object) -> list[Photo | Outcome]:
    return list(scan(roots, **{"on_unreadable": unexpected, **options}))


def names(root: Path, *more: Path, **options: object) -> list[str]:
    return [found.path.relative_to(root).as_posix() for found in everything(root, *more, **options)]


def test_photos_carry_what_the_file_system_says(tmp_path: Path, plant: Plant) -> None:
    plant("a.jpg")
    path = tmp_path / "a.jpg"
    os.utime(path, ns=(1, 1_234_567_891_234_567_800))
    [photo] = everything(tmp_path)
    assert isinstance(photo, Photo)
    assert photo.path == path
    assert photo.size == len(JPEG)
    assert photo.mtime_ns == path.stat().st_mtime_ns
    assert photo.format.name == "jpeg"


def test_a_file_whose_format_is_known_is_not_opened(tmp_path: Path, plant: Plant) -> None:
    plant("b.jpg")
    plant("a.jpg", content=b"no photo")
    jpeg = next(row for row in FORMATS if row.name == "jpeg")
    known, other = everything(
        tmp_path, known=lambda path, status: jpeg if status.st_size == 8 and path.endswith("a.jpg") else None
    )
    assert isinstance(known, Photo)
    assert (known.path, known.size, known.format) == (tmp_path / "a.jpg", 8, jpeg)
    assert isinstance(other, Photo)
    plant("a.jpg", content=b"none any more")
    assert isinstance(everything(tmp_path, known=lambda *_: None)[0], Outcome)


def test_the_index_knows_the_formats_of_what_is_as_it_was(tmp_path: Path, plant: Plant) -> None:
    plant("in/a.jpg", "in/b.jpg", "in/deeper/c.jpg")
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        assert len(list(Reader(MetadataStore(), catalog).read(everything(tmp_path / "in")))) == 3
        known = KnownFormats(catalog)
        formats = [found.format for found in everything(tmp_path / "in") if isinstance(found, Photo)]
        (tmp_path / "in/b.jpg").write_bytes(JPEG[:-1])
        paths = [tmp_path / "in" / name for name in ("a.jpg", "b.jpg", "deeper/c.jpg")]
        assert [known(str(path), path.stat()) for path in paths] == [formats[0], None, formats[2]]


def test_order_is_stable_files_first_letter_case_aside(tmp_path: Path, plant: Plant) -> None:
    plant("z.jpg", "B.jpg", "a.jpg", "A.JPG", "c/1.jpg", "C2/1.jpg", "b/z/1.jpg", "b/a.jpg")
    expected = ["A.JPG", "a.jpg", "B.jpg", "z.jpg", "b/a.jpg", "b/z/1.jpg", "c/1.jpg", "C2/1.jpg"]
    assert names(tmp_path) == expected


def test_any_letter_case_of_suffix_and_nothing_else(tmp_path: Path, plant: Plant) -> None:
    plant("a.JPG", "b.JpEg", "c.txt", "d", "e.jpg.bak")
    assert names(tmp_path) == ["a.JPG", "b.JpEg"]


def test_content_decides_the_format(tmp_path: Path, plant: Plant) -> None:
    plant("a.png", "b.nef")
    plant("c.nef", content=(FILES / "raw.dng").read_bytes())
    assert [photo.format.name for photo in everything(tmp_path)] == ["jpeg", "jpeg", "raw"]


def test_a_file_named_as_root_needs_no_suffix_and_may_be_hidden(tmp_path: Path, plant: Plant) -> None:
    plant(".hidden", "more/processed/a.jpg")
    assert names(tmp_path, tmp_path / ".hidden") == [".hidden"]
    assert names(tmp_path / "more" / "processed") == ["a.jpg"]


def test_not_recursive(tmp_path: Path, plant: Plant) -> None:
    plant("a.jpg", "b/c.jpg")
    assert names(tmp_path, recursive=False) == ["a.jpg"]


def test_what_is_not_the_users_photos_is_left_out(tmp_path: Path, plant: Plant) -> None:
    plant("a.jpg", "._a.jpg", ".tagroll-x.jpg", ".Trashes/a.jpg", "processed/a.jpg", "b/processed/a.jpg")
    plant("@eaDir/a.jpg", "$RECYCLE.BIN/a.jpg", "__MACOSX/a.jpg", "My.photoslibrary/originals/a.jpg")
    assert names(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize(
    "folder",
    [
        *("Lightroom Library.lrlibrary", "Trip.cocatalog", "Holiday.imovielibrary", "TV.tvlibrary"),
        *("Library Previews.lrdata", "Cut.FCPBUNDLE", "Photo Booth Library"),
        *("@Recently-Snapshot", "~snapshot", "#snapshot", "@GMT-2024.01.01-00.00.00", "appdata_oc1x2y3z"),
        *("files_trashbin", "files_versions", "@RECYCLE"),
        *("System Volume Information", "SYSTEM VOLUME INFORMATION", "found.000"),
    ],
)
def test_folders_of_other_programs_are_left_out_unless_named(
    folder: str, tmp_path: Path, plant: Plant
) -> None:
    plant("a.jpg", f"{folder}/in/b.jpg", "my snapshot/c.jpg", "appdata/d.jpg")
    assert names(tmp_path) == ["a.jpg", "appdata/d.jpg", "my snapshot/c.jpg"]
    assert names(tmp_path / folder) == ["in/b.jpg"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.png", ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg"]),
        ("B.JPG", ["a.jpg", "A.PNG", "sub/deep/c.jpg"]),
        ("sub", ["a.jpg", "A.PNG"]),
        ("sub/", ["a.jpg", "A.PNG"]),
        ("deep", ["a.jpg", "A.PNG", "sub/b.jpg"]),
        ("sub/deep", ["a.jpg", "A.PNG", "sub/b.jpg"]),
        ("sub/*.jpg", ["a.jpg", "A.PNG"]),
        ("deep/c.jpg", ["a.jpg", "A.PNG", "sub/b.jpg", "sub/deep/c.jpg"]),  # relative to the root
        ("[ab].*", ["sub/deep/c.jpg"]),
    ],
)
def test_exclude(tmp_path: Path, plant: Plant, pattern: str, left: list[str]) -> None:
    plant("A.PNG", "a.jpg", "sub/b.jpg", "sub/deep/c.jpg")
    assert names(tmp_path, exclude=["nothing", pattern]) == left


def test_a_folder_that_is_left_out_is_not_entered_by_any_path(tmp_path: Path, plant: Plant) -> None:
    plant("a.jpg", "out/b.jpg", "sub/out/c.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert names(tmp_path, leave_out=[tmp_path / "link"]) == ["a.jpg", "sub/out/c.jpg"]
    assert names(tmp_path, leave_out=[tmp_path / "nowhere"]) == ["a.jpg", "link/b.jpg", "sub/out/c.jpg"]


def test_exclude_matches_decomposed_names(tmp_path: Path, plant: Plant) -> None:
    plant(unicodedata.normalize("NFD", "Fähre.jpg"))
    assert names(tmp_path, exclude=[unicodedata.normalize("NFC", "fähre*")]) == []


@posix_only
def test_an_excluded_folder_is_not_entered(tmp_path: Path, plant: Plant) -> None:
    plant("locked/a.jpg", "b.jpg")
    with unreadable(tmp_path / "locked"):
        assert names(tmp_path, exclude=["locked"]) == ["b.jpg"]  # `unexpected` would see an attempt


class unreadable:  # noqa: N801 - reads as a word
    """Take the permissions of a folder or file away for a while."""

    def __init__(self, path: Path) -> None:
        self.path, self.mode = path, path.stat().st_mode

    def __enter__(self) -> None:
        self.path.chmod(0)
        if os.access(self.path, os.R_OK):
            self.path.chmod(self.mode)
            pytest.skip("the superuser may read everything")

    def __exit__(self, *_: object) -> None:
        self.path.chmod(self.mode)


@posix_only
def test_an_unreadable_folder_is_reported_and_passed_over(tmp_path: Path, plant: Plant) -> None:
    plant("a/1.jpg", "b/1.jpg", "c/1.jpg")
    reported = []
    with unreadable(tmp_path / "b"):
        found = names(tmp_path, on_unreadable=lambda folder, error: reported.append((folder, error.errno)))
    assert found == ["a/1.jpg", "c/1.jpg"]
    assert [folder for folder, _ in reported] == [tmp_path / "b"]


def test_a_folder_that_vanishes_is_reported(tmp_path: Path, plant: Plant) -> None:
    plant("a.jpg", "b/1.jpg", "c/1.jpg")
    reported = []
    walk = scan([tmp_path], on_unreadable=lambda folder, _: reported.append(folder))
    first = next(walk)
    shutil.rmtree(tmp_path / "b")  # after it was listed, before it is entered
    assert [found.path.name for found in (first, *walk)] == ["a.jpg", "1.jpg"]
    assert reported == [tmp_path / "b"]


def failure(root: Path) -> str:
    [outcome] = everything(root)
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.FAILED
    assert outcome.hint
    return outcome.error


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "is empty"),
        (bytes(5000), "starts with zeros only"),
        (b"<html>", "is no photo of a known format"),
    ],
)
def test_a_photo_name_without_a_photo_fails_and_says_why(
    tmp_path: Path, plant: Plant, content: bytes, error: str
) -> None:
    plant("a.jpg", content=content)
    assert failure(tmp_path) == error


@posix_only
def test_a_broken_link_and_a_pipe_fail_and_do_not_block(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.jpg").symlink_to("nowhere")
    (tmp_path / "two").mkdir()
    os.mkfifo(tmp_path / "two" / "a.jpg")
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "a.jpg").symlink_to("a.jpg")
    assert failure(tmp_path / "one").startswith("cannot be read: No such file")
    assert failure(tmp_path / "two") == "is not a file"
    assert failure(tmp_path / "three").startswith("cannot be read: Too many levels")


def test_a_root_that_is_not_there_is_an_error_before_the_first_photo(tmp_path: Path, plant: Plant) -> None:
    plant("a.jpg")
    with pytest.raises(UsageError) as caught:
        scan([tmp_path, tmp_path / "missing"], on_unreadable=unexpected)
    assert str(tmp_path / "missing") in caught.value.message
    assert caught.value.hint


@posix_only
def test_a_device_is_no_root() -> None:
    with pytest.raises(UsageError):
        scan([Path(os.devnull)], on_unreadable=unexpected)


def test_overlapping_roots_give_every_photo_once(tmp_path: Path, plant: Plant) -> None:
    plant("a.jpg", "sub/b.jpg")
    roots = (tmp_path / "sub", tmp_path, tmp_path / "sub", tmp_path / "a.jpg", tmp_path / "sub" / "b.jpg")
    assert sorted(names(tmp_path, *roots)) == ["a.jpg", "sub/b.jpg"]
    assert [found.path for found in everything(tmp_path / "sub" / ".." / "a.jpg")] == [tmp_path / "a.jpg"]


@posix_only
def test_links_give_every_photo_once(tmp_path: Path, plant: Plant) -> None:
    plant("m/real.jpg", "m/other.jpg", "store/.objects/ab12", "out/free.jpg")
    (tmp_path / "m" / "a-before.jpg").symlink_to("real.jpg")
    (tmp_path / "m" / "z-after.jpg").symlink_to("real.jpg")
    (tmp_path / "m" / "hard.jpg").hardlink_to(tmp_path / "m" / "other.jpg")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "early.jpg").symlink_to(tmp_path / "m" / "real.jpg")
    (tmp_path / "a" / "free1.jpg").symlink_to(tmp_path / "out" / "free.jpg")
    (tmp_path / "m" / "annex.jpg").symlink_to(tmp_path / "store" / ".objects" / "ab12")  # as git-annex does
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "late.jpg").symlink_to(tmp_path / "m" / "real.jpg")
    found = [path.resolve().name for path in (each.path for each in everything(tmp_path))]
    assert sorted(found) == ["ab12", "free.jpg", "hard.jpg", "real.jpg"]


@posix_only
def test_links_to_folders_are_followed_once_and_never_in_circles(tmp_path: Path, plant: Plant) -> None:
    plant("library/a.jpg", "elsewhere/b.jpg")
    (tmp_path / "library" / "up").symlink_to(tmp_path / "library")
    (tmp_path / "library" / "self").symlink_to("self")
    (tmp_path / "library" / "album1").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "library" / "album2").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "library") == ["a.jpg", "album1/b.jpg"]


@posix_only
def test_links_that_lead_out_of_the_roots_are_told_and_not_followed(tmp_path: Path, plant: Plant) -> None:
    plant("in/a.jpg", "in/sub/b.jpg", "more/c.jpg", "out/d.jpg", "out/deep/e.jpg", "inside-not/f.jpg")
    inside = tmp_path / "in"
    (inside / "own.jpg").symlink_to(tmp_path / "in" / "sub" / "b.jpg")
    (inside / "other root.jpg").symlink_to(tmp_path / "more" / "c.jpg")
    links = {
        "file.jpg": "out/d.jpg",
        "folder": "out/deep",
        "like.jpg": "inside-not/f.jpg",
        "lost.jpg": "nowhere",
    }
    for name, target in links.items():
        (inside / name).symlink_to(tmp_path / target)
    told: list[Path] = []
    found = everything(inside, tmp_path / "more", on_link_out=told.append)
    assert sorted(each.path.resolve().name for each in found) == ["a.jpg", "b.jpg", "c.jpg"]
    assert sorted(told) == sorted(inside / name for name in links)
    flat: list[Path] = []
    everything(inside, recursive=False, on_link_out=flat.append)
    assert inside / "folder" not in flat


@posix_only
def test_a_photo_whose_sidecar_leads_out_is_left_out_with_it(tmp_path: Path, plant: Plant) -> None:
    plant("in/a.jpg", "in/b.JPG", "in/c.jpg", "in/d.jpg", "in/e/f.jpg", "out/v.xmp", "in/e/v.xmp")
    outside = {"a.jpg.xmp", "b.XMP", "e/f.xmp"}
    for name in outside:
        (tmp_path / "in" / name).symlink_to(tmp_path / "out" / "v.xmp")
    (tmp_path / "in" / "c.jpg.xmp").symlink_to("e/v.xmp")
    (tmp_path / "in" / "alone.xmp").symlink_to(tmp_path / "out" / "v.xmp")
    (tmp_path / "in" / "0 by link.jpg").symlink_to("e/f.jpg")
    told: list[Path] = []
    assert names(tmp_path / "in", on_link_out=told.append) == ["c.jpg", "d.jpg"]
    assert set(told) == {tmp_path / "in" / name for name in outside}
    assert len(everything(tmp_path / "in")) == 5


@posix_only
def test_a_link_that_is_named_is_meant_but_not_its_sidecar(tmp_path: Path, plant: Plant) -> None:
    plant("in/a.jpg", "out/b.jpg", "out/b.jpg.xmp", "far/v.xmp")
    (tmp_path / "in" / "link.jpg").symlink_to(tmp_path / "out" / "b.jpg")
    (tmp_path / "album").symlink_to(tmp_path / "out")
    told: list[Path] = []
    assert names(tmp_path / "in" / "link.jpg", on_link_out=told.append) == ["."]
    assert names(tmp_path / "album", on_link_out=told.append) == ["b.jpg"]
    assert told == []
    (tmp_path / "in" / "a.jpg.xmp").symlink_to(tmp_path / "far" / "v.xmp")
    assert everything(tmp_path / "in" / "a.jpg", on_link_out=told.append) == []
    assert told == [tmp_path / "in" / "a.jpg.xmp"]


@posix_only
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes UTF-8 names only")
def test_names_may_be_any_bytes(tmp_path: Path) -> None:
    odd = [b"-rf.jpg", b"new\nline.jpg", b"\xff\xfe.jpg", b"  .jpg", b"a\tb;$(x).jpg", "日本.jpg".encode()]
    for name in odd:
        (tmp_path / os.fsdecode(name)).write_bytes(JPEG)
    assert {os.fsencode(photo.path.name) for photo in everything(tmp_path)} == set(odd)


def test_deeper_than_python_recurses(tmp_path: Path) -> None:
    deep = tmp_path
    try:
        for _ in range(sys.getrecursionlimit() + 50):
            deep /= "d"
            deep.mkdir()
        (deep / "a.jpg").write_bytes(JPEG)
    except OSError:
        pytest.skip("the file system does not go that deep")
    found = [photo.path for photo in everything(tmp_path)]
    (deep / "a.jpg").unlink()
    for folder in [deep, *deep.parents][: sys.getrecursionlimit() + 50]:
        folder.rmdir()  # what clears away after the tests recurses, too
    assert found == [deep / "a.jpg"]


def test_it_is_lazy(tmp_path: Path, plant: Plant) -> None:
    plant("a/1.jpg", "b/2.jpg")
    walk = scan([tmp_path], on_unreadable=unexpected)
    next(walk)
    plant("b/1.jpg")
    assert [found.path.name for found in walk] == ["1.jpg", "2.jpg"]


MEASURE = """
import resource, sys, time
from pathlib import Path
from tagroll.photos.scan import scan
from tagroll.formats import FORMATS
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in scan([Path(sys.argv[1])], on_unreadable=print))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory as Linux counts it")
def test_memory_does_not_grow_with_the_number_of_photos(tmp_path: Path) -> None:
    def grown(root: Path, folders: int) -> int:
        for number in range(folders):
            folder = root / f"{number:03}"
            folder.mkdir(parents=True)
            for photo in range(500):
                (folder / f"IMG_{photo:04}.jpg").write_bytes(JPEG[:64])
        run = subprocess.run(
            [sys.executable, "-c", MEASURE, root],
            capture_output=True,
            text=True,
            check=True,
            env=environment(),
        )
        count, kilobytes = map(int, run.stdout.split())
        assert count == folders * 500
        return kilobytes

    small, large = grown(tmp_path / "small", 4), grown(tmp_path / "large", 40)
    assert large - small < 1000  # kilobytes; the paths of 18,000 photos alone would be twice that


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
