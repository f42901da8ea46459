"""`tagroll learn [PATH...]`."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import scan_options, shared_options
from tagroll.cli.progress import Report, no_photos, stop_on_interrupt
from tagroll.cli.scanning import Scope, scanned
from tagroll.cli.terminal import print_json, print_line, show, tell
from tagroll.domain import Status, plural
from tagroll.errors import UsageError
from tagroll.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagroll.runs.learning.learn import Learned
    from tagroll.runs.run import Workspace


@click.command("learn", cls=GroupedCommand)
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--list", "list_only", is_flag=True, help="Only say what was learned, and how well it goes.")
@click.option("--forget", is_flag=True, help="Forget what was learned, and what was seen in photos for it.")
@scan_options
@shared_options(model=False)
def command(
    settings: Settings, paths: tuple[Path, ...], scope: Scope, *, list_only: bool, forget: bool
) -> None:
    """Learn the tags that you gave to the photos in PATH..., so that other photos can get them.

    The built-in model looks at every photo once. Then, for each tag on at least 8 photos, it is learned how these differ from
    your others; what tagroll wrote is no example. `tagroll tag --learned` gives a tag to photos where that goes well enough:
    of those that get it at least 85 in 100 are right, tried on photos that were not learned from. Nothing is written into photos.

    Without PATH..., from all photos that the catalog knows.
    """
    from tagroll.runs.run import Workspace

    if (list_only or forget) and (paths or list_only == forget):
        raise UsageError("--list and --forget stand alone", "Leave out the rest")
    with Workspace.open(settings, hold=False) as space:
        if forget:
            space.catalog.learned.replace({})
            space.catalog.features.forget()
            tell(settings, "Forgotten. `tagroll learn PATH...` learns anew")
        elif list_only:
            _list(settings, space.catalog.learned.all())
        else:
            sys.exit(_learn(settings, space, paths, scope))


def _learn(settings: Settings, space: "Workspace", paths: "Sequence[Path]", scope: Scope) -> int:
    from tagroll.runs.executors import threads
    from tagroll.runs.learning.learn import learn
    from tagroll.runs.learning.looking import Eyes
    from tagroll.runs.read import Reader
    from tagroll.runs.tally import Tally

    roots = paths or [path for path in space.catalog.photos.pictures() if path.exists()]
    tally, eyes = Tally(Status.UNCHANGED), Eyes(space)
    quietly = replace(settings, json=False)
    with (
        stop_on_interrupt(space.stop),
        Report(quietly, "Looking", tally, {Status.UNCHANGED: "seen"}) as report,
    ):
        found = list(scanned(roots, scope, report.pass_over)) if roots else []
        read = list(Reader(space.store, space.catalog, authors=True).read(found))
        failed = {outcome.path: outcome for outcome in read if outcome.status is Status.FAILED}
        items = [failed.get(item.path, item) for item in found]
        for outcome in tally.counted(threads(eyes.describer.capacity + 2)(eyes.look, items, stop=space.stop)):
            report.show(outcome)
        learned = {} if space.stop.is_set() else learn(space, read, _Told(settings))
    report.finish()
    if space.stop.is_set():
        tell(
            settings,
            "Stopped: nothing was learned. What was seen is kept; the same command goes on from there",
        )
        return 130
    if not tally.total:
        tell(settings, no_photos(paths) if paths else "The catalog knows no photos yet: name a folder")
    else:
        _list(settings, learned)
    return tally.exit_code


def _list(settings: Settings, learned: "Mapping[str, Learned]") -> None:
    """Print what was learned, what goes best first."""
    rows = sorted(learned.values(), key=lambda one: (one.threshold is None, -one.found, one.tag.casefold()))
    if settings.json:
        for one in rows:
            print_json(_row(one))
        return
    width = max((len(show(one.tag)) for one in rows), default=0)
    for one in rows:
        print_line(f"{one.tag:<{width}}  {one.examples:>6,} photos  {_told(one)}")
    offered = sum(one.threshold is not None for one in rows)
    if not rows:
        tell(
            settings,
            "Nothing is learned: no tag of yours is on 8 photos from 5 occasions, with others beside them",
        )
    else:
        tell(
            settings,
            f"{plural(offered, 'tag')} can be given by `tagroll tag --learned`, of {plural(len(rows), 'tag')} with enough photos",
        )


def _told(one: "Learned") -> str:
    if one.threshold is None:
        return "is only proposed: not right often enough yet"
    return f"finds {one.found:.0%}; right in {one.right:g} of {one.given:,}"


def _row(one: "Learned") -> dict[str, object]:
    return {
        "type": "learned", "tag": one.tag, "examples": one.examples, "others": one.others, "given": one.threshold is not None,
        "threshold": one.threshold, "found": one.found, "right": one.right, "of": one.given, "at_least": one.promise,
        "created": one.created, "model": one.model,
    }  # fmt: skip


class _Told:
    """Says once that it takes a while."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._said = settings, False

    def __call__(self, _done: int, of: int) -> None:
        """How far it is."""
        if of > 20 and not self._said:
            self._said = True
            tell(self._settings, f"Learning {of:,} tags ...")
