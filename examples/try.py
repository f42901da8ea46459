"""Set tagroll up in .venv, tag copies of the sample photos with the built-in model, and show the tags.

Needs Python 3.11 or newer with pip, nothing else. Run it as often as you like: it works on fresh copies.
"""

import os
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT / "examples" / "photos"
TAGGED = ROOT / "examples" / "tagged"


def environment(*extras: str) -> Path:
    """Python of the project's virtual environment, made and filled when needed."""
    folder = ROOT / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    target = f".[{','.join(extras)}]" if extras else "."
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--editable", target], cwd=ROOT, check=True)
    return python


def main() -> None:
    """Install, copy, tag, show."""
    print("Setting up tagroll in .venv ...", flush=True)
    python = environment()
    shutil.rmtree(TAGGED, ignore_errors=True)
    shutil.copytree(PHOTOS, TAGGED, ignore=shutil.ignore_patterns("*.md"))
    print("\n$", r".venv\Scripts\activate" if os.name == "nt" else ". .venv/bin/activate", flush=True)
    photos = str(TAGGED.relative_to(ROOT))
    catalog = ["--catalog", str(Path(photos, ".catalog.sqlite"))]
    for arguments in (
        ["tag", "--backend", "builtin", "--verbose", photos, *catalog],
        ["tags", photos, *catalog],
    ):
        print("\n$", shlex.join(["tagroll", *arguments]), flush=True)
        subprocess.run([python, "-m", "tagroll", *arguments], cwd=ROOT, check=True)
    print(f"\nThe tagged copies are in {photos}. Next: tagroll tag ~/Pictures --dry-run --limit 10")


if __name__ == "__main__":
    sys.exit(main())
