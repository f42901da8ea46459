"""Finding photos from a terminal: the grammar and the search of the gallery, with why each was found, and what to try else."""

import difflib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tagroll.domain import Photo, plural
from tagroll.photos.left_out import Excluded
from tagroll.runs.gallery import Gallery
from tagroll.runs.query import Clause, Query, Shown, folded, is_meant, parse
from tagroll.runs.read import BATCH
from tagroll.runs.text_search import expressions_for, plain_words
from tagroll.tags.identity import identity

if TYPE_CHECKING:
    from tagroll.runs.run import Workspace

Found = Literal["exact", "close", "alike"]
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local time
_NEAREST = 3
"""Tags that are told of as near to what was typed."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A photo that was found.

    Attributes:
        photo: Which.
        found: "exact", "close": by meaning alone, or "alike": in looks.
        why: What in it was asked for: "tag:Beach", "title: Sunset over water" ...
    """

    photo: Shown
    found: Found
    why: tuple[str, ...]

    def row(self) -> dict[str, object]:
        """What programs get to read of it."""
        photo = self.photo
        date = None if photo.taken is None else (_EPOCH + timedelta(seconds=photo.taken)).isoformat()
        return {
            "type": "photo", "path": str(photo.path), "tags": list(photo.tags), "date": date, "title": photo.title,
            "description": photo.description, "camera": photo.camera, "latitude": photo.latitude,
            "longitude": photo.longitude, "rating": photo.rating, "found": self.found, "why": list(self.why),
        }  # fmt: skip


@dataclass
class Finder:
    """One search.

    Attributes:
        space: Knows what models proposed.
        gallery: Where.
        typed: What is asked for.
        close: Give what is close in meaning, too, after the exact hits.
        exclude: Patterns of what is left out.
        like: A photo that others are to be like.
        missing: How many of the hits are not where the catalog has them; known at the end.
        unseen: How many photos could not be compared with it; likewise.
    """

    space: "Workspace"
    gallery: Gallery
    typed: str
    close: bool = False
    exclude: Sequence[str] = ()
    like: Photo | None = None
    missing: int = 0
    unseen: int = 0
    _query: Query = field(init=False)

    def __post_init__(self) -> None:
        self._query = parse(self.typed)

    def paths(self) -> Iterator[tuple[Path, Found]]:
        """Where the photos are that are found, the newest first; then those that are close, the closest first."""
        for _, path, found in self._there():
            yield path, found

    def hits(self) -> Iterator[Hit]:
        """The same, with all that is known of each and why it was found."""
        words = folded(plain_words(self._query.text)).split()
        there = self._there()
        while some := list(islice(there, BATCH)):
            how = {number: found for number, _, found in some}
            for photo in self.gallery.shown_of(list(how)):
                texts = () if how[photo.id] == "close" else self._why_text(words, photo)
                yield Hit(photo, how[photo.id], (*_why(self._query.terms, photo), *texts))

    def _why_text(self, words: Sequence[str], photo: Shown) -> Iterator[str]:
        """The texts in which the words stand."""
        inside = self.space.catalog.readings.text(photo.picture_hash).splitlines() if words else ()
        texts = [
            *(("tag", tag) for tag in photo.tags), ("title", photo.title), ("description", photo.description),
            ("folder", photo.folder), ("name", photo.path.stem), ("camera", photo.camera),
            *(("text in it", line) for line in inside),
        ]  # fmt: skip
        for name, text in texts:
            plain = folded(text)
            if any(word in plain for word in words):
                yield f"{name}: {text}"

    def _there(self) -> Iterator[tuple[int, Path, Found]]:
        if self._query.is_about_review:
            # what makes tags of answers is loaded where it is asked for
            from tagroll.runs.review import Review

            Review(self.space, self.gallery).by_tag()  # marks the photos
        if self.like:
            matches = self.gallery.like(self.like, self._query)
        else:
            matches = self.gallery.search(self.typed, close=self.close)
        self.unseen = matches.unseen
        near: Found = "alike" if self.like else "close"
        groups: tuple[tuple[Sequence[int], Found], ...] = ((matches.exact, "exact"), (matches.close, near))
        is_excluded = Excluded(self.exclude)
        for numbers, found in groups:
            for number in numbers:
                path = self.gallery.path(number)
                if path and is_excluded.below(path, self.gallery.roots):
                    continue
                if path and os.path.lexists(path):
                    yield number, path, found
                else:
                    self.missing += 1


def hints(gallery: Gallery, typed: str) -> tuple[str, ...]:
    """Why nothing was found, and what may have been meant."""
    query = parse(typed)
    mistakes = [term.mistake for term in query.terms if term.mistake and not term.is_not]
    if query.text and expressions_for(query.text) == ("", ""):
        mistakes.append(f"{query.text} has no letters or digits to search for")
    tags = gallery.tag_counts()
    nearest = [_nearest(term, tags) for term in query.terms if term.field == "tag" and not term.is_not]
    more: list[tuple[str, int]] = []
    if len(query.terms) + bool(query.text) > 1:
        counted = Counter(gallery.without_each(query))
        more = [(part, number) for part, number in counted.most_common(_NEAREST) if number]
    return (*mistakes, *filter(None, nearest), *(f"Without {part}: {number:,}" for part, number in more))


def unseen(number: int) -> str:
    """What is said of photos that could not be compared, or ""."""
    if not number:
        return ""
    return f"{plural(number, 'photo')} not looked at yet, so not compared: tagroll learn PATH looks at all"


def _nearest(term: Clause, tags: Mapping[str, int]) -> str:
    """What to try for a tag that no photo has."""
    if any(is_meant(tag, term.value) for tag in tags):
        return ""
    wanted = folded(term.value)
    # of several that are the same, the most frequent
    by_name = {folded(tag): tag for tag in sorted(tags, key=lambda tag: (tags[tag], tag))}
    inside = [tag for name, tag in by_name.items() if wanted in name]
    near = [by_name[name] for name in difflib.get_close_matches(wanted, by_name, _NEAREST)]
    meant = sorted(dict.fromkeys((*inside, *near)), key=lambda tag: -tags[tag])[:_NEAREST]
    told = ", ".join(f"{Clause('tag', tag)} ({_count(tag, tags):,})" for tag in meant)
    return f"No photo has the tag {term.value}" + (f"; there is {told}" if told else "")


def _count(tag: str, tags: Mapping[str, int]) -> int:
    """How many photos have a tag, however it is written there."""
    return sum(number for one, number in tags.items() if identity(one) == identity(tag))


def _why(terms: Sequence[Clause], photo: Shown) -> Iterator[str]:
    for term in terms:
        if term.field == "tag" and not term.is_not:
            yield from (str(Clause("tag", tag)) for tag in photo.tags if is_meant(tag, term.value))
        else:
            yield str(term)
