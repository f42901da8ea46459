"""Whether a row of the journal can be one of ours, before a file is put back by it.

A catalog may come from somebody else. By its rows files would be written and removed whose names and bytes it
chooses, so a row is taken for nothing but what tagroll does: it writes into photos, without changing a picture, and
into XMP sidecars of the photo's name; and it makes copies and what stands beside them.
"""

import json
import os
from pathlib import Path

from tagroll.domain import Write
from tagroll.errors import MetadataError, WriteError
from tagroll.formats import HEAD_BYTES, detect, is_sidecar
from tagroll.metadata.containers.picture import picture_hash_in, same_picture
from tagroll.metadata.files.safe_write import Original
from tagroll.metadata.planning import SIDECAR
from tagroll.metadata.sidecar import possible_sidecars

_HINT = "Nothing was written; is this your own catalog?"


def check_paths(write: Write) -> None:
    """See that the paths of a row are of the kind that tagroll writes down.

    Raises:
        WriteError: One of them depends on where one stands, or leads around.
    """
    for path in (write.photo, write.target):
        if not path.is_absolute() or ".." in path.parts:
            raise WriteError(f"the journal names {path}, which is no absolute path", _HINT)


def check_target(write: Write, photo: Path, target: Path) -> None:
    """See that what is to be put back beside a photo is a sidecar of that photo, itself or through a link.

    Raises:
        WriteError: It is not.
    """
    if not write.is_sidecar:
        return
    names = possible_sidecars(Path(os.path.realpath(photo)))
    if os.path.realpath(target) not in map(os.path.realpath, names):
        raise WriteError(f"the journal names {target}, which is no sidecar of this photo", _HINT)


def check_bytes(write: Write, target: Path, old: bytes | None, new: bytes | None) -> None:
    """See that a file is, and stays, what tagroll writes into.

    Args:
        write: The row.
        target: The file.
        old: What it holds; None where there is none.
        new: What it is to hold; None where it is to go.

    Raises:
        WriteError: It is, or would become, no photo of the same picture, or no XMP.
    """
    if not write.is_sidecar:
        fmt = detect((old or b"")[:HEAD_BYTES], target.suffix)
        if old is None or new is None or fmt is None or not same_picture(old, new, fmt):
            raise WriteError(f"by the journal the picture in {target} would change", _HINT)
        return
    if old is None and not is_sidecar(target.name):  # a link of a sidecar's name leads there, to nothing
        raise WriteError(f"the journal names {target}, which is no name of a sidecar", _HINT)
    for data in filter(None, (old, new)):
        _check_xmp(data, target)


def check_made(write: Write, made: Original) -> None:
    """See that a file that is to be removed is what the row says was made.

    Raises:
        WriteError: It is not.
    """
    if write.engine == "xmp":
        _check_xmp(made.data, write.target)
        is_ours = is_sidecar(write.target.name)
    elif write.engine == "json":
        is_ours = write.target.suffix.lower() == ".json" and _tells_of(made.data, write.photo)
    else:
        fmt = detect(made.head(HEAD_BYTES), write.target.suffix)
        like = write.picture_hash
        is_ours = fmt is not None and picture_hash_in(made, fmt, like) == like
    if not is_ours:
        raise WriteError(f"the journal names {write.target}, which tagroll did not make of this photo", _HINT)


def _check_xmp(data: bytes, target: Path) -> None:
    try:
        SIDECAR.read(data)
    except MetadataError as error:
        raise WriteError(f"the journal names {target}, which is no XMP: {error.message}", _HINT) from error


def _tells_of(data: bytes, photo: Path) -> bool:
    """Whether a JSON file is the one that stands beside a copy of this photo."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and "title" in fields and fields.get("source", str(photo)) == str(photo)
