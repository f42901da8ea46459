"""What a person sees of a library: the photos at and below some paths, as the catalog knows them, kept up to date."""

import json
import os
import secrets
import threading
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagroll.domain import Outcome, Photo
from tagroll.errors import MetadataError, UsageError
from tagroll.photos.scan import absolute, leads_out, scan
from tagroll.photos.scan import count as count_photos
from tagroll.runs.alike import MOST, by_likeness, like_in
from tagroll.runs.columns import REVIEW, Columns, text
from tagroll.runs.learning.looking import Eyes
from tagroll.runs.meaning import Meaning
from tagroll.runs.news import is_news
from tagroll.runs.query import Clause, Query, Shown, parse
from tagroll.runs.read import BATCH, Reader
from tagroll.runs.text_search import expressions_for, plain_words
from tagroll.runs.walked import Walked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tagroll.catalog import ShownRow
    from tagroll.runs.columns import TagLists
    from tagroll.runs.run import Workspace

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["Clause", "Gallery", "Matches", "Progress", "Query", "Shown", "parse"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the indexing is.

    Attributes:
        done: Photos that were looked at.
        about: How many there are, about.
        running: Whether it goes on.
    """

    done: int = 0
    about: int = 0
    running: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search for text found.

    Attributes:
        exact: The numbers of the photos that have all the words, the newest first.
        close: Of others that are close to them in meaning, the closest first; or that are alike, where that was asked for.
        unseen: How many photos could not be compared, as the built-in model has not looked at them.
    """

    exact: tuple[int, ...] = ()
    close: tuple[int, ...] = ()
    unseen: int = 0


_GONE = "It was moved or deleted; it is looked for again soon"


class Gallery:
    """The photos at and below some paths. Safe to use from many threads.

    It shows at once what the catalog knows; `refresh` looks what has changed since. It needs no lock of the catalog.

    Args:
        space: What it works with; `Workspace.open(settings, hold=False)` will do.
        paths: Folders and files; none: all that the catalog knows, which is not looked at again.
        read_only: What the columns say of it.

    Attributes:
        mark: That of the catalog.
        videos: How many videos the last refresh has seen; they are not shown.
        notes: What a person should know of folders that it found empty or missing, a sentence each.
    """

    def __init__(self, space: "Workspace", paths: "Sequence[Path]", *, read_only: bool = False) -> None:
        self._space = space
        self._roots = [absolute(path) for path in paths]
        self._lock = threading.RLock()
        self._refreshing = threading.Lock()
        self._session, self._changes = secrets.token_hex(4), count(1)
        self._generation = f"{self._session}-0"
        self._packed: tuple[str, bytes] = ("", b"")
        self._version = -1
        self.mark = space.catalog.photos.mark()
        self._columns = Columns(self._roots, self.mark)
        self._meaning = Meaning(space.catalog, self._said)
        self._eyes = Eyes(space)
        space.when_closed(self._meaning.end)
        self._read_only = read_only
        self.videos = 0
        self.notes: tuple[str, ...] = ()
        self._catch_up()

    @property
    def generation(self) -> str:
        """Changes whenever `columns` would give something else."""
        return self._generation

    @property
    def roots(self) -> tuple[Path, ...]:
        """The paths, absolute."""
        return tuple(self._roots)

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self._columns)

    def columns(self) -> bytes:
        """All photos as columns (see `columns`), packed with gzip; the same bytes as long as the generation is the same."""
        with self._lock:
            if self._packed[0] != self._generation:
                head = {
                    "generation": self._generation, "videos": self.videos, "readOnly": self._read_only,
                    "roots": [text(os.fsencode(root)) for root in self._roots],
                }  # fmt: skip
                self._packed = (self._generation, self._columns.pack(head))
            return self._packed[1]

    def shown(self, number: int) -> Shown | None:
        """One photo as the catalog knows it; None: there is no such photo in these paths."""
        rows = self._space.catalog.photos.shown_as([number]) if number in self._columns else []
        return self._shown(rows[0], json.loads(rows[0].tags)) if rows else None

    def picture(self, number: int) -> tuple[str, str] | None:
        """Hash of a photo's picture ("": not known) and the stamp of its file; None: there is no such photo in these paths."""
        return self._space.catalog.photos.picture(number) if number in self._columns else None

    def path(self, number: int) -> Path | None:
        """Where a photo is as far as is known; None: there is no such photo in these paths."""
        path = self._columns.path(number)
        return None if path is None else Path(os.fsdecode(path))

    def all_shown(self) -> "Iterator[Shown]":
        """All photos, the newest first."""
        with self._lock:
            ids = self._columns.ids().tolist()
        return self.shown_of(ids)

    def in_order(self, numbers: "Sequence[int]") -> list[int]:
        """Those of some photos that are in these paths, the newest first."""
        with self._lock:
            found: list[int] = self._columns.ids()[self._columns.among(np.array(numbers, np.int64))].tolist()
            return found

    def shown_of(self, numbers: "Sequence[int]") -> "Iterator[Shown]":
        """Those of some photos that are there, in this order, read of the catalog as they are needed."""
        wanted = iter(numbers)
        while some := list(islice(wanted, BATCH)):
            rows = {row.id: row for row in self._space.catalog.photos.shown_as(some)}
            there = [rows[number] for number in some if number in rows and number in self._columns]
            yield from map(self._shown, there, json.loads(f"[{','.join(row.tags for row in there)}]"))

    def captions(self, numbers: "Sequence[int]") -> dict[int, str]:
        """The title of each of these photos, or else its description; only of those that have one."""
        rows = self._space.catalog.photos.shown_as([n for n in numbers if n in self._columns])
        return {row.id: row.title or row.description for row in rows if row.title or row.description}

    def carrying(self, tags: "Iterable[str]") -> list[int]:
        """The numbers of the photos that carry one of these very tags, the newest first."""
        these = set(tags)
        with self._lock:
            found: list[int] = self._columns.ids()[self._columns.with_tag(these.__contains__)].tolist()
            return found

    def tag_counts(self) -> dict[str, int]:
        """The tags that photos have, and how many of them."""
        with self._lock:
            return self._columns.tag_counts()

    def photo(self, number: int) -> Photo:
        """The file of a photo as it is now.

        Raises:
            MetadataError: There is no such photo, or its file is gone or no photo any more, or a link that leads out of the
                paths has taken its place.
        """
        shown = self.shown(number)
        if shown is None:
            raise MetadataError("is not there any more", _GONE)
        if self._roots and leads_out(shown.path, self._roots):
            raise MetadataError(
                "is a link that leads out of the folder", "Show the folder it leads to as well"
            )
        try:
            found = next(scan([shown.path], on_unreadable=lambda *_: None, on_link_out=lambda _: None), None)
        except UsageError as error:
            raise MetadataError("is not there any more", _GONE) from error
        if isinstance(found, Outcome):
            raise MetadataError(found.error, found.hint)
        if found is None or found.path != shown.path:  # a folder may have its name now
            raise MetadataError("is not there any more", _GONE)
        return found

    def search(self, typed: str, *, close: bool = True) -> Matches:
        """Search for photos.

        Args:
            typed: A query. Its words are searched for in tags, title, description, folder, file name and camera, and by
                meaning; "-" before a word: not. `title:`, `description:` and `name:` look there alone. `like:5`: photos
                that look like that of this number, which is looked at now if it was not before.
            close: Look for what is close in meaning, too. What that needs is made aside: until then nothing is.

        Raises:
            PhotoError: The photo that others are to be like cannot be looked at.
        """
        query = parse(typed)
        number, words = like_in(query.text)
        if number is not None:
            return self.like(self.photo(number), Query(query.terms, words), (number,))
        ids, terms, texts = self._fitting(query)
        exact: list[int] = ids[terms & texts].tolist()
        near: Sequence[int] = ()
        if close and query.text:
            near = self._meaning.closest(plain_words(query.text), self._generation)
        if near:
            others = set(ids[terms & ~texts].tolist())
            near = [number for number in near if number in others]
        return Matches(tuple(exact), tuple(near))

    def like(self, photo: Photo, query: Query, exact: tuple[int, ...] = ()) -> Matches:
        """The photos that look like one, the most alike first, of those that a query finds; `exact` are none of them.

        Raises:
            PhotoError: It was not looked at before, and cannot be.
        """
        seen = self._eyes.features(photo, self._space.picture_now(photo))
        order = by_likeness(self._space.catalog, seen)
        ids, terms, texts = self._fitting(query)
        fitting = set(ids[terms & texts].tolist())
        own = {row.id for row in self._space.catalog.photos.shown_at([photo.path])}.union(exact)
        alike = [number for number in order if number in fitting and number not in own]
        return Matches(exact, tuple(alike[:MOST]), len(fitting.difference(order)))

    def without_each(self, query: Query) -> dict[str, int]:
        """How many photos a query would find without one of its parts, by the part: where that is all that is in the way."""
        with self._lock:
            masks = {str(term): term.fits(self._columns) for term in query.terms}
            if query.text:
                masks[query.text] = self._fitting(query)[2]
        in_the_way = np.sum([~mask for mask in masks.values()], axis=0)
        return {part: int((~mask & (in_the_way == 1)).sum()) for part, mask in masks.items()}

    def prepare_meaning(self, told: "Callable[[int, int], None]") -> None:
        """Make what search by meaning needs now, and not beside a search; `told`: how many vectors of how many there are."""
        self._meaning.prepare(told)

    def mark_review(self, numbers: "Iterable[int]") -> None:
        """Say which photos have a proposal to judge."""
        with self._lock:
            self._columns.mark(numbers, REVIEW)
            self._next_generation()

    def changed(self, paths: "Iterable[Path]") -> None:
        """Take up what was done to some photos, as the catalog has it; of those it knows no more, the files are read."""
        photos = self._space.catalog.photos
        photos.settled()
        stale = [
            Path(os.fsdecode(row.path))
            for row in photos.shown_at(list(paths))
            if not row.stamp and not row.gone
        ]
        there = [path for path in stale if os.path.lexists(path)]
        if there:
            found = scan(there, on_unreadable=lambda *_: None)
            for _ in Reader(self._space.store, self._space.catalog).read(found):
                pass
        self._catch_up()

    def is_news(self, changed: "Iterable[Path]") -> bool:
        """Whether something that has changed in the folders is not as the catalog has it: not what was written by us."""
        return is_news(self._space, self._roots, changed)

    def refresh(
        self,
        tell: "Callable[[Progress], None]",
        exclude: "Sequence[str]" = (),
        on_link_out: "Callable[[Path], None] | None" = lambda _: None,
    ) -> None:
        """Look what there is and read what has changed, the newest folders first; ends early where `space.stop` is set.

        Args:
            tell: Told how far it is, after each batch and at the end.
            exclude: Patterns of what is not looked at (see `scan`); what is known of it stays.
            on_link_out: Likewise.

        Raises:
            UsageError: None of the paths is there.
        """
        with self._refreshing:
            walked = Walked(self._roots, exclude)
            about, done = count_photos(walked.there), 0
            tell(Progress(0, about, running=True))
            found = scan(
                walked.there, exclude=exclude, newest_first=True, on_unreadable=walked.pass_over,
                on_video=walked.count_video, on_link_out=on_link_out,
            )  # fmt: skip
            for outcome in Reader(self._space.store, self._space.catalog).read(self._until_stopped(found)):
                walked.met.add(os.fsencode(outcome.path))
                done += 1
                if done % BATCH == 0:
                    self._catch_up()
                    tell(Progress(done, max(about, done), running=True))
            if not self._space.stop.is_set():
                self._leave_out(walked)
            self._catch_up()
            self._space.catalog.texts.update()
            tell(Progress(done, done))

    # inside ----------------------------------------------------------------------------------------------

    def _fitting(self, query: Query) -> "tuple[Array, Array, Array]":
        """The photos in order, and of each whether the conditions of a query fit, and whether its text is found."""
        wanted, unwanted = expressions_for(query.text)
        texts = self._space.catalog.texts
        if query.text:
            texts.update()
        with self._lock:
            ids, terms = self._columns.ids(), query.fits(self._columns)
            found = np.full(len(ids), bool(wanted or unwanted or not query.text))
            if wanted:
                found &= self._columns.among(texts.search(wanted))
            if unwanted:
                found &= ~self._columns.among(texts.search(unwanted))
        return ids, terms, found

    def _said(self) -> "tuple[str, TagLists, dict[int, str]]":
        """The generation, tags and captions of the photos."""
        with self._lock:
            generation, lists = self._generation, self._columns.tag_lists()
        captions = self._space.catalog.photos.captions()
        return (
            generation,
            lists,
            {number: text for number, text in captions.items() if number in self._columns},
        )

    def _until_stopped(self, found: "Iterable[Photo | Outcome]") -> "Iterator[Photo | Outcome]":
        for item in found:
            if self._space.stop.is_set():
                return
            yield item

    def _leave_out(self, walked: Walked) -> None:
        """Note which photos are gone, as the walk did not meet them."""
        self._catch_up()
        with self._lock:
            places = self._columns.places()
        self._space.catalog.photos.set_gone(walked.gone(places))
        self.notes = tuple(walked.notes())
        if walked.videos != self.videos:
            self.videos = walked.videos
            self._next_generation()

    def _catch_up(self) -> None:
        """Take up what has changed in the catalog."""
        photos = self._space.catalog.photos
        with self._lock:
            since = self._version
            for some in photos.columns(self._roots or None, since):
                self._version = max(self._version, *some.version)
                self._columns.put(some)
            if self._version != since:
                self._next_generation()

    def _next_generation(self) -> None:
        self._generation = f"{self._session}-{next(self._changes)}"

    def _shown(self, row: "ShownRow", tags: "Sequence[str]") -> Shown:
        return Shown(
            row.id, Path(os.fsdecode(row.path)), row.format, row.width, row.height, row.taken, row.camera,
            row.latitude, row.longitude, row.rating, row.title, row.description, tuple(tags),
            self._columns.folder(row.path), row.picture_hash, row.stamp, row.error, row.hint,
            self._columns.marked(row.id, REVIEW),
        )  # fmt: skip
