"""What the docs tell people to type can be typed: no option that is gone, no value that is refused, no unknown setting."""

import itertools
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tagroll.cli.app import COMMANDS, main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CALL = re.compile(r"(?:^|(?<=[\s/]))tagroll (?=[a-z-])")
SHELL = {"|", "||", "&&", ";", ">", ">>", "<", "2>"}
OF_OTHERS = {
    *("--parallel", "--max-model-len", "--api-key", "--contextsize", "--mmproj"),  # model servers
    *("--user", "--privileged", "--find-links", "--nthreads"),  # docker, uv, Dask
}
"""Options of other programs that a page names in running text."""


def group() -> click.Context:
    """As when tagroll is started: a command remembers how its help is called there."""
    return click.Context(main, info_name="tagroll", **main.context_settings)


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """The code blocks of a page: the language, or "", and the text."""
    text = page.read_text(encoding="utf-8")
    fenced = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    for found in fenced.finditer(text):
        yield found[2], found[3]
    for found in re.finditer(r"(?<=\n\n)((?: {4}.*\n|\n(?= {4}))+)", fenced.sub("", text)):
        yield "", found[1]


def inline(page: Path) -> list[str]:
    """What stands between backticks in running text."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)]


QUOTED = r"""(?:'[^']*'|"[^"]*"|\S)+"""
COMMAND = re.compile(rf"\s*({QUOTED}(?: {QUOTED})*)")
"""A line of code, up to the two blanks behind which stands what it does."""


def calls(line: str) -> Iterator[list[str]]:
    """Each call of tagroll in a line: its words, from the name of the command to where another one begins."""
    command = found[1] if (found := COMMAND.match(line)) else ""
    for call in CALL.finditer(command):
        words = shlex.split(command[call.end() :], comments=True)
        if call.start() == 0 or command[call.start() - 1] == "/" or words[0] in COMMANDS:
            yield list(itertools.takewhile(lambda word: word not in SHELL, words))


def parsed(words: list[str]) -> None:
    """Look at a call as click does, but for whether its paths are there.

    Raises:
        click.UsageError: There is no such command or option, a value is missing, or one that cannot be.
    """
    command: click.Command | None = main
    rest = list(words)
    if not rest[0].startswith("-"):
        command = main.get_command(group(), rest.pop(0))
        assert command is not None
        actions = getattr(command, "actions", {})
        if rest and rest[0] in actions:
            command = actions[rest.pop(0)]
    ctx = click.Context(command, parent=group())
    values, _, order = command.make_parser(ctx).parse_args(rest)
    for option in order:
        if isinstance(option, click.Option) and not isinstance(option.type, click.Path | click.File):
            value = values[option.name]
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str) and not one.isupper():  # N, NAME: what is to be put there
                    option.type.convert(one, option, ctx)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_can_be_typed(page):
    for line in (line for _, text in blocks(page) for line in text.splitlines()):
        for words in calls(line):
            parsed(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_running_text_is_there(page):
    for code in inline(page):
        for words in calls(code) if code.startswith("tagroll ") else ():
            try:
                parsed(words)
            except click.BadOptionUsage:  # `tagroll tag --hint`: the option is named, its value is not
                parsed([*words, "N"])


def test_every_option_in_running_text_is_there():
    every = [main, *(main.get_command(group(), name) for name in COMMANDS)]
    programs = [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "tools").glob("*.py")]
    ours = {name for file in programs for name in re.findall(r'"(--[a-z-]+)"', file.read_text("utf-8"))}
    every += [action for command in every for action in getattr(command, "actions", {}).values()]
    known = {"--help"} | {
        name
        for command in every
        for option in command.params
        for name in (*option.opts, *option.secondary_opts)
    }
    named = {
        found[0]: f"{page.name}: {code}"
        for page in PAGES
        for code in inline(page)
        if (found := re.match(r"--[a-z][a-z-]*", code))
    }
    assert {one: where for one, where in named.items() if one not in known | ours | OF_OTHERS} == {}


TOML = [
    pytest.param(text, id=page.stem)
    for page in PAGES
    for language, text in blocks(page)
    if language == "toml"
]


@pytest.mark.parametrize("text", TOML)
def test_every_example_of_settings_is_taken(text, tmp_path):
    file = tmp_path / "tagroll.toml"
    file.write_text(text, encoding="utf-8")
    sections = [name for name, table in tomllib.loads(text).items() if isinstance(table, dict)]
    for name in [section for section in sections if section != "hints"] or ["tag"]:
        command = main.get_command(group(), name)
        assert command is not None
        told = command.make_context(name, ["--config", str(file), str(tmp_path)], parent=group())
        assert told.default_map or told.meta["tagroll.hints"]


@pytest.mark.parametrize(
    "line",
    [
        "tagroll tagg x",
        "tagroll tag x --aplend",
        "tagroll tag x --limit",
        "tagroll tag x --mtime soon",
        "tagroll tag x --jobs 0",
    ],
)
def test_what_cannot_be_typed_is_found(line):
    (words,) = calls(line)
    with pytest.raises((click.UsageError, AssertionError)):
        parsed(words)


def test_how_a_line_is_read():
    (words,) = calls("docker run -v t:/data tagroll tag /photos   what tagroll tags")
    assert words == ["tag", "/photos"]
    assert list(calls("    .venv/bin/tagroll find 'a  b' -0 | xargs -0 tagroll tag  # why")) == [
        ["find", "a  b", "-0"],
        ["tag"],
    ]
    assert list(calls("9 photos that tagroll knows")) == []
