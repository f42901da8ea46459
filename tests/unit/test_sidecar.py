"""Which sidecars belong to which photo."""

import pytest

from tagroll.formats import FORMATS
from tagroll.metadata.sidecar import find_sidecars, new_sidecar

FORMAT = {row.name: row for row in FORMATS}


def found(folder, photo, fmt, *others, content=b"<x/>"):
    """The names of the sidecars that belong to a photo, when these files stand beside it."""
    for name in (photo, *others):
        (folder / name).write_bytes(content)
    return " ".join(path.name for path in find_sidecars(folder / photo, FORMAT[fmt]))


@pytest.mark.parametrize(
    ("photo", "fmt", "others", "expected"),
    [
        pytest.param("a.jpg", "jpeg", [], "", id="none"),
        pytest.param("a.jpg", "jpeg", ["a.jpg.xmp"], "a.jpg.xmp", id="darktable's and digiKam's"),
        pytest.param("a.jpg", "jpeg", ["a.jpg.XMP"], "a.jpg.XMP", id="upper case"),
        pytest.param("a.nef", "raw", ["a.xmp"], "a.xmp", id="Lightroom's"),
        pytest.param(
            "a.nef", "raw", ["a.xmp", "a.nef.xmp"], "a.nef.xmp a.xmp", id="darktable beside Lightroom"
        ),
        pytest.param("a.nef", "raw", ["a.xmp", "a.jpg"], "a.xmp", id="RAW of a pair"),
        pytest.param("a.jpg", "jpeg", ["a.xmp", "a.nef"], "", id="JPEG of a pair: it is the RAW's"),
        pytest.param("a.jpg", "jpeg", ["a.xmp", "a.NEF"], "", id="RAW in upper case"),
        pytest.param("a.jpg", "jpeg", ["a.xmp", "a.heic"], "", id="whose? nobody's for certain"),
        pytest.param("a.jpg", "jpeg", ["a.xmp", "a.txt", "a b.nef"], "a.xmp", id="nobody else's"),
        pytest.param("a.b.jpg", "jpeg", ["a.xmp"], "", id="only the suffix is taken off"),
        pytest.param("a.b.jpg", "jpeg", ["a.b.xmp"], "a.b.xmp", id="dots in the name"),
        pytest.param("a.NEF.jpg", "jpeg", ["a.NEF", "a.NEF.xmp"], "", id="made from a RAW"),
        pytest.param("a.HEIC.jpg", "jpeg", ["a.HEIC.xmp"], "", id="whose file has gone"),
        pytest.param("a.jpg.png", "png", ["a.jpg.xmp"], "", id="made from a JPEG"),
        pytest.param("scan.tif.jpg", "jpeg", ["scan.tif.xmp"], "", id="made from a TIFF"),
        pytest.param("a.mov.jpg", "jpeg", ["a.mov.xmp"], "", id="a video's poster"),
        pytest.param("a.psd.jpg", "jpeg", ["a.psd.xmp"], "", id="a drawing's export"),
        pytest.param("a.NEF.dng", "raw", ["a.NEF.xmp"], "", id="a RAW made from a RAW"),
        pytest.param("a.NEF.jpg", "jpeg", ["a.NEF.jpg.xmp", "a.NEF.xmp"], "a.NEF.jpg.xmp", id="but its own"),
        pytest.param("a.jpg", "jpeg", ["a.xmp", "a.mp4"], "", id="a video may have it"),
        pytest.param("a.HEIC", "heic", ["a.xmp", "a.MOV"], "", id="live photo"),
        pytest.param("a.heic", "heic", ["a.xmp", "a.Mov"], "", id="live photo, odd letters"),
        pytest.param("a.jpg", "jpeg", ["a.xmp", "a.psd"], "", id="a drawing may have it"),
        pytest.param("a.png", "png", ["a.XMP", "a.SVGZ"], "", id="so may one in upper case"),
        pytest.param("a.jpg", "jpeg", ["a.xmp", "a.jp2"], "", id="so may a picture that is not opened"),
        pytest.param("a.webp", "webp", ["a.xmp", "a.Exr"], "", id="or another one"),
        pytest.param("a.jpg", "jpeg", ["a.xmp", "a.wma"], "", id="or a sound"),
        pytest.param("scan.jp2.jpg", "jpeg", ["scan.jp2.xmp"], "", id="made from what is not opened"),
        pytest.param("a.mov.HEIC", "heic", ["a.mov.XMP"], "", id="made from a video"),
        pytest.param("a.nef", "raw", ["a.xmp", "a.EIP"], "", id="a RAW and one that is not opened"),
        pytest.param("a.dng", "raw", ["a.xmp", "a.nef"], "", id="two RAWs"),
        pytest.param("a.NEF", "raw", ["a.xmp", "a.DNG", "a.JPG"], "", id="two RAWs and a JPEG"),
        pytest.param("a.dng", "raw", ["a.xmp", "a.mov"], "", id="a live photo's RAW"),
        pytest.param("a.nef", "raw", ["a.xmp", "a.psd", "a.tif"], "a.xmp", id="what was made of the RAW"),
    ],
)
def test_belongs(tmp_path, photo, fmt, others, expected):
    assert found(tmp_path, photo, fmt, *others) == expected


@pytest.mark.parametrize(
    "content", [b'photoshop:SidecarForExtension="JPG"', b"<photoshop:SidecarForExtension> jpg</photoshop"]
)
def test_lightroom_says_whose_it_is(tmp_path, content):
    assert found(tmp_path, "a.jpg", "jpeg", "a.xmp", "a.nef", content=content) == "a.xmp"
    assert not find_sidecars(tmp_path / "a.nef", FORMAT["raw"])


def test_lightroom_says_it_of_one_of_two_raws(tmp_path):
    content = b'photoshop:SidecarForExtension="NEF"'
    assert found(tmp_path, "a.NEF", "raw", "a.xmp", "a.DNG", "a.mov", content=content) == "a.xmp"
    assert not find_sidecars(tmp_path / "a.DNG", FORMAT["raw"])


def test_a_linked_sidecar_is_changed_where_it_is(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.xmp").write_bytes(b"<x/>")
    (tmp_path / "a.jpg.xmp").symlink_to(tmp_path / "real/a.xmp")
    assert found(tmp_path, "a.jpg", "jpeg") == "a.xmp"


def test_one_file_under_both_names_is_one(tmp_path):
    (tmp_path / "a.nef.xmp").symlink_to(tmp_path / "a.xmp")
    assert found(tmp_path, "a.nef", "raw", "a.xmp") == "a.xmp"


def new(folder, photo, fmt, name="auto", others=()):
    for other in (photo, *others):
        (folder / other).write_bytes(b"<x/>")
    return new_sidecar(folder / photo, FORMAT[fmt], name).name


def test_a_new_one_has_the_whole_name(tmp_path):
    assert new(tmp_path, "a.b.NEF", "raw") == "a.b.NEF.xmp"


@pytest.mark.parametrize(
    ("photo", "fmt", "others", "expected"),
    [
        pytest.param("c.nef", "raw", ["a.nef", "a.xmp"], "c.xmp", id="Lightroom's folder"),
        pytest.param(
            "c.CR3", "raw", ["a.nef", "a.xmp", "b.nef", "b.XMP", "d.nef", "d.nef.xmp"], "c.xmp", id="most"
        ),
        pytest.param("c.nef", "raw", ["a.nef", "a.nef.xmp"], "c.nef.xmp", id="darktable's folder"),
        pytest.param("c.nef", "raw", ["a.nef", "a.nef.xmp", "a.xmp"], "c.nef.xmp", id="both"),
        pytest.param("c.nef", "raw", ["a.jpg", "a.xmp"], "c.nef.xmp", id="not a RAW's"),
        pytest.param("c.jpg", "jpeg", ["a.nef", "a.xmp"], "c.jpg.xmp", id="no RAW"),
        pytest.param("c.nef", "raw", ["a.nef", "a.xmp", "c.dng"], "c.nef.xmp", id="it could be another's"),
        pytest.param("c.nef.dng", "raw", ["a.nef", "a.xmp"], "c.nef.dng.xmp", id="it would be another's"),
    ],
)
def test_a_new_one_of_a_raw_is_called_as_those_of_the_folder(tmp_path, photo, fmt, others, expected):
    assert new(tmp_path, photo, fmt, others=others) == expected


@pytest.mark.parametrize(
    ("photo", "fmt", "name", "beside"),
    [
        ("a.nef", "raw", "stem", "> a.xmp"), ("a.jpg", "jpeg", "stem", "> a.xmp"),
        ("a.jpg", "jpeg", "stem", "a.nef > a.jpg.xmp"), ("a.nef", "raw", "stem", "a.jpg > a.xmp"),
        ("a.nef", "raw", "stem", "a.xmp > a.nef.xmp"), ("a.nef", "raw", "full", "b.nef b.xmp > a.nef.xmp"),
    ],
)  # fmt: skip
def test_a_new_one_is_called_as_is_wanted_where_that_is_safe(tmp_path, photo, fmt, name, beside):
    others, _, expected = beside.partition("> ")
    assert new(tmp_path, photo, fmt, name, others.split()) == expected
