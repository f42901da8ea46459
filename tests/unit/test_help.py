"""What a newcomer reads: help under headings, the older scripts by their own names, commands that had nothing to do."""

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image

from tagroll.catalog import Catalog
from tagroll.cli.app import COMMANDS, main
from tagroll.cli.grouped import EXAMPLES, HEADINGS, OWN

ROOT = Path(__file__).parents[2]


def test_options_stand_under_headings_each_once():
    done = CliRunner().invoke(main, ["tag", "--help"])
    lines = done.stdout.splitlines()
    at = [lines.index(f"{heading}:") for heading in (OWN, *HEADINGS)]
    assert at == sorted(at)
    for option, heading in (("--mtime", "How files are written"), ("--help", "In every command")):
        (line,) = [n for n, text in enumerate(lines) if f"{option} " in text[:20]]
        assert max(n for n in at if n < line) == lines.index(f"{heading}:")


def test_headings_name_only_options_that_there_are():
    context = click.Context(main)
    commands = [main.get_command(context, name) for name in COMMANDS]
    there = {parameter.name for command in commands if command for parameter in command.params}
    named = {name for names in HEADINGS.values() for name in names}
    assert named - there <= {"help", "_click_default_help"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_command_can_be_typed(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pictures").mkdir()
    for file in ("words.txt", "labels.json", "photo.jpg"):
        (tmp_path / file).write_text("{}")
    shown = CliRunner().invoke(main, [name, "--help"]).stdout
    command = main.get_command(click.Context(main), name)
    for line, why in EXAMPLES[name]:
        assert f"  # {why}\n  {line}\n" in shown
        program, typed, *arguments = shlex.split(line.partition(" >")[0])
        assert (program, typed) == ("tagroll", name)
        command.make_context(name, arguments)  # wrong options and missing files are errors


def test_dedupe_offers_a_model_that_judges():
    shown = CliRunner().invoke(main, ["dedupe", "--help"]).stdout
    assert all(option in shown for option in ("--embedding-url", "--ask-model", "--api-url", "--model-file"))


@pytest.mark.parametrize("script", ["image_tagger.py", "image_classifier.py", "tag_deduplicator.py"])
def test_the_older_scripts_are_called_by_their_own_names(script):
    done = subprocess.run([sys.executable, ROOT / script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Usage: {script} [OPTIONS] ")
    assert f"Try '{script} --help'" in done.stderr


def test_a_run_that_wrote_nothing_says_so(tmp_path):
    with Catalog(tmp_path / "c") as catalog, catalog.held():
        catalog.runs.start("tag", ["--dry-run"])
    done = CliRunner().invoke(main, ["history", "1", "--catalog", str(tmp_path / "c")])
    assert (done.stdout, done.stderr) == ("", "Run 1 wrote nothing.\n")


def test_renaming_a_tag_to_itself_changes_none(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    (tmp_path / "a.png.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<dc:subject><rdf:Bag><rdf:li>Desk</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    done = CliRunner().invoke(
        main, ["tags", "rename", "Desk", "Desk", str(tmp_path), "--catalog", str(tmp_path / "c")]
    )
    assert "No photo has" not in done.stderr
    assert "0 tags changed" in done.stderr.splitlines()


def test_doctor_asks_no_server_where_the_builtin_model_is_wanted(tmp_path):
    done = CliRunner().invoke(main, ["doctor", "--backend", "builtin", "--catalog", str(tmp_path / "c")])
    assert "built-in model: tagroll-builtin-2 is ready\n" in done.stdout
    assert "model server" not in done.stdout


def test_doctor_says_what_can_be_done_for_a_signed_photo(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    manifest = b"JP\0\x01\0\0\0\x01\0\0\0\x28jumb\0\0\0\x20jumdc2pa\0\x11\0\x10" + bytes(20)
    (tmp_path / "a.jpg").write_bytes(
        data[:2] + b"\xff\xeb" + (len(manifest) + 2).to_bytes(2) + manifest + data[2:]
    )
    done = CliRunner().invoke(main, ["doctor", str(tmp_path / "a.jpg")])
    assert "a C2PA signature would become invalid\n    --embed-signed writes" in done.stdout
