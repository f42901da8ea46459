"""Who is let in: settings of strangers, what leaves this machine, passwords, and what may steer a terminal."""

import io
import json
import logging
import os
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tagroll.catalog import Catalog
from tagroll.cli import eval_output
from tagroll.cli.app import main
from tagroll.cli.options import shared_options
from tagroll.cli.progress import ProgressLine, Report
from tagroll.cli.terminal import SafeFormatter, complain, print_line, say, show, tell
from tagroll.cli.typed import typed
from tagroll.domain import Photo
from tagroll.errors import ServerError, TagrollError, WriteError
from tagroll.formats import FORMATS
from tagroll.models.choose import choose_model
from tagroll.models.sending import departures, key_for, key_stays
from tagroll.runs.copy_folder import Output
from tagroll.runs.run import Tally
from tagroll.settings import Settings, config_file, without_password

HOSTILE = [
    "evil\x1b]2;PWNED\x07", "red\x1b[31m", "two\nlines", "back\r\x08", "right\u202eleft", "\u2066iso\u2069", "c1\x9b2J",
    "\ud800", "\udcff", "tag\U000e0041",
]  # fmt: skip


def is_safe(text: str) -> bool:
    return all(sign.isprintable() or sign == "\n" for sign in text)


# settings ------------------------------------------------------------------------------------------------


@click.command("tag")
@shared_options(model=True)
def probe(settings: Settings) -> None:
    """Print what a server elsewhere and one here would get."""
    here, there = "http://127.0.0.1:1234", settings.api_urls[0]
    click.echo(json.dumps([there, str(settings.catalog), key_for(settings, there), key_for(settings, here)]))


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """What the settings become for somebody who stands in an album that came from elsewhere."""
    (tmp_path / "album").mkdir()
    monkeypatch.chdir(tmp_path / "album")
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))

    def run(*arguments: str, **variables: str) -> tuple[list, str]:
        empty = dict.fromkeys(("TAGROLL_API_URL", "TAGROLL_API_KEY", "TAGROLL_CONFIG", "TAGROLL_CATALOG"))
        done = CliRunner(env=empty | variables).invoke(probe, list(arguments), prog_name="tag")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout), done.stderr

    return run


EVIL = 'api-url = ["http://evil.example"]\ncatalog = "cat.db"\nprompt-file = "/etc/passwd"\n'


def test_settings_in_the_current_folder_are_not_read_and_that_is_told(ask):
    Path("tagroll.toml").write_text(EVIL)
    (url, catalog, *keys), err = ask(TAGROLL_API_KEY="k")
    assert url == "http://127.0.0.1:1234"
    assert catalog == str(Path(catalog).absolute())
    assert "album" not in catalog
    assert keys == ["k", "k"]
    assert err == "tagroll.toml in this folder is not read: if it is yours, --config ./tagroll.toml uses it\n"
    assert ask("-q")[1] == ""
    (url, catalog, *keys), err = ask("--config", "./tagroll.toml", TAGROLL_API_KEY="k")
    assert (url, catalog, keys, err) == ("http://evil.example", "cat.db", [None, "k"], "")
    assert ask(TAGROLL_CONFIG="tagroll.toml")[0][0] == "http://evil.example"


def test_a_broken_one_in_the_current_folder_stops_nothing(ask):
    Path("tagroll.toml").write_text("no toml [")
    assert ask()[0][0] == "http://127.0.0.1:1234"
    Path("tagroll.toml").unlink()
    Path("tagroll.toml").mkdir()
    assert ask()[1] == ""


def test_the_users_own_settings_hold_and_their_paths_mean_the_same_everywhere(ask, monkeypatch):
    config_file().parent.mkdir(parents=True)
    config_file().write_text('api-url = "http://mine.example"\ncatalog = "my.db"\n')
    Path("my.db").write_text("of the album")
    (url, catalog, *_), err = ask()
    assert (url, catalog, err) == ("http://mine.example", str(config_file().parent / "my.db"), "")
    monkeypatch.chdir(config_file().parent)
    assert ask()[1] == ""  # it is read, so there is nothing to say
    config_file().write_text('catalog = "~/my.db"\n')
    assert ask()[0][1] == str(Path("~/my.db").expanduser())


# what leaves ---------------------------------------------------------------------------------------------

AWAY = "http://evil.example:99"


@pytest.mark.parametrize(
    ("arguments", "file", "variables", "goes"),
    [
        ([], f'api-url = "{AWAY}"', {"TAGROLL_API_KEY": "k"}, False),
        (["--api-url", AWAY], "", {"TAGROLL_API_KEY": "k"}, False),
        (["--api-url", AWAY], 'api-key = "k"', {}, False),
        ([], 'api-key = "k"', {"TAGROLL_API_URL": AWAY}, False),
        ([], "", {"TAGROLL_API_KEY": "k", "TAGROLL_API_URL": AWAY}, True),
        ([], f'api-key = "k"\napi-url = "{AWAY}"', {}, True),
        (["--api-url", AWAY, "--api-key", "k"], "", {}, True),
        (["--api-key", "k"], f'api-url = "{AWAY}"', {}, True),  # typed for this very run
    ],
)
def test_a_key_goes_out_only_to_a_host_that_was_named_with_it(arguments, file, variables, goes, ask):
    config = Path("c.toml")
    config.write_text(file)
    (url, _, there, here), _ = ask("--config", str(config), *arguments, **variables)
    assert (url, there, here) == (AWAY, "k" if goes else None, "k")


def test_where_photos_go_is_told_in_one_line():
    urls = ("http://user:pw@evil.example:99/v1", "localhost:1234", "https://b.example", "http://EVIL.example")
    assert departures(urls) == ("photos are sent to evil.example and b.example",)
    here = ("http://localhost:1234/v1", "127.0.0.1:80", "http://[::1]:9", "0.0.0.0:1234")
    assert departures(here) == ()
    for near in (
        "http://127.0.0.1@evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
    ):
        assert departures([near]), near


def test_a_key_that_stays_is_told():
    settings = Settings(api_key="k", key_goes_out=False)
    assert "not sent to evil.example," in key_stays(settings, [AWAY])
    assert key_stays(settings, ["http://127.0.0.1:1"]) == ""
    assert key_stays(Settings(api_key="k"), [AWAY]) == key_stays(Settings(key_goes_out=False), [AWAY]) == ""


# passwords -----------------------------------------------------------------------------------------------

SECRET = "p4ss:w0rd"  # noqa: S105 - of nobody
URL = f"http://user:{SECRET}@127.0.0.1:9"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "http://127.0.0.1:9"),
        (f"user:{SECRET}@host:1/v1", "host:1/v1"),
        ("HTTPS://token@host", "HTTPS://host"),
        ("http://a@b@host/x", "http://host/x"),
        ("http://host/@here", "http://host/@here"),
        ("host:1234", "host:1234"),
    ],
)
def test_an_address_is_shown_without_its_password(url, shown):
    assert without_password(url) == shown


def test_the_line_to_go_on_with_has_no_password():
    words = (
        "dedupe",
        "a@b",
        "--api-url",
        URL,
        f"--api-url=u:{SECRET}=@h",
        "--embedding-url",
        f"u:{SECRET}@h",
        "--api-key=k",
    )
    with click.Context(main, obj=words):
        shown = typed()
    assert SECRET not in shown
    assert shown == (
        "tagroll dedupe a@b --api-url http://USER:PASSWORD@127.0.0.1:9 --api-url=USER:PASSWORD@h"
        " --embedding-url USER:PASSWORD@h --api-key=KEY"
    )


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "--json"], ["doctor", "--backend", "server"]])
def test_doctor_has_no_password(arguments, tmp_path):
    done = CliRunner().invoke(main, [*arguments, "--api-url", URL, "--catalog", str(tmp_path / "c")])
    assert "127.0.0.1:9" in done.output
    assert SECRET not in done.output
    assert "user" not in done.output.replace("user's", "").replace("users", "")
    assert SECRET not in repr(Settings(api_urls=(URL,)))


def test_neither_notes_nor_errors_have_a_password():
    with choose_model(Settings(api_urls=(URL,))) as model:
        assert SECRET not in "".join(model.notes)
    with (
        pytest.raises(ServerError) as caught,
        choose_model(Settings(api_urls=(URL,), server_is_explicit=True)),
    ):
        pass
    assert SECRET not in caught.value.message + caught.value.hint


# the terminal --------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_on_its_way_to_the_terminal_can_steer_it(text, capsys):
    say(text)
    tell(Settings(), f"It has: {text}")
    print_line(text, mark="✗")
    complain(TagrollError(text, f"It has: {text}"))
    out, err = capsys.readouterr()
    assert is_safe(out + err)
    assert (out.count("\n"), err.count("\n")) == (1, 4)


def test_what_was_shown_stays_as_it_is():
    for text in (*HOSTILE, "Été 🌄", "👨\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e\u0648"):
        assert show(show(text)) == show(text)
    assert show("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"
    assert show(os.fsdecode(b"\xff")) == r"\xff"


def test_marks_are_coloured_on_a_terminal_and_only_marks(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    say("a\x1b[31mb", mark="  ✗")
    assert sys.stderr.getvalue() == "  \x1b[31m✗\x1b[0m a\\x1b[31mb\n"
    monkeypatch.setenv("NO_COLOR", "1")
    say("c", mark="!")
    assert sys.stderr.getvalue().endswith("\n! c\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_the_log_and_clicks_errors_are_safe(text):
    error = ValueError(text)
    record = logging.LogRecord("x", logging.INFO, "", 1, "met %s", (text,), (ValueError, error, None))
    assert is_safe(SafeFormatter("%(name)s: %(message)s").format(record))
    if "\ud800" not in text and "\udcff" not in text:
        assert is_safe(CliRunner().invoke(main, ["tag", f"--{text}"]).output)


@pytest.mark.parametrize(
    "name", ["qwen[/vl]", "a[link=http://evil.example]b[/link][red]c", "[bold]x", ":smile:", *HOSTILE]
)
def test_a_name_of_a_model_is_no_markup(name, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    line = ProgressLine(Report(Settings(), f"Asking {name}", Tally(), {}))
    line.update()
    line.close()
    from tagroll.runs.evaluate import rows as module

    monkeypatch.setattr(module, "rows", lambda _: [])
    result = type("Result", (), {"model": name})()
    eval_output.print_results([result])
    for stream in (sys.stderr, sys.stdout):
        text = stream.getvalue()
        assert show(name) in text
        assert "\x1b]8" not in text
        assert "evil\x1b" not in text
        assert "\u202e" not in text


def test_an_answer_of_a_server_is_shown_safely(tmp_path):
    with Catalog(tmp_path / "c") as catalog:
        catalog.runs.start("tag", ["a\x1b[31m"], "evil\x1b]2;PWNED\x07")
    done = CliRunner().invoke(main, ["history", "--catalog", str(tmp_path / "c")])
    assert "PWNED" in done.output
    assert is_safe(done.output)


# links and files of others -------------------------------------------------------------------------------

FILES = Path(__file__).parents[1] / "files"
TAGGED = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>Old</rdf:li></rdf:Bag>'
    "</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def album(tmp_path):
    """An album from elsewhere: a photo, and links to a photo, a folder and a sidecar outside it."""
    for name in ("album/a.jpg", "album/c.jpg", "outside/o.jpg", "outside/deep/p.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((FILES / "baseline.jpg").read_bytes())
        if name != "album/c.jpg":
            (tmp_path / f"{name}.xmp").write_text(TAGGED)
    (tmp_path / "outside" / "v.xmp").write_text(TAGGED)
    for name, target in {"l.jpg": "o.jpg", "sub": "deep", "c.jpg.xmp": "v.xmp"}.items():
        (tmp_path / "album" / name).symlink_to(tmp_path / "outside" / target)
    return tmp_path / "album"


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


SKIPPED = "3 links lead out of the folder: skipped; --follow-links follows them\n"


@pytest.mark.parametrize(("options", "count", "told"), [([], 1, True), (["--follow-links"], 4, False)])
def test_links_that_lead_out_are_counted(options, count, told, album, tmp_path):
    catalog = ["--catalog", str(tmp_path / "c")]
    done = CliRunner().invoke(main, ["tags", str(album), *catalog, *options])
    assert f"{count}  Old\n" in done.stdout
    assert (SKIPPED in done.stderr) == told
    done = CliRunner().invoke(main, ["tags", str(album), *catalog, *options, "--json"])
    summary = [json.loads(line) for line in done.stdout.splitlines()][-1]
    assert summary["total"] == count
    assert "lead" not in CliRunner().invoke(main, ["tags", str(album), *catalog, *options, "-q"]).stderr


def test_nothing_is_written_through_a_link_that_leads_out(album, tmp_path):
    before = contents(tmp_path / "outside")
    command = ["tags", "rename", "Old", "New", str(album), "--catalog", str(tmp_path / "c")]
    done = CliRunner().invoke(main, command)
    assert SKIPPED in done.stderr
    assert "1 photo: 1 rewritten" in done.stderr
    assert contents(tmp_path / "outside") == before
    assert "3 photos" not in done.stderr
    done = CliRunner().invoke(main, [*command, "--follow-links"])
    after = contents(tmp_path / "outside")
    assert {path.name for path in before if before[path] != after[path]} >= {
        "o.jpg.xmp",
        "p.jpg.xmp",
        "v.xmp",
    }


def test_copies_do_not_go_through_a_link_that_leads_out(album, tmp_path):
    command = ["classify", str(album), "--backend", "builtin", "--catalog", str(tmp_path / "c")]
    (tmp_path / "elsewhere").mkdir()
    (album / "processed").symlink_to(tmp_path / "elsewhere")
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2
    assert "processed is a link that leads out of the folder" in done.stderr
    assert not contents(tmp_path / "elsewhere")
    output = Output(tmp_path / "out", tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere")
    photo = Photo(tmp_path / "in" / "sub" / "a.jpg", 1, 1, FORMATS[0])
    with pytest.raises(WriteError, match="leads out"):
        output.folder_for(photo)
    follows = Output(tmp_path / "out", tmp_path / "in", follow_links=True)
    assert follows.folder_for(photo) == tmp_path / "out" / "sub"
    assert (
        output.folder_for(Photo(tmp_path / "in" / "b" / "a.jpg", 1, 1, FORMATS[0])) == tmp_path / "out" / "b"
    )


@pytest.mark.usefixtures("album")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["eval", "album", "--html", "mine"], "tagroll did not make it"),
        (["eval", "album", "--html", "link"], "is a link"),
        (["eval", "album", "--html", "dangling"], "is a link"),
        (["eval", "--init", "album", "-o", "mine.json"], "is there already"),
        (["eval", "--init", "album", "-o", "dangling.json"], "is a link"),
        (["eval", "--init", "album", "-o", "page.json"], "is a link"),
        (["dedupe", "album", "--backend", "builtin", "--plan", "mine"], "tagroll did not make it"),
        (["dedupe", "album", "--backend", "builtin", "--plan", "link"], "is a link"),
    ],
)
def test_no_file_of_another_is_written_into(command, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "mine.json"):
        Path(name).write_text("mine")
    for name, target in {
        "link": "mine",
        "dangling": "new",
        "dangling.json": "new",
        "page.html": "new",
    }.items():
        Path(name).symlink_to(target)
    model = ["--model", "builtin"] if command[0] == "eval" else []
    done = CliRunner().invoke(main, [*command, *model, "--catalog", "c"])
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert Path("mine").read_text() == Path("mine.json").read_text() == "mine"
    assert not Path("new").exists()
    assert not Path("page.json").exists()
