"""`tagroll config show|path|example`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import click
from click.core import ParameterSource

from tagroll.cli.grouped import HEADINGS, Actions, GroupedCommand
from tagroll.cli.options import READ, TOLD, load_config, shared_options
from tagroll.cli.terminal import print_json, print_line, show, tell
from tagroll.errors import UsageError
from tagroll.settings import HINTS, Settings, without_password

_NO_SETTING: Final = frozenset(("config", "help"))
_FOR_ONCE: Final = frozenset((
    *("dry_run", "limit", "fresh", "review", "init", "output", "photos", "html", "plan", "apply", "interactive"),
    *("json", "quiet", "verbose", "touch", "force", "api_key", "models", "thresholds"),
))  # fmt: skip
"""What nobody wants in every run, and what better stands elsewhere; the example leaves it out."""
_IN_EXAMPLE: Final = ("tag", "watch", "classify", "dedupe", "eval", "serve")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as a command would use it.

    Attributes:
        command: The command, which is its section in the settings file.
        option: What sets it.
        value: As TOML writes it; "" where nothing is set. Nothing secret is in it.
        source: Where it comes from, "" for the defaults.
    """

    command: str
    option: click.Option
    value: str
    source: str

    @property
    def key(self) -> str:
        """What it is called in a settings file."""
        return _key(self.option)

    @property
    def line(self) -> str:
        """As it could stand in a settings file."""
        said = f"{self.key} = {self.value}" if self.value else f"# {self.key} is not set"
        return f"{said}  # {self.source or 'default'}"


@click.command("show", cls=GroupedCommand)
@click.argument("name", metavar="[COMMAND]", required=False)
@shared_options(model=False, catalog=False)
def show_settings(settings: Settings, name: str | None) -> None:
    """Print what is set, and where: in the settings file, or in a variable. With COMMAND, all settings it has, defaults too.

    Keys and passwords are not shown.
    """
    ctx = click.get_current_context()
    names = _group(ctx).list_commands(ctx)
    if name and name not in names:
        raise UsageError(f"there is no command {name}", f"Commands are {', '.join(names)}")
    found = list(_settings(ctx, [name] if name else names))
    shown = found if name else _together([one for one in found if one.source], found)
    section = name
    for one in shown:
        if settings.json:
            row = {"command": one.command or None, "name": one.key, "value": one.value or None}
            print_json({"type": "setting", **row, "source": one.source or "default"})
            continue
        if one.command not in ("", section):
            section = one.command
            print_line("")
            print_line(f"[{section}]")
        print_line(one.line)
    if not (name or settings.json):
        _show_hints(ctx.meta[TOLD])
        told = "All else is as it comes" if shown else "Nothing is set: all is as it comes"
        tell(settings, f"{told}. With the defaults: tagroll config show COMMAND")


def _show_hints(hints: dict[str, str]) -> None:
    if hints:
        print_line("")
        print_line(f"[{HINTS}]")
    for folder, text in hints.items():
        print_line(f"{_toml(folder)} = {_toml(text)}")


@click.command("path", cls=GroupedCommand)
@shared_options(model=False, catalog=False)
def show_path(settings: Settings) -> None:
    """Print where the settings file is, or would be."""
    path: Path = click.get_current_context().meta[READ]
    if settings.json:
        print_json({"type": "path", "path": str(path), "exists": path.is_file()})
    else:
        print_line(str(path))
    if not path.is_file():
        tell(settings, "There is none yet. To begin with all settings as comments: tagroll config example")


@click.command("example", cls=GroupedCommand)
@shared_options(model=False, catalog=False)
def example(settings: Settings) -> None:
    """Print a settings file with all that can be set, as comments: take away the # before what you want to be so.

    tagroll config example > "$(tagroll config path)" makes yours; see that none is there.
    """
    del settings
    for line in _example(click.get_current_context().find_root()):
        print_line(line)


def _example(root: click.Context) -> Iterator[str]:
    yield "# Settings of tagroll. What begins with # has no effect. An option of the command line counts more than"
    yield "# a variable TAGROLL_..., which counts more than this file."
    told: set[str] = set()
    for heading, names in HEADINGS.items():
        options = {option.name: option for name in _IN_EXAMPLE for option in _options(root, name)}
        own = [options[name] for name in names if name in options]
        told |= set(names)
        yield from _part(f"# {heading}", own)
    for name in _IN_EXAMPLE:
        own = [option for option in _options(root, name) if option.name not in told]
        told |= {option.name or "" for option in own}  # `watch` has those of `tag`
        yield from _part(f"#[{name}]", own)
    yield from ("", "#[hints]", '#"~/Pictures/Grandma" = "Scanned from slides, Norway, about 1965"')


def _part(title: str, options: Iterable[click.Option]) -> Iterator[str]:
    lines = [(f"# {option.help}", f"#{_key(option)} = {_usual(option)}") for option in options]
    if lines:
        yield from ("", title, *(line for pair in lines for line in pair))


def _options(root: click.Context, name: str) -> list[click.Option]:
    """What can be set for a command, and is worth it."""
    command = _command(root, name)
    return [
        one
        for one in command.params
        if isinstance(one, click.Option) and one.name not in _NO_SETTING | _FOR_ONCE
    ]


def _usual(option: click.Option) -> str:
    """A value that can stand in the example: the default, else what kind of value it is."""
    kinds = "|".join(option.type.choices) if isinstance(option.type, click.Choice) else "FILE"
    return _toml(_default(option)) or _toml(option.metavar or kinds)


def _settings(ctx: click.Context, names: Iterable[str]) -> Iterator[Setting]:
    """Every setting of these commands.

    Raises:
        UsageError: A value is not what its option takes.
    """
    root, path = ctx.find_root(), ctx.meta[READ]
    for name in names:
        command = _command(root, name)
        seen = set(_NO_SETTING)
        for one in (command, *getattr(command, "actions", {}).values()):
            with click.Context(one, info_name=name, parent=root) as inner:
                load_config(inner, path)
                options = [p for p in one.params if isinstance(p, click.Option) and p.name not in seen]
                yield from (_setting(inner, name, option) for option in options if not option.required)
                seen |= {option.name or "" for option in options}


def _setting(ctx: click.Context, command: str, option: click.Option) -> Setting:
    name = option.name or ""
    value, _ = option.handle_parse_result(ctx, {}, [])
    source = ctx.get_parameter_source(name) or ParameterSource.DEFAULT
    if source is ParameterSource.DEFAULT:
        value = _default(option)  # click has marks of its own for "none"
    sources = {
        ParameterSource.ENVIRONMENT: str(option.envvar),
        ParameterSource.DEFAULT_MAP: show(ctx.meta[READ]),
    }
    return Setting(command, option, _public(name, value), sources.get(source, ""))


def _public(name: str, value: object) -> str:
    """The value as TOML, with nothing in it that is secret."""
    if name == "api_key":
        return '"***"' if value else ""
    if name.endswith(("_url", "_urls")):
        urls = [
            without_password(str(url), "***@") for url in (value if isinstance(value, tuple) else [value])
        ]
        return _toml(urls if isinstance(value, tuple) else urls[0])
    return _toml(value)


def _toml(value: object) -> str:
    """A value as TOML writes it; "" for None, for no text and for an empty list."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]" if value else ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False) if value else ""


def _together(shown: list[Setting], everything: list[Setting]) -> list[Setting]:
    """What is the same in all commands that have it is told once, without a command, and first."""
    ways: dict[str, set[tuple[str, str]]] = {}
    for one in everything:
        ways.setdefault(one.key, set()).add((one.value, one.source))
    common = {
        one.key: Setting("", one.option, one.value, one.source) for one in shown if len(ways[one.key]) == 1
    }
    return [*common.values(), *(one for one in shown if one.key not in common)]


def _group(ctx: click.Context) -> click.Group:
    found = ctx.find_root().command
    assert isinstance(found, click.Group)  # noqa: S101 - tagroll is
    return found


def _command(root: click.Context, name: str) -> click.Command:
    found = _group(root).get_command(root, name)
    assert found is not None  # noqa: S101 - the names are those of the table
    return found


def _key(option: click.Option) -> str:
    return next(word for word in option.opts if word.startswith("--"))[2:]


def _default(option: click.Option) -> object:
    found: object = option.to_info_dict()["default"]
    return found


class Config(Actions):
    """The actions."""

    actions: ClassVar[Mapping[str, click.Command]] = {
        "show": show_settings,
        "path": show_path,
        "example": example,
    }


@click.command("config", cls=Config)
def command() -> None:
    """Your settings: `tagroll config show` tells what is set, `path` where the file is, `example` what can be in it."""
