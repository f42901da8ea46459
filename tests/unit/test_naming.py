"""File names from arbitrary text: legal on Linux, macOS and Windows, unique, and never outside the folder."""

import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from support.hostile import NAMES
from support.laws import examples
from tagroll.errors import UsageError
from tagroll.runs.names import (
    MAX_BYTES,
    Names,
    Undated,
    check_template,
    fill_template,
    safe_stem,
    same_name,
    suffix_of,
)


@pytest.mark.parametrize(
    ("proposal", "slug", "keep"),
    [
        ("Golden Sunset Over the Lake", "golden-sunset-over-the-lake", "Golden Sunset Over the Lake"),
        ("sunset_beach.jpg", "sunset_beach", "sunset_beach"),
        ("../../etc/passwd", "etc-passwd", "etc passwd"),
        ("Café — «Zürich»", "café-zürich", "Café — «Zürich»"),
        ("CON", "photo-con", "photo-CON"),
        ("-rf .", "rf", "rf"),
        ("海の写真", "海の写真", "海の写真"),
        ("😀", "", "😀"),
        ("dog & ball: 2/3?", "dog-ball-2-3", "dog & ball 2 3"),
    ],
)
def test_a_name_as_a_person_would_write_it(proposal, slug, keep):
    assert safe_stem(proposal) == slug
    assert safe_stem(proposal, style="keep") == keep


def is_legal(stem: str) -> bool:
    name = PureWindowsPath(stem + ".jpg")
    return (
        len((stem + "-99999.jpeg").encode()) <= MAX_BYTES
        and unicodedata.normalize("NFC", stem) == stem
        and all(c.isprintable() and c not in '<>:"/\\|?*' for c in stem)
        and not stem.startswith((".", "-", " "))
        and not stem.endswith((".", " "))
        and name.parts == (stem + ".jpg",)
        and not name.is_reserved()
        and unicodedata.bidirectional(stem[0]) not in ("RLO", "LRO", "RLE", "LRE")
    )


@pytest.mark.slow
@examples(2000)
@given(st.text(), st.sampled_from(["slug", "keep"]))
@example("a" * 104 + "̈", "slug")
def test_any_text_gives_a_legal_name_or_none(proposal, style):
    stem = safe_stem(proposal, style=style)
    assert stem == "" or is_legal(stem)
    assert safe_stem(stem, style=style) == stem


@pytest.mark.parametrize("proposal", NAMES)
@pytest.mark.parametrize("style", ["slug", "keep"])
def test_hostile_names_stay_in_the_folder(tmp_path: Path, proposal: str, style: str) -> None:
    stem = safe_stem(proposal, style=style) or "photo"
    assert is_legal(stem)
    path = tmp_path / f"{stem}.jpg"
    path.write_bytes(b"")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@examples(50)
@given(st.lists(st.text(max_size=8), max_size=40))
def test_names_are_unique_where_case_and_normalisation_do_not_count(proposals):
    names = Names()
    given_out = [names.take(safe_stem(proposal) or "photo") for proposal in proposals]
    assert len({same_name(stem) for stem in given_out}) == len(proposals)


@pytest.mark.slow
def test_thousands_of_arbitrary_names_stay_in_one_folder_and_never_meet(tmp_path: Path) -> None:
    """What a model may say, 2,000 times over, given to one folder: legal, unique, and all of them in it."""
    names, stems = Names(), []
    anything = st.one_of(
        st.text(max_size=30),
        st.sampled_from(NAMES),
        st.text("aA.\u0301/\\ -é\n\0", max_size=6),
        st.text(max_size=5000),
    )

    @examples(2000, database=None, suppress_health_check=list(HealthCheck))
    @given(anything, st.sampled_from(["slug", "keep"]))
    def say(proposal: str, style: str) -> None:
        stem = names.take(safe_stem(proposal, style=style) or "photo")
        assert is_legal(stem)
        stems.append(stem)

    say()
    assert len(stems) >= 2000
    assert len({same_name(stem) for stem in stems}) == len(stems)
    folder = tmp_path / "processed"
    folder.mkdir()
    for stem in stems:
        (folder / f"{stem}.jpg").write_bytes(b"")
    assert len(list(folder.iterdir())) == len(stems)
    assert list(tmp_path.iterdir()) == [folder]


def test_a_counter_is_added_until_the_name_is_free():
    names = Names()
    for stem in ("Cat", "cat-2", "é"):
        names.add(stem)
    assert [names.take("cat"), names.take("cat"), names.take("CAT")] == ["cat-3", "cat-4", "CAT-5"]
    assert names.take(unicodedata.normalize("NFD", "É")) != unicodedata.normalize("NFD", "É")


def test_templates():
    facts = {"date": Undated(), "camera": "Canon", "counter": 7, "original": "IMG_1"}
    assert fill_template("{date:%Y-%m-%d}_{name}_{counter:03d}", "cat", facts) == "undated_cat_007"
    check_template("{date:%Y}_{name}_{camera}")
    for bad in ("{nothing}{name}", "{name", "{name.__class__}", "{name[0]}", "{date:%Y}", "{name!z}"):
        with pytest.raises(UsageError):
            check_template(bad)


def test_only_plain_suffixes_are_taken_over():
    assert suffix_of(Path("a.JPG")) == ".JPG"
    assert suffix_of(Path("a.j\npg")) == ""
    assert suffix_of(Path("a")) == ""
