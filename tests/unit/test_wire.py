"""Addresses, error texts and refusals: the pure parts of the server client."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagroll.domain import Prompt
from tagroll.errors import ServerError, UsageError
from tagroll.models.server.bodies import WORDS_SHOWN, error_text
from tagroll.models.server.completion import Completion, read_completion
from tagroll.models.server.discovery import ServedModel, ServerInfo, choose
from tagroll.models.server.http import parse_address
from tagroll.models.server.refusal import SWITCHES
from tagroll.models.server.request import THOUGHT_TOKENS, Question

PROMPT = Prompt("tags", "What is it?", {"type": "object"}, 5, "")


@pytest.mark.parametrize(
    ("given_url", "root", "api"),
    [
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234", "http://127.0.0.1:1234/v1"),
        ("localhost:1234/", "http://localhost:1234", "http://localhost:1234/v1"),
        (" http://nas:1234/v1/chat/completions ", "http://nas:1234", "http://nas:1234/v1"),
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("[::1]:8080/v1/", "http://[::1]:8080", "http://[::1]:8080/v1"),
        ("https://host/lm/v1", "https://host/lm", "https://host/lm/v1"),
        ("https://host/api/paas/v4", "https://host/api/paas", "https://host/api/paas/v4"),
        ("https://host/owui/chat/completions", "https://host/owui", "https://host/owui"),
        ("http://localhost:11434/api/chat", "http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/api", "http://localhost:11434", "http://localhost:11434/api"),
        ("http://host:8000/api/v1/", "http://host:8000", "http://host:8000/api/v1"),
        ("http://host//v1", "http://host", "http://host/v1"),
        ("https://host/v1beta/openai", "https://host/v1beta/openai", "https://host/v1beta/openai"),
        ("http://host:3000/api/models", "http://host:3000", "http://host:3000/api"),
        ("http://host:11434/api/embed", "http://host:11434", "http://host:11434/v1"),
        ("http://localhost:1234/api/v0/models", "http://localhost:1234", "http://localhost:1234/v1"),
    ],
)
def test_what_people_paste_is_understood(given_url, root, api):
    address = parse_address(given_url)
    assert (address.root, address.api) == (root, api)
    assert parse_address(root).root == root


def test_a_password_in_the_url_is_used_but_not_shown():
    address = parse_address("https://me:secret@host:8/v1")
    assert address.user == ("me", "secret")
    assert "secret" not in repr(address)
    assert "secret" not in address.api


@pytest.mark.parametrize(
    "nonsense", ["", "http://", "ftp://host", "file:///etc/passwd", "http://host:port", "a b", "host:99999"]
)
def test_what_is_no_url_is_a_usage_error(nonsense):
    with pytest.raises(UsageError):
        parse_address(nonsense)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "Model does not exist"}, "Model does not exist"),
        ({"error": {"message": "too long", "code": 400}}, "too long"),
        ({"object": "error", "message": "At most 0 image(s)"}, "At most 0 image(s)"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": [{"loc": ["body", "seed"], "msg": "bad"}]}, "seed: bad"),
        (
            {"error": {"message": "Unsupported parameter", "param": "max_tokens"}},
            "max_tokens: Unsupported parameter",
        ),
        ({"error": {"error": {"message": "twice"}}}, "twice"),
        ({"success": False, "reason": "in a reason"}, "in a reason"),
        ({"errors": [{"message": "in a list"}]}, "in a list"),
        (
            {"error": {"message": "Provider error", "metadata": {"raw": '{"error": "bad image"}'}}},
            "Provider error: bad image",
        ),
        ({"error": "Bad Request", "message": "no such field"}, "Bad Request: no such field"),
        ({"errors": {"seed": ["must be positive"], "top_p": ["too high"]}}, "must be positive: too high"),
        ({"error_message": "an older name"}, "an older name"),
        ({"fault": {"faultstring": "of a gateway"}}, "of a gateway"),
        ({"Message": "in capitals"}, "in capitals"),
        ({"error": {"code": "x", "innererror": {"message": "inside"}}}, "inside"),
        ({"strange": 1}, '{"strange": 1}'),
        ([], ""),
        ("plain words", "plain words"),
    ],
)
def test_errors_are_found_in_any_shape(body, words):
    assert error_text(json.dumps(body).encode()) == words


def test_an_error_is_fit_to_be_shown():
    assert error_text(b"<html>nginx</html>") == ""
    assert error_text(b"a\x1b[31mb\nc" + b"d" * 1000) == "a [31mb c" + "d" * (WORDS_SHOWN - 9)


@pytest.mark.slow
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.text(max_size=9) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    ).map(lambda x: json.dumps(x).encode())
)
def test_no_error_body_is_too_strange(body):
    assert error_text(body).isprintable()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "message", "content", "usage", "finish_reason", "reasoning"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
@example({"message": {}, "finish_reason": []})
def test_no_completion_is_too_strange(answer):
    said = read_completion(answer)
    assert said is None or isinstance(said.text, str)


@given(st.binary(max_size=50), st.text(), st.sets(st.sampled_from(["schema", "template", "effort"])))
def test_every_body_is_json_and_carries_the_picture(jpeg, text, switches):
    import base64

    question = Question.first(Prompt("tags", text, {"type": "object"}, 5, ""))
    body = json.loads(question.body('a"b', jpeg, frozenset(switches)))
    words, picture = body["messages"][0]["content"]
    assert words["text"] == text
    assert base64.b64decode(picture["image_url"]["url"].partition(",")[2]) == jpeg
    assert body["model"] == 'a"b'
    assert ("response_format" in body) == ("schema" in switches)


GEMMA, QWEN, BLIND = (
    ServedModel("google/gemma-3-4b", True, False),
    ServedModel("qwen3-vl-4b-Q4_K_M.gguf", True, True),
    ServedModel("phi", False),
)


@pytest.mark.parametrize(
    ("models", "wanted", "explicit", "name"),
    [
        ((GEMMA, QWEN), "google/gemma-3-4b", True, GEMMA.name),
        ((GEMMA, QWEN), "gemma-3-4b", True, GEMMA.name),
        ((GEMMA, QWEN), "gemma3:4b", True, GEMMA.name),
        ((GEMMA, QWEN), "qwen/qwen3-vl-4b", True, QWEN.name),
        ((BLIND, GEMMA, QWEN), "llava", False, QWEN.name),  # the one that is loaded
        ((BLIND, ServedModel("unknown")), "llava", False, "unknown"),
        ((ServedModel("gemma-3-4b-text", False), QWEN), "google/gemma-3-4b", False, QWEN.name),
    ],
)
def test_the_model_that_is_meant_is_found(models, wanted, explicit, name):
    assert choose(ServerInfo("http://s", models=models), wanted, explicit=explicit).model.name == name


@pytest.mark.parametrize(
    ("models", "wanted", "explicit", "message"),
    [
        ((BLIND,), "llava", False, "phi .* does not see"),
        ((), "llava", False, "no model loaded"),
        (
            (GEMMA, QWEN, ServedModel("a/gemma-3-4b-it"), ServedModel("b/gemma-3-4b-it")),
            "gemma-3-4b-it",
            True,
            "several models",
        ),
    ],
)
def test_without_a_usable_model_there_is_a_hint(models, wanted, explicit, message):
    with pytest.raises(ServerError, match=message) as caught:
        choose(ServerInfo("http://s", models=models), wanted, explicit=explicit)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("models", "wanted", "listed"),
    [((GEMMA, QWEN), "llava", False), ((), "llava", False), ((GEMMA, BLIND), "phi", True)],
)
def test_a_model_that_is_named_is_asked_whatever_the_list_says(models, wanted, listed):
    choice = choose(ServerInfo("http://s", models=models), wanted, explicit=True)
    assert choice.model.name == wanted
    assert choice.model.listed is listed
    assert choice.note


THINKS = Completion("", cut=True, thought=True)


def test_thoughts_get_their_room_once():
    first = Question.first(PROMPT)
    second = first.again(THINKS)
    assert second.tokens == first.tokens + THOUGHT_TOKENS
    assert second.again(THINKS).tokens <= second.tokens + 3 * first.tokens
    assert Question.first(PROMPT, thinks=True).tokens == second.tokens
    assert first.again(Completion("{", cut=True)).tokens == 4 * first.tokens
    assert first.again(Completion("no")).tokens == first.tokens


@pytest.mark.parametrize(
    ("said", "endless"),
    [
        (THINKS, True),
        (Completion("<think>hm hm", cut=True, thought=True), True),
        (Completion("<think>hm</think>\nbeach, sun", cut=True, thought=True), False),
        (Completion("", cut=False, thought=True), False),
        (Completion("", cut=True), False),
    ],
)
def test_thinking_without_end_is_known(said, endless):
    assert said.is_endless is endless


def test_the_room_has_two_names_and_need_not_be_named():
    question = Question.first(PROMPT)

    def fields(*off):
        body = json.loads(question.body("m", b"", frozenset(SWITCHES) - {*off}))
        return {key for key in body if "tokens" in key or key == "temperature"}

    assert fields() == {"max_tokens", "temperature"}
    assert fields("max_tokens") == {"max_completion_tokens", "temperature"}
    assert fields("max_tokens", "completion_tokens", "temperature") == set()
