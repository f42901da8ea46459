"""`tagroll classify` as a user runs it: a real llama.cpp server, the built-in model, and servers with ideas."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import pytest
from PIL import Image

from support.hostile import NAMES
from support.judge import exiftool_folder
from support.runs import contents, many, paint, started, wait_for
from support.stub import Stub, chat

RED = ("red.jpg", (255, 0, 0))
BLUE = ("blue.png", (0, 0, 255))
KEYS = ["title", "filename", "description", "keywords", "source", "model", "created"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sees(filename: str = "Red Lake", title: str = "A red lake", **more: object):
    """The answer of a model to `classify`."""
    about = {"title": title, "description": "It is red.", "keywords": ["red", "lake"], "filename": filename}
    return chat(json.dumps(about | more))


def stories(folder: Path) -> dict[str, dict]:
    """What the JSON files in a folder tell, by file name of the photo."""
    found = {}
    for path in folder.rglob("*.json"):
        story = json.loads(path.read_text(encoding="utf-8"))
        assert list(story) == KEYS
        assert (path.parent / story["filename"]).stem == path.stem
        found[str(Path(story["source"]).name)] = story | {"copy": path.parent / story["filename"]}
    return found


def check(photos: Path, out: Path) -> dict[str, dict]:
    """Every photo has a copy with its bytes, a JSON beside it, a name legal everywhere, and nothing else is there."""
    originals = [p for p in photos.rglob("*") if p.is_file() and not p.is_relative_to(out)]
    told = stories(out)
    assert len(told) == len(originals)
    for photo in originals:
        copy = told[photo.name]["copy"]
        assert copy.read_bytes() == photo.read_bytes()
        assert copy.stat().st_mtime_ns == photo.stat().st_mtime_ns
        assert copy.suffix == photo.suffix
        assert len(copy.name.encode()) <= 120
        assert unicodedata.is_normalized("NFC", copy.name)
        assert copy.name.isprintable()
        assert not copy.name.startswith((".", "-", " "))
        assert not PureWindowsPath(copy.name).is_reserved()
        assert not set(copy.name) & set('<>:"/\\|?*')
    files = [p for p in out.rglob("*") if p.is_file()]
    assert len(files) == 2 * len(originals)
    names = {unicodedata.normalize("NFC", str(p.relative_to(out)).casefold()) for p in files}
    assert len(names) == len(files)
    return told


def test_a_real_model_names_each_photo_and_undo_takes_all_of_it_away(tagroll, llama_server, photos):
    paint(photos, RED, BLUE)
    before = contents(photos)
    done = tagroll("classify", photos, "--recursive", "--api-url", llama_server.url, "--json")
    assert done.code == 0, done
    assert done.summary["copied"] == done.summary["total"] == len(before)
    told = check(photos, photos / "processed")
    for name, story in told.items():
        row = done.photos[name]
        assert row["target"] == str(story["copy"])
        assert row["tags"] == story["keywords"]
        assert story["model"] == "tiny-vlm"
        assert story["title"]
    assert "Red" in told["red.jpg"]["keywords"]
    assert told["boats.jpg"]["copy"].parent == photos / "processed" / "2019"

    again = tagroll("classify", photos, "--recursive", "--api-url", llama_server.url, "--json")
    assert again.summary["unchanged"] == again.summary["total"] == len(before)
    assert again.photos["red.jpg"]["target"] == done.photos["red.jpg"]["target"]

    assert "made from" in tagroll("history", 1).out
    undone = tagroll("undo", "--json")
    assert undone.code == 0, undone
    assert contents(photos) == before
    assert not (photos / "processed").exists()


def test_the_built_in_model_says_what_it_is(tagroll, photos):
    done = tagroll("classify", photos, "--backend", "builtin", "--json")
    assert done.code == 0, done
    assert not (photos / "processed" / "2019").exists()  # only with --recursive
    told = stories(photos / "processed")
    assert {story["model"] for story in told.values()} == {"tagroll-builtin-2"}
    assert len(told) == done.summary["total"] == len([p for p in photos.iterdir() if p.is_file()])


def test_a_second_run_does_new_photos_only_and_never_its_own_copies(tagroll, tmp_path):
    folder, out = paint(tmp_path / "photos", RED), tmp_path / "photos" / "named"
    with Stub(usual=sees()) as server:
        options = ("--api-url", server.url, "--json", "--recursive", "-o", out)
        assert tagroll("classify", folder, *options).summary["copied"] == 1
        paint(folder, BLUE)
        second = tagroll("classify", folder, *options)
        assert (second.summary["total"], second.summary["copied"], second.summary["unchanged"]) == (2, 1, 1)
        assert tagroll("classify", folder, *options).summary["unchanged"] == 2
        assert server.chats == 2
        check(folder, out)
        assert names_in(out) == ["red-lake-2.json", "red-lake-2.png", "red-lake.jpg", "red-lake.json"]
        again = tagroll("classify", folder, *options, "--again")
        assert (again.summary["copied"], server.chats) == (2, 4)
        assert len(names_in(out)) == 8


def test_hostile_names(tagroll, tmp_path):
    folder = many(tmp_path / "photos", len(NAMES))
    names = iter(NAMES)
    with Stub(lambda _: sees(next(names))) as server:
        done = tagroll("classify", folder, "--api-url", server.url, "--json", "--jobs", 1)
    assert done.code == 0, done
    check(folder, folder / "processed")
    assert names_in(tmp_path) == ["catalog.sqlite", "catalog.sqlite.lock", "photos"]


def test_a_dry_run_prints_the_names_and_makes_nothing(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    before = contents(folder)
    with Stub(usual=sees()) as server:
        done = tagroll("classify", folder, "--api-url", server.url, "--dry-run")
        assert done.out == f"{folder / 'red.jpg'} -> {folder / 'processed' / 'red-lake.jpg'}\n"
        assert "1 would be copied" in done.err
        assert contents(folder) == before
        assert not (folder / "processed").exists()
        tagroll("classify", folder, "--api-url", server.url)
        assert server.chats == 1
        assert tagroll("classify", folder, "--api-url", server.url, "--dry-run").out == ""


def test_undo_leaves_what_was_changed_and_what_is_the_last_of_its_kind(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", ("1.jpg", (1, 1, 1)), ("2.jpg", (90, 2, 2)), ("3.jpg", (3, 99, 3)))
    names = iter(["one", "two", "three"])
    with Stub(lambda _: sees(next(names))) as server:
        tagroll("classify", folder, "--api-url", server.url, "--jobs", 1)
    told = stories(folder / "processed")
    edited, last = told["1.jpg"]["copy"], told["2.jpg"]["copy"]
    edited.write_bytes(edited.read_bytes() + b"edited")
    (folder / "2.jpg").unlink()
    undone = tagroll("undo", "--json")
    assert undone.code == 3
    assert names_in(folder / "processed") == sorted([edited.name, last.name])
    assert "changed" in undone.photos[edited.name]["error"]
    assert "stays" in undone.photos[last.name]["error"]


def test_undo_of_one_copy(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED, BLUE)
    with Stub(usual=sees()) as server:
        tagroll("classify", folder, "--api-url", server.url)
    copy = stories(folder / "processed")["red.jpg"]["copy"]
    assert tagroll("undo", copy).code == 0
    assert not copy.exists()
    assert "blue.png" in stories(folder / "processed")


def test_links_templates_and_metadata(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    with Stub(usual=sees()) as server:
        options = ("classify", folder, "--api-url", server.url)
        assert tagroll(*options, "--link", "hard", "-o", tmp_path / "hard", "--name-style", "keep").code == 0
        assert (tmp_path / "hard" / "Red Lake.jpg").samefile(folder / "red.jpg")
        assert tagroll(*options, "--link", "sym", "-o", tmp_path / "sym").code == 0
        assert (tmp_path / "sym" / "red-lake.jpg").readlink() == folder / "red.jpg"
        assert tagroll("undo").code == tagroll("undo").code == 0
        assert (folder / "red.jpg").exists()
        template = "{counter:03d}_{original}_{name}"
        assert tagroll(*options, "--write-metadata", "--name-template", template).code == 0
        copy = folder / "processed" / "001_red_red-lake.jpg"
        asked = ("-XMP-dc:Subject", "-XMP-dc:Title", "-XMP-dc:Description", "-IPTC:Keywords")
        said = exiftool_folder(copy.parent, *asked)[copy.name]
        assert said["XMP-dc:Subject"] == said["IPTC:Keywords"] == ["Red", "Lake"]
        assert said["XMP-dc:Title"] == "A red lake"
        assert said["XMP-dc:Description"] == "It is red."
        assert b"Lake" not in (folder / "red.jpg").read_bytes()
        assert tagroll("undo").code == 0
        assert not (folder / "processed").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "photos"), "among the photos"),
        (("-o", ".", "--recursive"), "among the photos"),
        (("--link", "hard", "--write-metadata"), "your photos"),
        (("--name-template", "{date:%Y}"), "same name"),
        (("--name-template", "{name.__class__}"), "field"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_photo(tagroll, tmp_path, options, said):
    paint(tmp_path / "photos", RED)
    done = tagroll("classify", tmp_path / "photos", "--backend", "builtin", *options)
    assert done.code == 2
    assert said in done.err
    assert names_in(tmp_path / "photos") == ["red.jpg"]


def test_broken_photos_and_refusals_fail_alone(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED, BLUE)
    (folder / "broken.jpg").write_bytes((folder / "red.jpg").read_bytes()[:300])
    with Stub(usual=chat("I'm sorry, I can't help with that.")) as server:
        refused = tagroll("classify", folder, "--api-url", server.url, "--json")
        assert (refused.code, refused.summary["failed"]) == (3, 3)
        assert not (folder / "processed").exists()
    with Stub(usual=sees()) as server:
        done = tagroll("classify", folder, "--api-url", server.url, "--json")
    assert done.code == 3
    assert (done.summary["copied"], done.summary["failed"]) == (2, 1)
    assert done.photos["broken.jpg"]["error"]
    assert sorted(stories(folder / "processed")) == ["blue.png", "red.jpg"]


def test_no_server_leaves_no_folder(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    assert tagroll("classify", folder, "--api-url", "http://127.0.0.1:9").code == 4
    assert names_in(folder) == ["red.jpg"]


def test_the_older_script_does_the_same(tagroll, tmp_path):
    folder = paint(tmp_path / "photos", RED)
    with Stub(usual=sees()) as server:
        options = ("-o", tmp_path / "out", "--api-url", server.url, "--model", "stub-vlm", "-v")
        done = tagroll(folder, *options, script="image_classifier.py")
    assert done.code == 0, done
    assert f"{folder / 'red.jpg'} -> {tmp_path / 'out' / 'red-lake.jpg'}" in done.out
    check(folder, tmp_path / "out")


@pytest.mark.slow
def test_a_killed_run_leaves_nothing_half_and_goes_on(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 60)
    out = folder / "processed"
    whole = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    with Stub(usual=sees(), delay=0.03) as server:
        for after in (10, 25, 40):
            with started(tmp_path, "classify", folder, "--api-url", server.url, "--jobs", 4) as child:
                wait_for(lambda after=after: server.chats >= after)
                child.send_signal(signal.SIGKILL)
                child.wait()
            for path in out.glob("*.jpg"):
                assert hashlib.sha256(path.read_bytes()).hexdigest() in whole
            for path in out.glob("*.json"):
                json.loads(path.read_bytes())
        done = tagroll("classify", folder, "--api-url", server.url, "--json")
    assert done.code == 0, done
    assert done.summary["total"] == 60
    check(folder, out)
    assert not list(out.glob(".tagroll-*"))
    for _ in range(4):
        tagroll("undo")
    assert not out.exists()


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_in_flight(tagroll, tmp_path):
    folder = many(tmp_path / "photos", 40)
    with Stub(usual=sees(), delay=0.1) as server:
        with started(tmp_path, "classify", folder, "--api-url", server.url, "--jobs", 4, "--json") as child:
            wait_for(lambda: server.chats >= 8)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=200)
        assert child.returncode == 130
        assert "tagroll classify" in err
        done = tagroll("classify", folder, "--api-url", server.url, "--json")
        assert out.count('"status": "copied"') == done.summary["unchanged"]
    check(folder, folder / "processed")


@contextlib.contextmanager
def small_disk(tmp_path: Path, size: str) -> Iterator[Path]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mount refused: {mounted.stderr!r}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_stops_it_with_nothing_half(tagroll, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(20):
        Image.effect_noise((200, 200), 90).save(folder / f"{number}.png")
    with small_disk(tmp_path, "400k") as disk, Stub(usual=sees()) as server:
        options = ("classify", folder, "--api-url", server.url, "-o", disk / "out", "--json")
        done = tagroll(*options)
        assert done.code == 1, done
        assert "disk is full" in done.err
        copies = list((disk / "out").glob("*.png"))
        assert 0 < len(copies) < 20
        assert not list((disk / "out").glob(".tagroll-*"))
        whole = {path.read_bytes() for path in folder.iterdir()}
        for copy in copies:
            assert copy.read_bytes() in whole
            assert copy.with_suffix(".json").exists()
        assert len(list((disk / "out").iterdir())) == 2 * len(copies)
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        assert tagroll(*options).summary["failed"] == 0
        check(folder, disk / "out")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_300_photos_on_the_tiny_server(tmp_path, llama_server):
    data = os.environ.get("TAGROLL_DATA")
    if not data:
        pytest.skip("TAGROLL_DATA does not say where the 300 photos are")
    folder = tmp_path / "photos"
    shutil.copytree(Path(data) / "devset" / "photos", folder)
    with started(tmp_path, "classify", folder, "--api-url", llama_server.url, "--json") as child:
        out, err = child.communicate(timeout=500)
    assert child.returncode == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert summary["total"] == summary["copied"] == 300
    check(folder, folder / "processed")
