import json
import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tagroll.errors import ServerError, UsageError
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
    assert len(server.requests) == 3


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
