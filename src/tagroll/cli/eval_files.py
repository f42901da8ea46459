"""`tagroll eval --init`: what a person labels photos with."""

from pathlib import Path
from typing import TYPE_CHECKING

from tagroll.cli.scanning import scanned
from tagroll.cli.terminal import say, show
from tagroll.domain import plural

if TYPE_CHECKING:
    from tagroll.cli.eval import EvalOptions


def init(folder: Path, options: "EvalOptions") -> int:
    """Write a file to fill in, and a page that does the same; gives the exit code."""
    from tagroll.runs.evaluate.files import check_label_files, write_label_files

    output = options.output or Path("labels.json")
    sheet = check_label_files(folder, output)
    number = write_label_files(folder, output, scanned([folder], options.scope), options.asking.limit)
    say(
        f"{plural(number, 'photo')} to label. Fill in {show(output)}, or do it on the page {show(sheet)} in a browser"
    )
    saved = output.with_suffix(".json")
    either = show(output) if output == saved else f"{show(output)}, or {show(saved)}"
    say(f"and save it as {show(saved)}. Then: tagroll eval {either}")
    return 0
