"""Asking a model again of each of its words: what is asked, what its answer says, and what is made of that."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.stub import Request, Says, Stub, chat, checked, error, is_check, keywords
from tagroll.domain import Description, Preview
from tagroll.errors import ReplyError
from tagroll.models.checking import Token, read_check, with_broader
from tagroll.models.prompt import Wordlist, build_prompt
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.retry import Limits
from tagroll.runs.bars import NEVER, Bars
from tagroll.runs.sureness import unsure
from tagroll.tags.broader import broader
from tagroll.tags.identity import identity

PROMPT = build_prompt("tags", check=True)
QUICK = Limits(outage=0.5, first_answer=5, answer=5)
SAYS = ("golden retriever", "beach", "frisbee")
SURE = {"golden retriever": 0.4, "dog": 0.9, "animal": 0.7, "beach": 0.8, "frisbee": 0.1}


def server_of(check: Callable[[Request], Says]) -> Stub:
    return Stub(lambda request: check(request) if is_check(request) else None, usual=keywords(*SAYS))


def described(server: Stub, preview: Callable[..., Preview], prompt=PROMPT) -> Description:
    with closing(ServerDescriber(server.url, "stub-vlm", limits=QUICK)) as model:
        return model.describe(preview(), prompt)


# ---------------------------------------------------------------- broader words


@pytest.mark.parametrize(("word", "above"), [
    ("golden retriever", ("dog", "animal")), ("Seagull", ("bird", "animal")), ("red car", ("car", "vehicle")),
    ("sunflower", ("flower",)), ("lake", ("water",)), ("water", ()), ("hot dog", ()), ("happy", ()), ("boy", ("people",)),
])  # fmt: skip
def test_broader_words(word: str, above: tuple[str, ...]) -> None:
    assert broader(word) == above


# ---------------------------------------------------------------- what is asked


def test_a_check_begins_with_what_the_server_has_read(preview: Callable[..., Preview]) -> None:
    """A prompt cache pays for the words behind the picture alone."""
    with server_of(lambda request: checked(request, SURE)) as server:
        described(server, preview)
    first, check = (body["messages"] for body in server.bodies)
    assert len(first) == len(check) == 1
    assert check[0]["content"][:2] == first[0]["content"]
    assert check[0]["content"][1]["type"] == "image_url"
    asked = check[0]["content"][2]["text"]
    assert all(f"- {word}\n" in asked for word in (*SAYS, "dog", "animal"))
    schema = server.bodies[1]["response_format"]["json_schema"]["schema"]
    assert schema["required"] == [*SAYS, "dog", "animal"]
    assert schema["properties"]["dog"] == {"type": "string", "enum": ["yes", "no"]}
    assert (server.bodies[1]["logprobs"], server.bodies[1]["top_logprobs"]) == (True, 5)
    assert "logprobs" not in server.bodies[0]


def test_without_the_option_nothing_is_asked_again(preview: Callable[..., Preview]) -> None:
    with server_of(lambda request: checked(request, SURE)) as server:
        found = described(server, preview, build_prompt("tags"))
        assert (found.keywords, found.said, found.confidences) == (SAYS, (), {})
    assert server.chats == 1


def test_words_of_a_list_are_asked_about_as_they_are(preview: Callable[..., Preview]) -> None:
    prompt = build_prompt("tags", wordlist=Wordlist(SAYS), check=True)
    with server_of(lambda request: checked(request, SURE)) as server:
        assert set(described(server, preview, prompt).confidences) == set(SAYS)


def test_a_check_is_another_question() -> None:
    plain = build_prompt("tags")
    assert PROMPT.key not in {plain.key, *plain.earlier}
    assert PROMPT.earlier == ()
    assert PROMPT.text == plain.text


# ---------------------------------------------------------------- what the answer says


def test_how_sure_is_yes_against_no(preview: Callable[..., Preview]) -> None:
    with server_of(lambda request: checked(request, SURE)) as server:
        found = described(server, preview)
    assert found.said == SAYS
    assert dict(found.confidences) == pytest.approx(SURE | {"animal": 0.9})  # a dog is an animal


@pytest.mark.parametrize("tokens", [
    [("{", {}), ('"dog"', {}), (":", {}), (' "', {}), ("yes", {"yes": 0.6, "no": 0.2, "Yes": 0.1}), ('"}', {})],
    [('{"dog": "', {'{"dog": "': 1.0}), ("y", {"y": 0.7, "n": 0.2, "maybe": 0.1}), ('es"}', {})],
    [("\n{", {}), ('"dog"', {}), (': "yes', {': "yes': 0.7, ': "no': 0.2, ' "': 0.1}), ('"}\n', {})],
])  # fmt: skip
def test_whatever_the_tokens_are(tokens: list[tuple[str, dict[str, float]]]) -> None:
    told = [Token(text, chances) for text, chances in tokens]
    text = "".join(one.text for one in told)
    assert read_check(text, told, ["dog"]) == {"dog": pytest.approx(7 / 9, abs=1e-4)}
    assert read_check(text, [], ["dog"]) == {"dog": 1.0}
    assert read_check(text, told[1:], ["dog"]) == {"dog": 1.0}, "tokens of another text say nothing"
    assert read_check(text, told, ["cat"]) == {}


@pytest.mark.parametrize("part", ["logprobs", "response_format"])
@pytest.mark.parametrize("fall", [error(400, "{} is not supported"), error(500, "oops"), Says(cut="before")],
                         ids=["named", "500", "cut"])  # fmt: skip
def test_what_a_server_refuses_of_a_check_is_left_away(
    preview: Callable[..., Preview], part: str, fall: Says
) -> None:
    """Yes and no alone are less, but something; and the answers without a check keep their form."""
    if fall.status == 400:
        fall = error(400, f"{part} is not supported")
    with (
        server_of(
            lambda request: fall if part in request.body else checked(request, SURE, chances=False)
        ) as server,
        closing(ServerDescriber(server.url, "stub-vlm", limits=QUICK)) as model,
    ):
        found = model.describe(preview(), PROMPT)
        assert dict(found.confidences) == {word: float(how > 0.5) for word, how in SURE.items()}
        asked = server.chats
        assert model.describe(preview(), PROMPT).confidences == found.confidences
        assert server.chats == asked + 2, "it is remembered"
    assert "response_format" in server.bodies[-2]


def test_what_was_not_answered_is_asked_once_more(preview: Callable[..., Preview]) -> None:
    answers: Iterator[Says] = iter(
        [chat('{"golden retriever": "no"}'), chat('{"beach": "yes", "dog": "YES", "Frisbee": "no"}')]
    )
    with server_of(lambda _: next(answers)) as server:
        found = described(server, preview)
    assert dict(found.confidences) == {"golden retriever": 0.0, "beach": 1.0, "dog": 1.0, "frisbee": 0.0}
    assert Bars().judged(found).keywords == ("dog", "beach")


def test_a_model_that_says_neither_yes_nor_no_fails_the_photo(preview: Callable[..., Preview]) -> None:
    with (
        server_of(lambda _: keywords("dog")) as server,
        pytest.raises(ReplyError, match="yes or no") as raised,
    ):
        described(server, preview)
    assert "--check-tags" in raised.value.hint


# ---------------------------------------------------------------- what is made of it

ANSWER = Description(SAYS, "m", confidences=with_broader(SURE), said=SAYS)


def test_what_is_not_sure_is_said_in_a_broader_word_or_not_at_all() -> None:
    found = Bars().judged(ANSWER)
    assert found.keywords == ("dog", "beach")
    assert unsure(found) == ["golden retriever"], "a proposal; broader words that were not needed are none"
    learned = replace(found, confidences={**found.confidences, "our boat": 0.6})
    assert unsure(learned) == ["our boat", "golden retriever"], "what others say of the photo is one"
    assert Bars(0.95).judged(found).keywords == ()
    assert Bars(0.3).judged(found).keywords == ("golden retriever", "beach"), (
        "judged anew of the model's own words"
    )
    assert Bars(0.5, {"beach": NEVER, identity("Frisbee"): 0.05}).judged(ANSWER).keywords == (
        "dog",
        "frisbee",
    )


def test_an_answer_that_was_not_checked_stays_as_it_is() -> None:
    plain = Description(("dog",), "m", confidences={"dog": 0.2})
    assert Bars().judged(plain) is plain


@given(st.dictionaries(st.sampled_from(["golden retriever", "dog", "animal", "beach", "seagull", "bird"]), st.floats(0, 1)),
       st.floats(0.05, 1))  # fmt: skip
def test_laws_of_judging(sure: dict[str, float], bar: float) -> None:
    told = with_broader(sure)
    for word in told:
        assert all(told[above] >= told[word] for above in broader(word) if above in told)
    found = Bars(bar).judged(Description((), "m", confidences=told, said=tuple(sure)))
    assert all(told[word] >= bar for word in found.keywords)
    assert {word for word in sure if told[word] >= bar} <= set(found.keywords)
    assert Bars(bar).judged(found) == found
    assert set(json.loads(json.dumps(told))) == set(told)
