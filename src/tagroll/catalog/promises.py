"""How sure a model has to be of its words, so that no more of them are wrong than was promised."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tagroll.catalog.database import Database, as_json


@dataclass(frozen=True, slots=True)
class Promise:
    """What was measured of a model that is asked again of each of its words.

    Attributes:
        most_wrong: Of its tags that can be checked at most this share is wrong, with a certainty of 95 %.
        usual: From this confidence on, 0 to 1.
        own: Word (by identity) -> its own bar; above 1: never.
        photos: Labelled photos that it was measured on.
        tags: Tags that could be checked there, from this bar on.
        wrong: How many of them were wrong.
        bound: The upper end of the interval of their share.
        created: When, in seconds since the epoch.
    """

    most_wrong: float
    usual: float
    own: Mapping[str, float] = field(default_factory=dict)
    photos: int = 0
    tags: int = 0
    wrong: int = 0
    bound: float = 0.0
    created: float = 0.0


class Promises:
    """The promises that are kept, the newest of each model.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, model: str) -> Promise | None:
        """What was measured last of a model; None: nothing, or nothing that could be promised."""
        rows = self._database.read("SELECT said FROM promises WHERE model = ?", model)
        return Promise(**json.loads(str(rows[0][0]))) if rows else None

    def keep(self, model: str, promise: Promise) -> None:
        """Keep a promise in the place of an older one. Returns when it is on disk."""
        row = (model, as_json(asdict(promise)))
        self._database.commit(
            lambda c: c.execute("INSERT OR REPLACE INTO promises VALUES (?, ?)", row).rowcount
        )

    def forget(self, model: str) -> None:
        """Nothing can be promised of a model any more. Returns when that is on disk."""
        self._database.commit(lambda c: c.execute("DELETE FROM promises WHERE model = ?", (model,)).rowcount)
