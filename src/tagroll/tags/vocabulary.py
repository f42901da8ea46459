"""A person's own vocabulary: a text file with one preferred term a line, as Lightroom exports keywords."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tagroll.tags.identity import LEVEL

_SYNONYM = re.compile(r"\{([^{}]*)\}")
_TAB = 4
"""Blanks that a tab stands for, where a file mixes the two."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a vocabulary file says.

    Attributes:
        terms: Preferred term -> its synonyms.
        paths: Preferred term -> its path with "|" between the levels; a term on the top level is its own path.
    """

    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)


def read_vocabulary(text: str) -> Vocabulary:
    """Read a vocabulary.

    A deeper indentation (tabs or blanks) puts a term under the one before. Synonyms stand in {braces}, on
    the line of their term or on lines below it. A term in [brackets] is a heading: a level of paths that is
    no tag of its own. Empty lines and lines that begin with "#" and a blank say nothing. Of a term that
    stands in two places the first place counts.
    """
    synonyms: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    levels: list[tuple[int, str]] = []
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("# "):
            continue
        indent = len(line.expandtabs(_TAB)) - len(line.expandtabs(_TAB).lstrip())
        name = " ".join(_SYNONYM.sub(" ", stripped).split())
        more = [s for found in _SYNONYM.findall(stripped) if (s := " ".join(found.split()))]
        if name:
            while levels and levels[-1][0] >= indent:
                levels.pop()
            is_heading = name.startswith("[") and name.endswith("]")
            name = name[1:-1].strip() if is_heading else name
            levels.append((indent, name))
            if not is_heading:
                paths.setdefault(name, LEVEL.join(level for _, level in levels))
                synonyms.setdefault(name, [])
        if levels and levels[-1][1] in synonyms:
            synonyms[levels[-1][1]] += more
    return Vocabulary({term: tuple(dict.fromkeys(s)) for term, s in synonyms.items()}, paths)
