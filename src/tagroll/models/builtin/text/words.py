"""What follows from the text in a photo: tags, and no more of them than is sure."""

import re
from collections.abc import Sequence

_DATE = re.compile(r"\W*\d{1,4}([./\-' ]{1,2}\d{1,4}){1,2}(\s+\d{1,2}:\d{2}(:\d{2})?)?\W*")
"""What cameras burn into pictures: 07.15.2006, '98 3 21, 2009/05/01 12:30."""
STOP_SIGN, TEXT_TAG = "stop sign", "text"
LEAST_SIGNS = 3
"""Letters and digits of a line that is worth the tag "text"."""


def is_date_stamp(line: str) -> bool:
    """Whether a line is a date, as cameras burn it in."""
    return bool(_DATE.fullmatch(line))


def telling(lines: Sequence[str]) -> list[str]:
    """The lines that are worth a word: no date stamps, and no single letters."""
    return [line for line in lines if sum(map(str.isalnum, line)) >= LEAST_SIGNS and not is_date_stamp(line)]


def tags_of(lines: Sequence[str]) -> tuple[str, ...]:
    """The tags that follow from lines of text: "stop sign" of one that says so, "text" of any that is no date stamp."""
    words = telling(lines)
    stop = (STOP_SIGN,) if any(line.strip() == "STOP" for line in words) else ()
    return (*stop, TEXT_TAG) if words else ()
