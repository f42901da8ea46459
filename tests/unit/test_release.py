"""What tools/release.py lets out, and what not."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READY = """# Changelog

## [Unreleased]

## [1.2.0] - 2026-11-30

### Added

- Something.

## [1.1.0] - 2026-01-01

- More.
"""


@pytest.fixture(scope="module")
def release():
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("", "", None),
        ("## [1.2.0] - 2026-11-30", "## [1.2.0]", "has no section"),
        ("1.2.0", "1.3.0", "has no section"),
        ("### Added\n\n- Something.\n", "", "has no section"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n- Not yet.\n", "unreleased changes"),
    ],
)
def test_the_changelog_has_to_tell_of_the_version(release, old, new, reason):
    found = release.changelog_refusals(READY.replace(old, new, 1), "1.2.0")
    assert bool(found) == bool(reason)
    assert (reason or "") in " ".join(found)


def test_a_tree_with_changes_and_a_version_that_was_released_are_refused(release, tmp_path):
    def git(*words):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", tmp_path, *who, *words], check=True, capture_output=True)

    (tmp_path / "CHANGELOG.md").write_text(READY)
    (tmp_path / "src" / "tagroll").mkdir(parents=True)
    (tmp_path / "src" / "tagroll" / "__init__.py").write_text('__version__ = "1.2.0"\n')
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "all")
    assert release.version_of(tmp_path) == "1.2.0"
    assert release.refusals(tmp_path, "1.2.0", tagged=False) == []
    assert release.refusals(tmp_path, "1.2.0", tagged=True) == ["this commit has no tag v1.2.0"]
    git("tag", "v1.2.0")
    assert release.refusals(tmp_path, "1.2.0", tagged=True) == []
    assert "was tagged before" in release.refusals(tmp_path, "1.2.0", tagged=False)[0]
    (tmp_path / "new.txt").write_text("x")
    assert "has changes" in release.refusals(tmp_path, "1.2.0", tagged=True)[0]
