"""Making previews, with all that this takes opened and closed again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tagroll.exiftool.pool import ExifTool
from tagroll.parallel import cores

if TYPE_CHECKING:
    from tagroll.photos.preview.maker import PreviewMaker


@contextmanager
def previews(exiftool: ExifTool | None) -> Iterator["PreviewMaker"]:
    """What makes previews of photos, in processes that start now and end with the context."""
    from tagroll.photos.preview.maker import PreviewMaker
    from tagroll.photos.preview.pool import PreviewPool

    with PreviewPool(workers=cores()) as pool:
        pool.start()
        yield PreviewMaker(pool, exiftool)
