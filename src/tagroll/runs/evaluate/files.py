"""The files that an evaluation writes: the page with the results, and what a person labels photos with."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from tagroll import __version__
from tagroll.domain import Outcome, Photo, Preview, plural
from tagroll.errors import PhotoError, UsageError
from tagroll.exiftool.pool import available_exiftool
from tagroll.metadata.files.documents import check_free, write_document
from tagroll.parallel import cores
from tagroll.photos.preview.opened import previews
from tagroll.runs.evaluate.evaluation import EvaluationInput
from tagroll.runs.evaluate.labelling import json_template, label_page, text_template
from tagroll.runs.evaluate.page import MARK, page
from tagroll.runs.evaluate.page import PageContent as Page
from tagroll.runs.evaluate.pictures import small
from tagroll.runs.evaluate.results import EvaluationAnswers, Result
from tagroll.runs.evaluate.selecting import spread
from tagroll.runs.executors import threads
from tagroll.runs.run import Workspace

LABELLED = 30
"""Photos that a user is asked to label."""
PICTURE_EDGE = 320
"""Pixels, of the small pictures on the page: 300 of them come to 5 MB."""
LABEL_EDGE = 480
"""Pixels, of those that a person has to label."""


def check_page(path: Path) -> None:
    """See that the page can be written there: better said now than after hours.

    Raises:
        UsageError: It cannot.
    """
    check_free(path, MARK)


def write_page(
    space: Workspace,
    path: Path,
    subject: EvaluationInput,
    answers: Sequence[EvaluationAnswers],
    results: Sequence[Result],
) -> None:
    """Write the page of an evaluation.

    Raises:
        UsageError: It cannot be written there.
    """
    photos = [photo for photo in subject.photos if isinstance(photo, Photo)]
    names = _names([photo.path for photo in subject.photos])
    when = time.strftime("%d %B %Y").lstrip("0")
    text = page(Page(
        title=f"{subject.target.name}: {plural(len(names), 'photo')}, {plural(len(results), 'model')}",
        subtitle=f"{when}, tagroll {__version__}",
        results=results,
        answers=answers,
        labels=subject.labels.photos if subject.labels else {},
        names=names,
        pictures=dict(_pictures(photos, space.preview, PICTURE_EDGE)),
    ))  # fmt: skip
    write_document(path, text, MARK, private=True)


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Photos by the part of their path that tells them apart."""
    try:
        common = Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError:  # on two drives of Windows
        return {path: path.as_posix() for path in paths}
    return {path: path.relative_to(common).as_posix() for path in paths}


def _pictures(
    photos: Sequence[Photo], preview: Callable[[Photo], Preview], edge: int
) -> Iterator[tuple[Path, bytes]]:
    """Small pictures; a photo that cannot be decoded has none."""

    def picture(photo: Photo) -> tuple[Path, bytes]:
        try:
            return photo.path, small(preview(photo), edge)
        except PhotoError:
            return photo.path, b""  # the page says so, and the run has told why

    yield from threads(cores() + 1)(picture, photos, stop=threading.Event())


def check_label_files(folder: Path, output: Path) -> Path:
    """See that the files to label photos with can be made; gives the path of the page.

    Raises:
        UsageError: They cannot.
    """
    sheet = output.with_suffix(".html")
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is no folder", "Name the folder of the photos: tagroll eval --init DIR -o LABELS"
        )
    if output.suffix not in (".json", ".txt"):
        raise UsageError(f"{output} is neither .json nor .txt")
    for file in (output, sheet):
        check_free(file, None)
    return sheet


def write_label_files(folder: Path, output: Path, found: Iterable[Photo | Outcome], limit: int | None) -> int:
    """Write a file to fill in, and beside it a page that does the same; gives how many photos they are for.

    Raises:
        UsageError: They cannot be written, or no photo can be decoded.
    """
    sheet = check_label_files(folder, output)
    photos = [photo for photo in found if isinstance(photo, Photo) and str(photo.path).isprintable()]
    chosen = spread(photos, limit or LABELLED)
    with previews(available_exiftool()) as preview:
        pictures = {path: jpeg for path, jpeg in _pictures(chosen, preview, LABEL_EDGE) if jpeg}
    if not pictures:
        raise UsageError(f"there is no photo in {folder} that can be decoded")
    folder = folder.absolute()
    names = {
        photo.path.relative_to(folder).as_posix(): pictures[photo.path]
        for photo in chosen
        if photo.path in pictures
    }
    template = json_template if output.suffix == ".json" else text_template
    write_document(output, template(folder, list(names)), None)
    write_document(sheet, label_page(folder, names, output.with_suffix(".json").name), None, private=True)
    return len(names)
