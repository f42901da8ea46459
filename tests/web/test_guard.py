"""Who is let in: each refusal, and that nothing gets past it."""

import asyncio
import json

import pytest
from starlette.responses import PlainTextResponse

from tagroll.cli.serve import ServeOptions, _access
from tagroll.settings import WHERE_SAFE
from tagroll.web.guard import HEADERS, MOST_BYTES, MOST_WRONG, POLICY, WINDOW, Access, Guard, Wrong

HOST = "127.0.0.1:8377"
JSON = {"content-type": "application/json", "content-length": "2"}
OURS = {"origin": f"http://{HOST}", **JSON}


class Door:
    """A guard, what came through it, and a clock."""

    def __init__(self, **access):
        self.now = 0.0
        self.access = Access(frozenset({HOST, "localhost:8377"}), **access)
        self.passed = []
        self.guard = Guard(self._app, self.access, Wrong(lambda: self.now))

    async def _app(self, scope, receive, send):
        self.passed.append(scope["path"])
        await PlainTextResponse("in")(scope, receive, send)

    def ask(self, path="/", method="GET", *, known=True, client="1.2.3.4", **headers):
        """Status, headers and body of an answer."""
        path, _, query = path.partition("?")
        headers = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if known:
            headers.setdefault("cookie", f"tagroll={self.access.token}")
        scope = {
            "type": "http", "method": method, "path": path, "query_string": query.encode(), "client": (client, 1),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value],
        }  # fmt: skip
        told = []

        async def send(message):
            told.append(message)

        async def receive():
            return {"type": "http.request", "body": b"{}"}

        asyncio.run(self.guard(scope, receive, send))
        answered = {name.decode(): value.decode() for name, value in told[0]["headers"]}
        return told[0]["status"], answered, b"".join(one.get("body", b"") for one in told[1:])


@pytest.fixture
def door():
    return Door()


def test_without_the_token_nothing_is_answered_but_how_to_get_in(door):
    for path in ("/", "/static/index.js", "/thumb/1/00000000", "/original/1"):
        status, headers, body = door.ask(path, known=False)
        assert (status, headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert b"tagroll serve" in body
    status, headers, body = door.ask("/api/library", known=False)
    assert (status, set(json.loads(body))) == (401, {"error", "hint"})
    assert door.ask("/api/edits", "POST", known=False, **OURS)[0] == 401
    assert door.passed == []


def test_the_printed_address_lets_in_and_leaves_the_address_bar(door):
    status, headers, _ = door.ask(f"/?token={door.access.token}", known=False)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"tagroll={door.access.token}; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert door.ask("/")[0] == 200
    assert door.passed == ["/"]


@pytest.mark.parametrize("path", ["//evil.example/", "/api/library", "/review"])
def test_the_token_leads_nowhere_else(door, path):
    status, headers, _ = door.ask(f"{path}?token={door.access.token}", known=False)
    assert (status, headers["location"]) == (303, "/")


def test_the_browsers_token_counts_once(door):
    once = door.access.once
    status, headers, _ = door.ask(f"/?token={once}", known=False)
    assert status == 303
    assert once not in headers["set-cookie"]
    assert door.ask(f"/?token={once}", known=False)[0] == 401


@pytest.mark.parametrize(
    "cookie",
    ["tagroll=wrong", "tagroll=", "tagroll=é", "other={token}", "tagroll={token}x", "tagroll-1={token}"],
)
def test_a_wrong_cookie_lets_nobody_in(door, cookie):
    assert door.ask(cookie=cookie.format(token=door.access.token))[0] == 401
    assert door.passed == []


def test_ten_wrong_tokens_a_minute_are_enough(door):
    for n in range(MOST_WRONG):
        assert door.ask(f"/?token=guess{n}", known=False)[0] == 401
    status, headers, _ = door.ask(f"/?token={door.access.token}", known=False)
    assert (status, headers["retry-after"]) == (429, "60")
    assert door.ask("/")[0] == 200, "who is in stays in"
    assert door.ask("/?token=other", known=False, client="1.2.3.5")[0] == 401, "others are not held up"
    door.now = WINDOW + 1
    assert door.ask(f"/?token={door.access.token}", known=False)[0] == 303


def test_guessing_cookies_counts_but_a_page_of_an_earlier_server_does_not(door):
    for _ in range(3 * MOST_WRONG):
        assert door.ask(cookie="tagroll=of-an-earlier-server")[0] == 401
    for n in range(MOST_WRONG - 1):
        assert door.ask(cookie=f"tagroll=guess{n}")[0] == 401
    assert door.ask(cookie="tagroll=another")[0] == 429


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8377",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil.example:8377",
        "",
        "[::1]:8377",
    ],
)
def test_a_foreign_host_is_refused_whatever_it_knows(door, host):
    assert door.ask(host=host)[0] == 421
    assert door.ask(f"/?token={door.access.token}", host=host)[0] == 421
    assert door.passed == []


@pytest.mark.parametrize(
    "host",
    ["photos.example", "photos.example:443", "photos.example:8377", "Photos.Example", "localhost:8377"],
)
def test_a_name_that_was_allowed_counts_with_any_port(host):
    assert Door(names=frozenset({"photos.example"})).ask(host=host)[0] == 200


@pytest.mark.parametrize(
    ("host", "status"), [("vpn.example:8443", 200), ("vpn.example", 421), ("vpn.example:443", 421)]
)
def test_a_name_that_was_allowed_with_a_port_counts_with_that(host, status):
    assert Door(names=frozenset({"vpn.example:8443"})).ask(host=host)[0] == status


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1:80"])
def test_browsers_do_not_tell_the_usual_port(host):
    class Socket:
        def getsockname(self):
            return "127.0.0.1", 80

    options = ServeOptions(80, False, (), False, True, WHERE_SAFE, "nudge")
    access = _access([Socket()], options)
    assert access.knows(host)
    assert not access.knows("127.0.0.1:8377")
    assert not Door().access.knows("localhost")


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://localhost:8377",
        f"ftp://{HOST}",
        f"http://{HOST}.evil",
    ],
)
def test_what_writes_has_to_come_from_our_page(door, origin):
    assert door.ask("/api/edits", "POST", **{**OURS, "origin": origin})[0] == 403
    assert door.passed == []
    assert door.ask("/api/edits", "POST", **OURS)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_no_method_gets_around_that(door, method):
    assert door.ask("/api/edits", method, **JSON)[0] == 403


@pytest.mark.parametrize(
    "kind",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"],
)
def test_only_json_is_taken(door, kind):
    assert door.ask("/api/edits", "POST", **{**OURS, "content-type": kind})[0] == 415


@pytest.mark.parametrize("length", [None, "x", "-1", str(MOST_BYTES + 1)])
def test_no_more_is_taken_than_anybody_needs(door, length):
    assert door.ask("/api/edits", "POST", **{**OURS, "content-length": length})[0] == 413


@pytest.mark.parametrize("coding", ["chunked", "gzip, chunked", "identity"])
def test_what_does_not_tell_its_length_is_not_taken(door, coding):
    assert door.ask("/api/edits", "POST", **OURS, transfer_encoding=coding)[0] == 413


def test_read_only_takes_nothing():
    door = Door(read_only=True)
    for path in ("/api/edits", "/api/tags", "/api/searches", "/api/edits/1/undo"):
        status, _, body = door.ask(path, "POST", **OURS)
        assert status == 403
        assert b"read-only" in body
    assert door.ask("/")[0] == 200
    assert door.passed == ["/"]


def test_every_answer_carries_the_headers(door):
    answers = (door.ask(), door.ask(known=False), door.ask(host="evil"), door.ask("/x", "POST"))
    assert [answer[0] for answer in answers] == [200, 401, 421, 403]
    for _, headers, _ in answers:
        assert {name: headers[name.lower()] for name in HEADERS} == HEADERS
    assert "unsafe" not in POLICY
    assert "frame-ancestors 'none'" in POLICY


def test_two_servers_of_one_machine_do_not_share_a_cookie():
    one, other = Door(cookie="tagroll-1"), Door(cookie="tagroll-2")
    cookie = f"tagroll-1={one.access.token}; tagroll-2={other.access.token}"
    assert (one.ask(cookie=cookie)[0], other.ask(cookie=cookie)[0]) == (200, 200)
    assert one.access.token != other.access.token
    assert len(one.access.token) >= 32
    assert one.access.token not in repr(one.access)
