"""A pool of processes that make previews: a decoder that crashes or hangs costs one photo, not the run."""

import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Final, Self, cast

from tagroll.domain import Form, Photo, Preview
from tagroll.errors import PictureError
from tagroll.parallel import out_of_reach
from tagroll.photos.preview.protocol import Message, receive, send

MEMORY_LIMIT: Final = 3 << 30
"""Bytes of address space: for the largest picture that `decode` accepts, and for the libraries."""

_BOOTSTRAP = (
    "import os, sys; sys.path[:] = sys.argv[1].split(os.pathsep);"
    "from tagroll.photos.preview.worker import main; main()"
)
"""Runs a worker with the import path of the parent, its first argument, so that both run the same code."""

_SUSPECT = "The file is damaged, or made to do this; look at it with care"


class PreviewPool:
    """Makes previews in worker processes, started when first needed. Safe to use from several threads.

    Args:
        workers: How many photos are decoded at once, at least 1; each takes one processor.
        timeout_s: Seconds after which a photo counts as failed and its worker is replaced.
        memory_limit: Bytes of address space each worker may take, None for no limit. Windows and macOS do not
            enforce it.
    """

    def __init__(
        self, workers: int, *, timeout_s: float = 60.0, memory_limit: int | None = MEMORY_LIMIT
    ) -> None:
        self._timeout_s = timeout_s
        self._memory_limit = memory_limit
        self._closed = threading.Event()
        self._started: set[_Worker] = set()
        # Last in, first out: none is started while another one is idle
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers; photos that are being decoded fail."""
        self._closed.set()
        for worker in list(self._started):
            self._end(worker)

    def start(self) -> None:
        """Start the workers now, so that they are ready when the first photo comes; else each starts when needed."""
        idle = [self._idle.get() for _ in range(self._idle.qsize())]
        for worker in idle:
            self._idle.put(worker or self._replacement(None))

    def make(self, photo: Photo, embedded: bytes | None = None, *, orientation: int = 1) -> Preview:
        """Make the preview of one photo; waits for a free worker.

        Args:
            photo: What the scan found.
            embedded: For RAW files the preview that the camera put into them.
            orientation: EXIF orientation (1 to 8) of the photo, used when the picture itself does not say.

        Raises:
            PictureError: The picture cannot be decoded, or decoding it crashed or took too long.
        """
        reply, jpeg = self._ask(photo, embedded, orientation, None)
        return Preview(jpeg, reply["width"], reply["height"], bytes.fromhex(reply["outline"]))

    def picture(
        self, photo: Photo, form: Form, embedded: bytes | None = None, *, orientation: int = 1
    ) -> bytes:
        """Make a picture of one photo for people; see `make`.

        Raises:
            PictureError: The picture cannot be decoded, or decoding it crashed or took too long.
        """
        return self._ask(photo, embedded, orientation, form)[1]

    def _ask(self, photo: Photo, embedded: bytes | None, orientation: int, form: Form | None) -> Message:
        request = {
            "path": str(photo.path), "format": photo.format.name, "orientation": orientation,
            "form": form and [form.long_edge, form.format],
        }  # fmt: skip
        worker = self._idle.get()
        try:
            if worker is None or not worker.is_alive():
                worker = self._replacement(worker)
            reply, made = worker.ask(request, embedded or b"", self._timeout_s)
        except BaseException:
            if worker is not None:  # it may still be at work, or answer late
                self._end(worker)
                worker = None
            raise
        finally:
            self._idle.put(worker)
        if "error" in reply:
            raise PictureError(reply["error"], reply["hint"])
        return reply, made

    def _replacement(self, dead: "_Worker | None") -> "_Worker":
        if dead is not None:
            self._end(dead)
        if self._closed.is_set():
            raise PictureError("stopped before it was decoded")
        worker = _Worker(self._timeout_s, self._memory_limit)
        self._started.add(worker)
        return worker

    def _end(self, worker: "_Worker") -> None:
        worker.kill()
        self._started.discard(worker)


class _Worker:
    """One process, and the thread that waits for its replies so that nobody waits for ever."""

    def __init__(self, timeout_s: float, memory_limit: int | None) -> None:
        arguments = (os.pathsep.join(filter(None, sys.path)), str(timeout_s), str(memory_limit or 0))
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-P", "-c", _BOOTSTRAP, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders grumble there
            **out_of_reach(),
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._replies: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="preview-listener", daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        reply: Message | None = ({}, b"")
        while reply is not None:
            reply = receive(self._answers)
            self._replies.put(reply)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], blob: bytes, timeout_s: float) -> Message:
        """Hand over one request and wait for the reply.

        Raises:
            PictureError: The worker died or did not answer in time; it must not be used again.
        """
        with suppress(OSError):  # it died: then it will not reply either
            send(self._requests, request, blob)
        try:
            reply = self._replies.get(timeout=timeout_s)
        except queue.Empty:
            raise PictureError(f"decoding takes longer than {timeout_s:g} s", _SUSPECT) from None
        if reply is None:
            raise PictureError("the decoder crashed on this picture", _SUSPECT)
        return reply

    def kill(self) -> None:
        """End the process at once: it holds nothing that could be lost."""
        self._process.kill()
        # One that is stuck in the kernel, on a dead network drive, does not end: it is left behind
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
            self._listener.join(1)
            with suppress(OSError):  # flushing what it did not read any more
                self._requests.close()
            self._answers.close()
