"""Connections to a server: through a proxy or not, whom to trust, how long it may take, and why there is none."""

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import httpcore2  # takes 100 ms: nothing imports this module before a server is asked

from tagroll.errors import UsageError, plainly
from tagroll.models.server.wire_error import WireError

if TYPE_CHECKING:
    from httpcore2 import NetworkStream

_SOCKS = {"socks": "socks5", "socks5": "socks5", "socks5h": "socks5"}  # "socks" is what GNOME sets
IDLE_SECONDS = 5.0
"""An idle connection is closed after this time; many servers close theirs a little later."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that the environment names.

    Attributes:
        setting: Where it is named, such as "HTTPS_PROXY".
        url: Its parts; the password is part of no message.
    """

    setting: str
    url: SplitResult = field(repr=False)

    def __str__(self) -> str:
        host = self.url.hostname or ""
        return f"{self.url.scheme}://{host}{f':{self.url.port}' if self.url.port else ''} ({self.setting})"

    @property
    def user(self) -> tuple[str, str] | None:
        """Name and password."""
        parts = self.url
        return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def find_proxy(server: SplitResult) -> Proxy | None:
    """The proxy through which a server is asked: HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, unless NO_PROXY covers it.

    Raises:
        UsageError: It is no URL.
    """
    found = getproxies()
    host = server.hostname or ""
    scheme = next((scheme for scheme in (server.scheme, "all") if found.get(scheme)), None)
    if scheme is None or proxy_bypass(host) or _is_covered(found.get("no", ""), host, server.port):
        return None
    names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
    setting = next((name for name in names if os.environ.get(name)), "the system's settings")
    text = found[scheme]
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if not parts.hostname:
        raise UsageError(f"{setting} is not the URL of a proxy", "Mend it, or unset it")
    return Proxy(setting, parts)


def _is_covered(no_proxy: str, host: str, port: int | None) -> bool:
    """Whether NO_PROXY covers a host: "*", a name with all below it, an address, a network."""
    for entry in no_proxy.lower().split(","):
        name = entry.strip().lstrip("*").lstrip(".")
        if entry.strip() == "*" or (name and (name in {host, f"{host}:{port}"} or host.endswith(f".{name}"))):
            return True
        try:
            if ip_address(host) in ip_network(name.strip("[]"), strict=False):
                return True
        except ValueError:  # one of them is a name
            continue
    return False


def connection_pool(
    server: SplitResult, proxy: Proxy | None, backend: "Connections"
) -> httpcore2.ConnectionPool:
    """As many connections to a server as are needed; idle ones are kept for a while.

    Raises:
        UsageError: The proxy is of a kind that cannot be used, or the file of certificates cannot be read.
    """
    secure = server.scheme == "https" or (proxy is not None and proxy.url.scheme == "https")
    options: dict[str, Any] = {
        "ssl_context": _trusted() if secure else None,
        "max_connections": None,
        "max_keepalive_connections": 64,
        "keepalive_expiry": IDLE_SECONDS,
        "network_backend": backend,
    }
    if proxy is None:
        return httpcore2.ConnectionPool(**options)
    way_out = f"Set NO_PROXY={server.hostname} to ask the server without a proxy"
    scheme, host, port = proxy.url.scheme.lower(), proxy.url.hostname or "", proxy.url.port
    if scheme in {"http", "https"}:
        options["proxy_ssl_context"] = options["ssl_context"] if scheme == "https" else None
        url = httpcore2.URL(scheme=scheme, host=host, port=port, target=b"/")
        return httpcore2.HTTPProxy(url, proxy_auth=proxy.user, **options)
    if scheme not in _SOCKS:
        raise UsageError(f"{proxy.setting} names a proxy of an unknown kind: {scheme}", f"{way_out}")
    url = httpcore2.URL(scheme=_SOCKS[scheme], host=host, port=port or 1080, target=b"/")
    try:
        import socksio  # type: ignore[import-not-found,unused-ignore]  # noqa: F401 - httpcore's own word is "RuntimeError"
    except ImportError:
        raise UsageError(
            f"{proxy.setting} names a SOCKS proxy, and the package socksio is not installed",
            f"{way_out}, or: pip install socksio",
        ) from None
    return httpcore2.SOCKSProxy(url, proxy_auth=proxy.user, **options)


def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted: those of SSL_CERT_FILE or SSL_CERT_DIR, or else the system's."""
    try:
        return httpcore2.default_ssl_context()
    except OSError as error:  # an SSLError is one
        setting = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        raise UsageError(f"the certificates of {setting} cannot be read", "Mend it, or unset it") from error


_until = threading.local()
"""Until when the request of this thread may take, for all that is read and written for it."""


class whole_time:  # noqa: N801 - used like a function
    """Within this block all waiting of this thread for a server ends after so many seconds, however it drips."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        _until.end = time.monotonic() + self._seconds

    def __exit__(self, *_: object) -> None:
        _until.end = None


def _left(timeout: float | None) -> float | None:
    end: float | None = getattr(_until, "end", None)
    if end is None:
        return timeout
    left = max(end - time.monotonic(), 0.001)  # 0 would mean: do not wait at all
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    """A connection that knows how long the whole request may take: a timeout of a socket is one for each read."""

    def __init__(self, stream: "NetworkStream", opened: "Connections") -> None:
        self._stream = stream
        self._opened = opened
        opened.add(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "NetworkStream":
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)), self._opened)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Connections(httpcore2.SyncBackend):
    """Makes connections, and can cut all of them: closing one does not wake who waits for an answer on it."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._open: WeakSet[_Stream] = WeakSet()

    def add(self, stream: _Stream) -> None:
        """Remember one."""
        with self._lock:
            self._open.add(stream)

    def cut(self) -> None:
        """Whoever waits for an answer gets an error now."""
        with self._lock:
            streams = list(self._open)
        for stream in streams:
            with contextlib.suppress(OSError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> "NetworkStream":
        """Make one."""
        return _Stream(super().connect_tcp(host, port, _left(timeout), local_address, socket_options), self)


def explain(error: Exception, server: SplitResult, proxy: Proxy | None) -> WireError:
    """Say in plain words why there is no answer, and what the user can do about it."""
    causes = list(_causes(error))
    if proxy and isinstance(error, httpcore2.ProxyError | httpcore2.ConnectError | httpcore2.ConnectTimeout):
        refusal = f": {plainly(error)}"[:80] if isinstance(error, httpcore2.ProxyError) else ""
        if not any(isinstance(cause, ssl.SSLError) for cause in causes):
            return WireError(
                "down",
                f"the proxy {proxy} lets nothing through{refusal}",
                f"Set NO_PROXY={server.hostname} to ask the server without a proxy, or mend {proxy.setting}",
            )
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _tls(cause)
        if isinstance(cause, socket.gaierror):
            hint = "Look how its name is spelt in --api-url, or give its address in numbers."
            return WireError("down", f'there is no machine of the name "{server.hostname}"', hint)
    if isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout):
        return WireError("down", "nobody answers there")
    if isinstance(error, httpcore2.TimeoutException):
        return WireError("late", "no answer in time")
    hint = (
        "" if server.scheme == "https" else f"See its log; if it speaks HTTPS, use https://{server.netloc}."
    )
    return WireError("cut", "the connection broke off", hint)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _tls(error: ssl.SSLError) -> WireError:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        return WireError(
            "down",
            f"its certificate is not trusted ({why})",
            "Name a file with its certificate, or with that of who signed it, in SSL_CERT_FILE",
        )
    if error.reason in {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "RECORD_LAYER_FAILURE",
        "PACKET_LENGTH_TOO_LONG",
    }:
        return WireError("down", "it does not speak HTTPS", "Write http:// in place of https://")
    words = (error.reason or "unknown").replace("_", " ").lower()
    return WireError("down", f"no safe connection can be made ({words})", "See the server's log")
