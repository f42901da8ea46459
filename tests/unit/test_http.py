"""The one HTTP client: who is asked, what is never told, and servers that say too much, too slowly or nothing."""

import gzip
import socket
import ssl
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.stub import Says, Stub, error
from tagroll.errors import UsageError
from tagroll.models.server.bodies import read_json, stated_error
from tagroll.models.server.http import CHAT_BYTES, Wire
from tagroll.models.server.transport import find_proxy, urlsplit
from tagroll.models.server.wire_error import WireError

CERTIFICATE = Path(__file__).parents[1] / "server" / "self_signed.pem"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def wire():
    made = []

    def make(url, key=None):
        made.append(Wire(url, key))
        return made[-1]

    yield make
    for one in made:
        one.close()


@contextmanager
def talker(talk):
    """A server that does with each connection what it is told, after it has read a request."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    talk(connection, over)
            except OSError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


# ---------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://{}", "sk-s3cret"),
        ("http://{}", " sk-s3cret\r\n"),
        ("http://me:sk-s3cret@{}", None),
        ("http://me:sk-s3%63ret@{}", None),
        ("http://me:sk-s3cret@{}", "other"),
    ],
)
def test_no_secret_comes_back_in_a_message(wire, url, key):
    def echo(request):
        return error(400, f"what is sk-s3cret or sk-s3%63ret or {request.headers['authorization']} good for")

    with Stub(echo) as server:
        asked = wire(url.format(server.url.removeprefix("http://")), key)
        answer = asked.post(f"{server.url}/v1/chat/completions", b"{}", 5)
        sent = server.requests[0].headers["authorization"]
    assert sent.startswith(("Bearer sk-s3cret", "Basic "))
    assert "***" in answer.error
    assert "s3cret" not in answer.error + repr(asked)
    assert sent.split()[1] not in answer.error


@pytest.mark.parametrize("far", range(270, 301, 3))
def test_half_a_secret_is_not_told_where_the_words_are_cut(wire, far):
    with Stub(usual=error(400, "x" * (far - 1) + " sk-0123456789abcdef")) as server:
        answer = wire(server.url, "sk-0123456789abcdef").post(f"{server.url}/v1/chat/completions", b"{}", 5)
    assert "sk-" not in answer.error


def test_a_short_password_does_not_blacken_every_word(wire):
    with Stub(usual=error(400, "no photo with p please")) as server:
        answer = wire(server.url.replace("://", "://u:p@")).post(
            f"{server.url}/v1/chat/completions", b"{}", 5
        )
    assert answer.error == "no photo with *** please"


@pytest.mark.parametrize("key", ["ключ", "a\nb", "two\x00", "k\u00e9y", "a\tb"])
def test_a_key_that_cannot_be_sent_is_told_without_it(key):
    with pytest.raises(UsageError, match="API key has characters") as caught:
        Wire("http://127.0.0.1:9", key)
    assert key not in caught.value.message + caught.value.hint


# ---------------------------------------------------------------- too much, too slow


def test_an_answer_without_end_is_not_read_to_its_end(wire):
    def pour(connection, over):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        while not over.is_set():
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
            sent += 65536
            assert sent < 4 * CHAT_BYTES

    with talker(pour) as url, pytest.raises(WireError, match="longer than 16 MB"):
        wire(url).post(url, b"{}", 30)


@pytest.mark.parametrize("said", ["gzip", "identity", ""])
def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused(wire, said):
    bomb = gzip.compress(bytes(CHAT_BYTES + 1))
    with Stub(usual=Says(bomb, headers={"Content-Encoding": said})) as server:
        asked = wire(server.url)
        with pytest.raises(WireError, match="longer than 16 MB"):
            asked.post(f"{server.url}/v1/chat/completions", b"{}", 30)


@pytest.mark.parametrize("body", [gzip.compress(b'{"a": 1}', mtime=0), b'{"a": 1}'], ids=["packed", "plain"])
def test_an_answer_is_read_packed_or_not_whatever_its_header_says(wire, body):
    with Stub(usual=Says(body, headers={"Content-Encoding": "gzip"})) as server:
        assert wire(server.url).post(f"{server.url}/v1/chat/completions", b"{}", 5).json() == {"a": 1}
        assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "]
)
def test_an_answer_that_drips_is_late(wire, head):
    def drip(connection, over):
        connection.sendall(head)
        while not over.wait(0.05):
            connection.sendall(b" ")

    with talker(drip) as url:
        began = time.monotonic()
        with pytest.raises(WireError, match="no answer in time") as caught:
            wire(url).post(url, b"{}", 0.3)
        assert caught.value.kind == "late"
        assert time.monotonic() - began < 20


def test_the_time_of_one_request_does_not_shorten_the_next(wire):
    with Stub([Says({}, delay=0.2), Says({}, delay=0.2)]) as server:
        asked = wire(server.url)
        for _ in range(2):
            assert asked.post(f"{server.url}/v1/chat/completions", b"{}", 0.9).is_ok


# ---------------------------------------------------------------- proxies


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("all_proxy", "socks://127.0.0.1:9/"),
        ("HTTP_PROXY", "socks5h://h:1"),
    ],
)
def test_a_socks_proxy_without_its_package_is_told_plainly(monkeypatch, setting, value):
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv(setting, value)
    with pytest.raises(UsageError, match=f"{setting} names a SOCKS proxy") as caught:
        Wire("http://192.0.2.7:1234")
    assert "NO_PROXY=192.0.2.7" in caught.value.hint
    Wire("http://localhost:1234").close()
    monkeypatch.setenv("NO_PROXY", "192.0.2.0/24")
    Wire("http://192.0.2.7:1234").close()


@pytest.mark.parametrize("value", ["ftp://h:1", "http://", "http://h:port"])
def test_a_proxy_that_is_none_is_told(monkeypatch, value):
    monkeypatch.setenv("http_proxy", value)
    with pytest.raises(UsageError, match="http_proxy"):
        Wire("http://192.0.2.7:1234")


@pytest.mark.parametrize(
    ("no_proxy", "host", "asked"),
    [
        ("", "nas", True),
        ("*", "nas", False),
        ("nas", "nas", False),
        (".lan, other", "nas.lan", False),
        ("*.lan", "nas.lan", False),
        ("lan", "nas.lan", False),
        ("as", "nas", True),
        ("10.0.0.0/8", "10.1.2.3", False),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("nas:8080", "nas", False),
        ("[fd00::]/8", "nas", True),
    ],
)
def test_no_proxy_is_heeded(monkeypatch, no_proxy, host, asked):
    monkeypatch.setenv("http_proxy", "http://p:1")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert bool(find_proxy(urlsplit(f"http://{host}:8080"))) is asked


def test_a_dead_proxy_is_named_without_its_password(monkeypatch, wire):
    monkeypatch.setenv("HTTP_PROXY", "http://me:hunter2@127.0.0.1:9")
    with pytest.raises(WireError, match=r"the proxy http://127.0.0.1:9 \(HTTP_PROXY\)") as caught:
        wire("http://192.0.2.7:1234").get("http://192.0.2.7:1234/v1/models", 5)
    assert "NO_PROXY=192.0.2.7" in caught.value.hint
    assert "hunter2" not in str(caught.value) + caught.value.hint


# ---------------------------------------------------------------- TLS and names


@contextmanager
def https_server():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def talk(connection, _over):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(65536)
                    talk(secured, over)
            except OSError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_a_certificate_that_is_not_trusted_is_told_and_can_be_trusted(monkeypatch, wire):
    with https_server() as url:
        with pytest.raises(WireError, match="certificate is not trusted") as caught:
            wire(url).get(url, 5)
        assert "SSL_CERT_FILE" in caught.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert wire(url).get(url, 5).json() == {}


def test_a_missing_file_of_certificates_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        Wire("https://127.0.0.1:9")


def test_https_to_a_server_of_http_is_told(wire):
    with talker(lambda connection, _: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as http:
        url = http.replace("http:", "https:")
        with pytest.raises(WireError, match="does not speak HTTPS"):
            wire(url).get(url, 5)


def test_http_to_a_server_of_https_gets_a_hint(wire):
    with https_server() as https:
        url = https.replace("https:", "http:")
        with pytest.raises(WireError, match="broke off") as caught:
            wire(url).get(url, 5)
        assert "https://" in caught.value.hint


def test_an_unknown_name_is_told(wire, monkeypatch):
    def unknown(*_args, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    with pytest.raises(WireError, match='no machine of the name "nas"') as caught:
        wire("http://nas:1234").get("http://nas:1234/v1/models", 5)
    assert caught.value.hint


# ---------------------------------------------------------------- what bodies say


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b' \n {"a": "b\nc"}', {"a": "b\nc"}),
        (b'{"a": 1}\n\ndata: [DONE]\n\n', {"a": 1}),
        (b'{"a": "pl\xe1ge"}', {"a": "pláge"}),
        (b'{"a": NaN}', pytest.approx({"a": float("nan")}, nan_ok=True)),
        (b"404 page not found", None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_json_is_read_however_sloppily_it_is_written(body, value):
    assert read_json(body) == value


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"error": {"message": "CUDA out of memory"}}, "CUDA out of memory"),
        ({"id": "x", "error": "Model unloaded."}, "Model unloaded."),
        ({"choices": [{"error": {"message": "image too large"}, "message": {}}]}, "image too large"),
        ({"success": False, "errors": [{"message": "model busy"}]}, "model busy"),
        ({"success": False, "message": "model busy"}, "success: model busy"[9:]),
        ({"choices": [{"message": {}}], "error": None}, ""),
        ({"data": []}, ""),
        ([], ""),
    ],
)
def test_an_error_inside_an_answer_is_found(said, words):
    assert stated_error(said) == words
