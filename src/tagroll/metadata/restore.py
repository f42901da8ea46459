"""The way back: what undoing one write means for the file as it is now."""

from dataclasses import dataclass, replace
from pathlib import Path

from tagroll.domain import CAPTIONS, Change, Metadata, Write
from tagroll.errors import ForeignStructureError, WriteError
from tagroll.metadata.authorship import ours_after
from tagroll.metadata.comment import COMMENT, says
from tagroll.metadata.engines import Engine, edit
from tagroll.metadata.fields import TAG_FIELDS, metadata_from_fields, tag_fields, tags_after
from tagroll.metadata.files.hashing import digest
from tagroll.metadata.files.patch import apply_patch
from tagroll.metadata.files.safe_write import Original
from tagroll.metadata.planning import resolve_link
from tagroll.metadata.since import SeenFile, merged
from tagroll.metadata.table import Fields
from tagroll.tags.identity import identities, identity, without


def target_of(write: Write, at: Path | None) -> Path:
    """The file that was written, where it is now if the photo was moved to `at`."""
    if at is None:
        return write.target
    at = resolve_link(at)
    if not write.is_sidecar:
        return at
    name, old = write.target.name, write.photo.name
    if name.startswith(old):
        moved = at.with_name(at.name + name[len(old) :])
    else:
        moved = at.with_name(at.stem + write.target.suffix)
    return moved if moved.exists() else write.target


def bytes_before(write: Write, data: bytes) -> bytes:
    """The bytes there were before a write, given those it left.

    Raises:
        WriteError: The undo record is damaged.
    """
    before = apply_patch(data, write.patch) if write.before_hash else b""
    if write.before_hash and digest(before, write.before_hash) != write.before_hash:
        raise WriteError("the undo record of this file is damaged")
    return before


def change_back(write: Write, now: Metadata) -> Change:
    """What takes the values of a write back from a file that another program has changed since."""
    was, became, there = (
        {identity(tag): tag for tag in metadata.tags} for metadata in (write.before, write.after, now)
    )
    # our list may be left in UserComment alone, of which whoever took our tags away did not know
    stale = says("".join(now.fields.get("ExifIFD:UserComment", ())), write.after.tags)
    respelled = [name for name in was.keys() & became.keys() if was[name] != became[name] == there.get(name)]
    lost = (tag for name, tag in was.items() if name not in became and name not in there)
    ours = (tag for name, tag in became.items() if name not in was and (stale or name in there))
    return Change(
        add=(*lost, *(was[name] for name in respelled)),
        remove=(*ours, *(became[name] for name in respelled)),
        set={
            name: getattr(write.before, name)
            for name in CAPTIONS
            if getattr(write.before, name) != getattr(write.after, name) == getattr(now, name)
        },
        left=(write.after.tags,),
        ours=without(write.before.ours, write.after.ours),
        theirs=without(write.after.ours, write.before.ours),
    )


def left_in(write: Write, now: Metadata) -> bool:
    """Whether metadata show that a file was written so: there are tags or texts of the write in it.

    Of a write that only took tags away, it shows by their absence.
    """
    back = change_back(write, now)
    only_removed = identities(write.after.tags) <= identities(write.before.tags)
    return bool(back.remove or back.set or (only_removed and back.add))


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """The way back for one file: its new bytes, or None to remove it, and what it says before and after."""

    new: bytes | None
    before: Metadata
    after: Metadata


def plan_undo(write: Write, original: Original, engine: Engine) -> UndoPlan | None:
    """How to take a write back; None when nothing of it is left.

    Raises:
        PhotoError: It cannot be done.
    """
    found = digest(original.data, write.after_hash or write.before_hash)
    if found == write.before_hash:
        return None
    if found == write.after_hash:
        data = bytes_before(write, original.data)
        return UndoPlan(data if write.before_hash else None, write.after, write.before)
    content = engine.read(original.data)
    said = metadata_from_fields(content.fields)
    now = merged(said, [SeenFile(original.path, content, lambda: original.data)], [write])
    change = replace(
        change_back(write, now), fields=_fields_back(write, content.fields), align=now.tags != said.tags
    )
    if (
        not change.is_new
        and not change.align
        and ours_after(now, change) == now.ours
        and all(content.fields.get(name, ()) == values for name, values in change.fields.items())
    ):
        return None
    try:
        new, fields = edit(engine, original.data, content, change, now)
    except ForeignStructureError as error:
        raise WriteError(
            f"was changed by another program since, and cannot be edited: {error.message}"
        ) from error
    captions = {name: change.set.get(name, getattr(now, name)) for name in CAPTIONS}
    before = replace(now, fields=tag_fields(now.fields))
    ours = ours_after(now, change)
    return UndoPlan(new, before, Metadata(tags_after(now, change), tag_fields(fields), ours=ours, **captions))


def _fields_back(write: Write, now: Fields) -> Fields:
    """The fields that were not there before a write: they go, but for those that somebody has changed since.

    A comment that was taken for a list of ours, and is still out, comes back.
    """
    before, after = write.before.fields, write.after.fields
    if not after:
        return {}  # rows of older catalogs do not tell
    back: dict[str, tuple[str, ...]] = {
        name: ()
        for name in TAG_FIELDS
        if name not in before and (name not in now or now[name] == after.get(name))
    }
    if before.get(COMMENT) and not after.get(COMMENT) and not now.get(COMMENT):
        back[COMMENT] = before[COMMENT]
    return back
