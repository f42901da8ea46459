"""All camera files we have: new packets in, and by Pillow's word every pixel is the same.

What exiftool says of them before and after is the business of tests/unit/test_store_camera.py. The files
are not ours to ship; TAGROLL_DATA names the folder that has them.
"""

import io
import os
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
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
if not DATA:
    pytestmark.append(pytest.mark.skip(reason="TAGROLL_DATA does not name a folder with the camera files"))


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
