"""Which tags are tagroll's and which a person's, in every format, with the catalog and without it."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.judge import exiftool
from support.library import library, other_program
from support.photos import FILES
from tagroll.domain import Change, Metadata, Outcome, Photo
from tagroll.formats import FORMATS
from tagroll.metadata.fields import fields_after, metadata_from_fields
from tagroll.metadata.table import Fields
from tagroll.runs.action import added_up, edited, reverted
from tagroll.runs.proposal import TagProposal
from tagroll.runs.rewrite import Library, kept, mapped, prune_plan, pruned, without_ours
from tagroll.runs.run import past_of
from tagroll.runs.tag import TagPolicy

INSIDE = (
    *("baseline.jpg", "rgb.png", "lossy.webp", "single.tif", "plain.heic", "rgb.avif", "plain.jxl"),
    *("animated.gif",),
)
BESIDE = ("palette.bmp", "rgb.psd", "raw.dng")
OURS_IN_FILE = "-XMP-tagroll:WrittenTags"


@pytest.fixture
def catalog(tmp_path):
    return tmp_path / "catalog.sqlite"


def photo(folder: Path, sample: str = "baseline.jpg", name: str = "") -> Path:
    path = Path(shutil.copy(FILES / sample, folder / (name or sample)))
    path.chmod(0o644)
    return path


def by_hand(path: Path, *options: str) -> None:
    """A person edits a file, or the sidecar of one that is not written into, in another program."""
    sidecar = path.with_name(path.name + ".xmp")
    target = sidecar if path.name.endswith(BESIDE) else path
    other_program({target: options}, path.parent / "commands")


def marked(path: Path) -> list[str]:
    """The mark, as exiftool sees it, which knows nothing of it."""
    sidecar = path.with_name(path.name + ".xmp")
    found = exiftool(sidecar if sidecar.exists() else path, OURS_IN_FILE).get("WrittenTags", [])
    return found if isinstance(found, list) else [found]


def warnings(path: Path) -> list[str]:
    row = exiftool(path, "-validate", "-warning", "-a")
    return sorted(str(value) for name, value in row.items() if name.startswith("Warning"))


# the life of tags --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "lost"),
    [*((sample, True) for sample in (*INSIDE, *BESIDE)), ("baseline.jpg", False), ("palette.bmp", False)],
)
def test_a_person_s_tags_stay_and_tagroll_s_are_replaced(sample, lost, tmp_path, catalog):
    path = photo(tmp_path, sample)
    before = warnings(path)
    with library(catalog) as home:
        if sample in INSIDE:
            by_hand(path, "-XMP-dc:Subject=Grandma", "-XMP-dc:Subject=Water")
        else:
            home.write(path, edited(("Grandma", "Water"), (), {}), "serve")
        outcome = home.tag(path, "Water", "Boat", "Animal")
        assert (outcome.status, marked(path)) == ("tagged", ["Boat", "Animal"])
        assert home.ours(path) == {"Boat", "Animal"}
        by_hand(path, "-XMP-dc:Subject+=Harbour")  # in one of the lists alone
    with library(tmp_path / "other.sqlite" if lost else catalog) as home:
        assert home.yours(path) == {"Grandma", "Water", "Harbour"}
        assert home.tag(path, "Water", "Ship").removed == 0
        assert (home.yours(path), home.ours(path)) == ({"Grandma", "Water", "Harbour"}, {"Ship"})
        assert marked(path) == ["Ship"]
        home.tag(path, "Sea", mode="append")
        assert home.ours(path) == {"Ship", "Sea"}
        assert home.tag(path, "Sea", "Water", mode="replace").removed == 2  # Grandma, Harbour
        assert set(home.read(path).tags) == {"Sea", "Water"}
        assert home.yours(path) == {"Water"}
    assert warnings(path) == before


@pytest.mark.slow
def test_exiftool_writes_the_mark_where_xmp_is_more_than_one_packet(tmp_path, catalog):
    path = photo(tmp_path)
    by_hand(path, "-XMP-dc:Subject=Grandma", f"-XMP-photoshop:History={'long ' * 20_000}")
    assert exiftool(path, "-XMP-xmpNote:HasExtendedXMP")["HasExtendedXMP"]
    with library(catalog) as home:
        home.tag(path, "Boat")
        assert home.space.catalog.journal.at(path)[0].write.engine == "exiftool"
        assert marked(path) == ["Boat"]
    with library(tmp_path / "other.sqlite") as home:
        assert home.tag(path, "Sea").tags == ("Grandma", "Sea")
        home.write(path, without_ours)
        assert (home.read(path).tags, marked(path)) == (("Grandma",), [])


def test_the_samples_are_of_every_format_that_is_written():
    suffixes = {Path(sample).suffix for sample in (*INSIDE, *BESIDE)}
    for fmt in FORMATS:
        assert not suffixes.isdisjoint(fmt.suffixes), fmt.name


@pytest.mark.parametrize("lost", [False, True], ids=["catalog", "no catalog"])
def test_what_a_person_took_away_in_another_program_stays_away(lost, tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
    gone = ["-XMP-dc:Subject-=Boat"]
    if lost:  # what stands in the other lists counts when nobody knows that tagroll put it there
        gone += ["-XMP-lr:HierarchicalSubject-=Boat", "-IPTC:Keywords-=Boat"]
    by_hand(path, *gone)
    with library(tmp_path / "other.sqlite" if lost else catalog) as home:
        outcome = home.tag(path, "Boat", "Ship")
        assert (outcome.tags, outcome.withheld) == (("Ship",), ("Boat",))
        assert home.tag(path, "Boat", "Ship", "Sea", mode="append").withheld == ("Boat",)
        assert home.ours(path) == {"Ship", "Sea"}


def test_a_file_whose_tags_are_all_gone_was_stripped_and_gets_them_again(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
    by_hand(path, "-XMP-dc:Subject=", "-XMP-lr:HierarchicalSubject=", "-IPTC:Keywords=")
    assert marked(path) == ["Boat", "Animal"]
    with library(tmp_path / "other.sqlite") as home:
        assert home.read(path).ours == ()
        assert home.tag(path, "Boat").tags == ("Boat",)


def test_a_mark_is_never_believed_over_the_lists(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
        by_hand(path, *(f"-{name}={word}" for name in ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "IPTC:Keywords")
                        for word in ("Animal", "Grandma")))  # fmt: skip
        assert (home.ours(path), home.yours(path)) == ({"Animal"}, {"Grandma"})
        home.tag(path, "Sea")
        by_hand(path, "-XMP-dc:Subject+=Animal")  # the person wants it after all: theirs from now on
        assert (home.ours(path), home.yours(path)) == ({"Sea"}, {"Animal", "Grandma"})
        assert home.tag(path, "Animal", "Lake").tags == ("Grandma", "Animal", "Lake")
        assert home.ours(path) == {"Lake"}


def test_no_file_is_written_only_because_its_mark_is_stale(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
        by_hand(path, "-XMP-dc:Subject-=Boat", "-XMP-lr:HierarchicalSubject-=Boat", "-IPTC:Keywords-=Boat")
        assert home.tag(path, "Boat", "Animal", mode="append").status == "unchanged"
        by_hand(path, "-XMP-dc:Subject+=Grandma")  # now there is something to do
        home.tag(path, "Boat", "Animal", "Sea", mode="append")
        assert marked(path) == ["Animal", "Sea"]


@pytest.mark.parametrize("way", ["moved", "copied"])
def test_a_photo_takes_its_mark_along(way, tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat")
        by_hand(path, "-XMP-dc:Subject+=Grandma")
        there = tmp_path / "there.jpg"
        shutil.copy(path, there) if way == "copied" else path.rename(there)
        assert (home.ours(there), home.yours(there)) == ({"Boat"}, {"Grandma"})


def test_without_a_mark_the_journal_tells(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
        by_hand(path, "-XMP:all=", "-XMP-dc:Subject=Boat", "-XMP-dc:Subject=Grandma")
        assert marked(path) == []
        assert (home.ours(path), home.yours(path)) == ({"Boat"}, {"Grandma"})
    with library(tmp_path / "other.sqlite") as home:
        assert home.ours(path) == set()  # a person's, when nobody knows better


def test_where_a_program_left_only_the_last_word_of_a_path_it_is_still_tagroll_s(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.write(path, lambda _: Change(add=("Places|Lake",), ours=("Places|Lake",)), "tag")
        by_hand(path, "-XMP-lr:HierarchicalSubject=")
    with library(tmp_path / "other.sqlite") as home:
        assert home.read(path).tags == home.read(path).ours == ("Lake",)


# what a person does ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [False, True], ids=["catalog", "no catalog"])
def test_a_kept_tag_is_a_person_s(lost, tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
        home.write(path, kept("boat"))
        assert (home.yours(path), marked(path)) == ({"Boat"}, ["Animal"])
        home.write(path, kept("Animal"))  # the last one: the journal must not bring it back
        assert home.yours(path) == {"Boat", "Animal"}
    with library(tmp_path / "other.sqlite" if lost else catalog) as home:
        assert home.tag(path, "Sea").tags == ("Boat", "Animal", "Sea")
        assert home.ours(path) == {"Sea"}


def test_a_kept_tag_is_a_person_s_though_the_photo_s_own_mark_cannot_be_changed(tmp_path, catalog):
    path, other = photo(tmp_path), tmp_path / "second name.jpg"
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
        other.hardlink_to(path)  # it is not written into any more
        home.write(path, kept("Boat"))
        assert (home.yours(path), marked(path)) == ({"Boat"}, ["Animal"])
    other.unlink()
    with library(tmp_path / "other.sqlite") as home:
        assert (home.yours(path), home.ours(path)) == ({"Boat"}, {"Animal"})
        assert set(home.tag(path, "Sea").tags) == {"Boat", "Sea"}


def test_an_older_mark_in_the_photo_does_not_say_that_a_person_took_a_tag_away(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
        (tmp_path / "second name.jpg").hardlink_to(path)
        home.tag(path, "Sea", "Animal")
    with library(tmp_path / "other.sqlite") as home:
        assert (home.read(path).tags, home.read(path).away) == (("Animal", "Sea"), ())


def test_taking_a_run_back_leaves_what_a_person_has_made_theirs_since(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        before = home.read(path)
        home.tag(path, "Boat", "Animal")
        after = home.read(path)
        home.write(path, kept("Boat"), "tags keep")
        home.write(path, reverted(before, after), "serve")
        assert (home.read(path).tags, home.ours(path)) == (("Boat",), set())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_person_s_tag_that_a_run_took_and_the_next_one_gave_is_theirs_again(order, tmp_path, catalog):
    path = photo(tmp_path)
    by_hand(path, "-XMP-dc:Subject=Boat")
    with library(catalog) as home:
        said = [home.read(path)]
        for words in (("Sea",), ("Boat",)):
            home.tag(path, *words, mode="replace")
            said.append(home.read(path))
        for at in order:
            home.write(path, reverted(said[at], said[at + 1]), "serve")
        assert "Boat" in home.yours(path)


def test_the_last_of_tagroll_s_tags_takes_the_mark_along(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.write(path, edited(("Grandma",), (), {}), "serve")
        home.tag(path, "Boat")
        home.write(path, without_ours)
        assert home.read(path).tags == ("Grandma",)
    assert b"tagroll:" not in path.read_bytes()


def test_what_a_person_adds_in_the_page_is_theirs_and_taking_it_back_makes_it_tagroll_s_again():
    said = Metadata(("Boat", "Sea"), ours=("Boat", "Sea"))
    _, ((before, after),) = added_up([part(edited(("Boat", "Dog"), ("Sea",), {}))], said)
    assert (after.tags, after.ours) == (("Boat", "Dog"), ())
    change, ((_, back),) = added_up([part(reverted(before, after))], after)
    assert (set(back.tags), set(back.ours)) == ({"Boat", "Sea"}, {"Boat", "Sea"})
    assert change.remove == ("Dog",)
    away_and_back = [part(edited((), ("Boat",), {})), part(edited(("Boat",), (), {}))]
    change, _ = added_up(away_and_back, said)
    assert change == Change(theirs=("Boat",))


def part(decide):
    class Part:
        pass

    one = Part()
    one.decide = decide
    return one


@pytest.mark.parametrize(
    ("said", "mapping", "after"),
    [
        ((("Boat", "Sea"), ("Boat",)), {"Boat": "Ship"}, {"Ship"}),
        ((("Boat", "Sea"), ("Sea",)), {"Boat": "Ship"}, {"Sea"}),
        ((("Boat", "Ship", "Sea"), ("Boat", "Ship")), {"Boat": "Ship"}, {"Ship"}),
        ((("Boat", "Ship", "Sea"), ("Boat",)), {"Boat": "Ship"}, set()),
        ((("Boat", "Ship", "Sea"), ("Ship",)), {"Boat": "Ship"}, set()),  # both, and one of them a person's
        ((("boat", "Sea"), ("boat",)), {"boat": "Boat"}, {"Boat"}),
        ((("A", "Boat", "Sea"), ("Boat", "Sea")), {"A": "B"}, {"Boat", "Sea"}),  # those behind come and go
    ],
)
def test_a_tag_that_becomes_another_keeps_its_author(said, mapping, after, tmp_path, catalog):
    tags, ours = said
    path = photo(tmp_path)
    with library(catalog) as home:
        home.write(path, lambda _: Change(add=tags, ours=ours))
        home.write(path, mapped(mapping))
        assert home.ours(path) == after
    with library(tmp_path / "other.sqlite") as home:
        assert home.ours(path) == after


@pytest.mark.parametrize("touched", [False, True], ids=["bytes", "values"])
def test_undo_takes_the_mark_back(touched, tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.write(path, edited(("Grandma",), (), {}), "serve")
        home.tag(path, "Boat", "Animal")
        home.tag(path, "Sea")
        home.write(path, kept("Sea"))
        writes = [writing.write for writing in home.space.catalog.journal.at(path)]
        if touched:
            by_hand(path, "-XMP-dc:Subject+=Dog")
        seen = []
        for write in reversed(writes):
            done = home.space.store.undo(write, lambda _: None)
            seen.append((set(done.after.ours), marked(path)))
        assert seen == [
            ({"Sea"}, ["Sea"]),
            ({"Boat", "Animal"}, ["Boat", "Animal"]),
            (set(), []),
            (set(), []),
        ]


# older catalogs ----------------------------------------------------------------------------------------------


def test_a_catalog_of_an_older_version_tells_by_what_its_runs_did(tmp_path, catalog):
    path = photo(tmp_path)
    with library(catalog) as home:
        home.tag(path, "Boat", "Animal")
        home.write(path, edited(("Grandma",), (), {}), "serve")
        home.write(path, mapped({"Boat": "Ship", "Grandma": "Granny"}), "dedupe")
        home.write(path, mapped({"Ship": "Vessel"}), "tags rename")
    with sqlite3.connect(catalog) as older:
        rows = older.execute("SELECT id, before, after FROM writes").fetchall()
        for number, *sides in rows:
            texts = [
                json.dumps({key: one for key, one in json.loads(side).items() if key != "ours"})
                for side in sides
            ]
            older.execute("UPDATE writes SET before = ?, after = ? WHERE id = ?", (*texts, number))
    by_hand(path, "-XMP:all=", *(f"-XMP-dc:Subject={tag}" for tag in ("Vessel", "Animal", "Granny")))
    with library(catalog) as home:
        told = [set(write.after.ours) for write in past_of(home.space.catalog, path, "")]
        # what took the place of a model's and a person's word together is a person's, and what is made of that, too
        assert told == [{"Boat", "Animal"}, {"Boat", "Animal"}, {"Animal"}, {"Animal"}]
        assert home.ours(path) == {"Animal"}


@pytest.mark.parametrize(
    ("earlier", "now", "same"),
    [
        ({"append": False}, "yours", True),
        ({"append": True}, "yours", False),  # tagroll's own earlier ones are still there
        ({"append": False}, "replace", True),
        ({"append": True}, "append", True),
        ({"mode": "yours"}, "yours", True),
        ({"mode": "yours"}, "replace", False),
        ({"mode": "yours"}, "append", False),
        ({"mode": "replace"}, "yours", True),
    ],
)
def test_what_was_wanted_earlier_is_wanted_now(earlier, now, same):
    more = {"tags": ["Boat"], "captions": []}
    assert TagPolicy().satisfies({**more, **earlier}, {**more, "mode": now}) is same


# laws --------------------------------------------------------------------------------------------------------

TAGS = ("Sea", "Boat", "Grandma", "Places|Lake", "Places|Italy|Rome", "Zoë")
some = st.lists(st.sampled_from(TAGS), unique=True).map(tuple)


changes = st.builds(Change, add=some, remove=some, ours=some, theirs=some, align=st.just(True))


@given(tags=some, ours=some, change=changes)
def test_a_file_says_after_a_change_whose_its_tags_are(tags, ours, change):
    def read(fields: Fields) -> Metadata:
        return metadata_from_fields({name: values for name, values in fields.items() if values})

    first = read(fields_after(Metadata(), Change(add=tags, ours=ours, align=True)))
    assert (set(first.tags), set(first.ours)) == (set(tags), set(tags) & set(ours))
    after = read({**first.fields, **fields_after(first, change)})
    assert set(after.tags) == set(tags) - set(change.remove) | set(change.add)
    assert set(after.ours) == set(after.tags) & (set(first.ours) | set(change.ours)) - set(change.theirs)


# proposals and plans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "after"),
    [
        ("yours", Change(add=("Ship",), remove=("Boat",), ours=("Ship",))),
        ("append", Change(add=("Ship",), ours=("Ship",))),
        ("replace", Change(add=("Ship",), remove=("Boat", "Grandma", "Places|Lake"), ours=("Ship",))),
    ],
)
def test_each_mode_takes_away_what_it_says(mode, after):
    said = Metadata(("Boat", "Sea", "Grandma", "Places|Lake", "Water"), ours=("Boat", "Sea"))
    assert TagProposal(("Sea", "Ship", "Water"), {}).change(said, mode) == after
    assert (
        TagProposal((), {}).change(said, mode) == Change()
    )  # a model that is sure of nothing takes nothing away


def test_rare_tags_go_up_the_tree_or_away():
    def photos(*numbers: int) -> set[Path]:
        return {Path(f"/{number}") for number in numbers}

    carriers = {
        "Places|Italy|Malcesine": photos(1), "Places|Italy|Rome": photos(2, 3), "Places|Italy": photos(4),
        "Places|Peru": photos(5), "Rome": photos(6), "Lake": photos(1, 2, 3), "Dew": photos(7), "dew": photos(7),
        "Odd|Thing": photos(8), "Fog": photos(1, 2), "fog": photos(3),
        "Peru": photos(9),
    }  # fmt: skip
    assert prune_plan(carriers, 3) == {
        "Places|Italy|Malcesine": "Places|Italy", "Places|Peru": "Places", "Peru": "Places", "Dew": "", "dew": "",
        "Odd|Thing": "",
    }  # fmt: skip
    assert prune_plan(carriers, 1) == {}


def test_pruning_leaves_a_person_s_tag():
    decide = pruned({"Dew": "", "Boat": "Things"})
    assert decide(Metadata(("Dew", "Boat"), ours=("Boat",))).remove == ("Boat",)
    assert not decide(Metadata(("Dew", "Boat")))
    read = Library()
    list(read.remember([Photo(Path("/1"), 0, 0, FORMATS[0])]))
    read.add(Outcome(Path("/1"), "unchanged", ("Dew", "Boat"), ours=("Boat",)))
    assert (list(read.changing(decide)), read.touched(decide)) == ([Path("/1")], 1)
    assert read.touched(kept("Boat")) == 1
