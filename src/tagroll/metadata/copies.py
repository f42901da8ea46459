"""Copies of photos and what stands beside them: files under new names, never over others, and their way back.

All files of one photo are made ready under temporary names and synced, then the journal commits, and only
then they get their names, all of them or none. So neither a full disk nor a kill leaves half a copy.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tagroll.domain import Change, Journal, Metadata, Photo, Write
from tagroll.errors import ChangedMeanwhileError, MetadataError, WriteError
from tagroll.exiftool.pool import ExifTool
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata.containers.picture import picture_hash_of
from tagroll.metadata.files import hashing
from tagroll.metadata.files.attributes import OwnerLostError, keep_mode, keep_owner, keep_times
from tagroll.metadata.files.hashing import digest, digest_of
from tagroll.metadata.files.platforms import clone, copy_attributes, sync
from tagroll.metadata.files.refusals import Tell, os_errors_in_plain_words, untold
from tagroll.metadata.files.safe_write import hold, pieces, safe_remove, sync_names, unlink
from tagroll.metadata.files.temporary import Temporary, give_name, temporary
from tagroll.metadata.genuine import check_made
from tagroll.metadata.planning import SIDECAR, Planner, resolve_link
from tagroll.metadata.rows import COPIES, COPY, HARD_LINK, JSON, SYMBOLIC_LINK, XMP

__all__ = [
    "COPIES", "COPY", "HARD_LINK", "JSON", "SYMBOLIC_LINK", "XMP", "NewFile", "make_files", "take_back", "with_metadata",
]  # fmt: skip

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be made.

    Attributes:
        target: Its name; its folder is made when missing.
        engine: One of MADE.
        data: Its bytes; None for those of the photo.
    """

    target: Path
    engine: str
    data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Source:
    """The photo, open, and its state before the first byte was read."""

    photo: Path
    fd: int
    state: os.stat_result


@dataclass(frozen=True, slots=True)
class _Ready:
    """A file that only lacks its name, and what gives it that."""

    target: Path
    engine: str
    hash: str
    put: Callable[[], None]


def make_files(
    photo: Photo, picture: str, files: Sequence[NewFile], journal: Journal, tell: Tell = untold
) -> None:
    """Make the files of one photo, all or none; never over a file that is there.

    Args:
        photo: What they are made from. A copy gets its mode, times and attributes (where the disk can hold
            them), and owner (where we may set it).
        picture: Hash of its picture.
        files: The files.
        journal: Commits each file before the first gets its name.
        tell: Is told what the disk could not do.

    Raises:
        ChangedMeanwhileError: Another program changed the photo, or made a file of such a name.
        MetadataError: The photo cannot be read.
        WriteError: The disk is full, read-only, ...; nothing was made.
    """
    nothing = Metadata()
    with ExitStack() as temporaries:
        source = temporaries.enter_context(_opened(photo.path))
        with os_errors_in_plain_words():
            for file in files:
                file.target.parent.mkdir(parents=True, exist_ok=True)
        ready = [temporaries.enter_context(_ready(file, source, tell)) for file in files]
        for one in ready:
            journal(Write(
                photo=photo.path, target=one.target, engine=one.engine, before=nothing, after=nothing,
                before_hash="", after_hash=one.hash, patch=b"", picture_hash=picture,
            ))  # fmt: skip
        _put(ready)
        sync_names(ready[0].target.parent, tell)


def with_metadata(
    exiftool: ExifTool | None, photo: Photo, target: Path, decide: Callable[[Metadata], Change]
) -> tuple[NewFile, ...]:
    """The files of a copy that carries more metadata than the photo.

    What cannot be written into a photo itself (RAW, a signed photo ...) gets a sidecar beside the copy.

    Raises:
        PhotoError: The photo's metadata cannot be read or written.
    """
    planner = Planner("auto", exiftool)
    with planner.view(photo) as view:
        change = decide(view.metadata)
        steps = planner.steps(view, change)[0] if change else []
    new = {step.engine is SIDECAR: step.new for step in steps}
    copy = NewFile(target, COPY, new.get(False))
    return (copy, NewFile(target.with_name(target.name + ".xmp"), XMP, new[True])) if True in new else (copy,)


def take_back(write: Write, journal: Journal, *, dry_run: bool = False, tell: Tell = untold) -> Write | None:
    """Remove a file that was made, when nobody has changed it since and nothing is lost with it.

    A copy goes only while its photo is where it was: what else has the same picture may be a copy as well,
    and with both of them gone the picture would be lost.

    Args:
        write: How it was made.
        journal: Commits the removal before it happens.
        dry_run: Do everything but journal and remove.
        tell: Is told what the disk could not do.

    Returns:
        What was done now; None when the file is gone already.

    Raises:
        WriteError: It was changed since, or it is the last one of its picture: it stays.
        MetadataError: It cannot be read.
    """
    done = Write(
        photo=write.photo, target=write.target, engine=write.engine, before=write.after, after=write.before,
        before_hash=write.after_hash, after_hash="", patch=b"", picture_hash=write.picture_hash,
    )  # fmt: skip
    if not write.after_hash:
        raise WriteError("was taken away by an undo", "tagroll classify makes it again")
    if not os.path.lexists(write.target):
        return None
    if write.engine == SYMBOLIC_LINK:
        _check_link(write)
        if not dry_run:
            journal(done)
            unlink(write.target, tell)
        return done
    with hold(write.target, whole=write.engine not in COPIES) as held:
        if not _is_second_name(held.state, write.photo):
            if digest_of(held.parts(), like=write.after_hash) != write.after_hash:
                raise WriteError("was changed since it was made, so it stays", "Delete it yourself")
            check_made(write, held)
            if write.engine in COPIES:
                _check_photo(write)
        if not dry_run:
            safe_remove(held, before_replace=lambda: journal(done), tell=tell)
    return done


# making ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(photo: Path) -> Iterator[_Source]:
    try:
        fd = os.open(resolve_link(photo), _FLAGS)
    except OSError as error:
        raise MetadataError(f"cannot be read: {error.strerror}") from error
    try:
        yield _Source(photo, fd, os.fstat(fd))
    finally:
        os.close(fd)


@contextlib.contextmanager
def _ready(file: NewFile, source: _Source, tell: Tell) -> Iterator[_Ready]:
    """Make one file, but for its name."""
    target = file.target
    if file.engine == SYMBOLIC_LINK:
        link = source.photo
        yield _Ready(target, file.engine, digest(os.fsencode(link)), lambda: target.symlink_to(link))
    elif file.engine == HARD_LINK:
        photo = resolve_link(source.photo)
        yield _Ready(target, file.engine, _hash(source.fd), lambda: target.hardlink_to(photo))
    else:
        with temporary(target.parent) as new:
            with os_errors_in_plain_words():
                if file.data is not None:
                    new.write(file.data)
                else:
                    _copy(source, new.fd)
                _copy_mode_and_owner(file, source, new, tell)
                sync(new.fd)
            if file.data is None and _hash(source.fd) != _hash(new.fd):
                raise ChangedMeanwhileError("another program is writing the file", "Run again later")
            yield _Ready(target, file.engine, _hash(new.fd), lambda: give_name(new, target))


def _copy(source: _Source, fd: int) -> None:
    """Copy all bytes, without using disk space where the file system can share them."""
    if clone(source.fd, fd):
        return
    with open(source.fd, "rb", closefd=False) as reader, open(fd, "wb", closefd=False) as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)


def _copy_mode_and_owner(file: NewFile, source: _Source, new: Temporary, tell: Tell) -> None:
    """Give a file owner, mode and, when it is a copy, attributes and times, as far as its disk can hold them."""
    state, mode = source.state, stat.S_IMODE(source.state.st_mode)
    with contextlib.suppress(OwnerLostError):  # the copy is ours then
        keep_owner(new, state)
    if file.engine != COPY:
        keep_mode(new, mode & 0o666 | 0o600, tell, may_widen=True)  # a read-only photo has a writable JSON
        return
    copy_attributes(source.fd, new.fd, strict=False)
    keep_mode(new, mode, tell, may_widen=True)
    keep_times(new, state.st_atime_ns, state.st_mtime_ns, tell)


def _put(ready: Sequence[_Ready]) -> None:
    """Give all files their names, or none."""
    placed: list[Path] = []
    with os_errors_in_plain_words():
        try:
            for one in ready:
                one.put()
                placed.append(one.target)
        except FileExistsError:
            raise ChangedMeanwhileError("another program made a file of that name", "Run again") from None
        finally:
            if len(placed) < len(ready):
                for path in placed:
                    path.unlink()


def _hash(fd: int) -> str:
    """As `digest`, of an open file."""
    os.lseek(fd, 0, os.SEEK_SET)
    whole = hashing.hasher()
    while chunk := os.read(fd, _CHUNK):
        whole.update(chunk)
    return hashing.text(whole)


# taking back -------------------------------------------------------------------------------------------


def _check_link(write: Write) -> None:
    """See that a symbolic link is still ours.

    Raises:
        WriteError: It is not.
    """
    target = write.target
    if not target.is_symlink() or target.readlink() != write.photo:
        raise WriteError("was changed since it was made, so it stays", "Delete it yourself")


def _is_second_name(state: os.stat_result, photo: Path) -> bool:
    """Whether the file is the photo itself under another name: then nothing is lost with that name."""
    try:
        return os.path.samestat(state, photo.stat())
    except OSError:
        return False


def _check_photo(write: Write) -> None:
    """See that the picture is still where it was copied from.

    Raises:
        WriteError: It is not.
    """
    with contextlib.suppress(OSError, MetadataError):
        head = next(pieces(write.photo), b"")[:HEAD_BYTES]
        fmt = detect(head, write.photo.suffix)
        if fmt and picture_hash_of(write.photo, fmt, write.picture_hash) == write.picture_hash:
            return
    raise WriteError(
        "the photo it was copied from was moved, edited or deleted, so the copy stays",
        "Delete it yourself if it may go",
    )
