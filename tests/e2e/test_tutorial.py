"""The tutorial and the README, typed as they stand there.

The README's other blocks are typed elsewhere: examples/try.py in test_tag.py, `serve` in tests/web, the tests by .ci/run.
"""

import re
import shutil
import subprocess
import sys

from support.runs import EXAMPLES, ROOT, contents, environment

STEP = re.compile(r"^ *(\.venv/bin/tagroll (?!serve).*)$", re.MULTILINE)


def test_the_tutorial_can_be_typed_as_it_stands(tmp_path):
    home, venv = tmp_path / "home", tmp_path / "checkout" / ".venv" / "bin"
    photos = home / "Pictures" / "2019"
    photos.mkdir(parents=True)
    venv.mkdir(parents=True)
    for name in ("cat.png", "dogs.jpg", "road.jpg"):
        shutil.copy(EXAMPLES / name, photos)
    (venv / "tagroll").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tagroll "$@"\n')
    (venv / "tagroll").chmod(0o755)
    alone = environment(tmp_path) | {"HOME": str(home), "TAGROLL_BACKEND": "builtin"}

    def typed(line):
        return subprocess.run(
            ["bash", "-c", line], cwd=venv.parents[1], env=alone, capture_output=True, text=True, check=True
        )

    before = contents(photos)
    tutorial = (ROOT / "docs" / "tutorial" / "first-library.md").read_text("utf-8")
    doctor, dry, tag, tags, undo = STEP.findall(tutorial)
    assert STEP.findall((ROOT / "README.md").read_text("utf-8")) == [dry]
    assert "built-in model" in typed(doctor).stdout
    assert "cat.png: Cat" in typed(dry).stdout
    assert contents(photos) == before
    assert "3 tagged" in typed(tag).stderr
    assert contents(photos) != before
    assert re.search(r"^ *2 +Person$", typed(tags).stdout, re.MULTILINE)
    assert "3 put back" in typed(undo).stderr
    assert contents(photos) == before
