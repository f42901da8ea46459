import base64
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tagroll.errors import ServerError, StoppedError, UsageError
from tagroll.models.server.embedder import ServerEmbedder

Answer = Callable[[list[str]], tuple[int, object]]


def vector(text: str) -> list[float]:
    """Three numbers that differ from text to text."""
    return [float(len(text)), float(ord(text[0])), 3.0]


def items(texts: list[str]) -> list[dict[str, object]]:
    return [{"index": i, "embedding": vector(text)} for i, text in enumerate(texts)]


class Server:
    """A server of embeddings that answers as `self.answer` says; every request is kept."""

    def __init__(self) -> None:
        self.retry_after = ""
        self.answer: Answer = lambda texts: (200, {"data": items(texts)})
        self.requests: list[tuple[str, dict[str, object], str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.requests.append((self.path, body, self.headers.get("Authorization", "")))
                status, said = owner.answer(body["input"])
                payload = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                if owner.retry_after:
                    self.send_header("Retry-After", owner.retry_after)
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    thread = threading.Thread(target=lambda: found.http.serve_forever(poll_interval=0.01))
    thread.start()
    yield found
    found.http.shutdown()
    found.http.server_close()
    thread.join()


@pytest.fixture
def embedder(server: Server) -> Iterator[ServerEmbedder]:
    found = ServerEmbedder(server.url, "some-model", api_key="secret", batch_size=2)
    found.check()
    server.requests.clear()
    yield found
    found.close()


def test_rows_have_length_one_in_the_order_of_the_texts(server: Server, embedder: ServerEmbedder) -> None:
    texts = ["sea", "mountain", "fog", "a", "bridge"]
    rows = embedder.embed(texts)
    assert rows.dtype == np.float32
    expected = np.array([vector(t) for t in texts])
    np.testing.assert_allclose(rows, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    assert [len(body["input"]) for _, body, _ in server.requests] == [2, 2, 1]
    assert {key for _, _, key in server.requests} == {"Bearer secret"}


def test_nothing_to_embed(embedder: ServerEmbedder) -> None:
    assert embedder.embed([]).shape[0] == 0


def test_a_wrong_order_is_put_right(server: Server, embedder: ServerEmbedder) -> None:
    straight = embedder.embed(["sea", "mountain"])
    server.answer = lambda texts: (200, {"data": items(texts)[::-1]})
    np.testing.assert_array_equal(embedder.embed(["sea", "mountain"]), straight)


def test_no_index_means_in_order(server: Server, embedder: ServerEmbedder) -> None:
    straight = embedder.embed(["sea", "mountain"])
    server.answer = lambda texts: (200, {"data": [{"embedding": vector(t)} for t in texts]})
    np.testing.assert_array_equal(embedder.embed(["sea", "mountain"]), straight)


@pytest.mark.parametrize(
    "said",
    [
        {"data": items(["sea"])},
        {"data": items(["sea", "fog", "tree"])},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [2.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [2.0, 3.0]}]},
        {"data": [{"index": 0, "embedding": ["x"]}, {"index": 1, "embedding": ["y"]}]},
        {"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}]},
        {"data": [{"index": 0, "embedding": None}, {"index": 1, "embedding": None}]},
        {"data": [{"index": 0, "embedding": [0.0]}, {"index": 1, "embedding": [0.0]}]},
        {"data": None},
        ["no"],
        b"<html>not JSON</html>",
    ],
)
def test_unusable_answers_are_refused(server: Server, embedder: ServerEmbedder, said: object) -> None:
    server.answer = lambda _: (200, said)
    with pytest.raises(ServerError) as caught:
        embedder.embed(["sea", "fog"])
    assert caught.value.hint


@pytest.mark.parametrize("bad", [[math.nan, 1.0, 1.0], [0.0, 0.0, 0.0], [math.inf, 1.0, 1.0]])
def test_a_text_without_a_vector_is_similar_to_nothing(
    server: Server, embedder: ServerEmbedder, bad: list[float]
) -> None:
    server.answer = lambda texts: (200, {"data": [{"index": 0, "embedding": bad}, items(texts)[1]]})
    rows = embedder.embed(["?", "fog"])
    assert not rows[0].any()
    assert np.linalg.norm(rows[1]) == pytest.approx(1)
    assert embedder.unusable == ["?"]


def test_a_changed_length_is_refused(server: Server, embedder: ServerEmbedder) -> None:
    answers = iter([[1.0, 2.0], [1.0, 2.0, 3.0]])

    def answer(texts: list[str]) -> tuple[int, object]:
        numbers = next(answers)
        return 200, {"data": [{"index": i, "embedding": numbers} for i in range(len(texts))]}

    server.answer = answer
    with pytest.raises(ServerError, match="length"):
        embedder.embed(["a", "b", "c"])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(server: Server, embedder: ServerEmbedder, status: int) -> None:
    usual, tries = server.answer, iter([status, status])
    server.answer = lambda texts: (code, {"error": "busy"}) if (code := next(tries, 0)) else usual(texts)
    assert embedder.embed(["sea"]).shape == (1, 3)
    assert len(server.requests) <= 4, "and what was answered before, to see whose fault it is"


@pytest.mark.parametrize("said", [{"error": "no such model"}, {"error": {"message": "no such model"}}])
def test_a_refusal_is_final_and_in_the_servers_words(
    server: Server, embedder: ServerEmbedder, said: object
) -> None:
    server.answer = lambda _: (404, said)
    with pytest.raises(ServerError, match="404 no such model"):
        embedder.embed(["sea"])
    assert len(server.requests) == 1


def test_an_absent_server_is_said_by_check() -> None:
    gone = ServerEmbedder("http://127.0.0.1:9", "some-model")
    with pytest.raises(ServerError, match="nobody answers") as caught:
        gone.check()
    assert "built-in" in caught.value.hint
    gone.close()


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/v1/embeddings"])
def test_any_form_of_the_url(server: Server, ending: str) -> None:
    embedder = ServerEmbedder(server.url.removeprefix("http://") + ending, "some-model")
    embedder.check()
    embedder.close()
    assert [path for path, _, _ in server.requests] == ["/v1/embeddings"]


def test_not_a_url() -> None:
    with pytest.raises(UsageError):
        ServerEmbedder("ftp://somewhere", "some-model")


@pytest.mark.parametrize(
    ("model", "sent"), [("text-embedding-nomic-embed-text-v1.5", "clustering: sea"), ("bge-small", "sea")]
)
def test_only_nomic_models_get_their_prefix(server: Server, model: str, sent: str) -> None:
    embedder = ServerEmbedder(server.url, model)
    embedder.embed(["sea"])
    embedder.close()
    assert server.requests[-1][1]["input"] == [sent]


# ---------------------------------------------------------------- what servers do not take, and how they put it


def batches(server: Server) -> list[int]:
    return [len(body["input"]) for _, body, _ in server.requests]


@pytest.mark.parametrize(
    ("status", "words", "sizes"),
    [
        (422, "batch size {n} > maximum allowed batch size 3", [8, 3, 3, 2]),
        (413, {"error": "batch size {n} > maximum allowed batch size 3"}, [8, 3, 3, 2]),
        (400, "Value error, batch size is invalid, it should not be larger than 3.: input", [8, 3, 3, 2]),
        (400, "Too many inputs. The limit is 3 per request", [8, 3, 3, 2]),
        (500, "input is too large to process. increase the physical batch size", [8, 4, 2, 2, 2, 2]),
        (413, b"<html><title>413 Request Entity Too Large</title></html>", [8, 4, 2, 2, 2, 2]),
        (400, "", [8, 4, 2, 2, 2, 2]),
    ],
)
def test_a_limit_of_the_batch_is_learned(
    server: Server, status: int, words: object, sizes: list[int]
) -> None:
    usual = server.answer

    def limited(texts: list[str]) -> tuple[int, object]:
        said = words.format(n=len(texts)) if isinstance(words, str) else words
        return (
            usual(texts)
            if len(texts) <= 3
            else (status, {"error": {"message": said}} if said != words else said)
        )

    server.answer = limited
    embedder = ServerEmbedder(server.url, "some-model")
    texts = [f"tag {number}" for number in range(8)]
    assert embedder.embed(texts).shape == (8, 3)
    assert batches(server) == [1, *sizes]
    server.requests.clear()
    embedder.embed(texts)
    assert max(batches(server)) <= 3, "it is remembered"
    embedder.close()


@pytest.mark.parametrize(
    "refusal",
    [
        (
            400,
            {
                "error": "litellm.UnsupportedParamsError: Setting {'encoding_format': 'float'} is not supported"
            },
        ),
        (422, {"detail": [{"loc": ["body", "encoding_format"], "msg": "Extra inputs are not permitted"}]}),
        (400, {"error": "Bad Request"}),
        (500, {"error": "KeyError"}),
    ],
)
def test_a_number_format_that_is_refused_is_left_away(server: Server, refusal: tuple[int, object]) -> None:
    usual = server.answer
    server.answer = lambda texts: refusal if "encoding_format" in server.requests[-1][1] else usual(texts)
    embedder = ServerEmbedder(server.url, "some-model")
    assert embedder.embed(["sea", "fog"]).shape == (2, 3)
    embedder.close()
    assert "encoding_format" not in server.requests[-1][1]
    assert batches(server)[-1] == 2


def test_a_server_that_takes_one_text_and_no_list_gets_them_one_by_one(server: Server) -> None:
    usual = server.answer
    server.answer = lambda text: (
        usual([text]) if isinstance(text, str) else (400, {"error": "input must be a string"})
    )
    embedder = ServerEmbedder(server.url, "some-model")
    rows = embedder.embed(["sea", "fog"])
    embedder.close()
    np.testing.assert_allclose(rows[1], np.array(vector("fog")) / np.linalg.norm(vector("fog")), atol=1e-6)
    assert [body["input"] for _, body, _ in server.requests[-2:]] == ["sea", "fog"]


def packed(text: str) -> str:
    return base64.b64encode(np.array(vector(text), "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    "shape",
    [
        lambda texts: {"data": [{"index": i, "embedding": packed(t)} for i, t in enumerate(texts)]},
        lambda texts: {"data": [{"index": i, "embedding": [vector(t)]} for i, t in enumerate(texts)]},
        lambda texts: {"data": [{"embedding": {"float": vector(t)}} for t in texts]},
        lambda texts: {"data": [{"embedding": [str(n) for n in vector(t)]} for t in texts]},
        lambda texts: {"data": [{"index": i + 1, "embedding": vector(t)} for i, t in enumerate(texts)]},
        lambda texts: {"embeddings": [vector(t) for t in texts]},
        lambda texts: {"embeddings": {"float": [vector(t) for t in texts]}},
        lambda texts: [vector(t) for t in texts],
        lambda texts: [{"embedding": [vector(t)], "index": i} for i, t in enumerate(texts)],
        lambda texts: {"output": {"embeddings": [{"vector": vector(t)} for t in texts]}},
    ],
)
def test_vectors_are_read_in_every_shape(server: Server, shape: Callable[[list[str]], object]) -> None:
    server.answer = lambda texts: (200, shape(texts))
    embedder = ServerEmbedder(server.url, "some-model")
    texts = ["sea", "mountain"]
    rows = embedder.embed(texts)
    embedder.close()
    expected = np.array([vector(t) for t in texts])
    np.testing.assert_allclose(rows, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize(
    ("status", "said", "message", "hint"),
    [
        (
            401,
            {"error": "Incorrect API key provided: secret"},
            r"401 Incorrect API key provided: \*\*\*",
            "--api-key",
        ),
        (
            404,
            {"error": 'model "some-model" not found, try pulling it first'},
            "not found",
            "Load some-model",
        ),
        (404, {"error": "some-model: no such thing"}, "no such thing", "Load some-model"),
        (404, b"404 page not found", "no embeddings at http.*/v1/embeddings", "--embedding-url"),
        (405, {"detail": "Method Not Allowed"}, "no embeddings at", "--embedding-url"),
        (
            200,
            b"<!doctype html><html><title>My web app</title></html>",
            "no embeddings at",
            "--embedding-url",
        ),
        (308, b"", "no embeddings at", "--embedding-url"),
        (501, {"error": "This server does not support embeddings"}, "does not support", "--embeddings"),
        (400, {"error": "this model does not support embeddings"}, "does not support", "--embedding-model"),
        (402, {"error": "Insufficient credits"}, "Insufficient credits", "built-in"),
        (200, {"error": {"message": "model some-model not found"}}, "not found", "Load some-model"),
        (400, b"<html><title>Bad</title>" + b"x" * 5000 + b"</html>", "refuses embeddings: 400 Bad$", "log"),
    ],
)
def test_each_refusal_is_told_with_what_to_do(
    server: Server, status: int, said: object, message: str, hint: str
) -> None:
    server.answer = lambda _: (status, said)
    embedder = ServerEmbedder(server.url, "some-model", api_key="secret")
    with pytest.raises(ServerError, match=message) as caught:
        embedder.check()
    embedder.close()
    assert hint in caught.value.hint
    assert len(server.requests) <= 3


PASSING = [
    (503, {"error": "Loading model"}),
    (404, {"error": {"message": "No models loaded. Please load a model in the developer page"}}),
    (400, {"error": "Model is unloaded."}),
    (400, {"error": 'Failed to load model "m". Error: Operation canceled.'}),
    (500, {"error": "model runner has unexpectedly stopped"}),
    (200, {"error": {"message": "model some-model not loaded"}}),
]


def for_a_while(server: Server, said: tuple[int, object], times: int) -> None:
    usual, left = server.answer, iter(range(times))
    server.answer = lambda texts: said if next(left, None) is not None else usual(texts)


@pytest.mark.parametrize("said", PASSING, ids=lambda said: str(said[0]))
def test_a_model_that_is_loading_is_waited_for(
    server: Server, said: tuple[int, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagroll.models.server.retry.spread", lambda seconds: seconds / 20)
    for_a_while(server, said, 4)
    embedder = ServerEmbedder(server.url, "some-model")
    assert embedder.check().shape == (1, 3)
    embedder.close()
    assert len(server.requests) == 5


@pytest.mark.parametrize("said", [*PASSING, (500, {"error": "Internal Server Error"}), (502, b"")])
def test_an_outage_on_the_way_is_waited_for_and_costs_no_larger_batch(
    server: Server, embedder: ServerEmbedder, said: tuple[int, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagroll.models.server.retry.spread", lambda seconds: seconds / 20)
    for_a_while(server, said, 6)
    assert embedder.embed(["sea", "fog", "tree", "bridge"]).shape == (4, 3)
    assert [len(body["input"]) for _, body, _ in server.requests][-2:] == [2, 2]


@pytest.mark.parametrize("said", PASSING[1:3])
def test_what_does_not_come_back_ends_it_in_the_servers_words(
    server: Server, said: tuple[int, object]
) -> None:
    server.answer = lambda _: said
    embedder = ServerEmbedder(server.url, "some-model", patience=0.4)
    with pytest.raises(ServerError, match=r"refuses embeddings: 40\d .*loaded"):
        embedder.check()
    embedder.close()


@pytest.mark.parametrize(
    ("status", "word"), [(503, "loading"), (429, "slow down"), (404, "No models loaded")]
)
def test_retry_after_is_kept(server: Server, status: int, word: str) -> None:
    server.retry_after = "0.6"
    for_a_while(server, (status, {"error": word}), 2)
    embedder = ServerEmbedder(server.url, "some-model")
    began = time.monotonic()
    embedder.check()
    assert time.monotonic() - began > 1.2
    embedder.close()
    assert len(server.requests) == 3


@pytest.mark.parametrize("said", [PASSING[0], PASSING[1], (429, {"error": "slow down"})])
def test_what_is_waited_for_is_told_and_stopping_ends_it(
    server: Server, said: tuple[int, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagroll.models.server.retry.NOTICED", 0.1)
    server.answer = lambda _: said
    embedder = ServerEmbedder(server.url, "some-model")
    assert embedder.waiting is None
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(embedder.check)
        while (told := embedder.waiting) is None:
            time.sleep(0.02)
        assert server.url in told.reason
        embedder.stop()
        assert isinstance(asked.exception(20), StoppedError)
    embedder.close()


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/api/v1", "/api/v1/embeddings"),
        ("/api", "/api/embeddings"),
        ("", "/api/v1/embeddings"),
        ("/api/v1/embeddings", "/api/v1/embeddings"),
        ("/api/embed", "/v1/embeddings"),
    ],
)
def test_the_endpoint_is_looked_for_where_servers_have_it(server: Server, given: str, path: str) -> None:
    usual = server.answer
    server.answer = lambda texts: (
        usual(texts) if server.requests[-1][0] == path else (404, b"404 page not found")
    )
    embedder = ServerEmbedder(server.url + given, "some-model")
    embedder.embed(["sea"])
    embedder.close()
    assert server.requests[-1][0] == path


@pytest.mark.parametrize("setting", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "socks://127.0.0.1:9/"])
def test_a_proxy_is_not_asked_for_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch, setting: str, proxy: str
) -> None:
    monkeypatch.setenv(setting, proxy)
    for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
        embedder = ServerEmbedder(url, "some-model")
        assert embedder.check().shape == (1, 3)
        embedder.close()


@pytest.mark.parametrize("key", ["sk-s3cret\r\nX: y", "s3cret-ключ"])
def test_a_key_that_cannot_be_sent_is_not_shown(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        ServerEmbedder("http://127.0.0.1:9", "some-model", api_key=key)
    assert "s3cret" not in caught.value.message + caught.value.hint


def test_a_password_in_the_url_is_not_shown() -> None:
    gone = ServerEmbedder("http://me:hunter2@127.0.0.1:9/v1", "some-model")
    with pytest.raises(ServerError) as caught:
        gone.check()
    gone.close()
    assert "hunter2" not in caught.value.message + caught.value.hint
