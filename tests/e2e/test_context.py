"""What is known of photos, told to a model and written: real photos, a scripted server, the real exiftool as judge."""

import json
import random
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from support.judge import exiftool, exiftool_folder
from support.runs import EXAMPLES, listed, many
from support.stub import Stub, chat, keywords
from tagroll.exiftool.pool import find_exiftool

MALCESINE = ("-GPSLatitude=45.7650", "-GPSLatitudeRef=N", "-GPSLongitude=10.8100", "-GPSLongitudeRef=E")
TAKEN = ("-DateTimeOriginal=2024:07:01 20:15:00",)
FACE = "{Area={X=0.5,Y=0.5,W=0.1,H=0.1},Name=%s,Type=%s}"
FACES = (
    f"-RegionInfo={{RegionList=[{FACE % ('Anna Berg', 'Face')},{FACE % ('Rex', 'Pet')}]}}",
    "-RegionInfoMP={Regions=[{PersonDisplayName=Tom Sand,Rectangle=0.1|, 0.1|, 0.2|, 0.2}]}",
    "-XMP-iptcExt:PersonInImage=Ida Holm",
)
NAMES = """Anna|Giulia|Søren|Emma|Yuki|Ahmed|Olga|Pierre|Lars|Fatima|Priya|Kwame|Ingrid|Tomasz|Zoë|Barack Obama|Lucas|Mia
Hans|José|Aoife|Sven|Tom|Rose|Mark|Grace|Jack|Olivia|Noah|Chen|Anna's birthday|Uncle Bob|Maria""".replace(
    "\n", "|"
).split("|")
PLACES = """Paris|Tokyo|New York City|Berlin|Sydney|Nairobi|Reykjavík|São Paulo|Kyoto|Edinburgh|Bangkok|Nice|Bath|Cologne
Phoenix|Orlando|Kraków|Malmö|Lake Tahoe|Mount Fuji|Bavaria|Texas|France|Japan|Kenya|Copenhagen|Lisbon""".replace(
    "\n", "|"
).split("|")

AMBIGUOUS = (*PLACES[11:16], "Tom", "Rose", "Mark", "Grace", "Jack", "Maria", "Chen", "Uncle Bob")


def write(path: Path, *said: str) -> None:
    subprocess.run([*find_exiftool(), "-q", "-overwrite_original", *said, path], check=True)


def told(server: Stub, number: int = -1) -> str:
    """The words of a question."""
    content = server.bodies[number]["messages"][0]["content"]
    return content[0]["text"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A real photo in a folder with a name, of which other programs know the place, the time and the people."""
    folder = tmp_path / "Boats 2024" / "100CANON"
    folder.mkdir(parents=True)
    path = Path(shutil.copy(EXAMPLES / "harbour.jpg", folder / "IMG_0001.jpg"))
    write(path, *MALCESINE, *TAKEN, *FACES, "-XMP-dc:Subject=holiday", "-XMP-lr:HierarchicalSubject=holiday")
    return path


def test_a_model_is_told_what_is_known_behind_the_words_that_are_always_the_same(tagroll, photo):
    with Stub(usual=keywords("boat", "lake")) as server:
        assert tagroll("tag", photo.parent, "--api-url", server.url).code == 0
        text, image = server.bodies[-1]["messages"][0]["content"]
    fixed, _, known = text["text"].partition("\n\nThis is known of the photo")
    assert "Answer with JSON only" in fixed
    place, when, folder, words = known.splitlines()[1:]
    assert (place, when) == ("- Place: Malcesine, Veneto, Italy", "- Time: summer (July), evening")
    assert (folder[:9], folder[-8:], words) == ("- Folder:", " / Boats", "- Keywords so far: holiday")
    assert image["type"] == "image_url"


@pytest.mark.slow
def test_people_are_told_for_texts_alone_and_not_at_all_if_nobody_wants_it(tagroll, photo):
    answer = json.dumps(
        {"title": "Boats", "description": "Boats.", "keywords": ["boat"], "filename": "boats"}
    )
    with Stub(usual=chat(answer)) as server:
        tagroll("tag", photo.parent, "--api-url", server.url)
        assert "Anna" not in told(server)
        tagroll("tag", photo.parent, "--api-url", server.url, "--title")
        assert "- People in it: Ida Holm, Anna Berg, Tom Sand" in told(server)  # and not the dog
        tagroll("tag", photo.parent, "--api-url", server.url, "--title", "--no-people", "--fresh")
        assert "People" not in told(server)
        tagroll("tag", photo.parent, "--api-url", server.url, "--context", "none", "--fresh")
        assert "known of the photo" not in told(server)


@pytest.mark.slow
def test_hints_are_told_and_another_hint_is_another_question(tagroll, photo, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text('[hints]\n"Boats 2024" = "The regatta of 2024"\n', encoding="utf-8")
    with Stub(usual=keywords("boat", "lake")) as server:
        for hint in ("", "", "Film", "Film"):
            options = ["--hint", hint] if hint else []
            tagroll(
                "tag",
                photo.parent,
                "--api-url",
                server.url,
                "--config",
                config,
                "--context",
                "none",
                *options,
            )
        assert server.chats == 2
        assert "- Its owner says: The regatta of 2024. Film" in told(server)


@pytest.mark.slow
def test_a_photo_that_was_asked_about_is_not_asked_again_because_something_else_is_known_now(
    tagroll, photo, tmp_path
):
    with Stub(usual=keywords("boat", "lake")) as server:
        tagroll("tag", photo.parent, "--api-url", server.url)
        moved = tmp_path / "Elsewhere"
        shutil.move(photo.parent, moved)
        done = tagroll("tag", moved, "--api-url", server.url, "--json")
        assert done.summary["unchanged"] == 1
        write(moved / photo.name, "-XMP-dc:Subject+=Anna's boat")
        tagroll("tag", moved, "--api-url", server.url)
        assert server.chats == 1
        tagroll("tag", moved, "--api-url", server.url, "--fresh")
        assert server.chats == 2


@pytest.mark.slow
def test_the_place_is_written_where_there_is_none_and_comes_out_again(tagroll, photo):
    before = exiftool(photo, "-XMP-photoshop:all", "-XMP-dc:Subject", "-XMP-lr:all")
    with Stub(usual=keywords("boat", "lake")) as server:
        done = tagroll("tag", photo.parent, "--api-url", server.url, "--write-place", "--json")
        assert "Places|Italy|Malcesine" in done.photos[photo.name]["tags"]
        said = exiftool(photo, "-XMP-photoshop:all", "-XMP-lr:HierarchicalSubject", "-XMP-dc:Subject")
        assert (said["City"], said["State"], said["Country"]) == ("Malcesine", "Veneto", "Italy")
        assert "Places|Italy|Malcesine" in said["HierarchicalSubject"]
        assert "Malcesine" in said["Subject"]
        again = tagroll("tag", photo.parent, "--api-url", server.url, "--write-place", "--json")
        assert again.summary["unchanged"] == 1
    write(photo, "-XMP-xmp:Rating=4")  # so that it goes back by values, and not byte for byte
    assert tagroll("undo").code == 0
    after = exiftool(photo, "-XMP-photoshop:all", "-XMP-dc:Subject", "-XMP-lr:all")
    assert after == before


@pytest.mark.slow
def test_a_place_that_somebody_wrote_stays(tagroll, photo):
    write(
        photo,
        "-IPTC:City=Cassone",
        "-XMP-lr:HierarchicalSubject=Places|Italy|Cassone",
        "-XMP-dc:Subject=Cassone",
    )
    with Stub(usual=keywords("boat", "lake")) as server:
        tagroll("tag", photo.parent, "--api-url", server.url, "--write-place")
        assert "- Place: Cassone\n" in told(server)
    said = exiftool(photo, "-XMP-photoshop:all", "-IPTC:City", "-XMP-lr:HierarchicalSubject")
    assert said["City"] == "Cassone"
    assert "Country" not in said
    assert not [tag for tag in said["HierarchicalSubject"] if "Malcesine" in tag]


@pytest.mark.slow
@pytest.mark.parametrize(("each", "large"), [(10, False), (2, True)])
def test_of_200_photos_with_planted_names_none_gets_one(tagroll, tmp_path, each, large):
    """Folders are called after places where the photos were not taken; the model repeats them, and makes up more."""
    draw, library, lock = random.Random(5), tmp_path / "library", threading.Lock()  # noqa: S311
    for number, place in enumerate(PLACES[:20]):
        many(folder := library / f"{place} 20{number:02}", each)
        for path in folder.iterdir():  # no two pictures are the same
            path.write_bytes(
                (many(tmp_path / f"p{number}", 1) / "000.jpg").read_bytes() + bytes([number, int(path.stem)])
            )
    write(library, "-r", "-ext", "jpg", "-m", *MALCESINE)

    def answer(_: object):
        with lock:
            names, places = draw.sample(NAMES, 2), draw.sample(PLACES, 2)
        words = [
            "wooden boat",
            "calm water",
            names[0],
            "evening light",
            places[0],
            "small harbour",
            "stone wall",
        ]
        said = {
            "keywords": [word.title() if large else word for word in words],
            "title": f"Wooden boat in {places[1]}", "filename": f"boat-in-{places[1].lower()}".replace(" ", "-"),
            "description": f"{names[1]} stands beside a boat. A wooden boat lies in the harbour of {places[0]} at dusk.",
        }  # fmt: skip
        return chat(json.dumps(said))

    with Stub(answer) as server:
        done = tagroll(
            "tag", library, "--api-url", server.url, "--title", "--description", "--json", "--quiet"
        )
    assert done.summary["tagged"] == 20 * each, done
    judged = exiftool_folder(library, "-XMP-dc:all", "-XMP-lr:all", "-IPTC:all")
    # large letters everywhere tell nothing: of words that are both, only the rest of the list is known then
    ambiguous = AMBIGUOUS if large else []
    planted = {name.casefold() for name in (*NAMES, *PLACES) if name not in ambiguous}
    for name, row in judged.items():
        subjects = {word.casefold() for word in listed(row["XMP-dc:Subject"])}
        assert not subjects & planted, (name, row)
        assert {"wooden boat", "calm water", "evening light", "small harbour", "stone wall"} <= subjects
        for field in ("XMP-dc:Title", "XMP-dc:Description"):
            text = str(row.get(field, ""))
            assert not any(one in text for one in (*NAMES, *PLACES)), (name, text)
        assert str(row["XMP-dc:Description"]) == "A wooden boat lies in the harbour at dusk."
