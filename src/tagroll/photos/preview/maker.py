"""What makes previews of all formats: decoded pixels, or the camera's own preview inside a RAW file."""

from collections.abc import Callable

from tagroll.domain import Photo, Preview
from tagroll.errors import PictureError
from tagroll.exiftool.pool import INSTALL, ExifTool
from tagroll.photos.preview.pool import PreviewPool


def preview_maker(pool: PreviewPool, exiftool: ExifTool | None) -> Callable[[Photo], Preview]:
    """What makes previews: the camera's own one for RAW (through exiftool), decoded pixels for the rest."""

    def make(photo: Photo) -> Preview:
        if photo.format.decoder != "embedded":
            return pool.make(photo)
        if exiftool is None:
            raise PictureError(
                "the preview inside a RAW file is read with exiftool, which is not installed",
                INSTALL,
            )
        try:
            embedded, orientation = exiftool.embedded_preview(photo.path)
        except PictureError as error:
            try:
                return pool.make(photo)  # a plain TIFF under a RAW's name
            except PictureError:
                raise error from None
        return pool.make(photo, embedded, orientation=orientation)

    return make
