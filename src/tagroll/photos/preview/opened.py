"""Making previews, with all that this takes opened and closed again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tagroll.domain import Photo, Preview
from tagroll.exiftool.pool import ExifTool
from tagroll.parallel import cores


@contextmanager
def previews(exiftool: ExifTool | None) -> Iterator[Callable[[Photo], Preview]]:
    """What makes previews of photos, in processes that start now and end with the context."""
    from tagroll.photos.preview.maker import preview_maker
    from tagroll.photos.preview.pool import PreviewPool

    with PreviewPool(workers=cores()) as pool:
        pool.start()
        yield preview_maker(pool, exiftool)
