"""What a change means for the files of one photo: which engine, files and new bytes. Writes nothing."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from tagroll.domain import Change, Metadata, Photo
from tagroll.errors import ForeignStructureError, MetadataError, WriteError
from tagroll.formats import HEAD_BYTES, Format, detect
from tagroll.metadata import jxl
from tagroll.metadata.engines import EXIFTOOL, Content, Engine, Sidecar, edit, in_process, via_exiftool
from tagroll.metadata.exiftool import INSTALL, ExifTool
from tagroll.metadata.fields import Fields, metadata_from_fields
from tagroll.metadata.picture import picture_hash, same_picture
from tagroll.metadata.safe_write import Original, hold
from tagroll.metadata.sidecar import find_sidecar, new_sidecar
from tagroll.metadata.signed import is_signed

SidecarPolicy = Literal["auto", "always", "never"]

_C2PA = re.compile(rb"jumb.{0,64}c2pa", re.DOTALL)

SIDECAR: Final[Engine] = Sidecar()
"""The engine of all sidecars."""
_TAG_TRACES = (b"subject>", b":TagsList", b":hierarchicalSubject", b":LastKeyword")
"""What an XMP packet with tags contains: enough to know that a file is not without tags."""


@dataclass(frozen=True, slots=True)
class View:
    """A photo and its sidecar, held and read.

    Attributes:
        photo: The photo.
        format: Its format, by its bytes.
        content: What the photo itself says.
        sidecar: Its sidecar, or None.
        beside: What the sidecar says, or None.
        picture: Hash of the picture.
        metadata: What the photo and its sidecar say together.
    """

    photo: Original
    format: Format
    content: Content
    sidecar: Original | None
    beside: Content | None
    picture: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Step:
    """One file to replace or, when `original` is None, to make.

    Attributes:
        engine: Who made the new bytes.
        path: The file.
        original: The file as it is.
        known: What the photo is known to carry; `fields` are those of this file.
        new: The bytes it shall have.
        fields: What they say, as read back from them.
    """

    engine: Engine
    path: Path
    original: Original | None
    known: Metadata
    new: bytes
    fields: Fields

    @property
    def old(self) -> bytes:
        """The bytes it has now, none where there is no file."""
        return self.original.data if self.original else b""


@dataclass(frozen=True, slots=True)
class Planner:
    """Chooses engines.

    Attributes:
        policy: Where to write, see MetadataStore.
        exiftool: Or None, where there is none.
    """

    policy: SidecarPolicy
    exiftool: ExifTool | None

    @contextmanager
    def view(self, photo: Photo) -> Iterator[View]:
        """Hold and read a photo and its sidecar.

        Raises:
            MetadataError: They cannot be read.
            WriteError: They are locked by another run.
        """
        path = resolved(photo.path)
        with ExitStack() as held:
            original = held.enter_context(hold(path))
            fmt = detect(original.data[:HEAD_BYTES], path.suffix)
            if fmt is None:
                raise MetadataError("is no photo any more")
            beside = self.find_sidecar(path, fmt)
            sidecar = held.enter_context(hold(beside)) if beside else None
            said = SIDECAR.read(sidecar.data) if sidecar else None
            content = self.read(original, fmt)
            metadata = metadata_from_fields(content.fields, said.fields if said else None)
            picture = picture_hash(original.data, fmt)
            yield View(original, fmt, content, sidecar, said, picture, metadata)

    def find_sidecar(self, path: Path, fmt: Format) -> Path | None:
        """The sidecar that belongs to the photo, unless sidecars are not wanted at all."""
        return None if self.policy == "never" else find_sidecar(path, fmt)

    def read(self, original: Original, fmt: Format) -> Content:
        """What a held photo itself says.

        Raises:
            MetadataError: It cannot be read; without exiftool also when it may hold tags that only exiftool
                can read.
        """
        engine = in_process(fmt)
        if engine:
            try:
                return engine.read(original.data)
            except ForeignStructureError:
                if self.exiftool is None:
                    raise
        content = self.read_other(original.path, fmt, original.data)
        may_be_signed = engine is not None and _C2PA.search(original.data)  # it cannot be taken apart to see
        return replace(content, signed=bool(may_be_signed) or is_signed(original.data, fmt))

    def read_other(self, path: Path, fmt: Format, data: bytes | None = None) -> Content:
        """What a photo says that cannot be read in process."""
        if fmt.name == "bmp":
            return Content({})
        if data is None and (fmt.name == "jxl" or not self.exiftool):
            data = path.read_bytes()
        content = via_exiftool(self.exiftool, fmt, path).read(path) if self.exiftool else Content({})
        if fmt.name == "jxl" and data:
            jxl.check_nothing_hidden(data, found=content.packets.xmp is not None)
        if not self.exiftool and data and any(trace in data for trace in _TAG_TRACES):
            raise MetadataError("has tags inside that only exiftool can read", INSTALL)
        return content

    def steps(self, view: View, change: Change) -> tuple[list[Step], str]:
        """What to do for a change, and why the photo itself is not written ("" when it is).

        Raises:
            WriteError: It cannot be done under this policy.
            MetadataError: A file cannot be read.
        """
        reason = self._reason_against(view)
        if not reason and not in_process(view.format) and not self.exiftool:
            reason = "exiftool is missing"
        for engine in () if reason else self._embedders(view):
            try:
                step = embed(engine, view, change)
            except ForeignStructureError as error:
                reason = error.message
                continue
            also = [self.beside(view, change)] if view.sidecar else []
            return [one for one in (step, *also) if one.new != one.old], ""
        if self.policy == "never":
            raise WriteError(f"cannot be written into: {reason}", "--sidecar auto would write beside it")
        step = self.beside(view, change)
        return [step] if step.new != step.old else [], reason

    def beside(self, view: View, change: Change) -> Step:
        """Write the change into the sidecar; a new one takes up what the photo itself says."""
        path = view.sidecar.path if view.sidecar else new_sidecar(view.photo.path)
        old = view.sidecar.data if view.sidecar else b""
        known = replace(view.metadata, fields=view.beside.fields if view.beside else {})
        new, fields = edit(SIDECAR, old, view.beside or SIDECAR.read(b""), change, known)
        return Step(SIDECAR, path, view.sidecar, known, new, fields)

    def engine(self, name: str, path: Path, fmt: Format) -> Engine:
        """The engine of a journal row.

        Raises:
            WriteError: It is exiftool, and there is none any more.
        """
        if name == SIDECAR.name:
            return SIDECAR
        found = in_process(fmt) if name != EXIFTOOL else None
        if found is None and self.exiftool:
            return via_exiftool(self.exiftool, fmt, path)
        if found is None:
            raise WriteError("was written with exiftool, which is not there", INSTALL)
        return found

    def _reason_against(self, view: View) -> str:
        """Why the photo itself is not to be touched."""
        state = view.photo.state
        checks = (
            (self.policy == "always", "sidecars are asked for"),
            (view.format.writer == "sidecar" and self.policy != "never", "such files are not written into"),
            (view.content.signed, "a C2PA signature would become invalid"),
            (
                view.format.name == "jxl" and jxl.holds_jpeg(view.photo.data),
                "the JPEG it was made from could not be restored any more",
            ),
            (state.st_nlink > 1, "the file has a second name (hard link) that would lose it"),
            (not state.st_mode & 0o222 or not os.access(view.photo.path, os.W_OK), "the file is read-only"),
        )
        return next((reason for applies, reason in checks if applies), "")

    def _embedders(self, view: View) -> Iterator[Engine]:
        """The engines that may write into the photo, the best first."""
        if engine := in_process(view.format):
            yield engine
        if self.exiftool and view.format.name != "bmp":
            yield via_exiftool(self.exiftool, view.format, view.photo.path)


def embed(engine: Engine, view: View, change: Change) -> Step:
    """Make and check the new bytes of a photo.

    Raises:
        ForeignStructureError: This engine cannot do it.
    """
    known = replace(view.metadata, fields=view.content.fields)
    new, fields = edit(engine, view.photo.data, view.content, change, known)
    if not same_picture(view.photo.data, new, view.format):
        raise ForeignStructureError("the picture itself would change")
    return Step(engine, view.photo.path, view.photo, known, new, fields)


def resolved(path: Path) -> Path:
    """The path with symlinks resolved; quick where the file itself is none."""
    try:
        if not stat.S_ISLNK(os.lstat(path).st_mode):
            return path
    except OSError as error:
        raise MetadataError(f"cannot be read: {error.strerror}") from error
    return Path(os.path.realpath(path))
