"""What each photo program shows as the tags of a photo, and why: the rules that fields.py serves.

One small function a program, from its source code or its manual where that is public, else from trying. They
know nothing of how tagroll joins fields: `tagroll doctor PHOTO` explains with them, tests judge with them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tagroll.metadata.fields import Fields
from tagroll.metadata.packets import acdsee
from tagroll.tags.identity import LEVEL, identities, identity

TAGS_LIST, HIERARCHICAL = "XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject"
LAST_XMP, CATALOG_SETS, CATEGORIES = (
    "XMP-microsoft:LastKeywordXMP",
    "XMP-mediapro:CatalogSets",
    "XMP-acdsee:Categories",
)
SUBJECT, IPTC, XP = "XMP-dc:Subject", "IPTC:Keywords", "IFD0:XPKeywords"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a photo's fields stand.

    Attributes:
        embedded: Fields in the photo file itself.
        full_sidecar: Fields in `name.ext.xmp`, None when there is no such file.
        base_sidecar: Fields in `name.xmp`, None when there is no such file.
        raw: Whether the photo is a RAW.
        jpeg: Whether the photo is a JPEG.
    """

    embedded: Fields
    full_sidecar: Fields | None = None
    base_sidecar: Fields | None = None
    raw: bool = False
    jpeg: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """What one program shows.

    Attributes:
        tags: As the program shows them; "|" between the levels where it knows levels.
        why: The fields that won, or why it shows nothing; one line for the user.
    """

    tags: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class App:
    """One program and its rule."""

    name: str
    levels: bool
    read: Callable[[Sources], Seen] = field(repr=False)


def _lightroom(photo: Sources) -> Seen:
    """dc:subject with IPTC are the keywords; lr:hierarchicalSubject says where they hang in the tree."""
    if photo.raw:
        fields, where = photo.base_sidecar or {}, "name.xmp"
    else:
        fields, where = photo.embedded, "the photo"
    paths = [_levels(value, LEVEL) for value in fields.get(HIERARCHICAL, ())]
    hung = identities(name for path in paths for name in path)
    names = [*fields.get(SUBJECT, ()), *fields.get(IPTC, ())]
    flat = [name for name in names if identity(name) not in hung and not _is_cut(name, names)]
    return _seen([LEVEL.join(path) for path in paths] + flat, fields, (HIERARCHICAL, SUBJECT, IPTC), where)


def _digikam(photo: Sources) -> Seen:
    """The first field that is not empty; a sidecar's fields replace the embedded ones of the same name."""
    fields = {**photo.embedded, **(photo.full_sidecar or {})}
    for name, separator in (
        (TAGS_LIST, "/"),
        (LAST_XMP, "/"),
        (HIERARCHICAL, LEVEL),
        (CATALOG_SETS, LEVEL),
        (CATEGORIES, ""),
        (SUBJECT, "/"),
        (IPTC, "."),
        (XP, ";"),
    ):
        values = fields.get(name, ())
        if values and name == CATEGORIES:
            values = acdsee.read_categories(values[0]) or ()
        elif values and name == XP:
            values = tuple(_levels(values[0], ";"))
        elif values:
            values = tuple(LEVEL.join(_levels(value, separator)) for value in values)
        if values:
            return _seen(values, fields, (name,), _place(photo.full_sidecar, name, "name.ext.xmp"))
    return Seen((), "no field that digiKam reads has tags")


def _immich(photo: Sources) -> Seen:
    """The first of three fields; never dc:subject. One sidecar is read, the longer name first."""
    sidecar = photo.full_sidecar if photo.full_sidecar is not None else photo.base_sidecar
    fields = {**photo.embedded, **(sidecar or {})}
    where = _place(
        sidecar, next((n for n in (TAGS_LIST, HIERARCHICAL, IPTC) if fields.get(n)), ""), "the sidecar"
    )
    if fields.get(TAGS_LIST):
        return _seen([LEVEL.join(_levels(v, "/")) for v in fields[TAGS_LIST]], fields, (TAGS_LIST,), where)
    if fields.get(HIERARCHICAL):
        return _seen(fields[HIERARCHICAL], fields, (HIERARCHICAL,), where)
    if fields.get(IPTC):
        return _seen([LEVEL.join(_levels(v, "/")) for v in fields[IPTC]], fields, (IPTC,), where)
    return Seen((), "no field that Immich reads has tags (it never reads dc:subject)")


def _aves(photo: Sources) -> Seen:
    """dc:subject, and only when there is none IPTC."""
    name = SUBJECT if photo.embedded.get(SUBJECT) else IPTC
    return _seen(photo.embedded.get(name, ()), photo.embedded, (name,), "the photo")


def _photoprism(photo: Sources) -> Seen:
    """IPTC and dc:subject together; looks again only when the photo's modification time changes."""
    names = [*photo.embedded.get(IPTC, ()), *photo.embedded.get(SUBJECT, ())]
    whole = [name for name in names if not _is_cut(name, names)]
    return _seen(whole, photo.embedded, (IPTC, SUBJECT), "the photo")


def _darktable(photo: Sources) -> Seen:
    """lr:hierarchicalSubject, else dc:subject; the sidecar `name.ext.xmp` speaks alone when it is there."""
    fields = photo.embedded if photo.full_sidecar is None else photo.full_sidecar
    where = "the photo" if photo.full_sidecar is None else "name.ext.xmp"
    name = HIERARCHICAL if fields.get(HIERARCHICAL) else SUBJECT
    return _seen(fields.get(name, ()), fields, (name,), where)


def _windows(photo: Sources) -> Seen:
    """The first of dc:subject, IPTC and XPKeywords; no sidecars."""
    name = next((name for name in (SUBJECT, IPTC, XP) if photo.embedded.get(name)), SUBJECT)
    values: Iterable[str] = photo.embedded.get(name, ())
    if name == XP:
        values = [part for value in values for part in _levels(value, ";")]
    return _seen(values, photo.embedded, (name,), "the photo")


def _damselfly(photo: Sources) -> Seen:
    """IPTC and nothing else."""
    return _seen(photo.embedded.get(IPTC, ()), photo.embedded, (IPTC,), "the photo")


def _fstop(photo: Sources) -> Seen:
    """Embedded dc:subject in a JPEG, `name.xmp` for all else."""
    fields = photo.embedded if photo.jpeg else photo.base_sidecar or {}
    return _seen(fields.get(SUBJECT, ()), fields, (SUBJECT,), "the photo" if photo.jpeg else "name.xmp")


APPS = (
    App("Lightroom Classic", levels=True, read=_lightroom),
    App("digiKam", levels=True, read=_digikam),
    App("Immich", levels=True, read=_immich),
    App("Aves", levels=False, read=_aves),
    App("PhotoPrism", levels=False, read=_photoprism),
    App("darktable", levels=True, read=_darktable),
    App("Windows Explorer", levels=False, read=_windows),
    App("Damselfly", levels=False, read=_damselfly),
    App("F-Stop", levels=False, read=_fstop),
)
"""The programs of which we know the rule."""


def _levels(value: str, separator: str) -> list[str]:
    return [part.strip() for part in value.split(separator) if part.strip()]


def _is_cut(name: str, names: Iterable[str]) -> bool:
    """Whether a name is the start of a longer one that IPTC had no room for."""
    return len(name.encode()) >= 56 and any(other != name and other.startswith(name) for other in names)


def _place(sidecar: Mapping[str, object] | None, name: str, called: str) -> str:
    return called if sidecar is not None and name in sidecar else "the photo"


def _seen(tags: Iterable[str], fields: Fields, names: tuple[str, ...], where: str) -> Seen:
    unique = tuple({identity(tag): tag for tag in reversed(list(tags))}.values())[::-1]
    used = [name for name in names if fields.get(name)]
    return Seen(unique, f"{' and '.join(used)} in {where}" if used else f"no {' or '.join(names)} in {where}")
