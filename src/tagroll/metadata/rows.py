"""What the journal keeps of a write, and what is told of it besides."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from tagroll.domain import CAPTIONS, Beside, Change, Metadata, Write
from tagroll.metadata.authorship import ours_after
from tagroll.metadata.engines import SIGNED
from tagroll.metadata.fields import metadata_from_fields, tag_fields, tags_after
from tagroll.metadata.files.hashing import digest
from tagroll.metadata.files.patch import make_patch
from tagroll.metadata.files.safe_write import Original
from tagroll.metadata.planning import MetadataView, Step
from tagroll.metadata.restore import UndoPlan
from tagroll.metadata.table import MARK, Fields
from tagroll.tags.identity import identities, identity

COPY, HARD_LINK, SYMBOLIC_LINK, JSON, XMP = "copy", "hardlink", "symlink", "json", "xmp"
"""How the journal calls what was made."""
COPIES: Final = frozenset({COPY, HARD_LINK, SYMBOLIC_LINK})
"""Those that show the photo itself."""
MADE: Final = COPIES | {JSON, XMP}
"""All that is taken back by taking it away (`copies.take_back`)."""


def written(step: Step, view: MetadataView, change: Change) -> Write:
    """The journal row of a step."""
    before = replace(step.known, fields=tag_fields(step.known.fields))
    after = Metadata(
        tags_after(step.known, change),
        tag_fields(step.fields),
        ours=ours_after(step.known, change),
        **{name: change.set.get(name, getattr(step.known, name)) for name in CAPTIONS},
    )
    return Write(
        photo=view.photo.path, target=step.path, engine=step.engine.name, before=before, after=after,
        before_hash=digest(step.old) if step.original else "", after_hash=digest(step.new),
        patch=make_patch(step.old, step.new) if step.original else b"", picture_hash=view.picture,
    )  # fmt: skip


def changed_lists(write: Write) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Field -> what came into it with a write, and what went; nothing of either where only the order or form is new."""
    before, after = write.before.fields, write.after.fields
    found = {
        name: (_not_in(before, name, now), _not_in(after, name, was))
        for name in (*after, *(name for name in before if name not in after))
        if (was := before.get(name, ())) != (now := after.get(name, ()))
    }
    return found or {MARK: (write.after.ours, ())}


def _not_in(fields: Fields, name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value for value in values if value not in fields.get(name, ()))


def placed(write: Write, view: MetadataView, reason: str) -> Write:
    """With what is to be told of it: why it is beside the photo, or that it broke a signature."""
    if not reason:
        breaks_seal = view.content.read_only_reason == SIGNED and not write.is_sidecar
        return replace(write, broke_seal=True) if breaks_seal else write
    path, after = view.photo.path, identities(write.after.tags)
    inside = metadata_from_fields(view.content.fields).tags
    beside = Beside(
        reason,
        kind=view.format.kind(path.suffix),
        is_base=write.target.stem == path.stem,
        keeps_old=any(identity(tag) not in after for tag in inside),
    )
    return replace(write, beside=beside)


def restored(write: Write, photo: Path, original: Original, plan: UndoPlan) -> Write:
    """The journal row of an undo."""
    new = plan.new or b""
    return Write(
        photo=photo, target=original.path, engine=write.engine, before=plan.before, after=plan.after,
        before_hash=digest(original.data), after_hash="" if plan.new is None else digest(new),
        patch=make_patch(original.data, new), picture_hash=write.picture_hash,
    )  # fmt: skip
