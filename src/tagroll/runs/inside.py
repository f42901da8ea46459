"""The text in photos: read once, searched, and made tags of."""

import dataclasses
from collections.abc import Callable
from functools import cached_property

from tagroll.catalog import Catalog
from tagroll.domain import Description, Photo, Preview
from tagroll.models.builtin.fetched.models import TEXT
from tagroll.models.builtin.text.words import tags_of, telling
from tagroll.tags.translations import words_in


def check_reader() -> None:
    """See that what reads is there, before a run begins.

    Raises:
        UsageError: It is not.
    """
    TEXT.check()


class TextInside:
    """Reads the text in photos, each picture once. Safe to use from many threads.

    Args:
        catalog: Keeps what was read.
        preview: Makes what is looked at.
        described: Whether the text goes into descriptions.
    """

    def __init__(self, catalog: Catalog, preview: Callable[[Photo], Preview], *, described: bool) -> None:
        self._catalog, self._preview, self._described = catalog, preview, described

    @cached_property
    def _read(self) -> Callable[[bytes], tuple[str, ...]]:
        from tagroll.models.builtin.text.reader import TextReader  # loads numpy and onnxruntime

        return TextReader().read

    def added(self, answer: Description, photo: Photo, picture: str) -> Description:
        """An answer with what follows from the text in the picture.

        Raises:
            PhotoError: It cannot be decoded.
            TagrollError: What reads is missing or damaged.
        """
        kept = self._catalog.readings.find(picture, TEXT.file)
        if kept is None:
            lines = self._read(self._preview(photo).jpeg)
            kept = lines, tags_of(lines)
            self._catalog.readings.keep(picture, TEXT.file, *kept)
        lines, english = kept
        words_there = words_in(answer.language)
        tags = [words_there.get(tag, tag) for tag in english]
        keywords = (*(tag for tag in tags if tag not in answer.keywords), *answer.keywords)
        words = telling(lines) if self._described else []
        said = f"{answer.description} Text: {' / '.join(words)}".strip()
        description = said if words else answer.description
        return dataclasses.replace(answer, keywords=keywords, description=description)
