"""What the end-to-end tests know about runs of tagroll and about photos."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from support.judge import write_by_exiftool

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "photos"


@dataclass(frozen=True)
class Done:
    """A run of tagroll that has ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON lines it printed."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def photos(self) -> dict[str, dict[str, Any]]:
        """The JSON lines about photos, by file name."""
        return {Path(row["path"]).name: row for row in self.rows if row["type"] == "photo"}

    @property
    def summary(self) -> dict[str, Any]:
        """The last JSON line."""
        assert self.rows[-1]["type"] == "summary", self
        return self.rows[-1]


def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a user without any settings of tagroll."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAGROLL_")}
    return clean | {
        "TAGROLL_CATALOG": str(tmp_path / "catalog.sqlite"),
        "TAGROLL_MODELS": str(tmp_path / "models"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


def listed(value: Any) -> list[str]:
    """What exiftool -j gives for a list: a lone tag is no list there, and "2024" a number."""
    return [str(item) for item in (value if isinstance(value, list) else [] if value is None else [value])]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def paint(folder: Path, *pictures: tuple[str, tuple[int, int, int]]) -> Path:
    """Photos of one colour each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, colour in pictures:
        Image.new("RGB", (90, 60), colour).save(folder / name)
    return folder


def many(folder: Path, count: int) -> Path:
    """Photos that all differ."""
    return paint(folder, *((f"{i:03}.jpg", (i % 250, 255 - i % 250, (i * 7) % 250)) for i in range(count)))


def tagged(folder: Path, tags: dict[str, tuple[str, ...]]) -> Path:
    """Photos that another program gave these tags."""
    paint(folder, *((name, (40 * i, 99, 7)) for i, name in enumerate(tags)))
    for name, words in tags.items():
        write_by_exiftool(*(f"-XMP-dc:Subject={word}" for word in words), folder / name)
    return folder


@contextlib.contextmanager
def started(tmp_path: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Tagroll in the background; killed in the end, if it still runs."""
    command = [sys.executable, "-m", "tagroll", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment(tmp_path), cwd=tmp_path, text=True, **pipes) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_for(condition, seconds: float = 120.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or dead and waits for its parent to be told."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:  # gone just now, or a system without /proc: it is asked again
        return False
