"""Text in photos, from the file to the search."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from support.judge import exiftool, subjects
from support.runs import Done, contents
from tagroll.models.builtin.fetched import keeping
from tagroll.models.builtin.fetched.models import TEXT


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    """A photo of a sign that says what it is, and of where it stands."""
    image = Image.new("RGB", (900, 600), (150, 20, 30))
    draw = ImageDraw.Draw(image)
    for line, top in (("STOP", 60), ("Harbour Road", 300)):
        draw.text((60, top), line, "white", ImageFont.load_default(110))
    folder = tmp_path / "photos"
    folder.mkdir()
    image.save(folder / "sign.jpg")
    return folder


def test_without_the_reader_nothing_begins(tagroll: Callable[..., Done], sign: Path) -> None:
    before = contents(sign)
    done = tagroll("tag", sign, "--backend", "builtin", "--text")
    assert done.code == 2
    assert TEXT.command in done.err
    assert contents(sign) == before
    assert "there is no catalog" in tagroll("history").err


def test_what_is_written_is_found_and_is_no_keyword(
    tagroll: Callable[..., Done], sign: Path, fetched_models: None
) -> None:
    del fetched_models
    if not TEXT.is_kept:
        pytest.skip(f"the model that reads text is not here: {TEXT.command}")
    before, models = contents(sign), os.fspath(keeping.folder())
    done = tagroll("tag", sign, "--backend", "builtin", "--text-in-description", TAGROLL_MODELS=models)
    assert done.code == 0, done
    tags = subjects(sign / "sign.jpg")
    assert {"Stop Sign", "Text"} <= set(tags)
    assert not any("Harbour" in tag for tag in tags)
    said = exiftool(sign / "sign.jpg", "-XMP-dc:Description")["Description"]
    assert said.endswith("Text: STOP / Harbour Road")
    assert tagroll("find", "harbour", sign).out.splitlines() == [str(sign / "sign.jpg")]
    (found,) = tagroll("find", "harbour", "--json").photos.values()
    assert "text in it: Harbour Road" in found["why"]
    assert tagroll("undo").code == 0
    assert contents(sign) == before
