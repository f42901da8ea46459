"""What people are used to of programs: the Tab key, manual pages, settings that can be looked at, a word at the end."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image

from tagroll.catalog import Catalog, PhotoRow
from tagroll.cli.app import COMMANDS, main
from tagroll.cli.options import load_config

ROOT = Path(__file__).parents[2]


def completed(words, *, shell="bash", **more):
    """What the Tab key offers after these words, and which of tagroll's modules that took."""
    code = (
        "import sys; sys.argv = ['tagroll']; from tagroll.cli import main\n"
        "try: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    variables = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "_TAGROLL_COMPLETE": f"{shell}_complete",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | variables | more,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines()], set(done.stderr.split())


def test_the_tab_key_imports_no_command_that_is_not_typed(tmp_path):
    (tmp_path / "t.toml").write_text('model = "m"')  # the names in it are looked up in no other command
    offered, loaded = completed("tagroll ", TAGROLL_CONFIG=str(tmp_path / "t.toml"))
    assert offered == list(COMMANDS)
    assert not {f"tagroll.cli.{name}" for name in COMMANDS} & loaded
    offered, loaded = completed("tagroll dedupe --", TAGROLL_CONFIG=str(tmp_path / "t.toml"))
    assert "--ask-model" in offered
    assert "--plain" not in offered
    assert {f"tagroll.cli.{name}" for name in COMMANDS} & loaded == {"tagroll.cli.dedupe"}


def test_the_tab_key_knows_actions_and_the_tags_of_the_catalog(tmp_path):
    with Catalog(tmp_path / "c") as catalog, catalog.held():
        catalog.photos.index(
            [
                PhotoRow(tmp_path / "a.jpg", "1", "", ("Red Car", "Rain")),
                PhotoRow(tmp_path / "b.jpg", "1", "", ("Rain",)),
            ]
        )
    here = {"TAGROLL_CATALOG": str(tmp_path / "c")}
    assert completed("tagroll tags re")[0] == ["rename", "remove", "re"]
    assert completed("tagroll model ")[0] == ["get", "list", "remove"]
    assert completed("tagroll tags rename r", **here)[0] == ["Rain", r"Red\ Car"]
    assert completed("tagroll tags remove Rain R", **here)[0] == [
        "R"
    ]  # then files, which the shell completes
    assert completed("tagroll tags rename r", TAGROLL_CATALOG=str(tmp_path / "none"))[0] == [""]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_understands_its_script(shell):
    script = CliRunner().invoke(main, ["completion", shell]).stdout
    assert f"_TAGROLL_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_manual_pages_are_right_for_groff():
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    pages = sorted((ROOT / "man").glob("*.1"))
    assert len(pages) == len(COMMANDS) + 1
    for page in pages:
        done = subprocess.run(
            ["groff", "-man", "-ww", "-z", page], capture_output=True, text=True, check=True
        )
        assert done.stderr == "", page


def config(*arguments, **variables):
    done = CliRunner().invoke(main, ["config", *map(str, arguments)], env=variables)
    assert done.exit_code == 0, done.stderr
    return done.stdout.splitlines()


def test_it_is_told_what_is_set_and_where_without_the_secrets(tmp_path):
    file = tmp_path / "t.toml"
    file.write_text(
        'api-key = "s3cret"\nmodel = "m"\n[tag]\nmax-tags = 4\nretag = true\n[hints]\n"~/a" = "b"\n'
    )
    said = config("show", "--config", file, TAGROLL_API_URL="http://me:s3cret@host/v1")
    assert said == [
        'api-url = ["http://***@host/v1"]  # TAGROLL_API_URL', f'model = ["m"]  # {file}', f'api-key = "***"  # {file}', "",
        "[tag]", f"fresh = true  # {file}", f"max-tags = 4  # {file}", "", "[hints]", '"~/a" = "b"',
    ]  # fmt: skip
    whole = config("show", "tag", "--config", file)
    assert f"max-tags = 4  # {file}" in whole
    assert "votes = 1  # default" in whole
    assert "# language is not set  # default" in whole
    (path,) = config("path", "--config", file)
    assert path == str(file)
    rows = [json.loads(line) for line in config("show", "--json", "--config", file)]
    assert {
        "type": "setting",
        "command": "tag",
        "name": "max-tags",
        "value": "4",
        "source": str(file),
    } in rows


def test_the_example_names_settings_that_there_are(tmp_path):
    lines = config("example")
    assert "#max-tags = 12" in lines
    settings = [line[1:] for line in lines if line[:1] == "#" and line[1:2] not in ("", " ")]
    assert len(settings) > 60
    file = tmp_path / "t.toml"
    file.write_text("\n".join(settings))
    with click.Context(main, info_name="tagroll") as root:
        command = main.get_command(root, "tag")
        with click.Context(command, info_name="tag", parent=root) as ctx:
            load_config(ctx, file)  # what no option knows is an error
            assert ctx.default_map["max_tags"] == 12
    file.write_text("\n".join(lines))
    assert config("show", "--config", file) == []


PRINTS = "import os, sys; print(sys.argv[1:], os.environ['TAGROLL_EXIT_CODE'])"
TELLS = f'{sys.executable} -c "{PRINTS}" "$TAGROLL_COPIED new" $HOME'


def classified(tmp_path, then, *more):
    return subprocess.run(
        [sys.executable, "-m", "tagroll", "classify", tmp_path / "in", "--backend", "builtin", "--catalog", tmp_path / "c",
         "--then", then, *more],
        capture_output=True, text=True, check=False, cwd=ROOT / "src",
    )  # fmt: skip


@pytest.mark.slow
def test_a_command_is_run_at_the_end_without_a_shell(tmp_path):
    (tmp_path / "in").mkdir()
    Image.effect_noise((64, 64), 90).save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.jpg").write_bytes(b"\xff\xd8\xff broken")
    done = classified(tmp_path, TELLS, "--json")
    assert done.returncode == 3
    assert "['1 new', '$HOME'] 3\n" in done.stderr or "['0 new', '$HOME'] 3\n" in done.stderr
    assert all(json.loads(line) for line in done.stdout.splitlines())  # stdout stays data
    failing = classified(tmp_path, f"{sys.executable} -c 'raise SystemExit(7)'", "--dry-run")
    assert failing.returncode == 3
    assert "ended with exit code 7" in failing.stderr


@pytest.mark.parametrize(
    ("then", "told"),
    [("no-such-program x", "no program 'no-such-program'"), ("'a", "quotation"), (" ", "no command")],
)
def test_what_cannot_be_run_at_the_end_is_told_at_the_beginning(tmp_path, then, told):
    done = CliRunner().invoke(main, ["tag", str(tmp_path), "--catalog", str(tmp_path / "c"), "--then", then])
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "c").exists()
