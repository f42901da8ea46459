"""`tagroll tag` as a user runs it: real photos, a real llama.cpp server, the real exiftool as judge."""

import base64
import hashlib
import importlib.util
import os
import shlex
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from support.judge import exiftool_folder, write_by_exiftool
from support.runs import EXAMPLES, ROOT, contents, listed, many, paint, started, wait_for
from support.stub import Stub, chat, keywords

RED = ("red.jpg", (255, 0, 0))
BLUE = ("blue.png", (0, 0, 255))


def pixels(folder: Path) -> dict[str, str]:
    """A hash of the decoded pixels of every photo."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".jpg", ".png", ".webp", ".tif"}:
            with Image.open(path) as picture:
                found[path.name] = hashlib.sha256(picture.convert("RGB").tobytes()).hexdigest()
    return found


def test_a_real_model_sees_each_picture_and_exiftool_sees_the_tags(tagroll, llama_server, photos):
    paint(photos, RED, BLUE)
    originals, before = contents(photos), pixels(photos)
    done = tagroll("tag", photos, "--api-url", llama_server.url, "--json")
    assert done.code == 0, done
    assert done.summary["tagged"] == done.summary["total"] == len(originals) == 11
    assert "Red" in done.photos["red.jpg"]["tags"]
    assert "Blue" in done.photos["blue.png"]["tags"]
    fields = ("-XMP-dc:Subject", "-XMP-digiKam:TagsList", "-XMP-lr:HierarchicalSubject", "-IPTC:Keywords")
    judged = exiftool_folder(photos, *fields)
    for name, row in done.photos.items():
        assert listed(judged[name].get("XMP-dc:Subject")) == row["tags"]
        assert "XMP-digiKam:TagsList" not in judged[name]
        assert listed(judged[name].get("XMP-lr:HierarchicalSubject")) == row["tags"]
        if name.endswith((".jpg", ".tif")):
            assert listed(judged[name].get("IPTC:Keywords")) == row["tags"]
    assert pixels(photos) == before

    again = tagroll("tag", photos, "--api-url", llama_server.url, "--json")
    assert again.summary["unchanged"] == 11
    assert {row["path"]: row["tags"] for row in again.photos.values()} == {
        row["path"]: row["tags"] for row in done.photos.values()
    }

    undone = tagroll("undo", "--json")
    assert undone.code == 0, undone
    assert contents(photos) == originals


def test_nothing_is_asked_twice_even_if_photos_move_or_are_edited(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED, BLUE)
    shutil.copy(folder / "red.jpg", folder / "copy of red.jpg")
    with Stub() as server:
        first = tagroll("tag", folder, "--api-url", server.url, "--json")
        assert first.summary["tagged"] == 3
        assert server.chats == 2  # two pictures, three files
        (folder / "red.jpg").rename(folder / "moved.jpg")
        with (folder / "blue.png").open("ab") as file:  # touched by some program, the picture is the same
            file.write(b"")
        os.utime(folder / "blue.png", (1, 1))
        second = tagroll("tag", folder, "--api-url", server.url, "--json")
        assert server.chats == 2
        assert second.summary["unchanged"] == 3
        asked = tagroll("tag", folder, "--api-url", server.url, "--json", "--retag")
        assert asked.summary["total"] == 3
        assert server.chats == 4


def test_replace_tells_what_it_dropped_and_without_it_a_person_s_tags_stay(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    with Stub(usual=keywords("Lake", "Boat")) as server:
        tagroll("tag", folder, "--api-url", server.url)
        # a person adds a tag by hand, with exiftool in the place of their program
        by_hand = ["-XMP-dc:Subject+=Grandma", "-XMP-digiKam:TagsList+=Grandma"]
        write_by_exiftool(*by_hand, folder / "red.jpg")
        same = tagroll("tag", folder, "--api-url", server.url, "--json")
        assert same.photos["red.jpg"]["status"] == "unchanged"  # the person's edit is the last word
        assert "Grandma" in same.photos["red.jpg"]["tags"]
    with Stub(usual=keywords("Lake", "Ship")) as server:
        appended = tagroll("tag", folder, "--api-url", server.url, "--fresh", "--append-tags")
        assert "did not write" not in appended.err
        assert set(listed(exiftool_folder(folder, "-XMP-dc:Subject")["red.jpg"]["XMP-dc:Subject"])) == {
            "Lake",
            "Boat",
            "Grandma",
            "Ship",
        }
        kept = tagroll("tag", folder, "--api-url", server.url, "--json")
        assert set(kept.photos["red.jpg"]["tags"]) == {"Lake", "Grandma", "Ship"}
        assert tagroll("undo").code == 0
        replaced = tagroll("tag", folder, "--api-url", server.url, "--fresh", "--replace")
        assert "replaced 1 tag that tagroll did not write" in replaced.err
        assert "tagroll undo" in replaced.err
        assert "without --replace they stay" in replaced.err
    assert listed(exiftool_folder(folder, "-XMP-dc:Subject")["red.jpg"]["XMP-dc:Subject"]) == ["Lake", "Ship"]
    assert tagroll("undo").code == 0
    assert set(listed(exiftool_folder(folder, "-XMP-dc:Subject")["red.jpg"]["XMP-dc:Subject"])) == {
        "Lake",
        "Boat",
        "Grandma",
        "Ship",
    }


def test_a_photo_restored_from_a_backup_gets_its_tags_again(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    shutil.copytree(folder, tmp_path / "backup")
    with Stub() as server:
        tagroll("tag", folder, "--api-url", server.url)
        shutil.copy(tmp_path / "backup" / "red.jpg", folder / "red.jpg")
        assert tagroll("tag", folder, "--api-url", server.url, "--json").summary["tagged"] == 1
        assert server.chats == 1


def test_a_dry_run_writes_nothing_and_prints_what_it_would(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED, BLUE)
    before = contents(folder)
    with Stub() as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--dry-run")
        assert contents(folder) == before
        assert "red.jpg: Red, Lake" in done.out
        assert "2 would be tagged" in done.err
        assert tagroll("tag", folder, "--api-url", server.url, "--json").summary["tagged"] == 2
        assert server.chats == 2  # the answers of the dry run were kept


def test_a_broken_photo_and_an_unusable_answer_fail_alone(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED, BLUE)
    (folder / "broken.jpg").write_bytes((folder / "red.jpg").read_bytes()[:300])
    (folder / "text.jpg").write_text("this is no picture")

    def script(request):
        return chat("I'm sorry, I can't help with that.") if colour_of(request) == "blue" else None

    with Stub(script) as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--json")
    assert done.code == 3
    assert {name: row["status"] for name, row in done.photos.items()} == {
        "red.jpg": "tagged", "blue.png": "failed", "broken.jpg": "failed", "text.jpg": "failed",
    }  # fmt: skip
    assert all(row["error"] for row in done.photos.values() if row["status"] == "failed")
    assert (folder / "text.jpg").read_text() == "this is no picture"


def colour_of(request) -> str:
    import io

    url = request.body["messages"][0]["content"][1]["image_url"]["url"]
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        red, _, blue = picture.getpixel((5, 5))
    return "red" if red > blue else "blue"


def test_no_server_is_said_before_the_first_photo(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    done = tagroll("tag", folder, "--api-url", "http://127.0.0.1:9")
    assert done.code == 4
    assert "127.0.0.1:9" in done.err
    assert done.out == ""
    missing = tagroll("tag", tmp_path / "nowhere", "--backend", "builtin")
    assert missing.code == 2
    assert missing.err.startswith(f"Error: {tmp_path / 'nowhere'} does not exist\n")
    assert missing.out == ""
    assert tagroll("history").out == ""


def test_a_run_without_exiftool_says_once_which_photos_get_sidecars(tagroll, photos):
    paint(photos, ("another.gif", (9, 9, 9)))
    note = "exiftool is not there: these photos get sidecars: GIF, HEIC, AVIF, JXL, TIFF."
    with Stub() as server:
        model = ("--api-url", server.url)
        done = tagroll("tag", photos, *model, PATH="/nowhere")
        assert done.code == 0, done
        assert done.err.count(note) == 1
        assert "pip install" in done.err
        assert (photos / "another.gif.xmp").exists()
        for options in ((photos / "cat.png",), (photos, "-q"), (photos, "--sidecar", "always")):
            assert note not in tagroll("tag", *options, *model, PATH="/nowhere").err
        assert note not in tagroll("tag", photos, *model).err
    rename = ("tags", "rename", "Lake", "Water")
    assert note not in tagroll(*rename, photos / "cat.png", PATH="/nowhere").err
    assert tagroll(*rename, photos, PATH="/nowhere").err.count(note) == 1


def test_the_older_script_does_the_same(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    with Stub() as server:
        done = tagroll(
            folder,
            "--append-tags",
            "--api-url",
            server.url,
            "--model",
            "stub-vlm",
            "-v",
            script="image_tagger.py",
        )
    assert done.code == 0
    assert "red.jpg: Red, Lake" in done.out
    assert listed(exiftool_folder(folder, "-XMP-dc:Subject")["red.jpg"]["XMP-dc:Subject"]) == ["Red", "Lake"]


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 80)
    before = pixels(folder)
    with Stub(delay=0.05) as server:
        for after in (15, 40):
            with started(tmp_path, "tag", folder, "--api-url", server.url, "--jobs", 4):
                wait_for(lambda after=after: server.chats >= after)  # and then it is killed
        done = tagroll("tag", folder, "--api-url", server.url, "--jobs", 4, "--json")
        assert done.code == 0
        assert done.summary["total"] == 80
        assert done.summary["tagged"] + done.summary["unchanged"] == 80
        asked = Counter(
            hashlib.sha256(request.raw).hexdigest()
            for request in server.requests
            if request.path.endswith("completions")
        )
    assert len(asked) == 80
    # Only what was with the server when the run was killed, or on its way from there to the disk, is asked again.
    assert sum(asked.values()) <= 80 + 2 * (4 + 4)
    assert pixels(folder) == before
    assert not list(folder.glob(".tagroll-*"))
    assert tagroll("tags", folder, "--json").rows[-2]["tags"] == {"Red": 80, "Lake": 80}


@pytest.mark.slow
def test_a_run_interrupted_by_ctrl_c_finishes_what_is_in_flight(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 60)
    with Stub(delay=0.1) as server:
        with started(tmp_path, "tag", folder, "--api-url", server.url, "--jobs", 4, "--json") as child:
            wait_for(lambda: server.chats >= 10)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=200)
        assert child.returncode == 130
        assert f"Resume with: tagroll tag {folder} --api-url {server.url} --jobs 4 --json\n" in err
        asked = server.chats
        done = tagroll("tag", folder, "--api-url", server.url, "--json")
        assert out.count('"status": "tagged"') == done.summary["unchanged"] == asked
        assert server.chats == 60


@pytest.mark.slow
def test_a_server_that_dies_stops_the_run_with_a_way_on(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 40)
    with Stub(delay=0.05) as server:
        with started(tmp_path, "tag", folder, "--api-url", server.url, "--jobs", 4, "--patience", 1) as child:
            wait_for(lambda: server.chats >= 10)
            server.kill()
            _, err = child.communicate(timeout=200)
        assert child.returncode == 4
        assert "tagroll tag" in err
        server.restart()
        done = tagroll("tag", folder, "--api-url", server.url, "--json")
        assert done.summary["failed"] == 0
        assert done.summary["unchanged"] > 0


def test_the_example_prints_commands_that_work(tagroll, tmp_path, monkeypatch, capfd):
    spec = importlib.util.spec_from_file_location("example", ROOT / "examples" / "try.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setattr(example, "ROOT", tmp_path)
    monkeypatch.setattr(example, "TAGGED", tmp_path / "examples" / "tagged")
    monkeypatch.setattr(example, "environment", lambda: Path(sys.executable))
    example.main()
    out, err = capfd.readouterr()
    _, tag, tags = [line[2:] for line in out.splitlines() if line.startswith("$")]
    back = next(line.partition(": ")[2] for line in err.splitlines() if line.startswith("Take it back"))
    assert "1  Cat" in out
    for command, said in ((tag, "9 unchanged"), (tags, " tags; 0 photos without any"), (back, "9 put back")):
        program, *arguments = shlex.split(command)
        assert program == "tagroll"
        assert said in tagroll(*arguments, TAGROLL_CATALOG=str(tmp_path / "another")).err
    originals = contents(EXAMPLES)
    tagged = contents(tmp_path / "examples" / "tagged")
    assert {name: data for name, data in tagged.items() if name in originals}.items() <= originals.items()


def test_two_runs_on_one_catalog_do_not_mix(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 20)
    with Stub(delay=0.3) as server, started(tmp_path, "tag", folder, "--api-url", server.url, "--jobs", 2):
        wait_for(lambda: server.chats >= 1)
        second = tagroll("tag", folder, "--api-url", server.url)
        assert second.code == 5
        assert "another run" in second.err
        assert tagroll("history").code == 0  # reading is free


def test_a_word_goes_where_the_library_has_it(tagroll, tmp_path):
    """LrGeniusAI, issue 214: a flat Beach beside Places|Beach becomes a second keyword in Lightroom."""
    folder = paint(tmp_path / "photos", RED, BLUE)
    by_hand = ["-XMP-lr:HierarchicalSubject=Places|Beach", "-XMP-dc:Subject=Beach"]
    write_by_exiftool(*by_hand, folder / "red.jpg")
    assert tagroll("tags", folder).code == 0
    with Stub(lambda _: keywords("beach", "sunset")) as server:
        done = tagroll("tag", folder / "blue.png", "--api-url", server.url, "--json")
    assert done.photos["blue.png"]["tags"] == ["Places|Beach", "Sunset"]
    judged = exiftool_folder(folder, "-XMP-lr:HierarchicalSubject", "-XMP-dc:Subject")["blue.png"]
    assert judged["XMP-lr:HierarchicalSubject"] == ["Places|Beach", "Sunset"]
    assert judged["XMP-dc:Subject"] == ["Beach", "Sunset"]


def test_the_same_tag_in_another_unicode_form_is_not_replaced(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    write_by_exiftool("-XMP-dc:Subject=Cafe\u0301", folder / "red.jpg")
    with Stub(usual=keywords("Café", "Cup")) as server:
        done = tagroll("tag", folder, "--api-url", server.url, "--json")
    assert "did not write" not in done.err
    assert done.photos["red.jpg"]["tags"] == ["Cafe\u0301", "Cup"]


def test_a_caption_of_a_person_is_not_hidden_by_one_of_a_model(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED, BLUE)
    said = ["-EXIF:ImageDescription=Grandma in Ulm, 1955", folder / "red.jpg"]
    write_by_exiftool(*said)
    answer = '{"keywords": ["Sunset"], "title": "A sunset", "description": "A sunset on a beach."}'
    with Stub(usual=chat(answer)) as server:
        done = tagroll("tag", folder, "--title", "--description", "--api-url", server.url)
    assert done.code == 0, done
    assert "1 photo had a title or description already: it stays." in done.err
    told = exiftool_folder(folder, "-XMP-dc:Title", "-XMP-dc:Description", "-IFD0:ImageDescription")
    assert told["red.jpg"].keys() & {"XMP-dc:Title", "XMP-dc:Description"} == set()
    assert told["red.jpg"]["IFD0:ImageDescription"] == "Grandma in Ulm, 1955"
    assert told["blue.png"]["XMP-dc:Title"] == "A sunset"


@pytest.mark.slow
def test_what_a_person_took_away_stays_away_and_review_writes_nothing(tagroll, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("cat.png", "dogs.jpg"):
        shutil.copy(EXAMPLES / name, folder)
    before = contents(folder)
    asked = tagroll("tag", folder, "--backend", "builtin", "--review", "--json")
    assert (asked.code, asked.summary["unchanged"]) == (0, 2)
    assert all(photo["tags"] for photo in asked.photos.values())
    assert contents(folder) == before
    assert tagroll("tag", folder, "--review", "--dry-run").code == 2
    given = {name: photo["tags"] for name, photo in asked.photos.items()}
    tags = {tag for tags in given.values() for tag in tags}
    assert "Cat" in tags
    tagroll("tag", folder, "--backend", "builtin")
    assert tagroll("tags", "remove", "Cat", folder).code == 0
    tagroll("tag", folder, "--backend", "builtin", "--append-tags", "--fresh")
    left = tagroll("tags", folder, "--json").photos
    assert {name: set(photo["tags"]) for name, photo in left.items()} == {
        name: set(tags) - {"Cat"} for name, tags in given.items()
    }


@pytest.mark.parametrize(
    "again",
    [("--append-tags",), ("--append-tags", "--fresh"), ("--fresh",), (), ("--dry-run", "--fresh")],
    ids=" ".join,
)
def test_what_a_person_took_away_is_told_as_the_reason(tagroll, tmp_path, again):
    folder = paint(tmp_path / "photos", RED)
    with Stub(usual=keywords("Sunset", "Beach")) as server:
        tagroll("tag", folder, "--api-url", server.url)
        by_hand = ["-Subject=", "-HierarchicalSubject=", "-Keywords="]
        write_by_exiftool(*by_hand, folder / "red.jpg")
        done = tagroll("tag", folder, "--api-url", server.url, "-v", *again)
        assert "no confident" not in done.out + done.err
        assert "a person took away what the model says (Sunset, Beach)" in done.out
        assert "The model says 2 tags that a person took away: they stay away." in done.err
        row = tagroll("tag", folder, "--api-url", server.url, "--json", *again).photos["red.jpg"]
    assert (row["status"], row["tags"], row["withheld"]) == ("unchanged", [], ["Sunset", "Beach"])


@pytest.mark.parametrize(
    "between", [(), ("tags",), ("find", "My"), ("tags", "rename", "Nothing", "Something")], ids=" ".join
)
@pytest.mark.parametrize("again", [("--append-tags",), ()], ids=" ".join)
def test_what_a_person_took_from_one_list_goes_from_all_though_the_photo_was_read_meanwhile(
    tagroll, tmp_path, between, again
):
    folder = paint(tmp_path / "photos", RED)
    with Stub(usual=keywords("Sunset", "Beach")) as server:
        tagroll("tag", folder, "--api-url", server.url, *again)
        by_hand = ["-XMP-dc:Subject-=Sunset", "-IPTC:Keywords-=Sunset"]
        write_by_exiftool(*by_hand, folder / "red.jpg")
        if between:
            assert tagroll(*between, folder).code == 0
        tagroll("tag", folder, "--api-url", server.url, *again)
        judged = exiftool_folder(folder, "-XMP-lr:HierarchicalSubject")["red.jpg"]
        assert listed(judged["XMP-lr:HierarchicalSubject"]) == ["Beach"]
        stood = contents(folder)
        assert tagroll("tag", folder, "--api-url", server.url, "--json", *again).summary["unchanged"] == 1
    assert contents(folder) == stood
