"""What the end-to-end tests share: runs of tagroll, copies of real photos."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.runs import EXAMPLES, ROOT, Done, environment
from tagroll.cli.app import main


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of these tests starts whole programs: none belongs to the quick part."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def tagroll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run `tagroll ARGUMENTS` with a catalog of its own.

    In this process, as each start of Python and of our libraries costs more than what most runs do. With `script`, one of
    the older scripts, or with variables, which a library that is loaded already might not see, it is a child process.
    """
    of_the_tests = "TAGROLL_DATA"  # no option, but where the tests have photos
    for name in {name for name in os.environ if name.startswith("TAGROLL_")} - {of_the_tests}:
        monkeypatch.delenv(name)
    for name, value in (mine := environment(tmp_path)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, script: str | None = None, **variables: str) -> Done:
        words = [os.fsdecode(_text(argument)) for argument in arguments]
        if script or variables:
            program = [str(ROOT / script)] if script else ["-m", "tagroll"]
            child = subprocess.run(
                [sys.executable, *program, *words],
                capture_output=True, text=True, env=mine | variables, cwd=tmp_path, timeout=300, check=False,
            )  # fmt: skip
            done = Done(child.returncode, child.stdout, child.stderr)
        else:
            result = CliRunner().invoke(main, words)
            if not isinstance(result.exception, SystemExit | None):
                raise result.exception
            done = Done(result.exit_code, result.stdout, result.stderr)
        assert "Traceback" not in done.err, done.err
        return done

    return run


def _text(argument: object) -> str | bytes:
    return os.fspath(argument) if isinstance(argument, os.PathLike) else str(argument)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a copy of the sample photos."""
    folder = tmp_path / "photos"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("*.md"))
    return folder
