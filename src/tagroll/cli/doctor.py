"""`tagroll doctor [PHOTO...]`."""

import sys
from functools import partial
from pathlib import Path

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import shared_options
from tagroll.cli.progress import watched
from tagroll.cli.scanning import Scope, scanned
from tagroll.cli.terminal import print_json, print_line
from tagroll.settings import Settings

MARKS = {True: "✓", False: "✗", None: "-"}


@click.command("doctor", cls=GroupedCommand)
@click.argument(
    "photos", metavar="[PHOTO]...", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@shared_options(model=True)
def command(settings: Settings, photos: tuple[Path, ...]) -> None:
    """Look whether everything is there: a model that sees images, exiftool, room, a catalog that can be written.

    With PHOTO: tell for each photo app which tags it sees in that file and why, and how tagroll would write it.
    """
    from tagroll.runs.doctor import everything, photos_explained

    findings = (
        photos_explained(scanned(photos, Scope(settings, follow_links=True)))
        if photos
        else everything(settings, partial(watched, settings))
    )
    bad = False
    for finding in findings:
        bad |= finding.good is False
        if settings.json:
            row = {
                "name": finding.name,
                "good": finding.good,
                "text": finding.text,
                "hint": finding.hint or None,
            }
            print_json({"type": "finding", **row})
            continue
        print_line(f"{finding.name}: {finding.text}", mark=MARKS[finding.good])
        if finding.hint:
            print_line(f"    {finding.hint}")
    sys.exit(1 if bad else 0)
