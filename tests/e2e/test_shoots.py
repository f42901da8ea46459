"""Frames of one shoot use one word for one thing: what a model says differently is made the same, and stays so."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from support.judge import exiftool_folder, write_by_exiftool
from support.runs import contents, listed, paint
from support.stub import Request, Says, Stub, keywords


def shot(folder: Path, *times: str, first: int = 0) -> Path:
    """Photos that were taken at these times of one day."""
    paint(folder, *((f"{i:03}.jpg", (60 * i, 99, 7)) for i in range(first, first + len(times))))
    for number, time in enumerate(times, start=first):
        taken = f"-EXIF:DateTimeOriginal=2024:06:01 {time}:00"
        write_by_exiftool(taken, folder / f"{number:03}.jpg")
    return folder


def subjects(folder: Path) -> list[list[str]]:
    found = exiftool_folder(folder, "-XMP-dc:Subject")
    return [listed(found[name].get("XMP-dc:Subject")) for name in sorted(found)]


def says(*answers: tuple[str, ...]) -> Stub:
    """A model that knows the photos of `shot` by their colour."""

    def answer(request: Request) -> Says:
        parts = request.body["messages"][-1]["content"]
        url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
            return keywords(*answers[round(picture.convert("RGB").getpixel((5, 5))[0] / 60)])

    return Stub(answer)


def test_the_frames_of_a_shoot_agree_and_those_of_another_day_are_left_alone(tagroll, tmp_path):
    folder = shot(tmp_path / "photos", "09:00", "09:30", "10:20", "15:00")
    before = contents(folder)
    with says(("Forest", "Dog"), ("woodland",), ("Forest", "Cat"), ("Woods",)) as server:
        run = ("tag", folder, "--api-url", server.url, "--jobs", "1")
        done = tagroll(*run)
        assert done.code == 0, done
        assert "1 photo got the word that the rest of the shoot has: Woodland -> Forest" in done.err
        after = contents(folder)
        assert subjects(folder) == [["Forest", "Dog"], ["Forest"], ["Forest", "Cat"], ["Woods"]]
        again = tagroll(*run, "--json")
    assert again.summary["unchanged"] == 4
    assert contents(folder) == after
    with says(*[()] * 4, ("woodland",)) as server:  # remembered: the next photo gets it at once
        new = shot(tmp_path / "new", "12:00", first=4)
        assert tagroll("tag", new, "--api-url", server.url, "--json").photos["004.jpg"]["tags"] == ["Forest"]
        assert tagroll("undo").code == 0
        assert tagroll("undo").code == 0
        assert contents(folder) == before
        # what was agreed is forgotten with the run that acted on it
        assert tagroll("tag", new, "--api-url", server.url, "--json").photos["004.jpg"]["tags"] == [
            "Woodland"
        ]


def test_the_word_of_a_person_counts_and_is_not_touched(tagroll, tmp_path):
    folder = shot(tmp_path / "photos", "09:00", "09:01", "09:02", "09:03")
    by_hand = ["-XMP-dc:Subject=woodland", "-XMP-lr:HierarchicalSubject=Nature|woodland"]
    write_by_exiftool(*by_hand, folder / "000.jpg")
    with says(("Sky",), ("Forest",), ("Forest",), ("Forests",)) as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--jobs", "1", "--json")
    assert done.summary["agreed"] == 3
    agreed = {Path(row["path"]).name: row["tags"] for row in done.rows if row["type"] == "agreed"}
    assert agreed == {name: ["Nature|woodland"] for name in ("001.jpg", "002.jpg", "003.jpg")}
    assert subjects(folder)[0] == ["woodland", "Sky"]


@pytest.mark.parametrize("way", ["tagroll", "another program"])
def test_a_word_that_a_person_took_away_from_a_photo_is_not_agreed_on_there(tagroll, tmp_path, way):
    folder = shot(tmp_path / "photos", "09:00", "09:01", "09:02")
    with says(("Forest", "Sky"), ("Forest",), ("Forest",)) as server:
        assert tagroll("tag", folder, "--api-url", server.url).code == 0
    if way == "tagroll":
        assert tagroll("tags", "remove", "Forest", folder / "000.jpg").code == 0
    else:
        write_by_exiftool("-XMP-dc:Subject=Sky", folder / "000.jpg")
    with says(("woodland", "Sky", "Path"), ("Woodland",), ("Forest",)) as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--fresh", "--append-tags")
        assert done.code == 0, done
    assert "Forest" not in subjects(folder)[0], subjects(folder)
    assert [tags[0] for tags in subjects(folder)[1:]] == ["Forest", "Forest"]


def test_words_that_a_person_lists_both_stay_two(tagroll, tmp_path):
    folder = shot(tmp_path / "photos", "09:00", "09:01", "09:02")
    (tmp_path / "words.txt").write_text("Forest\nWoodland\n")
    with says(("Forest",), ("Forest",), ("woodland",)) as server:
        listed_words = ("--vocabulary", tmp_path / "words.txt")
        done = tagroll("tag", folder, "--api-url", server.url, "--jobs", "1", "--json", *listed_words)
    assert "agreed" not in done.summary
    assert subjects(folder) == [["Forest"], ["Forest"], ["Woodland"]]


def test_what_is_banned_or_required_counts_in_a_shoot(tagroll, tmp_path):
    folder = shot(tmp_path / "photos", "09:00", "09:01", "09:02")
    with says(("Forest",), ("Forest", "Car")) as server:
        assert tagroll("tag", *sorted(folder.iterdir())[:2], "--api-url", server.url).code == 0
    banned = ("--ban", "Forest", "--require", "Automobile")
    with says((), (), ("Woodland",)) as server:
        assert tagroll("tag", folder / "002.jpg", "--api-url", server.url, *banned).code == 0
    assert subjects(folder) == [["Forest"], ["Forest", "Automobile"], ["Automobile", "Woodland"]]
