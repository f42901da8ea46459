"""Reading, writing and taking back, on real files, with exiftool as judge."""

import contextlib
import hashlib
import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from support.judge import COMMAND, NEEDS_EXIFTOOL, by_exiftool, write_by_exiftool
from support.photos import as_photo
from tagroll.domain import Change, Metadata, Photo
from tagroll.errors import ChangedMeanwhileError, ForeignStructureError, MetadataError, PhotoError, WriteError
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata import planning
from tagroll.metadata import store as store_module
from tagroll.metadata.engines import SIGNED
from tagroll.metadata.files.attributes import OwnerLostError
from tagroll.metadata.files.hashing import digest
from tagroll.metadata.planning import SIDECAR
from tagroll.metadata.store import MetadataStore

FILES = Path(__file__).parents[1] / "files"
SAMPLES = sorted(path.name for path in FILES.iterdir() if detect(path.read_bytes()[:HEAD_BYTES], path.suffix))
HOSTILE = (
    "two\nlines", "Paris, France", '"quoted" it\'s', "-delete_original!", "@file", "#comment", "007", "2024",
    "<b>&amp;</b>", "\U0001f408\u200d\u2b1b", "\u05e9\u05dc\u05d5\u05dd",
    "\u0141\u00f3d\u017a", "True", "x" * 65536,
)  # fmt: skip

SKY_BROTLI = bytes.fromhex(  # an XMP packet with the tag "Sky", brotli.compress(packet, quality=11)
    "1b16010064745bea275f2366eb10d2c550b1bc859cfffccf08858d1708c9bacd2651fbd7cee6b59631f32c6917d6c7c7"
    "67fc85dfbccdfae27f452d5f02ee6b0807a62c0cd2f85026ecead62a1fca34c9e238b4d343c24418660c9205cf7fb9f8"
    "07973370b22738e81c424d00f09c942c63bb8fa9362571401d5344e1a89261b4ccb5e45658269ff6e31fe30e128b0baf"
    "7b6138d0728424f9fd8829"
)


@pytest.fixture
def store(exiftool):
    return MetadataStore(exiftool=exiftool)


@pytest.fixture
def photo(tmp_path):
    return copy("baseline.jpg", tmp_path)


def copy(name: str, folder: Path, to: str = "") -> Photo:
    path = folder / (to or name)
    shutil.copyfile(FILES / name, path)
    os.utime(path, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    return as_photo(path)


class Ledger(list):
    """A journal in memory."""

    def __call__(self, write):
        self.append(write)


def adding(*tags: str, remove: tuple[str, ...] = (), **texts: str):
    return lambda _: Change(add=tags, remove=remove, set=texts)


def write(store, photo, *tags, remove=(), **texts):
    return store.write(photo, adding(*tags, remove=remove, **texts), Ledger())


def judge(path: Path) -> dict:
    """What exiftool says about a file, everything as text."""
    return json.loads(by_exiftool("-j", "-G1", "-a", "-struct", path), parse_int=str, parse_float=str)[0]


# every format ------------------------------------------------------------------------------------------


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", SAMPLES)
def test_write_read_undo(store, tmp_path, name):
    photo = copy(name, tmp_path)
    before, picture, state = photo.path.read_bytes(), store.picture_hash(photo), photo.path.stat()
    journal = Ledger()
    writes = store.write(photo, adding("Cat", "Places|Łódź", title="Ein Titel"), journal)
    assert tuple(journal) == writes
    assert len(writes) == 1
    metadata = store.read(photo)
    assert metadata.tags == writes[0].after.tags
    assert set(metadata.tags) == {"Cat", "Places|Łódź"}
    assert metadata.title == "Ein Titel"
    assert store.picture_hash(photo) == picture == writes[0].picture_hash
    said = judge(writes[0].target)
    assert sorted(said["XMP-dc:Subject"]) == ["Cat", "Łódź"]
    assert sorted(said["XMP-lr:HierarchicalSubject"]) == ["Cat", "Places|Łódź"]
    assert not {"XMP-digiKam:TagsList", "ExifIFD:UserComment", "ExifIFD:ColorSpace"} & set(said)
    assert store.write(photo, adding("cat"), journal) == ()
    done = store.undo(writes[0], journal)
    assert done.after.tags == ()
    assert photo.path.read_bytes() == before
    written_twice = 0 if writes[0].engine == "sidecar" else 4_000_000_000
    assert photo.path.stat().st_mtime_ns == state.st_mtime_ns + written_twice
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert store.undo(writes[0], journal) is None


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png", "lossy.webp", "single.tif", "raw.dng"])
def test_hostile_tags(store, tmp_path, name):
    photo = copy(name, tmp_path)
    write(store, photo, *HOSTILE)
    assert {" ".join(tag.split()) for tag in store.read(photo).tags} == {
        " ".join(tag.split()) for tag in HOSTILE
    }


@pytest.mark.parametrize(
    "name",
    [
        *(b"new\n-XMP-dc:Title=PWNED\nx", b"-delete", b'it\'s "quoted" $(rm)', b"@args", b"#", b"\xff\xfe"),
        *(b"n" * 240, "e\u0301".encode(), "é".encode()),
    ],
)
@pytest.mark.parametrize("sample", ["baseline.jpg", "single.tif", "palette.bmp"])
def test_hostile_names(store, tmp_path, name, sample):
    suffix = Path(sample).suffix
    if sample.endswith("tif") and COMMAND is None:
        pytest.skip("no exiftool here")
    bystander = copy("baseline.jpg", tmp_path, "bystander.jpg").path
    try:
        photo = copy(sample, tmp_path, os.fsdecode(name) + suffix)
    except OSError as error:
        pytest.skip(f"this disk does not take the name: {error}")
    write(store, photo, "Cat")
    assert store.read(photo).tags == ("Cat",)
    assert bystander.read_bytes() == (FILES / "baseline.jpg").read_bytes()


def test_a_name_that_leaves_no_room_for_a_sidecar(store, tmp_path):
    photo = copy("palette.bmp", tmp_path, "n" * 251 + ".bmp")
    with pytest.raises(WriteError, match="name is too long"):
        write(store, photo, "Cat")
    assert [path.name for path in tmp_path.iterdir()] == [photo.path.name]
    jpeg = copy("baseline.jpg", tmp_path, "n" * 251 + ".jpg")
    write(store, jpeg, "Cat")
    assert store.read(jpeg).tags == ("Cat",)


# which file is written -----------------------------------------------------------------------------------


def engine(store, photo):
    explained = store.explain(photo)
    (written,) = write(store, photo, "Cat")
    assert (explained.engine, explained.target) == (written.engine, written.target)
    assert store.read(photo).tags == ("Cat",)
    return explained.engine, explained.reason


def test_sidecar_always(photo):
    before = photo.path.read_bytes()
    assert engine(MetadataStore(sidecar="always"), photo) == ("sidecar", "sidecars are asked for")
    assert photo.path.read_bytes() == before


def jxl_box(name: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + name + body


@NEEDS_EXIFTOOL
def test_a_jpeg_packed_into_jxl_can_still_be_got_out(store, tmp_path):
    photo = copy("plain.jxl", tmp_path)
    packed = photo.path.read_bytes() + jxl_box(b"jbrd", b"\0" * 40)
    photo.path.write_bytes(packed)
    (done,) = write(store, photo, "Cat")
    assert done.target == tmp_path / "plain.jxl.xmp"
    assert photo.path.read_bytes() == packed
    assert store.read(photo).tags == ("Cat",)
    with pytest.raises(WriteError, match="could not be restored"):
        write(MetadataStore(sidecar="never", exiftool=store._planner.exiftool), photo, "Dog")


@pytest.mark.parametrize("there", [True, False])
def test_compressed_xmp_of_a_jxl_is_not_taken_for_none(store, tmp_path, there):
    """As cjxl writes it. exiftool reads it only with a Perl module that few have."""
    store = store if there else MetadataStore()
    photo = copy("plain.jxl", tmp_path)
    compressed = photo.path.read_bytes() + jxl_box(b"brob", b"xml " + SKY_BROTLI)
    photo.path.write_bytes(compressed)
    try:
        assert store.read(photo).tags == ("Sky",)
    except MetadataError as error:
        assert "compressed" in error.message  # noqa: PT017  # either is right, by what the machine has
        (read,) = store.read_many([photo])
        assert isinstance(read, MetadataError)
        with pytest.raises(MetadataError):
            write(store, photo, "Cat")
        assert photo.path.read_bytes() == compressed
    both = compressed + jxl_box(b"xml ", b"<x:xmpmeta/>")
    photo.path.write_bytes(both)
    with pytest.raises(MetadataError):
        store.read(photo)


def test_hard_linked(store, photo):
    before = photo.path.read_bytes()
    os.link(photo.path, photo.path.with_name("other.jpg"))
    assert engine(store, photo)[0] == "sidecar"
    assert photo.path.read_bytes() == before
    assert photo.path.stat().st_nlink == 2
    with pytest.raises(WriteError, match="hard link"):
        write(MetadataStore(sidecar="never"), photo, "Dog")


def test_read_only(store, photo):
    photo.path.chmod(0o444)
    assert engine(store, photo) == ("sidecar", "the file is read-only")


def test_owned_by_another(store, photo, monkeypatch):
    def refuse(*_, **__):
        raise OwnerLostError("the file belongs to another user or group")

    monkeypatch.setattr(store_module, "safe_replace", refuse)
    (written,) = write(store, photo, "Cat")
    assert written.engine == "sidecar"
    assert store.read(photo).tags == ("Cat",)


def test_signed(store, photo, monkeypatch):
    real = planning.Planner.read

    def signed(self, *of):
        return replace(real(self, *of), read_only_reason=SIGNED)

    monkeypatch.setattr(planning.Planner, "read", signed)
    assert engine(store, photo) == ("sidecar", SIGNED)


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("signature", [b"", b"JP\0\0\0\0\0\1\0\0\0\x40jumb\0\0\0\x1ejumdc2pa"])
def test_strange_structure_goes_to_exiftool_unless_it_may_be_signed(store, photo, signature):
    jpeg = photo.path.read_bytes()
    segment = b"\xff\xeb" + (len(signature) + 2).to_bytes(2, "big") + signature
    photo.path.write_bytes(jpeg[:2] + segment + jpeg[2:20] + b"\0\0" + jpeg[20:])
    assert engine(store, photo)[0] == ("sidecar" if signature else "exiftool")


def test_without_exiftool(tmp_path):
    store = MetadataStore()
    photo = copy("single.tif", tmp_path)
    assert engine(store, photo) == ("sidecar", "exiftool is missing")
    with pytest.raises(WriteError, match="exiftool is missing"):
        write(MetadataStore(sidecar="never"), photo, "Dog")


@NEEDS_EXIFTOOL
def test_without_exiftool_tags_it_would_read_are_not_taken_for_none(store, tmp_path):
    photo = copy("single.tif", tmp_path)
    write(store, photo, "Cat")
    with pytest.raises(MetadataError, match="only exiftool can read"):
        MetadataStore().read(photo)
    with pytest.raises(MetadataError, match="only exiftool can read"):
        write(MetadataStore(), photo, "Dog")


@NEEDS_EXIFTOOL
@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("single.tif", "-IPTC:Keywords=kept"),
        ("single.tif", "-XPKeywords=kept"),
        ("raw.dng", "-IPTC:Keywords=kept"),
        ("plain.heic", "-XPKeywords=kept"),
        ("rgb.avif", "-XMP-mediapro:CatalogSets=kept"),
    ],
)
def test_without_exiftool_tags_of_other_fields_are_not_taken_for_none_either(store, tmp_path, name, tag):
    photo = copy(name, tmp_path)
    write_by_exiftool(tag, photo.path)
    assert store.read(photo).tags == ("kept",)
    with pytest.raises(MetadataError, match="only exiftool can read"):
        MetadataStore().read(photo)


@NEEDS_EXIFTOOL
def test_raw_is_embedded_only_when_sidecars_are_refused(exiftool, tmp_path):
    photo = copy("raw.dng", tmp_path)
    assert engine(MetadataStore(exiftool=exiftool, sidecar="never"), photo) == ("exiftool", "")


def test_a_symlink_stays_and_its_target_is_written(store, photo):
    link = photo.path.with_name("link.jpg")
    link.symlink_to(photo.path.name)
    write(store, as_photo(link), "Cat")
    assert link.is_symlink()
    assert store.read(photo).tags == ("Cat",)


def test_touch(photo):
    write(MetadataStore(mtime="now"), photo, "Cat")
    assert photo.path.stat().st_mtime_ns > 1_600_000_000_000_000_000


# several packets -----------------------------------------------------------------------------------------


def xmp(properties: str) -> bytes:
    names = ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about=""{names}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def subject(*tags: str) -> str:
    return f"<dc:subject><rdf:Bag>{''.join(f'<rdf:li>{tag}</rdf:li>' for tag in tags)}</rdf:Bag></dc:subject>"


def with_segments(photo: Photo, *payloads: bytes) -> bytes:
    """Put XMP segments into a JPEG."""
    segments = b"".join(b"\xff\xe1" + (len(one) + 2).to_bytes(2, "big") + one for one in payloads)
    data = photo.path.read_bytes()
    photo.path.write_bytes(data[:2] + segments + data[2:])
    return photo.path.read_bytes()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xap/1.0/\0"),
        (b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xap/2.0/\0"),
        (b"", b"XMP\0://ns.adobe.com/xap/1.0/\0"),
    ],
    ids=["twins", "odd header", "no header"],
)
@pytest.mark.parametrize("there", [True, False])
def test_tags_of_every_xmp_packet_are_seen_and_none_of_them_is_lost(store, photo, there, first, second):
    """exiftool gives one of several packets, and its writing takes the others away."""
    store = store if there else MetadataStore()
    data = with_segments(
        photo, first + xmp(subject("One")), second + xmp(subject("Two") + "<xmp:Rating>5</xmp:Rating>")
    )
    assert set(store.read(photo).tags) == {"One", "Two"}
    (done,) = write(store, photo, "New")
    assert done.target.name == "baseline.jpg.xmp"
    assert photo.path.read_bytes() == data
    assert set(store.read(photo).tags) == {"One", "Two", "New"}


@NEEDS_EXIFTOOL
def test_extended_xmp_keeps_what_it_holds(store, photo):
    """exiftool writes it, the in-process engine reads it back: exiftool gives its main part alone."""
    text = ("a long description " * 4000).strip()
    extended = xmp(subject("Far") + f"<dc:source>{text}</dc:source>").split(b"?>", 1)[1].rsplit(b"<?", 1)[0]
    guid = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()
    note = ' xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="' + guid + '"'
    main = xmp("<xmp:Rating>4</xmp:Rating>").replace(b" xmlns:dc=", note.encode() + b" xmlns:dc=", 1)
    parts = [
        b"http://ns.adobe.com/xmp/extension/\0" + guid.encode()
        + len(extended).to_bytes(4, "big") + at.to_bytes(4, "big") + extended[at : at + 60_000]
        for at in range(0, len(extended), 60_000)
    ]  # fmt: skip
    before = with_segments(photo, b"http://ns.adobe.com/xap/1.0/\0" + main, *parts)
    assert store.read(photo).tags == ("Far",)
    journal = Ledger()
    (done,) = store.write(photo, adding("New", title="T"), journal)
    assert done.engine == "exiftool"
    assert store.read(photo).tags == ("Far", "New")
    said = judge(photo.path)
    lists = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "IPTC:Keywords")
    assert all(said[name] == ["Far", "New"] for name in lists)
    assert (said["XMP-dc:Source"], said["XMP-xmp:Rating"]) == (text, "4")
    store.undo(done, journal)
    assert photo.path.read_bytes() == before
    twice = b"\xff\xed\0\x22Photoshop 3.0\x008BIM\4\4\0\0\0\0\0\6\x1c\2\x19\0\1k"
    damaged = before[:2] + twice + twice + before[2:]
    photo.path.write_bytes(damaged)
    with pytest.raises(MetadataError, match="extended XMP"):
        store.read(photo)


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", ["baseline.jpg", "rgb.png"])
def test_iptc_that_exiftool_wrote_is_kept_in_step(store, tmp_path, name):
    photo = copy(name, tmp_path)
    write_by_exiftool("-IPTC:Keywords=Sky", photo.path)
    assert store.read(photo).tags == ("Sky",)
    (done,) = write(store, photo, "New", remove=("Sky",))
    assert done.engine == photo.format.name
    assert judge(photo.path)["IPTC:Keywords"] == "New"


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", ["baseline.jpg", "gray.jpg"])
def test_a_comment_that_is_asked_for_brings_no_other_exif(store, tmp_path, name):
    photo = copy(name, tmp_path)
    before = judge(photo.path)
    store.write(photo, lambda _: Change(add=("Cat", "Dog"), comment=True), Ledger())
    said = judge(photo.path)
    assert said["ExifIFD:UserComment"] == "Cat, Dog"
    assert {name for name in said.keys() - before.keys() if name.startswith(("ExifIFD", "IFD0"))} == {
        "ExifIFD:UserComment"
    }
    write(store, photo, "Bird")
    assert not any(name.startswith("ExifIFD") for name in judge(photo.path).keys() - before.keys())


# sidecars ------------------------------------------------------------------------------------------------


def test_what_another_program_adds_to_a_photo_beside_its_sidecar_stays(store, photo):
    """Most programs know nothing of sidecars beside a JPEG: what they write into it must not be lost."""
    photo.path.with_name("baseline.jpg.xmp").write_bytes(xmp("<xmp:Rating>3</xmp:Rating>"))
    write(store, photo, "One")
    MetadataStore(sidecar="never").write(photo, adding("Mine"), Ledger())
    assert store.read(photo).tags == ("One", "Mine")
    write(store, photo, "Two")
    assert MetadataStore(sidecar="never").read(photo).tags == ("One", "Mine", "Two")


def test_the_last_tag_of_a_photo_that_is_not_written_into_does_not_pass_for_gone(photo):
    write(MetadataStore(), photo, "Own")
    store, journal = MetadataStore(sidecar="always"), Ledger()
    for tags in (("Own",), ("Lake",)):
        with pytest.raises(WriteError, match="cannot be taken away: sidecars are asked for"):
            store.write(photo, adding(remove=tags), journal)
        assert store.read(photo).tags == tags
        write(store, photo, "Lake", remove=("Own",))
    assert journal == []


@pytest.mark.parametrize("policy", ["auto", "always"])
def test_the_sidecar_of_a_photo_that_is_not_written_into_speaks_alone(photo, policy):
    MetadataStore().write(photo, adding("Old"), Ledger())
    if policy == "auto":
        photo.path.chmod(0o444)
    store = MetadataStore(sidecar=policy)
    write(store, photo, "New", remove=("Old",))
    assert store.read(photo).tags == ("New",)
    assert MetadataStore(sidecar="never").read(photo).tags == ("Old",)


def test_a_pipe_in_the_place_of_a_sidecar_is_an_error(store, photo):
    os.mkfifo(photo.path.with_name("baseline.jpg.xmp"))
    with pytest.raises(MetadataError, match="regular"):
        store.read(photo)
    with pytest.raises(MetadataError, match="regular"):
        write(store, photo, "Cat")


def test_no_sidecar_is_made_for_a_photo_that_is_gone(photo):
    def decide(_):
        photo.path.unlink()
        return Change(add=("Cat",))

    journal = Ledger()
    with pytest.raises(ChangedMeanwhileError):
        MetadataStore(sidecar="always").write(photo, decide, journal)
    assert journal == []
    assert list(photo.path.parent.iterdir()) == []


def test_a_sidecar_on_a_disk_that_is_not_there_is_not_undone(photo):
    store = MetadataStore(sidecar="always")
    (done,) = write(store, photo, "Cat")
    away = photo.path.parent.rename(photo.path.parent.with_name("away"))
    with pytest.raises(MetadataError, match="disk is not there"):
        store.undo(done, Ledger())
    away.rename(photo.path.parent)
    assert store.undo(done, Ledger()).after.tags == ()


def test_undo_does_not_split_what_was_linked_since(store, photo):
    (done,) = write(store, photo, "Cat")
    photo.path.with_name("second.jpg").hardlink_to(photo.path)
    with pytest.raises(WriteError, match="hard-linked"):
        store.undo(done, Ledger())
    photo.path.with_name("second.jpg").unlink()
    assert store.undo(done, Ledger())


@NEEDS_EXIFTOOL
@pytest.mark.parametrize("name", ["plain.heic", "single.tif", "rgb.avif"])
def test_the_mark_of_extended_xmp_means_nothing_outside_of_jpeg(store, tmp_path, name):
    """It comes along when XMP is copied from a JPEG."""
    photo, packet = copy(name, tmp_path), tmp_path / "packet.xmp"
    mark = b' xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="0"'
    packet.write_bytes(xmp(subject("Own")).replace(b" xmlns:dc", mark + b" xmlns:dc", 1))
    write_by_exiftool(f"-XMP<={packet}", photo.path)
    assert store.read(photo).tags == ("Own",)
    (done,) = write(store, photo, "Cat")
    assert done.engine == "exiftool"
    assert store.read(photo).tags == ("Own", "Cat")


@NEEDS_EXIFTOOL
def test_without_exiftool_iptc_without_keywords_is_no_obstacle(tmp_path):
    photo = copy("single.tif", tmp_path)
    write_by_exiftool("-IPTC:City=Paris", photo.path)
    assert MetadataStore().read(photo).tags == ()


def test_one_sidecar_under_two_hard_links_is_one(store, tmp_path):
    photo = copy("palette.bmp", tmp_path)
    (tmp_path / "palette.xmp").write_bytes(xmp(subject("Own")))
    (tmp_path / "palette.bmp.xmp").hardlink_to(tmp_path / "palette.xmp")
    assert store.read(photo).tags == ("Own",)
    assert write(store, photo, "Cat")


def test_an_app1_that_only_looks_like_xmp_is_no_obstacle(store, photo):
    with_segments(photo, b"Camera\0<?xpacket begin nothing at all")
    if COMMAND:
        assert store.read(photo).tags == ()
        assert write(store, photo, "Cat")
    with pytest.raises(ForeignStructureError, match="second XMP packet"):
        MetadataStore().read(photo)


def test_a_broken_sidecar_is_named(store, photo):
    photo.path.with_name("baseline.jpg.xmp").write_bytes(b"<x:xmpmeta broken")
    for attempt in (lambda: store.read(photo), lambda: write(store, photo, "Cat")):
        with pytest.raises(
            MetadataError, match=r"its sidecar baseline\.jpg\.xmp: the XMP packet cannot be parsed"
        ) as told:
            attempt()
        assert "<string>" not in told.value.message


def test_what_is_read_with_another_policy_is_read_anew(photo):
    stamps = {MetadataStore(sidecar=policy).stamp(photo) for policy in ("auto", "always", "never")}
    assert len(stamps) == 3
    assert MetadataStore(sidecar="never").stamps([photo]) == [MetadataStore(sidecar="never").stamp(photo)]


def test_both_kinds_of_sidecar_are_read_and_kept_in_step(store, tmp_path):
    """darktable beside Lightroom."""
    photo = copy("palette.bmp", tmp_path)
    sidecars = [tmp_path / "palette.xmp", tmp_path / "palette.bmp.xmp"]
    for path, tag in zip(sidecars, ("Light", "Dark"), strict=True):
        path.write_bytes(xmp(subject(tag)))
    before = [path.read_bytes() for path in sidecars]
    assert set(store.read(photo).tags) == {"Light", "Dark"}
    journal = Ledger()
    assert len(store.write(photo, adding("New", remove=("Dark",)), journal)) == 2
    for path in sidecars:
        assert set(SIDECAR.read(path.read_bytes()).fields["XMP-dc:Subject"]) == {"Light", "New"}
    for done in reversed(journal[:]):
        store.undo(done, journal)
    assert [path.read_bytes() for path in sidecars] == before


FOREIGN = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dt="http://darktable.sf.net/" dt:raw_params="1"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>"""


def test_an_existing_sidecar_is_kept_in_step_and_otherwise_as_it_was(store, photo):
    sidecar = photo.path.with_name("baseline.jpg.xmp")
    sidecar.write_bytes(FOREIGN)
    before = photo.path.read_bytes()
    writes = write(store, photo, "Cat")
    assert [one.engine for one in writes] == ["jpeg", "sidecar"]
    assert b'dt:raw_params="1"' in sidecar.read_bytes()
    assert b'xmp:Rating="4"' in sidecar.read_bytes()
    write(store, photo, "Dog", remove=("Cat",))
    assert store.read(photo).tags == ("Dog",)
    assert MetadataStore(sidecar="never").read(photo).tags == ("Dog",)
    assert b"Cat" not in sidecar.read_bytes()
    for one in reversed(writes):
        store.undo(one, Ledger())
    assert store.read(photo).tags == ("Dog",)  # what came after them stays
    assert before != photo.path.read_bytes()


def test_undo_of_both_is_byte_identical(store, photo):
    sidecar = photo.path.with_name("baseline.jpg.xmp")
    sidecar.write_bytes(FOREIGN)
    before = photo.path.read_bytes()
    for one in reversed(write(store, photo, "Cat")):
        store.undo(one, Ledger())
    assert sidecar.read_bytes() == FOREIGN
    assert photo.path.read_bytes() == before


def test_tags_of_sidecar_and_photo_add_up(store, photo):
    write(store, photo, "Inside")
    write(MetadataStore(sidecar="always"), photo, "Beside")
    assert set(store.read(photo).tags) == {"Inside", "Beside"}
    assert MetadataStore(sidecar="never").read(photo).tags == ("Inside",)


def test_a_broken_sidecar_is_an_error_not_no_tags(store, photo):
    sidecar = photo.path.with_name("baseline.jpg.xmp")
    sidecar.write_bytes(b"<x:xmpmeta")
    with pytest.raises(MetadataError):
        store.read(photo)
    with pytest.raises(MetadataError):
        write(store, photo, "Cat")
    assert sidecar.read_bytes() == b"<x:xmpmeta"


def test_lightrooms_sidecar_of_a_raw_is_updated(store, tmp_path):
    photo = copy("raw.dng", tmp_path)
    sidecar = photo.path.with_suffix(".xmp")
    sidecar.write_bytes(FOREIGN)
    (written,) = write(store, photo, "Cat")
    assert written.target == sidecar
    store.undo(written, Ledger())
    assert sidecar.read_bytes() == FOREIGN


# failures ------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_an_error(store, tmp_path):
    photo = copy("baseline.jpg", tmp_path)
    photo.path.write_bytes(photo.path.read_bytes()[:200])
    cut = photo.path.read_bytes()
    for attempt in (store.read, lambda photo: write(store, photo, "Cat")):
        with pytest.raises(MetadataError):
            attempt(photo)
    assert photo.path.read_bytes() == cut
    photo.path.unlink()
    for attempt in (store.read, store.picture_hash, store.stamp, lambda photo: write(store, photo, "Cat")):
        with pytest.raises(MetadataError, match="cannot be read"):
            attempt(photo)
    assert store.file_hash(photo.path) == ""


def test_a_photo_that_became_something_else(store, photo):
    photo.path.write_bytes(b"just text")
    with pytest.raises(MetadataError, match="no longer a photo"):
        write(store, photo, "Cat")


@pytest.mark.parametrize("broken", ["fields", "picture"])
def test_what_does_not_verify_goes_beside_the_photo(photo, monkeypatch, broken):
    """An engine that writes nonsense must not get through; the sidecar takes over, and says why."""
    store, before = MetadataStore(), photo.path.read_bytes()
    real = planning.in_process(photo.format).module.replace_packets

    def wrong(data, packets):
        new = real(data, packets)
        return new[:-40] + b"\0" * 38 + new[-2:] if broken == "picture" else new.replace(b"Cat", b"Cow")

    monkeypatch.setattr(planning.in_process(photo.format).module, "replace_packets", wrong)
    reason = {"fields": "does not say what it should", "picture": "picture itself would change"}[broken]
    (written,) = write(store, photo, "Cat")
    assert written.engine == "sidecar"
    assert photo.path.read_bytes() == before
    with pytest.raises(WriteError, match=reason):
        write(MetadataStore(sidecar="never"), photo, "Cat")


def test_changed_midway(store, photo):
    def journal(_):
        photo.path.write_bytes((FILES / "gray.jpg").read_bytes())

    with pytest.raises(ChangedMeanwhileError):
        store.write(photo, adding("Cat"), journal)
    assert photo.path.read_bytes() == (FILES / "gray.jpg").read_bytes()


def test_dry_run_changes_nothing(store, photo):
    before = photo.path.read_bytes()
    (planned,) = store.write(photo, adding("Cat"), pytest.fail, dry_run=True)
    assert planned.after.tags == ("Cat",)
    assert photo.path.read_bytes() == before
    (written,) = write(store, photo, "Cat")
    assert written == planned
    store.undo(written, pytest.fail, dry_run=True)
    assert store.read(photo).tags == ("Cat",)


def test_a_decision_sees_what_is_there_and_may_be_none(store, photo):
    write(store, photo, "Cat")
    seen = []
    assert store.write(photo, lambda metadata: seen.append(metadata) or Change(), pytest.fail) == ()
    assert seen[0].tags == ("Cat",)


def test_threads_lose_no_tag(store, photo):
    errors = []

    def tag(number):
        try:
            write(store, photo, f"Tag {number}")
        except PhotoError as error:
            errors.append(error)

    threads = [threading.Thread(target=tag, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(store.read(photo).tags) == 16


def test_stamp_follows_photo_and_sidecar(store, photo):
    stamps = [store.stamp(photo)]
    write(store, photo, "Cat")
    stamps.append(store.stamp(photo))
    write(MetadataStore(sidecar="always"), photo, "Dog")
    stamps.append(store.stamp(photo))
    assert len(set(stamps)) == 3
    assert store.stamp(photo) == stamps[-1]


# undo ----------------------------------------------------------------------------------------------------


def another_program(path, *arguments):
    write_by_exiftool(*arguments, path)


@NEEDS_EXIFTOOL
def test_undo_keeps_what_another_program_added_since(store, photo):
    another_program(photo.path, "-XMP-dc:Subject=Old", "-XMP-dc:Subject=Both")
    (written,) = write(store, photo, "Ours", remove=("Old",), title="Ours")
    another_program(photo.path, "-XMP-dc:Subject+=Theirs", "-XMP-xmp:Rating=5")
    another_program(photo.path, "-XMP-digiKam:TagsList+=Theirs", "-XMP-lr:HierarchicalSubject+=Theirs")
    done = store.undo(written, Ledger())
    assert set(store.read(photo).tags) == set(done.after.tags) == {"Both", "Theirs", "Old"}
    assert store.read(photo).title == ""
    assert judge(photo.path)["XMP-xmp:Rating"] == "5"
    assert store.undo(written, Ledger()) is None


@NEEDS_EXIFTOOL
def test_undo_leaves_a_title_another_program_changed(store, photo):
    (written,) = write(store, photo, "Ours", title="Ours")
    another_program(photo.path, "-XMP-dc:Title=Theirs")
    store.undo(written, Ledger())
    assert store.read(photo) == Metadata(title="Theirs", fields=store.read(photo).fields)


@pytest.mark.parametrize("sidecar", ["auto", "always"])
def test_undo_finds_a_moved_photo(photo, sidecar, tmp_path):
    store, before = MetadataStore(sidecar=sidecar), photo.path.read_bytes()
    (written,) = write(store, photo, "Cat")
    (tmp_path / "new").mkdir()
    moved = tmp_path / "new" / "renamed.jpg"
    photo.path.rename(moved)
    if sidecar == "always":
        written.target.rename(tmp_path / "new" / "renamed.jpg.xmp")
    done = store.undo(written, Ledger(), at=moved)
    assert done.photo == moved
    assert moved.read_bytes() == before
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["renamed.jpg"]


def test_undo_can_be_undone(photo):
    for kind in ("auto", "always"):
        store = MetadataStore(sidecar=kind)
        (written,) = write(store, photo, kind)
        after = written.target.read_bytes()
        undone = store.undo(written, Ledger())
        again = store.undo(undone, Ledger())
        assert written.target.read_bytes() == after
        assert again.after.tags == written.after.tags == (kind,)
        store.undo(again, Ledger())
        assert store.read(photo).tags == ()


def test_a_damaged_record_undoes_nothing(store, photo):
    (written,) = write(store, photo, "Cat")
    other = copy("gray.jpg", photo.path.parent)
    (foreign,) = write(store, other, "Cat")
    after = photo.path.read_bytes()
    for damaged in (
        replace(written, patch=b""),
        replace(written, patch=foreign.patch),
        replace(written, before_hash="0"),
    ):
        with pytest.raises(PhotoError, match="undo record"):
            store.undo(damaged, Ledger())
        assert photo.path.read_bytes() == after


def test_an_undo_stopped_by_its_journal_changes_nothing(store, photo):
    (written,) = write(store, photo, "Cat")
    after = photo.path.read_bytes()

    def journal(_):
        raise WriteError("stop")

    with contextlib.suppress(WriteError):
        store.undo(written, journal)
    assert photo.path.read_bytes() == after


def test_the_record_of_a_jpeg_is_small(store, photo):
    (written,) = write(store, photo, "Cat")
    assert len(written.patch) < 300
    assert written.after_hash == digest(photo.path.read_bytes())


@pytest.mark.slow
@NEEDS_EXIFTOOL
@pytest.mark.parametrize(
    "there", [(), ("-ComponentsConfiguration=YCbCr-",), ("-ColorSpace=sRGB", "-ISO=100")]
)
def test_a_tiff_gets_no_exif_that_was_not_asked_for_and_its_iptc_digest_follows(store, tmp_path, there):
    path = Path(shutil.copy(FILES / "single.tif", tmp_path))
    given = ("-IPTC:Keywords=Old", "-IPTCDigest=new", *there)
    write_by_exiftool(*given, path)
    before = set(judge(path))
    (write,) = store.write(as_photo(path), lambda _: Change(add=("Beach",), comment=True), lambda _: None)
    assert write.engine == "exiftool"
    said = judge(path)
    assert {name for name in set(said) - before if name.startswith(("ExifIFD", "IFD0"))} == {
        "ExifIFD:UserComment"
    }
    assert said["Photoshop:IPTCDigest"] == said["File:CurrentIPTCDigest"]
