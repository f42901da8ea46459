"""`tagroll tag PATH...`."""

import dataclasses
import functools
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tagroll.cli.asking import AskingOptions, asking_options
from tagroll.cli.clustering import HERE, ClusterOptions, cluster, cluster_options
from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.knowing import context_options
from tagroll.cli.options import (
    fresh_option,
    scan_options,
    shared_options,
    store_options,
    threshold_option,
)
from tagroll.cli.progress import UNSURE, Report, no_photos, stop_on_interrupt
from tagroll.cli.scanning import Scope, ignore_error, must_be_writable, noted, opened, scanned
from tagroll.cli.terminal import print_json, say, show, tell
from tagroll.cli.then import then_option
from tagroll.cli.typed import typed, undo_command
from tagroll.cli.words import SHOWN, WordOptions, read_library, word_options
from tagroll.domain import CAPTIONS, Outcome, Photo, Status, plural
from tagroll.errors import UsageError
from tagroll.settings import Mtime, Placing, Settings

if TYPE_CHECKING:
    from tagroll.runs.agree import Agreement
    from tagroll.runs.cluster import Cluster
    from tagroll.runs.context import Telling
    from tagroll.runs.learning.taught import Taught
    from tagroll.runs.proposal import Mode
    from tagroll.runs.run import Run, Tally, Workspace
    from tagroll.runs.tag import Tagger, TagRequest


WAITING = 16
"""Threads that may wait for the answer about another frame of their burst while others ask."""


@dataclass(frozen=True, slots=True)
class TagOptions:
    """The options of this command, as click gives them."""

    append_tags: bool
    replace: bool
    review: bool
    learned: bool
    asking: AskingOptions
    telling: "Telling"
    words: WordOptions
    title: bool
    description: bool
    alt_text: bool
    user_comment: bool
    write_place: bool
    bursts: bool
    text: bool
    text_in_description: bool
    scope: Scope
    placing: Placing
    mtime: Mtime
    dry_run: bool = False
    fresh: bool = False
    cluster: ClusterOptions = HERE

    def modes(self) -> list[str]:
        """What the history tells of how it was asked for.

        Raises:
            UsageError: It cannot be both.
        """
        if self.review and self.dry_run:
            raise UsageError(
                "--review writes nothing, so there is no --dry-run of it", "Leave one of them out"
            )
        return ["--dry-run"] if self.dry_run else ["--review"] if self.review else []

    def mode(self) -> "Mode":
        """Which tags go. What is typed counts more than a setting, and of two settings the one that keeps more.

        Raises:
            UsageError: It cannot be both.
        """
        context = click.get_current_context()
        typed = [
            name
            for name in ("append_tags", "replace")
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        ]
        if len(typed) > 1:
            raise UsageError("--append-tags takes nothing away, --replace all tags", "Leave one of them out")
        if self.append_tags and typed != ["replace"]:
            return "append"
        return "replace" if self.replace else "yours"

    def request(self) -> "TagRequest":
        """What is wanted of the run."""
        from tagroll.runs.tag import TagPolicy, TagRequest

        inside = self.text or self.text_in_description
        if inside:
            from tagroll.runs.inside import check_reader

            check_reader()
        described = self.description or self.text_in_description
        captions = {"title": self.title, "description": described, "alt_text": self.alt_text}
        policy = TagPolicy(
            mode=self.mode(), retag=self.fresh, dry_run=self.dry_run, case=self.asking.letters,
            max_tags=self.asking.max_tags, captions=tuple(name for name in CAPTIONS if captions[name]),
            user_comment=self.user_comment, place=self.write_place,
            inside=inside, inside_described=self.text_in_description,
        )  # fmt: skip
        return TagRequest(
            policy, self.words.request(), self.asking.language, self.asking.prompt_text(), self.telling, self.asking.votes,
            self.bursts, self.asking.check_tags,
        )  # fmt: skip


_OPTIONS = (
    click.option(
        "--append-tags",
        is_flag=True,
        help="Take no tag away.  [default: new tags take the place of those that tagroll wrote; yours stay]",
    ),
    click.option(
        "--replace",
        is_flag=True,
        envvar="TAGROLL_REPLACE",
        help="Take all tags away that the model does not say, yours too.",
    ),
    click.option(
        "--review",
        is_flag=True,
        help="Ask, and keep the answers for you to judge in `tagroll serve`; write nothing.",
    ),
    click.option(
        "--learned",
        is_flag=True,
        envvar="TAGROLL_LEARNED",
        help="Give the tags too that `tagroll learn` has learned of you, where they are sure.",
    ),
    asking_options,
    context_options,
    threshold_option(),
    word_options,
    click.option("--title", is_flag=True, help="Write a title too, where a photo has none."),
    click.option("--description", is_flag=True, help="Write a description too, where a photo has none."),
    click.option("--alt-text", is_flag=True, help="Write an alternative text too, where a photo has none."),
    click.option(
        "--user-comment",
        is_flag=True,
        help="Write the tags into EXIF UserComment too; some programs show it as a caption.",
    ),
    click.option(
        "--write-place",
        is_flag=True,
        envvar="TAGROLL_WRITE_PLACE",
        help="Write town, state and country too, from the coordinates of photos that do not say them.",
    ),
    click.option(
        "--text",
        is_flag=True,
        envvar="TAGROLL_TEXT",
        help="Read the text in photos, too, for `tagroll find`; needs `tagroll model get text`.",
    ),
    click.option(
        "--text-in-description",
        is_flag=True,
        envvar="TAGROLL_TEXT_IN_DESCRIPTION",
        help="The same, and write it into descriptions, where a photo has none.",
    ),
    click.option(
        "--bursts/--no-bursts",
        default=True,
        show_default=True,
        envvar="TAGROLL_BURSTS",
        help="Show a server one frame of a burst; the others get the same tags.",
    ),
    scan_options,
    store_options,
    shared_options(model=True),
)


def tag_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that tag photos, in the order of their help."""
    return functools.reduce(lambda made, option: option(made), reversed(_OPTIONS), function)


@click.command("tag", cls=GroupedCommand)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print what would be written; write nothing into photos.")
@fresh_option("Ask the model again about photos it has described before.", "--retag")
@then_option
@cluster_options
@tag_options
def command(settings: Settings, paths: tuple[Path, ...], **values: Any) -> None:
    """Show every photo in PATH... to a model and write what it sees into the photos, as tags.

    What a model said is remembered: run it again after an interruption and it goes on where it stopped.
    `tagroll undo` takes a run back. Hidden files and folders, whose names begin with a dot, are left out unless
    PATH names them.
    """
    options = TagOptions(**values)
    sys.exit(_run(settings, paths, options))


def _run(settings: Settings, paths: tuple[Path, ...], options: TagOptions) -> int:
    scanned(paths, options.scope)  # says that a path does not exist before anything begins
    if not (options.dry_run or options.review):
        must_be_writable(paths)
    options.request()  # says what cannot be
    with opened(settings, placing=options.placing, mtime=options.mtime) as space:
        if options.words.of_library:
            read_library(space, paths, options.scope)
        with cluster(space, options.cluster, options.asking, paths, options.scope) as workers:
            return _tag(space, paths, options, workers)


def _tag(space: "Workspace", paths: tuple[Path, ...], options: TagOptions, workers: "Cluster | None") -> int:
    """Tag the photos, here or with workers; gives the exit code."""
    from tagroll.runs.known import KnownFormats
    from tagroll.runs.tag import tagger

    settings, request, learned = space.settings, options.request(), taught(space, options)
    arguments = [*(str(path.absolute()) for path in paths), *options.modes()]
    done = Status.UNCHANGED if options.review else Status.TAGGED
    model = workers.model() if workers else space.model(limits=options.asking.limits(), defer=True)
    model.announce(lambda notes: tell(settings, *notes))
    with (
        space.begin("tag", arguments, model=model.describer.model, done=done) as run,
        stop_on_interrupt(space.stop, space.halt),
        _report(settings, paths, options, run) as report,
    ):
        scope = dataclasses.replace(options.scope, known=KnownFormats(space.catalog))
        found = islice(scanned(paths, scope, report.pass_over), options.asking.limit)
        photos = found if options.review else noted(found, space, settings)
        tags = tagger(run, model, request, learned)
        try:
            for outcome in tagged(
                options, run, workers.tagger(tags) if workers else tags, photos, model.threads
            ):
                report.show(outcome)
                if options.dry_run and not settings.json and not settings.verbose:
                    report.print(outcome)
        finally:
            if report.is_due:
                report.finish()
            if report.is_due and not settings.quiet:
                cut_off = run.cut_off or sys.exc_info()[0] is not None
                _advise(report.tally, paths, options, cut_off=cut_off)
    return 130 if run.cut_off else run.tally.exit_code


def taught(space: "Workspace", options: TagOptions) -> "Taught | None":
    """What was learned, where it is wanted.

    Raises:
        UsageError: Nothing was.
    """
    if not options.learned:
        return None
    from tagroll.runs.learning.taught import Taught  # with numpy: only where it is wanted

    return Taught.of(space)


def tagged(
    options: TagOptions, run: "Run", tags: "Tagger", photos: Iterable[Photo | Outcome], jobs: int
) -> Iterator[Outcome]:
    """Tag photos, or only ask about them, so many at once; then let those of each shoot agree."""
    from tagroll.runs.executors import threads

    folders = set[Path]()
    for outcome in run.outcomes(
        tags.propose if options.review else tags.tag, photos, threads(jobs + WAITING * options.bursts)
    ):
        yield outcome
        if outcome.status is Status.TAGGED:
            folders.add(outcome.path.parent)
    if folders and not options.dry_run:
        from tagroll.runs.agree import agree  # with all that merging needs: only where it is needed

        said = options.words.request().said
        _agree(run.space.settings, run, agree(run, folders, said, tags.policy.words))


def _agree(settings: Settings, run: "Run", agreements: Iterable["Agreement"]) -> None:
    """Let the photos of each shoot use one word for one thing, and tell it."""
    words: dict[str, str] = {}
    for agreement in agreements:
        words |= agreement.words
        for outcome in agreement.outcomes:
            run.tally.agreed += outcome.status.changed
            if outcome.status is Status.FAILED:
                run.tally.failures.append(outcome)
            elif settings.json and outcome.status.changed:
                print_json({**outcome.row(), "type": "agreed"})
    if run.tally.agreed:
        changed = ", ".join(f"{show(tag)} -> {show(word)}" for tag, word in sorted(words.items())[:SHOWN])
        more = " ..." if len(words) > SHOWN else ""
        tell(
            settings,
            f"{plural(run.tally.agreed, 'photo')} got the word that the rest of the shoot has: {changed}{more}",
        )


def _report(settings: Settings, paths: tuple[Path, ...], options: TagOptions, run: "Run") -> Report:
    def count() -> int:
        return sum(1 for _ in islice(scanned(paths, options.scope, ignore_error), options.asking.limit))

    looking = options.dry_run or options.review
    words = {Status.TAGGED: "would be tagged" if options.dry_run else "tagged"}
    if options.review:
        words = {Status.UNCHANGED: "looked at"}
    return Report(
        settings, "Looking" if looking else "Tagging", run.tally, words, count, nothing=UNSURE,
        space=run.space,
    )  # fmt: skip


def _advise(tally: "Tally", paths: tuple[Path, ...], options: TagOptions, *, cut_off: bool) -> None:
    """Say what can be done next, where there is something to say."""
    if cut_off:
        say(f"Stopped before the end; no file is half-written. Resume with: {typed()}")
    elif not tally.total:
        say(no_photos(paths))
    elif options.review:
        say(f"Judge what the model proposes: {shlex.join(['tagroll', 'serve', *map(str, paths)])}")
    options.words.advise(tally.unlisted)
    dry_run = options.dry_run
    if tally.kept:
        say(
            f"{plural(tally.kept, 'photo')} had a title or description already: {'it stays' if tally.kept == 1 else 'they stay'}."
        )
    if tally.withheld:
        say(
            f"The model says {plural(tally.withheld, 'tag')} that a person took away: "
            f"{'it stays' if tally.withheld == 1 else 'they stay'} away."
        )
    if tally.inherited:
        say(
            f"{plural(tally.inherited, 'photo')} got the tags of another frame of the same burst; --no-bursts asks about each."
        )
    if tally.struck:
        say(
            f"Of {plural(tally.struck, 'photo')} the model named people or places that the photo itself does not: not written."
        )
    if tally.removed:
        would = "would replace" if dry_run else "replaced"
        way_back = "" if dry_run else f"`{undo_command()}` brings them back, "
        dropped = f"The new tags {would} {plural(tally.removed, 'tag')} that tagroll did not write"
        say(f"{dropped}: {way_back}without --replace they stay.")
    elif tally.changed and not dry_run:
        say(f"Take it back: {undo_command()}")
