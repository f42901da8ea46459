"""The command line itself: quick to start, settings in their order, errors with hints, safe on a terminal."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image

from support.stub import SEES, Stub, models
from tagroll.catalog import Catalog
from tagroll.cli.app import COMMANDS, main
from tagroll.cli.options import shared_options
from tagroll.cli.progress import Report, duration, plural, progress_text
from tagroll.cli.terminal import show
from tagroll.cli.typed import typed, undo_command
from tagroll.domain import Beside, Outcome, Status
from tagroll.runs.run import Tally
from tagroll.settings import Settings, config_file


def test_help_starts_without_the_heavy_libraries():
    code = "import sys; from tagroll.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("numpy", "PIL", "lxml", "httpcore2", "rich", "onnxruntime", "sqlite3", "platformdirs"):
        assert f"'{heavy}'" not in done.stdout.splitlines()[-1]
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize(
    ("module", "idle"),
    [
        ("tagroll.runs.rewrite", ("tagroll.models", "tagroll.runs.look", "tagroll.metadata.copies")),
        ("tagroll.runs.merge", ("tagroll.models.choose", "tagroll.models.server", "tagroll.models.reply")),
        ("tagroll.runs.run", ("tagroll.models", "tagroll.runs.look", "tagroll.metadata.copies")),
    ],
)
def test_what_reads_and_compares_tags_loads_nothing_that_asks_a_model(module, idle):
    code = f"import sys, {module}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert module in done.stdout.split()
    assert [name for name in done.stdout.split() if name.startswith(idle)] == []


def test_a_command_loads_no_other_command(tmp_path):
    code = (
        "import sys; from tagroll.cli import main\n"
        "try: main(['history', '--limit', '1'])\nexcept SystemExit: pass\n"
        "print(*(name for name in sys.modules if name.startswith('tagroll.cli')))"
    )
    home = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=home)
    loaded = done.stdout.split()
    assert "tagroll.cli.history" in loaded
    assert len(loaded) <= 8


@pytest.mark.slow
def test_help_costs_little():
    """The least of several runs: CPU seconds, which other programs on the machine hardly change."""

    def cost() -> float:
        resource = pytest.importorskip("resource")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "tagroll", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cost() for _ in range(8)) < 0.15


@click.command("tag")
@shared_options(model=True)
def probe(settings: Settings) -> None:
    click.echo(
        json.dumps(
            [settings.model, list(settings.api_urls), settings.server_is_explicit, settings.model_is_explicit]
        )
    )


@pytest.fixture
def settings_of(tmp_path, monkeypatch):
    """What a command line, a settings file and variables make of the settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    monkeypatch.setenv("HOME", str(tmp_path))
    file = config_file()
    file.parent.mkdir(parents=True)

    def ask(*arguments: str, config: str = "", **variables: str) -> list:
        file.write_text(config)
        runner = CliRunner(env={"TAGROLL_MODEL": None, "TAGROLL_API_URL": None} | variables)
        result = runner.invoke(probe, list(arguments), prog_name="tag")
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    return ask


def test_settings_are_defaults_then_file_then_variables_then_options(settings_of):
    file = 'model = "all"\n[tag]\nmodel = "file"\n[classify]\nmodel = "other"'
    assert settings_of() == ["google/gemma-3-4b", ["http://127.0.0.1:1234"], False, False]
    assert settings_of(config='model = "all"')[0] == "all"
    assert settings_of(config=file) == ["file", ["http://127.0.0.1:1234"], True, True]
    assert settings_of(config=file, TAGROLL_MODEL="variable")[0] == "variable"
    assert settings_of("--model", "option", config=file, TAGROLL_MODEL="variable")[0] == "option"
    assert settings_of("--api-url", "a", "--api-url", "b") == ["google/gemma-3-4b", ["a", "b"], True, False]


def test_a_broken_settings_file_is_named(tmp_path):
    (tmp_path / "tagroll.toml").write_text("model = ")
    done = CliRunner().invoke(main, ["history", "--config", str(tmp_path / "tagroll.toml")])
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == 2
    assert "tagroll.toml" in done.stderr


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        ('sidecars = "always"', "unknown setting sidecars in tagroll.toml", "Did you mean sidecar?"),
        (
            "[tag]\nappend-tag = true",
            "unknown setting append-tag in tagroll.toml under [tag]",
            "Did you mean append-tags?",
        ),
        (
            "[history]\nretag = true",
            "unknown setting retag in tagroll.toml under [history]",
            "tagroll COMMAND",
        ),
        ("[tagg]\nretag = true", "unknown command tagg in tagroll.toml", "Did you mean tag?"),
    ],
)
def test_a_misspelled_setting_is_named(config, message, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    Path("tagroll.toml").write_text(config)
    done = CliRunner().invoke(main, ["history", "--catalog", "c", "--config", "tagroll.toml"])
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == 2
    assert f"Error: {message}\n  {hint}" in done.stderr


def test_settings_of_other_commands_and_their_actions_are_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "use-a-model-server.md").read_text()
    example = guide.partition("```toml\n")[2].partition("```")[0]
    Path("tagroll.toml").write_text("append_tags = true\nq = true\n" + example + '[tags]\nsidecar = "auto"\n')
    Catalog(Path("c")).close()
    assert CliRunner().invoke(main, ["history", "--catalog", "c", "--config", "tagroll.toml"]).exit_code == 0


def test_the_key_is_shown_nowhere():
    assert "secret" not in repr(Settings(api_key="secret"))


def test_a_hint_repeats_the_command_line_for_the_shell_but_never_the_key():
    words = ("dedupe", "my photos", "--api-key", "secret", "--dry-run", "--api-key=secret", "--plan", "a\x1b")
    with click.Context(main, obj=words):
        shown = typed("--apply", without="--dry-run")
    assert shown == r"tagroll dedupe 'my photos' --api-key KEY --api-key=KEY --plan 'a\x1b' --apply"


@pytest.mark.parametrize(
    ("arguments", "config", "variable", "hint"),
    [
        ([], "", None, "tagroll undo"),
        ([], "", "v.db", "tagroll undo"),
        (["--catalog", "a b"], "", "v.db", "tagroll undo --catalog 'a b'"),
        (["--config", "t.toml"], 'catalog = "c.db"', None, "tagroll undo --catalog c.db"),
    ],
)
def test_the_way_back_names_the_catalog(*, arguments, config, variable, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    Path("t.toml").write_text(config)
    told = click.command("tag")(shared_options(model=False)(lambda **_: click.echo(undo_command())))
    done = CliRunner(env={"TAGROLL_CATALOG": variable}).invoke(told, arguments)
    assert done.output == hint + "\n"


def test_json_errors_are_json(tmp_path):
    shutil.copy(Path(__file__).parents[1] / "files" / "rgb.png", tmp_path)  # somebody has to be asked
    words = ["tag", str(tmp_path), "--api-url", "http://127.0.0.1:9", "--json"]
    done = CliRunner().invoke(main, [*words, "--catalog", str(tmp_path / "c")])
    assert done.exit_code == 4
    row = json.loads(done.stdout)
    assert row["type"] == "error"
    assert row["exit_code"] == 4
    assert row["hint"]


@pytest.mark.parametrize(
    "arguments", [["tag", "--limit", "0", "."], ["tag"], ["tags", "."], ["classify", "nope"], ["nothing"]]
)
def test_json_mistakes_in_the_command_line_are_json(arguments, tmp_path):
    (tmp_path / "file").touch()
    done = CliRunner().invoke(main, [*arguments, "--json", "--catalog", str(tmp_path / "file" / "c")])
    assert done.exit_code in (1, 2)
    (row,) = map(json.loads, done.stdout.splitlines())
    assert row["type"] == "error"
    assert row["error"]
    assert row["hint"]
    assert row["exit_code"] == done.exit_code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
@pytest.mark.parametrize("unbuffered", ["", pytest.param("1", marks=pytest.mark.slow)])
@pytest.mark.parametrize("arguments", [["history", "--json"], ["--help"], ["tags", "nope", "--json"]])
def test_output_that_cannot_be_written_is_an_error_of_one_line(arguments, unbuffered, tmp_path):
    with Catalog(tmp_path / "c") as catalog:
        catalog.runs.start("tag", ["/p"])
    variables = os.environ | {"TAGROLL_CATALOG": str(tmp_path / "c"), "PYTHONUNBUFFERED": unbuffered}
    command = [sys.executable, "-m", "tagroll", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=variables, check=False
        )
    assert done.stderr.splitlines()[-1] == "Error: the output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr
    assert done.returncode == 1


def test_doctor_has_a_plain_word_for_a_data_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    done = CliRunner().invoke(main, ["doctor", "--json", "--catalog", str(tmp_path / "file" / "in" / "c")])
    findings = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert findings["catalog"]["good"] is False
    assert findings["disk space"]["text"].startswith("unknown: ")
    assert done.exit_code == 1


def doctor(tmp_path, *arguments):
    command = ["doctor", "--json", "--catalog", str(tmp_path / "c"), *arguments]
    return CliRunner(env={"TAGROLL_MODEL": None, "TAGROLL_API_URL": None}).invoke(main, command)


def test_doctor_shows_all_servers_and_whether_they_have_one_model(tmp_path):
    pages = [{"/v1/models": models(name, **SEES)} for name in ("gemma-3-4b", "qwen3-vl")]
    with Stub(pages=pages[0]) as one, Stub(pages=pages[1]) as other:
        urls = ("--api-url", one.url, "--api-url", other.url)
        done = doctor(tmp_path, *urls)
        rows = [json.loads(line) for line in done.stdout.splitlines()][:3]
        assert [row["good"] for row in rows] == [True, True, False]
        assert [url in row["name"] for url, row in zip((one.url, other.url), rows, strict=False)] == [
            True,
            True,
        ]
        assert rows[2]["text"] == "they have different models: gemma-3-4b, qwen3-vl"
        done = doctor(tmp_path, *urls, "--model", "gemma-3-4b", "--model", "qwen3-vl")
        assert "different models" not in done.stdout
        assert done.stdout.count("sees images") == 2
        done = doctor(tmp_path, *urls, "--model", "a", "--model", "b", "--model", "c")
        assert done.exit_code == 2
        assert "--model is given 3 times and --api-url 2 times" in done.stderr


def test_names_cannot_steer_the_terminal():
    assert show(os.fsdecode(b"a\x1b[2Jb\n\xff.jpg")) == r"a\x1b[2Jb\n\xff.jpg"
    assert show("Été 🌄") == "Été 🌄"


TAGGED = {Status.TAGGED: "tagged"}


def add(report, outcome):
    for counted in report.tally.counted([outcome]):
        report.show(counted)


def test_the_summary_counts_and_names_failures(capsys):
    report = Report(Settings(), "Tagging", Tally(), TAGGED)
    with report:
        for status in (Status.TAGGED, Status.TAGGED, Status.UNCHANGED, Status.FAILED):
            error = "no such thing" * (status is Status.FAILED)
            add(report, Outcome(Path("/p/x.jpg"), status, error=error, hint="look there"))
    assert "4" in progress_text(report, 8)
    assert "50%" in progress_text(report, 8)
    report.finish()
    err = capsys.readouterr().err
    assert "4 photos: 2 tagged, 1 unchanged, 1 failed in" in err
    assert "x.jpg  no such thing" in err
    assert "look there" in err
    assert report.tally.exit_code == 3


SIGNED = "a C2PA signature would become invalid"


@pytest.mark.parametrize(
    ("beside", "lines"),
    [
        (
            [Beside(SIGNED, "jpeg")],
            [
                "1 photo: 0 tagged, 1 in sidecars in 0.0 s",
                f"1 photo: the tags go into a sidecar, because {SIGNED}.",
                (
                    "Lightroom Classic, digiKam (unless switched on), Aves, PhotoPrism, Windows Explorer, Damselfly and F-Stop "
                    "do not look there."
                ),
                "--embed-signed writes into signed photos, too; their signature becomes invalid.",
            ],
        ),
        (
            [Beside("such files are not written into", "raw", is_base=True)],
            [
                "1 photo: 0 tagged, 1 in sidecars in 0.0 s",
                "1 photo: the tags go into a sidecar, because such files are not written into.",
                "digiKam (unless switched on), Aves, PhotoPrism, Windows Explorer and Damselfly do not look there.",
            ],
        ),
        (
            [*[Beside("it is so", "raw", keeps_old=True)] * 2, Beside("it is read-only", "jpeg")],
            [
                "3 photos: 0 tagged, 3 in sidecars in 0.0 s",
                "3 photos: the tags go into a sidecar:",
                "  2 because it is so",
                "  1 because it is read-only",
                "2 photos keep the old tags inside.",
                (
                    "Lightroom Classic, digiKam (unless switched on), Aves, PhotoPrism, Windows Explorer, Damselfly and F-Stop "
                    "do not look there."
                ),
                "Lightroom reads a RAW's name.xmp: --sidecar-name stem makes such ones.",
            ],
        ),
    ],
)
def test_it_is_said_what_went_into_sidecars_why_and_who_does_not_look_there(capsys, beside, lines):
    report = Report(Settings(), "Tagging", Tally(), TAGGED)
    with report:
        for one in beside:
            add(report, Outcome(Path("/p/x.jpg"), Status.BESIDE, ("A",), beside=one))
    report.finish()
    said = capsys.readouterr().err.splitlines()
    assert [re.sub(r"in [\d.]+ s$", "in 0.0 s", line) for line in said] == lines
    assert report.tally.summary() == {
        "total": len(beside), "tagged": 0, "beside": len(beside), "unchanged": 0, "skipped": 0, "failed": 0
    }  # fmt: skip


def test_a_broken_signature_is_named(capsys):
    report = Report(Settings(), "Tagging", Tally(), TAGGED)
    with report:
        add(report, Outcome(Path("/p/x.jpg"), Status.TAGGED, ("A",), broke_seal=True))
    report.finish()
    assert "1 photo signed with C2PA: written into, the signature is invalid." in capsys.readouterr().err


def test_quiet_is_quiet_and_json_is_only_json(capsys):
    report = Report(Settings(json=True, quiet=True), "Tagging", Tally(), TAGGED)
    with report:
        add(report, Outcome(Path("/p/x.jpg"), Status.TAGGED, ("A",)))
    report.finish()
    out, err = capsys.readouterr()
    assert err == ""
    photo, summary = map(json.loads, out.splitlines())
    assert photo == {"type": "photo", "path": "/p/x.jpg", "status": "tagged", "tags": ["A"], "error": None}
    assert {k: v for k, v in summary.items() if k != "seconds"} == {
        "type": "summary", "total": 1, "tagged": 1, "unchanged": 0, "skipped": 0, "failed": 0,
    }  # fmt: skip


def test_quiet_still_names_what_failed(capsys):
    report = Report(Settings(quiet=True), "Tagging", Tally(), TAGGED)
    with report:
        add(report, Outcome(Path("/p/y.jpg"), Status.TAGGED, ("A",)))
        add(report, Outcome(Path("/p/x.jpg"), Status.FAILED, error="no such thing", hint="look there"))
    report.finish()
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.strip() for line in err.splitlines()] == ["✗ /p/x.jpg  no such thing", "look there"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (59, "59 s"), (3180, "53 min"), (7500, "2 h 05 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_numbers_agree_with_their_words():
    assert [plural(n, "photo") for n in (0, 1, 1200)] == ["0 photos", "1 photo", "1,200 photos"]


def test_every_error_of_click_has_its_code():
    assert CliRunner().invoke(main, ["tag"]).exit_code == 2
    assert CliRunner().invoke(main, ["nothing"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["rename", "Desk", "", "."], "NEW"),
        (["rename", "", "Desk", "."], "OLD"),
        (["merge", "Desk", "", "--in", "."], "INTO"),
        (["merge", "Desk", "", "Table", "--in", "."], "TAG"),
        (["remove", "", "."], "TAG"),
    ],
)
def test_an_empty_tag_is_a_mistake_and_takes_nothing_away(arguments, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["tags", *arguments, "--catalog", "c"])
    assert done.exit_code == 2
    assert f"Error: {name} is empty" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("Tall", 'No photo has the tag "Tall": did you mean Plants|Cactus|Tall?'),
        ("cactus", 'No photo has the tag "cactus": did you mean Plants|Cactus|Tall, Plants|Cactus|Wide?'),
        (
            "plants|cactus",
            'No photo has the tag "plants|cactus": did you mean Plants|Cactus|Tall, Plants|Cactus|Wide?',
        ),
        ("dslr", 'No photo has the tag "dslr": did you mean DSLR?'),
        ("all", 'No photo has the tag "all" (case matters).'),
    ],
)
def test_a_tag_that_is_a_level_of_others_is_found(tag, said, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    words = ("DSLR", "Plants|Cactus|Tall", "Plants|Cactus|Wide")
    bag = "".join(f"<rdf:li>{word}</rdf:li>" for word in words)
    (tmp_path / "a.png.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:lr="http://ns.adobe.com/lightroom/1.0/"><lr:hierarchicalSubject><rdf:Bag>'
        f"{bag}</rdf:Bag></lr:hierarchicalSubject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    done = CliRunner().invoke(
        main, ["tags", "rename", tag, "New", str(tmp_path), "--catalog", str(tmp_path / "c")]
    )
    assert said in done.stderr.splitlines()


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A folder with a photo and a sub-folder that cannot be listed (even by root, who may run this)."""
    (tmp_path / "p" / "locked").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "p" / "a.png")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return tmp_path / "p"


@pytest.mark.parametrize(
    "command",
    [["tags"], ["tags", "rename", "A", "B"], ["dedupe", "--evidence", "spelling"], ["tag", "--backend", "builtin"],
     ["classify", "--recursive", "--backend", "builtin", "--dry-run"]],
)  # fmt: skip
def test_a_folder_that_cannot_be_read_is_a_failure(command, locked, tmp_path):
    options = ["--catalog", str(tmp_path / "c"), "--json", "-q"]
    done = CliRunner().invoke(main, [*command, str(locked), *options])
    assert done.exit_code == 3, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    row = {"type": "folder", "path": str(locked / "locked"), "error": "Permission denied"}
    assert [row for row in rows if row["type"] == "folder"] == [row]
    assert done.stderr == f"! skipped folder {locked / 'locked'}: Permission denied\n"


@pytest.mark.parametrize(
    "command",
    [["tags"], ["tags", "rename", "A", "B"], ["dedupe", "--evidence", "spelling"], ["tag", "--backend", "builtin"],
     ["classify", "--backend", "builtin"]],
)  # fmt: skip
def test_a_place_without_photos_is_named(command, tmp_path):
    (tmp_path / "p").mkdir()
    done = CliRunner().invoke(main, [*command, str(tmp_path / "p"), "--catalog", str(tmp_path / "c")])
    assert done.exit_code == 0
    assert f"\nNo photos in {tmp_path / 'p'}\n" in done.stderr


def test_what_carries_no_tags_is_said_to(tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    catalog = ["--catalog", str(tmp_path / "c")]
    assert (
        f"= {tmp_path / 'a.png'}: no tags\n"
        in CliRunner().invoke(main, ["tags", "-v", str(tmp_path), *catalog]).stdout
    )
    done = CliRunner().invoke(main, ["tags", "rename", "A", "B", str(tmp_path), *catalog])
    assert "1 photo: 0 rewritten, 1 unchanged" in done.stderr
    done = CliRunner().invoke(main, ["tag", "--backend", "builtin", "-v", str(tmp_path), *catalog])
    assert f"- {tmp_path / 'a.png'}: no confident tags\n" in done.stdout
