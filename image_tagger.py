"""`python image_tagger.py FOLDER [--append-tags] [--api-url URL] [--model NAME] [-v]`: `tagroll tag --user-comment --replace`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from tagroll.cli import main

if __name__ == "__main__":
    os.environ.setdefault("TAGROLL_REPLACE", "1")  # not typed, so that --append-tags counts more
    main(["tag", "--user-comment", *sys.argv[1:]], prog_name="image_tagger.py")
