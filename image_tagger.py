"""`python image_tagger.py FOLDER [--append-tags] [--api-url URL] [--model NAME] [-v]`: `tagroll tag --user-comment`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from tagroll.cli import main

if __name__ == "__main__":
    main(["tag", "--user-comment", *sys.argv[1:]], prog_name="image_tagger.py")
