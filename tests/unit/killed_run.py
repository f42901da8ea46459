"""Tag photos over and over in a child that is killed at random moments; check every photo after each kill.

    python killed_run.py FOLDER KILLS      prints how many writes were journalled in all

A program of its own, not a test function: it forks, which wants a process without threads.
"""

import contextlib
import io
import os
import pickle
import secrets
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tagroll.domain import Change, Metadata, Photo, Write
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.files.hashing import digest
from tagroll.metadata.store import MetadataStore


def photos(folder: Path) -> list[Photo]:
    """The photos of a folder."""
    found = []
    for path in sorted(folder.iterdir()):
        fmt = detect(path.read_bytes()[:HEAD_BYTES], path.suffix)
        if fmt and not path.name.startswith("."):  # what was left by a kill is no photo
            found.append(Photo(path, 0, 0, fmt))
    return found


def tag_until_killed(folder: Path, journal_file: Path) -> None:
    """Give every photo new tags, again and again, from four threads."""
    store = MetadataStore()
    journal = os.open(journal_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def commit(write: Write) -> None:
        os.write(journal, pickle.dumps(write))
        os.fsync(journal)

    def tag(photo: Photo) -> None:
        word = f"Tag {secrets.randbelow(10**6)}"
        store.write(photo, lambda seen: Change(add=(word,), remove=seen.tags), commit)

    with ThreadPoolExecutor(4) as threads:
        while True:
            list(threads.map(tag, sorted(photos(folder), key=lambda _: secrets.randbelow(10**6))))


def journalled(journal_file: Path) -> list[Write]:
    """All rows of the journal; the last may be half written."""
    rows = []
    with contextlib.suppress(EOFError, pickle.UnpicklingError, FileNotFoundError):
        source = io.BytesIO(journal_file.read_bytes())
        while True:
            rows.append(pickle.load(source))  # noqa: S301  # our own
    return rows


def check(originals: dict[Path, str], rows: list[Write]) -> None:
    """Every photo is whole: the original, or what a journal row says."""
    known = {path: {digest_} for path, digest_ in originals.items()}
    for row in rows:
        known.setdefault(row.target, set()).add(row.after_hash)
    for path, states in known.items():
        if path in originals or path.exists():  # a sidecar may not have been made yet
            assert digest(path.read_bytes()) in states, path


def main(folder: Path, kills: int) -> None:
    """Kill, check, and in the end take everything back."""
    rows: list[Write] = []
    store = MetadataStore()
    originals = {photo.path: digest(photo.path.read_bytes()) for photo in photos(folder)}
    for number in range(kills):
        journal_file = folder.parent / f"journal{number}"
        child = os.fork()
        if not child:
            tag_until_killed(folder, journal_file)
        time.sleep(0.005 + secrets.randbelow(150) / 1000)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        rows += journalled(journal_file)
        check(originals, rows)
    store.remove_leftovers(folder)
    for row in reversed(rows):
        if row.target.exists():
            store.undo(row, lambda _: None)
    assert {path: digest(path.read_bytes()) for path in folder.iterdir()} == originals
    assert all(store.read(photo) == Metadata(fields=store.read(photo).fields) for photo in photos(folder))
    sys.stdout.write(f"{len(rows)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
