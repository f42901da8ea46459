"""What goes on, told to every page that listens: server-sent events, one stream a tab."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from typing import Final

PAUSE: Final = 15.0
"""Seconds without news after which a comment is sent, so that nobody takes the stream for dead."""
MOST_UNREAD: Final = 1000
"""Events; a page that is so far behind is hung up on, and asks for everything again."""


class Events:
    """Spreads events. `tell` may be called from any thread; the rest belongs to the loop of the server."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._closed = False

    def open(self) -> None:
        """Begin: events are spread in the loop that runs now."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for listener in tuple(self._listeners):
            self._put(listener, None)

    def tell(self, name: str, data: Mapping[str, object]) -> None:
        """Tell every page."""
        if self._loop:
            with suppress(RuntimeError):  # the server has ended, and nobody listens
                self._loop.call_soon_threadsafe(self._spread, event(name, data))

    def stream(self, first: Iterable[str]) -> AsyncIterator[str]:
        """What a page gets to hear: what goes on already, then all that comes from this moment on."""
        listener: asyncio.Queue[str | None] = asyncio.Queue(MOST_UNREAD)
        self._listeners.add(listener)
        return self._heard(listener, first)

    async def _heard(self, listener: "asyncio.Queue[str | None]", first: Iterable[str]) -> AsyncIterator[str]:
        try:
            yield "retry: 2000\n\n" + "".join(first)
            while not self._closed:
                try:
                    text = await asyncio.wait_for(listener.get(), PAUSE)
                except TimeoutError:
                    text = ":\n\n"
                if text is None:
                    return
                yield text
        finally:
            self._listeners.discard(listener)

    def _spread(self, text: str) -> None:
        for listener in tuple(self._listeners):
            self._put(listener, text)

    def _put(self, listener: "asyncio.Queue[str | None]", text: str | None) -> None:
        if listener.full():
            self._listeners.discard(listener)
            while not listener.empty():
                listener.get_nowait()
            text = None
        listener.put_nowait(text)


def event(name: str, data: Mapping[str, object]) -> str:
    """An event as it is sent."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
