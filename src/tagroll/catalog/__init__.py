"""What tagroll remembers: runs, the journal of every write, kept answers, and an index of photos (SQLite)."""

from tagroll.catalog.catalog import Catalog, PhotoRow, Run, Writing
from tagroll.catalog.database import default_path

__all__ = ["Catalog", "PhotoRow", "Run", "Writing", "default_path"]
