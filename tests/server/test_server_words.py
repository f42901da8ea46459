"""The server client against refusals: what is mended, what is told, and what the run makes of it."""

import base64
import json

import pytest

from support.stub import SEES, Says, Stub, chat, error, keywords, models
from tagroll.errors import PhotoError, ReplyError, ServerError
from tagroll.models.prompt import build_prompt
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.retry import Limits

PROMPT = build_prompt("tags", max_tags=10)
QUICK = Limits(outage=0.5, first_answer=5, answer=5)
EXTRAS = {"response_format", "chat_template_kwargs", "reasoning_effort"}
UNLISTED = {"/v1/models": models("mystery")}


@pytest.fixture
def describer():
    made = []

    def make(server, model="stub-vlm", **options):
        made.append(ServerDescriber(server.url, model, **{"limits": QUICK, **options}))
        return made[-1]

    yield make
    for one in made:
        one.close()


# ---------------------------------------------------------------- parts that are not named


@pytest.mark.parametrize("part", sorted(EXTRAS))
@pytest.mark.parametrize(
    "fall",
    [
        error(500, "ValueError: packed token mask must be int32 with one complete row per token"),
        error(500, "model runner has unexpectedly stopped"),
        error(502, "bad gateway"),
        Says(cut="before"),
    ],
    ids=["words", "crash", "502", "cut"],
)
def test_a_part_that_brings_the_server_down_is_left_away(describer, preview, part, fall):
    with Stub(lambda request: fall if part in request.body else None) as server:
        asking = describer(server)
        assert asking.describe(preview(), PROMPT).keywords
        asked = server.chats
        assert asking.describe(preview(), PROMPT).keywords
        assert server.chats == asked + 1, "it is remembered"
        assert EXTRAS - {part} <= server.bodies[-1].keys(), "and nothing else is left away"


def test_a_passing_fault_of_the_first_request_costs_no_part(describer, preview):
    with Stub([error(500, "oops")]) as server:
        asking = describer(server)
        asking.describe(preview(), PROMPT)
        asking.describe(preview(), PROMPT)
        assert server.bodies[-1].keys() >= EXTRAS


@pytest.mark.parametrize(
    ("refusal", "part", "instead"),
    [
        (
            error(422, {"error": "Input validation error: `temperature` must be strictly positive"}),
            "temperature",
            "",
        ),
        (
            error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'"),
            "max_tokens",
            "max_completion_tokens",
        ),
        (
            error(400, {"error": {"message": "Extra inputs are not permitted", "param": "max_tokens"}}),
            "max_tokens",
            "",
        ),
    ],
)
def test_temperature_and_room_are_parts_too(describer, preview, refusal, part, instead):
    with Stub(lambda request: refusal if part in request.body else None) as server:
        asking = describer(server)
        for _ in range(2):
            assert asking.describe(preview(), PROMPT).keywords
        assert server.chats == 3
        assert server.bodies[-1].keys() >= EXTRAS
        assert not instead or instead in server.bodies[-1]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("guided decoding (json_schema) is not supported for multimodal models", "response_format"),
        ("reasoning_effort is not supported for vision models", "reasoning_effort"),
        ("chat_template_kwargs without multimodal processor", "chat_template_kwargs"),
    ],
)
def test_words_about_a_part_are_not_about_the_eyes(describer, preview, words, part):
    with Stub(lambda request: error(400, words) if part in request.body else None) as server:
        assert describer(server).describe(preview(), PROMPT).keywords
        assert server.chats == 2


# ---------------------------------------------------------------- one photo, or all


@pytest.mark.parametrize(
    "said",
    [
        error(403, "Your chosen model requires moderation and your input was flagged"),
        error(403, {"error": "blocked"}),
        error(400, "the prompt triggered the content management policy"),
        error(413, "<html><title>413 Request Entity Too Large</title>"),
        error(400, "Failed to load image: not a valid image file"),
        chat(None, refusal="I'm sorry, I can't help with that."),
        chat(None, finish="content_filter"),
        chat("Generation failed: no pixel_values", finish="error"),
    ],
)
def test_what_is_said_about_one_photo_fails_that_photo_with_the_words(describer, preview, said):
    bad = preview("blue")
    shown = base64.b64encode(bad.jpeg)
    with Stub(lambda request: said if shown in request.raw else None) as server:
        asking = describer(server)
        asking.describe(preview(), PROMPT)
        with pytest.raises(
            PhotoError, match=r"flagged|blocked|policy|413|load image|sorry|filter|pixel"
        ) as caught:
            asking.describe(bad, PROMPT)
        assert asking.describe(preview(), PROMPT).keywords
    assert caught.value.hint


def test_a_first_photo_that_cannot_be_read_does_not_make_the_model_blind(describer, preview):
    bad = preview("blue")
    shown = base64.b64encode(bad.jpeg)
    refusal = error(400, "Failed to load image: image is not supported")
    with Stub(lambda request: refusal if shown in request.raw else None) as server:
        asking = describer(server)
        with pytest.raises(PhotoError, match="image is not supported"):
            asking.describe(bad, PROMPT)
        assert asking.describe(preview(), PROMPT).keywords


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        (error(402, {"error": {"message": "Insufficient credits"}}), "account .*Insufficient credits", "Pay"),
        (error(429, "You exceeded your current quota, check your plan and billing details"), "account .*quota", "Pay"),
        (error(401, "key not allowed to access model"), "API key.*key not allowed", "TAGROLL_API_KEY"),
        (error(403, {"error": "this origin is not allowed"}), "forbids.*this origin", "hosts"),
        (error(405, {"detail": "Method Not Allowed"}), "no OpenAI API at http.*/v1/chat/completions", "--api-url"),
        (Says(b"<html><title>Nothing here</title>", 404), "no OpenAI API at .*/v1/chat.*Nothing here", "--api-url"),
        (error(404, "No endpoints found that support image input"), "does not see images", "vision model"),
        (error(422, "messages.0.content: Input should be a valid string"), "does not see", "vision"),
    ],
)  # fmt: skip
def test_what_all_photos_meet_ends_the_run_with_the_words(describer, preview, said, message, hint):
    with Stub(usual=said, pages={"/v1/models": said} if said.status in {404, 405} else {}) as server:
        with pytest.raises(ServerError, match=message) as caught:
            describer(server).describe(preview(), PROMPT)
        assert server.chats <= 4
    assert hint in caught.value.hint


# ---------------------------------------------------------------- models that are named, and others


def test_a_model_that_is_not_listed_is_asked_when_it_is_named(describer, preview):
    with Stub([keywords("Green")]) as server:
        asking = describer(server, "an-alias")
        (note,) = asking.discover()
        assert "does not list" in note
        assert asking.describe(preview(), PROMPT).model == "an-alias"
    for refusal in (error(404, "model not found"), error(400, "no"), error(500, "KeyError")):
        with Stub(usual=refusal) as server, pytest.raises(ServerError, match='no model "an-alias"') as caught:
            describer(server, "an-alias").discover()
        assert "stub-vlm" in caught.value.hint


@pytest.mark.parametrize(
    "about", [{"capabilities": ["text-generation"]}, {"type": "llm"}, {"labels": ["reasoning"]}]
)
def test_a_model_that_is_listed_as_blind_is_shown_a_picture_when_it_is_named(describer, about):
    pages = {"/v1/models": models("m", **about)}
    with Stub([keywords("Green")], pages=pages) as server:
        (note,) = describer(server, "m").discover()
        assert "but it does" in note
        with pytest.raises(ServerError, match="does not see images"):
            describer(server, "m").discover()
        with pytest.raises(ServerError, match="does not see images"):
            describer(server, "m", explicit_model=False).discover()


def test_without_a_name_the_next_model_is_tried_when_one_cannot_see(describer):
    def blind(request):
        return (
            error(400, "this model takes text only")
            if request.body["model"] != "the-last"
            else keywords("Green")
        )

    with Stub(blind, pages={"/v1/models": models("phi4", "llama3", "the-last")}) as server:
        asking = describer(server, "google/gemma-3-4b", explicit_model=False)
        (note,) = asking.discover()
        assert asking.model == "the-last"
        assert "the-last is used" in note


def test_what_is_doubted_is_not_said_to_see(describer):
    with Stub(usual=chat("I don't see an image."), pages=UNLISTED) as server:
        asking = describer(server, "mystery")
        (note,) = asking.discover()
        assert asking.doubt == note
    with Stub(pages={"/v1/models": models("m", **SEES)}) as server:
        asking = describer(server, "m")
        asking.discover()
        assert asking.doubt == ""


def test_a_model_that_never_stops_thinking_costs_its_room_once_and_is_told(describer, preview):
    with Stub(usual=chat("", finish="length", reasoning_content="hm " * 50)) as server:
        asking = describer(server)
        for _ in range(2):
            with pytest.raises(ReplyError, match="does not come to an answer") as caught:
                asking.describe(preview(), PROMPT)
        assert "thinking off" in caught.value.hint
        first, *others = [body["max_tokens"] for body in server.bodies]
    assert others == [first + 4096] * 2


def test_an_answer_as_a_stream_of_events_is_read(describer, preview):
    pieces = [{"choices": [{"delta": {"content": part}}]} for part in ('{"keywords": ["Red', '", "Lake"]}')]
    stream = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"
    with Stub(usual=Says(stream.encode(), 201, {"Content-Type": "text/event-stream"})) as server:
        assert describer(server).describe(preview(), PROMPT).keywords == ("Red", "Lake")
