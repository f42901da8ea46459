"""A model file (GGUF) without a server: llama.cpp runs in a child process for as long as tagroll does."""

import importlib.util
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tagroll.errors import ServerError, UsageError
from tagroll.parallel import out_of_reach

GET_EXTRA = 'pip install "tagroll[llama]"'
LOADING_S = 900.0
"""Seconds a model may take to load: large ones come from slow disks."""
_BOOTSTRAP = (
    "import os, sys; sys.path[:] = sys.argv[1].split(os.pathsep);"
    "from tagroll.models.gguf.child import main; main()"
)
"""Runs the child with the import path of the parent, its first argument, so that both run the same code."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model that sees.

    Attributes:
        model: The language model.
        mmproj: Its image projector.
    """

    model: Path
    mmproj: Path

    @property
    def name(self) -> str:
        """What the model is called in the catalog."""
        return self.model.stem


def model_files(model: Path, mmproj: Path | None) -> ModelFiles:
    """Check the files of a model.

    Args:
        model: The language model.
        mmproj: Its image projector; None takes the one that lies beside it.

    Raises:
        UsageError: One is no GGUF file, or there is no projector: the model would be blind.
    """
    found = [mmproj] if mmproj else projectors(model.parent)
    if not found:
        raise UsageError(
            f"{model.name} alone does not see images: its image projector is missing",
            "Give it with --mmproj FILE; it is offered where the model is, as mmproj-....gguf",
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UsageError(
            f"there are several image projectors beside {model.name}: {names}", "Give one with --mmproj"
        )
    for path in (model, found[0]):
        _check(path)
    return ModelFiles(model, found[0])


def projectors(folder: Path) -> list[Path]:
    """The image projectors in a folder, by their customary name."""
    return sorted(path for path in folder.glob("*.gguf") if "mmproj" in path.name.lower())


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if head != b"GGUF":
        raise UsageError(
            f"{path} is no GGUF file", "Models for llama.cpp are GGUF files; tagroll doctor looks for some"
        )


class LocalServer:
    """Runs a model for as long as the context lasts.

    The server listens on this machine only, on a port that the system chose, and wants a random key. It ends
    when its standard input closes, so also when this process is killed.

    Args:
        files: The model.
        slots: Pictures at once; None takes what suits the machine.
        threads: Processors for it.

    Raises:
        UsageError: The package that runs models is not installed.
        ServerError: The model cannot be loaded.
    """

    def __init__(self, files: ModelFiles, *, slots: int | None, threads: int) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            raise UsageError(
                "running a model file needs the extra tagroll[llama]", f"Install it: {GET_EXTRA}"
            )
        self.key = secrets.token_urlsafe(24)
        with ExitStack() as stack:
            self._log = stack.enter_context(tempfile.TemporaryFile())
            arguments = (sys.executable, "-P", "-c", _BOOTSTRAP, os.pathsep.join(filter(None, sys.path)))
            self._process: subprocess.Popen[bytes] = stack.enter_context(subprocess.Popen(  # noqa: S603 - our own code
                arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, **out_of_reach()
            ))  # fmt: skip
            stack.callback(self._process.kill)
            ready = self._start({
                "model": str(files.model), "mmproj": str(files.mmproj), "name": files.name, "key": self.key,
                "slots": slots or 0, "threads": threads,
            })  # fmt: skip
            if not ready:
                raise ServerError(f"the model {files.name} cannot be run: {self._complaint()}", _HINT)
            self.url, at_once = ready.split()
            self.slots = int(at_once)
            self._resources = stack.pop_all()

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it: it holds nothing that could be lost."""
        self._resources.close()

    def _start(self, wish: dict[str, Any]) -> str:
        """Tell the child what to run; what it says when it is ready, "" if it gives up."""
        assert self._process.stdin  # noqa: S101 - pipes, see _child
        assert self._process.stdout  # noqa: S101
        impatience = threading.Timer(LOADING_S, self._process.kill)
        impatience.daemon = True
        impatience.start()
        try:
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            self._process.stdin.flush()
            return self._process.stdout.readline().decode().strip()
        except BrokenPipeError:
            return ""
        finally:
            impatience.cancel()

    def _complaint(self) -> str:
        """What llama.cpp says about it: of its lines, the first ones say why, and the longest most, names of files aside."""
        self._process.kill()  # it has closed its output, so it is about to end, or hangs at that
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read(20_000).decode("utf-8", "replace").splitlines()
        said = [re.sub(r"^[\d.]+ [A-Z] ", "", line) for line in lines if re.match(r"[\d.]+ E ", line)]
        told = said or lines[-1:] or ["it ended without a word; there may be too little memory"]
        return max(told, key=lambda line: len(re.sub("'.*?'", "", line)))[:300]


_HINT = "The file may be damaged, made for a newer llama.cpp, or too large for this machine's memory"
