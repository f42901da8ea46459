"""What was learned of a person's tags."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from tagroll.catalog.database import Database, as_json


@dataclass(frozen=True, slots=True)
class Learned:
    """How to tell one tag from what the built-in model sees, and how well that goes.

    Attributes:
        tag: The word, as photos carry it.
        model: Whose features it was learned of.
        examples: Photos that carry it.
        others: Photos that do not, and were compared.
        threshold: The probability from which on it is right as often as promised; None where no threshold is.
        right: How many of those that it was given, on photos it had not seen, carry it.
        given: To how many photos it was given; those of one shoot count as one.
        found: The share of its photos that it was given, 0 to 1.
        promise: What the share of right ones surely is, 0 to 1: the lower end of its interval.
        created: When it was learned, in seconds since the epoch.
        weights: Of the features, and the bias as the last one, float32; empty where there is no threshold.
    """

    tag: str
    model: str
    examples: int
    others: int
    threshold: float | None = None
    right: float = 0.0
    given: int = 0
    found: float = 0.0
    promise: float = 0.0
    created: float = 0.0
    weights: bytes = field(default=b"", repr=False)


class KeptLearned:
    """What was learned.

    Args:
        database: Holds it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Learned]:
        """Word (see `word_of`) -> what was learned of it."""
        rows = self._database.read("SELECT word, said, weights FROM learned ORDER BY word")
        return {
            str(word): Learned(**json.loads(said), weights=bytes(weights)) for word, said, weights in rows
        }

    def replace(self, learned: "dict[str, Learned]") -> None:
        """Keep this, and nothing that was learned before. Returns when it is on disk."""
        rows: Sequence[tuple[str, str, bytes]] = [
            (word, as_json({k: v for k, v in asdict(one).items() if k != "weights"}), one.weights)
            for word, one in learned.items()
        ]

        def job(c: sqlite3.Connection) -> None:
            c.execute("DELETE FROM learned")
            c.executemany("INSERT INTO learned VALUES (?, ?, ?)", rows)

        self._database.commit(job)
