"""`tagroll vocabulary build PATH...`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import click

from tagroll.cli.grouped import Actions, GroupedCommand
from tagroll.cli.options import scan_options, shared_options
from tagroll.cli.rewrite import session
from tagroll.cli.scanning import Scope
from tagroll.cli.terminal import print_json, print_line, say, show, tell
from tagroll.domain import plural
from tagroll.settings import Settings


@click.command("build", cls=GroupedCommand)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write into this new file.  [default: print]")  # fmt: skip
@click.option("--flat", is_flag=True, help="Propose no place in a tree for words that stand in none.")
@scan_options
@shared_options(model=False)
def build(settings: Settings, paths: tuple[Path, ...], output: Path | None, **values: Any) -> None:
    """Write the words that the photos of PATH... carry as a vocabulary to edit.

    Each word stands there with its number of photos, likely synonyms in braces, and where it lies in a tree, as the photos
    have it or as it is likely. Nothing is written into photos, and a file that is there is never replaced.
    """
    sys.exit(_build(settings, paths, output, **values))


def _build(
    settings: Settings, paths: tuple[Path, ...], output: Path | None, *, flat: bool, scope: Scope
) -> int:
    from tagroll.runs.vocabulary import check_new, library_words, write_vocabulary

    if output:
        check_new(output)
    with session(settings, paths) as opened:
        opened.read_tags(scope)
        words = library_words(opened.opened.library, opened.space.catalog, nest=not flat)
        if output:
            write_vocabulary(output, words)
        if settings.json:
            print_json({"type": "vocabulary", "words": words.rows()})
        elif not output:
            for line in words.text.splitlines():
                print_line(line)
        tally = opened.opened.tally
        for failure in tally.failures:
            say(f"{show(failure.path)}  {failure.error}", mark="  ✗")
        tell(settings, f"{plural(len(words.vocabulary.terms), 'word')} from {plural(tally.total, 'photo')}")
        if output:
            tell(settings, f"Edit it, then: tagroll tag PATH --vocabulary {show(output)}")
        return tally.exit_code


class Vocabulary(Actions):
    """The actions."""

    actions: ClassVar[Mapping[str, click.Command]] = {"build": build}


@click.command("vocabulary", cls=Vocabulary)
def command() -> None:
    """Your own words: `tagroll vocabulary build PATH...` writes those that photos carry as a file to edit.

    `tagroll tag`, `classify`, `eval` and `dedupe` use such a file with --vocabulary FILE.
    """
