"""Which model was found on which server the last time."""

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
