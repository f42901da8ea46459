"""`tagroll watch`: photos are tagged as they come, whole, once, and by nobody's doing but others'."""

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from support.photos import FILES
from support.runs import EXAMPLES, environment
from support.stub import Stub, keywords
from tagroll.catalog import Catalog
from tagroll.errors import UsageError
from tagroll.runs.watch import Hours, Watch
from tagroll.runs.watching import Watching

PATIENCE_S = 60


class Watcher:
    """A `tagroll watch` that runs, and the photos that it told of."""

    def __init__(self, folder: Path, tmp_path: Path, *words: str) -> None:
        command = [sys.executable, "-m", "tagroll", "watch", str(folder), "--json", *words]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path)
        )
        self.rows: list[dict] = []
        self.said: list[str] = []
        self.readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, lambda line: self.rows.append(json.loads(line)))),
            threading.Thread(target=self._read, args=(self.process.stderr, self.said.append)),
        ]  # fmt: skip
        for reader in self.readers:
            reader.start()

    def _read(self, lines: IO[str], take: Callable[[str], None]) -> None:
        with lines:
            for line in lines:
                take(line)

    def tagged(self) -> list[str]:
        return [Path(row["path"]).name for row in self.rows if row.get("status") == "tagged"]

    def wait(self, until: Callable[[], bool]) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < give_up, (self.rows, self.said)
            assert self.process.poll() is None, self.said
            time.sleep(0.05)

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE_S) == 130, self.said
        for reader in self.readers:
            reader.join()
        assert "Traceback" not in "".join(self.said)


@contextmanager
def watching(folder: Path, tmp_path: Path, *words: str) -> Iterator[Watcher]:
    watcher = Watcher(folder, tmp_path, *words)
    try:
        yield watcher
        watcher.end()
    finally:
        watcher.process.kill()
        watcher.process.wait()
        for reader in watcher.readers:
            reader.join()


def test_what_came_before_and_what_comes_is_tagged_once_and_whole(tmp_path, tagroll):
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(EXAMPLES / "dogs.jpg", folder)
    with (
        Stub(usual=keywords("Lake")) as server,
        watching(folder, tmp_path, "--api-url", server.url) as watcher,
    ):
        watcher.wait(lambda: watcher.tagged() == ["dogs.jpg"])
        whole = (EXAMPLES / "road.jpg").read_bytes()
        with (folder / "road.jpg").open("wb") as file:  # as a card is copied: it grows for a while
            for start in range(0, len(whole), len(whole) // 6):
                file.write(whole[start : start + len(whole) // 6])
                file.flush()
                time.sleep(0.7)
        (tmp_path / "new").mkdir()
        shutil.copy(EXAMPLES / "cat.png", tmp_path / "new")
        (tmp_path / "new").rename(folder / "new")  # a whole folder at once
        watcher.wait(lambda: len(watcher.tagged()) == 3)
        assert tagroll("tags", folder).code == 0  # other commands work meanwhile
        time.sleep(4)  # what it wrote itself is not taken for news
        assert sorted(watcher.tagged()) == ["cat.png", "dogs.jpg", "road.jpg"]
        assert [row for row in watcher.rows if row.get("status") == "failed"] == []
        assert len(server.bodies) == 3
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        (run,) = (run for run in catalog.runs.all() if run.command == "watch")
        assert (run.writes, run.summary["tagged"]) == (3, 3)
    assert tagroll("undo").code == 0
    assert (folder / "road.jpg").read_bytes() == whole


def test_what_a_person_takes_back_stays_away_and_a_folder_that_comes_back_is_heard_again(tmp_path, tagroll):
    folder = tmp_path / "photos"
    folder.mkdir()
    dogs, before = Path(shutil.copy(EXAMPLES / "dogs.jpg", folder)), (EXAMPLES / "dogs.jpg").read_bytes()
    with (
        Stub(usual=keywords("Lake")) as server,
        watching(folder, tmp_path, "--api-url", server.url) as watcher,
    ):
        watcher.wait(lambda: watcher.tagged() == ["dogs.jpg"])
        watcher.wait(lambda: tagroll("undo").code == 0)  # once it holds the catalog no more
        folder.rename(tmp_path / "away")  # as a drive that is unmounted, and another one comes in its place
        folder.mkdir()
        shutil.copy2(tmp_path / "away" / "dogs.jpg", folder)
        shutil.copy(EXAMPLES / "road.jpg", folder)
        watcher.wait(lambda: "road.jpg" in watcher.tagged())
        shutil.copy(EXAMPLES / "cat.png", folder)
        watcher.wait(lambda: "cat.png" in watcher.tagged())
        assert dogs.read_bytes() == before
        assert watcher.tagged().count("dogs.jpg") == 1


def test_no_more_photos_than_the_limit(tmp_path, tagroll):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("dogs", "road", "harbour"):
        shutil.copy(EXAMPLES / f"{name}.jpg", folder)
    with Stub(usual=keywords("Lake")) as server:
        done = tagroll("watch", folder, "--api-url", server.url, "--limit", "2", "--json")
    assert (done.code, done.summary["tagged"]) == (0, 2)


def test_a_server_that_is_away_is_waited_for(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    with Stub(usual=keywords("Lake")) as server:
        port = server.url
    shutil.copy(EXAMPLES / "dogs.jpg", folder)
    with watching(folder, tmp_path, "--api-url", port, "--patience", "0") as watcher:
        watcher.wait(lambda: any("tried again in a while" in line for line in watcher.said))
        assert watcher.tagged() == []


def test_where_the_system_tells_nothing_it_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(Watching, "_listen", lambda _: None)
    stop, said = threading.Event(), list[str]()
    batches = Watch([tmp_path], stop, poll=0.2, tell=said.append).batches()
    assert next(batches) is None
    assert "looked at every" in said[0]
    time.sleep(0.5)
    shutil.copy(FILES / "baseline.jpg", tmp_path / "new.jpg")
    (tmp_path / ".hidden.jpg").write_bytes(b"x")
    assert next(batches) == [tmp_path / "new.jpg"]
    batches.close()
    assert stop.is_set()


def test_a_locked_file_waits(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    photo = Path(shutil.copy(FILES / "baseline.jpg", tmp_path / "locked.jpg"))
    os.utime(photo, (0, 0))
    watch = Watch([tmp_path], threading.Event())
    watch.heard([tmp_path])
    watch._waiting[photo] = (photo.stat().st_size, photo.stat().st_mtime_ns), time.monotonic() - 3
    with photo.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert watch._complete() == []
    assert watch._complete() == [photo]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-03-01T{text}:00").astimezone()


@pytest.mark.parametrize(
    ("hours", "now", "left", "until"),
    [
        ("22:00-06:00", "23:00", 7 * 3600, 0),
        ("22:00-06:00", "05:59", 60, 0),
        ("22:00-06:00", "06:00", 0, 16 * 3600),
        ("22:00-06:00", "21:59", 0, 60),
        ("01:30-02:30", "02:00", 1800, 0),
        ("01:30-02:30", "03:00", 0, 22.5 * 3600),
    ],
)
def test_hours(hours, now, left, until):
    parsed = Hours.parse(hours)
    assert (parsed.left(at(now)), parsed.until(at(now))) == (left, until)


@pytest.mark.parametrize("hours", ["22:00", "25:00-06:00", "22:00+01:00-06:00", "night", ""])
def test_what_are_no_hours(hours):
    with pytest.raises(UsageError, match="time of day"):
        Hours.parse(hours)
