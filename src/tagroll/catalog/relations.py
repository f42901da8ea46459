"""What models said of pairs of tags, kept so that nothing is asked twice."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from tagroll.catalog.database import Database

_FAILED = 20
"""A model that is wrong about more than one in so many of the known pairs is not believed; nor one that was asked fewer."""
_BELIEVED = """
    SELECT tag, other, relation FROM relations r WHERE is_same IS NULL AND EXISTS (
        SELECT 1 FROM relations k WHERE k.model = r.model AND k.prompt = r.prompt AND is_same NOTNULL
        GROUP BY model HAVING count(*) >= {0} AND sum((relation = 'same') != is_same) * {0} <= count(*)
    ) ORDER BY created
"""


@dataclass(frozen=True, slots=True)
class Exam:
    """How a model did on pairs of which the answer is known.

    Attributes:
        known: How many.
        wrong: Of how many it called two things the same, or one thing two.
    """

    known: int
    wrong: int

    @property
    def is_failed(self) -> bool:
        """Whether the model is not to be believed."""
        return self.wrong * _FAILED > max(self.known, _FAILED)


class Relations:
    """The relations that are kept.

    Args:
        database: Holds them.
    """

    fewest_known = _FAILED
    """Known pairs that a model has to be asked about before it is believed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def said(self, model: str, prompt: str) -> dict[tuple[str, str], str]:
        """What a model said of pairs of tags when asked just this, known pairs as well."""
        rows = self._database.read(
            "SELECT tag, other, relation FROM relations WHERE model = ? AND prompt = ?", model, prompt
        )
        return {(str(tag), str(other)): str(relation) for tag, other, relation in rows}

    def believed(self) -> dict[tuple[str, str], str]:
        """What models said that knew what was known; of several the last word counts."""
        rows = self._database.read(_BELIEVED.format(_FAILED))
        return {(str(tag), str(other)): str(relation) for tag, other, relation in rows}

    def exam(self, model: str, prompt: str) -> Exam:
        """How a model did on what is known."""
        ((known, wrong),) = self._database.read(
            "SELECT count(*), coalesce(sum((relation = 'same') != is_same), 0) FROM relations"
            " WHERE model = ? AND prompt = ? AND is_same NOTNULL",
            model, prompt,
        )  # fmt: skip
        return Exam(int(known), int(wrong))

    def keep(
        self,
        model: str,
        prompt: str,
        said: Mapping[tuple[str, str], str],
        known: Mapping[tuple[str, str], bool],
    ) -> None:
        """Keep what a model said. Returns when it is on disk.

        Args:
            model: Its name.
            prompt: What it was asked.
            said: Two tags in order of the alphabet -> relation of the first to the second.
            known: Those of which it is known whether they are the same.
        """
        now = time.time()
        rows = [(model, prompt, *pair, relation, known.get(pair), now) for pair, relation in said.items()]
        self._database.commit(
            lambda c: (
                c.executemany("INSERT OR REPLACE INTO relations VALUES (?, ?, ?, ?, ?, ?, ?)", rows).rowcount
            )
        )

    def forget(self, model: str, prompt: str) -> None:
        """Forget what a model said that is not to be believed. Returns when that is on disk."""
        self._database.commit(
            lambda c: (
                c.execute("DELETE FROM relations WHERE model = ? AND prompt = ?", (model, prompt)).rowcount
            )
        )
