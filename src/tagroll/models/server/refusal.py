"""What a server means when it does not answer: its status and its words, sorted by what to do about it."""

import re
from collections.abc import Iterator
from enum import Enum, auto


class Refusal(Enum):
    """Why there is no answer."""

    KEY = auto()  # it wants an API key, or another one
    MODEL = auto()  # it has no such model, or none loaded
    BLIND = auto()  # the model takes no pictures
    CONTEXT = auto()  # picture and prompt do not fit into its context
    BROKEN = auto()  # something went wrong inside; the next try may work
    OTHER = auto()


SWITCHES = {
    "effort": re.compile(r"reasoning|effort|\bthink(ing)?\b"),
    "template": re.compile(r"template|enable_thinking|kwargs"),
    "schema": re.compile(r"response_format|json_?(schema|object)|schema|grammar|structured|guided"),
}
"""The optional parts of a request, the one that is missed least first, and the words that refuse them."""

_NOT = (
    r"(not? (support|accept|available|enabled|allow|a\b)|n't (support|accept|allow)|"
    r"unsupported|without|missing|at most 0)"
)
_EYES = r"(image|vision|multi-?modal|mmproj|picture)"
_BLIND = re.compile(rf"{_EYES}.*{_NOT}|{_NOT}.*{_EYES}")
_CONTEXT = re.compile(r"context|n_ctx|too (long|many tokens)|max_model_len|exceed\w* .*tokens")
_MODEL = re.compile(r"\bmodels?\b")
_PASSING = re.compile(
    r"\bcrash(ed|es)?\b|\bunload(ed|ing)\b|\bterminated\b|\bstopped\b|\bexited\b|\bkilled\b|\beof\b|out of memory|\boom\b"
    r"|fail(ed|ure) to (load|start)( the| a)? (\w+ )?(model|runner|engine|llm)|\bload(ing)?( of)? (the )?model\b.*(fail|cancel)"
    r"|no models? (is |are )?(currently )?loaded|not (yet )?(loaded|ready)|is loading|loading model|\brestart|shutting down"
)
"""What servers say while they are down for a moment: words of outages in their threads and logs."""


def why_refused(status: int, words: str) -> Refusal:
    """Sort a refusal.

    Args:
        status: HTTP status; an error that came with 200 counts as 400.
        words: The server's own, any case.
    """
    said = words.lower()
    if status in {401, 403}:
        return Refusal.KEY
    if _BLIND.search(said):
        return Refusal.BLIND
    if _CONTEXT.search(said):
        return Refusal.CONTEXT
    if status == 404 or (_MODEL.search(said) and re.search(r"not (found|loaded|exist)|no models?\b", said)):
        return Refusal.MODEL
    return Refusal.BROKEN if status >= 500 or status in {408, 409} else Refusal.OTHER


def may_pass(words: str) -> bool:
    """Whether the server's words speak of something that passes: a crash, a model that is loaded again."""
    return bool(_PASSING.search(words.lower()))


def refused_switches(words: str, on: frozenset[str]) -> frozenset[str]:
    """Which optional parts of the request the server's words name, of those that are on."""
    return frozenset(name for name in on if SWITCHES[name].search(words.lower()))


def fewer_switches(on: frozenset[str]) -> Iterator[frozenset[str]]:
    """What to try when nothing is named: without each one, with the schema alone, without any."""
    for name in SWITCHES:
        if name in on:
            yield on - {name}
    if "schema" in on and len(on) > 2:
        yield frozenset({"schema"})
    if len(on) > 1:
        yield frozenset()
