"""Finding photos from a terminal: the grammar and the search of the gallery, with why each was found, and what to try else."""

import difflib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from tagroll.runs.gallery import Gallery
from tagroll.runs.query import Clause, Query, Shown, folded, is_meant, parse
from tagroll.runs.text_search import plain_words
from tagroll.tags.identity import identity

if TYPE_CHECKING:
    from tagroll.runs.run import Workspace

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local time
_NEAREST = 3
"""Tags that are told of as near to what was typed."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A photo that was found.

    Attributes:
        photo: Which.
        found: "exact", or "close": by meaning alone.
        why: What in it was asked for: "tag:Beach", "title: Sunset over water" ...
    """

    photo: Shown
    found: Literal["exact", "close"]
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
        missing: How many of the hits are not where the catalog has them; known at the end.
    """

    space: "Workspace"
    gallery: Gallery
    typed: str
    close: bool = False
    missing: int = 0
    _query: Query = field(init=False)
    _dropped: Counter[str] = field(default_factory=Counter)
    _tags: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._query = parse(self.typed)

    def hits(self) -> Iterator[Hit]:
        """The photos that are found, the newest first; then those that are close, the closest first."""
        query = self._query
        if query.is_about_review:
            from tagroll.runs.review import (
                Review,
            )  # what makes tags of answers is loaded where it is asked for

            Review(self.space, self.gallery).by_tag()  # marks the photos
        found = self.gallery.search(query.text, close=self.close)
        texts = set(found.exact) if query.text else None
        words = folded(plain_words(query.text)).split()
        for photo in self.gallery.all_shown():
            if self._fits(photo, texts) and self._is_there(photo):
                yield Hit(photo, "exact", (*_why(query.terms, photo), *_why_text(words, photo)))
        for number in found.close if self.close else ():
            near = self.gallery.shown(number)
            if near and query.matches(near) and self._is_there(near):
                yield Hit(near, "close", tuple(_why(query.terms, near)))

    def hints(self) -> tuple[str, ...]:
        """What may have been meant, when nothing was found; to be asked after `hits` has ended."""
        hints = [self._nearest(term) for term in self._query.terms if term.field == "tag" and not term.is_not]
        more = [f"Without {part}: {number:,}" for part, number in self._dropped.most_common(_NEAREST)]
        return (*filter(None, hints), *more)

    def _fits(self, photo: Shown, texts: set[int] | None) -> bool:
        """Whether all that is asked for is so; keeps count of what alone was not."""
        self._tags.update(photo.tags)
        failed = [str(term) for term in self._query.terms if not term.matches(photo)]
        if texts is not None and photo.id not in texts:
            failed.append(self._query.text)
        if len(failed) == 1 and len(self._query.terms) + (texts is not None) > 1:
            self._dropped[failed[0]] += 1
        return not failed

    def _is_there(self, photo: Shown) -> bool:
        there = os.path.lexists(photo.path)
        self.missing += not there
        return there

    def _nearest(self, term: Clause) -> str:
        """What to try for a tag that no photo has."""
        if any(is_meant(tag, term.value) for tag in self._tags):
            return ""
        wanted = folded(term.value)
        by_frequency = sorted(self._tags, key=lambda tag: (self._tags[tag], tag))
        # of several that are the same, the most frequent
        by_name = {folded(tag): tag for tag in by_frequency}
        inside = [tag for name, tag in by_name.items() if wanted in name]
        near = [by_name[name] for name in difflib.get_close_matches(wanted, by_name, _NEAREST)]
        meant = sorted(dict.fromkeys((*inside, *near)), key=lambda tag: -self._tags[tag])[:_NEAREST]
        told = ", ".join(f"{Clause('tag', tag)} ({self._count(tag):,})" for tag in meant)
        return f"No photo has the tag {term.value}" + (f"; there is {told}" if told else "")

    def _count(self, tag: str) -> int:
        """How many photos have a tag, however it is written there."""
        return sum(number for one, number in self._tags.items() if identity(one) == identity(tag))


def _why(terms: Sequence[Clause], photo: Shown) -> Iterator[str]:
    for term in terms:
        if term.field == "tag" and not term.is_not:
            yield from (str(Clause("tag", tag)) for tag in photo.tags if is_meant(tag, term.value))
        else:
            yield str(term)


def _why_text(words: Sequence[str], photo: Shown) -> Iterator[str]:
    """The texts in which the words stand."""
    texts = [
        *(("tag", tag) for tag in photo.tags), ("title", photo.title), ("description", photo.description),
        ("folder", photo.folder), ("name", photo.path.stem), ("camera", photo.camera),
    ]  # fmt: skip
    for name, text in texts:
        plain = folded(text)
        if any(word in plain for word in words):
            yield f"{name}: {text}"
