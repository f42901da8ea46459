"""The list of tags in EXIF UserComment: whose it is, and when it is written."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from tagroll.domain import Change, Metadata
from tagroll.metadata.packets.keywords import levels, names
from tagroll.tags.identity import identity

COMMENT: Final = "ExifIFD:UserComment"
_DESCRIPTION = "IFD0:ImageDescription"


def comment_after(
    metadata: Metadata, change: Change, flats: Collection[str], wanted: Collection[str]
) -> tuple[str, ...]:
    """What UserComment shall hold: the list of tags where it is asked for, and nothing where it holds a list of ours.

    Five programs show it as the photo's caption, so a person's words stay, and none of ours stand beside a caption in
    ImageDescription. exiv2 cannot convert what goes beyond the Basic Multilingual Plane (it shows the first letter).

    Args:
        metadata: What the photo carries, and what the fields of the file hold.
        change: What is done to it.
        flats: The values of its flat fields.
        wanted: The names that a flat field gets.
    """
    old = metadata.fields.get(COMMENT, ())
    if old and not is_ours("".join(old), metadata.tags, flats, change.left):
        return old
    text = ", ".join(wanted)
    asked = change.comment and not metadata.fields.get(_DESCRIPTION) and max(text, default="") < "\U00010000"
    return (text,) if text and asked else ()


def is_ours(
    comment: str, tags: Collection[str], flats: Collection[str], left: Iterable[Collection[str]]
) -> bool:
    """Whether a UserComment is a list of the photo's tags, or one that tagroll left there: no word is lost with it.

    The older script wrote UTF-8 where UTF-16 belongs; read rightly, that is a row of Chinese characters, which no
    person wrote: as the bytes it came from, it need not name all tags.
    """
    if any(says(comment, listed) for listed in (tags, flats, *left)):
        return True
    known = _parts((*names(tags).values(), *flats))
    return any(_parts([reading]) <= known for reading in list(_readings(comment))[1:])


def says(comment: str, tags: Iterable[str]) -> bool:
    """Whether a UserComment is just this list of tags, in whatever order."""
    leaves = _parts(path[-1] for tag in tags if (path := levels(tag)))
    return bool(leaves) and any(_parts([reading]) == leaves for reading in _readings(comment))


def _parts(texts: Iterable[str]) -> set[str]:
    """The identities of what stands between the commas."""
    return {identity(part) for name in texts for part in name.split(",") if part.strip()}


def _readings(comment: str) -> Iterator[str]:
    yield comment
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            yield comment.encode(encoding).rstrip(b"\0").decode()
        except UnicodeError:
            continue
