"""Changing tags across a library: who carries which tag, what becomes of the tags, and the rewriting of photos.

What is wanted of a photo is a function of what it says (`Decide`): `mapped`, `without_ours`, `kept`, `pruned` make some.
`Rewriter.rewrite` is a plain function of one photo and its collaborators, so it can run in any number of threads.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Literal

from tagroll.domain import Change, Decide, Metadata, Outcome, Photo, Status
from tagroll.errors import UsageError
from tagroll.metadata.store import tags_after
from tagroll.photos.scan import absolute
from tagroll.runs.guard import guard
from tagroll.runs.read import Reader
from tagroll.runs.run import Run, Tally, Workspace
from tagroll.tags.hierarchy import only_paths
from tagroll.tags.identity import LEVEL, identities, identity, without
from tagroll.tags.normalize import is_visible

Whose = Literal["all", "ours", "yours"]
"""Tags that anybody wrote, tagroll, or a person."""
REMOVED = ""
"""What a tag becomes that is taken away."""


class Library:
    """Which photos carry which tags, gathered while they are read."""

    def __init__(self) -> None:
        self._photos: dict[Path, Photo] = {}
        self._said: dict[Path, Metadata] = {}
        self._words: dict[str, str] = {}
        self._changing: tuple[Decide | None, dict[Path, tuple[Photo, Metadata]]] = None, {}

    def remember(self, found: Iterable[Photo | Outcome]) -> Iterator[Photo | Outcome]:
        """Remember the photos on their way from the scan to the reader."""
        for item in found:
            if isinstance(item, Photo):
                self._photos[item.path] = item
            yield item

    def add(self, outcome: Outcome) -> None:
        """Note the tags of a photo that was read; a text is kept once, however many photos have it."""
        kept = self._words.setdefault
        tags, ours = (tuple(map(kept, some, some)) for some in (outcome.tags, outcome.ours))
        self._said[outcome.path] = Metadata(tags, ours=ours)
        self._changing = None, {}

    @property
    def counts(self) -> Counter[str]:
        """Tag -> how many photos carry it."""
        return Counter(chain.from_iterable(said.tags for said in self._said.values()))

    @property
    def words(self) -> Counter[str]:
        """Identity of a word -> how many photos carry it, wherever in a tag it stands."""
        levels = (
            {identity(level) for tag in said.tags for level in tag.split(LEVEL)}
            for said in self._said.values()
        )
        return Counter(word for words in levels for word in words)

    @property
    def untagged(self) -> int:
        """How many photos carry no tag."""
        return sum(not said.tags for said in self._said.values())

    @property
    def carriers(self) -> dict[str, set[Path]]:
        """Tag -> the photos that carry it."""
        found = defaultdict[str, set[Path]](set)
        for path, said in self._said.items():
            for tag in said.tags:
                found[tag].add(path)
        return found

    @property
    def ours(self) -> Counter[str]:
        """Tag -> in how many photos tagroll wrote it, where that was read."""
        return Counter(tag for said in self._said.values() for tag in said.ours)

    def touched(self, decide: Decide) -> int:
        """How many tags would change, in all photos together."""
        changes = ((said, decide(said)) for said in self._said.values())
        return sum(
            len(set(said.tags).difference(tags_after(said, change))) or len(change.theirs)
            for said, change in changes
            if change
        )

    def changing(self, decide: Decide) -> dict[Path, tuple[Photo, Metadata]]:
        """The photos that would change, in their order, with the tags they have now; the last answer is remembered."""
        if self._changing[0] is not decide:
            found = {path: (self._photos[path], said) for path, said in self._said.items() if decide(said)}
            self._changing = decide, found
        return self._changing[1]


def change_for(metadata: Metadata, mapping: Mapping[str, str]) -> Change:
    """What to do with a photo that says this; tags that the mapping does not name stay as they are.

    A word takes the place of the first tag that becomes it, so the tags behind that place are taken away and
    given back in their order. It is tagroll's where all tags that become it are.
    """
    tags, ours = metadata.tags, identities(metadata.ours)
    words: dict[str, str] = {}
    shared: set[str] = set()
    for tag in tags:
        if word := mapping.get(tag, tag):
            words.setdefault(identity(word), word)
            if identity(tag) not in ours:
                shared.add(identity(word))
    after = tuple(words.values())
    change = Change(
        ours=tuple(word for name, word in words.items() if name not in shared | ours),
        theirs=tuple(word for name, word in words.items() if name in shared & ours),
    )
    if after == tuple(tag for tag in tags if tag in after):
        return replace(change, remove=tuple(tag for tag in tags if tag not in after))
    same = next(i for i, (tag, word) in enumerate(zip(tags, after, strict=False)) if tag != word)
    return replace(change, add=after[same:], remove=tags[same:])


def mapped(mapping: Mapping[str, str]) -> Decide:
    """What makes tags other ones.

    Args:
        mapping: Tag -> what it becomes; REMOVED takes it away.
    """
    gone = {tag for tag, word in mapping.items() if tag != word}
    return lambda said: Change() if gone.isdisjoint(said.tags) else change_for(said, mapping)


def pruned(mapping: Mapping[str, str]) -> Decide:
    """As `mapped`, of the tags that tagroll wrote alone."""

    def decide(said: Metadata) -> Change:
        return mapped({tag: mapping[tag] for tag in said.ours if tag in mapping})(said)

    return decide


def without_ours(said: Metadata) -> Change:
    """Take away all that tagroll wrote."""
    return Change(remove=said.ours)


def kept(tag: str) -> Decide:
    """What makes a tag a person's that tagroll wrote."""
    return lambda said: Change(theirs=(tag,) if identity(tag) in identities(said.ours) else ())


def prune_plan(carriers: Mapping[str, Collection[Path]], fewest: int) -> dict[str, str]:
    """What becomes of the tags that few photos carry: the nearest word above that enough have, else REMOVED.

    A word counts wherever it stands: flat, or in its place in the library's tree, and a path for all words above it.

    Args:
        carriers: Tag -> the photos that carry it.
        fewest: So many photos keep a tag.
    """
    paths = only_paths(tag for tag in carriers if LEVEL in tag)
    places = {tag: paths.get(identity(tag), tag) for tag in carriers}
    photos = defaultdict[str, set[Path]](set)
    for tag, those in carriers.items():
        for word in _upwards(places[tag]):
            photos[identity(word)].update(those)

    def is_frequent(word: str) -> bool:
        return len(photos[identity(word)]) >= fewest

    plan = {tag: next(filter(is_frequent, _upwards(place)), REMOVED) for tag, place in places.items()}
    return {tag: word for tag, word in plan.items() if word != places[tag]}


def _upwards(path: str) -> Iterator[str]:
    """A path, and what it lies below, up to the root of the tree."""
    while path:
        yield path
        path = path.rpartition(LEVEL)[0]


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is wanted of the tags of a library.

    Attributes:
        decide: What a photo says -> what is to be changed.
        by_person: See `Run.entries`.
        merges: Tag -> what it is called from now on.
    """

    decide: Decide
    by_person: bool = False
    merges: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rewriter:
    """One run of rewriting: what is wanted of photos, and what to do with one.

    Attributes:
        run: Writes, and remembers.
        decide: What a photo says -> what is to be changed.
        by_person: See `Run.entries`.
    """

    run: Run
    decide: Decide
    by_person: bool = False

    def rewrite(self, photo: Photo) -> Outcome:
        """Give one photo the words that its tags have become.

        Raises:
            CatalogError: The run cannot go on.
            TagrollError: The disk is full; the run cannot go on.
        """
        return guard(photo.path, lambda: self._rewrite(photo))

    def _rewrite(self, photo: Photo) -> Outcome:
        self.run.clean(photo.path)
        entries = self.run.entries(by_person=self.by_person)
        written = self.run.write(photo, self.decide, entries=entries)
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

    def read(
        self, found: Iterable[Photo | Outcome], *, authors: bool = False, whose: Whose = "all"
    ) -> Iterator[Outcome]:
        """Read the tags of every photo that was found.

        Args:
            found: The photos.
            authors: Find out, too, which tags tagroll wrote.
            whose: Other tags are left out.
        """
        reader = Reader(self.space.store, self.space.catalog, authors=authors or whose != "all")
        for outcome in self.tally.counted(reader.read(self.library.remember(found))):
            if whose != "all":
                tags = outcome.ours if whose == "ours" else without(outcome.tags, outcome.ours)
                outcome = replace(outcome, tags=tags)  # noqa: PLW2901 - the same, with fewer tags
            if outcome.status is not Status.FAILED:
                self.library.add(outcome)
            yield outcome

    @property
    def read_photos(self) -> int:
        """How many photos could be read."""
        return self.tally.total - len(self.tally.failures)

    def rewritten(
        self, decide: Decide, tally: Tally, run: Run | None = None, *, by_person: bool = False
    ) -> Iterator[Outcome]:
        """Rewrite the photos that change, and only these; without a run, tell which would be.

        All that was read counts, too: what could not be read failed, what does not change is unchanged.
        """
        changing = self.library.changing(decide)
        tally.counts[Status.UNCHANGED] += self.read_photos - len(changing)
        yield from tally.counted(self.tally.failures)
        if run:
            rewriter = Rewriter(run, decide, by_person)
            yield from run.outcomes(rewriter.rewrite, (photo for photo, _ in changing.values()))
        else:
            yield from tally.counted(
                Outcome(path, Status.REWRITTEN, tags_after(said, decide(said)))
                for path, (_, said) in changing.items()
            )


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
