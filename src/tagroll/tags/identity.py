"""Whether two texts are the same tag: the one answer for all of tagroll.

Whatever looser likeness there is (spelling, plural, meaning) is for `dedupe` to propose and a person to decide.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

LEVEL = "|"
"""Between the levels of a hierarchical tag."""

STAND_INS = {"/": "\u2215", LEVEL: "\u2223", ";": "\u037e"}
"""Characters that look like a separator and are none, for the fields where it would split a name."""

_SAME = str.maketrans({STAND_INS["/"]: "/", STAND_INS[";"]: ";"})


@lru_cache(maxsize=1 << 14)
def identity(tag: str) -> str:
    """Two tags with one identity are the same tag: equal but for Unicode form, letter case, blanks and stand-ins.

    Forms that only look alike (NFKC: full width, ligatures) are tags of their own, and so are "Maße" and "Masse":
    of case folding (Unicode 16, 5.18) counts what makes one letter of one, like the final sigma.
    """
    if not tag.isascii():
        tag = unicodedata.normalize("NFC", tag).translate(_SAME)
        tag = unicodedata.normalize("NFC", "".join(map(_lower, tag)))
    return " ".join(tag.lower().split())


def identities(tags: Iterable[str]) -> set[str]:
    """The identities of these tags."""
    return set(map(identity, tags))


def without(tags: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """Those of the tags that are none of the others."""
    known = identities(others)
    return tuple(tag for tag in tags if identity(tag) not in known)


def word_of(tag: str) -> str:
    """The identity of the word that a tag ends in: that of a model, wherever in a tree it stands."""
    return identity(tag.rsplit(LEVEL, maxsplit=1)[-1])


def _lower(letter: str) -> str:
    return folded if len(folded := letter.casefold()) == 1 else letter.lower()
