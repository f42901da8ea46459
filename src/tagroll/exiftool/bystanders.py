"""Two small programs that stand by exiftool: each does its work when its input ends, so also when we were killed."""

import os
import sys

_PYTHON = (sys.executable, "-I", "-S", "-c")

RELAYS = {
    "posix": ("sh", "-c", r"cat; printf '%s\n' -stay_open False"),
    "nt": (*_PYTHON, """
import sys
while piece := sys.stdin.buffer.read1(65536):
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
sys.stdout.buffer.write(b"-stay_open\\nFalse\\n")
"""),
}  # fmt: skip
"""By `os.name`. Stands before exiftool, which does not mind the end of its input, and tells it to end when we are gone."""

KEEPERS = {
    "posix": ("sh", "-c", r'cat >/dev/null; rm -rf -- "$1" || { sleep 5; rm -rf -- "$1"; }', "sh"),
    "nt": (*_PYTHON, """
import pathlib, shutil, sys, time
sys.stdin.buffer.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
if pathlib.Path(sys.argv[1]).exists():
    time.sleep(5)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
"""),
}  # fmt: skip
"""By `os.name`. Removes a folder when we are done with it or have been killed, which nobody can catch. The second time is for
what an exiftool that is just ending put there meanwhile, and has open."""

COMMON = {"posix": (), "nt": ("-common_args", "-charset", "filename=utf8")}
"""By `os.name`. What stands behind each command: Windows' exiftool takes names for those of an old code page otherwise."""

RELAY, KEEPER, COMMON_ARGUMENTS = RELAYS[os.name], KEEPERS[os.name], COMMON[os.name]
