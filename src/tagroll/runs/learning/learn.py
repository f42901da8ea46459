"""Learning the tags of a library: what a person said of its photos, and what the built-in model sees in them."""

import time
from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from tagroll.catalog import Learned
from tagroll.domain import Outcome, Status
from tagroll.models.builtin.describer import FEATURES
from tagroll.runs.learning.examples import Examples, shoot_numbers
from tagroll.runs.learning.lessons import FEWEST, Lesson, Teacher
from tagroll.runs.run import Workspace
from tagroll.tags.packed import Packed

__all__ = ["Learned", "learn"]

_NO_FEWER = 2 * FEWEST
"""Photos of a library in which there is nothing to be learned."""


def learn(space: Workspace, read: Sequence[Outcome], told: Callable[[int, int], None]) -> dict[str, Learned]:
    """Learn every tag with enough examples, and keep that in the place of all that was learned before.

    Args:
        space: Has what was seen of the photos.
        read: What the photos of the library carry, as `Reader` with authors read it; of those that were not seen nothing
            is learned.
        told: How many words of how many are learned.

    Returns:
        Word -> what was learned of it.
    """
    pictures, vectors = _seen(space)
    examples = _examples(space, read, pictures)
    places = {picture: place for place, picture in enumerate(examples.said)}
    learned: dict[str, Learned] = {}
    if len(places) >= _NO_FEWER:
        features = Packed.of_bytes([vectors[pictures[picture]] for picture in places])
        teacher = Teacher(features, np.array([examples.shoots[picture] for picture in places]))
        words = examples.words(FEWEST)
        for done, word in enumerate(words):
            if space.stop.is_set():
                return {}
            told(done, len(words))
            yes, no = map(np.array, examples.sides(word, places))
            if lesson := teacher.learn(yes, no) if len(no) else None:
                learned[word] = _kept(examples.tag(word), len(yes), len(no), lesson)
    space.catalog.learned.replace(learned)
    return learned


def _seen(space: Workspace) -> tuple[dict[str, int], list[bytes]]:
    """Picture -> the place of what was seen of it, and all of that."""
    space.catalog.features.settled()
    pictures, vectors = dict[str, int](), list[bytes]()
    for rows in space.catalog.features.of(FEATURES):
        for _, picture, vector in rows:
            pictures[picture] = len(vectors)
            vectors.append(vector)
    return pictures, vectors


def _examples(space: Workspace, read: Sequence[Outcome], seen: dict[str, int]) -> Examples:
    catalog, examples = space.catalog, Examples()
    catalog.photos.settled()
    picture_of, rejected = catalog.photos.pictures(), catalog.verdicts.all_rejected()
    shoots = shoot_numbers(catalog.photos.taken_in(folder) for folder in {one.path.parent for one in read})
    alone = count(len(shoots))  # of which nobody knows when it was taken
    for outcome in read:
        picture = picture_of.get(outcome.path, "")
        if outcome.status is not Status.FAILED and picture in seen:
            shoot = shoots.get(outcome.path)
            examples.add(picture, outcome, next(alone) if shoot is None else shoot, rejected.get(picture, ()))
    return examples


def _kept(tag: str, examples: int, others: int, lesson: Lesson) -> Learned:
    return Learned(
        tag, FEATURES, examples, others, lesson.threshold, round(lesson.right, 2), lesson.given, round(lesson.found, 4),
        round(lesson.promise, 4), time.time(), lesson.weights.astype("<f4").tobytes(),
    )  # fmt: skip
