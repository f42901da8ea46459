"""`tagroll tags rename|merge|remove`: what a person wants of tags, done to every photo that carries them."""

import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click

from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import scan_options, shared_options, store_options
from tagroll.cli.rewrite import advise, session
from tagroll.cli.terminal import show, tell
from tagroll.domain import Status, plural
from tagroll.errors import UsageError
from tagroll.settings import Settings

SUGGESTED = 5
_PATHS = click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    dry_run = click.option(
        "--dry-run", is_flag=True, help="Print how many would change, with -v each photo; write nothing."
    )
    return dry_run(scan_options(store_options(shared_options(model=False)(function))))


@click.command("rename", cls=GroupedCommand)
@click.argument("old")
@click.argument("new")
@_PATHS
@_options
def rename(settings: Settings, old: str, new: str, **values: Any) -> None:
    """Rename the tag OLD to NEW in the photos of PATH... `tagroll tag` uses NEW from now on.

    A tag that lies under others is named with its whole path, as `tagroll tags` lists it: 'Plants|Cactus'.
    """
    _refuse_empty("OLD", old)
    _refuse_empty("NEW", new)
    sys.exit(_run(settings, "rename", {old: new}, values))


@click.command("merge", cls=GroupedCommand)
@click.argument("tags_and_into", metavar="TAG... INTO", nargs=-1, required=True)
@click.option("--in", "paths", metavar="PATH", multiple=True, required=True, type=click.Path(path_type=Path),
              help="Where the photos are; may be given more than once.")  # fmt: skip
@_options
def merge(settings: Settings, tags_and_into: tuple[str, ...], **values: Any) -> None:
    """Make all of TAG... into the tag INTO, the last one. `tagroll tag` uses INTO from now on."""
    *tags, into = tags_and_into
    if not tags:
        raise UsageError(
            "merge needs the tags and what they become",
            "tagroll tags merge Dslr 'Digital SLR' DSLR --in PATH",
        )
    _refuse_empty("TAG", *tags)
    _refuse_empty("INTO", into)
    sys.exit(_run(settings, "merge", dict.fromkeys(tags, into), values))


@click.command("remove", cls=GroupedCommand)
@click.argument("tag")
@_PATHS
@_options
def remove(settings: Settings, tag: str, **values: Any) -> None:
    """Take TAG away from the photos of PATH..."""
    from tagroll.runs.rewrite import REMOVED

    _refuse_empty("TAG", tag)
    sys.exit(_run(settings, "remove", {tag: REMOVED}, values))


def _refuse_empty(name: str, *words: str) -> None:
    """An empty word would take the tag away; it comes of an unset variable in a script."""
    if not all(words):
        raise UsageError(f"{name} is empty", "To take a tag away: tagroll tags remove TAG PATH...")


ACTIONS = {"rename": rename, "merge": merge, "remove": remove}


def _not_there(tag: str, known: Collection[str]) -> str:
    """What is said of a tag that no photo carries."""
    from tagroll.runs.rewrite import meant_by

    meant = meant_by(tag, known)
    some = ", ".join(map(show, meant[:SUGGESTED])) + (" ..." if len(meant) > SUGGESTED else "")
    return f'No photo has the tag "{show(tag)}"' + (
        f": did you mean {some}?" if meant else " (case matters)."
    )


def _run(settings: Settings, action: str, into: dict[str, str], values: dict[str, Any]) -> int:
    from tagroll.runs.rewrite import check_words

    paths, dry_run = values["paths"], values["dry_run"]
    check_words(word for word in into.values() if word)
    with session(settings, paths, placing=values["placing"], mtime=values["mtime"]) as opened:
        opened.read_tags(values["scope"])
        known = opened.opened.library.counts
        tell(settings, *(_not_there(tag, known) for tag in into if tag not in known))
        if dry_run or not opened.opened.library.changing(into):
            report = opened.rewrite(into, written=not dry_run)
        else:
            arguments = [str(path) for path in opened.opened.paths]
            with opened.space.begin(f"tags {action}", arguments, done=Status.REWRITTEN) as run:
                run.decide({tag: word for tag, word in into.items() if word})
                report = opened.rewrite(into, run)
        report.finish()
        advise(opened, None if dry_run else report, stopped=opened.space.stop.is_set())
        changed = sum(known[tag] for tag, word in into.items() if tag != word)
        tell(settings, f"{plural(changed, 'tag')} {'would change' if dry_run else 'changed'}")
        return opened.exit_code(report)
