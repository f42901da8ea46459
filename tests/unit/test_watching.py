"""What is heard of a real folder."""

import logging
import shutil
from pathlib import Path

import pytest

from support.photos import FILES
from support.runs import wait_for
from tagroll.runs.watching import Watching, _as_named

pytest.importorskip("watchfiles", reason="watchfiles is not installed")


@pytest.fixture
def heard():
    """Starts listening to folders; gives what was heard of them, which grows."""
    started = []

    def start(*roots):
        paths = set()
        started.append(Watching(roots, paths.update))
        started[-1].start()
        return paths

    yield start
    for watching in started:
        watching.close()


@pytest.mark.slow
def test_what_comes_and_goes_is_heard_by_the_names_that_were_given(tmp_path, heard):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    paths = heard(link, tmp_path / "missing")

    def again():  # nobody knows when it has begun to listen
        shutil.copyfile(FILES / "rgb.png", link / "a.png")
        return link / "a.png" in paths

    wait_for(again)
    (link / "Oslo").mkdir()
    wait_for(lambda: link / "Oslo" in paths)
    shutil.copyfile(FILES / "rgb.png", link / "Oslo" / "b.png")
    wait_for(lambda: link / "Oslo" / "b.png" in paths)
    paths.clear()
    (link / "a.png").unlink()
    wait_for(lambda: link / "a.png" in paths)
    assert all(path.is_relative_to(link) for path in paths)


def test_where_links_lead_is_told_by_the_name_of_the_root(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    named = _as_named(tmp_path / "real" / "a" / "b.jpg", [tmp_path / "link"])
    assert named == tmp_path / "link" / "a" / "b.jpg"
    assert _as_named(Path("/elsewhere/b.jpg"), [tmp_path / "link"]) == Path("/elsewhere/b.jpg")


def test_a_system_that_cannot_tell_is_told_of_and_harms_nothing(tmp_path, heard, monkeypatch, caplog):
    def watch(*_, **__):
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr("watchfiles.watch", watch)
    with caplog.at_level(logging.WARNING):
        assert heard(tmp_path) == set()
        wait_for(lambda: "watch limit reached" in caplog.text)
