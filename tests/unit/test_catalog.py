"""The catalog: what is committed stays, what two runs may not do at once, what a newer version left."""

import contextlib
import dataclasses
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tagroll.catalog import Catalog, PhotoRow
from tagroll.catalog.schema import MIGRATIONS
from tagroll.domain import Description, Metadata, Prompt, Write
from tagroll.errors import CatalogError, CatalogLockedError
from tagroll.settings import default_catalog

PROMPT = Prompt(task="tags", text="?", schema={}, max_tags=10, key="k1")
ODD = Path("/photos/new\nline \udcff'.jpg")


def a_write(
    photo: Path = ODD, before: tuple[str, ...] = ("Old",), after: tuple[str, ...] = ("New",)
) -> Write:
    return Write(
        photo,
        photo,
        "jpeg",
        Metadata(tags=before, title="t"),
        Metadata(tags=after),
        "b" * 32,
        "a" * 32,
        b"\0patch",
        "p",
    )


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "deep" / "catalog.sqlite") as catalog:
        yield catalog


def test_an_answer_is_kept_per_picture_model_and_question(catalog):
    answer = Description(("Été", "Cat"), "m", title="T")
    catalog.answers.keep("p", PROMPT, answer)
    assert catalog.answers.find("p", "m", PROMPT) == answer
    assert catalog.answers.find("q", "m", PROMPT) is None
    assert catalog.answers.find("p", "other", PROMPT) is None
    assert catalog.answers.find("p", "m", dataclasses.replace(PROMPT, key="k2")) is None
    catalog.answers.keep("p", PROMPT, answer, "other")
    assert catalog.answers.find("p", "other", PROMPT) == answer  # and tells still who said it


def test_a_write_goes_through_the_journal_as_it_was(catalog):
    run = catalog.runs.start("tag", ["x"], "m")
    number = catalog.journal.add(run, a_write())
    (pending,) = catalog.journal.pending()
    assert (pending.id, pending.run, pending.state, pending.write) == (number, run, "pending", a_write())
    assert list(catalog.journal.of_run(run)) == []
    catalog.journal.settle({number: "done"})
    assert catalog.journal.pending() == []
    assert [w.write for w in catalog.journal.of_run(run)] == [a_write()]


@pytest.mark.parametrize("older", [False, True])
def test_what_took_something_back_changes_nothing_since(catalog, older):
    runs = [catalog.runs.start(command, []) for command in ("tag", "tags rename", "undo")]
    first, second = (catalog.journal.add(run, a_write()) for run in runs[:2])
    catalog.journal.settle({first: "done", second: "done"})
    assert catalog.journal.changed_since(catalog.journal.entry(first), ODD, ODD) == runs[1]
    # versions before this one did not note what was taken back
    back = catalog.journal.add(runs[2], a_write(), undoes=None if older else second)
    catalog.journal.settle({second: "undone", back: "done"} if older else {back: "done"})
    assert catalog.journal.changed_since(catalog.journal.entry(first), ODD, ODD) is None
    assert [writing.id for writing in catalog.journal.at(ODD)] == [first, second]


def test_runs_tell_how_they_ended(catalog):
    first = catalog.runs.start("tag", ["a", "b"], "m")
    catalog.runs.finish(first, {"tagged": 3})
    second = catalog.runs.start("undo", [])
    runs = catalog.runs.all()
    assert [(r.id, r.command, r.arguments) for r in runs] == [
        (second, "undo", ()),
        (first, "tag", ("a", "b")),
    ]
    assert runs[0].finished is None
    assert runs[1].finished is not None
    assert runs[1].summary == {"tagged": 3}
    assert (catalog.runs.at(first), catalog.runs.at(second)) == (runs[1], runs[0])
    assert catalog.runs.at(second + 1) is None
    assert (catalog.runs.all(1), catalog.runs.all(0), catalog.runs.count()) == (runs[:1], [], 2)


def test_the_index_holds_odd_paths_and_finds_pictures(catalog):
    row = PhotoRow(ODD, "stamp", "p", ("A",), {"tags": ["A"], "append": False})
    catalog.photos.conclude({}, row)
    catalog.photos.conclude({}, dataclasses.replace(row, path=Path("/other.jpg"), wanted=None))
    catalog.photos.forget([Path("/none")])  # waits for what is queued
    assert catalog.photos.at(ODD) == row
    assert catalog.photos.at(Path("/none")) is None
    assert {r.path for r in catalog.photos.with_picture("p")} == {ODD, Path("/other.jpg")}


def test_a_second_run_is_told_to_wait_but_may_read(catalog):
    with Catalog(catalog.path) as other, catalog.held() as is_new, catalog.held() as again:
        assert (is_new, again) == (True, False)
        assert other.runs.all() == []
        with pytest.raises(CatalogLockedError) as caught, other.held():
            pass
        assert caught.value.exit_code == 5
        assert "--catalog" in caught.value.hint


def test_a_second_run_in_another_thread_is_told_to_wait_too(catalog):
    def begin():
        with catalog.held():
            pass

    with ThreadPoolExecutor(1) as pool:
        with catalog.held(), pytest.raises(CatalogLockedError):
            pool.submit(begin).result()
        pool.submit(begin).result()


def test_an_open_catalog_keeps_nobody_from_running(catalog):
    with Catalog(catalog.path) as other:
        for _ in range(2):
            with other.held():
                other.runs.finish(other.runs.start("tag", []), {})
        assert not catalog.in_use()
        with catalog.held():
            assert other.in_use()
            assert [run.id for run in catalog.runs.all()] == [2, 1]


def test_every_connection_waits_for_the_disk(catalog):
    """A row of the journal must survive a pulled plug before its photo is replaced."""
    full = 2
    assert catalog._database.commit(lambda c: c.execute("PRAGMA synchronous").fetchone()) == (full,)
    assert catalog._database.read("PRAGMA synchronous") == [(full,)]
    assert catalog._database.read("PRAGMA journal_mode") == [("wal",)]


def test_a_job_that_fails_leaves_nothing_behind(catalog):
    def fails(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO runs (command, arguments, model, started) VALUES ('half', '[]', '', 0)")
        raise ValueError("after the row")

    run = catalog.runs.start("tag", [])
    with pytest.raises(ValueError, match="after the row"):
        catalog._database.commit(fails)
    assert [known.id for known in catalog.runs.all()] == [run]
    assert catalog.runs.start("undo", []) == run + 1


def test_what_was_committed_survives_a_kill(tmp_path):
    path = tmp_path / "c.sqlite"
    code = f"""
import os, signal
from pathlib import Path
from tagroll.catalog import Catalog
from tagroll.domain import Metadata, Write
c = Catalog(Path({str(path)!r}))
run = c.runs.start("tag", [])
c.journal.add(run, Write(Path("/a"), Path("/a"), "jpeg", Metadata(), Metadata(tags=("X",)), "b", "a", b"", "p"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with Catalog(path) as catalog:
        assert [w.write.after.tags for w in catalog.journal.pending()] == [("X",)]


def test_many_threads_commit_and_each_gets_its_own_answer(catalog):
    run = catalog.runs.start("tag", [])
    numbers: list[int] = []

    def work() -> None:
        numbers.extend(catalog.journal.add(run, a_write()) for _ in range(25))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 200
    assert len(catalog.journal.pending()) == 200


def test_an_error_in_passing_is_told_once_and_then_work_goes_on(catalog):
    catalog.photos.note_picture(Path("/1.jpg"), "1.2.3", "\udcff")
    with pytest.raises(UnicodeEncodeError):
        catalog.photos.settled()
    catalog.photos.settled()


def test_a_failing_job_fails_alone(catalog):
    with pytest.raises(CatalogError):
        catalog.journal.add(999, a_write())  # no such run
    assert catalog.journal.add(catalog.runs.start("tag", []), a_write()) > 0


def test_a_newer_catalog_and_a_file_that_is_none_are_refused(tmp_path):
    newer = tmp_path / "newer.sqlite"
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(CatalogError, match="newer tagroll"):
        Catalog(newer)
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"not a database, surely not" * 100)
    with pytest.raises(CatalogError, match="cannot be used") as caught:
        Catalog(other)
    assert "damaged" in caught.value.hint
    other.write_bytes(b"")
    Catalog(other).close()  # the lock of the failed try is gone


def test_a_damaged_catalog_is_called_so(catalog):
    catalog.runs.start("tag", ["x" * 100_000])
    catalog.close()
    with catalog.path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 8000)
    with pytest.raises(CatalogError, match="cannot be used") as caught:
        Catalog(catalog.path)
    assert "damaged" in caught.value.hint


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("read_only", [False, True])
def test_the_database_of_another_program_is_left_as_it_is(tmp_path, mode, read_only):
    path = tmp_path / "Lightroom.lrcat"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.executescript("CREATE TABLE runs (id); CREATE TABLE Adobe_images (id)")
    before = path.read_bytes()
    with pytest.raises(CatalogError, match="another program"):
        Catalog(path, read_only=read_only)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]  # not even a lock: Lightroom's own would have that name


def test_a_catalog_says_what_it_is_and_one_that_does_not_yet_is_taken(tmp_path):
    path = tmp_path / "c.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number, script in enumerate(MIGRATIONS[:2], start=1):
            old.executescript(f"{script} PRAGMA user_version = {number};")
        old.execute("INSERT INTO runs (command, arguments, model, started) VALUES ('tag', '[]', 'm', 0)")
        old.commit()
    with Catalog(path) as catalog:
        assert [run.command for run in catalog.runs.all()] == ["tag"]
    assert path.read_bytes()[68:72] == b"tagr"


def test_a_catalog_is_read_without_making_or_changing_anything(catalog):
    path = catalog.path
    run = catalog.runs.start("tag", [])
    with Catalog(path, read_only=True) as reader:  # while it is written
        assert [r.id for r in reader.runs.all()] == [run]
    catalog.close()
    before = path.read_bytes()
    with Catalog(path, read_only=True) as reader:
        assert [r.id for r in reader.runs.all()] == [run]
        with pytest.raises(CatalogError):
            reader.runs.start("tag", [])
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    elsewhere = path.with_name("none") / "c.sqlite"
    with pytest.raises(CatalogError, match="there is no catalog at"):
        Catalog(elsewhere, read_only=True)
    assert not elsewhere.parent.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_what_is_remembered_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "made" / "c.sqlite"
    before = os.umask(0)
    try:
        with Catalog(path) as catalog, catalog.held():
            catalog.runs.start("tag", ["/p"])
            files = sorted(path.parent.iterdir())
            assert [file.name for file in files] == [
                "c.sqlite",
                "c.sqlite-shm",
                "c.sqlite-wal",
                "c.sqlite.lock",
            ]
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
@pytest.mark.parametrize("read_only", [False, True])
def test_a_catalog_that_others_may_read_is_closed_to_them_when_it_is_opened(read_only, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    own, named = default_catalog(), tmp_path / "shared" / "c.sqlite"
    for path in (own, named):
        Catalog(path).close()
        path.parent.chmod(0o755)
        path.chmod(0o644)
        lock = path.with_name(path.name + ".lock")
        lock.touch()
        lock.chmod(0o666)
        Catalog(path, read_only=read_only).close()
        assert [stat.S_IMODE(file.stat().st_mode) for file in (path, lock)] == [0o600, 0o600]
    assert stat.S_IMODE(own.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(named.parent.stat().st_mode) == 0o755


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_the_file_of_another_program_keeps_its_mode(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    path.chmod(0o644)
    with pytest.raises(CatalogError, match="another program"):
        Catalog(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_servers_took_is_kept_by_place(catalog):
    assert catalog.servers.limits() == {}
    catalog.servers.note_limits({"a": 4, "b": 32})
    catalog.servers.note_limits({"a": 8})
    catalog.servers.note_limits({})
    assert catalog.servers.limits() == {"a": 8, "b": 32}


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_catalog_of_any_version_is_brought_up_to_date(tmp_path, version):
    path = tmp_path / "c.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as old:
        for number, script in enumerate(MIGRATIONS[:version], start=1):
            old.executescript(f"{script} PRAGMA user_version = {number};")
    with Catalog(path) as catalog:
        catalog.servers.note_model("place", "m")
        catalog.servers.note_limits({"place": 2})
        assert catalog.servers.model_at("place") == "m"
        assert catalog.servers.limits() == {"place": 2}


def test_a_new_catalog_may_be_opened_by_many_at_once(tmp_path):
    for round_ in range(5):
        path = tmp_path / f"{round_}.sqlite"
        barrier = threading.Barrier(8)

        def opened(path=path, barrier=barrier):
            barrier.wait(60)
            with Catalog(path) as catalog:
                return catalog.runs.count()

        with ThreadPoolExecutor(8) as pool:
            assert [one.result() for one in [pool.submit(opened) for _ in range(8)]] == [0] * 8
