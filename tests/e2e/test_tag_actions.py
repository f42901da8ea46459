"""The actions of `tagroll tags`, and merging with a person or a real embedding server, as a user runs them."""

import json
import os
import select
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.judge import exiftool_folder, write_by_exiftool
from support.llama import Llama
from support.runs import contents, environment, paint, tagged
from support.stub import Stub, keywords
from support.tiny_embedder import write_embedder

TAGS = {
    "1.jpg": ("Lake", "Dslr", "Red"),
    "2.jpg": ("DSLR", "Red", "Digital SLR"),
    "3.jpg": ("Red", "dslr camera", "Boat"),
    "4.png": ("Blue",),
}


@pytest.fixture
def library(tmp_path) -> Path:
    return tagged(tmp_path / "photos", TAGS)


def tags_of(tagroll, folder: Path) -> dict[str, list[str]]:
    return {name: row["tags"] for name, row in tagroll("tags", folder, "--json").photos.items()}


MERGED = {
    "1.jpg": ["Lake", "Camera", "Red"], "2.jpg": ["Camera", "Red"], "3.jpg": ["Red", "dslr camera", "Boat"],
    "4.png": ["Blue"],
}  # fmt: skip
REMOVED = {"1.jpg": ["Lake", "Dslr"], "2.jpg": ["DSLR", "Digital SLR"], "3.jpg": ["dslr camera", "Boat"],
           "4.png": ["Blue"]}  # fmt: skip


@pytest.mark.parametrize(
    ("action", "after"),
    [
        (("merge", "Dslr", "DSLR", "Digital SLR", "Camera", "--in"), MERGED),
        (("remove", "Red"), REMOVED),
        (("rename", "Dslr", "Camera"), {**{n: list(t) for n, t in TAGS.items()}, "1.jpg": MERGED["1.jpg"]}),
    ],
    ids=["merge", "remove", "rename"],
)
def test_an_action_is_shown_done_and_taken_back(tagroll, library, action, after):
    before = contents(library)
    changing = {name for name, words in after.items() if words != list(TAGS[name])}
    dry = tagroll("tags", *action, library, "--dry-run", "--json")
    assert dry.code == 0, dry
    assert {name for name, row in dry.photos.items() if row["status"] == "rewritten"} == changing
    assert {name: row["tags"] for name, row in dry.photos.items()} == {n: after[n] for n in changing}
    assert contents(library) == before

    states = {path.name: path.stat().st_mtime_ns for path in library.iterdir()}
    done = tagroll("tags", *action, library, "--json")
    assert done.code == 0, done
    assert done.summary["rewritten"] == len(changing)
    assert tags_of(tagroll, library) == after
    assert {p.name for p in library.iterdir() if contents(library)[p.name] != before[p.name]} == changing
    assert all((library / name).stat().st_mtime_ns == states[name] for name in states.keys() - changing)
    again = tagroll("tags", *action, library, "--json")
    assert again.code == 0
    assert again.summary["rewritten"] == 0
    assert tagroll("undo").code == 0
    assert contents(library) == before


def test_actions_that_cannot_be_are_refused(tagroll, library):
    before = contents(library)
    assert tagroll("tags", "merge", "DSLR", "--in", library).code == 2
    assert tagroll("tags", "rename", "Dslr", " ", library).code == 2
    done = tagroll("tags", "remove", "Nowhere", library)
    assert done.code == 0
    assert 'No photo has the tag "Nowhere"' in done.err
    assert contents(library) == before


def test_a_tag_is_named_as_it_looks_however_its_letters_are_encoded(tagroll, tmp_path):
    one, two = (unicodedata.normalize(form, "Café") for form in ("NFC", "NFD"))
    folder = tagged(tmp_path / "photos", {"1.jpg": (one, "Red"), "2.jpg": (two, "Red")})
    renamed = tagroll("tags", "rename", two, "Inn", folder, "--dry-run", "--json")
    assert [row["tags"] for row in renamed.photos.values()] == 2 * [["Inn", "Red"]]
    assert tagroll("tags", "rename", two, one, folder).code == 0
    assert list(tags_of(tagroll, folder).values()) == 2 * [[one, "Red"]]
    assert tagroll("tags", "remove", two, folder).code == 0
    assert list(tags_of(tagroll, folder).values()) == 2 * [["Red"]]


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, tmp_path: Path, *arguments: object) -> None:
        self._master, slave = os.openpty()
        command = [sys.executable, "-m", "tagroll", *map(str, arguments)]
        self._child = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment(tmp_path), cwd=tmp_path
        )
        os.close(slave)
        self.said = ""

    def read_until(self, text: str, seconds: float = 200.0) -> str:
        """Read until the text was said; gives what was said since the last call."""
        end, part = time.monotonic() + seconds, ""
        while text not in part:
            assert time.monotonic() < end, f"{text!r} was not said: {self.said}{part}"
            part += self._some()
        self.said += part
        return part

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        while part := self._some():
            self.said += part
        os.close(self._master)
        return self._child.wait(timeout=200)

    def _some(self) -> str:
        if not select.select([self._master], [], [], 30)[0]:
            raise AssertionError(f"nothing more was said after {self.said}")
        try:
            return os.read(self._master, 4096).decode(errors="replace")
        except OSError:  # Linux says so when the other side is closed
            return ""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_interactive_asks_merge_by_merge_and_remembers(tagroll, tmp_path):
    tags = {"1.jpg": ("DSLR", "Forest"), "2.jpg": ("DSLR", "Forest"), "3.jpg": ("Dslr", "Woodland", "Sofa"),
            "4.jpg": ("Woods", "Couch")}  # fmt: skip
    library = tagged(tmp_path / "photos", tags)
    before = contents(library)
    terminal = Terminal(tmp_path, "dedupe", library, "--interactive", "--evidence", "spelling,synonym")
    answers = {"Dslr": "y", "Woodland": "n", "Woods": "y", "Couch": "p"}
    while answers:
        question = terminal.read_until("[y/n/p/a/q] ").rpartition("\n")[2]
        terminal.press(answers.pop(question.split(" (")[0].strip()))
    assert terminal.end() == 0, terminal.said
    assert tags_of(tagroll, library) == {
        "1.jpg": ["DSLR", "Forest"], "2.jpg": ["DSLR", "Forest"], "3.jpg": ["DSLR", "Woodland", "Couch"],
        "4.jpg": ["Forest", "Couch"],
    }  # fmt: skip
    later = tagroll("dedupe", library, "--evidence", "spelling,synonym", "--json")
    assert later.summary["rewritten"] == 0  # Woodland stays apart without being asked about again
    assert tagroll("undo").code == 0
    assert contents(library) == before
    assert tagroll("dedupe", library, "--interactive").code == 2  # nobody to ask


@pytest.fixture
def embedder(tmp_path) -> Iterator[Llama]:
    model = write_embedder(tmp_path)
    with Llama(model, None, "--embed", "--context", "2048", "--alias", "tiny-embedder") as running:
        yield running


def test_photos_tagged_by_a_real_model_are_merged_with_real_embeddings_and_put_back(
    tagroll, tmp_path, llama_server, embedder
):
    colours = {"red": (250, 9, 9), "green": (9, 250, 9), "blue": (9, 9, 250)}
    folder = paint(tmp_path / "photos", *((f"{i} {c}.jpg", rgb) for i in "123" for c, rgb in colours.items()))
    for case, names in (("lower", "1"), ("title", "23")):
        files = [path for path in folder.iterdir() if path.name[0] in names]
        assert tagroll("tag", *files, "--api-url", llama_server.url, "--case", case).code == 0
    before, tags = contents(folder), tags_of(tagroll, folder)
    lower = {tag for words in tags.values() for tag in words if tag.islower()}
    both = {tag for tag in lower if any(tag.title() in words for words in tags.values())}
    assert both, "the model says nothing that two photos share"
    server = ("--embedding-url", embedder.url, "--embedding-model", "tiny-embedder")
    done = tagroll("dedupe", folder, *server, "--json", "--report")
    assert done.code == 0, done
    report = json.loads((folder / "tag_deduplication_report_embedding.json").read_text())
    assert report["configuration"]["embedding_model"] == "tiny-embedder"
    rows = {row["tag"]: row for row in report["tagroll"]["merges"]}
    assert {tag: rows[tag]["into"] for tag in both} == {tag: tag.title() for tag in both}
    mapping = report["tag_mapping"]
    assert tags_of(tagroll, folder) == {
        name: list(dict.fromkeys(mapping.get(tag, tag) for tag in words)) for name, words in tags.items()
    }
    (folder / "tag_deduplication_report_embedding.json").unlink()
    assert tagroll("undo").code == 0
    assert contents(folder) == before


def counts(tagroll, folder: Path, *options: str) -> dict[str, int]:
    return tagroll("tags", folder, "--json", *options).rows[-2]["tags"]


@pytest.fixture
def shared(tagroll, library) -> Path:
    """A library of a person's tags, in which tagroll wrote some, too."""
    with Stub(usual=keywords("Red", "Water", "Sky")) as server:
        tagroll("tag", library / "1.jpg", library / "2.jpg", library / "4.png", "--api-url", server.url)
    return library


def test_tagroll_s_tags_are_listed_kept_and_taken_away(tagroll, shared, tmp_path):
    before = contents(shared)
    (tmp_path / "catalog.sqlite").unlink()
    assert counts(tagroll, shared, "--ours") == {"Water": 3, "Sky": 3, "Red": 1}
    assert counts(tagroll, shared, "--yours") == {
        "Red": 3, "Lake": 1, "Dslr": 1, "DSLR": 1, "Digital SLR": 1, "dslr camera": 1, "Boat": 1, "Blue": 1,
    }  # fmt: skip
    told = tagroll("tags", shared / "4.png", "--yours", "--json").photos
    assert told["4.png"]["tags"] == ["Blue"]
    assert tagroll("tags", shared, "--ours", "--yours").code == 2
    kept = tagroll("tags", "keep", "Sky", shared / "1.jpg", shared / "4.png")
    assert (kept.code, "2 tags changed" in kept.err) == (0, True)
    assert counts(tagroll, shared, "--ours") == {"Water": 3, "Sky": 1, "Red": 1}
    gone = tagroll("tags", "remove", "--ours", shared, "--json")
    assert (gone.code, gone.summary["rewritten"], gone.summary["unchanged"]) == (0, 3, 1)
    assert counts(tagroll, shared, "--ours") == {}
    assert counts(tagroll, shared)["Sky"] == 2
    for _ in range(2):
        assert tagroll("undo").code == 0
    assert contents(shared) == before
    assert tagroll("tags", "remove", "--ours").code == tagroll("tags", "remove", "Sky").code == 2


def test_pruning_says_first_what_it_would_do(tagroll, shared):
    before = contents(shared)
    with Stub(usual=keywords("Sky", "Fog")) as server:
        tagroll("tag", shared / "3.jpg", "--api-url", server.url)
    assert tagroll("tags", "rename", "Fog", "Weather|Fog", shared).code == 0
    assert tagroll("tags", "rename", "Sky", "Weather|Sky", shared / "3.jpg").code == 0
    assert tagroll("tags", "rename", "Sky", "Weather|Sky", shared / "2.jpg").code == 0
    tagged_photos = contents(shared)
    asked = tagroll("tags", "prune", "--fewer-than", "2", shared)
    assert (asked.code, asked.out.split("\n")) == (0, ["   1  Weather|Fog -> Weather", ""])
    assert "--write" in asked.err
    assert contents(shared) == tagged_photos
    rows = tagroll("tags", "prune", "--fewer-than", "5", "--all", shared, "--json").rows
    plan = next(row for row in rows if row["type"] == "plan")["tags"]
    assert (
        plan["Weather|Fog"] is plan["Lake"] is None
    )  # with its four photos "Weather" is rare by then as well
    assert tagroll("tags", "prune", "--fewer-than", "2", shared, "--write").code == 0
    assert tags_of(tagroll, shared)["3.jpg"] == ["Red", "dslr camera", "Boat", "Weather|Sky"]
    assert tags_of(tagroll, shared)["1.jpg"] == [
        "Lake",
        "Dslr",
        "Red",
        "Water",
        "Sky",
    ]  # a person's rare ones
    for _ in range(4):
        assert tagroll("undo").code == 0
    assert tagroll("undo").code == 0
    assert contents(shared)["3.jpg"] == before["3.jpg"]


def test_lists_are_brought_in_step_and_it_is_told_how(tagroll, shared):
    by_hand = ["-XMP-dc:Subject+=New", "-XMP-dc:Subject-=Sky"]
    write_by_exiftool(*by_hand, shared / "1.jpg")
    before = contents(shared)
    told = tagroll("tags", "sync", shared / "1.jpg", "--dry-run")
    assert [line.strip() for line in told.out.splitlines()[1:]] == [
        "XMP-lr:HierarchicalSubject: +New  -Sky",
        "IPTC:Keywords: +New  -Sky",
    ]
    assert contents(shared) == before
    row = tagroll("tags", "sync", shared, "--json").photos[
        "1.jpg"
    ]  # and 3.jpg, where a person filled one list alone
    assert row["lists"]["IPTC:Keywords"] == {"added": ["New"], "removed": ["Sky"]}
    assert tagroll("tags", "sync", shared, "--json").summary["unchanged"] == 4
    seen = exiftool_folder(shared, "-XMP-dc:Subject", "-IPTC:Keywords", "-XMP-lr:HierarchicalSubject")[
        "1.jpg"
    ]
    lists = [sorted(seen[name]) for name in seen if name != "SourceFile"]
    assert lists == [sorted(["Lake", "Dslr", "Red", "Water", "New"])] * 3


def test_the_older_script_replaces_all_and_a_setting_or_its_option_keeps(tagroll, library, tmp_path):
    config = tmp_path / "config" / "tagroll" / "tagroll.toml"
    config.parent.mkdir(parents=True)

    def after(*options: str, script: str | None = None, setting: str = "") -> list[str]:
        config.write_text(setting)
        with Stub(usual=keywords("Sky")) as server:
            arguments = [*(() if script else ("tag",)), library, "--api-url", server.url, "--fresh", *options]
            done = tagroll(*arguments, script=script)
        assert done.code == 0, done
        found = tags_of(tagroll, library)["4.png"]
        assert tagroll("undo").code == 0
        return found

    script = "image_tagger.py"
    assert after(script=script) == after("--replace") == ["Sky"]
    assert after("--append-tags", script=script) == after() == ["Blue", "Sky"]
    assert after(script=script, setting="append-tags = true") == ["Blue", "Sky"]
    assert after("--replace", setting="append-tags = true") == ["Sky"]
    assert after(setting="replace = true") == ["Sky"]
    assert after("--append-tags", setting="replace = true") == ["Blue", "Sky"]
    assert tagroll("tag", library, "--append-tags", "--replace").code == 2
