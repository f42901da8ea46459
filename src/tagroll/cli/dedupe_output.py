"""How a plan of merges is shown, asked about and reported."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import click

from tagroll.cli.terminal import print_json, print_line, say, show, single_keys
from tagroll.domain import plural
from tagroll.errors import UsageError
from tagroll.settings import Settings

if TYPE_CHECKING:
    from tagroll.runs.judging import Judged
    from tagroll.runs.merge import Plan

SHOWN_CHILDREN = 20
_KEYS = "y yes, merge   n no, keep apart for good   p prefer this word   a yes to all that follow by rules   q leave the rest"


def show_plan(plan: "Plan", counts: Mapping[str, int], settings: Settings) -> None:
    """Print what becomes of the tags, and why: lines for a person, or JSON lines."""
    from tagroll.runs.merge import why

    if settings.json:
        for kind, found in (("merge", plan.merges), ("suggested", plan.suggested)):
            for merge in found:
                print_json({"type": kind, **merge.row()})
        return
    for said, found in (("", plan.merges), ("A model calls the same, if you agree:", plan.suggested)):
        if said and found:
            print_line(f"\n{said}\n")
        for word, merges in groupby(found, key=lambda merge: merge.into):
            print_line(f"{word}  ({plural(counts.get(word, 0), 'photo')})")
            for merge in merges:
                print_line(f"  <- {merge.tag}  ({plural(merge.photos, 'photo')}): {why(merge)}")


def show_hierarchy(plan: "Plan", paths: Mapping[str, str], settings: Settings) -> None:
    """Print which tags become paths, or could."""
    if settings.json:
        for tag, path in paths.items():
            print_json({"type": "path", "tag": tag, "path": path})
        for child in () if paths else plan.hierarchy:
            print_json({"type": "hierarchy", **asdict(child)})
        return
    for tag, path in paths.items():
        print_line(f"{tag}  as  {path}")
    if paths or not plan.hierarchy or settings.quiet:
        return
    some = ", ".join(f"{show(c.child)} under {show(c.parent)}" for c in plan.hierarchy[:SHOWN_CHILDREN])
    more = len(plan.hierarchy) - SHOWN_CHILDREN
    say(f"--hierarchy would write as paths: {some}{f' and {more:,} more' if more > 0 else ''}")


def warn_of_threshold(plan: "Plan", settings: Settings) -> None:
    """Say when the threshold does not tell similar tags from random ones."""
    found = plan.background
    if found is None or found.usable or settings.quiet:
        return
    say(
        f"Nothing is merged by meaning: {found.share(found.threshold):.1%} of random pairs of tags are as "
        f"similar as {found.threshold:g} (usual cosine: {found.median:.2f}).",
        mark="!",
    )
    say(f"  --similarity-threshold {found.fitting:g} would fit this embedding model.")


def say_judged(judged: "Judged", settings: Settings) -> None:
    """Say how far a model was asked, and whether it is believed."""
    exam = judged.exam
    if settings.json:
        print_json(
            {
                "type": "judged",
                "model": judged.model,
                "pairs": judged.asked,
                "left": judged.left,
                **asdict(exam),
            }
        )
    if settings.quiet:
        return
    if not judged.is_believed:
        say(
            f"{judged.model} is not used: it was wrong about {exam.wrong} of {plural(exam.known, 'pair')} of which the"
            " answer is known. A larger model may do.",
            mark="!",
        )
    elif judged.asked:
        left = (
            f"; {plural(judged.left, 'more pair')} next time, or with --max-questions" if judged.left else ""
        )
        say(f"{judged.model} judged {plural(judged.asked, 'pair')} of tags{left}")


def say_suggested(plan: "Plan", settings: Settings) -> None:
    """Say where a person finds what a model only proposes."""
    if plan.suggested and not settings.quiet:
        count = plural(len(plan.suggested), "more tag")
        say(
            f"{count} could go by what a model says: --interactive asks, --plan FILE writes them down, tagroll serve shows them"
        )


def ask(plan: "Plan", counts: Mapping[str, int]) -> tuple[dict[str, str], frozenset[frozenset[str]]]:
    """Ask merge by merge, what gains most first, with one key.

    Returns:
        Tag -> the word it becomes, and the pairs that stay apart. What a person or a vocabulary decided
        before is not asked again.

    Raises:
        UsageError: There is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise UsageError("--interactive needs a terminal", "Without one: --plan FILE writes a plan to edit")
    with single_keys() as key:
        return _answers(plan, counts, lambda question: _key(question, key))


def _answers(
    plan: "Plan", counts: Mapping[str, int], ask_for: Callable[[str], str]
) -> tuple[dict[str, str], frozenset[frozenset[str]]]:
    from tagroll.runs.merge import follow, why

    into: dict[str, str] = {}
    preferred: dict[str, str] = {}
    apart: set[frozenset[str]] = set()
    yes_to_rules = ended = False
    say(_KEYS)
    for merge in plan.queue:
        word = preferred.get(merge.into, merge.into)
        if merge.is_decided:
            into[merge.tag] = word
            continue
        if ended:
            continue
        key = "y"
        if not yes_to_rules or merge in plan.suggested:
            key = ask_for(
                f"{show(merge.tag)} ({plural(merge.photos, 'photo')}) -> {show(word)} "
                f"({plural(counts.get(word, 0), 'photo')})  {show(why(merge))} [y/n/p/a/q] "
            )
        ended = key == "q"
        yes_to_rules |= key == "a"
        if key == "n":
            apart.add(frozenset((merge.tag, word)))
        elif key == "p":
            into = {tag: merge.tag if end == word else end for tag, end in into.items()}
            into[word] = preferred[merge.into] = merge.tag
        elif not ended:
            into[merge.tag] = word
    return {tag: follow(tag, into) for tag in into}, frozenset(apart)


def _key(question: str, pressed: Callable[[], str]) -> str:
    click.echo(show(question), nl=False, err=True)
    try:
        while (key := pressed().lower()) not in ("y", "n", "p", "a", "q"):
            continue
    except (KeyboardInterrupt, EOFError) as error:
        say("")
        raise click.exceptions.Exit(130) from error
    say(key)
    return key
