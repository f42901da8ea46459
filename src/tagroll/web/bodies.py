"""What pages post: JSON whose parts are of the kinds that are expected, or refused."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from tagroll.errors import UsageError
from tagroll.runs.columns import text as as_text

_HINT = "Load the page again: it may be that of another version"


async def body(request: Request) -> dict[str, Any]:
    """The object that was posted.

    Raises:
        UsageError: It is none.
    """
    try:
        found = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise UsageError("what was sent is no JSON", _HINT) from error
    if not isinstance(found, dict):
        raise UsageError("what was sent is no object", _HINT)
    return found


def numbers(given: Mapping[str, Any], name: str) -> list[int]:
    """A list of numbers."""
    return _list(given, name, int)


def texts(given: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts."""
    return _list(given, name, str)


def text(given: Mapping[str, Any], name: str) -> str:
    """A text."""
    found: str = one(given, name, str)
    return found


def named_texts(given: Mapping[str, Any], name: str) -> dict[str, str]:
    """Texts by their names."""
    found = given.get(name, {})
    if not isinstance(found, dict):
        raise UsageError(f"{name} is not what is expected", _HINT)
    return {each: text(found, each) for each in found}


def objects(given: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects."""
    return _list(given, name, dict)


def one(given: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """A value of a kind.

    Raises:
        UsageError: It is not there, or of another kind.
    """
    found = given.get(name)
    is_half = isinstance(found, str) and as_text(found) != found  # of a character, as JSON can tell it
    if is_half or not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise UsageError(f"{name} is not what is expected", _HINT)
    return found


def _list(given: Mapping[str, Any], name: str, kind: type[Any]) -> list[Any]:
    found = given.get(name, [])
    if not isinstance(found, list):
        raise UsageError(f"{name} is not what is expected", _HINT)
    return [one({name: value}, name, kind) for value in found]
