"""Options of commands that ask a model: how long to wait for it, and what it is shown."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.errors import UsageError, plainly
from tagroll.settings import DEFAULT_MAX_TAGS, Case

if TYPE_CHECKING:
    from tagroll.runs.limits import Limits

_WAITING = (
    click.option("--jobs", type=click.IntRange(1, 256), metavar="N", envvar="TAGROLL_JOBS",
                 help="Concurrent requests.  [default: as many as make it faster]"),
    click.option("--patience", "--wait-for-server", "patience", type=click.FloatRange(min=0), metavar="S",
                 default=60, show_default=True, envvar="TAGROLL_PATIENCE",
                 help="How long to wait for a lost server, in seconds."),
    click.option("--timeout", type=click.FloatRange(min=1), metavar="S", envvar="TAGROLL_TIMEOUT",
                 help="Wait S seconds for an answer, longer where answers took longer before.  "
                      "[default: 600 for the first, then 120]"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WaitingOptions:
    """The options of a command that asks a server, as click gives them.

    Attributes:
        jobs: Questions at once.
        patience: Seconds for a server to come back.
        timeout: Seconds for an answer.
    """

    jobs: int | None
    patience: float
    timeout: float | None

    def limits(self) -> "Limits":
        """How many questions at once, and how long to wait for answers, as the user wants it."""
        from tagroll.runs.limits import Limits

        wanted = Limits(jobs=self.jobs, outage=self.patience)
        if self.timeout is not None:
            wanted = replace(wanted, first_answer=self.timeout, answer=self.timeout)
        return wanted


@dataclass(frozen=True, slots=True)
class AskingOptions(WaitingOptions):
    """The options of a command that shows photos to a model, as click gives them.

    Attributes:
        limit: Photos, at the most.
        force: Whether to go on with a model that seems stuck.
        max_tags: Of a photo, at the most.
        language: Of tags and texts.
        prompt_file: Has the user's own words to the model.
        case: Letter case of tags, where the user says one.
        votes: Answers about a photo that are compared.
        check_tags: Whether a server is asked again of each tag.
    """

    limit: int | None
    force: bool
    max_tags: int
    language: str | None
    prompt_file: Path | None
    case: Case | None
    votes: int
    check_tags: bool

    @property
    def letters(self) -> Case:
        """Letter case of tags, the usual one of the language where the user says none."""
        from tagroll.runs.language import usual_case

        return self.case or usual_case(self.language)

    def limits(self) -> "Limits":
        """How many questions at once, and how long to wait for answers, as the user wants it."""
        wanted = WaitingOptions.limits(self)
        return replace(wanted, repeats=None) if self.force else wanted

    def prompt_text(self) -> str | None:
        """The user's own words to the model, or None.

        Raises:
            UsageError: They are not UTF-8.
        """
        return text_of(self.prompt_file)


def waiting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that ask a server about other things than photos; the command gets them as `waiting`."""

    @functools.wraps(function)
    def wrapper(**values: Any) -> Any:
        waiting = WaitingOptions(**{one.name: values.pop(one.name) for one in fields(WaitingOptions)})
        return function(waiting=waiting, **values)

    decorated: Callable[..., Any] = wrapper
    for option in reversed(_WAITING):
        decorated = option(decorated)
    return decorated


def asking_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands that show photos to a model; the command gets them as `asking`."""

    @functools.wraps(function)
    def wrapper(**values: Any) -> Any:
        asking = AskingOptions(**{one.name: values.pop(one.name) for one in fields(AskingOptions)})
        return function(asking=asking, **values)

    decorated: Callable[..., Any] = wrapper
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    options = (
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N photos."),
        *_WAITING,
        click.option("--force", is_flag=True,
                     help="Go on with a model that says the same of all photos, or nothing that can be used."),
        click.option("--max-tags", type=click.IntRange(1, 100), metavar="N", default=DEFAULT_MAX_TAGS, show_default=True,
                     envvar="TAGROLL_MAX_TAGS", help="At most N tags a photo."),
        click.option("--language", metavar="NAME", envvar="TAGROLL_LANGUAGE",
                     help="Language of the tags and texts.  [default: English]"),
        click.option("--prompt-file", type=file, envvar="TAGROLL_PROMPT_FILE", help="Your own words to the model."),
        click.option("--case", type=click.Choice(["title", "sentence", "lower", "keep"]),
                     envvar="TAGROLL_CASE",
                     help="Letter case of tags.  [default: title; in other languages than English, sentence]"),
        click.option("--votes", type=click.IntRange(1, 9), metavar="N", default=1, show_default=True, envvar="TAGROLL_VOTES",
                     help="Ask a server N times about each photo and keep what more than half of the answers say."),
        click.option("--check-tags", is_flag=True, envvar="TAGROLL_CHECK_TAGS",
                     help="Ask a server once more, of each tag: is it there? What it is not sure of is left out, or said in a "
                          "broader word."),
    )  # fmt: skip
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def text_of(path: Path | None) -> str | None:
    """The text of a file that an option names, or None.

    Raises:
        UsageError: It is not UTF-8.
    """
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {plainly(error)}", "Save it as UTF-8") from error
