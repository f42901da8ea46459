"""`tagroll tags PATH...`, and the actions beside it: `tagroll tags rename|merge|remove`."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from tagroll.cli.options import scan_options, shared_options
from tagroll.cli.progress import Report, no_photos, plural
from tagroll.cli.scanning import scanned
from tagroll.cli.tags_edit import ACTIONS
from tagroll.cli.terminal import print_json, print_line, tell
from tagroll.domain import Status
from tagroll.settings import Settings


class Tags(click.Command):
    """The listing; an action where the first word is the name of one."""

    actions = ACTIONS

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand over to the action."""
        if args and args[0] in ACTIONS:
            return ACTIONS[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command("tags", cls=Tags)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@scan_options
@shared_options(model=False)
def command(settings: Settings, paths: tuple[Path, ...], exclude: tuple[str, ...]) -> None:
    """List every tag in the photos of PATH... with its count, the most frequent first.

    With --verbose or --json, the tags of each photo too. To change tags: `tagroll tags rename OLD NEW PATH...`,
    `tagroll tags merge TAG... INTO --in PATH`, `tagroll tags remove TAG PATH...`; each has --help. A folder that
    is called like one of these is `./rename`.
    """
    from tagroll.catalog import Catalog
    from tagroll.exiftool.pool import available_exiftool
    from tagroll.metadata.store import MetadataStore
    from tagroll.runs.read import Reader

    counts: Counter[str] = Counter()
    without = 0
    with (
        Catalog(settings.catalog, exclusive=False) as catalog,
        MetadataStore(exiftool=available_exiftool()) as store,
        Report(settings, "Reading", {Status.UNCHANGED: "read"}) as report,
    ):
        for outcome in Reader(store, catalog).read(scanned(paths, exclude, report.pass_over)):
            report.add(outcome)
            counts.update(outcome.tags)
            without += outcome.status is not Status.FAILED and not outcome.tags
    if settings.json:
        print_json({"type": "tags", "tags": dict(counts.most_common())})
    else:
        width = len(f"{max(counts.values(), default=0):,}")
        for tag, count in sorted(counts.items(), key=lambda item: (-item[1], item[0].casefold())):
            print_line(f"{count:>{width},}  {tag}")
    report.finish()
    tell(settings, f"{plural(len(counts), 'tag')}; {plural(without, 'photo')} without any")
    if not report.total:
        tell(settings, no_photos(paths))
    sys.exit(report.exit_code())
