"""Which model looks at photos: a server's, one from a file, or a built-in one."""

import dataclasses
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tagroll.domain import Describer, Waiting
from tagroll.errors import ServerError
from tagroll.models.builtin.describer import BuiltinDescriber
from tagroll.models.builtin.fetched.models import LARGE
from tagroll.models.deferred import DeferredDescriber, Found
from tagroll.models.gguf.server import LocalServer, model_files
from tagroll.models.sending import departures, key_for, key_stays
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.discovery import probe
from tagroll.models.server.retry import Limits
from tagroll.models.server.several import ManyDescriber
from tagroll.parallel import cores
from tagroll.settings import BUILTIN_MODELS, LARGE_MODEL, NO_HEAD, NO_RULES, Settings, without_password

BUILTIN_NOTE = (
    "No model server answers at {url}: the built-in model looks at the photos.\n"
    "  It knows everyday things. For more: start LM Studio, Ollama or llama.cpp, then tagroll doctor{or_fetch}."
)
THRESHOLD_NOTE = (
    "--threshold is for the built-in model: a model on a server tells how sure it is with --check-tags."
)
SPARE_THREADS = 6
"""Photos that are hashed, decoded or written while as many as a server takes are with the server."""


@dataclass(slots=True)
class Model:
    """A model that is ready, or will be when it is asked.

    Attributes:
        describer: The model.
        threads: How many photos should be in flight.
        notes: What the user should know about the choice, as far as it is made; see `when_found`.
        later: The describer, if it is found only when the first question is due.
    """

    describer: Describer
    threads: int
    notes: tuple[str, ...]
    later: DeferredDescriber | None = None
    _resources: ExitStack = field(default_factory=ExitStack, repr=False)

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections, and end what runs for it."""
        self._resources.close()

    def announce(self, do: Found) -> None:
        """Call something with what is known of the choice now, and with the rest when the model is found."""
        if self.later:
            do(self.notes)
        self.when_found(do)

    def when_found(self, do: Found) -> None:
        """Call something with the notes when the model is found: now, or before the first question."""
        if self.later:
            self.later.when_found(do)
        else:
            do(self.notes)


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
    with ExitStack() as resources:
        later = _may_wait(settings, last)
        backend = SERVERS if later else next(one for one in BACKENDS if one.is_meant(settings))
        describer = backend.open(settings, limits or Limits(), resources)
        resources.callback(describer.close)
        threads = describer.capacity + backend.spare

        def find() -> tuple[Describer, tuple[str, ...]]:
            if later and not backend.is_meant(settings):  # it was there the last time
                return BUILTIN.open(settings, Limits(), resources), BUILTIN.notes(settings, describer)
            return describer, backend.notes(settings, describer)

        if later or (last is not None and backend is SERVERS):
            deferred = DeferredDescriber(last or settings.model, find, describer)
            at_once = _unheeded(settings) if _is_wanted(settings) else ()
            return Model(deferred, threads, at_once, deferred, resources.pop_all())
        with watch(lambda: describer.waiting) if watch else nullcontext():
            _, notes = find()
        if backend is SERVERS and _is_wanted(settings):
            notes = (*notes, *_unheeded(settings))
        return Model(describer, threads, notes, _resources=resources.pop_all())


def choose_judge(settings: Settings, limits: Limits, watch: Watch | None = None) -> Model:
    """Find the model that is asked about words: the one on a server, or from a file, that would look at photos.

    It need not see. The built-in model cannot be asked.

    Args:
        settings: Say which servers and model.
        limits: How many requests to a server at once, and how long to wait for it.
        watch: Shows what is waited for while the model is looked for.

    Raises:
        ServerError: There is none, or it cannot be used.
        UsageError: What was named as a model file is none.
    """
    with ExitStack() as resources:
        backend = SERVERS if settings.model_file is None else FILE
        describer = backend.open(settings, limits, resources)
        assert isinstance(describer, ServerDescriber | ManyDescriber)  # noqa: S101 - a file is run by a server of ours
        resources.callback(describer.close)
        with watch(lambda: describer.waiting) if watch else nullcontext():
            found = describer.discover(sees=False)
        urls = settings.api_urls if backend is SERVERS else ()
        notes = (*departures(urls, "tags"), *filter(None, [key_stays(settings, urls)]), *found)
        return Model(describer, describer.capacity, notes, _resources=resources.pop_all())


def _may_wait(settings: Settings, last: str | None) -> bool:
    """Whether the server need not be asked now: it is wanted, or was found there the last time."""
    is_open = settings.backend != "builtin" and settings.model_file is None
    return last is not None and is_open and (_is_wanted(settings) or bool(last))


def _is_wanted(settings: Settings) -> bool:
    """Whether a server was asked for, and nothing else will do."""
    return settings.backend == "server" or settings.server_is_explicit


def other_thresholds(model: Model, thresholds: Iterable[float]) -> list[Model]:
    """A built-in model once more for each threshold; no other model has one.

    They are good for as long as the model is.
    """
    others = (model.describer.at_threshold(threshold) for threshold in dict.fromkeys(thresholds))
    return [dataclasses.replace(model, describer=other, notes=()) for other in others if other]


def _open_file(settings: Settings, limits: Limits, resources: ExitStack) -> Describer:
    """Run a model file for as long as the resources are held. If it crashes it does not come back."""
    assert settings.model_file  # noqa: S101 - see BACKENDS
    files = model_files(settings.model_file, settings.mmproj)
    # One processor is left to the photos: threads of llama.cpp that have to wait for one make all of them wait.
    running = resources.enter_context(LocalServer(files, slots=limits.jobs, threads=max(cores() - 1, 1)))
    alone = dataclasses.replace(limits, jobs=running.slots, outage=0)
    return ServerDescriber(running.url, files.name, api_key=running.key, limits=alone)


def _file_notes(settings: Settings, describer: Describer) -> tuple[str, ...]:
    return (*describer.discover(), *_unheeded(settings))


def _open_builtin(settings: Settings, _limits: Limits, _resources: ExitStack) -> Describer:
    large = settings.model == LARGE_MODEL or (settings.model not in BUILTIN_MODELS and LARGE.is_kept)
    if large:
        LARGE.check()
    return BuiltinDescriber(
        settings.threshold,
        with_head=settings.model != NO_HEAD,
        large=large,
        with_rules=settings.model != NO_RULES,
    )


def _builtin_notes(settings: Settings, _describer: Describer) -> tuple[str, ...]:
    if settings.backend == "builtin":
        return ()
    or_fetch = "" if LARGE.is_kept else f"; or: {LARGE.command}"
    note = BUILTIN_NOTE.format(url=without_password(settings.api_urls[0]), or_fetch=or_fetch)
    return tuple(note.splitlines())


def _unheeded(settings: Settings) -> tuple[str, ...]:
    return (THRESHOLD_NOTE,) if settings.threshold_is_typed else ()


def _wants_server(settings: Settings) -> bool:
    if settings.backend != "auto" or settings.server_is_explicit:
        return settings.backend != "builtin"
    info = probe(settings.api_urls[0], api_key=key_for(settings, settings.api_urls[0]))
    return info is not None and (info.sees or info.state == "loading")


def _open_servers(settings: Settings, limits: Limits, _resources: ExitStack) -> Describer:
    members = [
        ServerDescriber(
            url, model, api_key=key_for(settings, url), explicit_model=settings.model_is_explicit, limits=limits
        )
        for url, model in settings.servers
    ]  # fmt: skip
    return members[0] if len(members) == 1 else ManyDescriber(members, models=settings.models)


def _server_notes(settings: Settings, server: Describer) -> tuple[str, ...]:
    """Find what the servers have, and what the user should know about it."""
    kept = key_stays(settings, settings.api_urls)
    try:
        found = server.discover()
    except ServerError as error:
        if kept:
            raise ServerError(error.message, kept) from error
        raise
    return (
        *departures(settings.api_urls),
        *filter(None, [kept]),
        *found,
        *(() if _is_wanted(settings) else _unheeded(settings)),
    )


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to have photos looked at.

    Attributes:
        is_meant: Whether the settings mean it.
        open: Makes it: what the resources hold lives as long as it does. It need not be there yet.
        notes: Sees that it is there, and says what the user should know about it.
        spare: Photos that are hashed, decoded or written while others are looked at.
    """

    is_meant: Callable[[Settings], bool]
    open: Callable[[Settings, Limits, ExitStack], Describer]
    notes: Callable[[Settings, Describer], tuple[str, ...]]
    spare: int = SPARE_THREADS


FILE = Backend(lambda settings: settings.model_file is not None, _open_file, _file_notes)
SERVERS = Backend(_wants_server, _open_servers, _server_notes)
BUILTIN = Backend(lambda _: True, _open_builtin, _builtin_notes, spare=2)
BACKENDS = (FILE, SERVERS, BUILTIN)
"""The first that is meant is taken. A new one is a folder in `models/` and a row here."""
