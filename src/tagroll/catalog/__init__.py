"""What tagroll remembers: runs, the journal of every write, kept answers, and an index of photos (SQLite)."""

from tagroll.catalog.catalog import Catalog
from tagroll.catalog.database import as_text
from tagroll.catalog.features import KeptFeatures
from tagroll.catalog.journal import KnownPicture, State, Writing
from tagroll.catalog.learned import Learned
from tagroll.catalog.photos import About, PhotoRow, ShownColumns, ShownRow
from tagroll.catalog.runs import RunRow
from tagroll.catalog.verdicts import TagVerdict

__all__ = [
    "About",
    "Catalog",
    "KeptFeatures",
    "KnownPicture",
    "Learned",
    "PhotoRow",
    "RunRow",
    "ShownColumns",
    "ShownRow",
    "State",
    "TagVerdict",
    "Writing",
    "as_text",
]
