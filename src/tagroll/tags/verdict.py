"""Whether two tags become one: the first rule that knows decides."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from tagroll.tags.lexicon import lexicon
from tagroll.tags.synonyms import is_compound, is_typo, same_everyday, same_meaning, same_spelling
from tagroll.tags.term import Term, differing
from tagroll.tags.vetoes import related, veto


class Evidence(StrEnum):
    """Why two tags become one, the strongest first."""

    VOCABULARY = "vocabulary"
    DECISION = "decision"
    SPELLING = "spelling"
    SYNONYM = "synonym"
    SEMANTIC = "semantic"

    @property
    def rank(self) -> int:
        """0 is the strongest."""
        return list(Evidence).index(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of two tags.

    Attributes:
        evidence: Why they become one; None where they do not.
        never: Why they must stay apart, even in one cluster with others; "" where they need not.
        open: Whether the rules have no opinion, so that an embedding may decide.
    """

    evidence: Evidence | None = None
    never: str = ""
    open: bool = False


def _one_modifier(a: Term, b: Term) -> bool:
    """Whether two tags differ in words that a dictionary knows, and so say two different things.

    Embeddings cannot tell these: old house and ancient house come as close as open door and closed door.
    """
    words = lexicon()
    only_a, only_b = differing(a, b)
    if len(only_a) == len(only_b) == 1:
        return True
    return bool(words.main_meanings(a.key)) and bool(words.main_meanings(b.key))


@cache
def judge(a: Term, b: Term) -> Verdict:
    """Judge two tags by spelling, vetoes and dictionaries."""
    if same_spelling(a, b):
        return Verdict(Evidence.SPELLING)
    if same_everyday(a, b):
        return Verdict(Evidence.SYNONYM)
    why = "color" if is_compound(a, b) else veto(a, b)
    if not why and same_meaning(a, b):
        return Verdict(Evidence.SYNONYM)
    if why := why or related(a, b):
        return Verdict(never=why)
    if is_typo(a, b):
        return Verdict(Evidence.SPELLING)
    return Verdict(open=not _one_modifier(a, b))
