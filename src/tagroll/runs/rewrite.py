"""Merging tags across a library: who carries which tag, what becomes of the tags, and the rewriting of photos.

`Rewriter.rewrite` is a plain function of one photo and its collaborators, so it can run in any number of threads.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tagroll.catalog import Catalog, PhotoRow
from tagroll.domain import Change, Metadata, Outcome, Photo, Status, Write
from tagroll.errors import UsageError
from tagroll.metadata.store import MetadataStore
from tagroll.runs.guard import guard
from tagroll.tags.decisions import Decisions
from tagroll.tags.hierarchy import propose
from tagroll.tags.identity import LEVEL, identity
from tagroll.tags.normalize import is_visible
from tagroll.tags.vocabulary import Vocabulary

REMOVED = ""
"""What a tag becomes that is taken away."""


class Library:
    """Which photos carry which tags, gathered while they are read."""

    def __init__(self) -> None:
        self._photos: dict[Path, Photo] = {}
        self._tags: dict[Path, tuple[str, ...]] = {}
        self._words: dict[str, str] = {}

    def passing(self, found: Iterable[Photo | Outcome]) -> Iterator[Photo | Outcome]:
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
    """One run of merging: the collaborators, what tags become, and what to do with one photo.

    Attributes:
        store: Reads and writes the metadata of photos.
        catalog: Remembers writes and photos.
        mapping: Tag -> what it becomes; REMOVED takes it away.
        run: The number of this run in the catalog.
    """

    store: MetadataStore
    catalog: Catalog
    mapping: Mapping[str, str]
    run: int

    def rewrite(self, photo: Photo) -> Outcome:
        """Give one photo the words that its tags have become.

        Raises:
            CatalogError: The run cannot go on.
            TagrollError: The disk is full; the run cannot go on.
        """
        return guard(photo.path, lambda: self._rewrite(photo))

    def _rewrite(self, photo: Photo) -> Outcome:
        seen = Metadata()
        numbers: list[int] = []

        def decide(metadata: Metadata) -> Change:
            nonlocal seen
            seen = metadata
            change = change_for(metadata.tags, self.mapping)
            return replace(change, left=self.catalog.left_tags(photo.path)) if change else change

        def journal(write: Write) -> None:
            numbers.append(self.catalog.journal(self.run, write))

        writes = self.store.write(photo, decide, journal)
        if not writes:
            return Outcome(photo.path, Status.UNCHANGED, seen.tags)
        after, before = writes[-1].after.tags, self.catalog.photo(photo.path)
        wanted = before.wanted if before else None
        row = PhotoRow(photo.path, self.store.stamp(photo), writes[-1].picture_hash, after, wanted)
        self.catalog.conclude(dict.fromkeys(numbers, "done"), row)
        return Outcome(photo.path, Status.TAGGED, after)


def decisions_for(catalog: Catalog, vocabulary: Vocabulary) -> Decisions:
    """What was decided before, and what the vocabulary says."""
    return Decisions(apart=catalog.kept_apart(), into=catalog.merges(), vocabulary=vocabulary.terms)


def as_paths(
    into: Mapping[str, str], tags: Iterable[str], vocabulary: Vocabulary, apart: Collection[frozenset[str]]
) -> dict[str, str]:
    """Which tags become paths: under the parents proposed for them, or as the vocabulary or other photos have them.

    Args:
        into: Tag -> the word it becomes.
        tags: All tags of the library.
        vocabulary: Its paths win.
        apart: Word and path that a person does not want to be one.

    Returns:
        Tag -> path with "|" between the levels, only for tags that become one.
    """
    words = {tag: into.get(tag, tag) for tag in tags}
    leaves = defaultdict(list)
    for tag in sorted(set(words.values())):
        if LEVEL in tag:
            leaves[tag.split(LEVEL)[-1]].append(tag)
    known = {leaf: paths[0] for leaf, paths in leaves.items() if len(paths) == 1} | dict(vocabulary.paths)
    flat = {word for word in words.values() if LEVEL not in word}
    parent = {child.child: child.parent for child in propose(flat | set(known))}
    found = {tag: _path(word, parent, known) for tag, word in words.items() if LEVEL not in word}
    return {
        tag: path
        for tag, path in found.items()
        if LEVEL in path and frozenset((words[tag], path)) not in apart
    }


def _path(word: str, parent: Mapping[str, str], known: Mapping[str, str]) -> str:
    """The path of a word: up from parent to parent, as far as there is no path known."""
    names, at = [word], word
    while at not in known and (at := parent.get(at, "")) and at not in names:
        names.append(at)
    if at in known:
        names[-1] = known[at]
    return LEVEL.join(reversed(names))


def check_words(words: Iterable[str]) -> None:
    """See that texts can be tags.

    Raises:
        UsageError: One is empty, is a list, or holds what no field can.
    """
    for word in words:
        levels = word.split(LEVEL)
        if any(not level.strip() or level != level.strip() or not is_visible(level) for level in levels):
            raise UsageError(
                f"{word!r} cannot be a tag", 'A tag is a word or a few; levels are written "a|b".'
            )


def write_atomically(path: Path, text: str) -> None:
    """Replace or make a text file that is no photo: whole or not at all.

    Raises:
        UsageError: It cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {error.strerror}", "Is the folder read-only?") from error
