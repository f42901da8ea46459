"""Which embedder compares tags: a server's or the built-in one."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tagroll.domain import Waiting
from tagroll.errors import ServerError
from tagroll.models.builtin.embedder import BuiltinEmbedder
from tagroll.settings import Settings, without_password

if TYPE_CHECKING:
    import numpy as np

    from tagroll.models.choose import Watch

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

NO_EMBEDDER_NOTE = "No embedding server answers at {url}: the built-in embedder compares the tags."
FAILS_NOTE = "The built-in embedder compares the tags: {error}"


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def model(self) -> str:
        """Its name, as it goes into the catalog."""

    @property
    def waiting(self) -> Waiting | None:
        """What is waited for longer than usual, or None."""

    def stop(self) -> None:
        """Wait for nothing any more: who waits gets a StoppedError."""

    def close(self) -> None:
        """Close the connections."""

    def check(self) -> "Vectors":
        """See whether it works, by one vector: always of the same text, shape (1, d)."""

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """Float32 rows of length 1, or 0 where there is no vector, in the order of the texts."""


@dataclass(frozen=True, slots=True)
class EmbeddingServer:
    """Which server is to compare tags.

    Attributes:
        url: Where it is.
        model: Its embedding model.
        batch_size: Texts a request.
        explicit: The user named the server or the model: one that cannot be used is an error.
    """

    url: str
    model: str
    batch_size: int = 100
    explicit: bool = True


def choose_embedder(
    settings: Settings, meant: EmbeddingServer, watch: "Watch | None" = None
) -> tuple[Embedder, tuple[str, ...]]:
    """Find the embedder, make it ready, and what to tell the user about the choice.

    Args:
        settings: Say which backend, and the key of the server.
        meant: The server.
        watch: Shows what is waited for while the server is looked at.

    Raises:
        ServerError: A server is wanted and cannot be used.
        UsageError: The URL cannot be one.
    """
    if settings.backend == "builtin":
        return BuiltinEmbedder(), ()
    # late: 0.1 s that the built-in one need not pay
    from tagroll.models.sending import departures, key_for, key_stays
    from tagroll.models.server.discovery import probe
    from tagroll.models.server.embedder import ServerEmbedder

    url = meant.url
    key, shown = key_for(settings, url), without_password(url)
    wanted = meant.explicit or settings.backend == "server"
    if not wanted and probe(url, api_key=key) is None:
        return BuiltinEmbedder(), (NO_EMBEDDER_NOTE.format(url=shown),)
    server = ServerEmbedder(url, meant.model, api_key=key, batch_size=meant.batch_size)
    try:
        with watch(lambda: server.waiting) if watch else nullcontext():
            server.check()
    except ServerError as error:
        server.close()
        if wanted:
            raise
        return BuiltinEmbedder(), (FAILS_NOTE.format(error=error.message),)
    kept = key_stays(settings, [url])
    return server, (*departures([url], "tags"), *filter(None, [kept]))
