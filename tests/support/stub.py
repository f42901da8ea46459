"""A model server that does what it is told, for the habits that the real one of the tests does not have.

In a test, in the same process:

    with Stub(script=[error(429, "busy", {"Retry-After": "1"})]) as server:
        ...server.url, server.requests, server.most_at_once

As a benchmark's server, in a child process that ends when its standard input closes:

    python stub.py --delay 0.2 --slots 8        (prints its URL; GET /stub tells what it has seen)

The HTTP parser is a few lines on purpose: it must cost less than the client that is measured with it.
"""

import argparse
import asyncio
import json
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Says:
    """One answer. `body` is JSON unless it is bytes; `cut` ends the connection "before" or "within" it."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: str = ""

    def wire(self) -> bytes:
        payload = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        head = {"Content-Type": "application/json", "Content-Length": len(payload), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"HTTP/1.1 {self.status} Stub\r\n{lines}\r\n".encode() + payload


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes = field(repr=False)

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)


def chat(content: object, *, finish: str = "stop", **message: object) -> Says:
    """A chat completion; more fields of the message (reasoning_content, ...) by name."""
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": content, **message},
    }
    usage = {"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340}
    return Says({"object": "chat.completion", "choices": [choice], "usage": usage})


def keywords(*words: str) -> Says:
    return chat(json.dumps({"keywords": words}))


def is_check(request: Request) -> bool:
    """Whether it is asked of each word whether it is there."""
    return "Do not list keywords" in json.dumps(request.body["messages"])


def checked(request: Request, sure: Mapping[str, float], *, chances: bool = True) -> Says:
    """Yes or no of each word that a check asks about (without a schema: of all in `sure`), as likely as `sure` says, else 0.02.

    With `chances`, as llama.cpp tells them: the answer in tokens, and beside each the likeliest ones.
    """
    form = request.body.get("response_format")
    words = form["json_schema"]["schema"]["required"] if form else list(sure)
    tokens: list[tuple[str, dict[str, float]]] = []
    for place, word in enumerate(words):
        yes = sure.get(word, 0.02)
        tokens.append((", " if place else "{", {}))
        tokens.append((f"{json.dumps(word)}:", {}))
        say = {"yes": yes, "no": 1 - yes}
        tokens.append(
            (
                f' "{max(say, key=say.__getitem__)}',
                {f' "{one}': 0.9 * how for one, how in say.items()} | {' "': 0.05},
            )
        )
        tokens.append(('"', {}))
    tokens.append(("}", {}))
    says = chat("".join(text for text, _ in tokens))
    if chances and request.body.get("logprobs"):
        assert isinstance(says.body, dict)
        says.body["choices"][0]["logprobs"] = {"content": [
            {"token": text, "logprob": 0.0,
             "top_logprobs": [{"token": one, "logprob": math.log(max(how, 1e-9))} for one, how in likely.items()]}
            for text, likely in tokens
        ]}  # fmt: skip
    return says


def error(status: int, message: object, headers: Mapping[str, str] | None = None) -> Says:
    """An error as OpenAI shapes it; give an object to shape it otherwise."""
    body = {"error": {"message": message, "code": status}} if isinstance(message, str) else message
    return Says(body, status, headers or {})


def models(*names: str, **about: object) -> Says:
    """What GET /v1/models answers; `about` goes into each entry."""
    return Says({"object": "list", "data": [{"id": name, "object": "model", **about} for name in names]})


SEES = {"architecture": {"input_modalities": ["text", "image"]}}

TELLS = {"llama.cpp": "llamacpp", "vLLM": "vllm", "SGLang": "sglang"}
"""What servers say that owns their models."""


def tells(server: str, slots: int) -> dict[str, Says]:
    """The pages of a server that says what it is; llama.cpp also says how many slots it has."""
    pages = {"/v1/models": models("stub-vlm", owned_by=TELLS[server], **SEES)}
    return pages | ({"/props": Says({"total_slots": slots})} if server == "llama.cpp" else {})


Script = Callable[[Request], Says | None]


class Stub:
    """The server: pages by path, a script for chat requests, and `usual` when the script is over.

    Args:
        script: Answers in order, or a function of the request that returns None for the usual answer.
        usual: The answer when the script has none.
        pages: Answers by path, for everything that is no chat request.
        delay: Seconds a chat request that is not refused keeps one of the slots.
        slots: How many chat requests are worked on at once; the others queue. None: all.
    """

    def __init__(
        self,
        script: Iterable[Says] | Script = (),
        *,
        usual: Says | None = None,
        pages: Mapping[str, Says] | None = None,
        delay: float = 0.0,
        slots: int | None = None,
    ) -> None:
        self.script: Script | deque[Says] = script if callable(script) else deque(script)
        self.usual = usual or keywords("Red", "Lake")
        self.pages = {"/v1/models": models("stub-vlm", **SEES), **(pages or {})}
        self.delay = delay
        self.requests: list[Request] = []
        self.chats = self.at_once = self.most_at_once = 0
        self._first = self._last = 0.0  # when the first chat request came and the last one was answered
        self._slots = asyncio.Semaphore(slots or 10_000)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[asyncio.Transport] = set()
        self.url = ""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests, in order."""
        return [request.body for request in self.requests if request.path.endswith("/chat/completions")]

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        self.restart()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def kill(self) -> None:
        """Stop listening and cut every connection, as a crash would."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)

    def restart(self) -> None:
        """Listen again, on the same port."""
        port = int(self.url.rpartition(":")[2] or 0)
        asyncio.run_coroutine_threadsafe(self.start(port), self._loop).result(5)

    async def _stop(self) -> None:
        if self._server:
            self._server.close()
        for transport in tuple(self._open):
            transport.abort()
        await asyncio.sleep(0)

    async def answer(self, request: Request) -> Says:
        """Decide what to say, after the time it takes."""
        if request.path == "/stub":
            seen = {"chats": self.chats, "most_at_once": self.most_at_once}
            return Says(seen | {"first": self._first, "last": self._last})
        if not request.path.endswith("/chat/completions"):
            return self.pages.get(request.path, error(404, "no such page"))
        self._first = self._first or time.perf_counter()
        self.chats += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            said = self._scripted(request) or self.usual
            seconds = said.delay + (self.delay if said.status == 200 else 0)  # a refusal takes no time
            if seconds:
                async with self._slots:
                    await asyncio.sleep(seconds)
            return said
        finally:
            self.at_once -= 1
            self._last = time.perf_counter()

    def _scripted(self, request: Request) -> Says | None:
        if callable(self.script):
            return self.script(request)
        return self.script.popleft() if self.script else None


class _Connection(asyncio.Protocol):
    """One keep-alive connection; requests on it come one after the other."""

    transport: asyncio.Transport

    def __init__(self, stub: Stub, *, record: bool = True) -> None:
        self.stub, self.record = stub, record
        self.received, self.needed, self.head_end = bytearray(), 0, 0
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.stub._open.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.stub._open.discard(self.transport)
        if self.task:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.head_end:
            self.head_end = self.received.find(b"\r\n\r\n") + 4
            if self.head_end < 4:
                self.head_end = 0
                return
            self.head = self.received[: self.head_end].decode("latin-1").split("\r\n")
            fields = (line.split(": ", 1) for line in self.head[1:] if ": " in line)
            self.fields = {name.lower(): value for name, value in fields}
            self.needed = self.head_end + int(self.fields.get("content-length", 0))
        if len(self.received) >= self.needed:
            method, path, _ = self.head[0].split(" ", 2)
            request = Request(method, path, self.fields, bytes(self.received[self.head_end : self.needed]))
            del self.received[: self.needed]
            self.head_end = 0
            if self.record:
                self.stub.requests.append(request)
            self.task = asyncio.get_running_loop().create_task(self._respond(request))

    async def _respond(self, request: Request) -> None:
        said = await self.stub.answer(request)
        wire = said.wire()
        if said.cut == "within":
            self.transport.write(wire[: -len(wire) // 4])
        elif not said.cut:
            self.transport.write(wire)
        if said.cut:
            self.transport.close()


async def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="seconds an answer takes")
    parser.add_argument("--slots", type=int, help="how many answers are worked on at once")
    parser.add_argument(
        "--tells", choices=TELLS, help="which server it says it is; llama.cpp tells its slots"
    )
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    pages = tells(options.tells, options.slots or 1) if options.tells else None
    stub = Stub(delay=options.delay, slots=options.slots, pages=pages)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(stub, record=False), "127.0.0.1", options.port)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
