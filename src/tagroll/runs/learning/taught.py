"""What was learned, for photos that are tagged."""

import dataclasses
from dataclasses import dataclass
from typing import Self

from tagroll.domain import Photo
from tagroll.runs.held import Held
from tagroll.runs.learning.looking import Eyes
from tagroll.runs.learning.telling import LearnedWords
from tagroll.runs.look import Look
from tagroll.runs.run import Workspace
from tagroll.runs.words import Words


@dataclass(frozen=True, slots=True)
class Taught:
    """Says of a photo what was learned. Safe to use from many threads.

    Attributes:
        words: What was learned.
        eyes: See what it is told of.
    """

    words: LearnedWords
    eyes: Eyes

    @classmethod
    def of(cls, space: Workspace) -> Self:
        """What was learned in this catalog.

        Raises:
            UsageError: Nothing was.
        """
        return cls(LearnedWords.of(space.catalog), Eyes(space))

    def spelled(self, words: Words) -> Words:
        """The words of a run: those that were learned are called as photos have them, unless something else was decided."""
        return dataclasses.replace(words, preferred={**self.words.spellings, **words.preferred})

    def added(self, photo: Photo, look: Look, held: Held) -> tuple[Look, Held]:
        """What a model said of a photo, and what is left of it when it is held to the photo, both with what was learned.

        Nobody holds a person's own words to anything.

        Raises:
            PhotoError: The photo has to be seen for it, and cannot be decoded.
        """
        chances = self.words.chances(look.answer.features or self.eyes.features(photo, look.picture))
        return (
            dataclasses.replace(look, answer=self.words.added(look.answer, chances)),
            dataclasses.replace(held, answer=self.words.added(held.answer, chances)),
        )
