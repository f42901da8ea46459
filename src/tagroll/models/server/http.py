"""HTTP to a model server: where it is, one request and its answer, and what can go wrong on the way."""

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from tagroll.errors import UsageError

if TYPE_CHECKING:
    import httpx2

_ENDINGS = re.compile(r"/(chat/completions|completions|responses|embeddings|models)$")
_OLLAMA = re.compile(r"/api(/v0|/v1)?(/(chat|generate|tags|show|models))?$")
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")
CONNECT_SECONDS = 10.0
"""A server on the local network accepts at once or not at all."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server's endpoints are.

    Attributes:
        root: Without the version, for the endpoints beside the OpenAI ones.
        api: Base of the OpenAI endpoints, such as "http://127.0.0.1:1234/v1".
        user: Name and password that stood in the URL, or None; never part of a message.
    """

    root: str
    api: str
    user: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is this machine."""
        return bool(_LOOPBACK.fullmatch(urlsplit(self.root).hostname or ""))


def parse_address(api_url: str) -> Address:
    """Make sense of what people paste as a server's URL.

    With or without a scheme, a trailing slash, the version, or a whole endpoint; the address a server listens
    on (0.0.0.0) is taken for this machine.

    Raises:
        UsageError: It is no URL of an HTTP server.
    """
    text = api_url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or re.search(r"[\s\x00-\x1f]", text):
        raise UsageError("The server's address is not a URL", "Use one like --api-url http://127.0.0.1:1234")
    host = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104 - replaced, not bound
    origin = f"{parts.scheme}://{host}{f':{port}' if port else ''}"
    path = parts.path.rstrip("/")
    bare = _ENDINGS.sub("", path)
    user = (parts.username, parts.password or "") if parts.username else None
    if _OLLAMA.search(path):  # also LM Studio's own API: the OpenAI one is beside it
        root = origin + _OLLAMA.sub("", path)
    elif re.search(r"/v\d+\w*$", bare) or bare != path:
        return Address(origin + re.sub(r"/v\d+\w*$", "", bare), origin + bare, user)
    else:
        root = origin + bare
    return Address(root, f"{root}/v1", user)


class WireError(Exception):
    """No answer. `kind`: "down" nobody listens, "cut" the connection broke, "late" the time was up."""

    def __init__(self, kind: Literal["down", "cut", "late"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        status: HTTP status.
        body: As it came.
        retry_after: Seconds the server asks to wait, or None.
        error: Its own words about what is wrong, short and on one line; "" if it has none.
    """

    status: int
    body: bytes
    retry_after: float | None = None
    error: str = ""

    def json(self) -> Any:
        """The body as JSON, None if it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def error_text(body: bytes) -> str:
    """Find the words in an error answer: `error` as string or object, FastAPI's `detail`, or plain text.

    Returns:
        At most 200 characters on one line without control characters, for it is shown on a terminal.
    """
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        said = body.decode("utf-8", "replace")
        said = "" if said.lstrip().startswith("<") else said
    for key in ("error", "message", "detail", "msg"):
        said = said[0] if isinstance(said, list) and said else said
        said = said.get(key, said) if isinstance(said, dict) else said
    if not isinstance(said, str):
        said = json.dumps(said)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in said[:1000]).split())[:200]


class Wire:
    """One server's endpoints, for many threads; connections are kept open.

    Args:
        api_url: What the user gave.
        api_key: Sent as a bearer token; in no message and no repr.

    Raises:
        UsageError: The URL or the key cannot be one.
    """

    def __init__(self, api_url: str, api_key: str | None = None) -> None:
        import httpx2  # late: 70 ms that a run without a server need not wait

        self.address = parse_address(api_url)
        key = (api_key or "").strip()
        if not (key.isascii() and key.isprintable()):
            raise UsageError(
                "The API key has characters that no API key has", "Copy it again, without line breaks"
            )
        self._secrets = [secret for secret in (key, *(self.address.user or ())) if secret]
        self._errors = httpx2
        self._client = httpx2.Client(
            auth=self.address.user,
            headers={"Authorization": f"Bearer {key}"} if key else None,
            # A proxy or a .netrc is not meant for this machine.
            trust_env=not self.address.is_local,
            verify=self.address.api.startswith("https:"),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
        )

    def __repr__(self) -> str:
        return f"Wire({self.address.root!r})"

    def close(self) -> None:
        """Close all connections; a request that is under way fails."""
        self._client.close()

    def get(self, url: str, seconds: float) -> Answer:
        """GET a whole URL.

        Raises:
            WireError: There is no answer.
        """
        return self._send(self._client.build_request("GET", url, timeout=self._timeout(seconds)))

    def post(self, url: str, body: bytes, seconds: float) -> Answer:
        """POST JSON to a whole URL and wait so long for the answer to begin.

        Raises:
            WireError: There is no answer.
        """
        headers = {"Content-Type": "application/json"}
        timeout = self._timeout(seconds)
        return self._send(
            self._client.build_request("POST", url, content=body, headers=headers, timeout=timeout)
        )

    def _timeout(self, seconds: float) -> "httpx2.Timeout":
        return self._errors.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))

    def _send(self, request: "httpx2.Request") -> Answer:
        try:
            response = self._client.send(request)
        except (self._errors.ConnectError, self._errors.ConnectTimeout, self._errors.ProxyError) as error:
            raise WireError("down", "nobody answers there") from error
        except self._errors.TimeoutException as error:
            raise WireError("late", "no answer in time") from error
        except (self._errors.TransportError, self._errors.DecodingError) as error:
            raise WireError("cut", "the connection broke off") from error
        return self._answer(response)

    def _answer(self, response: "httpx2.Response") -> Answer:
        body, error = response.content, ""
        if response.is_redirect:  # not followed: the photos go where the user said and nowhere else
            error = f"it redirects to {response.headers['location'][:200]}"
        elif response.status_code != 200 or b'"error"' in body[:200]:
            error = error_text(body)
        for secret in self._secrets:
            error = error.replace(secret, "***")
        return Answer(response.status_code, body, _seconds(response.headers.get("retry-after")), error)


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is not worth a parser here."""
    try:
        seconds = float(retry_after or "nan")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
