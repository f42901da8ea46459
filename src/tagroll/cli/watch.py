"""`tagroll watch DIR...`."""

import sys
import threading
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.progress import UNSURE, Report, stop_on_interrupt
from tagroll.cli.scanning import noted, opened
from tagroll.cli.tag import TagOptions, tag_options, tagged, taught
from tagroll.cli.terminal import say, show, tell
from tagroll.cli.words import read_library
from tagroll.domain import Status
from tagroll.errors import CatalogLockedError, ServerError
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.watch import Watch


@click.command("watch", cls=GroupedCommand)
@click.argument(
    "paths", metavar="DIR...", nargs=-1, required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)  # fmt: skip
@click.option("--between", metavar="HH:MM-HH:MM", help="Only at this time of day, as 22:00-06:00.")
@click.option(
    "--poll", type=click.FloatRange(min=1), metavar="S",
    help="Look at all files every S seconds, too.  [default: 60 where the system does not tell of changes, as on network drives]",
)  # fmt: skip
@tag_options
def command(
    settings: Settings, paths: tuple[Path, ...], *, between: str | None, poll: float | None, **values: Any
) -> None:
    """Tag photos as they come into DIR..., or change there, until Ctrl-C.

    What came while nobody watched is tagged first. A photo is looked at once its file is complete: when size and time have
    stayed for two seconds, and nobody holds it locked. A server that is away is waited for. All of a day is one run
    of `tagroll history`, and other commands can be used meanwhile.
    """
    from tagroll.runs.watch import Hours, Watch

    options = TagOptions(**values)
    options.request()  # says what cannot be
    stop = threading.Event()
    watch = Watch(
        [path.absolute() for path in paths], stop, exclude=options.scope.exclude,
        follow_links=options.scope.follow_links, hours=Hours.parse(between) if between else None, poll=poll,
        tell=lambda text: tell(settings, text),
    )  # fmt: skip
    tell(settings, f"Watching {', '.join(map(show, paths))}; Ctrl-C ends it")
    with stop_on_interrupt(stop):
        is_all = _watch(settings, paths, options, watch)
    sys.exit(0 if is_all else 130)


def _watch(settings: Settings, paths: Sequence[Path], options: TagOptions, watch: "Watch") -> bool:
    """Tag until somebody ends it; True where it was as many photos as were wanted."""
    left, told = options.asking.limit, _ToldOnce(settings)
    for batch in watch.batches():
        try:
            number, is_whole = _tag(settings, paths, options, watch, batch, limit=left, told=told)
        except (ServerError, CatalogLockedError) as error:
            say(f"{error.message}; it is tried again in a while")
            watch.again(batch)
            continue
        if not is_whole:
            watch.again(batch, 0)
        if left is not None and (left := left - number) <= 0:
            return True
    return False


class _ToldOnce:
    """Says what is known of the model, and says it again only where it is something else."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._said = settings, set[tuple[str, ...]]()

    def __call__(self, notes: tuple[str, ...]) -> None:
        if notes not in self._said:
            self._said.add(notes)
            tell(self._settings, *notes)


def _tag(  # noqa: PLR0913 - what is wanted, what has come, how much is left of it and what was said
    settings: Settings,
    paths: Sequence[Path],
    options: TagOptions,
    watch: "Watch",
    batch: Sequence[Path] | None,
    *,
    limit: int | None,
    told: _ToldOnce,
) -> tuple[int, bool]:
    """Tag what has come: how many photos, and whether all of it."""
    from tagroll.runs.tag import tagger

    arguments = [*(str(path.absolute()) for path in paths), *options.modes()]
    done = Status.UNCHANGED if options.review else Status.TAGGED
    with opened(settings, placing=options.placing, mtime=options.mtime) as space:
        if options.words.of_library and batch is None:
            read_library(space, paths, options.scope)
        learned = taught(space, options)
        model = space.model(watch.settings(space), options.asking.limits(), defer=True)
        model.announce(told)
        words = {done: "looked at" if options.review else "tagged"}
        with (
            space.begin("watch", arguments, model=model.describer.model, done=done, of_today=True) as run,
            watch.while_open(space),
            Report(settings, "Tagging", run.tally, words, nothing=UNSURE, space=space) as report,
        ):
            found = noted(islice(watch.found(space, batch, report.pass_over), limit), space, settings)
            tags = tagger(run, model, options.request(), learned)
            for outcome in tagged(options, run, tags, found, model.threads):
                report.show(outcome)
                if outcome.status.changed and not (settings.json or settings.verbose or settings.quiet):
                    report.print(outcome)
        if run.tally.changed or run.tally.failures:
            report.finish()
        return run.tally.total, not run.cut_off
