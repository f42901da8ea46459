"""A plug that is pulled at any moment: whatever the disk kept of what was not synced, no photo is lost and all can be undone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from support.plug import Call, Disk, File, crashes, record
from support.stub import Stub, keywords
from tagroll.runs.run import Workspace
from tagroll.runs.undo import Undoing
from tagroll.settings import Settings

PHOTOS = int(os.environ.get("TAGROLL_PLUG_PHOTOS", "16"))
STATES = int(os.environ.get("TAGROLL_PLUG_STATES", "250"))
"""How many states a disk may be in are tried. CONTRIBUTING has the numbers for a release: 200 photos, 10,000 states."""
CHANCE = partial(Random, 7)
"""The same states every time."""
AFTERWARDS = 100
"""So many calls after a photo has its new name, its row is settled, too."""
SIDECAR = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<dc:subject><rdf:Bag><rdf:li>Mine</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def make_photos(folder: Path) -> None:
    """Photos that are written into, that get a sidecar, and that have one."""
    for number in range(PHOTOS):
        suffix = (".jpg", ".png", ".webp", ".jpg", ".bmp")[number % 5]
        photo = folder / f"{number % 3}" / f"{number:03}{suffix}"
        photo.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40), (number, 255 - number, 7 * number % 256)).save(photo)
        if number % 5 == 3:
            photo.with_name(f"{photo.name}.xmp").write_text(SIDECAR)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def recorded(root: Path, log: Path, words: list[str]) -> list[Call]:
    """What `tagroll tag` asks of the disk."""
    with Stub(usual=keywords("Lake", "Boat")) as server:
        command = [
            sys.executable,
            "-m",
            "tagroll",
            "tag",
            str(root / "photos"),
            "--api-url",
            server.url,
            *words,
        ]
        # SQLite's shared memory is made anew by whoever comes first
        return record(command, lambda path: path.is_relative_to(root) and not path.name.endswith("-shm"), log)


class Judge:
    """Says of states that a disk may be in after a crash whether a photo is lost in one.

    Args:
        root: What is recorded: the photos, and the catalog's folder.
        before: All files before the run.
        calls: What the run asked of the disk.
    """

    def __init__(self, root: Path, before: dict[Path, bytes], calls: list[Call]) -> None:
        self.root, self.before, self.calls = root, before, calls
        self.after = self.there = contents(root)
        self.busy = dict[Path, range]()
        made = {call.paths[0]: number for number, call in enumerate(calls) if call.makes}
        for number, call in enumerate(calls):
            if len(call.paths) == 2:
                photo = self.photo_of(call.paths[1])
                first = self.busy[photo].start if photo in self.busy else made[call.paths[0]]
                self.busy[photo] = range(first, number + AFTERWARDS)

    def photo_of(self, path: Path) -> Path:
        return path.with_suffix("") if path.suffix == ".xmp" else path

    def is_photo(self, path: Path) -> bool:
        """A photo or sidecar; a hidden temporary file for one that was never made may stay until one is."""
        return path.is_relative_to(self.root / "photos") and not path.name.startswith(".tagroll-")

    def look(self, number: int, files: dict[Path, bytes]) -> None:
        """Every photo is whole, old or new, as it lies there and after the next run; and undo makes it what it was.

        Only those photos are taken back that are being written around a call, or everything would take days.

        Args:
            number: Of the call.
            files: What the disk holds.
        """
        for path, old in self.before.items():
            assert files.get(path) in (old, self.after[path]), f"{path} is lost"
        self._spread(files)
        busy = {photo for photo, calls in self.busy.items() if number in calls}
        with Workspace.open(Settings(catalog=self.root / "data" / "catalog.sqlite")) as space:
            assert space.catalog.journal.pending() == []
            now = self._photos()
            for path, data in now.items():
                assert data in (self.before.get(path), self.after[path]), f"{path} is not whole"
            written = {self.photo_of(path) for path, data in now.items() if data != self.before.get(path)}
            if wanted := sorted(written & busy):
                undoing = Undoing.choose(space, None, wanted)
                with space.begin("undo", []) as run:
                    assert not [one for one in undoing.outcomes(run, dry_run=False) if one.error]
        self.there = contents(self.root)
        for path in self._photos().keys() | self.before.keys():
            if self.photo_of(path) in busy:
                assert self.there.get(path) == self.before.get(path), f"{path} is not what it was"

    def _photos(self) -> dict[Path, bytes]:
        return {path: data for path, data in contents(self.root).items() if self.is_photo(path)}

    def _spread(self, files: dict[Path, bytes]) -> None:
        """Make the disk hold just these files."""
        for path in self.there.keys() - files.keys():
            path.unlink()
        shutil.rmtree(self.root / "data", ignore_errors=True)
        for path, data in files.items():
            if not path.exists() or self.there.get(path) != data:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_no_photo_is_lost_when_the_plug_is_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    root = tmp_path / "root"
    make_photos(root / "photos")
    before = contents(root)
    calls = recorded(root, tmp_path / "log", ["--catalog", str(root / "data" / "catalog.sqlite")])
    judge = Judge(root, before, calls)
    assert len(judge.busy) == PHOTOS  # each was written, or got a sidecar

    def states() -> Iterator[tuple[int, Callable[[], dict[Path, bytes]]]]:
        return crashes(Disk({path: File(bytearray(data)) for path, data in before.items()}), calls, CHANCE())

    number_of_states = sum(1 for _ in states())
    chosen = set(CHANCE().sample(range(number_of_states), min(STATES, number_of_states)))
    for state, (number, found) in enumerate(states()):
        if state in chosen:
            try:
                judge.look(number, found())
            except Exception as error:
                call = calls[number]
                error.add_note(f"state {state} of {number_of_states}, after {call.name} {call.paths}")
                raise
