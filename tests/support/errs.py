"""A model that errs at known rates, for what is promised of models."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from tagroll.domain import Description
from tagroll.runs.evaluate.scoring import Labelled, Synonyms

THINGS = (
    "dog", "cat", "horse", "cow", "sheep", "bird", "car", "bus", "train", "boat", "bicycle", "kite", "clock", "vase", "pizza",
    "cake", "bench", "umbrella", "bottle", "laptop", "chair", "bed", "truck", "bear",
)  # fmt: skip
STUBBORN = "chair"
"""A word that it says where nothing of that kind is, and is then as sure as where there is."""
SYNONYMS = Synonyms(*({thing: frozenset({thing}) for thing in THINGS} for _ in range(2)))


@dataclass
class Erring:
    """Photos of three things each, and what the model says of them.

    Attributes:
        rng: Draws them.
        false: Words a photo that are not in it, on average.
        knows: Share of these of which it is less sure than of what is there.
    """

    rng: random.Random
    false: float = 1.0
    knows: float = 1.0
    photos: dict[Path, Labelled] = field(default_factory=dict)

    def photo(self, number: int) -> tuple[Path, dict[str, float]]:
        """A new photo: its path, and what the model says of it with how sure it is."""
        rng, path = self.rng, Path(f"/{number}.jpg")
        there = rng.sample(THINGS, 3)
        self.photos[path] = Labelled(tuple(there))
        said = [thing for thing in there if rng.random() < 0.95] or there
        said += [one for one in THINGS if one not in there and rng.random() < self.false / (len(THINGS) - 3)]
        if STUBBORN not in said and rng.random() < 0.15:
            said.append(STUBBORN)
        rng.shuffle(said)
        return path, {word: self._sure(right=word in there or word == STUBBORN) for word in said}

    def _sure(self, *, right: bool) -> float:
        """Of what is there .89 on average, and in 6 of 100 cases less than .7; of other things spread around .4."""
        if right or self.rng.random() > self.knows:
            return self.rng.betavariate(8, 1)
        return self.rng.betavariate(2, 3)


def answer_of(sure: dict[str, float]) -> Description:
    """What a server that says this of a photo leads to."""
    return Description(tuple(sure), "stub-vlm", confidences=sure, said=tuple(sure))


def right_and_wrong(answers: dict[Path, Description], photos: dict[Path, Labelled]) -> tuple[int, int]:
    """How many keywords of these answers are right, and how many wrong."""
    right = [word in photos[path].labels for path, said in answers.items() for word in said.keywords]
    return sum(right), len(right) - sum(right)
