"""Which XMP sidecars belong to a photo.

`name.ext.xmp` (darktable, digiKam, Immich) says by its name whose it is; for that reason `DSC_1.NEF.xmp` is
never the `name.xmp` of `DSC_1.NEF.jpg`. `name.xmp` (Lightroom, Bridge) belongs to the RAW of that name, unless
a second RAW or a video has it, too; Lightroom also says so inside (`photoshop:SidecarForExtension`). For other
photos it counts only when no file of that name could lay claim to it: what belongs to nobody for certain is
neither read nor changed.
"""

import os
import re
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Literal

from tagroll.errors import MetadataError
from tagroll.formats import PHOTO_SUFFIXES, RAW_SUFFIXES, SIDECAR_ENDINGS, Format, sidecar_stems
from tagroll.metadata.files.safe_write import read_file

_VIDEOS = frozenset(
    {
        *(".3g2", ".3gp", ".360", ".asf", ".avi", ".braw", ".f4v", ".flv", ".insv", ".lrv", ".m2t", ".m2ts"),
        *(".m2v", ".m4v", ".mkv", ".mod", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv"),
        *(".qt", ".r3d", ".ts", ".vob", ".webm", ".wmv"),
    }
)
_DOCUMENTS = frozenset(
    {
        *(".afphoto", ".ai", ".clip", ".eps", ".indd", ".kra", ".ora", ".pdf", ".procreate"),
        *(".psdt", ".pdd", ".svg", ".svgz", ".xcf"),
        *(".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".wav", ".wma"),  # cameras record notes
        *(".dpx", ".exr", ".hdr", ".insp", ".j2c", ".j2k", ".jp2"),
        *(".jpf", ".jpx", ".jxr", ".pcx", ".tga", ".wdp"),
    }
)
"""What else Bridge, Premiere and their like give a name.xmp; pictures among it that tagroll does not open."""
_OTHER_RAWS = frozenset({".bay", ".cap", ".eip", ".mdc", ".ptx", ".pxn", ".raw", ".rwz"})
_OWNERS = PHOTO_SUFFIXES | _OTHER_RAWS | _VIDEOS | _DOCUMENTS
_RIVALS_OF_RAW = RAW_SUFFIXES | _OTHER_RAWS | _VIDEOS
"""Beside a RAW, programs put their XMP into the JPEG, TIFF or PSD of its name: name.xmp is not theirs."""
_FOR_EXTENSION = re.compile(rb"""SidecarForExtension\s*(?:=\s*["']|>)\s*([A-Za-z0-9]{1,8})""")


SidecarName = Literal["auto", "stem", "full"]


def new_sidecar(photo: Path, fmt: Format, name: SidecarName = "full") -> Path:
    """Where the sidecar of a photo without one is made.

    Args:
        photo: Symlinks resolved.
        fmt: Its format.
        name: "full" for name.ext.xmp; "stem" for name.xmp, where that can belong to no other file; "auto" for
            name.xmp beside a RAW in a folder whose RAWs have such ones, as Lightroom makes them.
    """
    full, base = photo.with_name(photo.name + ".xmp"), photo.with_suffix(".xmp")
    wants_base = name == "stem" or (name == "auto" and fmt.is_raw and _has_habit(str(photo.parent)))
    is_free = (
        wants_base
        and _has_base(str(photo), str(photo.with_suffix("")))
        and not _existing(str(photo.with_suffix("")))
    )
    return base if is_free and not _rivals(photo, fmt) else full


@lru_cache(maxsize=64)
def _has_habit(folder: str) -> bool:
    """Whether most sidecars of the RAWs in a folder are called name.xmp; looked at once a run, as we add to them."""
    try:
        names = {name.lower() for name in os.listdir(folder)}  # noqa: PTH208  # as quick as can be
    except OSError:
        return False
    raws = [name for name in names if os.path.splitext(name)[1] in RAW_SUFFIXES]  # noqa: PTH122  # likewise
    base = sum(f"{os.path.splitext(name)[0]}.xmp" in names for name in raws)  # noqa: PTH122  # likewise
    return base > sum(f"{name}.xmp" in names for name in raws)


def possible_sidecars(photo: Path) -> list[str]:
    """All names that a sidecar of a photo may have; whether one is there, and is that of another photo, is not looked at."""
    stems = dict.fromkeys(sidecar_stems(str(photo)))
    return [stem + ending for stem in stems for ending in SIDECAR_ENDINGS]


def find_sidecars(photo: Path, fmt: Format) -> list[Path]:
    """The sidecars that belong to a photo: name.ext.xmp, name.xmp, both (darktable beside Lightroom), or none.

    Args:
        photo: Symlinks resolved.
        fmt: Its format.

    Returns:
        Their paths, symlinks resolved. Costs some microseconds where there is none.
    """
    whole, stem = sidecar_stems(str(photo))
    found = []
    if name := _existing(whole):
        found.append(Path(os.path.realpath(name)))
    if _has_base(whole, stem) and (name := _existing(stem)) and _belongs(Path(name), photo, fmt):
        found.append(Path(os.path.realpath(name)))
    if len(found) > 1 and _same(str(found[0]), found[1]):
        return found[:1]  # one file under both names is one
    return found


def _has_base(whole: str, stem: str) -> bool:
    """Whether the photo can have a name.xmp: for IMG_1.HEIC.jpg, IMG_1.HEIC.xmp is the sidecar of IMG_1.HEIC."""
    return stem != whole and os.path.splitext(stem)[1].lower() not in _OWNERS  # noqa: PTH122  # hot path


def _existing(name: str) -> str | None:
    for ending in SIDECAR_ENDINGS:  # hot path
        if os.access(name + ending, os.F_OK):
            return name + ending
    return None


def _belongs(sidecar: Path, photo: Path, fmt: Format) -> bool:
    """Whether a name.xmp is that of this photo."""
    try:
        named = _FOR_EXTENSION.search(read_file(sidecar))
    except (OSError, MetadataError):
        return True  # whoever reads it next meets the error
    if named:
        return named[1].decode().casefold() == photo.suffix[1:].casefold()
    return not _rivals(photo, fmt)


def _rivals(photo: Path, fmt: Format) -> bool:
    """Whether another file could lay claim to name.xmp."""
    rivals = _RIVALS_OF_RAW if fmt.is_raw else _OWNERS
    others = (
        str(photo.with_suffix(suffix))
        for lower, change in product(sorted(rivals), (str.lower, str.upper, str.title))
        if (suffix := change(lower)) != photo.suffix
    )
    return any(os.access(other, os.F_OK) and not _same(other, photo) for other in others)


def _same(path: str, photo: Path) -> bool:
    """Whether two spellings name one file, as on disks that do not tell letter cases apart."""
    try:
        return photo.samefile(path)
    except OSError:
        return False
