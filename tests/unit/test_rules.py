"""Rules on the pixels: what they say of made pictures, and of no other."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tagroll.domain import Prompt
from tagroll.errors import PictureError
from tagroll.models.builtin.describer import BuiltinDescriber
from tagroll.models.builtin.rules import BLACK_AND_WHITE, PANORAMA, RULED, ruled

PHOTOS = Path(__file__).parents[2] / "examples/photos"


def jpeg_of(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()


@pytest.mark.parametrize(
    "path",
    sorted({*PHOTOS.glob("*.jpg"), *PHOTOS.glob("*.png"), *PHOTOS.glob("*.webp")}),
    ids=lambda path: path.name,
)
def test_a_photo_has_no_colour_when_it_is_taken_away(path: Path) -> None:
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    image.thumbnail((1024, 1024))
    assert ruled(jpeg_of(image)).keys() == set()
    grey = image.convert("L")
    assert ruled(jpeg_of(grey)).keys() == {BLACK_AND_WHITE}
    toned = Image.merge("RGB", [grey.point(lambda light, shift=shift: light + shift) for shift in (9, 0, 0)])
    assert ruled(jpeg_of(toned)).keys() <= {BLACK_AND_WHITE}
    sepia = Image.merge("RGB", [grey.point(lambda light, part=part: light * part) for part in (1, 0.85, 0.6)])
    assert ruled(jpeg_of(sepia)).keys() == set()


@pytest.mark.parametrize("colour", ["black", "white", "grey", "navy"])
def test_an_empty_picture_is_nothing(colour: str) -> None:
    assert ruled(jpeg_of(Image.new("RGB", (640, 480), colour))) == {}
    fog = np.random.default_rng(0).normal(150, 8, (48, 64)).clip(0, 255).astype(np.uint8)
    assert ruled(jpeg_of(Image.fromarray(fog).resize((640, 480)))) == {}


def test_panoramas_are_wide() -> None:
    assert PANORAMA in ruled(jpeg_of(Image.new("RGB", (660, 300))))
    assert PANORAMA not in ruled(jpeg_of(Image.new("RGB", (640, 300))))
    assert PANORAMA not in ruled(jpeg_of(Image.new("RGB", (300, 900))))
    with pytest.raises(PictureError):
        ruled(b"no picture")


def test_a_rule_speaks_last_and_can_be_switched_off() -> None:
    kept = {BLACK_AND_WHITE: 0.98, "cat": 0.9, "dog": 0.2}
    prompt = Prompt("tags", "", {}, max_tags=9, key="")
    assert BuiltinDescriber().judge(kept, prompt).keywords == ("cat", "animal", BLACK_AND_WHITE)
    without = BuiltinDescriber(with_rules=False).judge(kept, prompt)
    assert without.keywords == ("cat", "animal")
    assert RULED.isdisjoint(without.confidences)
    assert without.model.endswith("-no-rules")
    german = BuiltinDescriber().judge(kept, Prompt("tags", "", {}, max_tags=9, key="", language="German"))
    assert german.keywords[-1] == "Schwarzweiß"
