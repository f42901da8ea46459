"""The process in which photos are decoded.

It is a process of its own because decoders crash, hang and eat memory on files that are damaged or malicious.
"""

import faulthandler
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from tagroll.domain import Form
from tagroll.errors import PictureError
from tagroll.formats import FORMATS
from tagroll.photos.preview.decode import make_picture, make_preview
from tagroll.photos.preview.protocol import Message, receive, send


def main() -> None:
    """Serve previews on the standard streams until the input ends, as it does when the parent dies.

    Arguments of the process: the import path, the time limit in seconds, the memory limit in bytes or 0.
    """
    timeout_s, memory_limit = float(sys.argv[2]), int(sys.argv[3])
    requests, replies = sys.stdin.buffer, _own_stdout()
    _limit(memory_limit)
    while (request := receive(requests)) is not None:
        # The parent kills a worker that hangs; this is for the case that the parent is dead
        faulthandler.dump_traceback_later(2 * timeout_s, exit=True)
        send(replies, *_answer(*request))
        faulthandler.cancel_dump_traceback_later()


def _own_stdout() -> BinaryIO:
    """Keep the way to the parent for ourselves: C libraries may print to the standard output."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def _limit(memory_limit: int) -> None:
    """Let allocations fail beyond so many bytes of address space and leave no core files, if that works."""
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_limit and sys.platform != "darwin":  # macOS knows the limit but does not set it
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        soft = memory_limit if hard == resource.RLIM_INFINITY else min(memory_limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _answer(request: dict[str, Any], embedded: bytes) -> Message:
    fmt = next(row for row in FORMATS if row.name == request["format"])
    source = embedded or Path(request["path"])
    form, orientation = request["form"], request["orientation"]
    try:
        if form:
            return {}, make_picture(source, fmt, Form(*form), orientation=orientation)
        preview = make_preview(source, fmt, orientation=orientation)
    except PictureError as error:
        return {"error": error.message, "hint": error.hint}, b""
    told = {"width": preview.width, "height": preview.height, "outline": preview.outline.hex()}
    return told, preview.jpeg
