"""What makes previews of all formats: decoded pixels, or the camera's own preview inside a RAW file."""

from dataclasses import dataclass

from tagroll.domain import Form, Photo, Preview
from tagroll.errors import PictureError
from tagroll.exiftool.pool import INSTALL, ExifTool
from tagroll.photos.preview.pool import PreviewPool


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
        embedded, orientation = self._embedded(photo)
        return self.pool.make(photo, embedded, orientation=orientation)

    def picture(self, photo: Photo, form: Form) -> bytes:
        """What people see of it.

        Raises:
            PictureError: It cannot be decoded.
        """
        embedded, orientation = self._embedded(photo)
        return self.pool.picture(photo, form, embedded, orientation=orientation)

    def _embedded(self, photo: Photo) -> tuple[bytes | None, int]:
        """The preview inside a RAW file, and how it is to be turned; nothing for other photos."""
        if photo.format.decoder != "embedded":
            return None, 1
        if self.exiftool is None:
            raise PictureError(
                "the preview inside a RAW file is read with exiftool, which is not installed",
                INSTALL,
            )
        return self.exiftool.embedded_preview(photo.path)
