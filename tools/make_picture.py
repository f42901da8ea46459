"""Make docs/run.svg, the picture in the README: a real run on the sample photos, in a pseudo-terminal.

pip install pyte
python tools/make_picture.py
"""

import contextlib
import os
import pty
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pyte
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
COLUMNS = 100


def run(arguments: list[str], folder: Path) -> str:
    """What a terminal would show in the end of `tagroll ARGUMENTS`, with its colours."""
    variables = {
        "COLUMNS": str(COLUMNS),
        "TERM": "xterm-256color",
        "TAGROLL_CATALOG": str(folder / "catalog.sqlite"),
    }
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        command = [sys.executable, "-m", "tagroll", *arguments]
        os.execve(command[0], command, os.environ | variables)
    output = b""
    with contextlib.suppress(OSError):  # that is how a pseudo-terminal ends
        while data := os.read(terminal, 4096):
            output += data
    if code := os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]):
        sys.exit(f"tagroll {' '.join(arguments)} ended with {code}:\n{output.decode()}")
    screen = pyte.Screen(COLUMNS, 60)
    pyte.ByteStream(screen).feed(output)
    return "\n".join(line.rstrip() for line in screen.display).strip("\n")


def main() -> None:
    """Run, and save the picture."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123 - for its life
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        shutil.copytree(
            ROOT / "examples" / "photos", folder / "Pictures", ignore=shutil.ignore_patterns("*.md")
        )
        for arguments in (["tag", "-v", "Pictures"], ["tags", "-q", "Pictures"]):
            console.print(Text.from_ansi(f"\x1b[1m$ tagroll {' '.join(arguments)}\x1b[0m"))
            text = run(arguments, folder).replace(str(folder) + os.sep, "")
            console.print(Text.from_ansi(text.strip("\n")), soft_wrap=True)
    picture = re.sub(
        r"@font-face \{[^}]*\}\s*", "", console.export_svg(title="tagroll")
    )  # nothing is fetched from elsewhere
    (ROOT / "docs" / "run.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
