"""The judge: the real exiftool."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tagroll.exiftool.pool import find_exiftool


def exiftool(path: Path, *options: str) -> dict[str, Any]:
    """What exiftool says about one file, by the names of its tags."""
    done = subprocess.run([*_command(), "-j", *options, path], capture_output=True, check=True)
    return json.loads(done.stdout)[0]


def exiftool_folder(folder: Path, *options: str) -> dict[str, dict[str, Any]]:
    """What exiftool says about all files below a folder, by file name; tags with their groups."""
    command = [*_command(), "-r", "-j", "-a", "-G1", "-struct", *options, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {Path(row["SourceFile"]).name: row for row in json.loads(done.stdout or "[]")}


def subjects(path: Path) -> list[str]:
    """The keywords of a photo, as exiftool sees them in XMP."""
    found = exiftool(path, "-XMP-dc:Subject").get("Subject", [])
    return [str(item) for item in (found if isinstance(found, list) else [found])]


def _command() -> list[str]:
    command = find_exiftool()
    assert command, "the tests need exiftool: it comes with the extra tagroll[test], and needs perl"
    return command
