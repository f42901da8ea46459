"""A person's own vocabulary: a text file with one preferred term a line, as Lightroom exports keywords."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tagroll.tags.hierarchy import only_paths
from tagroll.tags.identity import LEVEL, identity

_SYNONYM = re.compile(r"\{([^{}]*)\}")
_COMMENT = re.compile(r"(?:^|\s+)# .*")
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

    @property
    def names(self) -> Iterator[str]:
        """Every term and synonym."""
        for term, synonyms in self.terms.items():
            yield from (term, *synonyms)


def read_vocabulary(text: str) -> Vocabulary:
    """Read a vocabulary.

    A deeper indentation (tabs or blanks) puts a term under the one before; so does a line that is a path
    ("Places|Italy"). Synonyms stand in {braces}, on the line of their term or on lines below it. A term in [brackets]
    is a heading: a level of paths that is no tag of its own. "#" and a blank begin a comment. Of a term that stands in
    two places the first place counts.
    """
    synonyms: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    levels: list[tuple[int, str]] = []
    for line in text.splitlines():
        said = _COMMENT.sub("", line.expandtabs(_TAB))
        name = " ".join(_SYNONYM.sub(" ", said).split())
        is_heading = name.startswith("[") and name.endswith("]")
        name = name[1:-1] if is_heading else name
        own = [level for one in name.split(LEVEL) if (level := one.strip())]
        if own:
            indent = len(said) - len(said.lstrip())
            while levels and levels[-1][0] >= indent:
                levels.pop()
            levels.append((indent, LEVEL.join([*(path for _, path in levels[-1:]), *own])))
            if not is_heading:
                paths.setdefault(own[-1], levels[-1][1])
                synonyms.setdefault(own[-1], [])
        if levels and (last := levels[-1][1].rpartition(LEVEL)[2]) in synonyms:
            synonyms[last] += (s for found in _SYNONYM.findall(said) if (s := " ".join(found.split())))
    return Vocabulary({term: tuple(dict.fromkeys(s)) for term, s in synonyms.items()}, paths)


def vocabulary_text(vocabulary: Vocabulary, notes: Mapping[str, str]) -> str:
    """A vocabulary as a file that says it (see `read_vocabulary`), in the order of the alphabet.

    Args:
        vocabulary: Its terms and synonyms must be such as a line can say (see `can_be_written`).
        notes: Term or synonym -> what stands behind it as a comment.
    """
    term_at = {path: term for term, path in vocabulary.paths.items()}
    lines = []
    for levels in sorted(_with_those_above(vocabulary.paths.values()), key=_alphabet):
        indent, name = " " * _TAB * (len(levels) - 1), levels[-1]
        if (term := term_at.get(LEVEL.join(levels))) is None:
            lines.append(f"{indent}[{name}]")
            continue
        lines.append(f"{indent}{term}{_comment(notes, term)}")
        below = indent + " " * _TAB
        lines += (f"{below}{{{one}}}{_comment(notes, one)}" for one in vocabulary.terms[term])
    return "".join(f"{line}\n" for line in lines)


def _with_those_above(paths: Iterable[str]) -> set[tuple[str, ...]]:
    levels = [tuple(path.split(LEVEL)) for path in paths]
    return {one[:depth] for one in levels for depth in range(1, len(one) + 1)}


def _alphabet(levels: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(level.casefold(), level) for level in levels]


def _comment(notes: Mapping[str, str], name: str) -> str:
    return f"  # {notes[name]}" if name in notes else ""


def can_be_written(word: str) -> bool:
    """Whether a line of a vocabulary can say a word, as a term and as a synonym."""
    found = read_vocabulary(f"{word} {{{word}}}")
    return found.terms == {word: (word,)} and found.paths == {word: word}


def library_vocabulary(counts: Mapping[str, int]) -> Vocabulary:
    """The words of a library as a vocabulary: every level of every tag, those on most photos first.

    A word that stands in one place of a tree alone has this path, any other is flat. Of spellings that are one tag, the
    one in that path is the term, else the one on most photos.

    Args:
        counts: Tag -> how many photos carry it.
    """
    spellings: dict[str, Counter[str]] = {}
    for tag, count in counts.items():
        for level in tag.split(LEVEL):
            spellings.setdefault(identity(level), Counter())[level] += count
    only = only_paths(tag for tag in counts if LEVEL in tag)
    at_root = {identity(root): root for path in only.values() if (root := path.partition(LEVEL)[0])}
    paths = {}
    for name, spelled in sorted(spellings.items(), key=lambda item: (-item[1].total(), item[0])):
        path = only.get(name) or at_root.get(name) or max(sorted(spelled), key=spelled.__getitem__)
        paths[path.rpartition(LEVEL)[2]] = path
    return Vocabulary(dict.fromkeys(paths, ()), paths)
