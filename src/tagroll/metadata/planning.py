"""What a change means for the files of one photo: which engine, files and new bytes. Writes nothing."""

import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Final, Literal

from tagroll.domain import Change, Metadata, Photo, Write
from tagroll.errors import ForeignStructureError, MetadataError, WriteError
from tagroll.exiftool.pool import INSTALL, ExifTool
from tagroll.formats import HEAD_BYTES, Format, detect
from tagroll.metadata.containers.container import check_parts, container_of, is_signed, may_have_tags
from tagroll.metadata.containers.picture import picture_hash_in, picture_hash_of, same_picture
from tagroll.metadata.engines import (
    EXIFTOOL,
    SIGNED,
    Content,
    Engine,
    Sidecar,
    edit,
    in_process,
    via_exiftool,
)
from tagroll.metadata.facts import address_in, facts_in, people_in, with_xmp
from tagroll.metadata.fields import is_complete, metadata_from_fields, tags_after
from tagroll.metadata.files.hashing import digest
from tagroll.metadata.files.safe_write import LARGEST, Original, hold, is_large, read_file
from tagroll.metadata.packets.keywords import xml_safe
from tagroll.metadata.sidecar import SidecarName, find_sidecars, new_sidecar
from tagroll.metadata.since import Past, SeenFile, asked_comment, merged, nothing_written
from tagroll.metadata.table import Fields

SidecarPolicy = Literal["auto", "always", "never"]

_C2PA = re.compile(rb"jumb.{0,64}c2pa", re.DOTALL)

SIDECAR: Final[Engine] = Sidecar()
"""The engine of all sidecars."""


@dataclass(frozen=True)
class MetadataView:
    """A photo and its sidecars, held and read.

    Attributes:
        photo: The photo.
        format: Its format, by its bytes.
        content: What the photo itself says.
        sidecars: Its sidecars, and what they say.
        picture: Hash of the picture.
        writes: What tagroll has written for it before, the oldest first.
        reason: Why the photo itself is not written into, or "".
    """

    photo: Original
    format: Format
    content: Content
    sidecars: Sequence[tuple[Original, Content]]
    picture: str
    writes: Sequence[Write]
    reason: str

    @cached_property
    def metadata(self) -> Metadata:
        """What the photo and its sidecars say together, without what a person took away."""
        return merged(self._said, self._files, self.writes)

    def wanted(self, change: Change) -> Change:
        """A change as fields can hold it, with what has to be done to them besides."""
        asked = [names for file in self._files if (names := asked_comment(file, self.writes))]
        return replace(
            change,
            set={name: xml_safe(text) for name, text in change.set.items()},
            align=change.align or self.metadata.tags != self._said.tags,
            left=(*change.left, *asked),
            comment=change.comment or bool(asked),
        )

    @cached_property
    def _said(self) -> Metadata:
        beside = [content.fields for _, content in self.sidecars]
        return _told(self.content, beside, read_only=bool(self.reason))

    @cached_property
    def _files(self) -> list[SeenFile]:
        files = ((self.photo, self.content), *self.sidecars)
        return [SeenFile(one.path, content, lambda one=one: one.data) for one, content in files]  # type: ignore[misc]


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
        name: What a new sidecar is called, see MetadataStore.
        embed_signed: Write into photos with a C2PA signature, too.
        past: What was written for a photo before.
    """

    policy: SidecarPolicy
    exiftool: ExifTool | None
    name: SidecarName = "full"
    embed_signed: bool = False
    past: Past = nothing_written

    @contextmanager
    def view(self, photo: Photo) -> Iterator[MetadataView]:
        """Hold and read a photo and its sidecars.

        Raises:
            MetadataError: They cannot be read.
            WriteError: They are locked by another run.
        """
        path = resolve_link(photo.path)
        with ExitStack() as held:
            original = held.enter_context(hold(path, whole=False))
            fmt = detect(original.head(HEAD_BYTES), path.suffix)
            if fmt is None:
                raise MetadataError("is no longer a photo")
            beside = [held.enter_context(hold(sidecar)) for sidecar in self.find_sidecars(path, fmt)]
            sidecars = [(one, read_sidecar(one.path, one.data)) for one in beside]
            large = original.is_large
            content = self.glance(path, fmt) if large else self.read(path, fmt, original.data)
            picture = picture_hash_in(original, fmt)
            writes = self.past(path, picture)
            content = _unsealed(content, path, writes, lambda: original.data)
            reason = self._reason_against(path, fmt, original.state, content)
            yield MetadataView(original, fmt, content, sidecars, picture, writes, reason)

    def find_sidecars(self, path: Path, fmt: Format) -> list[Path]:
        """The sidecars that belong to the photo, unless sidecars are not wanted at all."""
        return [] if self.policy == "never" else find_sidecars(path, fmt)

    def merge_metadata(self, path: Path, fmt: Format, content: Content, sidecars: Sequence[Path]) -> Metadata:
        """What a photo, whose own content is known, and its sidecars say together.

        Raises:
            MetadataError, OSError: A sidecar cannot be read.
        """
        beside = [read_sidecar(sidecar, read_file(sidecar)) for sidecar in sidecars]
        writes = self.past(path, "")
        read_only = any(is_complete(one.fields) for one in beside) and self._stays(path, fmt, content, writes)
        said = _told(content, [one.fields for one in beside], read_only=read_only)
        files = [
            SeenFile(file, one, partial(read_file, file))
            for file, one in zip((path, *sidecars), (content, *beside), strict=True)
        ]
        known = merged(said, files, writes)
        if (known.tags, known.ours) != (said.tags, said.ours):
            picture = writes[-1].picture_hash
            if picture_hash_of(path, fmt, picture) != picture:
                return said  # another photo has the name now
        return known

    def _stays(self, path: Path, fmt: Format, content: Content, writes: Sequence[Write]) -> bool:
        """Whether the photo itself is not to be touched, going by no more of it than is needed."""
        content = _unsealed(content, path, writes, partial(read_file, path))
        if self._reason_against(path, fmt, path.stat(), content):
            return True
        if fmt.writer != "exiftool":
            return False
        try:
            data = read_file(path)
            return bool(
                self._read_only_reason(
                    _unsealed(with_write_ban(content, fmt, data), path, writes, lambda: data)
                )
            )
        except MetadataError:  # too large to be written, or no file any more
            return True

    def glance(self, path: Path, fmt: Format) -> Content:
        """What a photo itself says, reading no more than is needed.

        Raises:
            MetadataError, OSError: It cannot be read.
        """
        engine = in_process(fmt)
        if engine:
            try:
                with open(path, "rb", buffering=0) as source:  # noqa: PTH123  # hot path
                    return engine.read_from(source)
            except ForeignStructureError:
                if not self.exiftool:
                    raise
        return self.read_other(path, fmt)

    def read(self, path: Path, fmt: Format, data: bytes) -> Content:
        """What a photo itself says, and whether it must stay as it is.

        Raises:
            MetadataError: It cannot be read; without exiftool also when it may hold tags that only exiftool
                can read.
        """
        engine = in_process(fmt)
        if engine:
            try:
                return engine.read(data)
            except ForeignStructureError:
                if not self.exiftool:
                    raise
        return with_write_ban(self.read_other(path, fmt, data), fmt, data)

    def read_other(self, path: Path, fmt: Format, data: bytes | None = None) -> Content:
        """What a photo says that cannot be read in process."""
        if not fmt.families:
            with path.open("rb") as file:
                return Content({}, told=facts_in(data or file.read(HEAD_BYTES), fmt))
        check_read = container_of(fmt).check_read
        if data is None and (check_read or not self.exiftool):
            data = read_file(path)
        with path.open("rb") if data is None else io.BytesIO(data) as source:
            check_parts(source, fmt)
        content = (
            via_exiftool(self.exiftool, fmt, path).read(path)
            if self.exiftool
            else Content({}, told=facts_in(data or b"", fmt))
        )
        if check_read and data:
            check_read(data, content.packets.xmp is not None)
        if not self.exiftool and data and may_have_tags(data, fmt):
            raise MetadataError("has tags inside that only exiftool can read", INSTALL)
        return content

    def steps(self, view: MetadataView, change: Change) -> tuple[list[Step], str]:
        """What to do for a change, and why the photo itself is not written ("" when it is).

        Where the photo says nothing new, no file is made for it.

        Raises:
            WriteError: It cannot be done under this policy.
            MetadataError: A file cannot be read.
        """
        reason = view.reason
        if not reason and not in_process(view.format) and not self.exiftool:
            reason = "exiftool is missing"
        for engine in () if reason else self._embedders(view):
            try:
                step = embed_step(engine, view, change)
            except ForeignStructureError as error:
                reason = error.message
                continue
            also = self.sidecar_steps(view, change) if view.sidecars else []
            return _changed((step, *also)), ""
        if not change.is_new:
            return _changed(self.sidecar_steps(view, change) if view.sidecars else []), reason
        if self.policy == "never":
            raise WriteError(f"cannot be written into: {reason}", "--sidecar auto would write beside it")
        if not tags_after(view.metadata, change) and metadata_from_fields(view.content.fields).tags:
            # a sidecar can replace the tags of a photo, but no program takes one without any for "none"
            raise WriteError(f"its tags are inside, where they cannot be taken away: {reason}")
        return _changed(self.sidecar_steps(view, change)), reason

    def sidecar_steps(self, view: MetadataView, change: Change) -> list[Step]:
        """Write the change into every sidecar; a new one takes up what the photo itself says."""
        nothing = SIDECAR.read(b"")
        return [
            beside_photo(view, change, original.path, original, content)
            for original, content in view.sidecars
        ] or [beside_photo(view, change, new_sidecar(view.photo.path, view.format, self.name), None, nothing)]

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

    def _reason_against(self, path: Path, fmt: Format, state: os.stat_result, content: Content) -> str:
        """Why the photo itself is not to be touched."""
        checks = (
            (self.policy == "always", "sidecars are asked for"),
            (fmt.writer == "sidecar" and self.policy != "never", "such files are not written into"),
            (is_large(state), f"the file is larger than {LARGEST >> 20} MB"),
            (bool(self._read_only_reason(content)), content.read_only_reason),
            (state.st_nlink > 1, "the file has a second name (hard link) that would lose it"),
            (not state.st_mode & 0o222 or not os.access(path, os.W_OK), "the file is read-only"),
        )
        return next((reason for applies, reason in checks if applies), "")

    def _read_only_reason(self, content: Content) -> str:
        """Why the photo must stay as it is, going by what it holds."""
        return "" if self.embed_signed and content.read_only_reason == SIGNED else content.read_only_reason

    def _embedders(self, view: MetadataView) -> Iterator[Engine]:
        """The engines that may write into the photo, the best first."""
        if engine := in_process(view.format):
            yield engine
        if self.exiftool and view.format.families:
            yield via_exiftool(self.exiftool, view.format, view.photo.path)


def _told(content: Content, beside: Sequence[Fields], *, read_only: bool) -> Metadata:
    """What a photo, and its sidecars, say together."""
    sources = (*beside, content.fields)
    facts = with_xmp(content.facts, sources)
    said = metadata_from_fields(content.fields, beside, read_only=read_only, facts=facts)
    people, address = people_in(sources), address_in(sources)
    return replace(said, people=people, address=address) if people or any(address) else said


def read_sidecar(path: Path, data: bytes) -> Content:
    """What a sidecar says.

    Raises:
        MetadataError: It cannot be read.
    """
    try:
        return SIDECAR.read(data)
    except MetadataError as error:
        raise MetadataError(f"its sidecar {path.name}: {error.message}", "Mend or remove it") from error


def sidecar_fields(path: Path) -> Fields | None:
    """The fields of a sidecar, None where there is no such file.

    Raises:
        MetadataError: It cannot be read.
    """
    try:
        return SIDECAR.read(read_file(path)).fields
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MetadataError(f"the sidecar {path} cannot be read: {error.strerror}") from error


def with_write_ban(content: Content, fmt: Format, data: bytes) -> Content:
    """What was read of a file, though not in process, with what all its bytes tell: why it must stay as it is."""
    if reason := container_of(fmt).read_only_reason(data):
        return replace(content, read_only_reason=reason)
    may_be_signed = in_process(fmt) and _C2PA.search(data)  # it cannot be taken apart to see
    is_sealed = bool(may_be_signed) or is_signed(data, fmt)
    return (
        replace(content, read_only_reason=SIGNED) if is_sealed and not content.read_only_reason else content
    )


def _unsealed(content: Content, path: Path, writes: Sequence[Write], data: Callable[[], bytes]) -> Content:
    """What a photo says, free to be written into again where its signature is one that an earlier write has broken.

    Only of a file that is byte for byte as a write left it that is known: another program may have signed it anew.
    """
    left = (
        [write.after_hash for write in writes if write.target == path]
        if content.read_only_reason == SIGNED
        else []
    )
    is_broken = any(digest(data(), like) == like for like in left if like)
    return replace(content, read_only_reason="") if is_broken else content


def _changed(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if step.new != step.old]


def beside_photo(
    view: MetadataView, change: Change, path: Path, original: Original | None, content: Content
) -> Step:
    """Make and check the new bytes of one sidecar, or of a new one."""
    known = replace(view.metadata, fields=content.fields)
    new, fields = edit(SIDECAR, original.data if original else b"", content, change, known)
    return Step(SIDECAR, path, original, known, new, fields)


def embed_step(engine: Engine, view: MetadataView, change: Change) -> Step:
    """Make and check the new bytes of a photo.

    Raises:
        ForeignStructureError: This engine cannot do it.
    """
    known = replace(view.metadata, fields=view.content.fields)
    new, fields = edit(engine, view.photo.data, view.content, change, known)
    if not same_picture(view.photo.data, new, view.format):
        raise ForeignStructureError("the picture itself would change")
    return Step(engine, view.photo.path, view.photo, known, new, fields)


def resolve_link(path: Path) -> Path:
    """The path with symlinks resolved; quick where the file itself is none."""
    try:
        if not stat.S_ISLNK(os.lstat(path).st_mode):
            return path
    except OSError as error:
        raise MetadataError(f"cannot be read: {error.strerror}") from error
    return Path(os.path.realpath(path))
