"""What each photo program sees in one photo, and how tagroll would write it: for `tagroll doctor PHOTO`."""

from collections.abc import Iterator
from dataclasses import dataclass

from tagroll.domain import Photo
from tagroll.metadata.apps import APPS, Sources
from tagroll.metadata.store import Explanation, MetadataStore, sidecar_fields


@dataclass(frozen=True, slots=True)
class AppView:
    """What one program shows of a photo.

    Attributes:
        app: The program.
        tags: The tags it shows.
        why: Which fields it took them from.
    """

    app: str
    tags: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains photos.

    Attributes:
        store: Reads them.
    """

    store: MetadataStore

    def views(self, photo: Photo) -> Iterator[AppView]:
        """What each program shows.

        Raises:
            MetadataError: The photo or a sidecar cannot be read.
        """
        sources = Sources(
            embedded=self.store.read(photo).fields,
            full_sidecar=sidecar_fields(photo.path.with_name(photo.path.name + ".xmp")),
            base_sidecar=sidecar_fields(photo.path.with_suffix(".xmp")),
            kind=photo.format.kind(photo.path.suffix),
        )
        beside = sources.full_sidecar is not None or sources.base_sidecar is not None
        for app in APPS:
            if sources.kind in app.closed:
                yield AppView(app.name, (), f"it does not open {photo.format.name} files")
            elif beside or not app.beside:
                seen = app.read(sources)
                yield AppView(app.name, seen.tags, seen.why)

    def plan(self, photo: Photo) -> Explanation:
        """How tagroll would write this photo.

        Raises:
            PhotoError: It could not, and why.
        """
        return self.store.explain(photo)
