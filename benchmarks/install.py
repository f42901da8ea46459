"""How large an installed tagroll is, and how long it takes from nothing to the first tagged photos.

    python benchmarks/install.py [--with uv pipx pip offline] [--rounds 2]

Builds the wheel, installs it as users do, each way into a folder of its own, and tags the nine sample photos with the built-in
model, in one run that begins with nothing. The first round fetches, if nothing is cached; the last is that of a warm mirror.
`offline` fetches a folder of wheels first, which does not count, and then installs from it without an index. uv and pipx
have to be on PATH.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def commands(way: str, wheel: Path, folder: Path) -> tuple[list[list[str | Path]], dict[str, str]]:
    """What a person types, and the variables that keep it all in one folder."""
    variables = {
        "UV_TOOL_DIR": "tools", "UV_TOOL_BIN_DIR": "bin", "PIPX_HOME": "tools", "PIPX_BIN_DIR": "bin", "PIPX_MAN_DIR": "man",
    }  # fmt: skip
    pip = folder / "tools/bin/pip"
    venv: list[str | Path] = [sys.executable, "-m", "venv", folder / "tools"]
    typed: dict[str, list[list[str | Path]]] = {
        "uv": [["uv", "tool", "install", "--quiet", wheel]],
        "pipx": [["pipx", "install", "--quiet", wheel]],
        "pip": [venv, [pip, "install", "--quiet", wheel]],
        "offline": [
            venv,
            [pip, "install", "--quiet", "--no-index", "--find-links", wheel.parent / "wheels", wheel],
        ],
    }
    return typed[way], {name: str(folder / place) for name, place in variables.items()}


def once(way: str, wheel: Path, folder: Path) -> None:
    """Install, tag, measure."""
    photos = folder / "photos"
    shutil.copytree(ROOT / "examples/photos", photos)
    typed, variables = commands(way, wheel, folder)
    environment = {**os.environ, **variables}
    installing = sum(timed(command, environment) for command in typed)
    tools = folder / "tools"
    (program,) = {path.resolve() for path in folder.rglob("bin/tagroll")}
    tagging = timed(
        [program, "tag", "--quiet", "--backend", "builtin", "--catalog", folder / "c.sqlite", photos],
        environment,
    )
    sizes = [path.lstat().st_size for path in tools.rglob("*") if path.is_file() and not path.is_symlink()]
    compiled = [path.stat().st_size for path in tools.rglob("*.pyc")]
    print(
        f"{way:8} install {installing:5.1f} s, tag 9 photos {tagging:4.1f} s;"
        f" {sum(sizes) / 1e6:.0f} MB ({sum(sizes) / 2**20:.0f} MiB), {sum(compiled) / 1e6:.0f} of it compiled by Python"
    )


def timed(command: list[str | Path], environment: Mapping[str, str]) -> float:
    """Seconds that a command takes."""
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure each way."""
    parser = argparse.ArgumentParser(description="Measure installing.")
    ways = ["uv", "pipx", "pip", "offline"]
    parser.add_argument("--with", nargs="+", choices=ways, default=ways, dest="ways")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        dist = Path(name, "dist")
        pip = [sys.executable, "-m", "pip"]
        subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", dist, ROOT], check=True)
        (wheel,) = dist.glob("*.whl")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
        if "offline" in arguments.ways:
            subprocess.run([*pip, "download", "--quiet", "--dest", dist / "wheels", wheel], check=True)
            sizes = [path.stat().st_size for path in (dist / "wheels").iterdir()]
            print(f"folder of wheels: {len(sizes)} files, {sum(sizes) / 1e6:.0f} MB")
        for number in range(arguments.rounds):
            for way in arguments.ways:
                folder = Path(name, f"{way}{number}")
                folder.mkdir()
                once(way, wheel, folder)
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
