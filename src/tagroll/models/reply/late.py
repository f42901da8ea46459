"""Regular expressions that are compiled when they are first used: there are many, and a well-formed answer meets few of them."""

import re
from typing import Any, cast


class _Late:
    """Stands for a pattern. Its methods are looked up here once, and are the pattern's own from then on."""

    def __init__(self, text: str, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        method = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, method)
        return method


def late(text: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, later."""
    return cast("re.Pattern[str]", _Late(text, flags))
