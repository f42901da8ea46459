"""A person's deletion is the last word: whatever program it was made in, no copy of ours brings it back."""

import dataclasses
import io
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from support.photos import as_photo
from tagroll.catalog import Catalog
from tagroll.domain import Change, Metadata
from tagroll.metadata.containers import jpeg, png
from tagroll.metadata.fields import read_fields, with_fields
from tagroll.metadata.packets.raw import Packets
from tagroll.metadata.store import MetadataStore
from tagroll.photos.scan import scan
from tagroll.runs.moved import Moved
from tagroll.runs.proposal import TagProposal
from tagroll.runs.read import Reader
from tagroll.runs.rewrite import change_for
from tagroll.runs.run import Workspace, past_of
from tagroll.runs.undo import Undoer, choose_run, choose_writes
from tagroll.settings import Settings

FILES = Path(__file__).parents[1] / "files"
TAGS_LIST, LR, DC = "XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject", "XMP-dc:Subject"
IPTC, XP, LAST = "IPTC:Keywords", "IFD0:XPKeywords", "XMP-microsoft:LastKeywordXMP"
SETS, COMMENT = "XMP-mediapro:CatalogSets", "ExifIFD:UserComment"

SLOW = pytest.mark.slow
PROGRAMS = {
    "Lightroom": (DC, LR, IPTC),
    "Windows Explorer": (DC, XP, LAST),
    "Aves": (DC, IPTC),
    "exiftool -use MWG": (DC, IPTC),
    "Immich": (TAGS_LIST,),
    "darktable": (LR, DC),
    "digiKam": (TAGS_LIST, LR, SETS, LAST, DC, IPTC),
    "an editor of IPTC": (IPTC,),
}
"""The fields in which a program keeps tags; all others it leaves as they are."""


class Home:
    """Photos in a folder, with a catalog, written as the commands do it."""

    def __init__(self, folder: Path, space: Workspace) -> None:
        self.folder, self.space = folder, space
        folder.mkdir()

    def add(self, name: str = "photo.jpg", like: str = "baseline.jpg") -> Path:
        path = Path(shutil.copy(FILES / like, self.folder / name))
        path.chmod(0o644)
        return path

    def write(self, path: Path, decide: Callable[[Metadata], Change], command: str = "tag") -> bool:
        with self.space.begin(command, []) as run:
            return bool(run.write(as_photo(path), decide).writes)

    def tag(self, path: Path, *tags: str, append: bool = True, decided: bool = False) -> bool:
        """As `tagroll tag` does when a model says this."""
        proposal = TagProposal(tags, {}, decided=decided)

        def decide(metadata: Metadata) -> Change:
            change = proposal.change(metadata, "append" if append else "replace")
            return dataclasses.replace(change, align=not proposal.is_settled(metadata), hang=tags)

        return self.write(path, decide)

    def rename(self, path: Path, old: str, new: str) -> bool:
        return self.write(path, lambda metadata: change_for(metadata, {old: new}), "tags")

    def undo(self) -> None:
        chosen = choose_run(self.space.catalog, None)
        moved = Moved((), self.space.store, self.space.catalog)
        with self.space.begin("undo", []) as run:
            undoer = Undoer(run, moved, chosen.command)
            for numbers in choose_writes(self.space.catalog, chosen, (), moved):
                assert not undoer.undo(numbers).error

    def tags(self, path: Path) -> set[str]:
        return set(self.space.store.read(as_photo(path)).tags)


@pytest.fixture
def home(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        store = MetadataStore(past=partial(past_of, catalog))
        yield Home(tmp_path / "photos", Workspace(Settings(), catalog, store, None))


def fields(path: Path) -> dict[str, tuple[str, ...]]:
    if path.suffix == ".xmp":
        return dict(read_fields(Packets(xmp=path.read_bytes())))
    return dict(read_fields(KINDS[path.suffix].read_packets(io.BytesIO(path.read_bytes()))))


KINDS = {".jpg": jpeg, ".png": png}


def put(path: Path, **values: tuple[str, ...]) -> None:
    """Give fields of a file other raw values, as another program does: those, and no other."""
    new = {FIELD[name]: value for name, value in values.items()}
    if path.suffix == ".xmp":
        packets = Packets(xmp=path.read_bytes() if path.exists() else None)
        path.write_bytes(with_fields(packets, read_fields(packets), new).xmp or b"")
        return
    packets = KINDS[path.suffix].read_packets(io.BytesIO(path.read_bytes()))
    new = with_fields(packets, read_fields(packets), new)
    path.write_bytes(KINDS[path.suffix].replace_packets(path.read_bytes(), new))


FIELD = {"dc": DC, "lr": LR, "iptc": IPTC, "tags_list": TAGS_LIST, "xp": XP, "last": LAST, "sets": SETS}
FIELD |= {"comment": COMMENT, "title": "XMP-dc:Title"}
NAMES = {field: name for name, field in FIELD.items()}


def edit(path: Path, program: str, old: str, new: str = "") -> None:
    """Take a tag away in a program, or rename it there."""
    there = fields(path)
    for name in PROGRAMS[program]:
        if there.get(name):
            values = tuple(v for value in there[name] for v in _edited(name, value, old, new))
            put(path, **{NAMES[name]: values})


def _edited(name: str, value: str, old: str, new: str) -> Iterator[str]:
    if name == XP:
        yield ";".join(part for one in value.split(";") for part in _edited("", one, old, new))
        return
    *above, leaf = value.replace("/", "|").split("|")
    if leaf != old:
        yield value
    elif new:
        yield ("/" if "/" in value else "|").join((*above, new))


def everywhere(path: Path, program: str) -> None:
    """Give a photo the tags Ex, Lake and Places|Paris in all fields of a program, and in those of Lightroom."""
    paths, slashed, flat = (
        ("Ex", "Lake", "Places|Paris"),
        ("Ex", "Lake", "Places/Paris"),
        ("Ex", "Lake", "Paris"),
    )
    known = {
        LR: paths,
        DC: flat,
        IPTC: flat,
        TAGS_LIST: slashed,
        LAST: flat,
        XP: (";".join(flat),),
        SETS: paths,
    }
    put(path, **{NAMES[name]: known[name] for name in {*PROGRAMS[program], LR, DC, IPTC}})


def leaves(path: Path) -> set[str]:
    """The names of all tags in all fields of a photo."""
    found = {
        name: values for name, values in fields(path).items() if name in NAMES and name != "XMP-dc:Title"
    }
    split = (part for values in found.values() for value in values for part in value.split(";"))
    return {part.replace("/", "|").split("|")[-1] for part in split}


@pytest.mark.parametrize("then", ["append", "replace", "rename", "undo"])
@pytest.mark.parametrize(
    "gone",
    [pytest.param("Ex", marks=pytest.mark.slow), "Paris", pytest.param("Beach", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_was_taken_away_in_a_program_stays_away(home, program, gone, then):
    photo = home.add()
    everywhere(photo, program)
    home.tag(photo, "Sunset", "Beach")
    edit(photo, program, gone)
    assert gone not in {tag.split("|")[-1] for tag in home.tags(photo)}
    if then == "append":
        home.tag(photo, "Sunset", "Beach", "Dusk", gone)
    elif then == "replace":
        home.tag(photo, "Lake", "Dusk", gone, append=False)
    elif then == "rename":
        home.rename(photo, "Sunset", "Dusk")
    else:
        home.undo()
    assert gone not in leaves(photo)
    assert ("Dusk" in leaves(photo)) == (then != "undo")
    assert "Lake" in leaves(photo)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_tag_renamed_in_a_program_is_not_there_twice(home, program):
    photo = home.add()
    everywhere(photo, program)
    home.tag(photo, "Beach")
    edit(photo, program, "Beach", "Seaside")
    edit(photo, program, "Paris", "Lyon")
    home.tag(photo, "Dusk", "Beach", "Paris")
    assert leaves(photo) == {"Ex", "Lake", "Lyon", "Seaside", "Dusk"}


def test_a_later_run_does_not_bring_back_what_a_person_took_away(home):
    photo = home.add()
    home.tag(photo, "Sunset", "Beach", "Sea")
    edit(photo, "Lightroom", "Beach")
    for append in (True, False):
        for decided in (True, False):
            home.tag(photo, "Sunset", "Beach", "Sea", append=append, decided=decided)
            assert home.tags(photo) == {"Sunset", "Sea"}
    home.tag(photo, "Dusk", "Beach", append=False)
    assert home.tags(photo) == {"Dusk"}
    edit(photo, "Lightroom", "Dusk", "Beach")  # the person wants it again
    home.tag(photo, "Beach", "Sea")
    assert home.tags(photo) == {"Beach", "Sea"}
    home.tag(photo, "Sea", append=False)
    home.tag(photo, "Beach")
    assert home.tags(photo) == {"Beach", "Sea"}


def test_one_who_took_all_tags_away_gets_none_again(home):
    photo = home.add()
    put(photo, title=("A title",))
    home.tag(photo, "Sunset", "Beach")
    put(photo, dc=(), lr=(), iptc=(), title=("Another title",))
    assert not home.tag(photo, "Sunset", "Beach", decided=True)
    assert home.tags(photo) == set()


@pytest.mark.parametrize("how", ["backup", "older backup", "stripped", "XMP stripped"])
def test_what_was_restored_or_stripped_was_not_taken_away(home, how):
    photo = home.add()
    put(photo, dc=("Lake",), title=("A title",))
    backup = photo.read_bytes()
    home.tag(photo, "Sunset", "Beach")
    if how == "older backup":
        backup = photo.read_bytes()
        home.tag(photo, "Dusk")
    if how == "XMP stripped":
        packets = jpeg.read_packets(io.BytesIO(photo.read_bytes()))
        photo.write_bytes(jpeg.replace_packets(photo.read_bytes(), dataclasses.replace(packets, xmp=None)))
        assert home.tags(photo) == {"Lake", "Sunset", "Beach"}
    elif how == "stripped":
        photo.write_bytes(jpeg.replace_packets(photo.read_bytes(), Packets()))
    else:
        photo.write_bytes(backup)
        assert "Lake" in home.tags(photo)
    home.tag(photo, "Sunset", "Beach", "Dusk", decided=how in {"backup", "stripped"})
    assert home.tags(photo) >= {"Sunset", "Beach", "Dusk"}


CAMERA = b"II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x04\0\0\0Me!\0\0\0\0\0"
UPRIGHT = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


@pytest.mark.parametrize(
    ("left", "is_deletion"),
    [
        ({"iptc": b""}, True),  # what exiftool leaves of IPTC without keywords
        ({"exif": CAMERA}, True),
        ({"comment": "Mine"}, True),
        ({"exif": UPRIGHT}, False),  # what those leave who strip all but what turns the picture
        ({}, False),
    ],
)
def test_a_packet_that_went_with_its_last_tag_tells_of_a_deletion(home, left, is_deletion):
    photo = home.add()
    home.tag(photo, "Sunset", "Beach")
    packets = jpeg.read_packets(io.BytesIO(photo.read_bytes()))
    if "iptc" in left:
        left = {
            "iptc": with_fields(packets, read_fields(packets), {IPTC: ()}).iptc or b"\x1c\x02\0\0\x02\0\x04"
        }
    if "comment" in left:
        left = {"exif": with_fields(Packets(), {}, {COMMENT: ("Mine",)}).exif}
    photo.write_bytes(jpeg.replace_packets(photo.read_bytes(), Packets(**left)))
    home.tag(photo, "Sunset", "Beach")
    assert home.tags(photo) == (set() if is_deletion else {"Sunset", "Beach"})
    home.tag(photo, "Sunset", "Dusk", decided=True)
    assert home.tags(photo) == ({"Dusk"} if is_deletion else {"Sunset", "Beach"})


def test_lists_that_a_program_drops_whole_say_nothing(home):
    """Shotwell writes dc:subject and IPTC and drops Lightroom's tree; who knows digiKam's list may take it out."""
    photo = home.add()
    put(photo, tags_list=("Lake",))
    home.tag(photo, "Places|Paris", "Beach")
    put(photo, lr=(), dc=("Lake", "Paris", "Beach", "Mine"))
    assert home.tags(photo) == {"Lake", "Places|Paris", "Beach", "Mine"}
    put(photo, tags_list=())
    home.rename(photo, "Beach", "Shore")
    assert leaves(photo) == {"Lake", "Paris", "Shore", "Mine"}


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("Paris, France", "Paris"),
        ("Zürich", "Z?rich"),
        ("Łódź", "Å\x81Ã³dÅº"),
        ("東京", "??"),
        ("Ü" * 30, "Ü" * 28),
    ],
)
def test_what_a_program_writes_in_its_own_way_was_not_taken_away(home, tag, written):
    photo = home.add()
    home.tag(photo, tag, "Sea")
    put(photo, iptc=(written, "Sea", "Mine"))
    assert home.tags(photo) >= {tag, "Sea"}


def test_a_branch_of_the_tree_that_moves_takes_its_leaf_along(home):
    photo = home.add()
    put(photo, tags_list=("Places/Paris", "People/Paris"))
    home.tag(photo, "Sea")
    put(photo, lr=("Trips|Paris", "People|Paris", "Sea"))
    assert home.tags(photo) == {"Trips|Paris", "People|Paris", "Sea"}
    put(photo, lr=("Trips|Paris", "Sea"))
    home.rename(photo, "Sea", "Ocean")
    assert set(fields(photo)[TAGS_LIST]) == {"Trips/Paris", "Ocean"}


# files and fields that have come since -------------------------------------------------------------------


def test_who_makes_a_list_of_our_tags_and_leaves_one_out_took_it_away(home):
    """Immich reads Lightroom's tree and writes its own list beside it."""
    photo = home.add()
    put(photo, dc=("Ex", "Lake"))
    home.tag(photo, "Sunset", "Beach")
    put(photo, tags_list=("Lake", "Sunset", "Family/Anna"))
    assert home.tags(photo) == {"Lake", "Sunset", "Family|Anna"}


def test_who_knows_nothing_of_our_tags_took_none_away(home):
    photo = home.add()
    put(photo, dc=("Ex", "Lake"))
    home.tag(photo, "Sunset", "Beach")
    put(photo, tags_list=("Lake", "Mine"))
    assert home.tags(photo) == {"Ex", "Lake", "Mine", "Sunset", "Beach"}


@pytest.mark.parametrize("names", [("tags_list", "lr", "dc"), ("lr", "dc"), ("tags_list",)])
def test_a_sidecar_that_has_come_since_may_take_away(home, names):
    """digiKam in sidecar mode, darktable, Immich."""
    photo = home.add()
    home.tag(photo, "Sunset", "Beach", "Sea")
    sidecar = photo.with_name("photo.jpg.xmp")
    put(sidecar, **dict.fromkeys(names, ("Sunset", "Sea")))
    assert home.tags(photo) == {"Sunset", "Sea"}
    home.rename(photo, "Sea", "Ocean")
    assert leaves(photo) == leaves(sidecar) == {"Sunset", "Ocean"}


@pytest.mark.parametrize("edited", ["photo", "sidecar"])
@pytest.mark.parametrize("program", ["darktable", "Immich", "digiKam", "Lightroom"])
def test_a_deletion_in_photo_or_sidecar_holds_for_both(home, program, edited):
    photo = home.add()
    sidecar = photo.with_name("photo.jpg.xmp")
    for file in (photo, sidecar):
        put(file, tags_list=("Ex", "Lake"), lr=("Ex", "Lake"), dc=("Ex", "Lake"))
    home.tag(photo, "Sunset", "Beach")
    for gone in ("Beach", "Ex"):
        edit(photo if edited == "photo" else sidecar, program, gone)
    assert home.tags(photo) == {"Lake", "Sunset"}
    home.tag(photo, "Beach", "Ex", "Dusk")
    assert leaves(photo) == leaves(sidecar) == {"Lake", "Sunset", "Dusk"}


def test_the_sidecar_of_a_raw_is_its_own_base(home):
    photo = home.add("raw.dng", "raw.dng")
    sidecar = photo.with_name("raw.dng.xmp")
    home.tag(photo, "Sunset", "Beach")
    put(sidecar, tags_list=("Sunset",))
    assert home.tags(photo) == {"Sunset"}
    home.tag(photo, "Beach", "Dusk")
    assert leaves(sidecar) == {"Sunset", "Dusk"}


@pytest.mark.parametrize("sidecar_stays", [True, False])
def test_what_was_renamed_beside_a_read_only_photo_stays_renamed(home, sidecar_stays):
    photo = home.add()
    home.tag(photo, "Sunset", "Beach")
    photo.chmod(0o444)
    home.rename(photo, "Beach", "Shore")
    photo.chmod(0o644)
    sidecar = photo.with_name("photo.jpg.xmp")
    assert leaves(photo) == {"Sunset", "Beach"}
    assert leaves(sidecar) == {"Sunset", "Shore"}
    if not sidecar_stays:  # without it the photo is all that there is
        sidecar.unlink()
    home.rename(photo, "Sunset", "Dusk")
    assert leaves(photo) == ({"Dusk", "Shore"} if sidecar_stays else {"Dusk", "Beach"})


def test_a_library_is_read_without_what_was_taken_away(home, monkeypatch):
    monkeypatch.setattr("tagroll.runs.read.WORTH_PROCESSES", 1)
    photos = [home.add(f"{number}.jpg") for number in range(3)]
    for photo in photos:
        home.tag(photo, "Sunset", "Beach")
        edit(photo, "Aves", "Beach")
    found = scan([home.folder], on_unreadable=lambda *_: pytest.fail("unreadable"))
    read = list(Reader(home.space.store, home.space.catalog).read(found))
    assert [outcome.tags for outcome in read] == [("Sunset",)] * 3


# other photos --------------------------------------------------------------------------------------------


def test_a_photo_that_has_the_name_now_has_lost_nothing(home):
    photo = home.add()
    home.tag(photo, "Sunset", "Beach")
    other = home.add(like="progressive.jpg")
    put(other, dc=("Sunset",), lr=("Beach", "Sunset"))
    assert home.tags(other) == {"Sunset", "Beach"}


def test_a_photo_that_was_moved_takes_its_past_along(home):
    photo = home.add()
    home.tag(photo, "Sunset", "Beach")
    moved = photo.rename(photo.with_name("moved.jpg"))
    edit(moved, "Aves", "Beach")
    home.tag(moved, "Sunset", "Beach", "Dusk")
    assert leaves(moved) == {"Sunset", "Dusk"}


@pytest.mark.parametrize("other_is_gone", [True, False])
def test_a_copy_has_a_past_of_its_own(home, other_is_gone):
    photo = home.add()
    put(photo, dc=("Lake",))
    home.tag(photo, "Sunset", "Beach")
    copy = home.add("copy.jpg")
    put(copy, dc=("Mine", "Lake"), title=("T",))
    if other_is_gone:
        photo.unlink()
    home.tag(copy, "Sunset", "Beach")
    assert home.tags(copy) == {"Mine", "Lake", "Sunset", "Beach"}


def test_what_was_undone_is_no_past(home):
    photo = home.add()
    put(photo, dc=("Lake",), lr=("Lake", "Ex"))
    home.tag(photo, "Sunset", "Beach")
    home.undo()
    assert home.tags(photo) == {"Lake", "Ex"}
    home.tag(photo, "Sunset")
    assert home.tags(photo) == {"Lake", "Ex", "Sunset"}


# fields that disagree ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "partial",
    [{"lr": ("Archive",)}, {"lr": ()}, {"iptc": ("Sunset",)}, {"tags_list": ("Sea",)}, {"xp": ("Sea",)}],
)
def test_fields_that_disagree_are_brought_in_step_although_no_tag_is_new(home, partial):
    photo = home.add()
    put(photo, **({"dc": ("Archive", "Sunset", "Sea"), "iptc": ("Archive", "Sunset", "Sea")} | partial))
    assert home.tag(photo, "Sunset", "Sea")
    assert leaves(photo) == {"Archive", "Sunset", "Sea"}
    found = fields(photo)
    assert {len(found[name]) for name in (DC, LR, IPTC)} == {3}
    assert not home.tag(photo, "Sunset", "Sea")


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
@pytest.mark.parametrize(
    ("tree", "append", "after"),
    [
        (("My|Archive",), True, {"My|Archive", "Sunset", "Sea"}),
        (("My|Archive", "Sunset"), True, {"My|Archive", "Sunset", "Sea"}),
        (("Places|Sea",), True, {"Places|Sea", "Sunset"}),
        (
            ("My|Archive",),
            False,
            {"Sunset", "Sea"},
        ),  # the tree goes, the list that Immich and darktable read stays
    ],
)
def test_a_word_of_the_model_that_is_flat_beside_a_tree_comes_into_it(home, name, tree, append, after):
    photo = home.add(name, "baseline.jpg" if name.endswith("jpg") else "rgb.png")
    put(photo, lr=tree, dc=("Archive", "Sunset", "Sea"))
    assert home.tag(photo, "Sunset", "Sea", append=append)
    assert set(fields(photo)[LR]) == after
    assert not home.tag(photo, "Sunset", "Sea", append=append)


def test_no_file_is_made_only_to_bring_fields_in_step(home):
    photo = home.add()
    put(photo, dc=("Sunset",))
    photo.chmod(0o444)
    assert not home.tag(photo, "Sunset")
    assert [path.name for path in home.folder.iterdir()] == ["photo.jpg"]


def test_a_photo_that_a_person_has_edited_is_left_alone(home):
    photo = home.add()
    home.tag(photo, "Sunset", "Beach")
    put(photo, dc=("Sunset", "Beach", "Mine"))
    assert not home.tag(photo, "Sunset", "Beach", decided=True)
    assert home.tag(photo, "Sunset", "Beach")
    assert fields(photo)[LR] == ("Sunset", "Beach", "Mine")


# undo ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        {"dc": ("Anna",)},
        {},
        {"iptc": ("Anna", "Bert")},
        {"lr": ("People|Anna",), "dc": ("Anna",)},
        {"xp": ("Anna",)},
    ],
)
def test_undo_leaves_no_field_that_was_not_there(home, before):
    photo = home.add()
    put(photo, **before)
    there = {name: set(values) for name, values in fields(photo).items()}
    home.tag(photo, "Sunset", "Beach")
    put(photo, title=("Another program was here",))
    home.undo()
    now = fields(photo)
    assert now.pop("XMP-dc:Title") == ("Another program was here",)
    assert {name: set(values) for name, values in now.items()} == there


def test_undo_keeps_a_field_that_somebody_has_changed(home):
    photo = home.add()
    put(photo, dc=("Anna",))
    home.tag(photo, "Sunset")
    edit(photo, "Lightroom", "Sunset", "Dawn")
    put(photo, iptc=("Anna", "Sunset"))  # as we left it
    home.undo()
    assert (fields(photo)[DC], fields(photo)[LR]) == (("Anna", "Dawn"), ("Anna", "Dawn"))
    assert IPTC not in fields(photo)


def test_undo_brings_the_comment_back_that_was_taken_for_a_list(home):
    photo = home.add()
    put(photo, dc=("Paris",), comment=("Paris",))
    home.tag(photo, "Sea")
    assert COMMENT not in fields(photo)
    put(photo, title=("T",))
    home.undo()
    assert fields(photo)[COMMENT] == ("Paris",)


def test_a_comment_that_was_asked_for_is_kept_in_step(home):
    photo = home.add()
    home.write(photo, lambda _: Change(add=("Sunset", "Beach"), comment=True))
    home.rename(photo, "Beach", "Shore")
    assert fields(photo)[COMMENT] == ("Sunset, Shore",)
    put(photo, comment=("Grandma",))
    home.rename(photo, "Shore", "Sea")
    assert fields(photo)[COMMENT] == ("Grandma",)
