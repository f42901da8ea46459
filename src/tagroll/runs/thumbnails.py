"""Small pictures of photos for people: kept once made; what was asked for last is made first.

Who scrolls on does not want what is out of sight: a wish that was given up (its future is cancelled) is passed over.
"""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from tagroll.domain import Form
from tagroll.errors import PictureError
from tagroll.parallel import cores
from tagroll.photos.preview.kept import KeptPictures
from tagroll.runs.columns import thumbnail_key
from tagroll.runs.gallery import Gallery
from tagroll.runs.run import Workspace

THUMB: Final = 384
"""Pixels of the long edge of a picture in a grid."""
VIEW: Final = 1600
"""Pixels of one that fills a screen; 2048 would take twice the time, as libjpeg only halves sizes."""
_MOST_FAILURES = 10_000


def default_file() -> Path:
    """Where pictures are kept: in the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("tagroll", appauthor=False)) / "pictures.sqlite"


class Thumbnails:
    """Small pictures of the photos of a gallery. Safe to use from many threads.

    Args:
        space: Decodes photos, and knows the hashes of their pictures.
        gallery: Knows which photos there are.
        kept: Keeps what was made.
    """

    def __init__(self, space: Workspace, gallery: Gallery, kept: KeptPictures) -> None:
        self._space, self._gallery, self._kept = space, gallery, kept
        self._wishes: list[tuple[int, int, Future[bytes]]] = []
        self._come = threading.Condition()
        self._failed: dict[tuple[str, int], PictureError] = {}
        self._makers: list[threading.Thread] = []
        self._closed = False

    @classmethod
    def open(cls, space: Workspace, gallery: Gallery, path: Path) -> "Thumbnails":
        """With the file in which they are kept."""
        return cls(space, gallery, KeptPictures(path))

    def find(self, picture: str, long_edge: int) -> bytes | None:
        """A picture that is there already, by the hash of the photo's picture; "" finds none."""
        return self._kept.find(picture, long_edge) if picture else None

    def is_current(self, key: str, picture: str, stamp: str) -> bool:
        """Whether a key (8 hex digits, as the columns have it) is that of a photo as it is known now, or was just now.

        Args:
            key: The key.
            picture: Hash of the photo's picture, or "".
            stamp: That of its file.
        """
        return int(key, 16) in {thumbnail_key(self._gallery.mark, known, stamp) for known in (picture, "")}

    def ask(self, number: int, long_edge: int) -> "Future[bytes]":
        """Wish for a picture of a photo, as WebP; cancelling the future gives the wish up.

        The future fails with a PhotoError where the photo cannot be read or decoded, with a KeyError where there is none.
        """
        wish: Future[bytes] = Future()
        with self._come:
            self._wishes.append((number, long_edge, wish))
            if len(self._makers) < cores():  # as many as there are processes that decode
                maker = threading.Thread(target=self._make_wishes, name="tagroll-pictures", daemon=True)
                self._makers.append(maker)
                maker.start()
            self._come.notify()
        return wish

    def close(self) -> None:
        """Make no more pictures; who waits for one is told."""
        with self._come:
            self._closed = True
            for _, _, wish in self._wishes:
                wish.cancel()
            self._wishes.clear()
            self._come.notify_all()
        for maker in self._makers:
            maker.join()
        self._kept.close()

    def _make_wishes(self) -> None:
        while True:
            with self._come:
                while not self._wishes and not self._closed:
                    self._come.wait()
                if self._closed:
                    return
                number, long_edge, wish = self._wishes.pop()  # the last one
            if not wish.set_running_or_notify_cancel():
                continue
            try:
                wish.set_result(self._picture(number, long_edge))
            except Exception as error:  # noqa: BLE001 - whoever asked is told of it
                wish.set_exception(error)

    def _picture(self, number: int, long_edge: int) -> bytes:
        photo = self._gallery.photo(number)
        picture = self._space.picture_now(photo)
        if known := self._kept.find(picture, long_edge):
            return known
        if error := self._failed.get((picture, long_edge)):
            raise PictureError(error.message, error.hint)
        try:
            made = self._space.preview.picture(photo, Form(long_edge))
        except PictureError as error:
            if len(self._failed) < _MOST_FAILURES:
                self._failed[picture, long_edge] = PictureError(error.message, error.hint)
            raise
        self._kept.keep(picture, long_edge, made)
        return made
