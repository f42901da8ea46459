"""Every command that waits for a model server says so: in lines for a person, in rows for a program."""

import json
import signal
import threading
import time

import pytest
from click.testing import CliRunner

from support.runs import paint, started, wait_for
from support.stub import SEES, Says, Stub, error, keywords, models
from tagroll.cli.app import main


class Late(Stub):
    """Models and embeddings, and a habit of being out of order for a while, from a request on."""

    def __init__(self, said, *, good=0, seconds=0.7):
        self.said, self.good, self.seconds, self.began = said, good, seconds, 0.0
        self.lock = threading.Lock()
        super().__init__()

    async def answer(self, request):
        with self.lock:
            self.good -= 1
            if self.good < 0:
                self.began = self.began or time.monotonic()
                if time.monotonic() - self.began < self.seconds:
                    return self.said
        if request.path.endswith("/embeddings"):
            rows = [[1.0, float(index), 2.0] for index, _ in enumerate(request.body["input"])]
            return Says({"data": [{"index": index, "embedding": row} for index, row in enumerate(rows)]})
        return await super().answer(request)


@pytest.fixture
def tagroll(tmp_path, monkeypatch):
    """Run tagroll in this process, where waiting is told after a moment and not after seconds."""
    monkeypatch.setattr("tagroll.models.server.retry.NOTICED", 0.1)
    monkeypatch.setattr("tagroll.models.server.retry.spread", lambda seconds: seconds / 3)
    monkeypatch.setenv("TAGROLL_CATALOG", str(tmp_path / "catalog.sqlite"))
    return lambda *arguments: CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Two photos with tags, two of which only an embedding can judge; nothing here writes into them."""
    folder = tmp_path_factory.mktemp("library") / "photos"
    paint(folder, ("a.jpg", (200, 10, 10)), ("b.jpg", (10, 200, 10)))
    with Stub(usual=keywords("Zorp Boat", "Zlorp Boat", "Harbour")) as server:
        arguments = ["tag", folder, "--api-url", server.url]
        catalog = {"TAGROLL_CATALOG": str(folder.parent / "catalog.sqlite")}
        assert CliRunner().invoke(main, list(map(str, arguments)), env=catalog).exit_code == 0
    return folder


LOADING = error(503, "Loading model")
NONE_LOADED = error(404, "No models loaded. Please load a model")
BUSY = error(429, "slow down", {"Retry-After": "0.5"})
WAITS = [
    ("dedupe", LOADING, 0, True),
    ("dedupe", LOADING, 0, False),
    ("dedupe", NONE_LOADED, 0, True),
    ("dedupe", BUSY, 1, False),
    ("dedupe", error(400, {"error": "Model has unloaded or crashed.."}), 1, True),
    ("doctor", LOADING, 0, True),
    ("doctor", LOADING, 0, False),
    ("doctor", NONE_LOADED, 1, False),
]


@pytest.mark.parametrize("wait", WAITS)
def test_waiting_is_told(tagroll, library, wait):
    command, said, good, as_json = wait
    with Late(said, good=good) as server:
        server.pages["/v1/models"] = models("stub-vlm") if command == "doctor" else models("e", **SEES)
        to = {
            "dedupe": [library, "--dry-run", "--embedding-url", server.url, "--embedding-model", "e"],
            "doctor": ["--api-url", server.url],
        }
        done = tagroll(command, *to[command], *(["--json"] if as_json else []))
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()] if as_json else []
    told = [row for row in rows if row["type"] == "waiting"]
    assert bool(told) is as_json
    assert all(server.url in row["reason"] and row["seconds"] > 0 and "most" in row for row in told)
    assert "waiting " in done.stderr
    assert server.url in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("said", [LOADING, BUSY, NONE_LOADED], ids=["loading", "busy", "none loaded"])
def test_the_first_interrupt_ends_the_waiting_of_dedupe(library, tmp_path, said):
    arguments = ("dedupe", library, "--dry-run", "--embedding-model", "e", "--verbose")
    with (
        Late(said, good=1, seconds=3600) as server,
        started(tmp_path, *arguments, "--embedding-url", server.url) as child,
    ):
        wait_for(lambda: len(server.requests) > 2 or (said is BUSY and len(server.requests) > 1))
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
