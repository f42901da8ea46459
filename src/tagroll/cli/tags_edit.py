"""`tagroll tags rename|merge|remove|keep|prune`: what a person wants of tags, done to every photo that carries them."""

import sys
import unicodedata
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli import completing
from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import scan_options, shared_options, store_options
from tagroll.cli.rewrite import advise, session
from tagroll.cli.terminal import print_json, print_line, show, tell
from tagroll.cli.typed import typed
from tagroll.domain import Status, plural
from tagroll.errors import UsageError
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.rewrite import Library, Rewriting

SUGGESTED = 5
_PATHS = click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))


def rewriting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Those of every action: which photos, and how they are written."""
    return scan_options(store_options(shared_options(model=False)(function)))


def dry_run_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """With what it does."""
    return click.option("--dry-run", is_flag=True, help=text)


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    dry_run = dry_run_option("Print how many would change, with -v each photo; write nothing.")
    return dry_run(rewriting_options(function))


@click.command("rename", cls=GroupedCommand)
@click.argument("old", shell_complete=completing.tags)
@click.argument("new", shell_complete=completing.tags)
@_PATHS
@_options
def rename(settings: Settings, old: str, new: str, **values: Any) -> None:
    """Rename the tag OLD to NEW in the photos of PATH... `tagroll tag` uses NEW from now on.

    A tag that lies under others is named with its whole path, as `tagroll tags` lists it: 'Plants|Cactus'.
    """
    _refuse_empty("OLD", old)
    _refuse_empty("NEW", new)
    sys.exit(_run(settings, "rename", values, _merging(settings, {old: new})))


@click.command("merge", cls=GroupedCommand)
@click.argument(
    "tags_and_into", metavar="TAG... INTO", nargs=-1, required=True, shell_complete=completing.tags
)
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
    sys.exit(_run(settings, "merge", values, _merging(settings, dict.fromkeys(tags, into))))


@click.command("remove", cls=GroupedCommand)
@click.argument(
    "tag_and_paths", metavar="TAG PATH...", nargs=-1, required=True, shell_complete=completing.tag_then_paths
)
@click.option("--ours", is_flag=True, help="Take all tags away that tagroll wrote; name no TAG.")
@_options
def remove(settings: Settings, tag_and_paths: tuple[str, ...], *, ours: bool, **values: Any) -> None:
    """Take TAG away from the photos of PATH...

    With --ours, all that tagroll wrote: that says nothing of the single tags, and `tagroll tag` may write them again.
    """
    from tagroll.runs.rewrite import REMOVED, Rewriting, mapped, without_ours

    tag, paths = ("", tag_and_paths) if ours else (tag_and_paths[0], tag_and_paths[1:])
    if not ours:
        _refuse_empty("TAG", tag)
    if not paths:
        raise UsageError(
            "PATH is missing", "tagroll tags remove TAG PATH..., or: tagroll tags remove --ours PATH..."
        )
    values["paths"] = tuple(map(Path, paths))

    def wanted(library: "Library") -> "Rewriting":
        if ours:
            return Rewriting(without_ours)
        _tell_missing(settings, [tag], library.counts)
        return Rewriting(mapped(_spelled({tag: REMOVED}, library.counts)), by_person=True)

    sys.exit(_run(settings, "remove", values, wanted, authors=ours))


@click.command("keep", cls=GroupedCommand)
@click.argument("tag", shell_complete=completing.tags)
@_PATHS
@_options
def keep(settings: Settings, tag: str, **values: Any) -> None:
    """Make TAG yours in the photos of PATH... where tagroll wrote it: from now on no run takes it away."""
    from tagroll.runs.rewrite import Rewriting, kept

    _refuse_empty("TAG", tag)

    def wanted(library: "Library") -> "Rewriting":
        _tell_missing(settings, [tag], library.counts)
        return Rewriting(kept(tag))

    sys.exit(_run(settings, "keep", values, wanted, authors=True))


@click.command("prune", cls=GroupedCommand)
@_PATHS
@click.option("--fewer-than", "fewest", metavar="N", type=click.IntRange(min=2), required=True,
              help="Tags that fewer than N of the photos have.")  # fmt: skip
@click.option("--all", "all_tags", is_flag=True, help="Yours, too, and not only those that tagroll wrote.")
@click.option("--write", is_flag=True, help="Do it. Else it is only printed what would become of which tag.")
@rewriting_options
def prune(settings: Settings, *, fewest: int, all_tags: bool, write: bool, **values: Any) -> None:
    """Take rare tags away that tagroll wrote, or put the word above in their place, where your tree has one.

    In a tree, "Italy|Malcesine" becomes "Italy" where enough photos have that, or something below it.
    """
    from tagroll.runs.rewrite import Rewriting, mapped, prune_plan, pruned

    def wanted(library: "Library") -> "Rewriting":
        plan = prune_plan(library.carriers, fewest)
        if not all_tags:
            plan = {tag: word for tag, word in plan.items() if tag in library.ours}
        _print_plan(settings, plan, library.counts if all_tags else library.ours)
        return Rewriting(mapped(plan) if all_tags else pruned(plan), by_person=True)

    values["dry_run"] = not write
    sys.exit(_run(settings, "prune", values, wanted, authors=not all_tags))


def _print_plan(settings: Settings, plan: dict[str, str], counts: Mapping[str, int]) -> None:
    if settings.json:
        print_json({"type": "plan", "tags": {tag: word or None for tag, word in plan.items()}})
        return
    for tag, word in sorted(plan.items(), key=lambda item: item[0].casefold()):
        print_line(f"{counts[tag]:>4,}  {tag}" + (f" -> {word}" if word else ""))


def _refuse_empty(name: str, *words: str) -> None:
    """An empty word would take the tag away; it comes of an unset variable in a script."""
    if not all(words):
        raise UsageError(f"{name} is empty", "To take a tag away: tagroll tags remove TAG PATH...")


def _merging(settings: Settings, into: dict[str, str]) -> Callable[["Library"], "Rewriting"]:
    from tagroll.runs.rewrite import Rewriting, check_words, mapped

    check_words(into.values())

    def wanted(library: "Library") -> "Rewriting":
        _tell_missing(settings, into, library.counts)
        there = _spelled(into, library.counts)
        return Rewriting(mapped(there), merges=there)

    return wanted


def _tell_missing(settings: Settings, tags: Collection[str], known: Collection[str]) -> None:
    """Say of tags that no photo carries what may be meant."""
    forms = set(map(_form, known))
    tell(settings, *(_not_there(tag, known) for tag in tags if _form(tag) not in forms))


def _spelled(into: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """What tags become, by the ways in which photos have them: Café has two, which look the same, and one is typed."""
    forms = {_form(tag): word for tag, word in into.items()}
    there = {tag: forms[_form(tag)] for tag in known if _form(tag) in forms}
    return {**into, **{tag: word for tag, word in there.items() if tag != word}}


def _form(tag: str) -> str:
    return unicodedata.normalize("NFC", tag)


def _not_there(tag: str, known: Collection[str]) -> str:
    """What is said of a tag that no photo carries."""
    from tagroll.runs.rewrite import meant_by

    meant = meant_by(tag, known)
    some = ", ".join(map(show, meant[:SUGGESTED])) + (" ..." if len(meant) > SUGGESTED else "")
    return f'No photo has the tag "{show(tag)}"' + (
        f": did you mean {some}?" if meant else " (case matters)."
    )


def _run(
    settings: Settings, action: str, values: dict[str, Any], plan: Callable[["Library"], "Rewriting"],
    *, authors: bool = False,
) -> int:  # fmt: skip
    """Read the photos, and do what is wanted of their tags.

    Args:
        settings: What all commands share.
        action: Its name.
        values: Its options.
        plan: What is wanted of the library that was read.
        authors: Whether that depends on which tags tagroll wrote.
    """
    paths, dry_run = values["paths"], values["dry_run"]
    with session(settings, paths, placing=values["placing"], mtime=values["mtime"]) as opened:
        opened.read_tags(values["scope"], authors=authors)
        library = opened.opened.library
        wanted = plan(library)
        if dry_run or not library.changing(wanted.decide):
            report = opened.rewrite(wanted.decide, written=not dry_run)
        else:
            arguments = [str(path) for path in opened.opened.paths]
            with opened.space.begin(f"tags {action}", arguments, done=Status.REWRITTEN) as run:
                run.decide(wanted.merges)
                report = opened.rewrite(wanted.decide, run, by_person=wanted.by_person)
        report.finish()
        advise(opened, None if dry_run else report, stopped=opened.space.stop.is_set())
        changed = library.touched(wanted.decide)
        tell(settings, f"{plural(changed, 'tag')} {'would change' if dry_run else 'changed'}")
        if action == "prune" and dry_run and changed:
            tell(settings, f"Do it: {typed('--write')}")
        return opened.exit_code(report)
