"""HTTP to a model server, for chat and embeddings alike: where it is, one request and its answer, and its words."""

import base64
import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from tagroll.errors import UsageError
from tagroll.models.server.bodies import error_text, one_line, read_json, stated_error
from tagroll.models.server.wire_error import WireError

if TYPE_CHECKING:
    import httpcore2

_OPENAI = re.compile(r"/(chat/completions|completions|responses|embeddings|models)$")
_NATIVE = re.compile(r"/api(/v0(/\w+)?|/(chat|generate|tags|show|ps|embed|embeddings))$")
_BESIDE = re.compile(r"/api(/v\d+\w*)?$")
_VERSION = re.compile(r"/v\d+\w*$")
_LOOPBACK = re.compile(r"(.+\.)?localhost|127(\.\d+){3}|::1")
CONNECT_SECONDS = 10.0
"""A server on the local network accepts at once or not at all."""
CHAT_BYTES = 16 << 20
"""More than this is no answer of a model: 16 MB, unpacked."""
VECTORS_BYTES = 256 << 20
"""A thousand vectors of 4,096 numbers, written out, are 90 MB."""
REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server's endpoints are.

    Attributes:
        root: Without the version, for the endpoints beside the OpenAI ones.
        bases: Where the OpenAI endpoints may be, such as "http://127.0.0.1:1234/v1"; the most likely one first.
        user: Name and password that stood in the URL, or None; never part of a message.
    """

    root: str
    bases: tuple[str, ...]
    user: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def api(self) -> str:
        """The base of the OpenAI endpoints."""
        return self.bases[0]

    @property
    def is_local(self) -> bool:
        """Whether it is this machine."""
        return bool(_LOOPBACK.fullmatch(urlsplit(self.root).hostname or ""))


def parse_address(api_url: str) -> Address:
    """Make sense of what people paste as a server's URL.

    With or without a scheme, a trailing slash, the version, or a whole endpoint; the address a server listens
    on (0.0.0.0) is taken for this machine. What was given comes first, then where servers usually have their
    endpoints: /v1, Lemonade's and OpenRouter's /api/v1, Open WebUI's /api.

    Raises:
        UsageError: It is no URL of an HTTP server.
    """
    text = api_url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in {"http", "https"} or re.search(r"[\s\x00-\x1f]", text):
        raise UsageError("the server's address is not a URL", "Use one like http://127.0.0.1:1234")
    host = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104 - replaced, not bound
    origin = f"{parts.scheme}://{host}{f':{port}' if port else ''}"
    path = quote(re.sub("/+", "/", parts.path).rstrip("/"), safe="/%:@!$&'()*+,;=~")
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    if native := _NATIVE.search(path):  # Ollama's or LM Studio's own API: the OpenAI one is beside it
        root = origin + path[: native.start()]
        return Address(root, (f"{root}/v1", f"{root}/api"), user)
    base = _OPENAI.sub("", path)
    root = origin + _BESIDE.sub("", base) if _BESIDE.search(base) else origin + _VERSION.sub("", base)
    given = [origin + base] if base or path else []
    bases = [*given, f"{root}/v1", f"{root}/api/v1", f"{root}/api"]
    return Address(root, tuple(dict.fromkeys(bases)), user)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        status: HTTP status.
        body: Unpacked.
        retry_after: Seconds the server asks to wait, or None.
        error: Its own words about what is wrong, short and on one line; "" if it has none.
        url: What was asked.
        proxy: The proxy it came through, "" if none.
    """

    status: int
    body: bytes
    retry_after: float | None = None
    error: str = ""
    url: str = ""
    proxy: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the server says that it did what was asked; some say 201."""
        return 200 <= self.status < 300

    @property
    def is_refusal(self) -> bool:
        """Whether it says, by its status or in spite of it, that it did not do what was asked."""
        return not self.is_ok or bool(self.error)

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people."""
        return self.body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")

    @property
    def is_reply(self) -> bool:
        """Whether it may be what was asked for: no refusal, no page, and not nothing."""
        return not self.is_refusal and not self.is_page and bool(self.body.strip())

    def json(self) -> Any:
        """The body as JSON, or what its events are as one; None if it is neither."""
        return read_json(self.body)


class Wire:
    """One server's endpoints, for many threads; connections are kept open.

    Args:
        api_url: What the user gave.
        api_key: Sent as a bearer token; in no message and no repr.

    Raises:
        UsageError: The URL or the key cannot be one, or the proxy of the environment cannot be used.
    """

    def __init__(self, api_url: str, api_key: str | None = None) -> None:
        from tagroll.models.server import transport  # late: 100 ms that a run without a server need not wait

        self.address = parse_address(api_url)
        key = (api_key or "").strip()
        if not (key.isascii() and key.isprintable()):
            raise UsageError(
                "the API key has characters that no API key has", "Copy it again, without line breaks"
            )
        self._server = urlsplit(self.address.root)
        self._transport = transport
        # A proxy is not meant for this machine.
        self._proxy = None if self.address.is_local else transport.find_proxy(self._server)
        self._connections = transport.Connections()
        self._pool: httpcore2.ConnectionPool = transport.connection_pool(
            self._server, self._proxy, self._connections
        )
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tagroll"}
        login = base64.b64encode(":".join(self.address.user).encode()).decode() if self.address.user else ""
        if login or key:
            self._headers["Authorization"] = f"Basic {login}" if login else f"Bearer {key}"
        passwords = [user[1] for user in (self.address.user, self._proxy and self._proxy.user) if user]
        self._mask = _Masking([key, login, *passwords, *map(quote, passwords)])

    def __repr__(self) -> str:
        return f"Wire({self.address.root!r})"

    def close(self) -> None:
        """Close all connections; a request that is under way fails."""
        self._pool.close()

    def cut(self) -> None:
        """Break off what is under way: who waits for an answer gets a WireError now."""
        self._connections.cut()

    def settle(self, base: str) -> None:
        """From now on the endpoints are at this one of the address's bases."""
        self.address = replace(self.address, bases=(base,))

    def move_on(self, base: str) -> bool:
        """Leave a base where the endpoints are not; False if there is no other. Only the first of many threads does."""
        if self.address.api == base and len(self.address.bases) > 1:
            self.address = replace(self.address, bases=self.address.bases[1:])
        return self.address.api != base

    def get(self, url: str, seconds: float) -> Answer:
        """GET a whole URL.

        Raises:
            WireError: There is no answer.
        """
        return self._send("GET", url, None, seconds, CHAT_BYTES)

    def post(self, url: str, body: bytes, seconds: float, *, most: int = CHAT_BYTES) -> Answer:
        """POST JSON to a whole URL.

        Args:
            url: The endpoint.
            body: JSON.
            seconds: How long the whole answer may take.
            most: Bytes of an answer; a longer one is none.

        Raises:
            WireError: There is no answer.
        """
        return self._send("POST", url, body, seconds, most)

    def _send(self, method: str, url: str, content: bytes | None, seconds: float, most: int) -> Answer:
        import httpcore2

        headers = self._headers | ({"Content-Type": "application/json"} if content is not None else {})
        timeout = dict.fromkeys(("read", "write", "pool"), seconds) | {
            "connect": min(seconds, CONNECT_SECONDS)
        }
        opened = self._pool.stream(
            method, url, headers=list(headers.items()), content=content, extensions={"timeout": timeout}
        )
        try:
            with self._transport.whole_time(seconds), opened as response:
                fields = {name.lower(): value.decode("latin-1") for name, value in response.headers}
                body = _unpacked(_up_to(response.iter_stream(), most), most)
                status = response.status
        except (
            httpcore2.TimeoutException,
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.ProxyError,
        ) as error:
            raise self._transport.explain(error, self._server, self._proxy) from error
        return self._answer(status, fields, body, url)

    def _answer(self, status: int, fields: dict[bytes, str], body: bytes, url: str) -> Answer:
        error = ""
        if status in REDIRECTS:  # not followed: the photos go where the user said and nowhere else
            error = f"it redirects to {one_line(self._mask(fields.get(b'location', '')))}"
        elif not 200 <= status < 300:
            error = error_text(self._mask.within(body))  # before it is cut: half a key is a secret too
        elif b'"error' in body or len(body) < 10_000:
            error = stated_error(read_json(self._mask.within(body)))
        proxy = str(self._proxy) if self._proxy else ""
        return Answer(status, body, _seconds(fields.get(b"retry-after")), self._mask(error), url, proxy)


class _Masking:
    """Puts *** where a secret would be shown; a very short one only where it stands by itself."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        forms = (re.escape(one) if len(one) > 3 else rf"(?<!\w){re.escape(one)}(?!\w)" for one in found)
        self._secrets = re.compile("|".join(forms)) if found else None

    def __call__(self, text: str) -> str:
        return self._secrets.sub("***", text) if self._secrets else text

    def within(self, body: bytes) -> bytes:
        """The same for what is not yet read as text."""
        return self(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _up_to(parts: Iterable[bytes], most: int) -> bytes:
    """What comes, unless it is too much.

    Raises:
        WireError: It is too much; the rest is not read.
    """
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > most:
            raise too_long(most)
    return bytes(body)


def too_long(most: int) -> WireError:
    """The answer does not end."""
    return WireError("cut", f"its answer is longer than {most >> 20} MB", "See the server's log")


def _unpacked(body: bytes, most: int) -> bytes:
    """A body that is packed although that was not asked for, and no larger than allowed.

    Raises:
        WireError: It is too much.
    """
    if body[:2] != b"\x1f\x8b" and body[:1] != b"\x78":
        return body
    try:
        plain = zlib.decompressobj(47).decompress(body, most + 1)  # gzip or zlib, as it says itself
    except zlib.error:
        return body  # it only begins like that
    if len(plain) > most:
        raise too_long(most)
    return plain


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds, given as such or as a date."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time()
        except (ValueError, OverflowError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
