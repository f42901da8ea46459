"""Who is let in: before everything else, each request is looked at here.

A browser sends requests for any page that is open in it, and a name of the outside may be made to point to this machine
(DNS rebinding). So a request must name a host that is ours, carry the token, and, where it writes, come from our page.
"""

import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    " manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries, unless it says otherwise itself."""

MOST_WRONG: Final = 10
"""Wrong tokens from one address within WINDOW; then it has to wait."""
WINDOW: Final = 60.0
"""Seconds."""
MOST_BYTES: Final = 8 << 20
"""Of what is posted: the numbers of a million photos."""
COOKIE_AGE: Final = 30 * 86_400
"""Seconds; the token ends with the server anyway."""

_ASK = "Open the address that tagroll serve printed in the terminal, or scan its code."


@dataclass(slots=True)
class Access:
    """What lets a request in.

    Attributes:
        hosts: What Host may say: names or addresses with their port, which browsers leave out where it is 80.
        names: Names that count with any port or none, as a proxy or VPN sends them; one with a port counts with that.
        cookie: The name of the cookie; cookies do not tell ports apart, so it has the port in it.
        read_only: Whether nothing may be written.
        token: Stands in the printed address, and in the cookie.
        once: A token that counts one time, for the browser that is started here: others may see its command line.
    """

    hosts: frozenset[str]
    names: frozenset[str] = frozenset()
    cookie: str = "tagroll"
    read_only: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    once: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def knows(self, host: str) -> bool:
        """Whether a request means this server."""
        host = host.lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        return host in self.hosts or name in self.names or host in self.names

    def opens(self, token: str) -> bool:
        """Whether a token from an address is right; takes as long for a wrong one."""
        is_token, is_once = _same(token, self.token), _same(token, self.once)
        if is_once:
            self.once = secrets.token_urlsafe(24)
        return is_token or is_once


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


class Wrong:
    """Counts wrong tokens by the address they come from.

    Args:
        clock: Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[tuple[float, str]]] = {}

    def too_many(self, address: str) -> bool:
        """Whether this address has to wait."""
        times = self._times.get(address, deque())
        while times and times[0][0] < self._clock() - WINDOW:
            times.popleft()
        if not times:
            self._times.pop(address, None)
        return len(times) >= MOST_WRONG

    def note(self, address: str, cookie: str = "") -> None:
        """Count one. The cookie of an earlier server comes with every request of a page, and counts once."""
        times = self._times.setdefault(address, deque(maxlen=MOST_WRONG))
        if not cookie or all(known != cookie for _, known in times):
            times.append((self._clock(), cookie))


class Guard:
    """Lets in who may come in, and sees to the headers of every answer.

    Args:
        app: What lies behind.
        access: What lets a request in.
        wrong: Counts wrong tokens.
    """

    def __init__(self, app: ASGIApp, access: Access, wrong: Wrong | None = None) -> None:
        self._app, self._access, self._wrong = app, access, wrong or Wrong()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "http":
            answer = self._answer(scope, Headers(scope=scope)) or self._app
            await answer(scope, receive, _with_headers(send))
        elif scope["type"] == "lifespan":  # the server's own beginning and end
            await self._app(scope, receive, send)

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """Why a request is not passed on; None where it is."""
        if not self._access.knows(headers.get("host", "")):
            return refuse(scope, 421, "this is not the address of this server", _ASK)
        return self._stranger(scope, headers) or self._foreign(scope, headers)

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """Ask for the token."""
        cookie = cookie_parser(headers.get("cookie", "")).get(self._access.cookie, "")
        token = QueryParams(scope["query_string"]).get("token", "")
        known = _same(cookie, self._access.token)
        if known and not token:
            return None
        address = (scope.get("client") or ("", 0))[0]
        if not known and self._wrong.too_many(address):
            again = {"Retry-After": str(int(WINDOW))}
            return refuse(scope, 429, "too many wrong tokens", "Wait a minute", again)
        if token and scope["method"] == "GET" and self._access.opens(token):
            return self._welcome()
        if known:  # an old address, in a browser that is let in
            return None
        if token or cookie:
            self._wrong.note(address, "" if token else cookie)
        return refuse(scope, 401, "the token is missing or no longer valid", _ASK)

    def _welcome(self) -> Response:
        """Put the token where no page sees it, and take it out of the address bar."""
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            self._access.cookie, self._access.token, max_age=COOKIE_AGE, httponly=True, samesite="strict"
        )
        return answer

    def _foreign(self, scope: Scope, headers: Headers) -> Response | None:
        """See that what writes comes from our page."""
        if scope["method"] in ("GET", "HEAD"):
            return None
        origin = headers.get("origin", "")
        if origin not in (f"http://{headers['host']}", f"https://{headers['host']}"):
            return refuse(scope, 403, "this does not come from tagroll's own page")
        if self._access.read_only:
            return refuse(scope, 403, "this server is read-only", "Start it without --read-only")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refuse(scope, 415, "only application/json is taken")
        length = headers.get("content-length", "")
        is_known = length.isdecimal() and "transfer-encoding" not in headers  # which would count for more
        if not is_known or int(length) > MOST_BYTES:
            return refuse(scope, 413, f"at most {MOST_BYTES >> 20} MiB are taken at once")
        return None


def refuse(
    scope: Scope, status: int, error: str, hint: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that says no: a small page for people, JSON for pages."""
    if scope["path"].startswith("/api/") or scope["method"] != "GET":
        return JSONResponse({"error": error, "hint": hint}, status, headers)
    title = f"{error[0].upper()}{error[1:]}."
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>tagroll</title>'
        f'<meta name="viewport" content="width=device-width"><h1>tagroll</h1><p>{title}</p><p>{hint}</p>'
        f'<p><a href="/">Try again</a></p></html>'
    )
    return HTMLResponse(page, status, headers)


_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(one for one in _RAW if one[0] not in said)]
        await send(message)

    return sending
