"""`tagroll tag --cluster`: real workers of Dask look; one is killed, one comes late, some are refused."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from support.photos import as_photo
from support.runs import contents, environment
from support.stub import Stub, keywords
from tagroll import __version__
from tagroll.models.spec import ModelSpec
from tagroll.runs.worker import Hello, as_here, hello
from tagroll.settings import Settings

pytest.importorskip("distributed")

PATIENCE_S = 120


def wait(until: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < give_up, what
        time.sleep(0.1)


class Cluster:
    """A scheduler, and workers as people start them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._processes = folder, list[subprocess.Popen[bytes]]()
        log = self._start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        found: list[str] = []
        wait(
            lambda: found.extend(re.findall(r"tcp://127\.0\.0\.1:\d+", log.read_text())) or found,
            "no scheduler",
        )
        self.address = found[0]

    def worker(self, name: str, **variables: str) -> subprocess.Popen[bytes]:
        words = (self.address, "--nthreads", "2", "--no-nanny", "--no-dashboard", "--name", name)
        log = self._start(name, "worker", *words, **variables)
        wait(lambda: "Registered to" in log.read_text(), f"{name} does not start")
        return self._processes[-1]

    def _start(self, name: str, *words: str, **variables: str) -> Path:
        log = self._folder / f"{name}.log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "dask", *words]
            made = environment(self._folder) | variables
            self._processes.append(
                subprocess.Popen(command, stdout=out, stderr=out, env=made, cwd=self._folder)
            )
        return log

    def end_scheduler(self) -> None:
        self._processes[0].kill()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "dask"
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.close()


def photos(folder: Path, number: int) -> Path:
    folder.mkdir()
    for n in range(number):
        Image.new("RGB", (60, 40), (5 * n % 256, 255 - n, n)).save(folder / f"{n:02}.jpg")
    return folder


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def test_workers_look_all_die_one_after_the_other_and_one_comes_late(tagroll, tmp_path, cluster):
    folder = photos(tmp_path / "photos", 40)
    before = contents(folder)
    with Stub(usual=keywords("Lake"), delay=0.3) as server:
        here = {"TAGROLL_API_URL": server.url}  # each asks the server that it names itself
        doomed = [cluster.worker(name, **here) for name in ("one", "two")]

        def trouble() -> None:
            for number, worker in enumerate(doomed):
                wait(lambda: len(server.bodies) > 6 * (number + 1), "nobody asks")  # noqa: B023 - at once
                worker.send_signal(signal.SIGKILL)
            cluster.worker("three", **here)

        words = ("tag", folder, "--cluster", cluster.address, "--json")
        with meanwhile(trouble):
            done = tagroll(*words, "-v", TAGROLL_PATIENCE="200")
        assert done.code == 0, done.err[-6000:]
        assert done.summary["tagged"] == 40
        # although tags were written meanwhile into what the late one has to see
        assert "gets no photos" not in done.err
        assert 40 <= len(server.bodies) <= 46  # what the dead ones were at is asked again, and nothing else
        asked = len(server.bodies)
        again = tagroll(*words, LANG="C")
        assert again.summary["unchanged"] == 40
        assert len(server.bodies) == asked

        def end() -> None:
            wait(lambda: len(server.bodies) > asked + 6, "nobody asks")
            cluster.end_scheduler()

        with meanwhile(end):
            cut_off = tagroll(*words, "--retag", LANG="C")
        assert (cut_off.code, "scheduler of Dask is gone" in cut_off.err) == (4, True), cut_off.err
    assert tagroll("undo").code == 0
    assert contents(folder) == before


def test_folders_with_other_names_and_workers_that_do_not_see_them(tagroll, tmp_path, cluster):
    folder = photos(tmp_path / "Malcesine", 4)
    shutil.copytree(folder, tmp_path / "there", copy_function=os.link)
    with Stub(usual=keywords("Lake")) as server:
        cluster.worker("one", TAGROLL_API_URL=server.url)
        words = ("tag", folder, "--cluster", cluster.address, "--dry-run", "--json")
        blind = tagroll(*words, "--map", f"{folder}={tmp_path / 'nowhere'}", LANG="C")
        assert blind.code == 2
        assert "does not see" in blind.err
        seen = tagroll(*words, "--map", f"{folder}={tmp_path / 'there'}", LANG="C")
        assert (seen.code, seen.summary["tagged"]) == (0, 4)
        assert "Malcesine" in str(server.bodies[0])


def test_a_cluster_that_is_not_there(tagroll, tmp_path):
    folder = photos(tmp_path / "photos", 1)
    gone = tagroll("tag", folder, "--cluster", "tcp://me:secret@127.0.0.1:1", LANG="C")
    assert gone.code == 4
    assert "no scheduler of Dask answers" in gone.err
    assert "secret" not in gone.err
    assert "Traceback" not in gone.err
    assert tagroll("tag", folder, "--cluster", "local:many").code == 2
    assert tagroll("tag", folder, "--map", "nothing").code == 2


def test_what_answers_nothing_is_no_scheduler():
    ask = "import sys, contextlib, tagroll.runs.cluster as c; c.SILENCE = 0.5; c._client(sys.argv[1], contextlib.ExitStack())"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", ask, address],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert f"ServerError: no scheduler of Dask answers at {address}" in done.stderr


@pytest.mark.parametrize(
    ("own", "urls", "key", "goes_out"),
    [
        ({}, ("http://nas",), "", False),
        ({"TAGROLL_API_KEY": "mine"}, ("http://nas",), "mine", False),
        (
            {"TAGROLL_API_URL": "http://a http://b", "TAGROLL_API_KEY": "mine"},
            ("http://a", "http://b"),
            "mine",
            True,
        ),
    ],
)
def test_a_worker_asks_its_own_server_and_its_key_is_for_no_other(monkeypatch, own, urls, key, goes_out):
    for name in ("TAGROLL_API_URL", "TAGROLL_API_KEY"):
        monkeypatch.setenv(name, own.get(name, ""))
    here = as_here(Settings(api_urls=("http://nas",), key_goes_out=False))
    assert (here.api_urls, here.api_key, here.key_goes_out) == (urls, key, goes_out)


def test_what_a_worker_says_of_itself(tmp_path):
    spec = ModelSpec(Settings(backend="server", api_urls=("http://127.0.0.1:1",)))
    assert hello("0.0.0", spec, []) == Hello(__version__)
    photo = as_photo(photos(tmp_path / "photos", 1) / "00.jpg")
    assert hello(__version__, spec, [(photo, "the hash of another one")]).unseen
    assert hello(__version__, spec, [(replace(photo, path=tmp_path / "gone.jpg"), "")]).unseen
    assert "127.0.0.1:1" in hello(__version__, spec, []).error
