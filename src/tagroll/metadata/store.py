"""Reading and writing the metadata of photos: the one door through which the rest of tagroll comes.

read -> Metadata
write: hold -> decide -> edit in memory -> verify -> journal -> replace
undo: the way back, byte for byte or by values
"""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tagroll.domain import Change, Decide, Journal, Metadata, Photo, Write
from tagroll.errors import MetadataError, PhotoError, WriteError
from tagroll.exiftool.pool import ExifTool
from tagroll.formats import HEAD_BYTES, detect
from tagroll.metadata import genuine
from tagroll.metadata.authorship import ours_after
from tagroll.metadata.containers.container import container_of, is_quick
from tagroll.metadata.containers.picture import picture_hash_of
from tagroll.metadata.engines import SIGNED, Content, Engine, in_process, read_many
from tagroll.metadata.fields import tags_after
from tagroll.metadata.files import temporary
from tagroll.metadata.files.attributes import NotKeptError
from tagroll.metadata.files.hashing import digest, digest_of
from tagroll.metadata.files.order import Order
from tagroll.metadata.files.platforms import keep_large_blocks, lock
from tagroll.metadata.files.safe_write import (
    Original,
    hold,
    pieces,
    safe_create,
    safe_remove,
    safe_replace,
)
from tagroll.metadata.planning import (
    SIDECAR,
    MetadataView,
    Planner,
    SidecarPolicy,
    Step,
    resolve_link,
    sidecar_fields,
)
from tagroll.metadata.restore import bytes_before, left_in, plan_undo, target_of
from tagroll.metadata.rows import MADE, changed_lists, placed, restored, written
from tagroll.metadata.sidecar import SidecarName
from tagroll.metadata.since import Past, nothing_written
from tagroll.metadata.stamps import stamp_of, stamps_of, state_of
from tagroll.settings import Mtime

__all__ = [
    "MADE",
    "SIGNED",
    "Explanation",
    "MetadataStore",
    "changed_lists",
    "is_locked",
    "left_in",
    "ours_after",
    "sidecar_fields",
    "state_of",
    "tags_after",
    "target_of",
]


def is_locked(path: Path) -> bool:
    """Whether another program holds a file locked, or lets nobody read it now; not where files cannot be locked."""
    try:
        with path.open("rb") as file:
            return lock(file.fileno()) is False
    except OSError:
        return path.exists()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where the tags of a photo would be written.

    Attributes:
        engine: "jpeg", "png", "webp", "exiftool" or "sidecar".
        target: The file that would be changed or made.
        reason: Why a sidecar, one line; "" where the photo itself is written.
        sidecars: Those that are there already and are kept in step.
    """

    engine: str
    target: Path
    reason: str
    sidecars: tuple[Path, ...]


class MetadataStore:
    """Reads and writes the metadata of photos. Safe to use from several threads.

    Args:
        sidecar: "auto" writes into the photo wherever that is safe; "always" leaves photos as they are and
            writes beside them; "never" neither reads nor writes sidecars, and fails where a photo cannot be
            written.
        mtime: The modification time of a file that is written: "nudge" makes it two seconds later, so that backups
            and galleries look again, and less where it would reach that of the next photo of the folder; "keep" leaves it; "now".
        exiftool: For the formats that need it; None where there is none.
        name: What a new sidecar is called: "stem" for name.xmp, "full" for name.ext.xmp, "auto": for a RAW as those of
            the other RAWs in its folder.
        embed_signed: Write into photos with a C2PA signature, too; it becomes invalid.
        past: What tagroll has written for a photo before: with it, what a person took away since stays away.
    """

    def __init__(  # noqa: PLR0913 - by name, and each with what most want
        self,
        *,
        sidecar: SidecarPolicy = "auto",
        name: SidecarName = "auto",
        embed_signed: bool = False,
        mtime: Mtime = "nudge",
        exiftool: ExifTool | None = None,
        past: Past = nothing_written,
    ) -> None:
        keep_large_blocks()
        self._planner = Planner(sidecar, exiftool, name, embed_signed, past)
        self._mtime = Order().later if mtime == "nudge" else mtime
        self.notes: dict[str, None] = {}
        """What the disks could not do though the files were written, each once; to be told at the end of a run."""
        self._computing = threading.Lock()
        # whether sidecars are read, and speak alone, depends on it: what was read with another one is read anew
        self._policy = ("" if sidecar == "auto" else f" {sidecar}") + (" signed" if embed_signed else "")

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End exiftool, if there is one."""
        if self._planner.exiftool is not None:
            self._planner.exiftool.__exit__(kind, error, trace)

    # reading -------------------------------------------------------------------------------------------

    def read(self, photo: Photo) -> Metadata:
        """What a photo and its sidecar say; reads no more of the photo than it must.

        Raises:
            MetadataError: They cannot be read. Never the same as "no tags".
        """
        return self._read(photo, None)

    def read_many(self, photos: Sequence[Photo]) -> list[Metadata | PhotoError]:
        """As `read` for each, but exiftool is asked about many at a time. In the place of one that fails, its error."""
        known = self._read_by_exiftool(photos)
        found: list[Metadata | PhotoError] = []
        for photo in photos:
            try:
                found.append(self._read(photo, known.get(photo.path)))
            except PhotoError as error:
                # a new one: the traceback of this one holds on to all that was read of the file
                found.append(type(error)(error.message, error.hint))
        return found

    def _read_by_exiftool(self, photos: Sequence[Photo]) -> dict[Path, Content]:
        """What photos say that only exiftool can read; those are left out of which it says nothing useful."""
        exiftool = self._planner.exiftool
        others = [
            photo
            for photo in photos
            if not in_process(photo.format)
            and photo.format.families  # else there is nothing to ask
            and not container_of(photo.format).check_read  # else what exiftool says is not enough
            and is_quick(photo.path, photo.format)
        ]
        if len(others) < 2 or not exiftool:
            return {}
        try:
            contents = read_many(exiftool, others)
        except PhotoError:
            return {}  # each of them alone will say why
        return {photo.path: content for photo, content in zip(others, contents, strict=True) if content}

    def _read(self, photo: Photo, content: Content | None) -> Metadata:
        path = resolve_link(photo.path)
        try:
            content = content or self._planner.glance(path, photo.format)
            sidecars = self._planner.find_sidecars(path, photo.format)
            return self._planner.merge_metadata(path, photo.format, content, sidecars)
        except OSError as error:
            raise MetadataError(f"cannot be read: {error.strerror}") from error

    def picture_hash(self, photo: Photo, like: str = "") -> str:
        """Hash of the picture in a photo, whatever its metadata say (see `picture.picture_hash`).

        Raises:
            MetadataError: The file cannot be read.
        """
        try:
            return picture_hash_of(photo.path, photo.format, like)
        except OSError as error:
            raise MetadataError(f"cannot be read: {error.strerror}") from error

    def stamp(self, photo: Photo) -> str:
        """A short text that changes whenever the photo or its sidecar does. Opens no file.

        Raises:
            MetadataError: The photo is not there.
        """
        path = resolve_link(photo.path)
        return stamp_of((path, *self._planner.find_sidecars(path, photo.format))) + self._policy

    def stamps(self, photos: Sequence[Photo]) -> list[str]:
        """The stamps of many photos at once, "" for one that is not there; looks for sidecars once a folder."""
        return stamps_of(photos, self._policy, self.stamp)

    def file_hash(self, path: Path, like: str = "") -> str:
        """Hash of a whole file as the journal keeps it (see `hashing`); "" where there is no file.

        Raises:
            MetadataError: It is there but cannot be read.
        """
        try:
            return digest_of(pieces(path), like=like)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise MetadataError(f"cannot be read: {error.strerror}") from error

    def explain(self, photo: Photo) -> Explanation:
        """Where the tags of this photo would be written, and why there.

        Raises:
            PhotoError: They could not be written anywhere, and why.
        """
        with self._planner.view(photo) as view:
            steps, reason = self._planner.steps(view, Change(add=("tagroll",)))
            sidecars = tuple(sidecar.path for sidecar, _ in view.sidecars)
            return Explanation(steps[0].engine.name, steps[0].path, reason, sidecars)

    # writing -------------------------------------------------------------------------------------------

    def write(
        self, photo: Photo, decide: Decide, journal: Journal, *, dry_run: bool = False
    ) -> tuple[Write, ...]:
        """Change the metadata of a photo.

        A photo that has sidecars gets all of them changed, so that no program sees old tags.

        Args:
            photo: Which.
            decide: Says what to do, given what the photo carries now. It is locked meanwhile.
            journal: Commits each write before its file is replaced.
            dry_run: Do everything but journal and replace.

        Returns:
            The files written, in order; none when there was nothing to do.

        Raises:
            MetadataError: It cannot be read.
            WriteError: It cannot be written.
        """
        with self._planner.view(photo) as view:
            change = view.wanted(decide(view.metadata))
            if not change:
                return ()
            with self._turn(view):
                steps, reason = self._planner.steps(view, change)
            try:
                writes = self._commit_all(steps, view, change, journal, dry_run=dry_run)
            except NotKeptError as error:
                if not change.is_new:
                    return ()
                if self._planner.policy != "auto" or steps[0].engine is SIDECAR:
                    raise
                steps, reason = self._planner.sidecar_steps(view, change), error.message
                writes = self._commit_all(steps, view, change, journal, dry_run=dry_run)
            return tuple(placed(write, view, reason) for write in writes)

    def undo(
        self, write: Write, journal: Journal, *, at: Path | None = None, dry_run: bool = False
    ) -> Write | None:
        """Take a write back.

        Byte for byte when the file is as we left it; otherwise by values: our tags go, those we removed come
        back, and what another program has done since stays.

        Args:
            write: What was done.
            journal: Commits the way back before the file is replaced.
            at: Where the photo is now, when it was moved.
            dry_run: Do everything but journal and replace.

        Returns:
            What was done now; None when there was nothing left to do.

        Raises:
            PhotoError: It cannot be taken back, and why.
        """
        target, photo = target_of(write, at), at or write.photo
        genuine.check_target(write, photo, target)
        if not (write.before_hash and write.after_hash) and not os.path.lexists(target):
            # a sidecar: either we removed it, or we made it and somebody removed it
            if not os.path.lexists(photo):
                raise MetadataError("was moved or deleted, or its disk is not there")
            return (
                self._recreate(write, photo, target, None if dry_run else journal)
                if write.before_hash
                else None
            )
        with hold(target) as original:
            if original.state.st_nlink > 1 and not write.is_sidecar:
                raise WriteError(
                    "is hard-linked elsewhere; the other link would keep the tags", "Remove one of them"
                )
            plan = plan_undo(write, original, self._engine(write, target, original.data))
            if plan is None:
                return None
            genuine.check_bytes(write, target, original.data, plan.new)
            done = restored(write, photo, original, plan)
            if not dry_run:
                self._put(original, plan.new, lambda: journal(done))
            return done

    def remove_leftovers(self, folder: Path) -> int:
        """Remove the temporary files that killed runs left in a folder; gives how many."""
        return temporary.remove_leftovers(folder)

    def check(self, write: Write) -> None:
        """See that the paths of a row are of the kind that tagroll writes down.

        Raises:
            WriteError: One of them depends on where one stands, or leads around.
        """
        genuine.check_paths(write)

    def put_back(self, write: Write) -> bool:
        """Give a file its name that a killed run was about to put in the place of one that is missing now."""
        genuine.check_paths(write)
        return bool(write.before_hash and write.after_hash) and temporary.put_back(
            write.target, lambda path: self.file_hash(path, write.after_hash) == write.after_hash
        )

    def note(self, text: str) -> None:
        """Keep what a disk could not do, to be told once."""
        self.notes[text] = None

    # inside --------------------------------------------------------------------------------------------

    def _turn(self, view: MetadataView) -> contextlib.AbstractContextManager[object]:
        """Held while Python computes: it does so in one thread at a time, and taking turns costs less than a fight for it.

        exiftool computes in processes of its own.
        """
        return self._computing if in_process(view.format) else contextlib.nullcontext()

    def _commit_all(
        self, steps: Sequence[Step], view: MetadataView, change: Change, journal: Journal, *, dry_run: bool
    ) -> tuple[Write, ...]:
        """Journal and write the files of one photo."""
        return tuple([self._commit(step, view, change, journal, dry_run=dry_run) for step in steps])

    def _commit(
        self, step: Step, view: MetadataView, change: Change, journal: Journal, *, dry_run: bool
    ) -> Write:
        """Journal and write one file."""
        with self._turn(view):
            write = written(step, view, change)

        def ready() -> None:
            view.photo.check_unchanged()  # no sidecar for a photo that has gone
            journal(write)

        if not dry_run:
            if step.original:
                self._put(step.original, step.new, lambda: journal(write))
            else:
                safe_create(step.path, step.new, like=view.photo.state, before_replace=ready, tell=self.note)
        return write

    def _put(self, original: Original, new: bytes | None, before_replace: Callable[[], None]) -> None:
        if new is None:
            safe_remove(original, before_replace=before_replace, tell=self.note)
        else:
            safe_replace(original, new, before_replace=before_replace, mtime=self._mtime, tell=self.note)

    def _recreate(self, write: Write, photo: Path, target: Path, journal: Journal | None) -> Write:
        """Bring back a sidecar whose creation was undone: the undoing of an undo."""
        new = bytes_before(write, b"")
        genuine.check_bytes(write, target, None, new)
        done = Write(
            photo, target, write.engine, write.after, write.before,
            before_hash="", after_hash=digest(new), patch=b"", picture_hash=write.picture_hash,
        )  # fmt: skip
        if journal is not None:
            with hold(resolve_link(photo)) as original:
                safe_create(
                    target, new, like=original.state, before_replace=lambda: journal(done), tell=self.note
                )
        return done

    def _engine(self, write: Write, target: Path, data: bytes) -> Engine:
        if write.is_sidecar:
            return SIDECAR
        fmt = detect(data[:HEAD_BYTES], target.suffix)
        if fmt is None:
            named = "" if target == write.photo else f"the journal names {target}, which "
            raise MetadataError(f"{named}is no longer a photo")
        return self._planner.engine(write.engine, target, fmt)
