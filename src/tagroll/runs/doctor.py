"""What works here and what does not, as findings that a face shows."""

import contextlib
import shlex
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagroll.domain import Outcome, Photo, plural
from tagroll.errors import PhotoError, TagrollError, plainly
from tagroll.runs.beside import SIGNED_HINT
from tagroll.runs.inspect import Explainer
from tagroll.settings import Settings, without_password
from tagroll.tags.identity import LEVEL

if TYPE_CHECKING:
    from tagroll.models.choose import Watch

LOW_SPACE = 1 << 30
"""Bytes: a photo is replaced by a copy of itself, so there has to be room for the largest one and the catalog."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What.
        good: Whether it works; None when it is not needed.
        text: What was found, in plain words.
        hint: What to do about it, or "".
    """

    name: str
    good: bool | None
    text: str
    hint: str = ""


def everything(settings: Settings, watch: "Watch") -> Iterator[Finding]:
    """Look at all that tagging needs; `watch` shows what is waited for."""
    asked = () if settings.backend == "builtin" else settings.servers
    servers = [own_model(settings, watch)] if settings.model_file else list(_servers(settings, asked, watch))
    yield from servers
    yield from downloads()
    yield builtin(needed=not any(finding.good for finding in servers))
    yield exiftool()
    yield catalog(settings)
    yield space(settings)


def photos_explained(photos: Iterable[Photo | Outcome]) -> Iterator[Finding]:
    """For each photo: what every program sees, and how it would be written."""
    from tagroll.exiftool.pool import available_exiftool
    from tagroll.metadata.store import MetadataStore

    with MetadataStore(exiftool=available_exiftool()) as store:
        for found in photos:
            if isinstance(found, Outcome):
                yield Finding(str(found.path), False, found.error, found.hint)
                continue
            try:
                yield from _one_photo(Explainer(store), found)
            except PhotoError as error:
                yield Finding(str(found.path), False, error.message, error.hint)


def _one_photo(explainer: Explainer, photo: Photo) -> Iterator[Finding]:
    from tagroll.metadata.store import SIGNED

    yield Finding(str(photo.path), True, f"a {photo.format.name} file")
    for view in explainer.views(photo):
        tags = ", ".join(tag.replace(LEVEL, " > ") for tag in view.tags) or "no tags"
        yield Finding(f"  {view.app}", None, f"{tags}  ({view.why})")
    plan = explainer.plan(photo)
    why = f", because {plan.reason}" if plan.reason else ""
    also = " and ".join(sidecar.name for sidecar in plan.sidecars if sidecar != plan.target)
    kept = f"; the sidecar {also} is kept in step" if also else ""
    hint = SIGNED_HINT if plan.reason == SIGNED else ""
    yield Finding("  tagroll", True, f"would write {plan.target.name} ({plan.engine}){why}{kept}", hint)


def _servers(settings: Settings, asked: Iterable[tuple[str, str]], watch: "Watch") -> Iterator[Finding]:
    """Each server, and whether they can be asked together."""
    from tagroll.models.server.several import MIXED_HINT, are_one_model

    models: list[str] = []
    for url, model in asked:
        yield server(settings, url, model, watch, models)
    if not (settings.models or are_one_model(models)):
        yield Finding("model servers", False, f"they have different models: {', '.join(models)}", MIXED_HINT)


def server(settings: Settings, url: str, model: str, watch: "Watch", found: list[str]) -> Finding:
    """Whether a model server answers and has a model that sees images; its name goes to what is found."""
    from tagroll.models.sending import key_for, key_stays
    from tagroll.models.server.describer import ServerDescriber

    name, key = f"model server {without_password(url)}", key_for(settings, url)
    explicit = settings.model_is_explicit
    try:
        describer = ServerDescriber(url, model, api_key=key, explicit_model=explicit)
        with contextlib.closing(describer), watch(lambda: describer.waiting):
            notes = describer.discover()
    except TagrollError as error:
        wanted = settings.server_is_explicit or settings.backend == "server"
        hint = key_stays(settings, [url]) or error.hint
        return Finding(name, False if wanted else None, error.message, hint)
    found.append(describer.model)
    sees = () if describer.doubt else (f"the model {describer.model} sees images.",)
    return Finding(name, None if describer.doubt else True, " ".join((*sees, *notes)))


def own_model(settings: Settings, watch: "Watch") -> Finding:
    """Whether the model file runs and sees pictures."""
    from tagroll.models.choose import choose_model

    try:
        with choose_model(settings, watch=watch) as model:
            return Finding("model file", True, f"the model {model.describer.model} runs and sees images")
    except TagrollError as error:
        return Finding("model file", False, error.message, error.hint)


def downloads() -> Iterator[Finding]:
    """Models that other programs have downloaded, and how to use them without these programs."""
    from tagroll.models.gguf.downloads import find_downloads

    for found in find_downloads(Path.home()):
        files = f"--model-file {shlex.quote(str(found.files.model))} --mmproj {shlex.quote(str(found.files.mmproj))}"
        yield Finding(
            "model on this machine",
            None,
            f"{found.name}, from {found.program}",
            f"tagroll tag PHOTOS {files}",
        )


def builtin(*, needed: bool) -> Finding:
    """Whether the built-in model loads."""
    from tagroll.models.builtin.describer import BuiltinDescriber
    from tagroll.models.builtin.fetched.models import LARGE

    describer = BuiltinDescriber(large=LARGE.is_kept)
    try:
        describer.load()
    except (TagrollError, ImportError) as error:
        return Finding(
            "built-in model",
            False,
            plainly(error),
            getattr(error, "hint", "") or "Install tagroll again: pip install --force-reinstall tagroll",
        )
    return Finding(
        "built-in model",
        True,
        f"{describer.model} is ready" + ("" if needed else "; the server is used, though"),
    )


def exiftool() -> Finding:
    """Whether exiftool is there for the formats that need it."""
    from tagroll.exiftool.pool import find_exiftool

    found = find_exiftool()
    if found is None:
        return Finding(
            "exiftool", None, "not found: TIFF, GIF, HEIC and AVIF get sidecars, and RAW previews cannot be read",
            'Install it with your package manager or from exiftool.org, or: pip install "tagroll[exiftool]".',
        )  # fmt: skip
    return Finding("exiftool", True, " ".join(found))


def catalog(settings: Settings) -> Finding:
    """Whether the catalog can be written, and what it holds."""
    from tagroll.catalog import Catalog

    try:
        with Catalog(settings.catalog) as opened:
            runs = opened.runs.count()
    except TagrollError as error:
        return Finding("catalog", False, error.message, error.hint)
    return Finding("catalog", True, f"{settings.catalog} can be written; {plural(runs, 'run')} recorded")


def space(settings: Settings) -> Finding:
    """Whether there is room on the disk of the catalog."""
    try:
        free = shutil.disk_usage(settings.catalog.parent).free
    except OSError as error:  # the finding about the catalog says what to do
        return Finding("disk space", None, f"unknown: {settings.catalog.parent}: {error.strerror}")
    hint = "Make room: each photo is replaced by a checked copy of itself." if free < LOW_SPACE else ""
    return Finding("disk space", free >= LOW_SPACE, f"{free / 1e9:.1f} GB free where the catalog is", hint)
