"""The layers of docs/explanation/architecture.md, kept by reading every import."""

import ast
from pathlib import Path

import pytest

import tagroll

PACKAGE = Path(tagroll.__file__).parent

GROUND = {"domain", "errors", "formats", "settings", "parallel"}
ABOVE = [{"exiftool", "tags"}, {"photos", "models", "metadata", "catalog"}, {"runs"}, {"cli"}]

MAY_IMPORT = dict.fromkeys(GROUND, GROUND)
below = set(GROUND)
for layer in ABOVE:
    MAY_IMPORT |= {name: below | {name} for name in layer}
    below |= layer


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
import tagroll.photos.scan
from tagroll import domain
def f():
    from tagroll.metadata.store import x
from . import y
"""
    assert imports(source) == {"photos", "domain", "metadata", "a relative import"}
