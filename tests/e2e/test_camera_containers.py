"""All camera files we have: new packets in, and by exiftool's and Pillow's word nothing else is different.

The files are not ours to ship; TAGROLL_DATA names the folder that has them.
"""

import io
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from tagroll.errors import MetadataError
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.containers import jpeg, png, webp
from tagroll.metadata.containers.picture import picture_hash

DATA = os.environ.get("TAGROLL_DATA", "")
ENGINES = {"jpeg": jpeg, "png": png, "webp": webp}
XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>tagroll</rdf:li></rdf:Bag>'
    b'</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
IPTC = b"\x1c\x01\x5a\0\x03\x1b%G\x1c\x02\x19\0\x07tagroll"
OURS = (
    "XMP",
    "IPTC:",
    "System:",
    "SourceFile",
    "File:CurrentIPTCDigest",
    "Photoshop:IPTCDigest",
    "Composite:",
)
"""Our fields, what depends on the file as a whole, and what exiftool works out from our fields."""
MOVES = ("Warning", "MPImageStart", "ThumbnailOffset", "WebP_Flags", "File:FileType", "ICC_Profile")
"""Also: places counted from the start of the file (what lies there is compared), and the VP8X header."""
EMBEDDED = (
    "PreviewImage",
    "ThumbnailImage",
    "MPImage2",
    "MPImage3",
    "JpgFromRaw",
    "OtherImage",
    "ICC_Profile",
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
if not DATA:
    pytestmark.append(pytest.mark.skip(reason="TAGROLL_DATA does not name a folder with the camera files"))


def exiftool(folder: Path, *options: str) -> dict[str, dict[str, object]]:
    """What exiftool says about each file of a folder, by file name."""
    command = ["exiftool", "-q", "-m", "-j", "-a", "-G1", "-struct", *options, folder]
    rows = json.loads(subprocess.run(command, check=False, capture_output=True).stdout)
    return {Path(row["SourceFile"]).name: row for row in rows}


def foreign(row: dict[str, object]) -> dict[str, object]:
    """The tags that are none of ours."""
    return {key: value for key, value in row.items() if not key.startswith(OURS) and not key.endswith(MOVES)}


def pixels(data: bytes) -> list[bytes]:
    with Image.open(io.BytesIO(data)) as image:
        if image.format in {"JPEG", "MPO"}:  # which of the two, Pillow decides by the gain map's XMP
            return [image.tobytes()]
        return [frame.tobytes() for frame in ImageSequence.Iterator(image)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The files before and after, for all that the engines agree to edit."""
    before, after = tmp_path_factory.mktemp("before"), tmp_path_factory.mktemp("after")
    for path in sorted(Path(DATA, "camera", "files").iterdir()):
        data = path.read_bytes()
        fmt = detect(data[:HEAD_BYTES], path.suffix)
        if fmt is None or fmt.name not in ENGINES:
            continue
        engine = ENGINES[fmt.name]
        try:
            old = engine.read_packets(io.BytesIO(data))
            new = engine.replace_packets(data, replace(old, xmp=XMP, iptc=old.iptc and IPTC))
        except MetadataError:
            continue
        assert engine.replace_packets(data, old) == data
        assert picture_hash(new, fmt) == picture_hash(data, fmt)
        (before / path.name).write_bytes(data)
        (after / path.name).write_bytes(new)
    return before, after


def test_enough_files_are_edited(folders):
    assert len(list(folders[1].iterdir())) > 150


def test_nothing_but_our_fields_differs(folders):
    before, after = (exiftool(folder, "-U") for folder in folders)
    for name, row in after.items():
        assert foreign(row) == foreign(before[name]), name
        assert row["XMP-dc:Subject"] == ["tagroll"], name
        assert "IPTC:Keywords" not in before[name] or row["IPTC:Keywords"] == "tagroll", name


def test_embedded_pictures_are_the_same(folders):
    tags = [f"-{tag}" for tag in EMBEDDED]
    before, after = (exiftool(folder, "-b", *tags) for folder in folders)
    strip = {"SourceFile"}
    assert sum(len(row) > 1 for row in before.values()) > 20
    for name, row in before.items():
        assert {k: v for k, v in row.items() if k not in strip} == {
            k: v for k, v in after[name].items() if k not in strip
        }, name


def test_validate_finds_nothing_new(folders):
    before, after = (exiftool(folder, "-G4:1", "-validate", "-warning", "-error") for folder in folders)
    for name, row in after.items():
        old = {value for key, value in before[name].items() if key.endswith(("Warning", "Error"))}
        new = {value for key, value in row.items() if key.endswith(("Warning", "Error"))}
        assert new <= old, name


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about these files before and after
def test_pixels_are_the_same(folders):
    compared = 0
    for path in folders[0].iterdir():
        try:
            expected = pixels(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        assert pixels((folders[1] / path.name).read_bytes()) == expected, path.name
        compared += 1
    assert compared > 120
