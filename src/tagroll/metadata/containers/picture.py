"""A hash of the picture inside a file, whatever its metadata say.

It is the key under which answers are kept and moved photos are found, and the proof that a write left the
picture alone. What counts as picture, by format:

- JPEG: every segment and all data from the start to the end marker except comments and APPn; of those, the
  ICC profile and Adobe's colour transform count. Not what follows the end marker (gain maps, trailers).
- PNG: the header, palette, transparency, colour space, picture and animation chunks.
- WebP: the picture, alpha, animation and ICC chunks.
- GIF: all but the version in the header, comments, and application data other than the loop count and ICC.
- TIFF, and RAW formats built on it: of each IFD and SubIFD the strips and tiles, and the tags that say how to
  decode them.
- HEIC, AVIF: the data of all picture items, and all item properties (size, rotation, colour, decoder set-up).
- JPEG XL: the codestream.
- PSD, PSB: all but the resources, of which the colour profile counts.

The orientation in EXIF does not count. A file of another format, one that cannot be taken apart, and an image
sequence are hashed whole, and so is one that is too large to be held in memory.
"""

import struct
from pathlib import Path

from tagroll.formats import Format
from tagroll.metadata.containers.container import container_of
from tagroll.metadata.containers.jpeg import jpeg_parts, same_from_first_scan
from tagroll.metadata.files import hashing
from tagroll.metadata.files.safe_write import Original, is_large, pieces, read_file

_WHOLE = b"whole file"


def picture_hash(data: bytes | memoryview, fmt: Format, like: str = "") -> str:
    """Hash of the picture in a file; see `hashing`.

    Args:
        data: The whole file.
        fmt: Its format; files of different formats never hash the same.
        like: A hash to compare with.
    """
    view = memoryview(data)
    parts_of = container_of(fmt).picture
    if parts_of is not None:
        digest = hashing.hasher(fmt.name.encode(), like)
        count = 0
        try:
            for part in parts_of(view):
                digest.update(part)
                count += len(part)
        except (ValueError, LookupError, struct.error):
            count = 0
        if count:
            return hashing.text(digest)
    return hashing.digest_of([view], _WHOLE, like)


def picture_hash_of(path: Path, fmt: Format, like: str = "") -> str:
    """As `picture_hash`, of a file of any size.

    Raises:
        MetadataError: It is no regular file.
        OSError: It cannot be read.
    """
    if is_large(path.stat()):
        return hashing.digest_of(pieces(path), _WHOLE, like)
    return picture_hash(read_file(path), fmt, like)


def picture_hash_in(held: Original, fmt: Format, like: str = "") -> str:
    """As `picture_hash`, of a held file of any size.

    Raises:
        OSError: It cannot be read.
    """
    if held.is_large:
        return hashing.digest_of(held.parts(), _WHOLE, like)
    return picture_hash(held.data, fmt, like)


def same_picture(old: bytes, new: bytes, fmt: Format) -> bool:
    """Whether both files hold the very same picture: as comparing `picture_hash`, in a fraction of the time."""
    parts_of = container_of(fmt).picture
    if parts_of is None:
        return old == new
    if parts_of is jpeg_parts and same_from_first_scan(old, new):
        return True
    try:
        # memoryviews are compared element by element, bytes by memcmp
        before, after = (b"".join(parts_of(memoryview(data))) for data in (old, new))
    except (ValueError, LookupError, struct.error):
        return old == new
    return before == after if before else old == new
