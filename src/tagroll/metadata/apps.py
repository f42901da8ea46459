"""What each photo program shows as the tags of a photo, and why: the rules that fields.py serves.

One small function a program, from trying it (digiKam, darktable, the code of Immich and PhotoPrism), else from its
source code or its manual (Lightroom, Aves, Windows, Damselfly, F-Stop). They
know nothing of how tagroll joins fields: `tagroll doctor PHOTO` explains with them, tests judge with them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tagroll.metadata.packets import acdsee
from tagroll.metadata.table import Fields
from tagroll.tags.identity import LEVEL, identities, identity

TAGS_LIST, HIERARCHICAL = "XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject"
LAST_XMP, CATALOG_SETS, CATEGORIES = (
    "XMP-microsoft:LastKeywordXMP",
    "XMP-mediapro:CatalogSets",
    "XMP-acdsee:Categories",
)
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
SUBJECT, IPTC, XP = "XMP-dc:Subject", "IPTC:Keywords", "IFD0:XPKeywords"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a photo's fields stand.

    Attributes:
        embedded: Fields in the photo file itself.
        full_sidecar: Fields in `name.ext.xmp`, None when there is no such file.
        base_sidecar: Fields in `name.xmp`, None when there is no such file.
        kind: The photo's format, or "dng": a RAW into which programs write.
    """

    embedded: Fields
    full_sidecar: Fields | None = None
    base_sidecar: Fields | None = None
    kind: str = "jpeg"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one program shows.

    Attributes:
        tags: As the program shows them; "|" between the levels where it knows levels.
        why: The fields that won, or why it shows nothing; one line for the user.
        searched: What it does not list, but finds when it is searched for.
    """

    tags: tuple[str, ...]
    why: str
    searched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class App:
    """One program and its rule.

    Attributes:
        name: Its name, and the setting for which the rule holds, if any.
        levels: Whether it knows tags below tags.
        read: The rule.
        exact: Whether it shows tags as they are written, none cut up and none twice.
        closed: Formats that it does not open at all.
        untried: Formats of which the rule is a guess.
        beside: Whether the rule is about sidecars only.
    """

    name: str
    levels: bool
    read: Callable[[Sources], Seen] = field(repr=False)
    exact: bool = True
    closed: frozenset[str] = frozenset()
    untried: frozenset[str] = frozenset({"gif", "jxl", "psd"})
    beside: bool = False


def _lightroom(photo: Sources) -> Seen:
    """dc:subject with IPTC are the keywords; lr:hierarchicalSubject says where they hang in the tree.

    Of a RAW those in name.xmp, but a DNG has its own inside.
    """
    if photo.kind == "raw":
        fields, where = photo.base_sidecar or {}, "name.xmp"
    else:
        fields, where = photo.embedded, "the photo"
    paths = [_levels(value, LEVEL) for value in fields.get(HIERARCHICAL, ())]
    hung = identities(name for path in paths for name in path)
    names = [*fields.get(SUBJECT, ()), *fields.get(IPTC, ())]
    flat = [name for name in names if identity(name) not in hung and not _is_cut(name, names)]
    return _seen([LEVEL.join(path) for path in paths] + flat, fields, (HIERARCHICAL, SUBJECT, IPTC), where)


_DIGIKAM = (
    (TAGS_LIST, "/"),
    (LAST_XMP, "/"),
    (HIERARCHICAL, LEVEL),
    (CATALOG_SETS, LEVEL),
    (CATEGORIES, ""),
    (SUBJECT, "/"),
    (IPTC, ""),
    (XP, ";"),
)
"""The fields in which digiKam looks, in its order, and what stands between levels or, in XP's case, words."""


def _digikam(photo: Sources) -> Seen:
    """The first field that is not empty; sidecars only when that is switched on (it is not at first)."""
    return _digikam_of(photo.embedded, "the photo")


def _digikam_beside(photo: Sources) -> Seen:
    """With "Read from sidecar files" on: the sidecar's XMP takes the place of all XMP in the photo."""
    beside, where = _sidecar(photo)
    if beside is None:
        return _digikam(photo)
    inside = {name: values for name, values in photo.embedded.items() if not name.startswith("XMP-")}
    return _digikam_of({**inside, **beside}, where)


def _digikam_of(fields: Fields, where: str) -> Seen:
    for name, separator in _DIGIKAM:
        values = fields.get(name, ())
        if values and name == CATEGORIES:
            values = acdsee.read_categories(values[0]) or ()
        elif values and name == XP:
            values = tuple(_levels(values[0], separator))
        elif values and separator:
            values = tuple(LEVEL.join(_levels(value, separator)) for value in values)
        if values:
            return _seen(values, fields, (name,), where if name.startswith("XMP-") else "the photo")
    return Seen((), f"no field that digiKam reads has tags in {where}")


def _immich(photo: Sources) -> Seen:
    """The first of three fields; its Keywords are dc:subject or, without that, IPTC's (exiftool's MWG module).

    One sidecar is read, the longer name first; its fields win.
    """
    sidecar, beside = _sidecar(photo)
    found = {**_of_mwg(photo.embedded, "the photo"), **_of_mwg(sidecar or {}, beside)}
    for key, separator in ((TAGS_LIST, "/"), (HIERARCHICAL, LEVEL), ("Keywords", "/")):
        if key in found:
            name, values, where = found[key]
            return _seen([LEVEL.join(_levels(v, separator)) for v in values], {name: values}, (name,), where)
    return Seen((), "no field that Immich reads has tags")


def _of_mwg(fields: Fields, where: str) -> dict[str, tuple[str, tuple[str, ...], str]]:
    """The three fields that Immich asks exiftool for: the name of the real one, its values, and where they stand."""
    keywords = SUBJECT if fields.get(SUBJECT) else IPTC
    asked = ((TAGS_LIST, TAGS_LIST), (HIERARCHICAL, HIERARCHICAL), ("Keywords", keywords))
    return {key: (name, fields[name], where) for key, name in asked if fields.get(name)}


def _aves(photo: Sources) -> Seen:
    """dc:subject, and only when there is none IPTC."""
    both = (SUBJECT, IPTC)
    names = next(((name,) for name in both if photo.embedded.get(name)), both)
    return _seen(photo.embedded.get(names[0], ()), photo.embedded, names, "the photo")


def _photoprism(photo: Sources) -> Seen:
    """IPTC, as words in small letters; dc:subject (else lr, CatalogSets) is searched only. Of sidecars no rdf:Bag.

    It looks again only when the photo's modification time changes.
    """
    words = (word.lower() for keyword in photo.embedded.get(IPTC, ()) for word in _WORD.findall(keyword))
    seen = _seen(words, photo.embedded, (IPTC,), "the photo")
    name = next((name for name in (SUBJECT, HIERARCHICAL, CATALOG_SETS) if photo.embedded.get(name)), "")
    if not name:
        return seen
    how = "as words; " if seen.tags else ""
    why = f"{seen.why}, {how}{name} is searched, but not listed"
    return Seen(seen.tags, why, photo.embedded[name])


def _darktable(photo: Sources) -> Seen:
    """lr:hierarchicalSubject, else dc:subject, cut at commas, and IPTC's always, which are not.

    The XMP of `name.ext.xmp` takes the place of the photo's; `name.xmp` (dc and lr) is taken up where there is no such file.
    """
    fields = photo.embedded if photo.full_sidecar is None else photo.full_sidecar
    where = "the photo" if photo.full_sidecar is None else "name.ext.xmp"
    name = HIERARCHICAL if fields.get(HIERARCHICAL) else SUBJECT
    values = list(fields.get(name, ()))
    beside = photo.base_sidecar if photo.full_sidecar is None else None
    if beside:
        values += [*beside.get(HIERARCHICAL, ()), *beside.get(SUBJECT, ())]
    cut = [value.partition(",")[0].strip() for value in values]
    hidden = "; it cuts tags at a comma" if cut != values else ""
    iptc = photo.embedded.get(IPTC, ())
    parts = [f"{name} in {where}"] if fields.get(name) else []
    parts += ["name.xmp"] if beside else []
    parts += [f"{IPTC} in the photo"] if iptc else []
    tags = [*cut, *iptc]
    return Seen(
        _unique(tags), (" and ".join(parts) or f"no {HIERARCHICAL}, {SUBJECT} or {IPTC} in {where}") + hidden
    )


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
    is_jpeg = photo.kind == "jpeg"
    fields = photo.embedded if is_jpeg else photo.base_sidecar or {}
    return _seen(fields.get(SUBJECT, ()), fields, (SUBJECT,), "the photo" if is_jpeg else "name.xmp")


_NO_JPEG_OR_TIFF = frozenset({"avif", "gif", "heic", "jxl", "png", "psd", "webp"})
APPS = (
    App("Lightroom Classic", levels=True, read=_lightroom, closed=frozenset({"bmp", "gif", "webp"})),
    App("digiKam", levels=True, read=_digikam),
    App("digiKam with sidecars on", levels=True, read=_digikam_beside, beside=True),
    App("Immich", levels=True, read=_immich, untried=frozenset()),
    App("Aves", levels=False, read=_aves, untried=frozenset({"avif", "gif", "heic", "jxl", "psd"})),
    App("PhotoPrism", levels=False, read=_photoprism, exact=False, untried=frozenset()),
    App("darktable", levels=True, read=_darktable, exact=False),
    App("Windows Explorer", levels=False, read=_windows, untried=_NO_JPEG_OR_TIFF),
    App("Damselfly", levels=False, read=_damselfly),
    App("F-Stop", levels=False, read=_fstop),
)
"""The programs of which we know the rule."""


def blind_to_sidecars(kind: str, *, is_base: bool = False) -> list[str]:
    """The programs that do not look into the sidecar of a photo of this format, with their settings as they come.

    Args:
        kind: As in Sources.
        is_base: It is a `name.xmp`, not a `name.ext.xmp`.
    """
    fields: Fields = dict.fromkeys((TAGS_LIST, HIERARCHICAL, SUBJECT), ("x",))
    photo = Sources({}, None if is_base else fields, fields if is_base else None, kind)
    switches = [app.name for app in APPS if app.beside]
    blind = (
        app.name for app in APPS if not app.beside and kind not in app.closed and not app.read(photo).tags
    )
    return [
        f"{name} (unless switched on)" if any(one.startswith(name) for one in switches) else name
        for name in blind
    ]


def _sidecar(photo: Sources) -> tuple[Fields | None, str]:
    """The one sidecar that a program reads: the longer name first."""
    if photo.full_sidecar is not None:
        return photo.full_sidecar, "name.ext.xmp"
    return photo.base_sidecar, "name.xmp"


def _levels(value: str, separator: str) -> list[str]:
    return [part.strip() for part in value.split(separator) if part.strip()]


def _is_cut(name: str, names: Iterable[str]) -> bool:
    """Whether a name is the start of a longer one that IPTC had no room for."""
    return len(name.encode()) >= 56 and any(other != name and other.startswith(name) for other in names)


def _seen(tags: Iterable[str], fields: Fields, names: tuple[str, ...], where: str) -> Seen:
    used = [name for name in names if fields.get(name)]
    return Seen(
        _unique(tags), f"{' and '.join(used)} in {where}" if used else f"no {' or '.join(names)} in {where}"
    )


def _unique(tags: Iterable[str]) -> tuple[str, ...]:
    """Each tag once; the spelling that comes first stays."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(identity(tag), tag)
    return tuple(found.values())
