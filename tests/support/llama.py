"""llama.cpp's own server, run in a child process."""

import subprocess
import sys
from pathlib import Path
from typing import Self

SERVE = Path(__file__).with_name("serve.py")


class Llama:
    """A running server. It can be killed and brought back under the same address.

    Args:
        model: The text model's file.
        eyes: The image projector's file; None for a model that takes no pictures.
        options: More options of serve.py.
    """

    def __init__(self, model: Path, eyes: Path | None = None, *options: str) -> None:
        self.model = "tiny-vlm"
        self._command = [sys.executable, str(SERVE), str(model), *options]
        if eyes:
            self._command += ["--mmproj", str(eyes)]
        self.url = ""
        self._start("0")

    def _start(self, port: str) -> None:
        self._process = subprocess.Popen(
            [*self._command, "--port", port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        assert self.url, "llama.cpp's server did not start"

    def kill(self) -> None:
        """End it without a good-bye."""
        self._process.kill()
        self._process.communicate()

    def restart(self) -> None:
        """Start it again on the same port."""
        self.kill()
        self._start(self.url.rpartition(":")[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
