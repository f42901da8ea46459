"""Merging tags across a library: who carries which tag, what becomes of the tags, and the rewriting of photos.

`Rewriter.rewrite` is a plain function of one photo and its collaborators, so it can run in any number of threads.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tagroll.domain import Change, Metadata, Outcome, Photo, Status
from tagroll.errors import UsageError
from tagroll.metadata.store import tags_after
from tagroll.photos.scan import absolute
from tagroll.runs.guard import guard
from tagroll.runs.read import Reader
from tagroll.runs.run import Run, Tally, Workspace
from tagroll.tags.identity import LEVEL, identity
from tagroll.tags.normalize import is_visible

REMOVED = ""
"""What a tag becomes that is taken away."""


class Library:
    """Which photos carry which tags, gathered while they are read."""

    def __init__(self) -> None:
        self._photos: dict[Path, Photo] = {}
        self._tags: dict[Path, tuple[str, ...]] = {}
        self._words: dict[str, str] = {}

    def remember(self, found: Iterable[Photo | Outcome]) -> Iterator[Photo | Outcome]:
        """Remember the photos on their way from the scan to the reader."""
        for item in found:
            if isinstance(item, Photo):
                self._photos[item.path] = item
            yield item

    def add(self, outcome: Outcome) -> None:
        """Note the tags of a photo that was read; a text is kept once, however many photos have it."""
        self._tags[outcome.path] = tuple(self._words.setdefault(tag, tag) for tag in outcome.tags)

    @property
    def counts(self) -> Counter[str]:
        """Tag -> how many photos carry it."""
        return Counter(tag for tags in self._tags.values() for tag in tags)

    @property
    def untagged(self) -> int:
        """How many photos carry no tag."""
        return sum(not tags for tags in self._tags.values())

    def changing(self, mapping: Mapping[str, str]) -> dict[Path, tuple[Photo, tuple[str, ...]]]:
        """The photos that carry a tag the mapping changes, in their order, with the tags they have now."""
        gone = {tag for tag, word in mapping.items() if tag != word}
        return {
            path: (self._photos[path], tags) for path, tags in self._tags.items() if not gone.isdisjoint(tags)
        }


def change_for(tags: Iterable[str], mapping: Mapping[str, str]) -> Change:
    """What to do with a photo that carries these tags; what the mapping does not name stays as it is.

    A word takes the place of the first tag that becomes it, so the tags behind that place are taken away and
    given back in their order.
    """
    tags = tuple(tags)
    words: dict[str, str] = {}
    for tag in tags:
        if word := mapping.get(tag, tag):
            words.setdefault(identity(word), word)
    after = tuple(words.values())
    if after == tuple(tag for tag in tags if tag in after):
        return Change(remove=tuple(tag for tag in tags if tag not in after))
    same = next(i for i, (tag, word) in enumerate(zip(tags, after, strict=False)) if tag != word)
    return Change(add=after[same:], remove=tags[same:])


@dataclass(frozen=True, slots=True)
class Rewriter:
    """One run of merging: what tags become, and what to do with one photo.

    Attributes:
        run: Writes, and remembers.
        mapping: Tag -> what it becomes; REMOVED takes it away.
    """

    run: Run
    mapping: Mapping[str, str]

    def rewrite(self, photo: Photo) -> Outcome:
        """Give one photo the words that its tags have become.

        Raises:
            CatalogError: The run cannot go on.
            TagrollError: The disk is full; the run cannot go on.
        """
        return guard(photo.path, lambda: self._rewrite(photo))

    def _rewrite(self, photo: Photo) -> Outcome:
        self.run.clean(photo.path)
        removes = all(word == REMOVED for word in self.mapping.values())
        entries = self.run.entries(by_person=removes)
        written = self.run.write(photo, lambda said: change_for(said.tags, self.mapping), entries=entries)
        return written.outcome(photo.path, Status.REWRITTEN)


@dataclass(slots=True)
class OpenLibrary:
    """A library that can be read and rewritten.

    Attributes:
        space: What it is read and written with.
        paths: Where the photos are, absolute.
        library: Which photos carry which tags.
        tally: Counts what was read.
    """

    space: Workspace
    paths: Sequence[Path]
    library: Library = field(default_factory=Library)
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def of(cls, space: Workspace, paths: Sequence[Path]) -> "OpenLibrary":
        """The library at and below these paths."""
        return cls(space, [absolute(path) for path in paths])

    def read(self, found: Iterable[Photo | Outcome]) -> Iterator[Outcome]:
        """Read the tags of every photo that was found."""
        reader = Reader(self.space.store, self.space.catalog)
        for outcome in self.tally.counted(reader.read(self.library.remember(found))):
            if outcome.status is not Status.FAILED:
                self.library.add(outcome)
            yield outcome

    @property
    def read_photos(self) -> int:
        """How many photos could be read."""
        return self.tally.total - len(self.tally.failures)

    def rewritten(
        self, mapping: Mapping[str, str], tally: Tally, run: Run | None = None
    ) -> Iterator[Outcome]:
        """Rewrite the photos that change, and only these; without a run, tell which would be.

        All that was read counts, too: what could not be read failed, what does not change is unchanged.
        """
        changing = self.library.changing(mapping)
        tally.counts[Status.UNCHANGED] += self.read_photos - len(changing)
        yield from tally.counted(self.tally.failures)
        if run:
            yield from run.outcomes(Rewriter(run, mapping).rewrite, (photo for photo, _ in changing.values()))
        else:
            yield from tally.counted(map(partial(_foretold, mapping), changing.items()))


def _foretold(mapping: Mapping[str, str], item: tuple[Path, tuple[Photo, tuple[str, ...]]]) -> Outcome:
    """What would come of a photo with these tags; it is not opened."""
    path, (_, tags) = item
    return Outcome(path, Status.REWRITTEN, tags_after(Metadata(tags), change_for(tags, mapping)))


def meant_by(tag: str, known: Iterable[str]) -> list[str]:
    """Tags that may be meant by one that no photo carries: they differ in case, or have it as a level."""
    level = identity(f"{LEVEL}{tag}{LEVEL}")
    return [one for one in sorted(known) if level in identity(f"{LEVEL}{one}{LEVEL}")]


def check_words(words: Iterable[str]) -> None:
    """See that texts can be tags.

    Raises:
        UsageError: One is empty, is a list, or holds what no field can.
    """
    for word in words:
        levels = word.split(LEVEL)
        if any(not level.strip() or level != level.strip() or not is_visible(level) for level in levels):
            raise UsageError(
                f"{word!r} cannot be a tag", 'A tag is a word or a few; levels are written "a|b"'
            )
