"""Kill -9, two runs at once, and disks that give up midway: no photo is harmed, no tag is lost."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support.photos import as_photo
from tagroll.domain import Change
from tagroll.errors import WriteError
from tagroll.exiftool.pool import ExifTool, find_exiftool
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"
AS_ROOT = sys.platform == "linux" and os.geteuid() == 0


def run(program: str | Path, *arguments: object) -> subprocess.Popen[str]:
    code = [program] if isinstance(program, Path) else ["-c", program]
    command = [sys.executable, *code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_killed_200_times(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("baseline.jpg", "rgb.png", "lossy.webp", "palette.bmp"):
        for number in range(50):
            shutil.copyfile(FILES / name, folder / f"{number}{Path(name).suffix}")
    out, errors = run(Path(__file__).with_name("killed_run.py"), folder, 200).communicate()
    assert not errors
    assert int(out) > 200
    assert len(list(folder.iterdir())) == 200


APPEND = """
import sys
from pathlib import Path
from tagroll.domain import Change, Photo
from tagroll.formats import HEAD_BYTES, detect
from tagroll.exiftool.pool import ExifTool, find_exiftool
from tagroll.metadata.store import MetadataStore
path, who, count, policy = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
photo = Photo(path, 0, 0, detect(path.read_bytes()[:HEAD_BYTES], path.suffix))
command = find_exiftool()
with MetadataStore(sidecar=policy, exiftool=command and ExifTool(command)) as store:
    sys.stdin.readline()
    for number in range(count):
        store.write(photo, lambda _: Change(add=(f"{who} {number}",)), lambda _: None)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "policy", "count"),
    [("baseline.jpg", "auto", 25), ("baseline.jpg", "always", 25), ("single.tif", "auto", 4)],
)
def test_two_runs_on_one_photo_lose_no_tag(tmp_path, name, policy, count):
    if name.endswith("tif") and find_exiftool() is None:
        pytest.skip("no exiftool here")
    path = tmp_path / name
    shutil.copyfile(FILES / name, path)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    runs = [
        subprocess.Popen([sys.executable, "-c", APPEND, path, who, str(count), policy], stdin=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, env=environment)
        for who in ("one", "two", "three")
    ]  # fmt: skip
    for process in runs:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in runs:
        assert process.communicate()[1] == ""
    command = find_exiftool()
    with MetadataStore(exiftool=command and ExifTool(command)) as store:
        tags = store.read(as_photo(path)).tags
    assert sorted(tags) == sorted(
        f"{who} {number}" for who in ("one", "two", "three") for number in range(count)
    )


MIDWAY = """
import os, sys
from pathlib import Path
from tagroll.domain import Change, Photo
from tagroll.errors import WriteError
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.store import MetadataStore
path = Path(sys.argv[1])
photo = Photo(path, 0, 0, detect(path.read_bytes()[:HEAD_BYTES], path.suffix))
def tag(**options):
    MetadataStore().write(photo, lambda _: Change(add=("Cat",)), lambda _: path.parent.chmod(0o555), **options)
tag(dry_run=True)  # so that Python has loaded all it needs: the other user may not read it
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    tag()
except WriteError as error:
    print(error)
"""


@pytest.mark.skipif(not AS_ROOT, reason="only root can try how another user fares")
def test_permission_lost_midway():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = folder / "photo.jpg"
        shutil.copyfile(FILES / "baseline.jpg", photo)
        for path in (folder, photo):
            os.chown(path, 65534, 65534)
        out, errors = run(MIDWAY, photo).communicate()
        assert (out, errors) == ("cannot be written: no permission to write in its folder\n", "")
        assert photo.read_bytes() == (FILES / "baseline.jpg").read_bytes()
        assert len(list(folder.iterdir())) == 2  # what could not be removed ...
        folder.chmod(0o755)
        assert MetadataStore().remove_leftovers(folder) == 1  # ... goes at the next start
        assert list(folder.iterdir()) == [photo]


@pytest.mark.skipif(not AS_ROOT, reason="only root can mount a small disk")
@pytest.mark.parametrize("name", ["baseline.jpg", "palette.bmp"])
def test_a_disk_without_room(tmp_path, name):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    if (made := subprocess.run(mount, capture_output=True, check=False)).returncode:
        pytest.skip(f"mount refused: {made.stderr!r}")
    try:
        photo = disk / name
        shutil.copyfile(FILES / name, photo)
        before, filler = photo.read_bytes(), disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        writes = []
        with pytest.raises(WriteError, match="the disk is full"):
            MetadataStore().write(as_photo(photo), lambda _: Change(add=("Cat",)), writes.append)
        assert not writes
        assert photo.read_bytes() == before
        filler.unlink()
        assert MetadataStore().write(as_photo(photo), lambda _: Change(add=("Cat",)), writes.append)
    finally:
        subprocess.run(["umount", disk], check=True)
