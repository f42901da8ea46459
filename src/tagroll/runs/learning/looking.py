"""What the built-in model's network sees in photos: kept, or seen now, whichever model names things."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tagroll.domain import Features, Outcome, Photo, Status
from tagroll.models.builtin.describer import FEATURES, BuiltinDescriber
from tagroll.runs.guard import guard
from tagroll.runs.pictures import picture_by

if TYPE_CHECKING:
    from tagroll.runs.run import Workspace


@dataclass(frozen=True, slots=True)
class Eyes:
    """Looks at photos and keeps what it sees. Safe to use from many threads.

    Attributes:
        space: Keeps it, and makes images of photos.
        describer: Has the network; it is loaded when the first photo has to be seen.
    """

    space: "Workspace"
    describer: BuiltinDescriber = field(default_factory=BuiltinDescriber)

    def features(self, photo: Photo, picture: str) -> Features:
        """What is seen of a photo with this picture.

        Raises:
            PhotoError: It cannot be decoded.
            CatalogError: The run cannot go on.
        """
        return self.space.catalog.features.find(picture, FEATURES) or self.see(photo, picture)

    def see(self, photo: Photo, picture: str) -> Features:
        """Look at a photo now."""
        seen = self.describer.features(self.space.see(photo))
        self.space.catalog.features.keep(picture, seen)
        return seen

    def look(self, photo: Photo | Outcome) -> Outcome:
        """See to it that what is seen of a photo is kept; what is an outcome already stays one.

        Raises:
            CatalogError: The run cannot go on.
        """
        return photo if isinstance(photo, Outcome) else guard(photo.path, lambda: self._look(photo))

    def _look(self, photo: Photo) -> Outcome:
        catalog = self.space.catalog
        picture = picture_by(catalog.photos.at(photo.path), photo, self.space.store, catalog)
        is_new = catalog.features.find(picture, FEATURES) is None
        if is_new:
            self.see(photo, picture)
        return Outcome(photo.path, Status.UNCHANGED, asked=is_new)
