"""File names from a model's words. A model is not trusted: whatever it says, the name is legal everywhere.

The rules are those of the strictest systems: Windows (reserved names and characters, no trailing dot or
space), macOS (names that differ only in case or normalisation are the same file), Linux (255 bytes).
"""

import re
import string
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Literal

from tagroll.errors import UsageError, plainly

Style = Literal["slug", "keep"]

MAX_BYTES = 120
"""Of a whole file name, in UTF-8: short enough for every disk, archive and cloud, and for a counter."""

_SUFFIX_BYTES = 16  # room for "-12345" and the longest suffix; both are added after the name is cut
_ILLEGAL = frozenset('<>:"/\\|?*')
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
)
_PICTURE_SUFFIX = re.compile(
    r"\.(jpe?g|png|webp|tiff?|gif|bmp|heic|heif|avif|json|raw|dng|cr[23]|nef|arw)$", re.IGNORECASE
)


def safe_stem(proposal: str, *, style: Style = "slug") -> str:
    """The part of a file name before its suffix, made of a model's proposal; "" when nothing usable is left.

    Args:
        proposal: Any text at all.
        style: "slug": lower case, words joined by hyphens. "keep": as it is, as far as it is legal.
    """
    text = unicodedata.normalize("NFC", proposal[:2000].strip())  # only the start can end up in the name
    text = _PICTURE_SUFFIX.sub("", text)
    if style == "slug":
        text = unicodedata.normalize("NFC", text.lower())
        text = "".join(c if _is_word(c) else "-" for c in text)
        text = re.sub(r"-{2,}", "-", text)
    else:
        text = "".join(" " if c in _ILLEGAL or not c.isprintable() else c for c in text)
        text = " ".join(text.split())
    text = _cut(text, MAX_BYTES - _SUFFIX_BYTES).strip(" .-_~")
    return f"photo-{text}" if text.split(".")[0].rstrip().casefold() in _RESERVED else text


def _is_word(character: str) -> bool:
    return character == "_" or unicodedata.category(character)[0] in "LMN"


def _cut(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, cut between characters, better between words."""
    if len(text.encode("utf-8", "replace")) <= limit:
        return text
    cut = text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
    words = re.split(r"[- ](?=[^- ]*$)", cut)
    return words[0] if len(words) == 2 and len(words[0]) > len(cut) // 2 else cut


def same_name(stem: str) -> str:
    """What two stems have in common that some file system takes for the same name."""
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", stem).casefold())


class Names:
    """Stems, each given once in a folder whatever the suffix: a photo never meets the JSON of another."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def add(self, stem: str) -> None:
        """Note a stem that is there already."""
        self._taken.add(same_name(stem))

    def take(self, stem: str) -> str:
        """The stem, or `stem-2`, `stem-3` ...: the first that is free. It is taken from now on.

        Args:
            stem: From `safe_stem`, not empty.
        """
        number = self._last.get(stem, 0)  # thousands may be called the same: no counting from 1 each time
        while True:
            number += 1
            candidate = stem if number == 1 else f"{stem}-{number}"
            if same_name(candidate) not in self._taken:
                break
        self._last[stem] = number
        self._taken.add(same_name(candidate))
        return candidate


class Undated:
    """Stands for a date that the photo does not have."""

    def __format__(self, spec: str) -> str:
        return "undated"


def fill_template(template: str, name: str, facts: Mapping[str, object]) -> str:
    """Put a name together: `{date:%Y-%m-%d}_{name}`.

    Args:
        template: With `{name}`, `{date}`, `{camera}`, `{counter}` and `{original}`.
        name: What the model proposes.
        facts: The other fields; `date` is a datetime, or Undated().

    Raises:
        UsageError: The template has other fields, or is not one.
    """
    try:
        return string.Formatter().vformat(template, (), {"name": name, **facts})
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f"the name template {template!r} cannot be filled: {plainly(error)}",
            "Fields are {name}, {date:%Y-%m-%d}, {camera}, {counter:04d} and {original}",
        ) from error


def check_template(template: str) -> None:
    """Try a template before the first photo.

    Raises:
        UsageError: It cannot be filled, or it lacks {name} and {counter} and {original}, so that all photos
            would be called the same.
    """
    local = datetime(2000, 1, 1)  # noqa: DTZ001 - cameras tell local time
    facts = {"date": local, "camera": "x", "counter": 1, "original": "x"}
    fill_template(template, "x", facts)
    fields = {field for _, field, _, _ in string.Formatter().parse(template) if field}
    if any(not field.isidentifier() for field in fields):
        raise UsageError(f"the name template {template!r} reaches into a field", "Use the plain field names")
    if not fields & {"name", "counter", "original"}:
        raise UsageError(
            f"the name template {template!r} gives every photo the same name", "Put {name} into it"
        )


def suffix_of(path: PurePath) -> str:
    """The copy's suffix: the photo's own when it is plain ASCII letters and digits, else none."""
    suffix = path.suffix
    return suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ""
