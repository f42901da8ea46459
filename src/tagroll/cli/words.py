"""The options about a person's words, and what is told of what was dropped."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.completing import tags
from tagroll.cli.options import Several
from tagroll.cli.progress import stop_on_interrupt
from tagroll.cli.rewrite import Session
from tagroll.cli.scanning import Scope
from tagroll.cli.terminal import say, show
from tagroll.domain import plural
from tagroll.errors import UsageError

if TYPE_CHECKING:
    from tagroll.runs.run import Workspace
    from tagroll.runs.words import WordRequest

LIBRARY = "library"
SHOWN = 10
"""Dropped words that are named."""


class VocabularyFile(click.Path):
    """A file that is there, or the word `library`; a file of that name is `./library`."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does it with a path."""
        return value if value == LIBRARY else super().convert(value, param, ctx)


_VOCABULARY = click.option(
    "--vocabulary", type=VocabularyFile(), metavar="FILE|library",
    envvar="TAGROLL_VOCABULARY",
    help="Call things by your words: those of a file, as `tagroll vocabulary build` writes it, or those that photos carry.",
)  # fmt: skip
_STRICT = click.option(
    "--strict", is_flag=True, help="Drop tags that are not in the vocabulary; a broader word of it takes their place."
)  # fmt: skip
_BAN = click.option(
    "--ban", shell_complete=tags, multiple=True, cls=Several, metavar="WORD|FILE",
    help="Never give this tag, however it is spelled; a word or a file of words. May be given more than once.",
)  # fmt: skip
_REQUIRE = click.option(
    "--require", shell_complete=tags, multiple=True, cls=Several, metavar="WORD|FILE",
    help="Always give this tag, too, whatever the model says; a word, a path (a|b) or a file. May be given more than once.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WordOptions:
    """The options, as click gives them.

    Attributes:
        vocabulary: A file, LIBRARY, or None.
        strict: Drop what is not in it.
        ban: Words that are never given, and files of them.
        require: Words that are always given, and files of them.
    """

    vocabulary: Path | str | None
    strict: bool
    ban: tuple[str, ...]
    require: tuple[str, ...]

    def request(self) -> "WordRequest":
        """What a person says of the words.

        Raises:
            UsageError: A file cannot be read, or a word cannot be a tag.
        """
        from tagroll.runs.words import LIBRARY, WordRequest, read_vocabulary_file, words_in

        if self.strict and self.vocabulary is None:
            raise UsageError(
                "--strict needs words", "Name them with --vocabulary FILE, or --vocabulary library"
            )
        listed = read_vocabulary_file(self.vocabulary) if isinstance(self.vocabulary, Path) else None
        if listed and not listed.terms:
            raise UsageError(f"there is no word in {self.vocabulary}", "A word a line will do")
        return WordRequest(
            LIBRARY if self.of_library else listed, self.strict, words_in(self.ban), words_in(self.require)
        )

    @property
    def of_library(self) -> bool:
        """Whether the words are those that photos carry."""
        return self.vocabulary == LIBRARY

    def advise(self, dropped: Mapping[str, int]) -> None:
        """Say what was dropped most, a line each as a vocabulary has it."""
        if not dropped:
            return
        most = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
        where = (
            f"to add to {show(str(self.vocabulary))}"
            if isinstance(self.vocabulary, Path)
            else "as lines of a vocabulary"
        )
        say(f"{plural(len(dropped), 'word')} of the model {'is' if len(dropped) == 1 else 'are'} not in your vocabulary"
            f" and were dropped. Most often, {where}:")  # fmt: skip
        for word, count in most:
            say(f"{show(word)}  # {plural(count, 'photo')}")


def read_library(space: "Workspace", paths: Sequence[Path], scope: Scope) -> None:
    """Read what the photos of these paths carry, so that the catalog knows their words."""
    from tagroll.runs.rewrite import OpenLibrary

    with stop_on_interrupt(space.stop):
        Session(space.settings, OpenLibrary.of(space, paths)).read_tags(scope)


def word_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that give photos a model's words; the command gets them as `words`."""

    @functools.wraps(function)
    def wrapper(**values: Any) -> Any:
        words = WordOptions(**{one.name: values.pop(one.name) for one in fields(WordOptions)})
        return function(words=words, **values)

    return _VOCABULARY(_STRICT(_BAN(_REQUIRE(wrapper))))
