"""Says by its exit status whether `tagroll serve` answers in this container. A container that does other work is healthy."""

import contextlib
import http.client
import os
import sys
from pathlib import Path


def serves() -> bool:
    """Whether a process here is `tagroll serve`."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            if {b"/opt/tagroll/bin/tagroll", b"serve"} <= set(process.read_bytes().split(b"\0")):
                return True
    return False


if serves():
    page = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("TAGROLL_PORT") or 8377), timeout=5)
    try:
        page.request("GET", "/")
        status = page.getresponse().status
    except OSError as error:
        sys.exit(f"tagroll serve does not answer: {error}")
    if status != http.HTTPStatus.UNAUTHORIZED:  # it asks for its token
        sys.exit(f"what answers is not tagroll: {status}")
