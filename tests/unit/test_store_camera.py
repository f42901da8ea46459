"""Tags written into files of real cameras: nothing else in them changes, and undo gives every byte back."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tagroll.domain import Change, Photo
from tagroll.errors import MetadataError
from tagroll.exiftool.pool import ExifTool, find_exiftool
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.store import MetadataStore
from tagroll.metadata.table import FIELDS

DATA = os.environ.get("TAGROLL_DATA")
COMMAND = find_exiftool()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not DATA, reason="TAGROLL_DATA does not say where the camera files are"),
    pytest.mark.skipif(COMMAND is None, reason="no exiftool here"),
]

OURS = {name for name, row in FIELDS.items() if row.holds != "told"} | {
    "IPTC2:Keywords", "File:CurrentIPTCDigest", "XMP-x:XMPToolkit",
}  # fmt: skip
MANDATORY = {  # in an IPTC block that was not there before: IIM 4.2, 1:90 and 2:0
    *("IPTC:CodedCharacterSet", "IPTC2:CodedCharacterSet", "IPTC:ApplicationRecordVersion"),
}
CONTAINER = {"QuickTime:MediaData", "QuickTime:MediaDataSize", "RIFF:WebP_Flags", "File:FileType"}
PLACES = ("Offset", "Offsets", "Start", "MPImageStart")


def everything(folder: Path) -> dict[str, dict[str, str]]:
    """All that exiftool finds in the files of a folder, binary values and unknown tags included."""
    command = [*COMMAND, "-j", "-G1", "-a", "-U", "-b", "-n", "-struct", "-r", "-i", "none", folder]
    done = subprocess.run(command, capture_output=True, check=False)
    rows = json.loads(done.stdout, parse_int=str, parse_float=str)
    return {Path(row.pop("SourceFile")).name: row for row in rows}


def complaints(folder: Path) -> dict[str, set[str]]:
    """What `exiftool -validate` finds wrong with the files of a folder; numbers left out, as places may change."""
    command = [*COMMAND, "-validate", "-warning", "-error", "-a", "-S", "-i", "none", folder]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    found: dict[str, set[str]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("======== "):
            found[Path(line[9:]).name] = there = set()
        elif not line.startswith("Validate: "):
            there.add(re.sub(r"\d+", "#", line))
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[object, object]]:
    """What a write has changed that is not its business."""
    changed = {}
    for name in before.keys() | after.keys():
        group, _, tag = name.partition(":")
        expected = (
            name in OURS | CONTAINER or group in {"System", "ExifTool", "Composite"} or tag.endswith(PLACES)
        )
        if (
            before.get(name) != after.get(name)
            and not expected
            and not (name not in before and name in MANDATORY)
        ):
            changed[name] = (before.get(name), after.get(name))
    return changed


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    folder = tmp_path_factory.mktemp("camera") / "files"
    shutil.copytree(Path(DATA, "camera", "files"), folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def test_only_our_fields_change_and_undo_gives_every_byte_back(camera):
    before, wrong_before = everything(camera), complaints(camera)
    whole = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in camera.iterdir()}
    writes, failed = [], 0
    with MetadataStore(mtime="keep", exiftool=ExifTool(COMMAND)) as store:
        for path in sorted(whole):
            fmt = detect(whole[path][0][:HEAD_BYTES], path.suffix)
            if fmt is None:
                continue
            photo = Photo(path, 0, 0, fmt)
            try:
                done = store.write(
                    photo, lambda seen: Change(("Tagroll", "Łódź 🐈"), seen.tags[:1]), lambda _: None
                )
            except MetadataError:
                failed += 1
                assert path.read_bytes() == whole[path][0]
                continue
            writes += done
            assert {"Tagroll", "Łódź 🐈"} <= set(store.read(photo).tags)
        after = everything(camera)
        wrong = {write.target.name: differences(before[write.target.name], after[write.target.name])
                 for write in writes if write.target.name in before}  # fmt: skip
        assert {name: found for name, found in wrong.items() if found} == {}
        assert len(wrong) > 150
        new = {
            name: found - wrong_before[name] for name, found in complaints(camera).items() if name in wrong
        }
        assert {name: found for name, found in new.items() if found} == {}
        assert failed < 30
        for write in reversed(writes):
            store.undo(write, lambda _: None)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in camera.iterdir()} == whole
