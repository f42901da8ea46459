"""What the end-to-end tests share: tagroll as a child process, copies of real photos."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.runs import EXAMPLES, ROOT, Done, environment


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of these tests starts whole programs: none belongs to the quick part."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def tagroll(tmp_path: Path) -> Callable[..., Done]:
    """Run `tagroll ARGUMENTS` with a catalog of its own; `script` runs one of the older scripts instead."""

    def run(*arguments: object, script: str | None = None, **variables: str) -> Done:
        program = [str(ROOT / script)] if script else ["-m", "tagroll"]
        done = subprocess.run(
            [sys.executable, *program, *map(os.fspath, map(_text, arguments))],
            capture_output=True, text=True, env=environment(tmp_path) | variables, cwd=tmp_path, timeout=100, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def _text(argument: object) -> str | bytes:
    return os.fspath(argument) if isinstance(argument, os.PathLike) else str(argument)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a copy of the sample photos."""
    folder = tmp_path / "photos"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("*.md"))
    return folder
