"""Which model looks at photos, and which one compares tags: a server's, one from a file, or a built-in one."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from tagroll.domain import Describer, Waiting
from tagroll.errors import ServerError
from tagroll.models.builtin.describer import BuiltinDescriber
from tagroll.models.deferred import DeferredDescriber, Found
from tagroll.models.gguf.server import LocalServer, model_files
from tagroll.models.sending import departures, key_for, key_stays
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.discovery import probe
from tagroll.models.server.retry import Limits
from tagroll.models.server.several import ManyDescriber
from tagroll.parallel import cores
from tagroll.settings import Settings, without_password

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

BUILTIN_NOTE = (
    "No model server answers at {url}: the built-in model looks at the photos.\n"
    "  It knows everyday things. For more: start LM Studio, Ollama or llama.cpp, then tagroll doctor."
)
NO_HEAD = "builtin-no-head"
"""The name of the built-in model without its head, for those who want to know what the head is worth."""
NO_EMBEDDER_NOTE = "No embedding server answers at {url}: the built-in embedder compares the tags."
FAILS_NOTE = "The built-in embedder compares the tags. {error}"
THRESHOLD_NOTE = "--threshold is for the built-in model: a model on a server does not tell how sure it is."
SPARE_THREADS = 6
"""Photos that are hashed, decoded or written while as many as a server takes are with the server."""


@dataclass(slots=True)
class Model:
    """A model that is ready, or will be when it is asked.

    Attributes:
        describer: The model.
        threads: How many photos should be in flight.
        notes: What the user should know about the choice, as far as it is made; see `when_found`.
    """

    describer: Describer
    threads: int
    notes: tuple[str, ...]
    _resources: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def waiting(self) -> Waiting | None:
        """What is waited for longer than usual, or None."""
        return self._behind.waiting if self._behind else None

    def news(self) -> tuple[str, ...]:
        """What the user should know since this was asked last, a sentence each."""
        return self._behind.news() if self._behind else ()

    def stop(self) -> None:
        """The user stops the run: who waits gets a StoppedError, answers on their way get a little time."""
        if self._behind:
            self._behind.stop()

    @property
    def _behind(self) -> ServerDescriber | ManyDescriber | None:
        """The server, if there is one, asked or not yet."""
        one = self.describer.pending if isinstance(self.describer, DeferredDescriber) else self.describer
        return one if isinstance(one, ServerDescriber | ManyDescriber) else None

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections, and end what runs for it."""
        self._resources.close()

    def when_found(self, do: Found) -> None:
        """Call something with the notes when the model is found: now, or before the first question."""
        if isinstance(self.describer, DeferredDescriber):
            self.describer.when_found(do)
        else:
            do(self.notes)

    @property
    def server(self) -> str:
        """The name of the model on a server, or "" for a built-in one."""
        describer = self.describer
        actual = describer.actual if isinstance(describer, DeferredDescriber) else describer
        return "" if isinstance(actual, BuiltinDescriber) else actual.model


Watch = Callable[[Callable[[], Waiting | None]], AbstractContextManager[None]]
"""Shows, for as long as a context lasts, what is waited for."""


def choose_model(
    settings: Settings, limits: Limits | None = None, watch: Watch | None = None, *, last: str | None = None
) -> Model:
    """Find the model that looks at the photos, and make it ready.

    Args:
        settings: Say which backend, servers and model.
        limits: How many requests to a server at once, and how long to wait for it.
        watch: Shows what is waited for while the model is looked for.
        last: What was found on the server with these settings the last time, or ""; then the server is first asked
            when a question is due. With "" it has to be wanted: where the choice is free, it is made now. None: all
            is found out now.

    Raises:
        ServerError: A server is wanted (by `--backend server`, or a URL or model was named) and none can be used; or
            the model file cannot be run.
        UsageError: What was named as a model file is none.
    """
    limits = limits or Limits()
    with ExitStack() as resources:
        unheeded = (THRESHOLD_NOTE,) if settings.threshold_is_typed else ()
        if settings.model_file:
            local = _local(settings.model_file, settings.mmproj, limits, resources)
            notes = (*local.discover(), *unheeded)
            return Model(local, local.most_at_once + SPARE_THREADS, notes, resources.pop_all())
        if _may_wait(settings, last) or _wants_server(settings):
            server = _servers(settings, limits)
            resources.callback(server.close)
            threads = server.most_at_once + SPARE_THREADS

            def find() -> tuple[Describer, tuple[str, ...]]:
                if last and not _wants_server(settings):
                    return _builtin(settings)
                return server, (*_found(settings, server), *unheeded)

            if last is not None:
                later = DeferredDescriber(last or settings.model, find, server)
                return Model(later, threads, (), resources.pop_all())
            with watch(lambda: server.waiting) if watch else nullcontext():
                _, notes = find()
            return Model(server, threads, notes, resources.pop_all())
        builtin, notes = _builtin(settings)
        return Model(builtin, cores() + 2, notes, resources.pop_all())


def _may_wait(settings: Settings, last: str | None) -> bool:
    """Whether the server need not be asked now: it is wanted, or was found there the last time."""
    is_wanted = settings.backend == "server" or settings.server_is_explicit
    return last is not None and settings.backend != "builtin" and (is_wanted or bool(last))


def _builtin(settings: Settings) -> tuple[BuiltinDescriber, tuple[str, ...]]:
    url = without_password(settings.api_urls[0])
    note = () if settings.backend == "builtin" else BUILTIN_NOTE.format(url=url).splitlines()
    return BuiltinDescriber(settings.threshold, with_head=settings.model != NO_HEAD), tuple(note)


def other_thresholds(model: Model, thresholds: Iterable[float]) -> list[Model]:
    """A built-in model once more for each threshold; no other model has one.

    They are good for as long as the model is.
    """
    if not isinstance(model.describer, BuiltinDescriber):
        return []
    with_head = model.describer.with_head
    return [
        dataclasses.replace(model, describer=BuiltinDescriber(threshold, with_head=with_head), notes=())
        for threshold in dict.fromkeys(thresholds)
    ]


def _local(model: Path, mmproj: Path | None, limits: Limits, resources: ExitStack) -> ServerDescriber:
    """Run a model file for as long as the resources are held. If it crashes it does not come back."""
    files = model_files(model, mmproj)
    # One processor is left to the photos: threads of llama.cpp that have to wait for one make all of them wait.
    running = resources.enter_context(LocalServer(files, slots=limits.jobs, threads=max(cores() - 1, 1)))
    alone = dataclasses.replace(limits, jobs=running.slots, outage=0)
    describer = ServerDescriber(running.url, files.name, api_key=running.key, limits=alone)
    resources.callback(describer.close)
    return describer


def _wants_server(settings: Settings) -> bool:
    if settings.backend != "auto" or settings.server_is_explicit:
        return settings.backend != "builtin"
    info = probe(settings.api_urls[0], api_key=key_for(settings, settings.api_urls[0]))
    return info is not None and (info.sees or info.state == "loading")


def _servers(settings: Settings, limits: Limits) -> ServerDescriber | ManyDescriber:
    members = [
        ServerDescriber(
            url, settings.model, api_key=key_for(settings, url),
            explicit_model=settings.model_is_explicit, limits=limits,
        )
        for url in settings.api_urls
    ]  # fmt: skip
    return members[0] if len(members) == 1 else ManyDescriber(members)


def _found(settings: Settings, server: ServerDescriber | ManyDescriber) -> tuple[str, ...]:
    """Find what the servers have, and what the user should know about it."""
    kept = key_stays(settings, settings.api_urls)
    try:
        return (*departures(settings.api_urls), *filter(None, [kept]), *server.discover())
    except ServerError as error:
        if kept:
            raise ServerError(error.message, kept) from error
        raise


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def model(self) -> str:
        """Its name, as it goes into the catalog."""

    def check(self) -> "Vectors":
        """See whether it works, by one vector: always of the same text, shape (1, d)."""

    def embed(self, texts: Sequence[str]) -> "Vectors":
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
        return BuiltinEmbedder(), (NO_EMBEDDER_NOTE.format(url=shown),)
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
