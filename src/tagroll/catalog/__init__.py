"""What tagroll remembers: runs, the journal of every write, kept answers, and an index of photos (SQLite)."""

from tagroll.catalog.catalog import Catalog, PhotoRow, Run, Writing

__all__ = ["Catalog", "PhotoRow", "Run", "Writing"]
