"""What Windows and macOS do otherwise, as far as Linux can be made to do it: a real NTFS volume that does not tell letter
cases apart, pipes of one code page, and a drive that is pulled out.

`tests/unit/test_exiftool.py` plays a system without a shell and links."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.judge import write_by_exiftool
from support.runs import contents
from support.stub import Stub, keywords
from tagroll.errors import WriteError
from tagroll.metadata.files.safe_write import hold, safe_replace

FILES = Path(__file__).parents[1] / "files"


@pytest.fixture
def ntfs(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """An NTFS volume as Windows shows it, without cases, and the program behind it."""
    image, folder = tmp_path / "disk", tmp_path / "volume"
    folder.mkdir()
    if not (shutil.which("mkntfs") and shutil.which("lowntfs-3g") and Path("/dev/fuse").exists()):
        pytest.skip("no ntfs-3g here")
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkntfs", "-F", "-f", "-q", image], check=True, capture_output=True)
    driver = subprocess.Popen(
        ["lowntfs-3g", image, folder, "-o", "ignore_case,no_detach"], stderr=subprocess.PIPE
    )
    try:
        while not folder.is_mount():
            if driver.poll() is not None:
                pytest.skip("a FUSE volume cannot be mounted here")
            time.sleep(0.01)
        yield folder, driver
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)
        driver.wait(60)
        driver.stderr.close()


def test_where_letter_cases_are_one_each_photo_is_met_once(tagroll, ntfs):
    trip = ntfs[0] / "Trip"
    trip.mkdir()
    for name, source in {
        "IMG_1.JPG": "baseline.jpg",
        "IMG_2.DNG": "raw.dng",
        "Lake.webp": "lossy.webp",
    }.items():
        shutil.copyfile(FILES / source, trip / name)
    write_by_exiftool("-XMP-dc:Subject=Mine", "-o", trip / "img_2.XMP", trip / "img_2.dng")
    before = contents(trip)
    assert len(before) == 4
    with Stub(usual=keywords("Lake")) as server:
        done = tagroll("tag", trip, ntfs[0] / "TRIP", trip / "img_1.jpg", "--api-url", server.url, "--json")
        assert (done.code, done.summary["total"]) == (0, 3), done
        copied = tagroll("classify", ntfs[0] / "tRIP", "--api-url", server.url, "--json")
        assert (copied.code, copied.summary["copied"]) == (0, 3), copied
    copies = [path.name.lower() for path in (trip / "processed").iterdir()]
    assert (
        len(copies) == len(set(copies)) == 6
    )  # each with a JSON: names that differ in case alone would be one file
    read = tagroll("tags", ntfs[0], "--json", "--exclude", "processed")
    assert {name.lower(): row["tags"] for name, row in read.photos.items()} == {
        "img_1.jpg": ["Lake"], "img_2.dng": ["Mine", "Lake"], "lake.webp": ["Lake"],
    }  # fmt: skip
    for _ in range(2):
        assert tagroll("undo").code == 0
    assert contents(trip) == before


def test_a_drive_that_is_pulled_out_is_told_of_in_plain_words(ntfs):
    folder, driver = ntfs
    photo = shutil.copyfile(FILES / "baseline.jpg", folder / "photo.jpg")
    with hold(photo) as held:
        driver.kill()
        driver.wait()
        with pytest.raises(WriteError, match="not connected any more"):
            safe_replace(held, b"new", before_replace=lambda: None)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a disk")
def test_a_read_only_disk_is_told_of_before_a_model_is_asked(tagroll, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        shutil.copyfile(FILES / "baseline.jpg", disk / "photo.jpg")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with Stub(usual=keywords("Lake")) as server:
            done = tagroll("tag", disk, "--api-url", server.url)
            assert (done.code, server.chats) == (2, 0)
            assert "mounted read-only" in done.err
            for look in ("--dry-run", "--review"):
                assert tagroll("tag", disk, look, "--api-url", server.url).code == 0
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_pipe_that_knows_few_letters_ends_no_command(tagroll, tmp_path, encoding):
    photo = tmp_path / "Ωmega.jpg"
    shutil.copyfile(FILES / "baseline.jpg", photo)
    write_by_exiftool("-XMP-dc:Subject=湖", photo)
    done = tagroll("tags", photo, "-v", PYTHONIOENCODING=encoding)
    assert done.code == 0, done
    assert "1  \\u6e56" in done.out
