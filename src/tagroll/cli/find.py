"""`tagroll find QUERY [PATH...]`."""

import os
import re
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.completing import tags
from tagroll.cli.grouped import GroupedCommand
from tagroll.cli.options import scan_options, shared_options
from tagroll.cli.scanning import Scope, ignore_error
from tagroll.cli.terminal import print_json, print_line, tell
from tagroll.domain import plural
from tagroll.errors import UsageError
from tagroll.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagroll.domain import Photo
    from tagroll.runs.find import Finder
    from tagroll.runs.gallery import Progress

_NOT = re.compile(r"-[^-\s]+[:\s]")
"""A condition, or one of several words, with a "-" before it."""
_QUERY = "\0"

_MANY = 2048
"""From so many photos on it is said that they are looked through."""


class Find(GroupedCommand):
    """Takes a query that begins with "not" for what it is, and for no options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Mark such a query, so that nobody takes it for options."""
        return super().parse_args(ctx, [f"{_QUERY}{word}" if _NOT.match(word) else word for word in args])


@dataclass(frozen=True, slots=True)
class FindOptions:
    """The options of this command, as click gives them."""

    like: Path | None
    limit: int | None
    close: bool
    null: bool
    scope: Scope

    def photo(self) -> "Photo | None":
        """The photo that others are to be like.

        Raises:
            UsageError: It is none.
        """
        from tagroll.domain import Photo
        from tagroll.runs.run import scan

        if self.like is None:
            return None
        found = next(iter(scan([self.like], on_unreadable=ignore_error)), None)
        if isinstance(found, Photo):
            return found
        raise UsageError(f"{self.like} is no photo" + (f": {found.error}" if found else ""))


@click.command("find", cls=Find)
@click.argument(
    "query",
    required=False,
    shell_complete=tags,
    callback=lambda _ctx, _param, word: word and word.removeprefix(_QUERY),
)
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--like", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="PHOTO",
    help="Photos that look like this one, the most alike first; QUERY may be left out then.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N photos.")
@click.option("--close", is_flag=True, help="After what has the words, what is close to them in meaning.")
@click.option(
    "-0", "--null", is_flag=True, help="End each path with a zero byte and not a line break, for xargs -0."
)
@scan_options
@shared_options(model=False)
def command(settings: Settings, query: str | None, paths: tuple[Path, ...], **values: Any) -> None:
    """Print the paths of the photos that QUERY describes, the newest first.

    All of it has to fit: 'tag:beach -tag:person year:2019..2021 sunset over water'. Fields are tag, year, date, folder,
    camera, rating, is (untagged, review, unreadable) and has (gps, caption, rating, date, camera); "-" before one means
    not. Other words are searched for in tags, titles, descriptions, names of files and folders, and cameras; title:,
    description: and name: look there alone. A tag is found by its whole name, or by a level of its path.

    PATH... is looked through for changes first. Without it, all that the catalog knows is searched, as it was last seen.
    """
    options = FindOptions(**values)
    if options.like and query and Path(query).exists():
        query, paths = "", (Path(query), *paths)
    elif query is None and options.like is None:
        raise UsageError("nothing is asked for", "Name a QUERY, or --like PHOTO")
    _find(settings, query or "", paths, options)


def _find(settings: Settings, query: str, paths: tuple[Path, ...], options: FindOptions) -> None:
    from tagroll.runs.find import Finder, hints, unseen
    from tagroll.runs.gallery import Gallery
    from tagroll.runs.run import Workspace

    scope = options.scope
    with Workspace.open(settings, hold=False) as space:
        gallery = Gallery(space, paths)
        if paths:
            gallery.refresh(
                _Told(settings), scope.exclude, None if scope.follow_links else lambda _link: None
            )
            tell(settings, *gallery.notes)
        if options.close:
            gallery.prepare_meaning(lambda done, of: _tell_of_meaning(settings, done, of))
        finder = Finder(
            space, gallery, query, close=options.close, exclude=scope.exclude, like=options.photo()
        )
        found = _print_all(settings, finder, options)
        reasons = () if found else hints(gallery, query)
    if finder.missing:
        tell(
            settings,
            f"Not where the catalog says: {plural(finder.missing, 'photo')}; name the folder to look again",
        )
    if finder.unseen:
        tell(settings, unseen(finder.unseen))
    if not found:
        _tell_why(settings, reasons, knows_photos=bool(paths or len(gallery)))


def _print_all(settings: Settings, finder: "Finder", options: FindOptions) -> int:
    """Print what is found; gives how many."""
    found, group = 0, "exact"
    hits: Iterator[tuple[Path | dict[str, object], str]] = finder.paths()
    if settings.json:
        hits = ((hit.row(), hit.found) for hit in finder.hits())
    for hit, how in islice(hits, options.limit):
        if how == "close" != group:
            tell(settings, "Close in meaning:")
        _print(hit, null=options.null)
        found, group = found + 1, how
    return found


def _tell_why(settings: Settings, reasons: "Sequence[str]", *, knows_photos: bool) -> None:
    """Say what may be the reason that nothing was found."""
    tell(settings, "No photo is like this.", *(f"  {reason}" for reason in reasons))
    if not knows_photos:
        tell(
            settings,
            "  The catalog knows no photos yet: name a folder, or run tagroll tag or tagroll tags first",
        )


def _print(hit: "Path | dict[str, object]", *, null: bool) -> None:
    if not isinstance(hit, Path):
        print_json(hit)
    elif null:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(hit) + b"\0")
        sys.stdout.buffer.flush()
    else:
        print_line(str(hit))


class _Told:
    """Says once that it takes a while."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._said = settings, False

    def __call__(self, progress: "Progress") -> None:
        """How far it is."""
        if progress.about > _MANY and not self._said:
            self._said = True
            tell(self._settings, f"Looking through about {progress.about:,} photos for changes ...")


def _tell_of_meaning(settings: Settings, done: int, of: int) -> None:
    if of - done > _MANY:
        tell(settings, f"Learning what {of - done:,} tags and captions mean; this is kept ...")
