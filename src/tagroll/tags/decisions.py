"""What a person decided about tags, and the vocabulary they keep."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tagroll.tags.lexical_key import key
from tagroll.tags.verdict import Evidence


@dataclass(frozen=True)
class Decisions:
    """Remembered decisions; they win over every rule.

    Attributes:
        apart: Pairs of tags that must not become one.
        into: Tag -> the word it becomes, whatever the rules say.
        preferred: Words that represent their cluster whenever they are in it.
        vocabulary: Preferred term -> its synonyms, from a vocabulary file; terms are never merged with each
            other.
    """

    apart: frozenset[frozenset[str]] = frozenset()
    into: Mapping[str, str] = field(default_factory=dict)
    preferred: frozenset[str] = frozenset()
    vocabulary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def _term_of(self, tag: str) -> str:
        """The term of the vocabulary a tag belongs to, or ""."""
        if tag in self.vocabulary:
            return tag
        return self._by_key.get(key(tag), "") if self.vocabulary else ""

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.into.values())

    @cached_property
    def _by_key(self) -> dict[str, str]:
        names = ((key(name), term) for term, more in self.vocabulary.items() for name in (term, *more))
        found: dict[str, str] = {}
        for name, term in names:
            found.setdefault(name, term)
        return found

    def target(self, tag: str) -> str:
        """The word a tag has to become, or "" where nobody said."""
        return self._term_of(tag) or self.into.get(tag, "") or (tag if tag in self._words else "")

    def keeps_apart(self, a: str, b: str) -> bool:
        """Whether a person or the vocabulary keeps two tags apart."""
        first, second = self._term_of(a), self._term_of(b)
        if first and second:
            return first != second
        return frozenset((a, b)) in self.apart or bool(
            (one := self.target(a)) and (other := self.target(b)) and one != other
        )

    def joins(self, a: str, b: str) -> Evidence | None:
        """What makes two tags one, where a person or the vocabulary said so."""
        if (first := self._term_of(a)) and first == self._term_of(b):
            return Evidence.VOCABULARY
        if (one := self.target(a)) and one == self.target(b):
            return Evidence.DECISION
        return None

    def prefers(self, tag: str) -> bool:
        """Whether a tag represents its cluster."""
        return tag in self.vocabulary or tag in self.preferred or tag in self._words

    def buckets(self, tag: str) -> Iterator[str]:
        """Under which name a tag meets those it is joined with."""
        if target := self.target(tag):
            yield f"! {target}"

    def has_conflict(self, tags: Collection[str]) -> bool:
        """Whether some two of many tags have to stay apart."""
        there = set(tags)
        return len({self.target(tag) for tag in there} - {""}) > 1 or any(
            pair <= there for pair in self.apart
        )

    def complete(self, tags: Mapping[str, int]) -> dict[str, int]:
        """The tags and, with no photos, the words they have to become and the tags that have become them.

        A tag that is gone speaks on for the word in its place: what was kept away from it stays away, and a
        second run sees what the first one saw.
        """
        found = dict(tags)
        while more := self._around(found):
            found |= dict.fromkeys(sorted(more), 0)
        return found

    def _around(self, tags: Mapping[str, int]) -> set[str]:
        targets = {self.target(tag) for tag in tags}
        gone = {tag for tag, word in self.into.items() if word in tags}
        return (targets | gone) - set(tags) - {""}
