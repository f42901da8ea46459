"""Answers of models, kept so that nothing is asked twice."""

import json
import time
from dataclasses import asdict

from tagroll.catalog.database import Database, as_json
from tagroll.domain import Description, Prompt


class Answers:
    """The answers that are kept.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, picture_hash: str, model: str, prompt: Prompt) -> Description | None:
        """What this model said about this picture when asked just this, or None."""
        rows = self._database.read(
            "SELECT description FROM answers WHERE picture_hash = ? AND model = ? AND prompt = ?",
            picture_hash, model, _asked(prompt),
        )  # fmt: skip
        return _description(rows[0][0]) if rows else None

    def known(self, picture_hash: str, model: str, prompt: Prompt) -> Description | None:
        """What this model said last about this picture when asked this, whatever it was told of the photo.

        An answer to an older wording of the same question counts, too: what is known is not asked again because
        a photo was moved, a keyword was added, or tagroll has learned to ask better.
        """
        keys = (prompt.key, *prompt.earlier)
        rows = self._database.read(
            "SELECT prompt, description FROM answers WHERE picture_hash = ? AND model = ? ORDER BY created DESC",
            picture_hash, model,
        )  # fmt: skip
        return next(
            (_description(said) for asked, said in rows if str(asked).partition(".")[0] in keys), None
        )

    def latest(self) -> dict[str, Description]:
        """Picture -> what a model said about it last."""
        rows = self._database.read(
            # of the columns that are not named in max(), SQLite gives those of that very row
            "SELECT picture_hash, description, max(created) FROM answers GROUP BY picture_hash"
        )
        return {str(picture): _description(description) for picture, description, _ in rows}

    def latest_of(self, picture_hash: str) -> Description | None:
        """What a model said last about a picture, or None."""
        rows = self._database.read(
            "SELECT description FROM answers WHERE picture_hash = ? ORDER BY created DESC LIMIT 1",
            picture_hash,
        )
        return _description(rows[0][0]) if rows else None

    def newest(self) -> float:
        """When the last answer was kept, in seconds since the epoch; 0 where there is none."""
        return float(self._database.read("SELECT coalesce(max(created), 0) FROM answers")[0][0])

    def keep(
        self, picture_hash: str, prompt: Prompt, description: Description, model: str | None = None
    ) -> None:
        """Keep an answer, in the place of an older one to the same question. Returns when it is on disk.

        Args:
            picture_hash: The picture that it is about.
            prompt: What was asked.
            description: The answer.
            model: The name under which `answer` finds it; None for the one that the description tells.
        """
        values = (
            picture_hash,
            model or description.model,
            _asked(prompt),
            as_json({name: told for name, told in asdict(description).items() if name != "features"}),
            time.time(),
        )
        self._database.commit(
            lambda c: c.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", values).rowcount
        )


def _asked(prompt: Prompt) -> str:
    """What was asked, as the table has it."""
    return f"{prompt.key}.{prompt.about}" if prompt.about else prompt.key


def _description(kept: object) -> Description:
    fields = json.loads(str(kept))
    lists = {name: tuple(fields.get(name, ())) for name in ("keywords", "said")}
    return Description(**{**fields, **lists})
