"""One running `exiftool -stay_open`: a command in, its output out, within a time limit."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tagroll.exiftool import bystanders
from tagroll.parallel import out_of_reach

_FIELDS = str(Path(__file__).with_name("fields.config"))
"""In the place of a user's own configuration, which might change what exiftool says."""

_GRACE_S = 5.0  # for an idle process to end when told to


class DeadError(Exception):
    """The process ended while it should have answered."""


class Process:
    """One running exiftool, which never outlives us. For one thread at a time.

    Args:
        command: What starts it.

    Raises:
        OSError: It does not start.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.timed_out = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        # Ctrl-C must not end them before we have finished
        self._relay = subprocess.Popen(  # noqa: S603  # a constant
            bystanders.RELAY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **out_of_reach()
        )
        self._process = subprocess.Popen(  # noqa: S603  # see find_exiftool
            [*command, "-config", _FIELDS, "-stay_open", "True", "-@", "-", *bystanders.COMMON_ARGUMENTS],
            stdin=self._relay.stdout, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0,
            env=os.environ | {"PERL_UNICODE": "0"}, **out_of_reach(),
        )  # fmt: skip
        if self._relay.stdout:
            self._relay.stdout.close()  # exiftool alone holds it

    def run(self, arguments: Sequence[str], timeout_s: float) -> tuple[bytes, str]:
        """Run one command.

        Args:
            arguments: What would stand on its command line; no line breaks.
            timeout_s: How long it may take.

        Returns:
            What it wrote to its output, and its messages.

        Raises:
            DeadError: It ended, or was ended as it took too long (`timed_out`); it cannot be used any more.
        """
        number = 1 + secrets.randbelow(10**15)  # not to be guessed, so that no file can contain it
        lines = "".join(f"{argument}\n" for argument in (*arguments, f"-execute{number}"))
        if lines.count("\n") != len(arguments) + 1:
            raise AssertionError("a line break in an argument of exiftool")
        self.timed_out = False
        watch = threading.Timer(timeout_s, self._give_up)
        watch.start()
        try:
            self._errors.seek(0)
            self._errors.truncate()
            output = self._talk(os.fsencode(lines), b"{ready%d}" % number)
            self._errors.seek(0)
            return output, self._errors.read().decode("utf-8", "replace")
        except OSError as error:
            raise DeadError from error
        finally:
            watch.cancel()
            watch.join()  # a thread that is about to end is one that runs, too

    def close(self) -> None:
        """End it."""
        if self._relay.stdin:
            self._relay.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_S)
        self._kill()
        self._process.wait()
        self._relay.kill()
        self._relay.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._errors.close()

    def _talk(self, lines: bytes, marker: bytes) -> bytes:
        """Send a command and gather what comes back."""
        if not self._relay.stdin or not self._process.stdout:
            raise AssertionError("opened as pipes")
        rest = memoryview(lines)
        while rest:
            rest = rest[self._relay.stdin.write(rest) :]
        output, ends = bytearray(), (marker + b"\n", marker + b"\r\n")
        while not output.endswith(ends):
            block = self._process.stdout.read(1 << 16)
            if not block:
                raise BrokenPipeError
            output += block
        return bytes(output[: output.rindex(marker)])

    def _give_up(self) -> None:
        self.timed_out = True
        self._kill()

    def _kill(self) -> None:
        """End it, and what it has started: exiftool may stand behind a script, and hold our pipe."""
        if sys.platform == "win32":
            self._process.kill()
        elif self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # it has just ended
                os.killpg(self._process.pid, signal.SIGKILL)
