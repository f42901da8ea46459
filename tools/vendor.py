"""Fetches the page's two libraries as they were published, and checks the copies in the repository.

    python tools/vendor.py            write the files that vendor.toml names, from npm
    python tools/vendor.py --check    compare them with what npm has; 1 where a byte differs

To take a new version: change `version` in `src/tagroll/web/static/vendor/vendor.toml` and run it with `--accept`, which
writes the new archive's integrity and the hashes into the table. Nothing is changed on the way: no build, no patch.
"""

import argparse
import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parents[1] / "src" / "tagroll" / "web" / "static" / "vendor"
TABLE = VENDOR / "vendor.toml"
HEAD = """\
# What the page uses of others, byte for byte as it was published on npm: fetched and compared by tools/vendor.py.
# integrity is that of the published archive, sha256 that of each file in it.
"""


def packages() -> list[dict[str, Any]]:
    """The rows of the table."""
    return tomllib.loads(TABLE.read_text())["package"]


def fetch(package: dict[str, Any]) -> tuple[str, dict[str, bytes]]:
    """The integrity of a published archive, and the wanted files in it by their names here."""
    wanted = {file["from"]: file["path"] for file in package["files"]}
    with tempfile.TemporaryDirectory() as folder:
        spec = f"{package['name']}@{package['version']}"
        subprocess.run(
            ["npm", "pack", "--silent", spec, "--pack-destination", folder],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        archive = next(Path(folder).iterdir())
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        files = {}
        with tarfile.open(archive) as tar:
            for source, path in wanted.items():
                member = tar.extractfile(f"package/{source}")
                if member is None:
                    raise SystemExit(f"{spec} has no {source}")
                files[path] = member.read()
    return integrity, files


def compare(package: dict[str, Any], integrity: str, files: dict[str, bytes]) -> list[str]:
    """What differs between the table, the copies here and what was published."""
    wrong = [] if integrity == package["integrity"] else [f"{package['name']}: integrity is {integrity}"]
    for file in package["files"]:
        if hashlib.sha256(files[file["path"]]).hexdigest() != file["sha256"]:
            wrong.append(f"{file['path']}: published otherwise than the table says")
        here = VENDOR / file["path"]
        if not here.exists() or here.read_bytes() != files[file["path"]]:
            wrong.append(f"{file['path']}: differs here from what was published")
    return wrong


def text(rows: list[dict[str, Any]]) -> str:
    """The table as TOML."""
    lines = [HEAD]
    for row in rows:
        lines += [
            "[[package]]",
            *(f'{key} = "{row[key]}"' for key in ("name", "version", "licence", "integrity")),
        ]
        lines += ["files = ["]
        for file in row["files"]:
            lines.append(
                f'  {{ path = "{file["path"]}", from = "{file["from"]}", sha256 = "{file["sha256"]}" }},'
            )
        lines += ["]", ""]
    return "\n".join(lines)


def main() -> int:
    """As the text above says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--accept", action="store_true", help="the table learns what was fetched")
    options = parser.parse_args()
    rows, wrong = packages(), []
    for row in rows:
        integrity, files = fetch(row)
        if options.accept:
            row["integrity"] = integrity
            for file in row["files"]:
                file["sha256"] = hashlib.sha256(files[file["path"]]).hexdigest()
        if not options.check:
            for path, data in files.items():
                (VENDOR / path).parent.mkdir(parents=True, exist_ok=True)
                (VENDOR / path).write_bytes(data)
        wrong += compare(row, integrity, files)
    if options.accept:
        TABLE.write_text(text(rows))
    print("\n".join(wrong) or "as published")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
