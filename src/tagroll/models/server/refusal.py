"""What a server means when it does not answer: its status and its words, sorted by what to do about it.

The words are rules, not sentences: what is talked about, and what is said of it.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto

from tagroll.models.reply.late import late
from tagroll.models.server.http import REDIRECTS, Answer


class Refusal(Enum):
    """Why there is no answer."""

    KEY = auto()  # it rejected the API key, or forbids this for another reason
    PAYMENT = auto()  # the account is empty
    FLAGGED = auto()  # somebody thinks that this picture must not be shown
    ADDRESS = auto()  # there is no such endpoint at this URL
    MODEL = auto()  # it has no such model, or none loaded
    BLIND = auto()  # the model takes no pictures
    CONTEXT = auto()  # picture and prompt do not fit into its context
    SIZE = auto()  # the request has too many bytes
    BROKEN = auto()  # something went wrong inside; the next try may work
    OTHER = auto()


CHANCES = "logprobs"
"""The part that only a check has: how likely other answers were."""
SWITCHES = {
    CHANCES: late(r"log_?probs?|log_?probabilit"),
    "effort": late(r"reasoning|effort|\bthink(ing)?\b"),
    "template": late(r"template|enable_thinking|kwargs"),
    "schema": late(r"response_format|json_?(schema|object)|schema|grammar|structured|guided"),
    "temperature": late(r"temperature"),
    "max_tokens": late(r"max_?(new_)?tokens"),
    "completion_tokens": late(r"max_?completion_?tokens"),
}
"""The optional parts of a request, the one that is missed least first, and the words that refuse them."""
_EXTRAS = (CHANCES, "effort", "template", "schema")
_INSTEAD = {"completion_tokens": "max_tokens"}
"""Parts that are sent only when another one is off."""

_NOT = (
    r"(not? (support|accept|available|enabled|allow|a\b|valid)|n't (support|accept|allow)|"
    r"unsupported|unrecogni[sz]ed|"
    r"unknown|unexpected|without|missing|at most 0|only|cannot|can't|unable to|not have|n't have|lacks|\bno )"
)
_EYES = r"(image|vision|multi-?modal|mmproj|picture)"
_BLIND = late(
    rf"{_EYES}.*{_NOT}|{_NOT}.*{_EYES}|\bno \w+( \w+)? .*\b(support|accept|handle|take)\w* .*{_EYES}"
    r"|\bcontent\b.*\b(must|should|expect\w*|has to|needs? to|only)\b.*\b(str|string|text)\b"
    r"|\bonly\b.{0,20}\btext\b|\btext\W+only\b|\bexpected\b\W*(an? )?\W*(str|string|text)\b|\bstr(ing)? type expected\b"
)
_CONTEXT = late(
    r"context[ _-]?(length|size|window|limit)|\b(n|num)_ctx\b|kv.?cache\b.*\b(full|exhausted|space)\b"
    r"|max_model_len|maximum model length|too many tokens"
    r"|context\b.{0,15}\b(full|overflow\w*|exhausted|too (small|short))|\bout of context\b"
    r"|\btokens?\b.*\b(exceed\w*|too long|longer|greater|overflow\w*)|\b(exceed\w*|too long|longer|overflow\w*)\b.*\btokens"
    r"|\b(space|room)\b.{0,20}\bcontext\b|\b(inputs?|prompt)\b.*\btokens\b.*\bmust be (<|less|at most|smaller|below)"
    r"|\b(prompt|input|sequence|messages?) (is |are |length )?(\d+ )?(too long|longer|exceed\w*)"
)
_SIZE = late(
    r"(entity|payload|body|request)( body| size)? (is )?too large|\b(body|payload|request size)\b.*\b(limit|exceed)"
)
_FLAGGED = late(
    r"moderation|moderated|\bflagged|content[ _-]?(policy|filter\w*|management)|safety|inappropriate|nsfw"
    r"|polic(y|ies)\W*violat|violat\w* .*polic|prohibited|harmful"
    r"|\bsensitive (content|material)|guardrail|data.?inspection|legal reasons"
)
_PAYMENT = late(
    r"(insufficient|not enough|out of|no)[ _](credit|balance|fund|quota)|payment required|billing"
    r"|\barrear|\boverdue\b|\b(subscription|plan) (has |is )?expired"
    r"|\b(balance|credits?|funds)\b.{0,4}\b(too low|exhausted|depleted)"
)
_MODEL = late(r"\bmodels?\b")
_ABSENT = late(
    r"not (found|loaded|exist|available)|n't exist|no models?\b|invalid model|unknown|unload|no such|not a valid"
    r"|(could ?n.t|could not|cannot|can.t|unable to) find"
)
_ASKED = late(r"\b(param|argument|field|feature)")
_ENDPOINT = late(r"(unexpected|unknown|no such|invalid|undefined) (end ?point|route|path|url)")
_PASSING = late(
    r"\bcrash(ed|es)?\b|\bunload(ed|ing)\b|\bterminated\b|\bstopped\b|\bexited\b|\bkilled\b|\beof\b|out of memory|\boom\b"
    r"|fail(ed|ure) to (load|start)( the| a)? (\w+ )?(model|runner|engine|llm)|\bload(ing)?( of)? (the )?model\b.*(fail|cancel)"
    r"|no models? (is |are )?(currently )?loaded|not (yet )?(loaded|ready)|is loading|loading model|\brestart|shutting down"
)
"""What servers say while they are down for a moment: words of outages in their threads and logs."""


def why_refused(status: int, words: str, model: str = "") -> Refusal:  # noqa: PLR0911 - a list of rules, one a line
    """Sort a refusal.

    Args:
        status: HTTP status; an error that came with 200 counts as 400.
        words: The server's own, any case.
        model: The model's name: who says it, talks about the model.
    """
    said = words.lower()
    if status == 402 or (status < 500 and _PAYMENT.search(said)):
        return Refusal.PAYMENT
    if status < 500 and _FLAGGED.search(said):
        return Refusal.FLAGGED
    if status in {401, 403, 407}:
        return Refusal.KEY
    if _BLIND.search(said):
        return Refusal.BLIND
    if status == 413 or _SIZE.search(said):
        return Refusal.SIZE
    if _CONTEXT.search(said):
        return Refusal.CONTEXT
    named = rf"(?<!\w){re.escape(model.lower())}(?!\w)"
    about_model = bool(_MODEL.search(said)) or bool(model and re.search(named, said))
    if about_model and (status == 404 or _ABSENT.search(said)):
        return Refusal.MODEL
    if status == 404 and _ASKED.search(said):
        return Refusal.OTHER
    if status in {404, 405} | REDIRECTS or _ENDPOINT.search(said):
        return Refusal.ADDRESS
    is_broken = status in {408, 409} or (status >= 500 and status != 501)  # 501: not implemented
    return Refusal.BROKEN if is_broken else Refusal.OTHER


def refusal_of(answer: Answer, model: str = "") -> Refusal:
    """Sort an answer that is a refusal."""
    if answer.is_ok:
        return Refusal.ADDRESS if answer.is_page else why_refused(400, answer.error, model)
    return why_refused(answer.status, answer.error, model)


def may_pass(words: str) -> bool:
    """Whether the server's words speak of something that passes: a crash, a model that is loaded again."""
    return bool(_PASSING.search(words.lower()))


def refused_switches(words: str, on: frozenset[str]) -> frozenset[str]:
    """Which optional parts of the request the server's words name, of those that are on."""
    sent = (name for name in on if _INSTEAD.get(name) not in on)
    return frozenset(name for name in sent if SWITCHES[name].search(words.lower()))


def no_switches(on: frozenset[str]) -> frozenset[str]:
    """The plainest question: the model and its pictures, and how long the answer may be."""
    return on - {*_EXTRAS, "temperature"}


def fewer_switches(on: frozenset[str]) -> Iterator[frozenset[str]]:
    """What to try when nothing is named and the plainest question is answered: without each one, and so on."""
    extras = [name for name in _EXTRAS if name in on]
    if len(extras) > 1:
        yield from (on - {name} for name in extras)
    if "schema" in extras and len(extras) > 2:
        yield on - {"effort", "template"}
    yield on - {*extras}
