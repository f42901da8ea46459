"""The files that `tagroll eval` writes: the page with the results, and what a person labels photos with."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tagroll import __version__
from tagroll.cli.progress import plural
from tagroll.cli.scanning import scanned
from tagroll.cli.terminal import say, show
from tagroll.domain import Photo
from tagroll.errors import PhotoError, UsageError

if TYPE_CHECKING:
    from tagroll.cli.eval import Options, Subject
    from tagroll.exiftool.pool import ExifTool
    from tagroll.runs.evaluate.results import Answers, Result

LABELLED = 30
"""Photos that a user is asked to label."""
PICTURE_EDGE = 320
"""Pixels, of the small pictures on the page: 300 of them come to 5 MB."""
LABEL_EDGE = 480
"""Pixels, of those that a person has to label."""


def write_page(
    path: Path,
    subject: "Subject",
    answers: "Sequence[Answers]",
    results: "Sequence[Result]",
    exiftool: "ExifTool | None",
) -> None:
    """Write the page of an evaluation."""
    from tagroll.runs.evaluate.page import Report as Page
    from tagroll.runs.evaluate.page import page

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
        pictures=dict(_pictures(photos, exiftool, PICTURE_EDGE)),
    ))  # fmt: skip
    _write(path, text)


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Photos by the part of their path that tells them apart."""
    common = Path(os.path.commonpath([path.parent for path in paths]))
    return {path: path.relative_to(common).as_posix() for path in paths}


def _pictures(
    photos: Sequence[Photo], exiftool: "ExifTool | None", edge: int
) -> "Iterator[tuple[Path, bytes]]":
    """Small pictures; a photo that cannot be decoded has none."""
    from tagroll.parallel import cores, map_unordered
    from tagroll.photos.preview.pool import PreviewPool
    from tagroll.runs.choose import preview_maker
    from tagroll.runs.evaluate.pictures import small

    with PreviewPool(workers=cores()) as pool:
        preview = preview_maker(pool, exiftool)

        def picture(photo: Photo) -> tuple[Path, bytes]:
            try:
                return photo.path, small(preview(photo), edge)
            except PhotoError:
                return photo.path, b""  # the page says so, and the run has told why

        yield from map_unordered(picture, photos, threads=cores() + 1, stop=threading.Event())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def init(folder: Path, options: "Options") -> int:
    """Write what a person labels photos with: a file to fill in, and a page that does the same; gives the exit code."""
    from tagroll.exiftool.pool import available_exiftool
    from tagroll.runs.evaluate.labelling import json_template, label_page, text_template
    from tagroll.runs.evaluate.selecting import spread

    output = options.output or Path("labels.json")
    sheet = output.with_suffix(".html")
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is no folder", "Name the folder of the photos: tagroll eval --init DIR -o LABELS"
        )
    if output.suffix not in (".json", ".txt"):
        raise UsageError(f"{output} is neither .json nor .txt")
    for file in (output, sheet):
        if file.exists():
            raise UsageError(f"{file} is there already: it may hold your labels", "Name another file with -o")
    found = [
        photo
        for photo in scanned([folder], options.exclude)
        if isinstance(photo, Photo) and str(photo.path).isprintable()
    ]
    chosen = {photo.path: photo for photo in spread(found, options.limit or LABELLED)}
    pictures = {
        path: jpeg
        for path, jpeg in _pictures(list(chosen.values()), available_exiftool(), LABEL_EDGE)
        if jpeg
    }
    if not pictures:
        raise UsageError(f"there is no photo in {folder} that can be decoded")
    folder = folder.absolute()
    names = {path.relative_to(folder).as_posix(): pictures[path] for path in chosen if path in pictures}
    _write(output, (json_template if output.suffix == ".json" else text_template)(folder, list(names)))
    _write(sheet, label_page(folder, names, output.with_suffix(".json").name))
    say(
        f"{plural(len(names), 'photo')} to label. Fill in {show(output)}, or do it on the page {show(sheet)} in a browser"
    )
    saved = output.with_suffix(".json")
    either = show(output) if output == saved else f"{show(output)}, or {show(saved)}"
    say(f"and save it as {show(saved)}. Then: tagroll eval {either}")
    return 0
