"""Searches that a person keeps under a name."""

from tagroll.catalog.database import Database


class Searches:
    """Kept searches.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[tuple[str, str]]:
        """Name and query of each, by name."""
        rows = self._database.read("SELECT name, query FROM searches ORDER BY name")
        return [(str(name), str(query)) for name, query in rows]

    def keep(self, name: str, query: str) -> None:
        """Keep a search; one of that name gives way."""
        self._database.commit(
            lambda c: c.execute("INSERT OR REPLACE INTO searches VALUES (?, ?)", (name, query))
        )

    def remove(self, name: str) -> None:
        """Forget a search, if it is there."""
        self._database.commit(lambda c: c.execute("DELETE FROM searches WHERE name = ?", (name,)))
