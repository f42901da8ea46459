"""What a worker of a cluster does: it says what it has, and looks at photos. All that comes and goes can be pickled."""

import atexit
import os
import pickle
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tagroll import __version__
from tagroll.domain import Describer, Description, Photo, Prompt
from tagroll.errors import MetadataError, TagrollError
from tagroll.exiftool.pool import available_exiftool
from tagroll.metadata.store import MetadataStore
from tagroll.models.spec import ModelSpec
from tagroll.photos.preview.opened import previews
from tagroll.runs.context import Context, Knowledge, Telling
from tagroll.runs.look import Looker
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.photos.preview.maker import PreviewMaker

URLS, KEY = "TAGROLL_API_URL", "TAGROLL_API_KEY"


@dataclass(frozen=True, slots=True)
class Hello:
    """What a worker says of itself.

    Attributes:
        version: Of its tagroll.
        model: The name under which answers of its model are kept; "" where `error` says why there is none.
        names_only: Whether that knows names of things and no more.
        error: Why it cannot look at photos, or "".
        unseen: One of the photos that it does not see, or "".
    """

    version: str
    model: str = ""
    names_only: bool = False
    error: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker looks with, opened once for all its photos."""

    describer: Describer
    preview: "PreviewMaker"
    store: MetadataStore


_opened: dict[bytes, Tools] = {}
"""By what travelled."""
_opening = threading.Lock()


def _tools(spec: ModelSpec) -> Tools:
    key = pickle.dumps(spec)
    with _opening:
        if key not in _opened:
            resources, exiftool = ExitStack(), available_exiftool()
            atexit.register(resources.close)
            model = resources.enter_context(replace(spec, settings=as_here(spec.settings)).open())
            preview = resources.enter_context(previews(exiftool))
            store = resources.enter_context(MetadataStore(exiftool=exiftool))
            _opened[key] = Tools(model.describer, preview, store)
        return _opened[key]


def as_here(settings: Settings) -> Settings:
    """With the servers and the key that this machine names; its key is for its own servers, not for others' (see `key_for`)."""
    urls, key = tuple(os.environ.get(URLS, "").split()), os.environ.get(KEY, "")
    if urls:
        models = settings.models if len(settings.models) == len(urls) else ()
        settings = replace(settings, api_urls=urls, models=models)
    return replace(settings, api_key=key, key_goes_out=bool(urls)) if key else settings


def hello(version: str, spec: ModelSpec, probes: Sequence[tuple[Photo, str]]) -> Hello:
    """What this worker says of itself.

    Args:
        version: Of the tagroll of who asks; with another one no model is looked for.
        spec: Which model.
        probes: Photos, and the hashes of their pictures: these stay while tags are written.
    """
    here, store = Hello(__version__), MetadataStore()
    if version != __version__:
        return here
    for photo, picture in probes:
        try:
            is_seen = store.picture_hash(photo) == picture
        except MetadataError:
            is_seen = False
        if not is_seen:
            return replace(here, unseen=str(photo.path))
    try:
        describer = _tools(spec).describer
        return replace(here, model=describer.cache_name, names_only=describer.names_only)
    except TagrollError as error:
        return replace(here, error=error.message)


def picture(spec: ModelSpec, photo: Photo) -> str:
    """Hash of a photo's picture.

    Raises:
        MetadataError: It cannot be read.
    """
    return _tools(spec).store.picture_hash(photo)


def look(
    spec: ModelSpec, photo: Photo, named: Photo, prompt: Prompt, telling: Telling | None
) -> tuple[Description, Context | None]:
    """What the model says of a photo, and what it was told of it.

    Args:
        spec: Which model.
        photo: As it is found here.
        named: As it is found by who asks: what its folders say, and a hint for them, goes by that.
        prompt: What the model is asked.
        telling: What it is told of photos; None for nothing.

    Raises:
        PhotoError: It cannot be looked at.
        ServerError: The model cannot be asked any more.
    """
    tools = _tools(spec)
    knowledge = Knowledge(telling, lambda _: tools.store.read(photo)) if telling else None
    looker = Looker(tools.describer, tools.preview, tools.store.picture_hash, prompt, knowledge)
    context = looker.context(named)
    return tools.describer.describe(tools.preview(photo), looker.question(named, context)), context
