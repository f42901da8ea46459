"""Where the server listens, and how it ends."""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from tagroll.errors import UsageError
from tagroll.web.events import Events

HERE: Final = "127.0.0.1"
_GRACE = 5
"""Seconds that answers on their way get when the server ends."""


def listen(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Listen at these addresses; port 0 takes any that is free.

    Raises:
        UsageError: The port is taken, or may not be used.
    """
    with contextlib.ExitStack() as opened:
        sockets = []
        for address in addresses:
            # with its protocol named, asyncio sends small answers at once; else each waits 40 ms for the one before
            kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            one = opened.enter_context(socket.socket(*kind))
            if (
                sys.platform == "win32"
            ):  # there, two servers could have one port, and with SO_REUSEADDR they do
                one.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((address, port))
                one.listen(128)
            except OSError as error:
                raise _refused(address, port, error) from error
            port = one.getsockname()[1]
            sockets.append(one)
        opened.pop_all()
        return sockets


def _refused(address: str, port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"port {port} is in use",
            f"Perhaps tagroll serve runs already; or take another: --port {port + 1}",
        )
    return UsageError(
        f"cannot listen at {address}:{port}: {error.strerror}", "Take a port above 1023: --port 8377"
    )


def addresses_of_machine() -> list[str]:
    """The IPv4 addresses under which other machines may find this one."""
    found = dict.fromkeys(_of_interfaces())
    with contextlib.suppress(OSError):
        found |= dict.fromkeys(socket.gethostbyname_ex(socket.gethostname())[2])
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
        # an address for documentation (RFC 5737): nothing is sent, a way is only looked up
        outward.connect(("192.0.2.1", 9))
        found[outward.getsockname()[0]] = None
    return [address for address in found if not address.startswith("127.")]


def _of_interfaces() -> list[str]:
    """The addresses of the network interfaces, on Linux: a name may resolve to 127.0.1.1 there, and no way lead out."""
    if sys.platform != "linux":
        return []
    import fcntl

    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # one without an address
                SIOCGIFADDR, request = 0x8915, name.encode()[:15].ljust(40, b"\0")  # noqa: N806 - see netdevice(7)
                answer = fcntl.ioctl(any_socket, SIOCGIFADDR, request)
                found.append(socket.inet_ntoa(answer[20:24]))
    return found


class Server(uvicorn.Server):
    """Serves until it is told to end; streams end at once, answers on their way are finished.

    Args:
        app: What answers.
        events: The streams.
    """

    def __init__(self, app: ASGIApp, events: Events) -> None:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, ws="none", lifespan="on",
            proxy_headers=False, timeout_graceful_shutdown=_GRACE,
        )  # fmt: skip
        super().__init__(config)
        self._events = events

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, at a signal."""
        super().handle_exit(sig, frame)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            asyncio.get_running_loop().call_soon_threadsafe(self._events.close)

    def serve_at(self, sockets: list[socket.socket]) -> None:
        """Serve at these sockets until Ctrl-C or SIGTERM."""
        with contextlib.suppress(KeyboardInterrupt):  # raised once more when all is closed
            self.run(sockets)
