"""What makes previews of all formats: decoded pixels, or the camera's own preview inside a RAW file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tagroll.domain import Form, Photo, Preview
from tagroll.errors import PictureError
from tagroll.exiftool.pool import INSTALL, ExifTool
from tagroll.photos.preview.pool import PreviewPool

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PreviewMaker:
    """Makes previews: the camera's own one for RAW (through exiftool), decoded pixels for the rest.

    Attributes:
        pool: Decodes.
        exiftool: None where there is none.
    """

    pool: PreviewPool
    exiftool: ExifTool | None

    def __call__(self, photo: Photo) -> Preview:
        """What a model sees of a photo.

        Raises:
            PictureError: It cannot be decoded.
        """
        return self._made(photo, lambda data, turn: self.pool.make(photo, data, orientation=turn))

    def picture(self, photo: Photo, form: Form) -> bytes:
        """What people see of it.

        Raises:
            PictureError: It cannot be decoded.
        """
        return self._made(photo, lambda data, turn: self.pool.picture(photo, form, data, orientation=turn))

    def _made(self, photo: Photo, make: Callable[[bytes | None, int], T]) -> T:
        """What is made of a photo: of itself, or of the preview inside a RAW file and how that is to be turned."""
        if photo.format.decoder != "embedded":
            return make(None, 1)
        if not self.exiftool:
            raise PictureError(
                "the preview inside a RAW file is read with exiftool, which is not installed",
                INSTALL,
            )
        try:
            embedded, orientation = self.exiftool.embedded_preview(photo.path)
        except PictureError as error:
            try:
                return make(None, 1)  # a plain TIFF under a RAW's name
            except PictureError:
                raise error from None
        return make(embedded, orientation)
