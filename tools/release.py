"""Makes a release: looks whether all is ready, builds and checks the packages in dist/, and sets the tag.

    python tools/release.py             look, build, check, tag
    python tools/release.py --tagged    the same of a commit that has its tag, as the release workflow does

It refuses a tree with changes, a version without its section in CHANGELOG.md, a section that still says "Unreleased" things
beside it, and a version that was released. The version is the one in src/tagroll/__init__.py; nothing is pushed.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LARGEST_MB = 16
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


def main() -> int:
    """Look, build, check, tag; 1 where something is not ready."""
    parser = argparse.ArgumentParser(description="Make a release.")
    parser.add_argument("--tagged", action="store_true", help="the commit has its tag already")
    tagged = parser.parse_args().tagged
    version = version_of(ROOT)
    if reasons := refusals(ROOT, version, tagged=tagged):
        print(*(f"not ready: {reason}" for reason in reasons), sep="\n", file=sys.stderr)
        return 1
    build()
    if not tagged:
        git(ROOT, "tag", "--annotate", f"v{version}", "--message", f"tagroll {version}")
        print(f"Tagged v{version}. To release: git push origin v{version}")
    return 0


def version_of(root: Path) -> str:
    """The version that the code says it is."""
    found = _VERSION.search((root / "src/tagroll/__init__.py").read_text("utf-8"))
    if not found:
        raise SystemExit("src/tagroll/__init__.py has no version")
    return found[1]


def refusals(root: Path, version: str, *, tagged: bool) -> list[str]:
    """Why this version cannot be released from this tree; nothing when it can."""
    changed = git(root, "status", "--porcelain")
    tag_here = f"v{version}" in git(root, "tag", "--points-at", "HEAD").split()
    tag_anywhere = bool(git(root, "tag", "--list", f"v{version}"))
    return [
        *([f"the tree has changes:\n{changed}"] if changed else []),
        *changelog_refusals((root / "CHANGELOG.md").read_text("utf-8"), version),
        *([f"this commit has no tag v{version}"] if tagged and not tag_here else []),
        *([f"v{version} was tagged before: raise the version"] if tag_anywhere and not tagged else []),
    ]


def changelog_refusals(text: str, version: str) -> list[str]:
    """What the changelog lacks for this version."""
    sections = dict(re.findall(r"^## \[([^\]]+)\](.*(?:\n(?!## \[).*)*)", text, re.MULTILINE))
    title, _, body = sections.get(version, "").partition("\n")
    if not re.fullmatch(r" - \d{4}-\d\d-\d\d", title.rstrip()) or not body.strip():
        return [f'CHANGELOG.md has no section "## [{version}] - YEAR-MONTH-DAY" with what is new']
    if sections.get("Unreleased", "").strip():
        return [f"CHANGELOG.md has unreleased changes above {version}: move them into it"]
    return []


def build() -> None:
    """Build the source package and, out of it, the wheel; have twine check both."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "build", "--outdir", dist, ROOT], check=True)
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir()], check=True)
    for package in dist.iterdir():
        size = package.stat().st_size / 1e6
        print(f"{package.name}: {size:.1f} MB")
        if size >= LARGEST_MB:
            raise SystemExit(f"{package.name} is larger than {LARGEST_MB} MB")


def git(root: Path, *arguments: str) -> str:
    """What git says."""
    done = subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.rstrip()


if __name__ == "__main__":
    sys.exit(main())
