"""Other programs are asked what they see of what was written; nobody here wrote them, and each skips where it is missing."""

import json
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

from support.judge import COMMAND, exiftool
from support.photos import as_photo
from tagroll.domain import Change
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"
LONG = "Достопримечательности Санкт-Петербурга"
"""38 letters, and more bytes than IPTC has for one keyword: cut, it would be another tag."""
TAGS = ("Mountain Lake", "Zürich", LONG, "Paris, France", "Feier 🎉")
WITH_IPTC = ("baseline.jpg", "progressive.jpg", "single.tif")
SAMPLES = (*WITH_IPTC, "rgb.png", "text.png", "lossy.webp", "plain.heic", "gainmap.heic", "rgb.avif")
PICTURES = {  # what shows that a file is whole and its picture the same
    "djpeg": (".jpg", ["djpeg", "-bmp"]),
    "pngcheck": (".png", ["pngcheck", "-q"]),
    "webpinfo": (".webp", ["webpinfo", "-quiet"]),
    "heif-info": (".heic", ["heif-info"]),
}


@pytest.fixture(scope="module")
def tagged(exiftool, tmp_path_factory) -> Path:
    """Copies of the samples that carry the tags, inside."""
    folder = tmp_path_factory.mktemp("tagged")
    store = MetadataStore(exiftool=exiftool)
    for name in SAMPLES:
        path = Path(shutil.copy(FILES / name, folder))
        (written,) = store.write(as_photo(path), lambda _: Change(add=TAGS, ours=TAGS), lambda _: None)
        assert written.target == path
    return folder


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def values(row: dict[str, object], name: str) -> list[str]:
    """The values of a field in what exiftool's -j gives, where one alone is no list, and 2024 a number."""
    found = row.get(name, [])
    return [str(value) for value in (found if isinstance(found, list) else [found])]


def in_adobes(path: Path) -> list[str]:
    """What Adobe's XMP Toolkit (Lightroom, Bridge) takes for the tags, after it has reconciled XMP with IPTC and Exif."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from libxmp import XMPFiles, consts
        except Exception as error:  # noqa: BLE001 - without libexempi it raises an error of its own
            pytest.skip(f"Adobe's XMP Toolkit is not there: {error}")
        xmp = XMPFiles(file_path=str(path)).get_xmp()
        count = xmp.count_array_items(consts.XMP_NS_DC, "subject")
        return [xmp.get_array_item(consts.XMP_NS_DC, "subject", number) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    "name", [name for name in SAMPLES if name not in ("rgb.avif", "plain.heic", "gainmap.heic")]
)
def test_adobes_toolkit_sees_the_tags(tagged, name):
    assert in_adobes(tagged / name) == list(TAGS)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.endswith((".jpg", ".tif", ".png"))])
def test_exiv2_sees_the_tags_and_complains_of_nothing_new(tagged, name):
    """digiKam, darktable, Shotwell and gThumb read through it."""
    exiv2 = program("exiv2")
    path = tagged / name
    before, after = (run(exiv2, "-pa", file) for file in (FILES / name, path))
    if before.stderr:
        pytest.skip(f"this exiv2 does not read {name} at all")
    assert after.stderr == ""
    seen = run(exiv2, "-K", "Xmp.dc.subject", "-Pv", path).stdout.strip()
    assert seen == ", ".join(TAGS)
    iptc = run(exiv2, "-K", "Iptc.Application2.Keywords", "-Pv", path).stdout.splitlines()
    assert iptc == ([tag for tag in TAGS if tag != LONG] if name in WITH_IPTC else [])


def add_by_exiv2(path: Path) -> None:
    done = run(program("exiv2"), "-M", "add Xmp.dc.subject Grandma", path)
    if "not supported" in done.stderr:
        pytest.skip(f"this exiv2 does not write {path.name}")
    assert done.returncode == 0, done.stderr


def add_by_adobes(path: Path) -> None:
    in_adobes(path)  # skips where it is not there
    from libxmp import XMPFiles, consts

    file = XMPFiles(file_path=str(path), open_forupdate=True)
    xmp = file.get_xmp()
    xmp.append_array_item(consts.XMP_NS_DC, "subject", "Grandma", {"prop_value_is_array": True})
    file.put_xmp(xmp)
    file.close_file()


@pytest.mark.parametrize("name", ["baseline.jpg", "single.tif", "rgb.png", "lossy.webp"])
@pytest.mark.parametrize("add", [add_by_exiv2, add_by_adobes])
def test_programs_carry_through_which_tags_tagroll_wrote(exiftool, tagged, name, add, tmp_path):
    """As exiv2 does it, so do digiKam, darktable, Shotwell and gThumb; Adobe's toolkit stands in Lightroom and Bridge."""
    path = Path(shutil.copy(tagged / name, tmp_path))
    add(path)
    said = MetadataStore(exiftool=exiftool).read(as_photo(path))
    assert "Grandma" in said.tags
    assert said.ours == TAGS


@pytest.fixture(scope="module")
def by_immich(tagged) -> dict[str, dict[str, object]]:
    """It asks exiftool by the Metadata Working Group's rules, which then hold for all that an exiftool says."""
    asked = ["-j", "-struct", "-use", "MWG", "-TagsList", "-HierarchicalSubject", "-Keywords"]
    return {Path(row["SourceFile"]).name: row for row in json.loads(run(*COMMAND, *asked, tagged).stdout)}


@pytest.mark.parametrize("name", SAMPLES)
def test_immich_sees_the_tags(by_immich, name):
    """It takes the first of three lists."""
    row = by_immich[name]
    lists = [
        found for name in ("TagsList", "HierarchicalSubject", "Keywords") if (found := values(row, name))
    ]
    assert lists[0] == list(TAGS)
    assert values(row, "Keywords") == list(TAGS)


@pytest.mark.parametrize("name", SAMPLES)
def test_photoprism_sees_the_tags(tagged, name):
    """It calls exiftool so; of IPTC it makes keywords, in which nothing may be cut."""
    path = tagged / name
    row = exiftool(path, "-n", "-m")
    assert values(row, "Subject") == list(TAGS)
    assert values(row, "Keywords") == ([tag for tag in TAGS if tag != LONG] if name in WITH_IPTC else [])


@pytest.mark.parametrize("judge", PICTURES)
def test_the_picture_and_its_container_are_as_before(tagged, judge):
    suffix, command = PICTURES[judge]
    command = [program(command[0]), *command[1:]]
    for name in (name for name in SAMPLES if name.endswith(suffix)):
        before, after = (
            subprocess.run([*command, file], capture_output=True, check=False)
            for file in (FILES / name, tagged / name)
        )
        assert (after.returncode, after.stderr) == (before.returncode, before.stderr)
        assert after.returncode == 0, name
        assert _of_the_picture(after.stdout) == _of_the_picture(before.stdout), name


def _of_the_picture(said: bytes) -> list[bytes]:
    """What a program says, without what heif-info tells of metadata, which are what was written."""
    return (
        said.partition(b"metadata:")[0].splitlines() if said.startswith(b"MIME type: image/hei") else [said]
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png", "single.tif"])
def test_darktable_sees_the_tags_and_no_caption(tagged, tmp_path, name):
    """It adds IPTC's keywords to those of XMP, and cuts tags at commas; its export tells what it has read."""
    out = tmp_path / "out.jpg"
    options = ["--disable-opencl", "--library", ":memory:", "--configdir", tmp_path / "config"]
    done = run(program("darktable-cli"), tagged / name, out, "--width", "32", "--core", *options)
    assert out.exists(), done.stdout + done.stderr
    row = exiftool(out, "-XMP-dc:Subject", "-XMP-dc:Description")
    seen = {tag for tag in values(row, "Subject") if not tag.startswith("darktable")}
    assert (
        {tag for tag in TAGS if "," not in tag} <= seen <= {*TAGS, "Paris"}
    )  # and none that was cut for IPTC
    assert "Description" not in row
