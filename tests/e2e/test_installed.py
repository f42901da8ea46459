"""The packages as they are published: built, installed beside nothing but what they ask for, and run, with no network at all."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from support.judge import subjects
from support.runs import EXAMPLES, ROOT, contents, environment

OFFLINE = Path(__file__).parents[1] / "support" / "no_network.py"
UNSHARE = ("unshare", "--map-root-user", "--net")
HOOK = """
import os, sys
def note(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"):
        to = args[0] if event == "socket.getaddrinfo" else args[1]
        with open(os.environ["SOCKETS"], "a") as log:
            print(to[0] if isinstance(to, tuple) else to, file=log)
if "SOCKETS" in os.environ:
    sys.addaudithook(note)
"""
"""Notes where each process of Python wants to connect or send to; a line of a .pth file runs it before all else."""


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel, and what was built."""

    python: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, built out of the source package as the index would have it, in an environment of its own."""
    folder = tmp_path_factory.mktemp("packages")
    runner = os.environ | {
        "GITHUB_SERVER_URL": "https://example.org",
        "GITHUB_REPOSITORY": "some/one",
        "GITHUB_REF_NAME": "v1",
    }
    build = [sys.executable, "-m", "hatchling", "build", "--directory", folder, "--target"]
    subprocess.run([*build, "sdist"], cwd=ROOT, env=runner, check=True, capture_output=True)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        packed.extractall(folder, filter="data")
    source = folder / sdist.name.removesuffix(".tar.gz")
    subprocess.run([*build, "wheel"], cwd=source, env=runner, check=True, capture_output=True)
    shutil.rmtree(source)
    (wheel,) = folder.glob("*.whl")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-compile",
    ]
    subprocess.run([*pip, wheel], check=True)
    site = Path(
        subprocess.check_output(
            [python, "-c", "import site; print(site.getsitepackages()[0])"], text=True
        ).strip()
    )
    (requires,) = importlib.metadata.distributions(name="tagroll", path=[str(site)])
    link_all(requires.requires or [], site)
    (site / "watched_sockets.py").write_text(HOOK)
    (site / "watched_sockets.pth").write_text("import watched_sockets\n")
    return Installed(python, sdist, wheel)


def link_all(requirements: Sequence[str], site: Path) -> None:
    """What was asked for, and what that asks for, from where the tests have it; no extras, so nothing for tests alone."""
    waiting, done = list(requirements), set()
    while waiting:
        wanted = Requirement(waiting.pop())
        if wanted.name in done or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        done.add(wanted.name)
        found = importlib.metadata.distribution(wanted.name)
        assert wanted.specifier.contains(found.version, prereleases=True)
        waiting += found.requires or []
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))).resolve())


def test_the_packages_say_what_an_index_wants_to_know(installed):
    assert installed.wheel.stat().st_size < 16e6
    (told,) = importlib.metadata.distributions(name="tagroll", path=[str(site_of(installed))])
    metadata = Metadata.from_email((told.read_text("METADATA") or "").encode(), validate=True)
    assert metadata.project_urls
    assert metadata.project_urls["Source"] == "https://example.org/some/one"
    assert metadata.description
    assert "](docs/" not in metadata.description
    assert "](https://example.org/some/one/raw/v1/docs/run.svg)" in metadata.description
    names = {str(file) for file in told.files or []}
    assert {"tagroll/py.typed", "tagroll/web/static/page.css"} <= names
    with tarfile.open(installed.sdist) as packed:
        inside = {name.partition("/")[2] for name in packed.getnames()}
    assert {"README.md", "LICENSE", "examples/try.py", "tests/conftest.py", "CHANGELOG.md"} <= inside


def site_of(installed: Installed) -> Path:
    (found,) = installed.python.parents[1].rglob("watched_sockets.pth")
    return found.parent


def test_all_of_it_works_with_the_network_off(installed, tmp_path):
    """In a network namespace without a way out: nobody, in whatever language, even tries to reach another machine."""
    if (
        sys.platform != "linux"
        or not shutil.which(UNSHARE[0])
        or subprocess.run([*UNSHARE, "true"], check=False).returncode
    ):
        pytest.skip("a network namespace cannot be made here")
    photos, log = tmp_path / "photos", tmp_path / "sockets"
    shutil.copytree(EXAMPLES, photos, ignore=shutil.ignore_patterns("*.md"))
    before = contents(photos)
    clean = {name: value for name, value in environment(tmp_path).items() if name != "PYTHONPATH"} | {
        "SOCKETS": str(log)
    }

    def offline(*commands: Sequence[object]) -> dict[str, object]:
        lines = json.dumps([[str(word) for word in command] for command in commands])
        done = subprocess.run(
            [*UNSHARE, sys.executable, OFFLINE, lines],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])

    tagroll = installed.python.with_name("tagroll")
    found = offline(
        [tagroll, "tag", photos],
        [installed.python, "-c", "import tagroll.cli as t, sys; sys.exit('venv' not in t.__file__)"],
        [tagroll, "dedupe", photos, "--dry-run"],
        [tagroll, "find", "dog", photos, "--close"],
    )
    assert found["codes"] == [0] * 4
    assert "Dog" in subjects(photos / "dogs.jpg")
    assert found["interfaces"] == ["lo"]
    assert (found["IpOutNoRoutes"], found["Ip6OutNoRoutes"], found["UdpOutDatagrams"]) == (0, 0, 0)
    looked = set(log.read_text().splitlines())  # for a model server on this machine
    assert looked <= {"127.0.0.1", "localhost", "::1"}
    assert offline([tagroll, "undo"])["codes"] == [0]
    assert before.items() <= contents(photos).items()
    tried = offline([installed.python, "-c", "import socket; socket.create_connection(('192.0.2.1', 80))"])
    assert tried["IpOutNoRoutes"], "whoever tries is counted"
    assert "192.0.2.1" in log.read_text()
