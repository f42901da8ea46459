"""What the page uses of others is what was published, and does not reach outside."""

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tagroll

ROOT = Path(__file__).parents[2]
STATIC = Path(tagroll.__file__).parent / "web" / "static"
VENDOR = STATIC / "vendor"
PACKAGES = tomllib.loads((VENDOR / "vendor.toml").read_text())["package"]
NAMED = {file["path"]: file["sha256"] for package in PACKAGES for file in package["files"]}
SCRIPTS = sorted(STATIC.rglob("*.js"))


def test_every_vendored_file_is_in_the_table_as_it_was_published():
    here = {
        str(p.relative_to(VENDOR)): p
        for p in VENDOR.rglob("*")
        if p.is_file() and p != VENDOR / "vendor.toml"
    }
    assert {path: hashlib.sha256(file.read_bytes()).hexdigest() for path, file in here.items()} == NAMED


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_every_package_says_what_it_is_and_brings_its_licence(package):
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
    assert package["integrity"].startswith("sha512-")
    text = (VENDOR / package["name"] / "LICENSE").read_text()
    assert {"MIT": "MIT", "BSD-3-Clause": "BSD 3-Clause"}[package["licence"]] in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(STATIC)))
def test_scripts_import_files_of_ours_and_make_no_code_of_text(script):
    text = script.read_text()
    for target in re.findall(r"""(?:\bfrom|\bimport)\s*\(?["']([^"']+)["']""", text):
        assert target.startswith(("./", "../")), target
        assert (script.parent / target).is_file(), target
    assert not re.search(r"\beval\s*\(|new\s+Function\s*\(", text)


@pytest.mark.parametrize(
    "path", [p for p in sorted(STATIC.rglob("*")) if p.suffix in {".js", ".css", ".html", ".svg", ".json"}],
    ids=lambda path: str(path.relative_to(STATIC)),
)  # fmt: skip
def test_nothing_is_loaded_from_outside(path):
    addresses = set(re.findall(r"""https?://[^\s"'`)<>]+""", path.read_text()))
    # Names, not places: an XML namespace; links to what is explained there, in comments and in a library's credits.
    allowed = ("http://www.w3.org/", "https://www.w3.org/", "https://photoswipe.com")
    assert [one for one in addresses if not one.startswith(allowed)] == []


@pytest.mark.slow
def test_the_published_packages_are_the_same_still():
    if not shutil.which("npm"):
        pytest.skip("npm is not here to ask")
    registry = subprocess.run(
        ["npm", "ping", "--fetch-timeout=5000", "--fetch-retries=0"], capture_output=True, check=False
    )
    if registry.returncode:
        pytest.skip("npm's registry does not answer")
    command = [sys.executable, str(ROOT / "tools" / "vendor.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
