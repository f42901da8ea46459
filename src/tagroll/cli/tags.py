"""`tagroll tags PATH...`, and the actions beside it: `tagroll tags rename|merge|remove|keep|prune|sync`."""

import sys
from pathlib import Path
from typing import Any

import click

from tagroll.cli.completing import actions_or_paths
from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import scan_options, shared_options
from tagroll.cli.progress import Report, no_photos
from tagroll.cli.scanning import Scope, scanned
from tagroll.cli.tags_edit import keep, merge, prune, remove, rename
from tagroll.cli.tags_proposals import list_proposals
from tagroll.cli.tags_sync import sync
from tagroll.cli.terminal import print_json, print_line, tell
from tagroll.domain import Status, plural
from tagroll.errors import UsageError
from tagroll.settings import Settings

ACTIONS = {command.name or "": command for command in (rename, merge, remove, keep, prune, sync)}


class Tags(GroupedCommand):
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
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    shell_complete=actions_or_paths,
)
@click.option("--ours", is_flag=True, help="Only the tags that tagroll wrote.")
@click.option("--yours", is_flag=True, help="Only those that it did not write.")
@click.option(
    "--proposals",
    is_flag=True,
    help="What models propose for the photos and nobody has decided, the surest first.",
)
@scan_options
@shared_options(model=False)
def command(  # noqa: PLR0913 - options by name
    settings: Settings, paths: tuple[Path, ...], scope: Scope, *, ours: bool, yours: bool, proposals: bool
) -> None:
    """List every tag in the photos of PATH... with its count, the most frequent first.

    With --verbose or --json, the tags of each photo too. To change tags: `tagroll tags rename OLD NEW PATH...`,
    `tagroll tags merge TAG... INTO --in PATH`, `tagroll tags remove TAG PATH...`, `tagroll tags keep TAG PATH...`,
    `tagroll tags prune --fewer-than N PATH...`, `tagroll tags sync PATH...`; each has --help. A folder that is called
    like one of these is `./rename`.
    """
    from tagroll.runs.rewrite import OpenLibrary, Whose
    from tagroll.runs.run import Workspace

    if proposals:
        scanned(paths, scope)  # says that a path does not exist
        sys.exit(list_proposals(settings, paths))
    if ours and yours:
        raise UsageError("--ours and --yours together are all tags", "Leave both out")
    whose: Whose = "ours" if ours else "yours" if yours else "all"
    with Workspace.open(settings, hold=False) as space:
        opened = OpenLibrary.of(space, paths)
        with Report(settings, "Reading", opened.tally, {Status.UNCHANGED: "read"}) as report:
            for outcome in opened.read(scanned(paths, scope, report.pass_over), whose=whose):
                report.show(outcome)
    counts = opened.library.counts
    if settings.json:
        print_json({"type": "tags", "tags": dict(counts.most_common())})
    else:
        width = len(f"{max(counts.values(), default=0):,}")
        for tag, count in sorted(counts.items(), key=lambda item: (-item[1], item[0].casefold())):
            print_line(f"{count:>{width},}  {tag}")
    report.finish()
    tell(settings, f"{plural(len(counts), 'tag')}; {plural(opened.library.untagged, 'photo')} without any")
    if not opened.tally.total:
        tell(settings, no_photos(paths))
    sys.exit(opened.tally.exit_code)
