"""The layers of docs/explanation/architecture.md, kept by reading every import."""

import ast
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import tagroll

PACKAGE = Path(tagroll.__file__).parent

GROUND = {"disk", "domain", "errors", "formats", "settings", "parallel", "zstd"}
LAYERS = [
    GROUND,
    {"exiftool", "places", "tags"},
    {"photos", "models", "metadata", "catalog"},
    {"runs"},
    {"web"},
    {"cli"},
]
"""From below: a part knows the rows below it, and parts of one row do not know each other; the ground is one."""

ROOMS = {
    "metadata": [{"packets", "files"}, {"containers"}],
    "models": [{"reply", "builtin", "earlier"}, {"prompt"}, {"checking"}, {"server", "gguf"}],
}
"""Rooms of a part, from below; what is not named lies above them and is one."""

DOORS = {"metadata": {"store", "copies", "apps", "files.documents"}}
"""Modules of a part through which the parts above it come."""

FACES_MAY_KNOW = {
    "web": {"web", "runs", "domain", "errors", "settings"},
    "cli": {"cli", "web", "runs", "domain", "errors", "settings"},
}
"""The command line opens the browser's face, and knows of it what it needs for that."""


def modules(source: str) -> Iterator[tuple[str, bool]]:
    """tagroll's own modules that a module imports, at any depth in its code, and whether for types alone."""
    tree = ast.parse(source)
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield "a relative import", False
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tagroll":
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) in typing_only
        elif isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names if alias.name.startswith("tagroll."))


def parts(imported: Iterable[tuple[str, bool]]) -> set[str]:
    """The parts of tagroll that a module imports, types included."""
    found = {name.split(".")[1] if name.startswith("tagroll.") else name for name, _ in imported}
    return found - {"__version__"}


MODULES = {
    ".".join(("tagroll", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


@functools.cache
def imports(name: str) -> tuple[tuple[str, bool], ...]:
    """As `modules`, of one of our modules."""
    return tuple(modules(MODULES[name].read_text(encoding="utf-8")))


def test_a_module_imports_only_what_lies_below_it() -> None:
    for name in MODULES.keys() - {"tagroll", "tagroll.__main__"}:
        part = name.split(".")[1]
        rank = next((i for i, row in enumerate(LAYERS) if part in row), None)
        assert rank is not None, f"{part} has no place in the layers yet"
        may = {part}.union(*LAYERS[:rank]) | (GROUND if rank == 0 else set())
        may &= FACES_MAY_KNOW.get(part, may)
        wrong = parts(imports(name)) - may
        assert not wrong, f"{name} must not know {sorted(wrong)}"


@pytest.mark.parametrize("part", ROOMS)
def test_a_room_knows_only_the_rooms_below_it(part: str) -> None:
    def rank(room: str) -> int:
        return next((i for i, row in enumerate(ROOMS[part]) if room in row), len(ROOMS[part]))

    for name in MODULES:
        if not name.startswith(f"tagroll.{part}."):
            continue
        room = name.split(".")[2]
        for imported, _ in imports(name):
            if imported.startswith(f"tagroll.{part}."):
                other = imported.split(".")[2]
                above = rank(other) == rank(room) == len(ROOMS[part])
                assert other == room or above or rank(other) < rank(room), f"{name} must not know {imported}"


@pytest.mark.parametrize("part", DOORS)
def test_a_part_is_entered_through_its_doors(part: str) -> None:
    doors = {f"tagroll.{part}.{door}" for door in DOORS[part]}
    entered = {
        imported if imported in MODULES else imported.rpartition(".")[0]
        for name in MODULES
        for imported, _ in imports(name)
        if imported.startswith(f"tagroll.{part}.") and not name.startswith(f"tagroll.{part}.")
    }
    assert entered == doors


def test_no_module_imports_itself_through_others() -> None:
    """Late imports count, and those that the table of commands makes; imports for types alone do not."""
    graph = {}
    for name in MODULES:
        found = {imported for imported, for_types in imports(name) if not for_types}
        graph[name] = {one if one in MODULES else one.rpartition(".")[0] for one in found} - {name}
    from tagroll.cli.app import COMMANDS

    graph["tagroll.cli.app"] |= {f"tagroll.cli.{command}" for command in COMMANDS}
    del graph["tagroll"]  # holds the version, and imports nothing
    while leaves := {name for name, below in graph.items() if not below & graph.keys()}:
        graph = {name: below for name, below in graph.items() if name not in leaves}
    assert not graph, {name: sorted(below & graph.keys()) for name, below in graph.items()}


def test_the_reader_of_imports_sees_every_form() -> None:
    source = """
import tagroll.photos.scan
from tagroll import domain
if TYPE_CHECKING:
    from tagroll.catalog import Catalog
def f():
    from tagroll.metadata.store import x
from . import y
"""
    assert parts(modules(source)) == {"photos", "domain", "catalog", "metadata", "a relative import"}
    assert {name for name, for_types in modules(source) if for_types} == {"tagroll.catalog.Catalog"}
