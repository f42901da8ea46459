"""Text in photos: where lines lie, what they say, what follows from them, and that it is found."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw, ImageFont

from support.photos import FILES, as_photo
from tagroll.catalog import Catalog, PhotoRow
from tagroll.domain import Describer, Description, Photo, Preview, Prompt, Status
from tagroll.errors import PictureError, UsageError
from tagroll.formats import FORMATS
from tagroll.models.builtin.fetched.models import TEXT
from tagroll.models.builtin.text.areas import areas
from tagroll.models.builtin.text.reader import TextReader
from tagroll.models.builtin.text.words import is_date_stamp, tags_of, telling
from tagroll.models.choose import Model
from tagroll.runs.context import Telling
from tagroll.runs.inside import TextInside, check_reader
from tagroll.runs.run import Workspace
from tagroll.runs.tag import TagPolicy, TagRequest, tagger
from tagroll.settings import Settings


@given(arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_areas_are_what_hangs_together(marked: np.ndarray) -> None:
    """Against filling them place by place."""
    left, expected = {(int(y), int(x)) for y, x in zip(*np.nonzero(marked), strict=True)}, []
    while left:
        area, edge = set(), [left.pop()]
        while edge:
            y, x = edge.pop()
            area.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge += near
        ys, xs = zip(*area, strict=True)
        expected.append((min(xs), min(ys), max(xs) + 1, max(ys) + 1, len(area)))
    found = areas(marked.astype(np.float32) / 2, 0.3)
    assert sorted((a.left, a.top, a.right, a.bottom, a.places) for a in found) == sorted(expected)
    assert all(area.chance == pytest.approx(area.places / 2) for area in found)


@pytest.mark.parametrize("line", ["07.15.2006", "'98 3 21", "2009/05/01 12:30", "03.22.", "21-12-99"])
def test_date_stamps(line: str) -> None:
    assert is_date_stamp(line)
    assert tags_of([line]) == ()


@pytest.mark.parametrize("line", ["STOP", "Route 66", "732-", "8:25", "1984", "12.5 km"])
def test_no_date_stamps(line: str) -> None:
    assert not is_date_stamp(line)


def test_tags_of_text() -> None:
    assert tags_of([]) == tags_of(["A", "21"]) == ()
    assert tags_of(["adidas"]) == ("text",)
    assert tags_of(["BUS STOP", "stop"]) == ("text",)
    assert tags_of(["ALL WAY", "STOP"]) == ("stop sign", "text")
    assert telling(["EO", "07.15.2006", "BOSTON RED SOX"]) == ["BOSTON RED SOX"]


def test_it_is_read_once_searched_and_never_a_keyword(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGROLL_MODELS", str(tmp_path))
    photo = Photo(tmp_path / "a.jpg", 1, 1, FORMATS[0])
    said = Description(("sign",), "m", description="Photo with sign.")
    times = []

    def read(_: TextReader, jpeg: bytes) -> tuple[str, ...]:
        times.append(jpeg)
        return ("STOP", "4-way Palm Springs", "03.22")

    with Catalog(tmp_path / "c.sqlite") as catalog:
        with pytest.raises(UsageError, match="not on this machine") as told:
            check_reader()
        assert TEXT.command in told.value.hint
        TEXT.path.write_bytes(b"")
        monkeypatch.setattr(TextReader, "read", read)
        catalog.photos.index([PhotoRow(photo.path, "s", "p1", ("Sign",))])
        catalog.texts.update()
        assert not catalog.texts.search('"palm springs"').size
        inside = TextInside(catalog, lambda _: Preview(b"jpeg", 1, 1), described=True)
        for _ in range(2):
            answer = inside.added(said, photo, "p1")
            assert answer.keywords == ("stop sign", "text", "sign")
            assert answer.description == "Photo with sign. Text: STOP / 4-way Palm Springs"
        assert times == [b"jpeg"]
        quiet = TextInside(catalog, lambda _: Preview(b"jpeg", 1, 1), described=False)
        assert quiet.added(said, photo, "p1").description == said.description
        catalog.texts.update()
        assert catalog.texts.search('"palm springs"').size == 1
        assert catalog.texts.search("tags : palm").size == 0


def test_names_that_are_written_in_the_photo_are_not_struck_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Seer(Describer):
        model = "seer"

        def describe(self, preview: Preview, prompt: Prompt) -> Description:
            del preview, prompt
            return Description(("hotel",), "seer", description="A hotel. Emma stands in front of it.")

    monkeypatch.setattr(TextReader, "read", lambda *_: ("Hotel Paris",))
    photo = as_photo(Path(shutil.copy(FILES / "baseline.jpg", tmp_path)))
    policy = TagPolicy(captions=("description",), inside=True, inside_described=True)
    with Workspace.open(Settings(catalog=tmp_path / "c.sqlite")) as space, space.begin("tag", []) as run:
        request = TagRequest(policy, telling=Telling())
        outcome = tagger(run, Model(Seer(), 1, ()), request).tag(photo)
        assert (outcome.status, outcome.tags) == (Status.TAGGED, ("Text", "Hotel"))
        assert space.store.read(photo).description == "A hotel. Text: Hotel Paris"


@pytest.fixture
def reader(fetched_models: None) -> TextReader:
    """The real one, where `tagroll model get text` was done here or TAGROLL_MODELS says where."""
    del fetched_models
    if not TEXT.is_kept:
        pytest.skip(f"the model that reads text is not here: {TEXT.command}")
    return TextReader()


def jpeg_of(*lines: str, size: tuple[int, int] = (900, 600)) -> bytes:
    image = Image.new("RGB", size, (70, 110, 90))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((60, 60 + 120 * number), line, "white", ImageFont.load_default(70))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


@pytest.mark.slow
def test_reads_what_is_written(reader: TextReader) -> None:
    assert reader.read(jpeg_of("STOP", "Harbour Cafe", "07.15.2006")) == (
        "STOP",
        "Harbour Cafe",
        "07.15.2006",
    )
    assert reader.read(jpeg_of()) == ()
    assert reader.read(jpeg_of(size=(3, 900))) == ()
    with pytest.raises(PictureError):
        reader.read(b"no picture")
