"""The catalog: one SQLite file beside nobody's photos, the memory and the conscience of tagroll."""

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from tagroll.catalog.answers import Answers
from tagroll.catalog.database import Database
from tagroll.catalog.decisions import KeptDecisions
from tagroll.catalog.features import KeptFeatures
from tagroll.catalog.journal import Journal
from tagroll.catalog.learned import KeptLearned
from tagroll.catalog.photos import Photos
from tagroll.catalog.promises import Promises
from tagroll.catalog.readings import Readings
from tagroll.catalog.relations import Relations
from tagroll.catalog.runs import Runs
from tagroll.catalog.searches import Searches
from tagroll.catalog.servers import Servers
from tagroll.catalog.text import Texts
from tagroll.catalog.vectors import Vectors
from tagroll.catalog.verdicts import Verdicts


class Catalog:
    """All that tagroll remembers, by topic. Safe to use from many threads.

    Args:
        path: The SQLite file; its folder is made when missing.
        read_only: Make and write nothing, so that a catalog on a read-only disk can be read, too.

    Attributes:
        path: The file.
        runs: What was done when.
        journal: What was written.
        photos: The index.
        answers: What models said.
        decisions: What a person decided about tags.
        vectors: What embedders made of texts.
        servers: Which model was found where.
        texts: What is searched of photos.
        searches: What a person searches again.
        verdicts: What a person said of proposals.
        features: What the built-in model sees in pictures, as numbers.
        learned: What was learned of a person's tags.
        relations: What models said of pairs of tags.
        readings: The text in pictures.
        promises: How sure a model has to be of its words.

    Raises:
        CatalogError: The file cannot be opened, is no catalog, or (to read only) is not there.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._database = Database(path, read_only=read_only)
        self.path = path
        self.runs = Runs(self._database)
        self.journal = Journal(self._database)
        self.photos = Photos(self._database)
        self.answers = Answers(self._database)
        self.decisions = KeptDecisions(self._database)
        self.vectors = Vectors(self._database)
        self.servers = Servers(self._database)
        self.texts = Texts(self._database)
        self.searches = Searches(self._database)
        self.verdicts = Verdicts(self._database)
        self.features = KeptFeatures(self._database)
        self.learned = KeptLearned(self._database)
        self.relations = Relations(self._database)
        self.readings = Readings(self._database)
        self.promises = Promises(self._database)

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit what is queued and close."""
        self.close()

    def close(self) -> None:
        """Commit what is queued and close every connection."""
        self._database.close()

    def held(self) -> AbstractContextManager[bool]:
        """Hold the lock that only one run may have; see `Database.held`."""
        return self._database.held()

    def in_use(self) -> bool:
        """Whether another run holds this catalog now."""
        return self._database.in_use()
