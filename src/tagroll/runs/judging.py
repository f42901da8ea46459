"""A model as judge of pairs of tags: what it is asked, whether it knows what it says, and what is kept of it."""

import random
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from math import ceil

from tagroll.catalog import Catalog
from tagroll.catalog.relations import Exam
from tagroll.domain import Describer
from tagroll.errors import PhotoError
from tagroll.models.choose import Model, choose_judge
from tagroll.models.pairs import PAIRS_KEY, pairs_prompt, read_relations
from tagroll.parallel import map_unordered
from tagroll.tags.questions import Pair, Questions, Relation, pair_of

__all__ = ["Judge", "Judged", "Model", "choose_judge"]

BATCH = 30
"""Pairs in one question."""
_OTHERS = 9
"""Pairs that are asked about for each one whose answer is known."""
_SEED = 20
_SAME = (
    ("Photograph", "Photographs"), ("Automobile", "Car"), ("B&W", "Black and White"), ("Bicycle", "Bike"), ("Couch", "Sofa"),
    ("Grey Sky", "Gray Sky"), ("Mountain", "Mountains"), ("Seashore", "Sea Shore"), ("Sunset", "sunset"), ("TV", "Television"),
    ("Tree", "Trees"), ("Two Dogs", "2 Dogs"),
)  # fmt: skip
_TWO = (
    ("Black Cat", "White Cat"), ("Boy", "Girl"), ("Cat", "Dog"), ("Day", "Night"), ("Door", "Window"), ("East", "West"),
    ("Fork", "Spoon"), ("Indoor", "Outdoor"), ("January", "July"), ("Monday", "Tuesday"), ("Red Car", "Blue Car"),
    ("Summer", "Winter"), ("Sunrise", "Sunset"),
)  # fmt: skip
ANYBODY = {pair_of(*pair): is_same for pairs, is_same in ((_SAME, True), (_TWO, False)) for pair in pairs}
"""Pairs that anybody knows, for libraries that have too few of their own, and whether they are the same."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of asking.

    Attributes:
        relations: What the model said, now and before; nothing of a model that is not believed.
        asked: How many pairs it was asked about now.
        left: How many there were no questions left for.
        exam: How it did on what is known.
        model: Its name.
    """

    relations: Mapping[Pair, Relation]
    asked: int
    left: int
    exam: Exam
    model: str

    @property
    def is_believed(self) -> bool:
        """Whether the model knows what it says."""
        return not self.exam.is_failed


@dataclass(slots=True)
class Judge:
    """A model that is asked how tags belong together.

    Attributes:
        model: It.
        catalog: Keeps what it says.
        most: Pairs that it is asked about at the most.
        stop: Set when the run is to end; what was said until then is kept.
        told: Called with how many pairs of how many were judged, from time to time.
    """

    model: Describer
    catalog: Catalog
    most: int
    stop: threading.Event = field(default_factory=threading.Event)
    told: Callable[[int, int], None] = lambda _done, _of: None
    _draw: random.Random = field(default_factory=lambda: random.Random(_SEED))  # noqa: S311 - no secret

    def judge(self, questions: Questions) -> Judged:
        """Ask about what was not asked before, and give all that the model said.

        Raises:
            ServerError: The model cannot be reached any more; what it said is kept.
        """
        before = self._said()
        fresh = [pair for pair in questions.pairs if pair not in before]
        pairs = fresh[: self.most]
        if pairs:
            known = self._known(questions.known, {*before, *pairs}, len(pairs))
            said = self._round(pairs, known)
            again = [pair for pair in pairs if said.get(pair) is Relation.SAME]
            if not self._exam.is_failed:  # only who says it twice means it
                twice = self._round([(b, a) for a, b in again], {})
                self._keep({pair: _twice(relation) for pair, relation in twice.items()}, {})
        exam = self._exam
        if exam.is_failed:
            self.catalog.relations.forget(self.model.model, PAIRS_KEY)
        return Judged(self._said(), len(pairs), len(fresh) - len(pairs), exam, self.model.model)

    def _said(self) -> dict[Pair, Relation]:
        said = self.catalog.relations.said(self.model.model, PAIRS_KEY)
        return {pair: Relation(relation) for pair, relation in said.items()}

    def _keep(self, said: Mapping[Pair, Relation], known: Mapping[Pair, bool]) -> None:
        self.catalog.relations.keep(self.model.model, PAIRS_KEY, said, known)

    @property
    def _exam(self) -> Exam:
        return self.catalog.relations.exam(self.model.model, PAIRS_KEY)

    def _known(self, library: Mapping[Pair, bool], taken: Collection[Pair], number: int) -> dict[Pair, bool]:
        """Pairs to ask about whose answer is known, half of them the same: a tenth of all, and enough to tell by."""
        wanted = max(ceil(number / _OTHERS), self.catalog.relations.fewest_known - self._exam.known)
        found: dict[Pair, bool] = {}
        for is_same in (True, False):
            own = sorted(pair for pair, same in library.items() if same is is_same)
            pool = self._draw.sample(own, len(own))
            pool += [pair for pair, same in ANYBODY.items() if same is is_same]
            some = [pair for pair in dict.fromkeys(pool) if pair not in taken][: ceil(wanted / 2)]
            found |= dict.fromkeys(some, is_same)
        return found

    def _round(self, pairs: Sequence[Pair], known: Mapping[Pair, bool]) -> dict[Pair, Relation]:
        """Ask about pairs as they stand, known ones among them, and keep what is settled by it.

        Ends before its end where so much of what is known was wrong that the model will not be believed.
        """
        asked = [*pairs, *known]
        self._draw.shuffle(asked)
        said: dict[Pair, Relation] = {}
        batches = (asked[start : start + BATCH] for start in range(0, len(asked), BATCH))
        most = self._exam.known + len(known)
        hopeful = takewhile(lambda _: not Exam(most, self._exam.wrong).is_failed, batches)
        for answers in map_unordered(self._ask, hopeful, threads=self.model.capacity, stop=self.stop):
            said |= answers
            settled = {
                pair: relation
                for pair, relation in answers.items()
                if pair in known or relation is not Relation.SAME
            }
            self._keep(settled, known)
            self.told(len(said), len(asked))
        return said

    def _ask(self, pairs: Sequence[Pair]) -> dict[Pair, Relation]:
        """What the model says of a few pairs; what it says nothing clear of is asked about again in halves."""
        try:
            relations = read_relations(self.model.answer(pairs_prompt(pairs)), len(pairs))
        except PhotoError:
            if len(pairs) == 1:
                return {pair_of(*pairs[0]): Relation.UNSURE}
            middle = len(pairs) // 2
            return self._ask(pairs[:middle]) | self._ask(pairs[middle:])
        return {
            pair_of(a, b): relation if a < b else relation.turned
            for (a, b), relation in zip(pairs, relations, strict=True)
        }


def _twice(relation: Relation) -> Relation:
    """What becomes of a pair that was called the same, by what the model says of it the second time."""
    return relation if relation is Relation.SAME else Relation.UNSURE
