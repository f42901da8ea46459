"""What a model proposes for photos and nobody has decided yet: for a person to say yes or no to.

A proposal is what the answer that is kept of a picture becomes by the policy, less what the photo has, less what a
person rejected. Words that a model told but was not sure of are proposals, too, from LEAST on; so are those that were learned.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tagroll.domain import Description
from tagroll.runs.gallery import Gallery, Shown
from tagroll.runs.learning.telling import AllChances
from tagroll.runs.run import Workspace
from tagroll.runs.sureness import unsure
from tagroll.runs.tag import TagPolicy, TagRequest
from tagroll.settings import Case
from tagroll.tags.identity import LEVEL, identity, word_of


@dataclass(frozen=True, slots=True)
class Proposal:
    """A tag that a model proposes for a photo.

    Attributes:
        tag: As this library calls it, and where it stands there.
        confidence: How likely it is right, 0 to 1; None for a model that does not tell.
    """

    tag: str
    confidence: float | None

    @property
    def rank(self) -> float:
        """The surest first; a model that does not tell said what it was sure of."""
        return -1.0 if self.confidence is None else -self.confidence


@dataclass(frozen=True, slots=True)
class Proposed:
    """A tag, and the photos for which it is proposed.

    Attributes:
        tag: The tag.
        photos: Number of each and how sure the model was, the surest first.
    """

    tag: str
    photos: tuple[tuple[int, float | None], ...]

    @property
    def best(self) -> float | None:
        """How sure the model was where it was surest."""
        return self.photos[0][1]


class Namer:
    """Makes tags of a model's words, as this library calls them.

    Args:
        policy: What is made of answers.
        known: Identity -> tag, as photos carry it.
    """

    def __init__(self, policy: TagPolicy, known: Mapping[str, str]) -> None:
        self._policy, self._known = policy, known
        self._tags = lru_cache(maxsize=1 << 14)(self._tags_of)  # there are few words

    def proposals(self, answer: Description) -> dict[str, Proposal]:
        """Word (see `word_of`) -> what is proposed."""
        found: dict[str, Proposal] = {}
        case: Case = "sentence" if answer.language else "title"
        for word in (*dict.fromkeys(answer.keywords), *unsure(answer)):
            for tag in self._tags(word, case):
                one, known = Proposal(tag, answer.confidences.get(word)), found.get(word_of(tag))
                if known is None or one.rank < known.rank:
                    found[word_of(tag)] = one
        return found

    def _tags_of(self, word: str, case: Case) -> tuple[str, ...]:
        placed = self._policy.words.of([word], case, self._policy.max_tags)
        tags = (self._policy.words.paths.get(identity(tag), tag) for tag in placed.tags)
        return tuple(self._known.get(identity(tag), tag) for tag in tags)


class Review:
    """The proposals for the photos of a gallery. Safe to use from many threads.

    Args:
        space: Knows what models said, and what a person said of it.
        gallery: Which photos there are, and their tags.
    """

    def __init__(self, space: Workspace, gallery: Gallery) -> None:
        self._space, self._gallery = space, gallery
        self._lock, self._looking = threading.RLock(), threading.Lock()
        self._namer: Namer | None = None
        self._learned = AllChances(space.catalog)
        self._marked: set[int] = set()
        self._since: set[int] = set()

    def of(self, shown: Shown) -> list[Proposal]:
        """What is proposed for one photo, the surest first."""
        catalog = self._space.catalog
        if not shown.picture_hash:
            return []
        answer = self._learned.added(catalog.answers.latest_of(shown.picture_hash), shown.picture_hash)
        if answer is None:
            return []
        namer = self._namer or self._renew()
        return sorted(
            _open(namer.proposals(answer), shown, catalog.verdicts.rejected(shown.picture_hash)),
            key=lambda one: one.rank,
        )

    def same_as(self, shown: Shown) -> Path | None:
        """The frame of the same burst that the model was shown in the place of a photo; None where it was shown that."""
        catalog = self._space.catalog
        answer = catalog.answers.latest_of(shown.picture_hash) if shown.picture_hash else None
        rows = catalog.photos.with_picture(answer.inherited) if answer and answer.inherited else []
        return next((row.path for row in rows), None)

    def by_tag(self) -> list[Proposed]:
        """Every tag that is proposed, the surest first; marks the photos."""
        with self._looking:
            with self._lock:
                self._since = set()
            photos = self._all()
            proposed = {number for places in photos.values() for number, _ in places}
            with self._lock:  # of what was judged meanwhile, that is newer
                self._mark((proposed - self._since) | (self._marked & self._since))
        found = [
            Proposed(tag, tuple(sorted(places, key=lambda place: Proposal("", place[1]).rank)))
            for tag, places in photos.items()
        ]
        return sorted(found, key=lambda one: (Proposal("", one.best).rank, -len(one.photos), one.tag))

    def judged(self, numbers: Iterable[int]) -> None:
        """Mark anew, of some photos, which have a proposal."""
        with self._lock:
            shown = [one for one in map(self._gallery.shown, numbers) if one]
            there = {one.id for one in shown}
            self._since |= there
            self._mark((self._marked - there) | {one.id for one in shown if self.of(one)})

    def _all(self) -> Mapping[str, list[tuple[int, float | None]]]:
        """Tag -> the photos for which it is proposed, and how sure the model was."""
        namer, catalog = self._renew(), self._space.catalog
        answers, rejected = catalog.answers.latest(), catalog.verdicts.all_rejected()
        learned = self._learned.all()
        photos = defaultdict[str, list[tuple[int, float | None]]](list)
        for shown in self._gallery.shown_of(self._gallery.in_order(catalog.photos.answered())):
            picture = shown.picture_hash
            if answer := self._learned.added(answers.get(picture), picture, learned.get(picture, {})):
                said = rejected.get(picture, set())
                for one in _open(namer.proposals(answer), shown, said):
                    photos[one.tag].append((shown.id, one.confidence))
        return photos

    def _mark(self, numbers: set[int]) -> None:
        """The caller holds the lock."""
        if numbers != self._marked:
            self._marked = numbers
            self._gallery.mark_review(numbers)

    def _renew(self) -> Namer:
        """What is made of answers, as the library and the decisions are now."""
        catalog = self._space.catalog
        policy = TagRequest().policy_in(catalog)
        counts = self._gallery.tag_counts()
        known = {
            identity(tag): tag for tag in sorted(counts, key=counts.__getitem__)
        }  # the most frequent way to write it
        with self._lock:
            self._namer = Namer(policy, known)
            return self._namer


def _open(
    proposals: Mapping[str, Proposal], shown: Shown, rejected: frozenset[str] | set[str]
) -> Iterator[Proposal]:
    """Those that the photo does not have, and nobody has rejected. A level of a path that is there is there, too."""
    if proposals:
        there = {identity(level) for tag in shown.tags for level in tag.split(LEVEL)}
        yield from (one for word, one in proposals.items() if word not in there and word not in rejected)
