"""`tagroll serve [PATH...]`."""

import io
import re
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import Several, shared_options, store_options
from tagroll.cli.scanning import Scope, ignore_error, scanned
from tagroll.cli.terminal import print_json, print_line, tell
from tagroll.domain import plural
from tagroll.errors import UsageError
from tagroll.settings import Mtime, Placing, Settings

if TYPE_CHECKING:
    import socket

    from tagroll.runs.edit import Editing
    from tagroll.runs.run import Workspace
    from tagroll.web.guard import Access

LAN_NOTE = "Everybody in this network can read along: it is not encrypted."
_HOST = re.compile(r"[\w.-]+|\[[\da-f:.]+\]", re.IGNORECASE)
HTTP = 80
"""The port that browsers do not tell."""
NOWHERE = "Name the folder with your photos: tagroll serve ~/Pictures"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of this command, as click gives them."""

    port: int
    lan: bool
    allow_host: tuple[str, ...]
    read_only: bool
    no_browser: bool
    placing: Placing
    mtime: Mtime


def _names(_ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """See that these are names of hosts: with an address or a port no request would fit, and "" would let any in."""
    for name in names:
        if not _HOST.fullmatch(name):
            raise click.BadParameter(f"'{name}' is no name of a host. Give it alone: photos.example")
    return names


@click.command("serve", cls=GroupedCommand)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8377, show_default=True, metavar="N", envvar="TAGROLL_PORT",
    help="Where to listen; 0 takes any port that is free.",
)  # fmt: skip
@click.option("--lan", is_flag=True, help="Let other devices in the network in, too: a phone, for one.")
@click.option("--allow-host", metavar="NAME", multiple=True, cls=Several, envvar="TAGROLL_ALLOW_HOST", callback=_names,
              help="Answer to this name, too, as a VPN or a proxy sends it; may be given more than once.")  # fmt: skip
@click.option("--read-only", is_flag=True, help="Show only; nothing can be written.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@store_options
@shared_options(model=False)
def command(settings: Settings, paths: tuple[Path, ...], **values: Any) -> None:
    """Show the photos in PATH... in a browser: find them, tag them, judge what a model proposes, undo.

    Without PATH, the folders that were tagged before. The address that is printed holds a token: whoever has it may
    do all this. Ctrl-C ends it.
    """
    sys.exit(_run(settings, paths, ServeOptions(**values)))


def _run(settings: Settings, paths: Sequence[Path], options: ServeOptions) -> int:
    from tagroll.runs.run import Workspace
    from tagroll.runs.thumbnails import default_file
    from tagroll.web.app import application
    from tagroll.web.desk import desk
    from tagroll.web.server import HERE, Server, addresses_of_machine, listen

    addresses = [HERE, *(addresses_of_machine() if options.lan else [])]
    with Workspace.open(settings, placing=options.placing, mtime=options.mtime, hold=False) as space:
        places = _places(settings, space, paths)
        sockets = listen(addresses, options.port)
        access = _access(sockets, options)
        with desk(space, places, default_file(), read_only=options.read_only) as opened:
            server = Server(application(opened, access), opened.events)
            _announce(settings, access, sockets, options)
            server.serve_at(sockets)
            left = _finish(settings, opened.editing) if opened.editing else 0
        tell(settings, *space.store.notes)
    if left:
        tell(settings, f"{plural(left, 'edit')} not written: another run of tagroll uses the catalog")
    return 1 if left else 0


def _places(settings: Settings, space: "Workspace", paths: Sequence[Path]) -> list[Path]:
    """What is shown: what was named and is there, else what the catalog knows.

    Raises:
        UsageError: There is nothing.
    """
    from tagroll.runs.places import known_places

    if paths:
        scanned(paths, Scope(settings), ignore_error)  # says that a path does not exist
        return list(paths)
    if known := known_places(space.catalog):
        return known
    raise UsageError("no folder was tagged yet", NOWHERE)


def _access(sockets: "Sequence[socket.socket]", options: ServeOptions) -> "Access":
    from tagroll.web.guard import Access

    port = sockets[0].getsockname()[1]
    names = {"localhost", *(one.getsockname()[0] for one in sockets)}
    hosts = {f"{name}:{port}" for name in names} | (names if port == HTTP else set())
    return Access(
        frozenset(hosts),
        frozenset(name.lower() for name in options.allow_host),
        f"tagroll-{port}",
        options.read_only,
    )


def _announce(
    settings: Settings, access: "Access", sockets: "Sequence[socket.socket]", options: ServeOptions
) -> None:
    """Say where the page is, and open it."""
    places = [f"http://{address}:{port}/?token=" for address, port in (one.getsockname() for one in sockets)]
    urls = [place + access.token for place in places]
    if settings.json:
        print_json({"type": "serving", "url": urls[0], "urls": urls})
    else:
        for url in urls:
            print_line(url)
        if options.lan and len(urls) > 1:
            _print_code(urls[1])
        sys.stdout.flush()
    if options.lan:
        tell(settings, LAN_NOTE if len(urls) > 1 else "This machine has no address in a network.")
    tell(settings, "Ctrl-C ends it.")
    if not options.no_browser:
        # a browser in the terminal would hold us up; the token on its command line counts once
        once = places[0] + access.once
        threading.Thread(target=webbrowser.open, args=(once,), daemon=True).start()


def _print_code(url: str) -> None:
    """A QR code that a phone's camera reads from the terminal."""
    import segno

    drawn = io.StringIO()
    segno.make(url, error="l").terminal(drawn, border=2, compact=True)
    for line in drawn.getvalue().splitlines():
        print_line(line)


def _finish(settings: Settings, editing: "Editing") -> int:
    """Finish what is on its way; gives how many photos are left as another run has the catalog."""
    if editing.under_way():
        tell(
            settings,
            "Finishing the edits that are on their way; Ctrl-C again leaves those that have not begun.",
        )
    try:
        return editing.close()
    except KeyboardInterrupt:
        editing.abandon()
        return editing.close()
