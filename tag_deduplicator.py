"""`python tag_deduplicator.py DIR [--dry-run] [--similarity-threshold X] ...`: the same as `tagroll dedupe`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from tagroll.cli import main

if __name__ == "__main__":
    main(["dedupe", "--report", *sys.argv[1:]], prog_name="tag_deduplicator.py")
