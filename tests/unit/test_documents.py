"""Files for people, which are no photos: whole or not at all, over nobody else's file, through no link."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tagroll.errors import UsageError
from tagroll.metadata.files.documents import ANY, check_free, write_document
from tagroll.runs.evaluate.page import MARK, document

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX links and modes")


def test_it_is_made_and_ours_is_replaced(tmp_path):
    path = tmp_path / "page.html"
    for title in ("First", "Second"):
        check_free(path, MARK)
        write_document(path, document(title, "page.css", []), MARK)
        assert title in path.read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_a_text_may_hold_names_of_any_bytes(tmp_path):
    write_document(tmp_path / "r.json", "a\udcff\n", ANY)
    assert (tmp_path / "r.json").read_bytes() == b"a\\udcff\n"


@pytest.mark.parametrize(
    "content", [b"", b"# my .bashrc\n", b"<!DOCTYPE html><title>mine</title>", b"\0" * 9000]
)
@pytest.mark.parametrize("mark", [MARK, None])
def test_the_file_of_another_is_not_replaced(mark, content, tmp_path):
    path = tmp_path / "page.html"
    path.write_bytes(content)
    for attempt in (lambda: check_free(path, mark), lambda: write_document(path, "x", mark)):
        with pytest.raises(UsageError, match="is there already") as caught:
            attempt()
        assert str(path) in caught.value.message
        assert caught.value.hint
    assert path.read_bytes() == content


@posix_only
@pytest.mark.parametrize("target", ["ours.html", "nowhere", "."])
@pytest.mark.parametrize("mark", [MARK, None])
def test_a_link_is_not_followed(mark, target, tmp_path):
    (tmp_path / "ours.html").write_text(MARK)
    link = tmp_path / "page.html"
    link.symlink_to(target)
    for attempt in (lambda: check_free(link, mark), lambda: write_document(link, "x", mark)):
        with pytest.raises(UsageError, match="is a link"):
            attempt()
    assert (tmp_path / "ours.html").read_text() == MARK
    assert not (tmp_path / "nowhere").exists()


@posix_only
def test_a_report_takes_the_place_of_a_link_and_leaves_what_it_leads_to(tmp_path):
    victim, report = tmp_path / "victim", tmp_path / "report.json"
    victim.write_text("mine")
    report.symlink_to(victim)
    write_document(report, "{}", ANY)
    assert victim.read_text() == "mine"
    assert (report.is_symlink(), report.read_text()) == (False, "{}")


@posix_only
def test_what_was_put_there_under_a_guessed_name_is_not_written_into(tmp_path):
    """The older temporary name was made of the process's number: links with all that may come next lead outside."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / f".r.json.{os.getpid()}.tmp").symlink_to(victim)
    write_document(tmp_path / "album" / "r.json", "{}", ANY)
    assert victim.read_text() == "mine"
    assert not (tmp_path / "album" / "r.json").is_symlink()


@posix_only
@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o640)])
def test_pictures_are_for_their_owner_alone(private, mode, tmp_path):
    before = os.umask(0o027)
    try:
        write_document(tmp_path / "page.html", "x", ANY, private=private)
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == mode


def test_a_folder_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "no" / "page.html"
    for attempt in (lambda: check_free(path, MARK), lambda: write_document(path, "x", ANY)):
        with pytest.raises(UsageError, match=r"page\.html"):
            attempt()


@posix_only
def test_killed_in_between_it_leaves_the_old_one_whole(tmp_path):
    """Killed when all is written but the name is not yet given."""
    path = tmp_path / "plan"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from tagroll.metadata.files import documents as d\n"
        "d.sync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)\n"
        "d.write_document(Path(sys.argv[1]), 'new', '')"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    left = [file for file in tmp_path.iterdir() if file != path]
    assert [stat.S_IMODE(file.stat().st_mode) & 0o022 for file in left] == [0]
    assert [Path(file.name).suffix for file in left] == [".tmp"]
