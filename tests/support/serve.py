"""Run llama.cpp's server in a child process: python serve.py MODEL [--mmproj FILE] [--port N] ...

Prints one line, the URL, when it is ready. It ends when its standard input closes, so it outlives no test.
"""

import argparse
import os
import sys

import xllamacpp


def parameters() -> xllamacpp.CommonParams:
    """What the command line asks for, as llama.cpp wants it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--mmproj", help="image projector; without it the model is blind")
    parser.add_argument("--alias", default="tiny-vlm")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--context", type=int, default=16384, help="tokens, shared by the slots")
    parser.add_argument("--api-key")
    parser.add_argument("--embed", action="store_true", help="the model makes vectors")
    options = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = options.model
    if options.mmproj:
        params.mmproj.path = options.mmproj
    if options.api_key:
        params.api_keys = [options.api_key]
    params.hostnames, params.port, params.model_alias = ["127.0.0.1"], options.port, {options.alias}
    params.n_parallel, params.n_ctx = options.slots, options.context
    params.cpuparams.n_threads = 1  # more threads than free cores make it many times slower
    params.verbosity, params.ui = 0, False
    params.embedding = options.embed
    return params


if __name__ == "__main__":
    server = xllamacpp.Server(parameters())
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the C++ destructor may hang; there is nothing left to save
