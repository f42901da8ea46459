"""What a run is told: defaults < tagroll.toml < TAGROLL_* variables < options.

click keeps that order (its default map holds the file's values); this module knows the names, the defaults and
the file.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tagroll.errors import UsageError, plainly

DEFAULT_API_URL = "http://127.0.0.1:1234"
DEFAULT_MODEL = "google/gemma-3-4b"
SMALL_MODEL, LARGE_MODEL = "builtin", "builtin-large"
NO_HEAD, NO_RULES = "builtin-no-head", "builtin-no-rules"
BUILTIN_MODELS = (SMALL_MODEL, LARGE_MODEL, NO_HEAD, NO_RULES)
"""Names by which --model means a built-in model: the one that comes along, the one that is fetched, and the first without its
head, or without rules, for those who want to know what these are worth."""
DEFAULT_MAX_TAGS = 12
EARLIER_MAX_TAGS = 20
"""What it was in earlier versions."""

CONFIG_NAME = "tagroll.toml"
HINTS = "hints"
"""The section of it that says something of the photos in some folders."""
_USER = re.compile(r"^(\s*(?:[a-z][a-z0-9+.-]*://)?)[^/?#]*@", re.IGNORECASE)

Backend = Literal["auto", "server", "builtin"]
SidecarPolicy = Literal["auto", "always", "never"]
SidecarName = Literal["auto", "stem", "full"]
Mtime = Literal["nudge", "keep", "now"]
"""The modification time of a file that is written: two seconds later than it was, as it was, or now."""
Case = Literal["title", "sentence", "lower", "keep"]


@dataclass(frozen=True, slots=True)
class Placing:
    """Where the tags of photos are written.

    Attributes:
        sidecar: "auto": into the photo wherever that is safe; "always" beside it; "never" beside it.
        name: What a new sidecar is called: "stem" for name.xmp, "full" for name.ext.xmp, "auto": as others in the folder.
        embed_signed: Into photos with a C2PA signature, too, which becomes invalid.
    """

    sidecar: SidecarPolicy = "auto"
    name: SidecarName = "auto"
    embed_signed: bool = False


WHERE_SAFE: Final = Placing()
"""Into the photo wherever that is safe, beside it elsewhere."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all commands share.

    Attributes:
        api_urls: Model servers, tried and used together.
        model: The model's name on those servers.
        models: Its name on each of them, in their order, where these differ.
        server_is_explicit: The user named a server or a model: one that does not answer is an error.
        model_is_explicit: The user named the model; another one will not do.
        api_key: Sent to a server as a bearer token, shown nowhere. See `key_goes_out`.
        key_goes_out: The key was named together with the servers, in one place, or for this very run. Else it is
            for a server on this machine only: nobody said that it is meant for another.
        backend: "server", "builtin", or "auto": a server when there is one, else the built-in model.
        model_file: A model to run ourselves, in the place of any server.
        mmproj: Its image projector; None takes the one beside it.
        threshold: How sure the built-in model has to be, 0.1 to 1; None leaves it to the model.
        threshold_is_typed: It was given for this very run, without a check of tags: its user is told where it has no effect.
        catalog: The SQLite file of all that tagroll remembers.
        json: Results as JSON lines on stdout.
        quiet: Nothing on stderr but errors.
        verbose: More on stderr.
    """

    api_urls: tuple[str, ...] = field(default=(DEFAULT_API_URL,), repr=False)
    model: str = DEFAULT_MODEL
    models: tuple[str, ...] = ()
    server_is_explicit: bool = False
    model_is_explicit: bool = False
    api_key: str = field(default="", repr=False)
    key_goes_out: bool = True
    backend: Backend = "auto"
    model_file: Path | None = None
    mmproj: Path | None = None
    threshold: float | None = None
    threshold_is_typed: bool = False
    catalog: Path = Path("catalog.sqlite")
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def servers(self) -> tuple[tuple[str, str], ...]:
        """Each server's URL, and the model's name there."""
        names = self.models or (self.model,) * len(self.api_urls)
        return tuple(zip(self.api_urls, names, strict=True))


def without_password(url: str, instead: str = "") -> str:
    """An address as it may be shown: without the name and the password that may stand in it, or with something instead."""
    return _USER.sub(lambda found: found[1] + instead, url)


def default_catalog() -> Path:
    """The catalog in the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("tagroll", appauthor=False)) / "catalog.sqlite"


def config_file() -> Path:
    """Where the user's settings are, when no other file is named.

    Never in the current folder: that may have come from anywhere, and its settings would say where photos are sent.
    """
    import platformdirs

    return Path(platformdirs.user_config_dir("tagroll", appauthor=False)) / CONFIG_NAME


def unread_config(read: Path) -> bool:
    """Whether the current folder has settings that are not those that were read."""
    here = Path(CONFIG_NAME)
    return here.is_file() and not (read.is_file() and here.samefile(read))


def read_config(path: Path) -> dict[str, object]:
    """The values of one settings file, with option names as click knows them (`max-tags` -> `max_tags`).

    Values on the top level hold for every command, those under `[tag]`, `[classify]` ... for that one. What stands under
    `[hints]` are folders, which keep their names.

    Raises:
        UsageError: The file cannot be read or is not TOML, or a hint is no text.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"the settings file {path} cannot be read: {plainly(error)}", "Fix or remove it"
        ) from error
    hints = raw.pop(HINTS, {})
    if not isinstance(hints, dict) or not all(isinstance(text, str) for text in hints.values()):
        raise UsageError(
            f"under [hints] in {path} stands something else than folders and texts", 'Write "Folder" = "text"'
        )
    return _option_names(raw) | ({HINTS: hints} if hints else {})


def _option_names(raw: Mapping[str, object]) -> dict[str, object]:
    return {
        key.replace("-", "_"): _option_names(value) if isinstance(value, dict) else value
        for key, value in raw.items()
    }
