"""Options that every command shares, and how they become Settings."""

import difflib
import functools
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import click

from tagroll.cli.scanning import Scope
from tagroll.cli.terminal import SafeFormatter, say
from tagroll.errors import UsageError
from tagroll.settings import (
    BUILTIN_MODELS,
    CONFIG_NAME,
    DEFAULT_API_URL,
    DEFAULT_MODEL,
    HINTS,
    Mtime,
    Placing,
    Settings,
    SidecarName,
    SidecarPolicy,
    config_file,
    default_catalog,
    read_config,
    unread_config,
)

TOLD = "tagroll.hints"
"""Where a command's context has the hints of the settings file: folder -> text."""
READ = "tagroll.read"
"""Where a command's context has the path of the settings file, which need not be there."""
UNREAD = "tagroll.unread"
"""Where a command's context notes that there are settings in the current folder, which were not read."""


def _load_config(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    """Put the settings file under click's defaults, before any other option is looked at."""
    load_config(ctx, value or config_file())
    ctx.meta[UNREAD] = not value and unread_config(ctx.meta[READ])


def load_config(ctx: click.Context, path: Path) -> None:
    """Make what a settings file says the defaults of a command.

    Raises:
        UsageError: It cannot be read, or says something that no option knows.
    """
    command = (ctx.info_name or "").partition(" ")[0]  # "tags rename" is a part of "tags"
    ctx.meta[READ] = path
    values = read_config(path)
    ctx.meta[TOLD] = values.pop(HINTS, {})
    if values and not ctx.resilient_parsing:  # not for the Tab key: this imports all commands
        _refuse_unknown(ctx, values, path)
    section = values.get(command)
    merged = {key: one for key, one in values.items() if not isinstance(one, dict)}
    merged |= section if isinstance(section, dict) else {}
    names = _keys(ctx.command)
    named = {names.get(key, key): one for key, one in merged.items()}
    files = [p.name for p in ctx.command.params if isinstance(p.type, click.Path) and p.name in named]
    ctx.default_map = named | {name: _beside(path, named[name]) for name in files}


def _beside(config: Path, named: object) -> object:
    """A path in a settings file means what it means from there, wherever the user stands."""
    return str(config.parent / Path(named).expanduser()) if isinstance(named, str) else named


def _keys(command: click.Command) -> dict[str, str]:
    """What an option may be called in a settings file -> its parameter. A settings file names no other."""
    options = [p for p in command.params if isinstance(p, click.Option)]
    named = (
        (p.name, (*p.opts, *getattr(p, "formerly", ()), p.name))
        for p in options
        if p.name and p.name != "config"
    )
    return {word.lstrip("-").replace("-", "_"): name for name, words in named for word in words}


def _refuse_unknown(ctx: click.Context, values: dict[str, object], path: Path) -> None:
    """A misspelled setting would do nothing, and nobody would know.

    Raises:
        UsageError: A key is no option of its command, or at the top level of any.
    """
    root = ctx.find_root()
    if not isinstance(root.command, click.Group):  # a command by itself knows of no others
        return
    group, names = root.command, root.command.list_commands(root)

    def keys(name: str) -> set[str]:
        command = group.get_command(root, name)
        assert command is not None  # noqa: S101 - the names are those of the table
        return {key for one in (command, *getattr(command, "actions", {}).values()) for key in _keys(one)}

    sections = {name: table for name, table in values.items() if isinstance(table, dict)}
    _refuse("command", sections, names, f"{path}")
    for name, table in sections.items():
        _refuse("setting", table, keys(name), f"{path} under [{name}]")
    _refuse("setting", values.keys() - sections, set().union(*map(keys, names)), f"{path}")


def _refuse(kind: str, found: Iterable[str], known: Iterable[str], where: str) -> None:
    for key in sorted(set(found) - set(known)):
        close = difflib.get_close_matches(key, known, 1)
        hint = f"Did you mean {_dashed(close[0])}?" if close else "tagroll COMMAND --help lists the options."
        raise UsageError(f"unknown {kind} {_dashed(key)} in {where}", hint)


def _dashed(key: str) -> str:
    return key.replace("_", "-")


_CONFIG = click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), is_eager=True, expose_value=False,
    callback=_load_config, envvar="TAGROLL_CONFIG", help="Settings file.  [default: tagroll.toml in the user's settings folder]",
)  # fmt: skip

_OUTPUT = (
    click.option("--catalog", type=click.Path(dir_okay=False, path_type=Path), envvar="TAGROLL_CATALOG",
                 help="Where tagroll remembers what it did.  [default: in the user's data folder]"),
    click.option("--json", is_flag=True, envvar="TAGROLL_JSON", help="Print JSON lines to stdout."),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors."),
    click.option("-v", "--verbose", is_flag=True, help="Tell more: every photo, and the details of what goes wrong."),
)  # fmt: skip


class Several(click.Option):
    """An option that may be given more than once; in a settings file one value need not be a list."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Convert the values: a lone text is one value, not its letters."""
        return super().type_cast_value(ctx, (value,) if isinstance(value, str | int | float) else value)


class Renamed(click.Option):
    """A flag that had other names: they work still, also in a settings file, and no help offers them."""

    def __init__(self, *args: Any, formerly: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.formerly = formerly

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser know the former names, too."""
        super().add_to_parser(parser, ctx)
        parser.add_option(self, dest=self.name, opts=list(self.formerly), action="store_const", const=True)


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MODEL = (
    click.option("--api-url", "api_urls", metavar="URL", multiple=True, cls=Several, envvar="TAGROLL_API_URL",
                 default=(DEFAULT_API_URL,), show_default=True,
                 help="OpenAI-compatible model server; give it again for more servers."),
    click.option("--model", metavar="NAME", multiple=True, cls=Several, envvar="TAGROLL_MODEL", default=(DEFAULT_MODEL,),
                 show_default=True, help="Model on the servers, one for each if you like; or `builtin`, `builtin-large`."),
    click.option("--api-key", metavar="KEY", envvar="TAGROLL_API_KEY", default="",
                 help="Key for the server; better in TAGROLL_API_KEY."),
    click.option("--backend", type=click.Choice(["auto", "server", "builtin"]), envvar="TAGROLL_BACKEND", default="auto",
                 show_default=True, help="auto: a server when there is one, else the built-in model."),
    click.option("--model-file", type=_FILE, metavar="GGUF", envvar="TAGROLL_MODEL_FILE",
                 help="Run this model ourselves, without a server; needs tagroll[llama]."),
    click.option("--mmproj", type=_FILE, metavar="GGUF", envvar="TAGROLL_MMPROJ",
                 help="Image projector of the model file.  [default: the one beside it]"),
)  # fmt: skip
_MODELS = (
    _MODEL[0],
    click.option("--model", "models", metavar="NAME", multiple=True, cls=Several, envvar="TAGROLL_MODEL",
                 help="Model on the server, `builtin` or `builtin-large`; give it again for more models."),
    *_MODEL[2:],
)  # fmt: skip
_ABOUT_MODELS = {False: (), True: _MODEL, "several": _MODELS}


def shared_options(
    *, model: bool | Literal["several"], catalog: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the shared options, those about models when `model`; it gets them as `settings`.

    Without `catalog` it gets no --catalog: it uses none.

    With "several", --model may be given more than once, and the command gets the names as `models`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(**values: Any) -> Any:
            settings = _settings(values)
            if "follow_links" in values:
                exclude, follow = values.pop("exclude"), values.pop("follow_links")
                values["scope"] = Scope(settings, exclude, follow_links=follow)
            return function(settings=settings, **values)

        for option in reversed((*_ABOUT_MODELS[model], *_OUTPUT[not catalog :], _CONFIG)):
            wrapper = option(wrapper)
        return wrapper

    return decorate


def _settings(values: dict[str, Any]) -> Settings:
    ctx = click.get_current_context()
    log = logging.StreamHandler()
    log.setFormatter(SafeFormatter("%(name)s: %(message)s"))
    logging.basicConfig(handlers=[log], level=logging.INFO if values["verbose"] else logging.CRITICAL)
    names = (
        "json",
        "quiet",
        "verbose",
        "api_urls",
        "model",
        "api_key",
        "backend",
        "model_file",
        "mmproj",
        "threshold",
    )
    given = {name: values.pop(name) for name in names if name in values}
    if given.get("mmproj") and not given["model_file"]:
        raise UsageError(
            "--mmproj goes with --model-file", "Name the model too: --model-file GGUF --mmproj GGUF"
        )
    if "model" in given:
        given |= _models(given["model"], given["api_urls"])
    if ctx.meta[UNREAD] and not given["quiet"]:
        say(f"{CONFIG_NAME} in this folder is not read: if it is yours, --config ./{CONFIG_NAME} uses it")
    return Settings(
        **given,
        key_goes_out=key_goes_with(ctx, "api_urls"),
        catalog=values.pop("catalog", None) or default_catalog(),
        server_is_explicit=_is_explicit(ctx, "api_urls") or _is_explicit(ctx, "model"),
        model_is_explicit=_is_explicit(ctx, "model"),
        threshold_is_typed=ctx.get_parameter_source("threshold") is click.core.ParameterSource.COMMANDLINE
        and not ctx.params.get("check_tags"),
    )


def _models(names: tuple[str, ...], urls: tuple[str, ...]) -> dict[str, Any]:
    """One model for all servers, or one for each; or a built-in one, and then no server."""
    if len(names) == 1 and names[0] in BUILTIN_MODELS:
        return {"model": names[0], "backend": "builtin"}
    if len(names) not in (1, len(urls)):
        raise UsageError(
            f"--model is given {len(names)} times and --api-url {len(urls)} times",
            "Give one model for all servers, or one for each, in their order",
        )
    return {"model": names[0], "models": names if len(names) > 1 else ()}


def key_goes_with(ctx: click.Context, address: str) -> bool:
    """Whether the key is meant for the server that an option names: it was typed for this run, or both stand in one place."""
    key = ctx.get_parameter_source("api_key")
    return key in (click.core.ParameterSource.COMMANDLINE, ctx.get_parameter_source(address))


def _is_explicit(ctx: click.Context, name: str) -> bool:
    """Whether the user said it: on the command line, in a variable or in a settings file."""
    return ctx.get_parameter_source(name) not in (None, click.core.ParameterSource.DEFAULT)


def fresh_option(text: str, *formerly: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The one word for "ask again where an answer is known", with what it does here and what it was called."""
    return click.option("--fresh", cls=Renamed, is_flag=True, formerly=formerly, help=text)


def scan_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that walk folders; the command gets them as `scope`."""
    exclude = click.option(
        "--exclude", metavar="GLOB", multiple=True, envvar="TAGROLL_EXCLUDE",
        help="Leave out files and folders of this name or path below PATH; may be given more than once.",
    )  # fmt: skip
    links = click.option(
        "--follow-links", is_flag=True, help="Follow links that lead out of the folders that are named, too."
    )
    return exclude(links(function))


def store_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that write metadata; the command gets them as `placing` and `mtime`."""

    @functools.wraps(function)
    def wrapper(
        *, sidecar: SidecarPolicy, sidecar_name: SidecarName, embed_signed: bool, **values: Any
    ) -> Any:
        return function(placing=Placing(sidecar, sidecar_name, embed_signed), **values)

    sidecar = click.option(
        "--sidecar", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
        envvar="TAGROLL_SIDECAR", help="Write XMP sidecars: where a photo cannot be written safely, always, or never.",
    )  # fmt: skip
    name = click.option(
        "--sidecar-name", type=click.Choice(["auto", "stem", "full"]), default="auto", show_default=True,
        envvar="TAGROLL_SIDECAR_NAME",
        help="Call new sidecars name.xmp (stem), name.ext.xmp (full), or beside a RAW as those of the folder.",
    )  # fmt: skip
    signed = click.option(
        "--embed-signed", is_flag=True, envvar="TAGROLL_EMBED_SIGNED",
        help="Write into photos with a C2PA signature, too; it becomes invalid.",
    )  # fmt: skip
    return sidecar(name(signed(mtime_options(wrapper))))


def mtime_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of all commands that write into files; the command gets them as `mtime`."""

    @functools.wraps(function)
    def wrapper(*, touch: bool, mtime: Mtime, **values: Any) -> Any:
        return function(mtime=_touched(mtime) if touch else mtime, **values)

    mtime = click.option(
        "--mtime", type=click.Choice(["nudge", "keep", "now"]), default="nudge", show_default=True,
        envvar="TAGROLL_MTIME",
        help="Modification time of written files: 2 s later, so that backups and galleries look again; as it was; now.",
    )  # fmt: skip
    return mtime(click.option("--touch", is_flag=True, help="The same as --mtime now.")(wrapper))


def _touched(mtime: Mtime) -> Mtime:
    """What --touch makes of it: it is typed, or nothing else is.

    Raises:
        UsageError: Both are typed, and say different things.
    """
    ctx, typed = click.get_current_context(), click.core.ParameterSource.COMMANDLINE
    if ctx.get_parameter_source("touch") is not typed:
        return mtime if _is_explicit(ctx, "mtime") else "now"
    if mtime != "now" and ctx.get_parameter_source("mtime") is typed:
        raise UsageError(f"--touch and --mtime {mtime} exclude each other", "Leave one of them out")
    return "now"


def threshold_option(*, several: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """How sure the built-in model has to be; with `several`, thresholds to compare."""
    probability = click.FloatRange(0.1, 1)
    if several:
        return click.option(
            "--threshold", "thresholds", type=probability, multiple=True, cls=Several, metavar="P",
            help="Show what the built-in model, and with --check-tags any, does at this threshold, too; "
                 "may be given more than once.",
        )  # fmt: skip
    return click.option(
        "--threshold", type=probability, metavar="P", envvar="TAGROLL_THRESHOLD",
        help="How sure the built-in model has to be of a tag, and with --check-tags a server's model.  "
             "[default: what its training found; what `tagroll eval --check-tags` found, else 0.5]",
    )  # fmt: skip
