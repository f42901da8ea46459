"""Whether two tags become one: the first rule that knows decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from tagroll.tags.lexicon import lexicon
from tagroll.tags.phrasing import same_phrasing
from tagroll.tags.synonyms import (
    is_adjective_and_plural,
    is_compound,
    is_typo,
    same_everyday,
    same_meaning,
    same_spelling,
)
from tagroll.tags.term import Term, differing
from tagroll.tags.vetoes import related, veto


class Evidence(StrEnum):
    """Why two tags become one, the strongest first."""

    VOCABULARY = "vocabulary"
    DECISION = "decision"
    SPELLING = "spelling"
    SYNONYM = "synonym"
    PHRASING = "phrasing"
    TRANSLATION = "translation"
    SEMANTIC = "semantic"
    MODEL = "model"

    @property
    def rank(self) -> int:
        """0 is the strongest."""
        return list(Evidence).index(self)

    @property
    def certainty(self) -> float:
        """How likely it is right, 0 to 1: of rules as measured, of the others a cautious guess."""
        return _CERTAINTY.get(self, 1.0)


_CERTAINTY = {
    Evidence.SYNONYM: 0.99,
    Evidence.PHRASING: 0.97,
    Evidence.TRANSLATION: 0.9,
    Evidence.SEMANTIC: 0.6,
    Evidence.MODEL: 0.8,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of two tags.

    Attributes:
        evidence: Why they become one; None where they do not.
        never: Why they must stay apart, even in one cluster with others; "" where they need not.
        open: Whether the rules have no opinion, so that an embedding may decide.
        is_doubtful: Whether a judge may know better than `never`: blue sky lies under sky, outdoor scene is outdoor.
    """

    evidence: Evidence | None = None
    never: str = ""
    open: bool = False
    is_doubtful: bool = False


_SHORT = 3
"""Letters of a word that says nothing to an embedding (an abbreviation)."""


@cache
def is_unknown(word: str) -> bool:
    """Whether no dictionary knows a word, so that an embedding may tell what it means."""
    words = lexicon()
    return len(word) > _SHORT and word.isalpha() and word not in words.known and word not in words.meanings


def _is_open(a: Term, b: Term) -> bool:
    """Whether two tags are a phrase with one word exchanged, and no dictionary knows one of the two.

    Of words that it knows, an embedding cannot tell whether they mean two things: old house and ancient house come as
    close as open door and closed door. Nor can it where more differs (sunset at night, sunset by day).
    """
    only_a, only_b = differing(a, b)
    exchanged = len(only_a) == len(only_b) == 1 and len(a.words) == len(b.words) > 1
    return exchanged and any(map(is_unknown, (*only_a, *only_b)))


def exchanges(t: Term) -> Iterator[tuple[tuple[str, ...], bool]]:
    """What is left of a phrase without one of its words, in order of the alphabet, and whether that word is unknown.

    Two tags are open only where they share such a rest and one of the words is unknown.
    """
    for i, word in enumerate(t.words):
        if len(t.words) > 1:
            yield tuple(sorted(t.words[:i] + t.words[i + 1 :])), is_unknown(word)


_WRITTEN = ((same_spelling, Evidence.SPELLING), (same_everyday, Evidence.SYNONYM))
"""Rules that no veto stops."""
_MEANT = ((same_meaning, Evidence.SYNONYM), (same_phrasing, Evidence.PHRASING))


@cache
def judge(a: Term, b: Term) -> Verdict:
    """Judge two tags by spelling, vetoes, dictionaries and phrasing."""
    never = "adjective" if is_adjective_and_plural(a, b) else ""
    found = None if never else next((evidence for same, evidence in _WRITTEN if same(a, b)), None)
    if found is None:
        never = never or ("color" if is_compound(a, b) else veto(a, b))
        found = None if never else next((evidence for same, evidence in _MEANT if same(a, b)), None)
    if found is not None:
        return Verdict(found)
    if never:
        return Verdict(never=never)
    if never := related(a, b):
        return Verdict(never=never, is_doubtful=True)
    return Verdict(Evidence.SPELLING) if is_typo(a, b) else Verdict(open=_is_open(a, b))
