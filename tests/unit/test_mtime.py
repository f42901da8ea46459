"""Modification times: backups and galleries notice each write, and the order of photos stays."""

import os
import shutil
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.photos import as_photo
from tagroll.cli import main
from tagroll.domain import Change, Write
from tagroll.metadata.files import attributes
from tagroll.metadata.files.order import Order
from tagroll.metadata.files.safe_write import hold, safe_replace
from tagroll.metadata.store import MetadataStore
from tagroll.settings import Mtime

FILES = Path(__file__).parents[1] / "files"
TAKEN = 1_234_567_890_123_456_789
LAST_OF_EXT4 = 15_032_385_535_000_000_000


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    os.utime(path, ns=(TAKEN - 5, TAKEN))
    return path


def replace(path: Path, mtime: Mtime) -> list[str]:
    told: list[str] = []
    with hold(path) as original:
        safe_replace(
            original, original.data[::-1], before_replace=lambda: None, mtime=mtime, tell=told.append
        )
    return told


@pytest.mark.parametrize(("mtime", "later"), [("nudge", 2_000_000_000), ("keep", 0)])
def test_to_the_nanosecond(file, mtime, later):
    replace(file, mtime)
    assert (file.stat().st_atime_ns, file.stat().st_mtime_ns) == (TAKEN - 5, TAKEN + later)


def test_now(file):
    before = time.time_ns()
    replace(file, "now")
    assert file.stat().st_mtime_ns >= before - 50_000_000  # the kernel's clock ticks


@pytest.mark.parametrize("second", [-1_000_000_000, 0, 4_102_444_800], ids=["1938", "1970", "2100"])
def test_cameras_with_a_wrong_clock(file, second):
    os.utime(file, (second, second))
    was = file.stat().st_mtime_ns
    replace(file, "nudge")
    assert file.stat().st_mtime_ns == was + 2_000_000_000


def test_a_time_that_the_disk_cannot_count_beyond_becomes_now(file, monkeypatch):
    real = os.utime

    def clamped(path, *arguments, ns=None):
        real(path, *arguments, **({"ns": tuple(min(n, LAST_OF_EXT4) for n in ns)} if ns else {}))

    monkeypatch.setattr(attributes.os, "utime", clamped)
    os.utime(file, ns=(LAST_OF_EXT4, LAST_OF_EXT4))
    replace(file, "nudge")
    assert abs(file.stat().st_mtime_ns - time.time_ns()) < 10**12


def test_a_disk_that_counts_in_two_seconds_shows_the_nudge(file, monkeypatch):
    real = os.utime

    def coarse(path, *arguments, ns=None):
        real(path, *arguments, **({"ns": tuple(n - n % 2_000_000_000 for n in ns)} if ns else {}))

    monkeypatch.setattr(attributes.os, "utime", coarse)
    os.utime(file, ns=(TAKEN, TAKEN))
    was = file.stat().st_mtime_ns
    assert replace(file, "nudge") == []
    assert file.stat().st_mtime_ns == was + 2_000_000_000


# what others notice --------------------------------------------------------------------------------------


def seen_by_rsync(path: Path) -> tuple[int, int]:
    """`rsync -a` copies a file when its size or its time, in whole seconds, is another one."""
    return path.stat().st_size, int(path.stat().st_mtime)


def change(store: MetadataStore, path: Path, change: Change) -> list[Write]:
    rows: list[Write] = []
    store.write(as_photo(path), lambda _: change, rows.append)
    return rows


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("baseline.jpg", "baseline.jpg"),
        ("lossy.webp", "lossy.webp"),
        ("plain.heic", "plain.heic"),
        ("palette.bmp", "palette.bmp.xmp"),
    ],
)
def test_a_word_of_the_same_length_and_its_undoing_are_noticed(exiftool, tmp_path, name, written):
    photo, file = tmp_path / name, tmp_path / written
    shutil.copyfile(FILES / name, photo)
    store = MetadataStore(exiftool=exiftool)
    change(store, photo, Change(add=("Sunrise",)))
    os.utime(file, ns=(TAKEN, TAKEN))
    seen = [seen_by_rsync(file)]
    (row,) = change(store, photo, Change(add=("Sundown",), remove=("Sunrise",)))
    seen.append(seen_by_rsync(file))
    store.undo(row, lambda _: None)
    seen.append(seen_by_rsync(file))
    assert len(set(seen)) == 3
    assert file.stat().st_mtime_ns == TAKEN + 4_000_000_000


def test_kept_times_come_back_with_an_undo(tmp_path):
    photo = tmp_path / "a.jpg"
    shutil.copyfile(FILES / "baseline.jpg", photo)
    os.utime(photo, ns=(TAKEN, TAKEN))
    store = MetadataStore(mtime="keep")
    (row,) = change(store, photo, Change(add=("Cat",)))
    store.undo(row, lambda _: None)
    assert photo.stat().st_mtime_ns == TAKEN


def test_the_order_of_photos_stays(tmp_path):
    photos = [tmp_path / f"{number}.jpg" for number in range(6)]
    for step, photo in enumerate(photos):  # a burst, some within one second
        shutil.copyfile(FILES / "baseline.jpg", photo)
        os.utime(photo, ns=(TAKEN, TAKEN + step * 400_000_000))
    for photo in reversed(photos):
        change(MetadataStore(), photo, Change(add=("Cat",)))
    assert sorted(photos, key=lambda photo: photo.stat().st_mtime_ns) == photos


def rename_times(store: MetadataStore, photo: Path, times: int) -> list[Write]:
    """Write a photo again and again; each time the time has to be a new and later one."""
    rows: list[Write] = []
    for _ in range(times):
        before = photo.stat().st_mtime_ns
        rows += change(store, photo, Change(add=(f"Word {before}",)))
        assert photo.stat().st_mtime_ns > before
    return rows


def by_time(photos: list[Path]) -> list[Path]:
    return sorted(photos, key=lambda photo: photo.stat().st_mtime_ns)


def burst(folder: Path, gap_ns: int, names: str = "abcdef") -> list[Path]:
    photos = [folder / f"{name}.jpg" for name in names]
    for step, photo in enumerate(photos):
        shutil.copyfile(FILES / "baseline.jpg", photo)
        os.utime(photo, ns=(TAKEN, TAKEN + step * gap_ns))
    return photos


@pytest.mark.parametrize(
    "gap_ns", [1_000_000, 50_000_000, 400_000_000, 1_000_000_000, 2_000_000_000, 5_000_000_000]
)
@pytest.mark.parametrize("names", ["abcdef", "fedcba"])
@pytest.mark.parametrize("which", [0, 3, 5])
@pytest.mark.parametrize("again", ["one store", "new stores"])
def test_one_photo_of_a_burst_written_many_times_stays_in_its_place(tmp_path, gap_ns, names, which, again):
    photos, store = burst(tmp_path, gap_ns, names), MetadataStore()
    if again == "one store":
        rows = rename_times(store, photos[which], 6)
    else:
        rows = [row for _ in range(6) for row in rename_times(MetadataStore(), photos[which], 1)]
    assert by_time(photos) == photos
    for row in reversed(rows):
        MetadataStore().undo(row, lambda _: None)
    assert by_time(photos) == photos
    assert photos[which].read_bytes() == (FILES / "baseline.jpg").read_bytes()


def test_all_photos_of_a_burst_written_in_any_order_and_number_keep_theirs(tmp_path):
    photos, store = burst(tmp_path, 300_000_000), MetadataStore()
    for photo, times in zip(photos, (3, 1, 4, 1, 5, 2), strict=True):
        rename_times(store, photo, times)
    assert by_time(photos) == photos
    for photo in (photos[4], photos[0], photos[2]):
        rename_times(MetadataStore(), photo, 2)
    assert by_time(photos) == photos


@pytest.mark.parametrize("gap_ns", [0, 1_000_000_000])
def test_photos_of_one_and_the_same_time_stay_together(tmp_path, gap_ns):
    photos = burst(tmp_path, 0)
    later = burst(tmp_path, 0, "xyz")
    for photo in later:
        os.utime(photo, ns=(TAKEN, TAKEN + gap_ns))
    store = MetadataStore()
    for photo in (photos[3], later[1], *photos[4:], *photos[:3], later[0], later[2]):
        rename_times(store, photo, 1)
    assert len({photo.stat().st_mtime_ns for photo in photos}) == 1
    assert len({photo.stat().st_mtime_ns for photo in later}) == 1
    assert by_time([*photos, *later]) == [*photos, *later]


def test_a_video_has_its_place_in_the_order_and_sidecars_have_none(tmp_path):
    (photo,) = burst(tmp_path, 0, "a")
    for name, later in (("a.xmp", 1), (".hidden.jpg", 2), ("a.mov", 900_000_000)):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, ns=(TAKEN, TAKEN + later))
    with hold(photo) as original:
        order = Order()
        assert TAKEN + 400_000_000 < order.later(original.path, TAKEN) < TAKEN + 900_000_000
    assert Order().later(tmp_path / "a.xmp", TAKEN) == TAKEN + 2_000_000_000


def test_a_photo_that_came_later_is_seen_and_one_that_has_gone_is_not(tmp_path):
    first, second = burst(tmp_path, 500_000_000, "ab")
    order = Order()
    assert order.later(first, TAKEN) < TAKEN + 500_000_000
    second.unlink()
    assert order.later(first, TAKEN) == TAKEN + 2_000_000_000
    third = tmp_path / "c.jpg"
    third.write_bytes(b"")
    os.utime(third, ns=(TAKEN, TAKEN - 7))
    assert order.later(third, TAKEN - 7) < TAKEN


def test_where_another_computer_sees_nothing_but_the_time(tmp_path):
    """exFAT has no time of change of its own, and counts in steps of two seconds; padding keeps the size."""

    def stamp() -> str:
        state = photo.stat()
        return f"{state.st_size} {state.st_mtime_ns // 2_000_000_000}"

    photo = tmp_path / "a.jpg"
    shutil.copyfile(FILES / "baseline.jpg", photo)
    store = MetadataStore()
    change(store, photo, Change(add=("Sunrise",)))
    known = stamp()
    change(store, photo, Change(add=("Sundown",), remove=("Sunrise",)))
    assert stamp() != known


# the options ---------------------------------------------------------------------------------------------


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Runs a command and gives the times its store was asked to write."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    found: list[object] = []
    real = MetadataStore.__init__

    def noted(self: MetadataStore, **options: object) -> None:
        found.append(options["mtime"])
        real(self, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(MetadataStore, "__init__", noted)

    def run(*arguments: str, **variables: str) -> object:
        found.clear()
        done = CliRunner(env=variables).invoke(main, [*arguments, "--catalog", str(tmp_path / "c")])
        return found[0] if found else done.output

    return run


COMMANDS = [
    ("tag", "photos", "--backend", "builtin"), ("dedupe", "photos", "--backend", "builtin"),
    ("tags", "rename", "A", "B", "photos"), ("tags", "merge", "A", "B", "--in", "photos"), ("tags", "remove", "A", "photos"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_every_command_that_writes_has_it(asked, command):
    assert asked(*command) == "nudge"
    assert asked(*command, "--mtime", "keep") == "keep"
    assert asked(*command, "--touch") == "now"


def test_and_so_has_undo(asked):
    asked(*COMMANDS[-1])
    assert [asked("undo"), asked("undo", "--mtime", "keep"), asked("undo", "--touch")] == [
        "nudge",
        "keep",
        "now",
    ]


def test_what_is_typed_wins(asked, tmp_path):
    command = COMMANDS[-1]
    assert asked(*command, TAGROLL_MTIME="keep") == "keep"
    assert asked(*command, "--touch", TAGROLL_MTIME="keep") == "now"
    assert asked(*command, "--touch", "--mtime", "now") == "now"
    assert "exclude each other" in asked(*command, "--touch", "--mtime", "keep")
    (tmp_path / "own.toml").write_text("touch = true\n")
    assert asked(*command, "--config", str(tmp_path / "own.toml")) == "now"
    assert asked(*command, "--config", str(tmp_path / "own.toml"), "--mtime", "keep") == "keep"
