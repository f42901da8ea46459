"""A person's own words, as a user has them: `--vocabulary`, `--strict`, `--ban`, `--require`, `vocabulary build`."""

import json
from pathlib import Path

import pytest

from support.judge import exiftool_folder, write_by_exiftool
from support.runs import contents, listed, many, paint
from support.stub import Stub, chat, keywords

RED = ("red.jpg", (255, 0, 0))
BLUE = ("blue.png", (0, 0, 255))
WORDS = "Places\n\tItaly\n\t\tMalcesine {Malcèsine}\n[Things]\n\tBus {Coach}  # of all kinds\n\tDog\n"


@pytest.fixture
def words(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text(WORDS, "utf-8")
    return tmp_path / "words.txt"


def by_hand(photo: Path, *tags: str) -> None:
    fields = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject")
    arguments = [
        f"-{field}={tag.split('|')[-1] if 'dc' in field else tag}" for tag in tags for field in fields
    ]
    write_by_exiftool(*arguments, photo)


def test_a_vocabulary_gives_words_their_name_and_place(tagroll, tmp_path, words):
    folder = paint(tmp_path / "Malcesine", RED)
    with Stub(usual=keywords("coaches", "malcesine", "Sail Boat", "photo")) as server:
        run = (
            "tag",
            folder,
            "--api-url",
            server.url,
            "--vocabulary",
            words,
            "--ban",
            "Photos",
            "--require",
            "Trips|Garda",
        )
        done = tagroll(*run, "--json")
        assert "Malcesine, Bus, Dog" in server.bodies[0]["messages"][-1]["content"][0]["text"]
        again = tagroll(*run, "--json")
    assert done.photos["red.jpg"]["tags"] == [
        "Trips|Garda",
        "Things|Bus",
        "Places|Italy|Malcesine",
        "Sail Boat",
    ]
    assert again.summary["unchanged"] == 1
    judged = exiftool_folder(folder, "-XMP-lr:HierarchicalSubject", "-IPTC:Keywords")["red.jpg"]
    assert listed(judged["XMP-lr:HierarchicalSubject"]) == done.photos["red.jpg"]["tags"]
    assert "Bus" in judged["IPTC:Keywords"]


def test_strict_drops_what_is_not_on_the_list_and_counts_it(tagroll, tmp_path, words):
    folder = many(tmp_path / "photos", 3)
    with Stub(usual=keywords("Dachshund", "Sky", "Coach")) as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--vocabulary", words, "--strict")
        assert server.bodies[0]["response_format"]["json_schema"]["schema"]["properties"]["keywords"][
            "items"
        ]["enum"]
        told = tagroll("tag", folder, "--api-url", server.url, "--vocabulary", words, "--strict", "--json")
    assert "Sky  # 3 photos" in done.err
    assert str(words) in done.err
    assert {tuple(row["tags"]) for row in told.photos.values()} == {("Things|Dog", "Things|Bus")}
    assert all(row["unlisted"] == ["Sky"] for row in told.photos.values())
    assert tagroll("tag", folder, "--strict").code == 2


def test_the_words_of_a_library_are_its_own_and_grow(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 4)
    by_hand(folder / "000.jpg", "Nature|Forest")
    said = iter([keywords("woods", "Sundown"), keywords("woodlands", "sunset"), keywords("Sunsets")])
    with Stub(lambda _: next(said)) as server:
        done = tagroll(
            "tag", folder, "--append-tags", "--limit", "3", "--jobs", "1", "--context", "none",
            "--vocabulary", "library", "--api-url", server.url, "--json",
        )  # fmt: skip
        assert "Forest" not in json.dumps(server.bodies)
    tags = [tag for row in done.photos.values() for tag in row["tags"]]
    assert done.code == 0, done
    assert set(tags) == {"Nature|Forest", "Sundown"}
    assert tags.count("Sundown") == 3


def test_the_words_of_a_library_become_a_file_that_tags(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED, BLUE)
    by_hand(folder / "red.jpg", "Nature|Forest", "Car", "Köln, Dom")
    by_hand(folder / "blue.png", "woodland", "Red Car")
    before, output = contents(folder), tmp_path / "new.txt"
    done = tagroll("vocabulary", "build", folder, "-o", output)
    assert done.code == 0, done
    assert contents(folder) == before
    assert output.read_text("utf-8").splitlines()[5:] == [
        "Car  # 1 photo",
        "    Red Car  # 1 photo, place proposed",
        "Köln, Dom  # 1 photo",
        "Nature  # 1 photo",
        "    Forest  # 1 photo",
        "        {woodland}  # 1 photo, synonym",
    ]
    assert tagroll("vocabulary", "build", folder).out == output.read_text("utf-8")
    assert "    Red Car" not in tagroll("vocabulary", "build", folder, "--flat").out
    assert tagroll("vocabulary", "build", folder, "--json").rows[-1]["words"]["Forest"]["synonyms"] == [
        "woodland"
    ]
    kept = tagroll("vocabulary", "build", folder, "-o", output)
    assert kept.code == 2
    assert "is there already" in kept.err
    new = paint(tmp_path / "Köln Dom", ("new.jpg", (9, 9, 9)))
    with Stub(usual=keywords("Woodland", "red cars", "Köln, Dom")) as server:
        tagged = tagroll("tag", new, "--vocabulary", output, "--api-url", server.url, "--json")
    assert tagged.photos["new.jpg"]["tags"] == ["Nature|Forest", "Car|Red Car", "Köln, Dom"]


def test_copies_and_evaluations_use_the_same_words(tagroll, tmp_path, words):
    folder = paint(tmp_path / "photos", RED)
    answer = {"title": "A bus", "description": "A bus.", "keywords": ["Coach", "Sky"], "filename": "a-bus"}
    with Stub(usual=chat(json.dumps(answer))) as server:
        strict = ("--vocabulary", words, "--strict", "--api-url", server.url, "--json")
        copied = tagroll("classify", folder, "--write-metadata", *strict)
        assert copied.photos["red.jpg"]["tags"] == ["Bus"]
        assert copied.photos["red.jpg"]["unlisted"] == ["Sky"]
        judged = exiftool_folder(folder / "processed", "-XMP-lr:HierarchicalSubject")
        assert listed(judged["a-bus.jpg"]["XMP-lr:HierarchicalSubject"]) == ["Things|Bus"]
        (tmp_path / "labels.txt").write_text("red.jpg: bus\n")
        labels = ("--photos", folder, "--again", "0", "--model", "stub-vlm")
        measured = tagroll("eval", tmp_path / "labels.txt", *labels, *strict)
    assert measured.code == 0, measured
    assert '"Bus"' in measured.out
    assert "Coach" not in measured.out
