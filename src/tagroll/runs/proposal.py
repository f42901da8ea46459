"""What a model's tags for one photo change in it: a person's word counts more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tagroll.domain import Change, Metadata
from tagroll.tags.identity import LEVEL, identities, identity, word_of

Mode = Literal["yours", "append", "replace"]
"""Which tags go when new ones come: those that tagroll wrote before; none; all."""


@dataclass(frozen=True, slots=True)
class TagProposal:
    """What the model proposes for one photo.

    Attributes:
        tags: Normalised tags.
        captions: Texts for CAPTIONS.
        paths: Where in the library's tree a tag (by identity) stands, if it does.
        address: Fields for where the photo was taken, which it does not have.
        decided: The very same was written into this photo before.
        rejected: Words (see `word_of`) that a person rejected for this picture.
    """

    tags: tuple[str, ...]
    captions: Mapping[str, str]
    paths: Mapping[str, str] = field(default_factory=dict)
    address: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decided: bool = False
    rejected: frozenset[str] = frozenset()

    def change(self, metadata: Metadata, mode: Mode) -> Change:
        """The change that makes a photo carry these tags, and captions where it has none.

        A photo that was tagged before and still has some of these tags was edited by a person since: theirs is
        the last word. One that has none of them was restored from a backup or stripped: it gets them again. What
        a person took away is not given again.
        """
        if self.is_settled(metadata):
            return Change()
        tags = self._given(metadata)
        wanted = identities(tags)
        may_go = {"yours": metadata.ours, "append": (), "replace": metadata.tags}[mode] if tags else ()
        gone = tuple(tag for tag in may_go if word_of(tag) not in wanted)
        # a word that is a level of a path there is there, too
        there = {identity(level) for tag in metadata.tags if tag not in gone for level in tag.split(LEVEL)}
        # beside a path, Lightroom would make a flat word a second keyword, at the root of its tree
        add = tuple(self.paths.get(word, tag) for tag in tags if (word := identity(tag)) not in there)
        texts = {name: text for name, text in self.captions.items() if text and not getattr(metadata, name)}
        return Change(add, gone, texts, ours=add)

    def is_settled(self, metadata: Metadata) -> bool:
        """Whether a photo that was tagged so before is left as a person has edited it since."""
        if not self.decided:
            return False
        tags = self._given(metadata)
        return not tags or not identities(tags).isdisjoint(map(word_of, metadata.tags))

    def _given(self, metadata: Metadata) -> tuple[str, ...]:
        """The tags, without what a person took away or rejected."""
        withheld = self.withheld(metadata)
        return tuple(tag for tag in self.tags if tag not in withheld)

    def withheld(self, metadata: Metadata) -> tuple[str, ...]:
        """Those of the tags that a person took away or rejected."""
        away = self.rejected.union(map(word_of, metadata.away)).difference(map(word_of, metadata.tags))
        return tuple(tag for tag in self.tags if word_of(tag) in away)
