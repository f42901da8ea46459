"""The process in which a model file is run: llama.cpp with its own HTTP server, through the package xllamacpp.

It is a process of its own because a model can take all memory or crash, and because the server cannot be ended
cleanly from within: its destructor may hang.
"""

import json
import os
import select
import sys
import time
from typing import Any

CONTEXT = 8192
"""Tokens for one request: a picture of 1024 x 1024 pixels takes up to 4,000, question and answer 1,000."""

SLOTS = 2
"""Pictures at once on processors: while one is read, the words for another are written."""
SLOTS_ON_GPU = 4


def main() -> None:
    """Run the model that the first line of standard input asks for, until that input ends.

    Prints one line when it is ready: the server's URL and how many pictures it looks at at once. What goes wrong is
    on standard error.
    """
    wish = json.loads(sys.stdin.readline())
    end_with_stdin()
    import xllamacpp

    on_gpu = any("GPU" in str(device["type"]) for device in xllamacpp.get_device_info())
    slots = wish["slots"] or (SLOTS_ON_GPU if on_gpu else SLOTS)
    try:
        server = xllamacpp.Server(parameters(xllamacpp, wish, slots))
    except RuntimeError as error:
        let_the_log_end()
        os.write(2, f"{error}\n".encode())
        os._exit(1)  # a normal end may hang
    sys.stdout.write(f"{server.listening_address} {slots}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


def let_the_log_end() -> None:
    """Wait until llama.cpp, whose log is written by a thread of its own, has said why it gives up."""
    size = -1
    for _ in range(50):
        if size == (size := os.fstat(2).st_size) and size:
            return
        time.sleep(0.1)


def parameters(xllamacpp: Any, wish: dict[str, Any], slots: int) -> Any:
    """What is wished for, as llama.cpp wants it."""
    params = xllamacpp.CommonParams()
    params.model.path, params.mmproj.path = wish["model"], wish["mmproj"]
    params.model_alias, params.api_keys = {wish["name"]}, [wish["key"]]
    params.hostnames, params.port = ["127.0.0.1"], 0  # the system chooses a free one
    params.n_parallel, params.n_ctx = slots, slots * CONTEXT
    params.cpuparams.n_threads = wish["threads"]
    params.verbosity, params.ui = 1, False  # errors only
    return params


def end_with_stdin() -> None:
    """End this process as soon as its standard input ends, also while it is loading a model.

    Loading takes minutes and lets no thread of Python run; but the kernel can send a signal, whose default is to
    end the process. Where it cannot (Windows), the process ends when the model is loaded.
    """
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([0], [], [], 0)[0]:  # it has ended just before
        os._exit(0)
