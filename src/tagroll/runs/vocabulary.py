"""The words of a library as a vocabulary that a person edits: with counts, likely synonyms and a tree."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tagroll.catalog import Catalog
from tagroll.domain import plural
from tagroll.metadata.files.documents import check_free, write_document
from tagroll.runs.merge import as_paths, decisions_for
from tagroll.runs.rewrite import Library
from tagroll.tags.identity import LEVEL, identity
from tagroll.tags.merge import plan_merges
from tagroll.tags.vocabulary import Vocabulary, can_be_written, library_vocabulary, vocabulary_text

_HEAD = """\
# Your words, one a line, with the number of photos. Change what you like, then:
#   tagroll tag PATH --vocabulary THIS_FILE
# {in braces}: another word for the one above. Further in: lies under it. [in brackets]: a heading that is no tag itself.
# Nothing that follows a "#" and a blank is read.

"""


@dataclass(frozen=True, slots=True)
class LibraryWords:
    """The words of a library, as a file would say them.

    Attributes:
        vocabulary: The words, with likely synonyms.
        counts: Word -> how many photos carry it.
        notes: Word -> what a person should know of it.
        unsaid: Words that no line of such a file can say.
    """

    vocabulary: Vocabulary
    counts: Mapping[str, int]
    notes: Mapping[str, str]
    unsaid: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The file."""
        lost = "".join(f"# no line can say: {word!r}\n" for word in self.unsaid)
        return _HEAD + vocabulary_text(self.vocabulary, self.notes) + lost

    def rows(self) -> dict[str, dict[str, object]]:
        """The same for programs."""
        words = self.vocabulary
        return {
            term: {"path": words.paths[term], "synonyms": list(synonyms), "photos": self.counts.get(term, 0)}
            for term, synonyms in words.terms.items()
        }


def library_words(library: Library, catalog: Catalog, *, nest: bool = True) -> LibraryWords:
    """The words of a library. One that stands in a tree stays there; a flat one may be a synonym, or lie under another.

    Args:
        library: It was read.
        catalog: Knows what a person decided.
        nest: Put flat words under others where that is likely.
    """
    found = library_vocabulary(library.counts)
    counts = {term: library.words[identity(term)] for term in found.terms}
    tree = {level for path in found.paths.values() if LEVEL in path for level in path.split(LEVEL)}
    decisions = replace(decisions_for(catalog, Vocabulary()), preferred=frozenset(tree))
    synonyms = {m.tag: m for m in plan_merges(counts, decisions=decisions).merges if m.tag not in tree}
    flat = [term for term in found.terms if term not in tree and term not in synonyms]
    standing = Vocabulary({}, {term: path for term, path in found.paths.items() if term in tree})
    placed = as_paths({}, flat, standing, decisions.apart) if nest else {}
    paths = {**standing.paths, **{term: placed.get(term, term) for term in flat}}
    sayable = {term: path for term, path in paths.items() if all(map(can_be_written, path.split(LEVEL)))}
    more = {m.tag: m.into for m in synonyms.values() if m.into in sayable and can_be_written(m.tag)}
    notes = {term: plural(counts[term], "photo") for term in (*sayable, *more)}
    notes |= {term: f"{notes[term]}, place proposed" for term in placed if term in sayable}
    notes |= {term: f"{notes[term]}, {synonyms[term].evidence}" for term in more}
    terms = {term: tuple(sorted(tag for tag, into in more.items() if into == term)) for term in sayable}
    unsaid = tuple(term for term in found.terms if term not in sayable and term not in more)
    return LibraryWords(Vocabulary(terms, sayable), counts, notes, unsaid)


def check_new(path: Path) -> None:
    """See that a vocabulary can be written there: none is replaced, as a person has edited it.

    Raises:
        UsageError: It cannot.
    """
    check_free(path, None)


def write_vocabulary(path: Path, words: LibraryWords) -> None:
    """Write a vocabulary for a person to edit.

    Raises:
        UsageError: It cannot be written there.
    """
    write_document(path, words.text, None)
