"""Photos that carry tags in unusual ways: under a wrong name, beside the packets of auxiliary pictures, beside broken ones."""

import io
import struct
import zlib
from pathlib import Path

import pytest

from support.judge import COMMAND, NEEDS_EXIFTOOL, by_exiftool, subjects, write_by_exiftool
from support.photos import as_photo, copy
from tagroll.domain import Change, Photo
from tagroll.errors import MetadataError
from tagroll.exiftool.pool import ExifTool
from tagroll.metadata.containers.bmff import ItemXmp, heif_xmp
from tagroll.metadata.engines import SIGNED
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"
pytestmark = NEEDS_EXIFTOOL


@pytest.fixture
def store(exiftool):
    return MetadataStore(exiftool=exiftool)


def changed(store: MetadataStore, photo: Photo, change: Change) -> list:
    """Write a change; gives what the journal got."""
    journal: list = []
    store.write(as_photo(photo.path), lambda _: change, journal.append)
    return journal


# the content of a file decides, not its name ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        ("plain.heic", "heic.jpg"), ("plain.heic", "heic.png"), ("plain.heic", "heic.avif"), ("rgb.avif", "avif.jpg"),
        ("rgb.avif", "avif.heic"), ("single.tif", "tif.jpg"), ("pages.tif", "pages.webp"), ("animated.gif", "gif.jpg"),
        ("raw.dng", "dng.jpg"), ("plain.jxl", "jxl.png"), ("rgb.png", "png.heic"), ("baseline.jpg", "jpeg.tif"),
        ("lossy.webp", "webp.gif"), ("single.tif", "tif.JPG"), ("plain.heic", "heic.mov"), ("animated.gif", "gif"),
    ],
)  # fmt: skip
def test_a_photo_under_a_wrong_name_is_embedded_and_undone(store, tmp_path, sample, name):
    photo = copy(sample, tmp_path / name)
    before = photo.path.read_bytes()
    done = changed(store, photo, Change(add=("Cat", "Dog")))
    assert [write.target for write in done] == [photo.path]
    assert subjects(photo.path) == ["Cat", "Dog"]
    assert store.read(as_photo(photo.path)).tags == ("Cat", "Dog")
    store.undo(done[0], [].append)
    assert photo.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


# HEIC and AVIF: whose XMP it is -----------------------------------------------------------------------------


def xmp_of(path: Path) -> ItemXmp:
    return heif_xmp(io.BytesIO(path.read_bytes()))


def add_item(path: Path) -> bytes:
    """Give a photo the XMP of its own, by exiftool; the gain map's stays as it was."""
    (gain,) = xmp_of(path).others
    write_by_exiftool("-XMP-dc:Subject=Anna", "-XMP-dc:Title=Mine", path)
    return gain


@pytest.mark.parametrize("own", [False, True], ids=["the only packet", "beside the photo's"])
def test_the_xmp_of_a_gain_map_is_left_alone_and_the_photo_written_again_and_again(store, tmp_path, own):
    photo = copy("gainmap.heic", tmp_path / "a.heic")
    gain = add_item(photo.path) if own else xmp_of(photo.path).others[0]
    mine = ("Anna",) if own else ()
    assert store.read(as_photo(photo.path)).tags == mine
    states, journal = [], []
    for change, tags in (
        (Change(add=("Beach", "Lake")), (*mine, "Beach", "Lake")),
        (Change(remove=("Beach",)), (*mine, "Lake")),
        (Change(add=("Sky",)), (*mine, "Lake", "Sky")),
    ):
        states.append(photo.path.read_bytes())
        journal += changed(store, photo, change)
        assert store.read(as_photo(photo.path)).tags == tags
        items = xmp_of(photo.path)
        assert items.others == [gain]
        assert len(items.photos) == 1
        assert b"HDRGainMap" not in items.photos[0]
        assert "Lake" in subjects(photo.path)
    for write in reversed(journal):
        store.undo(write, [].append)
        assert photo.path.read_bytes() == states.pop()
    assert [path.name for path in tmp_path.iterdir()] == ["a.heic"]


def test_the_tags_of_many_photos_are_those_of_the_photos(store, tmp_path):
    photos = [copy("gainmap.heic", tmp_path / f"{number}.heic") for number in range(3)]
    add_item(photos[1].path)
    tags = [found.tags for found in store.read_many([as_photo(photo.path) for photo in photos])]
    assert tags == [(), ("Anna",), ()]


def test_tags_in_the_xmp_of_an_auxiliary_picture_are_not_the_photos(store, tmp_path):
    photo = copy("gainmap.heic", tmp_path / "a.heic")
    data = photo.path.read_bytes()
    named = data.replace(b"HDRGainMapVersion", b"HDRGainMapVertoon").replace(
        b"http://ns.apple.com/HDRGainMap/1.0/", b"http://purl.org/dc/elements/1.1/   "
    )
    assert len(named) == len(data)
    photo.path.write_bytes(named)
    assert store.read(as_photo(photo.path)).tags == ()


def refer(data: bytes, to: int) -> bytes:
    """The XMP item's reference, turned to another item."""
    at = data.index(b"cdsc") + 8
    return data[:at] + to.to_bytes(2, "big") + data[at + 2 :]


@pytest.mark.parametrize(
    ("to", "kind", "photos", "others"),
    [
        (1, b"auxl", 1, 0), (2, b"auxl", 0, 1), (2, b"thmb", 0, 1),
        (2, b"dimg", 0, 1),  # item 2 is made of the primary one, not the other way round
    ],
)  # fmt: skip
def test_whose_xmp_it_is(tmp_path, to, kind, photos, others):
    path = tmp_path / "a.heic"
    path.write_bytes(refer((FILES / "gainmap.heic").read_bytes(), to).replace(b"auxl", kind))
    items = xmp_of(path)
    assert (len(items.photos), len(items.others)) == (photos, others)


def test_what_the_photo_is_made_of_counts_where_it_has_none_itself(tmp_path):
    data = (FILES / "gainmap.heic").read_bytes()
    at = data.index(b"auxl")
    # item 1 is now derived from item 2
    made_of = data[:at] + b"dimg" + b"\0\1\0\1\0\2" + data[at + 10 :]
    path = tmp_path / "a.heic"
    path.write_bytes(made_of)
    assert len(xmp_of(path).photos) == 1


def test_xmp_that_refers_to_nothing_is_seen_and_the_photo_beside_it_left_alone(store, tmp_path):
    photo = copy("gainmap.heic", tmp_path / "a.heic")
    add_item(photo.path)
    data = photo.path.read_bytes()
    first = data.index(b"cdsc")
    assert data[first + 8 : first + 10] == b"\0\2"
    photo.path.write_bytes(data[:first] + b"none" + data[first + 4 :])
    (write,) = changed(store, photo, Change(add=("Lake",)))
    assert store.read(as_photo(photo.path)).tags == ("Anna", "Lake")
    assert write.target == tmp_path / "a.heic.xmp"


def test_the_only_xmp_is_the_photos_though_it_refers_to_nothing(store, tmp_path):
    photo = copy("plain.heic", tmp_path / "a.heic")
    write_by_exiftool("-XMP-dc:Subject=Anna", photo.path)
    photo.path.write_bytes(photo.path.read_bytes().replace(b"cdsc", b"none"))
    for tag in ("Lake", "Sky"):
        changed(store, photo, Change(add=(tag,)))
    assert store.read(as_photo(photo.path)).tags == ("Anna", "Lake", "Sky")


# broken IPTC beside whole XMP ------------------------------------------------------------------------------


def break_iptc(path: Path) -> None:
    data = path.read_bytes()
    assert b"\x1c\x02\x19\x00\x04Anna" in data
    path.write_bytes(data.replace(b"\x1c\x02\x19\x00\x04Anna", b"\x1c\x02\x19\x70\x04Anna"))


def quarter_iptc(path: Path) -> None:
    """As ImageMagick 6 leaves it in a TIFF: counted in words, but for bytes."""
    data = path.read_bytes()
    order = "<" if data.startswith(b"II") else ">"
    entry = data.index(struct.pack(f"{order}HH", 33723, 4))  # IPTC-NAA, as LONG
    (count,) = struct.unpack_from(f"{order}I", data, entry + 4)
    path.write_bytes(data[: entry + 4] + struct.pack(f"{order}I", count // 4) + data[entry + 8 :])


@pytest.mark.parametrize(
    ("sample", "spoil"),
    [
        ("single.tif", break_iptc),
        ("pages.tif", break_iptc),
        ("baseline.jpg", break_iptc),
        ("single.tif", quarter_iptc),
        ("pages.tif", quarter_iptc),
    ],
)
def test_broken_iptc_beside_whole_xmp_is_no_obstacle(store, tmp_path, sample, spoil):
    photo = copy(sample, tmp_path / sample)
    write_by_exiftool(
        "-XMP-dc:Subject=Lake", "-IPTC:Keywords=Anna", "-IPTC:Keywords=Sea at night", photo.path
    )
    spoil(photo.path)
    before = photo.path.read_bytes()
    assert store.read(as_photo(photo.path)).tags == ("Lake",)
    assert "IPTC" in store.explain(as_photo(photo.path)).reason
    (write,) = changed(store, photo, Change(add=("Sky",)))
    assert write.target == tmp_path / f"{sample}.xmp"
    assert photo.path.read_bytes() == before
    assert store.read(as_photo(photo.path)).tags == ("Lake", "Sky")


@pytest.mark.parametrize(
    ("xmp", "tags"), [("-XMP-dc:Subject=Lake", ("Lake",)), ("-XMP-dc:Title=A lake", None)]
)
def test_two_iptc_blocks_that_disagree_beside_whole_xmp_are_no_obstacle(store, tmp_path, xmp, tags):
    photo = copy("baseline.jpg", tmp_path / "a.jpg")
    write_by_exiftool(xmp, photo.path)
    blocks = b"".join(
        b"8BIM\x04\x04\0\0\0\0\0\x09\x1c\x02\x19\0\4" + word + b"\0" for word in (b"Anna", b"Bert")
    )
    data = photo.path.read_bytes()
    segment = b"Photoshop 3.0\0" + blocks
    before = data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    photo.path.write_bytes(before)
    if tags is None:
        with pytest.raises(MetadataError, match="several IPTC"):
            store.read(as_photo(photo.path))
        return
    assert store.read(as_photo(photo.path)).tags == tags
    (write,) = changed(store, photo, Change(add=("Sky",)))
    assert (write.target.suffix, photo.path.read_bytes()) == (".xmp", before)


@pytest.mark.parametrize("sample", ["single.tif", "baseline.jpg"])
@pytest.mark.parametrize("xmp", ["-XMP-dc:Title=A lake", "-XMP:All="])
def test_broken_iptc_is_an_error_where_nothing_else_has_tags(store, tmp_path, sample, xmp):
    photo = copy(sample, tmp_path / sample)
    write_by_exiftool(xmp, "-IPTC:Keywords=Anna", photo.path)
    break_iptc(photo.path)
    with pytest.raises(MetadataError, match="IPTC"):
        store.read(as_photo(photo.path))


# files of nothing but tiny parts ---------------------------------------------------------------------------

COMMENT = b"\x21\xfe\x00"
FRAME = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"


def chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def gif(*blocks: bytes) -> bytes:
    return b"GIF89a\1\0\1\0\x80\0\0" + bytes(6) + b"".join(blocks) + b";"


def tiff(pages: int, order: str = "<") -> bytes:
    """Directories with one entry each, one after the other."""
    entry = struct.pack(f"{order}HHHII", 1, 256, 4, 1, 1)
    starts = [8 + 18 * number for number in range(1, pages)] + [0]
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return head + b"".join(entry + struct.pack(f"{order}I", start) for start in starts)


def sample(name: str) -> bytes:
    return (FILES / name).read_bytes()


def in_meta(data: bytes, count: int) -> bytes:
    """A HEIC with empty boxes at the end of its list of items."""
    at = data.index(b"meta") - 4
    (size,) = struct.unpack_from(">I", data, at)
    crumbs = b"\0\0\0\x08free" * count
    return (
        data[:at]
        + struct.pack(">I", size + len(crumbs))
        + data[at + 4 : at + size]
        + crumbs
        + data[at + size :]
    )


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


CRUMBS = {
    "segments.jpg": lambda: b"\xff\xd8" + b"\xff\xe1\0\2" * 100_000 + sample("baseline.jpg")[2:],
    "odd.jpg": lambda: b"\xff\xd8\xff\xfe\0\2\0\0" + b"\xff\xfe\0\2" * 100_000 + sample("baseline.jpg")[2:],
    "text.png": lambda: sample("rgb.png")[:33] + chunk(b"tEXt", b"a\0b") * 60_000 + sample("rgb.png")[33:],
    "end.png": lambda: sample("rgb.png")[:-12] + chunk(b"prVt", b"") * 60_000 + sample("rgb.png")[-12:],
    "frames.gif": lambda: gif(FRAME * 250_000),
    "comments.gif": lambda: gif(COMMENT * 500_000, FRAME),
    "pieces.gif": lambda: gif(b"\x21\xfe" + b"\1a" * 500_000 + b"\0", FRAME),
    "chunks.webp": lambda: riff(sample("lossy.webp")[12:], b"abcd\0\0\0\0" * 110_000),
    "pages.tif": lambda: tiff(60_000),
    "pages.dng": lambda: tiff(60_000, ">"),
    "boxes.heic": lambda: sample("plain.heic") + b"\0\0\0\x08free" * 30_000,
    "meta.heic": lambda: in_meta(sample("plain.heic"), 30_000),
    "boxes.avif": lambda: sample("rgb.avif") + b"\0\0\0\x08skip" * 30_000,
    "boxes.jxl": lambda: sample("plain.jxl") + b"\0\0\0\x08free" * 30_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CRUMBS)
def test_a_file_of_crumbs_is_refused_before_exiftool_sees_it(tmp_path, name, monkeypatch):
    path = tmp_path / name
    path.write_bytes(CRUMBS[name]())

    def asked(*_):
        raise AssertionError("exiftool was asked")

    for method in ("read", "read_many", "write"):
        monkeypatch.setattr(ExifTool, method, asked)
    with ExifTool(COMMAND) as pool:
        store = MetadataStore(exiftool=pool)
        for error in (*store.read_many([as_photo(path)] * 2), _error(store, path)):
            assert "too many" in error.message
            assert error.hint


def _error(store: MetadataStore, path: Path) -> MetadataError:
    with pytest.raises(MetadataError) as error:
        store.write(as_photo(path), lambda _: Change(add=("x",)), [].append)
    return error.value


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("frames.gif", lambda: gif(FRAME * 2_000)),
        ("long.gif", lambda: gif(b"\x21\xfe" + (b"\xff" + b"a" * 255) * 20_000 + b"\0", FRAME)),
        ("pages.tif", lambda: tiff(500)),
        ("text.png", lambda: sample("rgb.png")[:33] + chunk(b"tEXt", b"a\0b") * 2_000 + sample("rgb.png")[33:]),
        ("boxes.heic", lambda: sample("plain.heic") + b"\0\0\0\x08free" * 500),
    ],
)  # fmt: skip
def test_animations_and_many_pages_stay(store, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content())
    assert store.read(as_photo(path)).tags == ()


# signed photos ---------------------------------------------------------------------------------------------

JUMBF = b"JP\0\1\0\0\0\1\0\0\0\x40jumb\0\0\0\x1ejumdc2pa"
C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def signed_jpeg() -> bytes:
    jpeg = sample("baseline.jpg")
    return jpeg[:2] + b"\xff\xeb" + struct.pack(">H", len(JUMBF) + 2) + JUMBF + jpeg[2:]


SIGNED_FILES = {
    "a.jpg": signed_jpeg,
    "a.png": lambda: sample("rgb.png")[:33] + chunk(b"caBX", b"jumb") + sample("rgb.png")[33:],
    "a.heic": lambda: sample("plain.heic") + b"\0\0\0\x20uuid" + C2PA_UUID + bytes(8),
}


@pytest.mark.parametrize("name", SIGNED_FILES)
def test_a_signed_photo_is_written_into_only_when_that_is_wanted(exiftool, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SIGNED_FILES[name]())
    before = path.read_bytes()
    photo = as_photo(path)
    store = MetadataStore(exiftool=exiftool)
    (write,) = store.write(photo, lambda _: Change(add=("Cat",)), [].append, dry_run=True)
    assert (write.engine, write.beside.reason, write.broke_seal) == ("sidecar", SIGNED, False)

    bold = MetadataStore(exiftool=exiftool, embed_signed=True)
    journal: list = []
    (write,) = bold.write(photo, lambda _: Change(add=("Cat",)), journal.append)
    assert (write.target, write.beside, write.broke_seal) == (path, None, True)
    assert subjects(path)[-1] == "Cat"
    assert [file.name for file in tmp_path.iterdir()] == [name]
    bold.undo(journal[0], [].append)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", SIGNED_FILES)
def test_a_photo_whose_signature_is_broken_already_is_written_into(exiftool, tmp_path, name):
    path, journal = tmp_path / name, []
    path.write_bytes(SIGNED_FILES[name]())
    before = path.read_bytes()
    bold = MetadataStore(exiftool=exiftool, embed_signed=True)
    bold.write(as_photo(path), lambda _: Change(add=("Cat",)), journal.append)
    store = MetadataStore(exiftool=exiftool, past=lambda _path, _picture: list(journal))
    for old, new in (("Cat", "Dog"), ("Dog", "Cow")):
        (write,) = store.write(
            as_photo(path), lambda _, o=old, n=new: Change(add=(n,), remove=(o,)), journal.append
        )
        assert (write.target, write.beside, write.broke_seal) == (path, None, False)
    assert store.read(as_photo(path)).tags == ("Cow",)
    assert subjects(path)[-1] == "Cow"
    assert [file.name for file in tmp_path.iterdir()] == [name]
    while journal:
        store.undo(journal.pop(), [].append)
    assert path.read_bytes() == before
    (write,) = store.write(as_photo(path), lambda _: Change(add=("Cat",)), [].append, dry_run=True)
    assert write.beside.reason == SIGNED  # it is valid again


def test_a_signature_that_another_program_may_have_made_since_is_not_broken(exiftool, tmp_path):
    path, journal = tmp_path / "a.jpg", []
    copy("baseline.jpg", path)
    store = MetadataStore(exiftool=exiftool, past=lambda _path, _picture: list(journal))
    store.write(as_photo(path), lambda _: Change(add=("Cat",)), journal.append)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xeb" + struct.pack(">H", len(JUMBF) + 2) + JUMBF + data[2:])
    (write,) = store.write(as_photo(path), lambda _: Change(add=("Dog",)), journal.append)
    assert write.beside.reason == SIGNED


def test_embedding_into_signed_photos_breaks_no_other_rule(exiftool, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(signed_jpeg())
    write_by_exiftool("-XMP-dc:Subject=One", "-IPTC:Keywords=Anna", path)
    break_iptc(path)
    store = MetadataStore(exiftool=exiftool, embed_signed=True)
    (write,) = store.write(as_photo(path), lambda _: Change(add=("Cat",)), [].append, dry_run=True)
    assert write.engine == "sidecar"
    assert "IPTC" in write.beside.reason


def test_what_stays_in_the_photo_is_known(store, tmp_path):
    photo = copy("baseline.jpg", tmp_path / "a.jpg")
    write_by_exiftool("-XMP-dc:Subject=Old", photo.path)
    (tmp_path / "b.jpg").hardlink_to(photo.path)
    writes = [
        store.write(as_photo(photo.path), lambda _, change=change: change, [].append)[0].beside
        for change in (Change(add=("New",)), Change(remove=("Old",)))
    ]
    assert ["hard link" in beside.reason for beside in writes] == [True, True]
    assert [(beside.kind, beside.is_base, beside.keeps_old) for beside in writes] == [
        ("jpeg", False, False), ("jpeg", False, True)
    ]  # fmt: skip


def test_a_raw_gets_the_sidecar_that_its_folder_has(store, tmp_path):
    photo = copy("raw.dng", tmp_path / "b.dng")
    copy("raw.dng", tmp_path / "a.dng")
    by_exiftool("-q", "-q", "-o", "%d%f.xmp", "-XMP-dc:Title=x", tmp_path / "a.dng")
    journal = changed(store, photo, Change(add=("Cat",)))
    assert [write.target.name for write in journal] == ["b.xmp"]
    assert store.read(as_photo(photo.path)).tags == ("Cat",)
    store.undo(journal[0], [].append)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dng", "a.xmp", "b.dng"]
