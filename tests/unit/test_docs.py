"""The docs say what the code says: every command has its pages, every link leads somewhere."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import click
import pytest

from tagroll.cli.app import COMMANDS, main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def make_reference():
    if (tools := str(ROOT / "tools")) not in sys.path:  # one of them imports another
        sys.path.append(tools)
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "tools" / "make_reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_says():
    assert make_reference().run(["--check"]) == 0, "run: python tools/make_reference.py"


KEYS = """export const KEYS = [
  { where: "photos", keys: ["G"], shown: "G", does: "go to a date", name: "date" },
  { where: "photos", keys: ["Space", "X"], shown: "Space X", does: "select", name: "toggle" },
  { where: "review", keys: ["A"], shown: "A", does: "accept", name: "accept" },
];
const other = [];
"""


def test_the_keys_of_the_reference_are_those_of_the_page():
    assert make_reference().keys_part(KEYS).partition("###")[2].split("\n\n") == [
        " Photos",
        "| key | what it does |\n|---|---|\n| G | go to a date |\n| Space X | select |",
        "### Review",
        "| key | what it does |\n|---|---|\n| A | accept |\n",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('shown: "G", ', "shown: "),
        ('["G"]', '"G"'),
        ('["Space", "X"]', "[]"),
        ('does: "accept"', "does: accept"),
        ('name: "date" },', 'name: "date" }, // soon'),
        ("  { where", "  // { where"),
        ("KEYS =", "ROWS ="),
    ],
)
def test_a_table_of_keys_that_looks_otherwise_is_refused(old, new):
    with pytest.raises(ValueError, match="keys"):
        make_reference().keys_part(KEYS.replace(old, new, 1))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_a_page_and_a_mention_in_the_guides(name):
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"--{option.name} of {name} has no help"
    assert (ROOT / "docs" / "reference" / f"{name}.md").exists()
    guides = [p.read_text() for p in PAGES if "reference" not in p.parts]
    assert any(f"tagroll {name}" in text for text in guides)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_can_be_reached_from_the_readme():
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        todo += [page.parent / target for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text())]
    assert {p.resolve() for p in PAGES} <= seen


def test_every_page_is_in_the_navigation_of_the_site():
    site = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]

    def pages(entries):
        for entry in entries:
            for where in entry.values() if isinstance(entry, dict) else [entry]:
                yield from pages(where) if isinstance(where, list) else [where]

    found = [*pages(site["nav"])]
    assert sorted(found) == sorted(str(page.relative_to(ROOT / "docs")) for page in PAGES[2:])


def test_the_readme_names_the_commands_ci_runs():
    text = (ROOT / "README.md").read_text()
    assert "python3 examples/try.py" in text
    assert re.search(r"<!-- test command -->\n```\n.*pytest -n auto\n```\n<!-- end -->", text)
