"""What was found out about servers the last time: which model is there, and how many requests at once it takes."""

from collections.abc import Mapping

from tagroll.catalog.database import Database


class Servers:
    """Servers that were asked before.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def model_at(self, place: str) -> str:
        """The model that was found at a place the last time, or ""."""
        rows = self._database.read("SELECT model FROM servers WHERE place = ?", place)
        return str(rows[0][0]) if rows else ""

    def note_model(self, place: str, model: str) -> None:
        """Note which model was found at a place; "" for none."""
        if model != self.model_at(place):
            values = (place, model)
            self._database.commit(
                lambda c: c.execute("INSERT OR REPLACE INTO servers VALUES (?, ?)", values).rowcount
            )

    def limits(self) -> dict[str, int]:
        """How many requests at once each model took the last time, by its place (see Describer.took)."""
        return dict(self._database.read("SELECT place, at_once FROM limits"))

    def note_limits(self, took: Mapping[str, int]) -> None:
        """Note how many requests at once models took."""
        known = self.limits()
        rows = [(place, at_once) for place, at_once in took.items() if known.get(place) != at_once]
        if rows:
            self._database.commit(
                lambda c: c.executemany("INSERT OR REPLACE INTO limits VALUES (?, ?)", rows).rowcount
            )
