"""Write the manual pages (man/*.1) from the code; `python tools/make_reference.py` does it, and a test keeps them in step."""

import inspect
import re
from collections.abc import Mapping

import click

from tagroll.cli.app import COMMANDS, main
from tagroll.cli.grouped import EXAMPLES, GroupedCommand

MADE = '.\\" made by tools/make_man.py; change the code, not this page\n'
ENVIRONMENT = """The options say in which variable they are, too. The command line counts more than a variable, and that
more than the settings file; `tagroll config show` tells what is set where."""


def pages(codes: Mapping[int, str]) -> dict[str, str]:
    """Every page by its file name.

    Args:
        codes: Exit codes and what they mean.
    """
    return {"tagroll.1": overview(codes)} | {f"tagroll-{name}.1": command_page(name) for name in COMMANDS}


def overview(codes: Mapping[int, str]) -> str:
    """The page of tagroll itself."""
    commands = "".join(f".TP\n.BR tagroll\\-{name} (1)\n{roff(text)}\n" for name, text in COMMANDS.items())
    ends = "".join(f".TP\n.B {code}\n{roff(text)}\n" for code, text in codes.items())
    return (
        f"{head('tagroll', 'tags for photos, from a model on your own machine')}"
        f".SH SYNOPSIS\n.B tagroll\n.I COMMAND\n[\\fIOPTIONS\\fR] ...\n.SH DESCRIPTION\n{prose(main.help or '')}"
        f".SH COMMANDS\n{commands}.SH ENVIRONMENT\n{prose(ENVIRONMENT)}.SH EXIT STATUS\n{ends}"
    )


def command_page(name: str) -> str:
    """The page of one command, with its actions."""
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, GroupedCommand)
    actions = {f"{name} {action}": one for action, one in command.actions.items()}
    parts = {name: command} if command.params else {}
    parts |= {key: one for key, one in actions.items() if isinstance(one, GroupedCommand)}
    told = head(f"tagroll-{name}", COMMANDS[name].rstrip("."))
    told += ".SH SYNOPSIS\n" + ".br\n".join(synopsis(key, one) for key, one in parts.items())
    told += f".SH DESCRIPTION\n{prose(command.help or '')}"
    for key, one in parts.items():
        if key != name:
            told += f".SH {roff(key.upper())}\n{prose(one.help or '')}"
        told += options(key, one, ".SS" if len(parts) > 1 else ".SH")
    if examples := EXAMPLES.get(name):
        told += ".SH EXAMPLES\n"
        told += "".join(f".TP\n{roff(why)}\n.nf\n{roff(line)}\n.fi\n" for line, why in examples)
    return f"{told}.SH SEE ALSO\n.BR tagroll (1)\n"


def head(name: str, text: str) -> str:
    """What every page begins with."""
    return f'{MADE}.TH {roff(name).upper()} 1 "" tagroll "User commands"\n.SH NAME\n{roff(name)} \\- {roff(text)}\n'


def synopsis(name: str, command: GroupedCommand) -> str:
    """How it is called."""
    with context(name, command) as ctx:
        words = " ".join(command.collect_usage_pieces(ctx))
    return f".B tagroll {roff(name)}\n{roff(words)}\n"


def options(name: str, command: GroupedCommand, mark: str) -> str:
    """The options, each heading of the help as one of the page."""
    told = ""
    with context(name, command) as ctx:
        for heading, found in command.sections(ctx).items():
            told += f"{mark} {roff(heading.upper() if mark == '.SH' else heading)}\n"
            for option in found:
                names, text = option.get_help_record(ctx) or ("", "")
                variable = f" ({option.envvar})" if isinstance(option.envvar, str) else ""
                told += f".TP\n.B {roff(names)}\n{roff(text + variable)}\n"
    return told


def context(name: str, command: click.Command) -> click.Context:
    """As if it was called."""
    group = click.Context(main, info_name="tagroll", **main.context_settings)
    return click.Context(command, info_name=name, parent=group)


def prose(text: str) -> str:
    """Paragraphs."""
    paragraphs = re.split(r"\n{2,}", inspect.cleandoc(text))
    return "".join(f".PP\n{roff(' '.join(paragraph.split()))}\n" for paragraph in paragraphs)


def roff(text: str) -> str:
    """Text as roff has it: its own signs are not meant."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(aq").replace("'", "\\(aq")
    return re.sub(r"^\.", r"\\&.", plain.replace("~", "\\(ti").replace("^", "\\(ha"))
