"""`tagroll history`."""

import time
from collections import Counter
from typing import TYPE_CHECKING

import click

from tagroll.cli.options import shared_options
from tagroll.cli.progress import plural
from tagroll.cli.terminal import print_json, print_line, say, show, tell
from tagroll.errors import UsageError
from tagroll.settings import Settings
from tagroll.tags.identity import identity

if TYPE_CHECKING:
    from tagroll.catalog import Catalog

NOTHING = "Nothing has been done yet."


@click.command("history")
@click.argument("run", type=int, required=False)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="At most N runs."
)
@shared_options(model=False)
def command(settings: Settings, run: int | None, limit: int) -> None:
    """List what tagroll did, the newest run first; with RUN, what that run did to each photo."""
    from tagroll.catalog import Catalog, default_path

    if settings.catalog == default_path() and not settings.catalog.exists() and run is None:
        if not settings.json:
            tell(settings, NOTHING)
        return
    with Catalog(settings.catalog, read_only=True) as catalog:
        if run is not None:
            _show_writes(catalog, run, as_json=settings.json)
        else:
            _show_runs(catalog, limit, as_json=settings.json)


def _show_runs(catalog: "Catalog", limit: int, *, as_json: bool) -> None:
    runs = catalog.runs()[:limit]
    if not runs and not as_json:
        say(NOTHING)
    running = bool(runs) and not runs[0].finished and catalog.in_use()  # only the last one can be
    for run in runs:
        if as_json:
            print_json({
                "type": "run", "run": run.id, "command": run.command, "arguments": list(run.arguments), "model": run.model,
                "started": run.started, "finished": run.finished, "dry_run": run.dry_run, "writes": run.writes,
                "summary": dict(run.summary),
            })  # fmt: skip
            continue
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
        cut_off = "(running, or cut off)" if running and run is runs[0] else "(cut off)"
        parts = (
            f"{run.id:>4}", when, " ".join((run.command, *map(show, run.arguments))), f"{plural(run.writes, 'file')} written",
            run.model, "(dry run)" if run.dry_run else "", "" if run.finished else cut_off,
        )  # fmt: skip
        print_line("  ".join(filter(None, parts)))


def _show_writes(catalog: "Catalog", run: int, *, as_json: bool) -> None:
    if not any(known.id == run for known in catalog.runs()):
        raise UsageError(f"there is no run {run}", "tagroll history lists them.")
    tags: Counter[str] = Counter()
    for writing in catalog.writings(run):
        write, undone = writing.write, writing.state == "undone"
        before, after = ({identity(tag): tag for tag in side.tags} for side in (write.before, write.after))
        added = [tag for name, tag in after.items() if name not in before]
        removed = [tag for name, tag in before.items() if name not in after]
        tags.update(added)
        if as_json:
            print_json(
                {
                    "type": "write",
                    "path": str(write.photo),
                    "target": str(write.target),
                    "added": added,
                    "removed": removed,
                    "undone": undone,
                }
            )
        else:
            marks = [f"+{show(tag)}" for tag in added] + [f"-{show(tag)}" for tag in removed]
            made = f"made from {show(write.photo)}" if write.after_hash else "removed"
            print_line(
                f"{show(write.target)}: {', '.join(marks) or made}{'  (taken back)' if undone else ''}"
            )
    if not as_json and tags:
        say("Tags added most: " + ", ".join(f"{show(tag)} {count}" for tag, count in tags.most_common(10)))
