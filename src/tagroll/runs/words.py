"""A person's words while tagging: what a model's words are called, which are dropped, which are always there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from tagroll.catalog import Catalog
from tagroll.errors import UsageError, plainly
from tagroll.models.prompt import Wordlist
from tagroll.runs.rewrite import check_words
from tagroll.settings import Case
from tagroll.tags.hierarchy import only_paths
from tagroll.tags.identity import LEVEL, identities, identity
from tagroll.tags.normalize import is_visible, normalize
from tagroll.tags.verdict import Evidence
from tagroll.tags.vocabulary import Vocabulary, library_vocabulary, read_vocabulary
from tagroll.tags.word_index import WordIndex

__all__ = ["LIBRARY", "Placed", "Vocabulary", "WordRequest", "Words", "read_vocabulary_file", "words_in"]

LIBRARY: Final = "library"
"""In the place of a vocabulary: the words that photos carry."""


def read_vocabulary_file(path: Path) -> Vocabulary:
    """The vocabulary in a file (see `read_vocabulary`).

    Raises:
        UsageError: It cannot be read, or has a word that cannot be a tag.
    """
    try:
        found = read_vocabulary(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {plainly(error)}", "Save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {plainly(error)}") from error
    check_words(found.paths.values())
    return found


def words_in(texts: Iterable[str]) -> Vocabulary:
    """The words that an option names: each one itself ("Trips|Italy" is a path), or a file of them.

    Raises:
        UsageError: A file cannot be read, or a word cannot be a tag.
    """
    terms: dict[str, tuple[str, ...]] = {}
    paths: dict[str, str] = {}
    for text in texts:
        if _is_file(text):
            found = read_vocabulary_file(Path(text))
        else:
            check_words([text])
            last = text.rpartition(LEVEL)[2]
            found = Vocabulary({last: ()}, {last: text})
        terms = {**terms, **found.terms}
        paths = {**paths, **found.paths}
    return Vocabulary(terms, paths)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # too long for a name
        return False


@dataclass(frozen=True, slots=True)
class Placed:
    """What keywords become.

    Attributes:
        tags: In the order of the keywords; what is always given stands first.
        unlisted: What was dropped, as it is not on the list.
    """

    tags: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Words:
    """What a model's words are called in a library. Safe to use from many threads.

    Attributes:
        index: The person's words; None: any word will do.
        strict: Drop what is none of them, and lies under none of them.
        grows: A new word is one of them from then on.
        banned: What is never given, however it is spelled.
        required: What is always given.
        preferred: What a tag (by identity) is called.
        paths: Where in a tree a tag (by identity) stands, if it does.
        whole: Identities of texts in which a comma stays.
    """

    index: WordIndex | None = None
    strict: bool = False
    grows: bool = False
    banned: WordIndex | None = None
    required: tuple[str, ...] = ()
    preferred: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()

    def of(self, keywords: Iterable[str], case: Case, limit: int) -> Placed:
        """The tags that these keywords of a model become, at most so many, and before them what is always given."""
        placed = self.named((*self.required, *normalize(keywords, case=case, whole=self._whole)))
        return Placed(placed.tags[: len(self.required) + limit], placed.unlisted)

    def named(self, tags: Iterable[str]) -> Placed:
        """These tags as they are called here, without those that are not wanted."""
        words: dict[str, str] = {}
        unlisted: list[str] = []
        for tag in tags:
            if identity(tag) in self._always:
                words[identity(tag)] = self._always[identity(tag)]
            elif (word := self._word(tag)) is None:
                unlisted.append(tag)
            elif not self.is_banned(word):
                words.setdefault(identity(word), word)
        return Placed(tuple(words.values()), tuple(unlisted))

    @cached_property
    def _always(self) -> dict[str, str]:
        return {identity(tag): tag for tag in self.required}

    @cached_property
    def _whole(self) -> frozenset[str]:
        """Once for all photos: there may be tens of thousands."""
        return self.whole.union(identities((*self.preferred, *self.paths)))

    def _word(self, tag: str) -> str | None:
        """What a tag is called; None where it is dropped. What the list says itself wins over what was decided."""
        if self.index is None:
            return self.preferred.get(identity(tag), tag)
        match = self.index.find(tag)
        if match and match.evidence is Evidence.VOCABULARY:
            return match.word
        if decided := self.preferred.get(identity(tag)):
            tag, match = decided, self.index.find(decided)
        if match:
            return match.word
        if self.grows:
            return self.index.find_or_add(tag)
        return self._broader(self.index, tag) if self.strict else tag

    def _broader(self, index: WordIndex, tag: str) -> str | None:
        """The nearest word of the list that a tag lies under: in the library's tree, else by what the words mean."""
        *above, _ = self.paths.get(identity(tag), tag).split(LEVEL)
        listed = (match.word for level in reversed(above) if (match := index.find(level)))
        return next(listed, None) or index.broader(tag)

    def is_banned(self, word: str) -> bool:
        """Whether this is never to be given."""
        match = self.banned.find(word) if self.banned else None
        return match is not None and match.evidence is not Evidence.SYNONYM


@dataclass(frozen=True, slots=True)
class WordRequest:
    """What a person says of the words.

    Attributes:
        vocabulary: Their words; LIBRARY for those that photos carry; None for any.
        strict: Drop what is not among them.
        banned: Words that are never given.
        required: Words that are always given.
    """

    vocabulary: Vocabulary | Literal["library"] | None = None
    strict: bool = False
    banned: Vocabulary = field(default_factory=Vocabulary)
    required: Vocabulary = field(default_factory=Vocabulary)

    @property
    def said(self) -> Vocabulary:
        """The words that the person named one by one: none for those of a library."""
        return self.vocabulary if isinstance(self.vocabulary, Vocabulary) else Vocabulary()

    @property
    def wordlist(self) -> Wordlist:
        """What a model is told. The words of a library are not: they grow, and all photos would be asked about anew."""
        return Wordlist(tuple(self.said.terms), self.strict)

    def words(self, catalog: Catalog) -> Words:
        """What words are called in the library that this catalog knows."""
        merges = catalog.decisions.merges()
        agreed = {tag: merges.get(word, word) for tag, word in catalog.decisions.agreed().items()}
        return self.words_among(
            agreed | merges, catalog.photos.paths(), catalog.decisions.kept_apart(),
            catalog.photos.words() if self.vocabulary == LIBRARY else {},
        )  # fmt: skip

    def words_among(
        self,
        merges: Mapping[str, str],
        paths: Iterable[str],
        apart: Iterable[frozenset[str]] = (),
        counts: Mapping[str, int] | None = None,
    ) -> Words:
        """What words are called in a library.

        Args:
            merges: Tag -> what it is called in this library. A path is no word that a model's word becomes.
            paths: The hierarchical tags of this library: a word that has one place among them goes there.
            apart: Pairs of tags that a person keeps apart.
            counts: Tag -> how many photos carry it.
        """
        listed = self.vocabulary
        if listed == LIBRARY:
            listed = library_vocabulary({tag: n for tag, n in (counts or {}).items() if is_visible(tag)})
        trees = (self.required.paths, listed.paths if listed else {})
        placed = {identity(term): path for tree in trees for term, path in tree.items() if LEVEL in path}
        return Words(
            WordIndex(listed, apart) if listed else None,
            strict=self.strict,
            grows=self.vocabulary == LIBRARY and not self.strict,
            banned=WordIndex(self.banned) if self.banned.terms else None,
            required=tuple(self.required.terms),
            preferred={identity(tag): word for tag, word in merges.items() if LEVEL not in word},
            paths=only_paths(paths) | placed,
            whole=frozenset(identities(listed.names if listed else ())),
        )
