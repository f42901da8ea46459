"""The server client against habits of servers that llama.cpp does not have."""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.stub import SEES, Says, Stub, chat, error, keywords, models
from tagroll.errors import PhotoError, ReplyError, ServerError, UsageError
from tagroll.models.prompt import build_prompt
from tagroll.models.server.chat import MOST_REFUSALS
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.discovery import probe
from tagroll.models.server.retry import Limits

PROMPT = build_prompt("tags", max_tags=10)
QUICK = Limits(outage=0.5, first_answer=5, answer=5)
THINKING_OFF = {"chat_template_kwargs", "reasoning_effort"}


@pytest.fixture
def describer():
    """Make describers for a server (or its URL), and close them in the end."""
    made = []

    def make(server, model="stub-vlm", **options):
        url = server if isinstance(server, str) else server.url
        made.append(ServerDescriber(url, model, **{"limits": QUICK, **options}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def words(description):
    return [keyword.casefold() for keyword in description.keywords]


# ---------------------------------------------------------------- what is asked


def test_the_best_form_is_asked_for_first(describer, preview):
    with Stub() as server:
        assert words(describer(server).describe(preview(), PROMPT)) == ["red", "lake"]
        (body,) = server.bodies
    assert body["model"] == "stub-vlm"
    assert body["response_format"]["json_schema"]["schema"] == PROMPT.schema
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert body["reasoning_effort"] == "none"
    assert body["temperature"] == 0
    assert body["stream"] is False
    text, picture = body["messages"][0]["content"]
    assert text == {"type": "text", "text": PROMPT.text}
    url = picture["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    assert "\n" not in url


@pytest.mark.parametrize(
    ("refusal", "dropped"),
    [
        (error(400, "'response_format.type' must be 'json_schema' or 'text'"), {"response_format"}),
        (error(400, {"error": "json_schema is not supported by this model"}), {"response_format"}),
        (error(400, "Unknown parameter: chat_template_kwargs"), {"chat_template_kwargs"}),
        (
            error(422, {"detail": [{"loc": ["body", "reasoning_effort"], "msg": "extra fields"}]}),
            {"reasoning_effort"},
        ),
        (error(400, {"error": {"message": "unknown field enable_thinking"}}), {"chat_template_kwargs"}),
        (error(500, "Failed to parse grammar"), {"response_format"}),
    ],
)
def test_what_is_refused_is_left_away_and_stays_away(describer, preview, refusal, dropped):
    optional = {"response_format", *THINKING_OFF}

    def picky(request):
        return refusal if dropped & request.body.keys() else None

    with Stub(picky) as server:
        asking = describer(server)
        for _ in range(3):
            assert words(asking.describe(preview(), PROMPT)) == ["red", "lake"]
        assert len(server.bodies) == 4, "one refusal in all"
        assert server.bodies[-1].keys() & optional == optional - dropped


@pytest.mark.parametrize("refused", ["response_format", "chat_template_kwargs", "reasoning_effort"])
def test_a_refusal_that_names_nothing_costs_only_what_was_refused(describer, preview, refused):
    with Stub(lambda request: error(400, "Bad Request") if refused in request.body else None) as server:
        asking = describer(server)
        assert asking.describe(preview(), PROMPT).keywords
        asked = server.chats
        assert asking.describe(preview(), PROMPT).keywords
        assert server.chats == asked + 1
        kept = {"response_format", *THINKING_OFF} - {refused}
        assert kept <= server.bodies[-1].keys()


def test_a_server_that_takes_no_extras_at_all_is_used_without(describer, preview):
    optional = {"response_format", *THINKING_OFF}
    with Stub(lambda request: error(400, "") if optional & request.body.keys() else None) as server:
        assert describer(server).describe(preview(), PROMPT).keywords


def test_many_threads_learn_a_refusal_together(describer, preview):
    with (
        Stub(
            lambda request: error(400, "response_format") if "response_format" in request.body else None
        ) as server,
        ThreadPoolExecutor(8) as pool,
    ):
        asking = describer(server)
        assert all(pool.map(lambda _: asking.describe(preview(), PROMPT).keywords, range(60)))
        assert server.chats <= 60 + 16


def test_one_strange_refusal_after_answers_does_not_cost_the_schema(describer, preview):
    with Stub([keywords("Cat"), error(400, "Bad Request")]) as server:
        asking = describer(server)
        for _ in range(3):
            assert asking.describe(preview(), PROMPT).keywords
        assert all("response_format" in body for body in server.bodies)


# ---------------------------------------------------------------- what is answered

ANSWER = json.dumps({"keywords": ["Cat", "Sofa"]})


@pytest.mark.parametrize(
    "answer",
    [
        chat("", reasoning_content=ANSWER),
        chat(None, reasoning=ANSWER),
        chat("", finish="length", reasoning_content=ANSWER),
        chat([{"type": "text", "text": ANSWER}]),
        chat(ANSWER, reasoning_content="First I look for dogs."),
    ],
)
def test_the_answer_is_found_where_servers_put_it(describer, preview, answer):
    with Stub(usual=answer) as server:
        assert words(describer(server).describe(preview(), PROMPT)) == ["cat", "sofa"]


def test_a_thought_that_was_cut_is_no_answer_and_gets_room(describer, preview):
    thinking = chat("", finish="length", reasoning_content="sky, sea, boat")
    with Stub([thinking]) as server:
        assert words(describer(server).describe(preview(), PROMPT)) == ["red", "lake"]
        assert server.bodies[1]["max_tokens"] >= 4096
    with Stub(usual=thinking) as server, pytest.raises(ReplyError):
        describer(server).describe(preview(), PROMPT)


def test_a_cut_answer_is_asked_again_with_more_room_and_some_warmth(describer, preview):
    with Stub([chat('{"keywords": ["Cat", "So', finish="length")]) as server:
        assert words(describer(server).describe(preview(), PROMPT)) == ["red", "lake"]
        first, second = server.bodies
    assert second["max_tokens"] >= 2 * first["max_tokens"]
    assert second["temperature"] > 0


def test_of_an_answer_cut_twice_what_is_whole_is_kept(describer, preview):
    with Stub(usual=chat('{"keywords": ["Cat", "So', finish="length")) as server:
        assert words(describer(server).describe(preview(), PROMPT)) == ["cat"]
        assert server.chats == 2


def test_what_a_cut_answer_held_is_kept_when_the_second_try_fails(describer, preview):
    cut = chat('{"keywords": ["Cat", "So', finish="length")
    with Stub([cut], usual=error(400, "exceeds the available context size")) as server:
        assert words(describer(server).describe(preview(), PROMPT)) == ["cat"]


def test_an_unusable_answer_gets_one_more_try(describer, preview):
    with Stub([chat("I am sorry, I cannot see any image.")]) as server:
        assert words(describer(server).describe(preview(), PROMPT)) == ["red", "lake"]
    with Stub(usual=chat("I am sorry, I cannot see any image.")) as server:
        with pytest.raises(ReplyError):
            describer(server).describe(preview(), PROMPT)
        assert server.chats == 2


@pytest.mark.parametrize(
    "garbage", [b"<html>It works!</html>", b"{", b"", b"[]", b'{"choices": []}', b"null"]
)
def test_garbage_instead_of_an_answer_is_tried_again_and_then_a_failure(describer, preview, garbage):
    bad = preview("blue")
    shown = base64.b64encode(bad.jpeg)
    with Stub(lambda request: Says(garbage) if shown in request.raw else None) as server:
        asking = describer(server)
        asking.describe(preview(), PROMPT)
        with pytest.raises(ReplyError, match="not with a chat completion"):
            asking.describe(bad, PROMPT)
        assert server.chats <= 9


def test_tokens_and_seconds_are_counted(describer, preview):
    with Stub(delay=0.05) as server:
        asking = describer(server)
        asking.describe(preview(), PROMPT)
        asking.describe(preview(), PROMPT)
        assert (asking.stats.prompt_tokens, asking.stats.completion_tokens) == (600, 80)
        assert 0.1 <= asking.stats.seconds < 2


# ---------------------------------------------------------------- how it fails


def test_retry_after_is_honoured(describer, preview):
    with Stub([error(429, "slow down", {"Retry-After": "0.4"})]) as server:
        began = time.monotonic()
        assert describer(server).describe(preview(), PROMPT).keywords
        assert 0.4 <= time.monotonic() - began < 3


@pytest.mark.slow
def test_too_many_requests_are_not_sent_again(describer, preview):
    def two_at_once(_request):
        return None if server.at_once <= 2 else error(429, "too many")

    with Stub(two_at_once, delay=0.02) as server, ThreadPoolExecutor(16) as pool:
        asking = describer(server)
        assert all(pool.map(lambda _: asking.describe(preview(), PROMPT).keywords, range(80)))
        assert asking.at_once <= 4


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_not_ready_is_waited_for(describer, preview, status):
    with Stub([error(status, "Loading model")] * 3) as server:
        assert describer(server).describe(preview(), PROMPT).keywords
        assert server.chats == 4


def test_a_gateway_without_a_server_ends_the_run(describer, preview):
    with Stub(usual=error(502, "Bad Gateway")) as server, pytest.raises(ServerError, match="502"):
        describer(server).describe(preview(), PROMPT)


def test_a_model_that_is_loading_is_waited_for_before_the_first_photo(describer):
    pages = {"/v1/models": error(503, "Loading model")}
    with Stub(pages=pages) as server:
        asking = describer(server)
        threading.Timer(0.4, server.pages.update, [{"/v1/models": models("stub-vlm", **SEES)}]).start()
        assert asking.discover() == ()
        assert probe(server.url).state == "ready"


@pytest.mark.parametrize("cut", ["before", "within"])
def test_a_cut_connection_is_tried_again(describer, preview, cut):
    with Stub([keywords("Cat"), Says(cut=cut)]) as server:
        asking = describer(server)
        asking.describe(preview(), PROMPT)
        assert words(asking.describe(preview(), PROMPT)) == ["red", "lake"]


def test_every_outage_gets_its_own_patience(describer, preview):
    with Stub([Says(cut="before"), keywords("Cat"), Says(cut="before")]) as server:
        asking = describer(server, limits=Limits(outage=0.3))
        asking.describe(preview(), PROMPT)
        time.sleep(0.4)
        assert words(asking.describe(preview(), PROMPT)) == ["red", "lake"]


def test_a_photo_that_always_cuts_the_connection_fails_alone(describer, preview):
    with Stub(
        [Says(cut="before")] * 5
    ) as server:  # two of them to see whether it is for the form of the question
        asking = describer(server, limits=Limits(outage=10))
        with pytest.raises(PhotoError, match="no answer in 3 tries"):
            asking.describe(preview(), PROMPT)
        assert asking.describe(preview(), PROMPT).keywords


def test_no_models_loaded_is_tried_again_and_then_said(describer, preview):
    with Stub([error(404, {"error": "No models loaded. Please load a model"})]) as server:
        assert describer(server).describe(preview(), PROMPT).keywords
    with Stub(usual=error(404, {"error": "No models loaded. Please load a model"})) as server:
        with pytest.raises(ServerError, match="No models loaded") as caught:
            describer(server).describe(preview(), PROMPT)
        assert "Load stub-vlm" in caught.value.hint


def test_an_inner_error_is_tried_again_and_then_fails_the_photo(describer, preview):
    with Stub([keywords("Cat"), error(500, "oops"), keywords("Dog")]) as server:
        asking = describer(server)
        asking.describe(preview(), PROMPT)
        assert words(asking.describe(preview(), PROMPT)) == ["dog"]
        ill = preview("blue").jpeg
        server.script = lambda request: (
            error(500, "CUDA out of memory") if base64.b64encode(ill) in request.raw else None
        )
        with pytest.raises(PhotoError, match="CUDA out of memory"):
            asking.describe(preview("blue"), PROMPT)
        assert sum(base64.b64encode(ill) in request.raw for request in server.requests) <= 4


def test_a_server_that_refuses_every_photo_ends_the_run(describer, preview):
    with Stub(usual=error(400, "no more of this")) as server:
        asking = describer(server)
        for _ in range(MOST_REFUSALS - 1):
            with pytest.raises(PhotoError, match="no more of this"):
                asking.describe(preview(), PROMPT)
        with pytest.raises(ServerError, match="refuses every photo"):
            asking.describe(preview(), PROMPT)


@pytest.mark.slow
def test_one_that_has_answered_before_is_given_time(describer, preview):
    refused = error(400, "the model takes a nap")
    with Stub([keywords("Cat"), *[refused] * 5, keywords("Dog")], usual=refused) as server:
        asking = describer(server, limits=Limits(outage=2, probe=0.01))
        assert words(asking.describe(preview(), PROMPT)) == ["cat"]
        assert words(asking.describe(preview(), PROMPT)) == ["dog"]
        with pytest.raises(ServerError, match="refuses every photo"):
            asking.describe(preview(), PROMPT)


@pytest.mark.parametrize(
    "said", ["image input is not supported", "Model does not support images. Please use one."]
)
@pytest.mark.parametrize("status", [400, 500])
def test_a_blind_model_that_was_taken_for_seeing_ends_the_run_at_once(describer, preview, said, status):
    with Stub(usual=error(status, said)) as server, pytest.raises(ServerError, match="does not see images"):
        describer(server).describe(preview(), PROMPT)
    assert server.chats == 3, "the photo, plainly, and a picture that is surely good"


@pytest.mark.slow
def test_the_first_answer_may_take_long_and_later_ones_three_times_the_slowest(describer, preview):
    with Stub([Says(keywords("Cat").body, delay=pause) for pause in (0.05, 0.1)], delay=9) as server:
        server.script.extend(keywords("Dog") for _ in range(9))
        asking = describer(server, limits=Limits(first_answer=5, answer=0.05, outage=0.2, probe=0.05))
        server.delay = 0
        assert asking.describe(preview(), PROMPT).keywords
        assert asking.describe(preview(), PROMPT).keywords
        server.delay = 30
        with pytest.raises(ServerError, match="silent: no answer in time"):
            asking.describe(preview(), PROMPT)
        assert 3 <= server.chats - 2 <= 6, "each longer than the one before, and then it is enough"


def test_a_model_that_cannot_stop_thinking_gets_the_room_at_once_next_time(describer, preview):
    def think(request):
        return (
            chat("", finish="length", reasoning_content="Hmm") if request.body["max_tokens"] < 4096 else None
        )

    with Stub(think) as server:
        asking = describer(server)
        for _ in range(3):
            assert asking.describe(preview(), PROMPT).keywords
        assert server.chats == 4


def test_a_redirect_is_told_and_not_followed(describer, preview):
    with (
        Stub() as other,
        Stub(usual=Says({}, 308, {"Location": other.url + "/v1/chat/completions"})) as server,
    ):
        with pytest.raises(ServerError, match="redirects to"):
            describer(server).describe(preview(), PROMPT)
        assert other.chats == 0


def test_the_key_is_sent_and_never_told(describer, preview, caplog):
    caplog.set_level("DEBUG")
    refused = error(401, "Incorrect API key provided: s3cret")
    with Stub(pages={"/v1/models": refused}, usual=refused) as server:
        asking = describer(server, api_key=" s3cret ")
        with pytest.raises(ServerError, match="API key") as caught:
            asking.describe(preview(), PROMPT)
        assert server.requests[0].headers["authorization"] == "Bearer s3cret"
        assert probe(server.url).state == "locked"
        server.pages["/v1/models"] = models("stub-vlm", **SEES)
        server.usual = error(400, "what is s3cret good for")
        with pytest.raises(PhotoError) as shown:
            asking.describe(preview(), PROMPT)
    everything = [
        str(caught.value),
        caught.value.hint,
        str(shown.value),
        repr(asking),
        repr(vars(asking)),
        caplog.text,
    ]
    assert "s3cret" not in "".join(everything)


@pytest.mark.parametrize("key", ["ключ", "a\nb", "two\x00"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key):
    with pytest.raises(UsageError) as caught:
        ServerDescriber("localhost:1234", "m", api_key=key)
    assert key not in str(caught.value)


# ---------------------------------------------------------------- what servers have

LM_STUDIO = {
    "/v1/models": models("google/gemma-3-4b", "qwen/qwen3-8b", "text-embedding-nomic-embed-text-v1.5"),
    "/api/v0/models": Says(
        {
            "data": [
                {"id": "qwen/qwen3-8b", "type": "llm", "state": "loaded"},
                {"id": "google/gemma-3-4b", "type": "vlm", "state": "not-loaded"},
                {"id": "text-embedding-nomic-embed-text-v1.5", "type": "embeddings", "state": "not-loaded"},
            ]
        }
    ),
}
OLLAMA = {
    "/v1/models": models("gemma3:4b", "llama3.2:latest", "bge-m3:latest", owned_by="library"),
    "/api/v0/models": Says(b"404 page not found", 404),
    "/api/tags": Says({"models": [{"name": "gemma3:4b"}]}),
}


@pytest.fixture
def ollama():
    with Stub(pages=OLLAMA) as server:
        sees = {"gemma3:4b": ["completion", "vision"], "llama3.2:latest": ["completion"]}
        pages = dict(server.pages)

        class Pages(dict):
            def get(self, path, default=None):
                if path == "/api/show":
                    return Says({"capabilities": sees.get(server.requests[-1].body["model"], ["embedding"])})
                return super().get(path, default)

        server.pages = Pages(pages)
        yield server


def test_lm_studio_tells_which_models_see(describer):
    with Stub(pages=LM_STUDIO) as server:
        info = probe(server.url)
        assert info.kind == "LM Studio"
        assert {model.name: model.sees for model in info.models} == {
            "google/gemma-3-4b": True,
            "qwen/qwen3-8b": False,
        }
        for name in ("google/gemma-3-4b", "gemma-3-4b", "Google/Gemma-3-4B"):
            asking = describer(server, name)
            asking.discover()
            assert asking.model == "google/gemma-3-4b"
        with pytest.raises(ServerError, match=r"qwen/qwen3-8b .* does not see") as caught:
            describer(server, "qwen/qwen3-8b").discover()
        assert "google/gemma-3-4b" in caught.value.hint
        server.script = lambda request: error(404, "no") if request.body["model"] == "llava" else None
        with pytest.raises(ServerError, match='no model "llava"') as caught:
            describer(server, "llava").discover()
        assert "google/gemma-3-4b" in caught.value.hint


def test_ollama_tells_which_models_see(describer, ollama):
    info = probe(ollama.url + "/api/chat")
    assert info.kind == "Ollama"
    assert {model.name: model.sees for model in info.models} == {"gemma3:4b": True, "llama3.2:latest": False}
    asking = describer(ollama, "google/gemma-3-4b", explicit_model=False)
    (note,) = asking.discover()
    assert asking.model == "gemma3:4b"
    assert "gemma3:4b" in note


def test_without_an_explicit_model_the_first_that_sees_is_taken_and_named(describer):
    with Stub(pages={"/v1/models": models("minicpm-v", "other", **SEES)}) as server:
        asking = describer(server, "google/gemma-3-4b", explicit_model=False)
        (note,) = asking.discover()
        assert asking.model == "minicpm-v"
        assert "no google/gemma-3-4b" in note
        assert "minicpm-v" in note


def test_a_name_that_may_mean_several_is_asked_back(describer):
    with Stub(pages={"/v1/models": models("a/gemma-3-4b-it", "b/gemma-3-4b-it-qat", **SEES)}) as server:
        with pytest.raises(ServerError, match="several models") as caught:
            describer(server, "gemma-3-4b").discover()
        assert "b/gemma-3-4b-it-qat" in caught.value.hint


def test_a_server_that_does_not_say_whether_it_sees_is_shown_a_picture(describer):
    pages = {"/v1/models": models("mystery")}
    with Stub([keywords("Green")], pages=pages) as server:
        assert describer(server, "mystery").discover() == ()
        assert server.chats == 1
        assert server.bodies[0]["messages"][0]["content"][1]["type"] == "image_url"
        (doubt,) = describer(server, "mystery").discover()
        assert "may not see pictures" in doubt
    for refusal, message in (("mystery is not a multimodal model", "does not see"), ("no", "refused")):
        with (
            Stub(pages=pages, usual=error(400, refusal)) as server,
            pytest.raises(ServerError, match=message),
        ):
            describer(server, "mystery").discover()


def test_a_server_without_a_list_of_models_is_used_as_told(describer, preview):
    with Stub(pages={"/v1/models": error(404, "no such page")}) as server:
        assert describer(server, "some-vlm").describe(preview(), PROMPT).model == "some-vlm"
        assert probe(server.url) is None


def test_no_model_at_all_is_said(describer):
    with Stub(pages={"/v1/models": models()}) as server:
        with pytest.raises(ServerError, match="no model loaded"):
            describer(server, explicit_model=False).discover()
        assert probe(server.url).sees is False


def test_something_else_on_the_port_is_no_model_server():
    with Stub(pages={"/v1/models": Says(b"<html>router</html>")}) as server:
        assert probe(server.url) is None


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/v1/chat/completions", "/v1/models"])
def test_any_form_of_the_url_works(describer, preview, suffix):
    with Stub() as server:
        bare = server.url.removeprefix("http://")
        for url in (server.url + suffix, bare + suffix):
            assert describer(url).describe(preview(), PROMPT).keywords


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(describer, preview, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Stub() as server:
        assert describer(server).describe(preview(), PROMPT).keywords
