"""Errors are told in one style: a message begins small, a hint with a capital, and neither ends in a full stop."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tagroll
from tagroll import errors

PACKAGE = Path(tagroll.__file__).parent
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {
    "WireError",
    "NotKeptError",
}
AS_IT_IS = re.compile(r"[A-Z][a-z]*[A-Z]|tagroll |exiftool|pip |--|\{|\W")
"""Names, commands, options, and what only a run knows."""


TREES = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be, {} for what is filled in."""
    if isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.Constant) and node.value:
        yield str(node.value)


def told(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """All messages and hints in a module, as far as they are written where the error is made."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KINDS:
            words = call.args[1:] if call.func.id == "WireError" else call.args
            yield from (
                (kind, text)
                for kind, word in zip(("message", "hint"), words, strict=False)
                for text in texts(word)
            )


def test_messages_and_hints_have_one_style() -> None:
    found = [(path, kind, text) for path, tree in TREES.items() for kind, text in told(tree)]
    assert len(found) > 250
    for path, kind, text in found:
        assert not text.endswith(".") or text.endswith("..."), f"{path}: {kind} with a full stop: {text}"
        begins = str.islower if kind == "message" else str.isupper
        assert AS_IT_IS.match(text) or begins(text[0]), f"{path}: {kind}: {text}"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Char 0x0 out of allowed range\n, line 47", "Char 0x0 out of allowed range, line 47"),
        ("Char 0x0 out of allowed range\\n, line 47", "Char 0x0 out of allowed range, line 47"),
        ("  two\r\nlines\tand a stop. ", "two lines and a stop"),
        ("\x1b[31mred\x07", "[31mred"),
        (ValueError("no\n\nway"), "no way"),
        ("x" * 500, "x" * 200),
        ("", ""),
    ],
)
def test_the_words_of_others_are_one_plain_line(words, told):
    assert errors.plainly(words) == told


def raw_words(tree: ast.Module) -> Iterator[int]:
    """The lines where a caught exception that is not ours goes into a message as it is."""
    for handler in ast.walk(tree):
        caught = ast.unparse(handler.type) if isinstance(handler, ast.ExceptHandler) and handler.type else ""
        names = set(re.findall(r"[\w.]+", caught))
        if not isinstance(handler, ast.ExceptHandler) or not names or names <= OURS:
            continue
        for call in ast.walk(handler):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KINDS:
                for part in ast.walk(call):
                    if isinstance(part, ast.FormattedValue) and ast.unparse(part.value) in {
                        handler.name,
                        f"str({handler.name})",
                    }:
                        yield part.lineno


OURS = {name for name in KINDS if name.endswith("Error")}


def test_no_message_has_the_words_of_others_as_they_are():
    assert [f"{path}:{line}" for path, tree in TREES.items() for line in raw_words(tree)] == []
