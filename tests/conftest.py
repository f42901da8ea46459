"""Fixtures for all tests: the real model server, the real exiftool, and pictures whose answer is known."""

import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.judge import COMMAND
from support.llama import Llama
from support.tiny_vlm import write_model
from tagroll.domain import Preview
from tagroll.exiftool.pool import ExifTool

# An example that takes long on a busy machine says nothing about the code; the same examples every time, so that what
# passed here passes elsewhere. `--hypothesis-profile explore` looks for new ones (see CONTRIBUTING).
BUSY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("tagroll", **BUSY, derandomize=True)
settings.register_profile("explore", **BUSY, max_examples=5000)
settings.load_profile("tagroll")

# Where Python is told to keep no compiled code, each of the many child processes of the tests would compile tagroll anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# A developer may have fetched models: no test but those about them is to find them.
FETCHED = {name: os.environ[name] for name in ("TAGROLL_MODELS",) if name in os.environ}
os.environ["TAGROLL_MODELS"] = os.fspath(Path(tempfile.gettempdir()) / "tagroll-tests-have-no-models")


@pytest.fixture
def fetched_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models that were fetched on this machine, if any; TAGROLL_MODELS may say where."""
    monkeypatch.delenv("TAGROLL_MODELS", raising=False)
    for name, value in FETCHED.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session", autouse=True)
def exiftool_on_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where no exiftool is installed, the one that comes with tagroll[test] is the judge."""
    if shutil.which("exiftool") or COMMAND is None:
        yield
        return
    program = tmp_path_factory.mktemp("bin") / "exiftool"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="session")
def exiftool() -> Iterator[ExifTool | None]:
    """A pool of exiftool processes for all tests that do not end it; None where there is no exiftool."""
    if COMMAND is None:
        yield None
        return
    with ExifTool(COMMAND) as pool:
        yield pool


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Path]]:
    """Write (once a session) and return the files of the tiny vision model; arguments as of `write_model`."""
    written: dict[str, tuple[Path, Path]] = {}

    def files(**profile: object) -> tuple[Path, Path]:
        name = "-".join(map(str, profile.items())) or "default"
        if name not in written:
            written[name] = write_model(tmp_path_factory.mktemp("model"), **profile)
        return written[name]

    return files


@pytest.fixture(scope="session")
def llama_server(tiny_model: Callable[..., tuple[Path, Path]]) -> Iterator[Llama]:
    """A llama.cpp server with the tiny vision model, shared by the tests. Who kills it restarts it."""
    with Llama(*tiny_model()) as server:
        yield server


@pytest.fixture(scope="session")
def share_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What plays shares and simple disks to a child process that preloads it (see support/share.c)."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler or sys.platform != "linux":
        pytest.skip("a C compiler and Linux are needed to play a share")
    source, made = (
        Path(__file__).parent / "support" / "share.c",
        tmp_path_factory.mktemp("share") / "share.so",
    )
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture(scope="session")
def preview() -> Callable[..., Preview]:
    """Make the preview of a picture of one colour."""
    from PIL import Image

    def make(colour: str = "red", size: tuple[int, int] = (96, 64)) -> Preview:
        jpeg = io.BytesIO()
        Image.new("RGB", size, colour).save(jpeg, "JPEG")
        return Preview(jpeg.getvalue(), *size)

    return make
