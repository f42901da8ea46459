"""Which embedder compares tags, a server's or the built-in one; and vectors that are made only once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING, Protocol

from tagroll.errors import ServerError
from tagroll.models.sending import departures, key_for, key_stays
from tagroll.models.server.discovery import probe
from tagroll.settings import without_password

if TYPE_CHECKING:
    import numpy as np

    from tagroll.catalog import Catalog
    from tagroll.settings import Settings
    from tagroll.tags.merge import Embedded

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

BUILTIN_NOTE = "No embedding server answers at {url}: the built-in embedder compares the tags."
FAILS_NOTE = "The built-in embedder compares the tags. {error}"
_SAMPLE = "\0sample"
"""What the vector of `Embedder.check` is kept under: no tag."""
_SAME_MODEL = 0.995
"""Cosine of two vectors of one text by one model, whatever it is computed on."""
KEPT_TOGETHER = 2048
"""Vectors that are made before they are kept: what an interruption loses at the most."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def model(self) -> str:
        """Its name, as it goes into the catalog."""

    def check(self) -> Vectors:
        """See whether it works, by one vector: always of the same text, shape (1, d)."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Float32 rows of length 1, or 0 where there is no vector, in the order of the texts."""


def choose_embedder(
    settings: Settings, url: str, model: str, *, batch_size: int, explicit: bool
) -> tuple[Embedder, tuple[str, ...]]:
    """Find the embedder, make it ready, and what to tell the user about the choice.

    Args:
        settings: Say which backend, and the key of the server.
        url: The embedding server.
        model: Its embedding model.
        batch_size: Texts a request.
        explicit: The user named the server or the model: one that cannot be used is an error.

    Raises:
        ServerError: A server is wanted and cannot be used.
        UsageError: The URL cannot be one.
    """
    from tagroll.models.builtin.embedder import BuiltinEmbedder
    from tagroll.models.server.embedder import ServerEmbedder

    if settings.backend == "builtin":
        return BuiltinEmbedder(), ()
    key, shown = key_for(settings, url), without_password(url)
    wanted = explicit or settings.backend == "server"
    if not wanted and probe(url, api_key=key) is None:
        return BuiltinEmbedder(), (BUILTIN_NOTE.format(url=shown),)
    server = ServerEmbedder(url, model, api_key=key, batch_size=batch_size)
    try:
        server.check()
    except ServerError as error:
        server.close()
        if wanted:
            raise
        return BuiltinEmbedder(), (FAILS_NOTE.format(error=error.message),)
    kept = key_stays(settings, [url])
    return server, (*departures([url], "tags"), *filter(None, [kept]))


def embed_tags(
    tags: Collection[str], embedder: Embedder, catalog: Catalog, done: Callable[[int], None]
) -> Vectors:
    """Vectors of all tags, in their order; those the catalog knows are not made again.

    Args:
        tags: Each once.
        embedder: Makes what is missing.
        catalog: Keeps them.
        done: Told how many are there, from time to time.

    Raises:
        ServerError: The server fails; what was made is kept.
    """
    import numpy as np

    model = _kept_as(embedder, catalog)
    length = 4 * embedder.check().shape[1]
    known = {tag: kept for tag, kept in catalog.vectors(model, tags).items() if len(kept) == length}
    missing = [tag for tag in tags if tag not in known]
    for start in range(0, len(missing), KEPT_TOGETHER):
        done(len(known))
        some = missing[start : start + KEPT_TOGETHER]
        rows = zip(some, embedder.embed(some), strict=True)
        made = {
            tag: row.astype("<f4").tobytes() for tag, row in rows
        }  # a zero row says: no vector for this text
        catalog.keep_vectors(model, made)
        known |= made
    done(len(known))
    return np.frombuffer(b"".join(known[tag] for tag in tags), "<f4").reshape(len(tags), -1)


def _kept_as(embedder: Embedder, catalog: Catalog) -> str:
    """The name under which the catalog keeps vectors of exactly this model.

    A server may give another model the name of an old one. Then the sample's vector differs, and the name gets a
    number; when the old model comes back, its vectors are still there.
    """
    import numpy as np

    sample = embedder.check()[0]

    def is_of(name: str) -> bool:
        kept = catalog.vectors(name, [_SAMPLE]).get(_SAMPLE)
        if kept is None:
            catalog.keep_vectors(name, {_SAMPLE: sample.astype("<f4").tobytes()})
            return True
        return len(kept) == 4 * len(sample) and sample @ np.frombuffer(kept, "<f4") > _SAME_MODEL

    return next(filter(is_of, chain([embedder.model], (f"{embedder.model} #{n}" for n in count(2)))))


def compare(vectors: Vectors, threshold: float) -> Embedded:
    """The vectors with their pairs at or above a cosine."""
    import numpy as np

    from tagroll.tags.merge import Embedded
    from tagroll.tags.neighbours import neighbours

    vectors = vectors.astype(np.float32, copy=False)
    return Embedded(vectors, neighbours(vectors, threshold))
