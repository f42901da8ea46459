"""The layers of docs/explanation/architecture.md, kept by reading every import."""

import ast
from pathlib import Path

import pytest

import tagroll

PACKAGE = Path(tagroll.__file__).parent

BASE = {"domain", "errors", "formats"}
MIDDLE = {
    "tags",
    "scan",
    "preview",
    "describe",
    "embed",
    "metadata",
    "catalog",
    "settings",
    "parallel",
    "naming",
    "asking",
    "guarding",
    "scoring",
}
USE_CASES = {
    "tagging",
    "classifying",
    "embedding",
    "merging",
    "undoing",
    "reading",
    "evaluating",
    "recovering",
    "describing",
    "explaining",
}
FACES = {"cli"}

MAY_IMPORT = (
    dict.fromkeys(BASE, BASE)
    | {name: BASE | {name} for name in MIDDLE}
    | {name: BASE | MIDDLE | {name} for name in USE_CASES}
    | {name: BASE | MIDDLE | USE_CASES | {name} for name in FACES}
)


def imports(source: str) -> set[str]:
    """Names of tagroll's own parts that a module imports, at any depth in its code."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            found.add("a relative import")
        elif isinstance(node, ast.ImportFrom) and node.module == "tagroll":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tagroll."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("tagroll.")}
    return found - {"__version__"}


MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.name not in ("__init__.py", "__main__.py")
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert part in MAY_IMPORT, f"{part} has no place in the layers yet"
    wrong = imports(path.read_text(encoding="utf-8")) - MAY_IMPORT[part]
    assert not wrong, f"{part} must not know {sorted(wrong)}"


def test_the_reader_of_imports_sees_every_form() -> None:
    source = """
import tagroll.scan
from tagroll import domain
def f():
    from tagroll.metadata.store import x
from . import y
"""
    assert imports(source) == {"scan", "domain", "metadata", "a relative import"}
