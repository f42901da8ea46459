"""Which of a person's words a model's word is: the verdicts of merging, found through an index."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tagroll.tags.hierarchy import parent_of
from tagroll.tags.identity import identity
from tagroll.tags.synonyms import buckets, same_spelling
from tagroll.tags.term import Term, term
from tagroll.tags.verdict import Evidence, judge
from tagroll.tags.vocabulary import Vocabulary

_CROWD = 60
"""Most names of one bucket that are looked at; a fuller one (a single letter for all of Chinese) says nothing."""


@dataclass(frozen=True, slots=True)
class Match:
    """A word of a person, and why it is meant.

    Attributes:
        word: The term of the vocabulary.
        evidence: VOCABULARY where the vocabulary says the very word, as a term or a synonym, however it is written.
    """

    word: str
    evidence: Evidence


class WordIndex:
    """The words of a vocabulary, ready to be found. Safe to use from many threads.

    Args:
        vocabulary: Its terms in order; of two that are meant equally well the first one wins.
        apart: Pairs of tags that a person keeps apart.
    """

    def __init__(self, vocabulary: Vocabulary, apart: Iterable[Collection[str]] = ()) -> None:
        self._by_identity: dict[str, str] = {}
        self._by_key: dict[str, str] = {}
        self._buckets: dict[str, list[tuple[int, Term, str]]] = defaultdict(list)
        self._apart = frozenset(frozenset(map(identity, pair)) for pair in apart)
        self._adding = threading.Lock()
        for word in vocabulary.terms:  # each is itself, whatever it is a synonym of
            self._add(word, word)
        for word, synonyms in vocabulary.terms.items():
            for synonym in synonyms:
                self._add(synonym, word)

    def find(self, tag: str) -> Match | None:
        """The word that a tag is by what the vocabulary says, by spelling, or as a synonym; None where there is none.

        Rules and dictionaries decide as in merging: what they forbid, or have no opinion about, is no match.
        """
        if word := self._by_identity.get(identity(tag)):
            return Match(word, Evidence.VOCABULARY)
        meant = term(tag)
        if (word := self._by_key.get(meant.key)) and not self._keeps_apart(tag, word):
            return Match(word, Evidence.VOCABULARY)
        near = {bucket: self._buckets[bucket] for bucket in buckets(meant) if bucket in self._buckets}
        found = [
            (evidence.rank, not same_spelling(meant, name), number, Match(word, evidence))
            for names in near.values()
            for number, name, word in names[:_CROWD]
            if (evidence := judge(meant, name).evidence) and not self._keeps_apart(tag, word)
        ]
        return min(found, key=lambda one: one[:3])[3] if found else None

    def find_or_add(self, tag: str) -> str:
        """The word that a tag is; from now on the tag itself where there is none."""
        with self._adding:
            if match := self.find(tag):
                return match.word
            self._add(tag, tag)
            return tag

    def broader(self, tag: str) -> str | None:
        """The nearest word above a tag, which says too much for this vocabulary: a kind of it, or a closer description."""
        found = parent_of(term(tag), self._by_key)
        return found[0] if found and not self._keeps_apart(tag, found[0]) else None

    def _add(self, name: str, word: str) -> None:
        parts = term(name)
        number = len(self._by_identity)
        self._by_key.setdefault(parts.key, word)
        for bucket in set(buckets(parts)):
            self._buckets[bucket].append((number, parts, word))
        self._by_identity.setdefault(identity(name), word)  # last: other threads look here without the lock

    def _keeps_apart(self, tag: str, word: str) -> bool:
        return bool(self._apart) and frozenset(map(identity, (tag, word))) in self._apart
