"""The judge: the real exiftool. One that stays open answers all tests of a session, as each start takes a fifth of a second."""

import atexit
import functools
import json
from pathlib import Path
from typing import Any

import pytest

from tagroll.exiftool.pool import find_exiftool
from tagroll.exiftool.process import Process

COMMAND = find_exiftool()
NEEDS_EXIFTOOL = pytest.mark.skipif(COMMAND is None, reason="no exiftool here")


def by_exiftool(*arguments: object) -> bytes:
    """What exiftool prints when it is called so; it has to succeed, and no path may be relative."""
    printed, said = _judge().run([*map(str, arguments), "-echo4", "ended with ${status}"], 60)
    assert said.rstrip().endswith("ended with 0"), said
    return printed


def write_by_exiftool(*arguments: object) -> None:
    """Another program changes photos: tags like "-XMP-dc:Subject=Cat", and the files."""
    by_exiftool("-q", "-q", "-m", "-overwrite_original", *arguments)


def exiftool(path: Path, *options: str) -> dict[str, Any]:
    """What exiftool says about one file, by the names of its tags."""
    return json.loads(by_exiftool("-j", *options, path))[0]


def exiftool_folder(folder: Path, *options: str) -> dict[str, dict[str, Any]]:
    """What exiftool says about all files below a folder, by file name; tags with their groups."""
    printed, _ = _judge().run(["-r", "-j", "-a", "-G1", "-struct", *options, str(folder)], 60)
    return {Path(row["SourceFile"]).name: row for row in json.loads(printed or "[]")}


def subjects(path: Path) -> list[str]:
    """The keywords of a photo, as exiftool sees them in XMP."""
    found = exiftool(path, "-XMP-dc:Subject").get("Subject", [])
    return [str(item) for item in (found if isinstance(found, list) else [found])]


@functools.cache
def _judge() -> Process:
    assert COMMAND, "the tests need exiftool: it comes with the extra tagroll[test], and needs perl"
    process = Process(COMMAND)
    atexit.register(process.close)
    return process
