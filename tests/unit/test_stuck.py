"""A model that says the same of everything, or nothing usable, is noticed; one that sees the same thing often is not."""

import io

import pytest
from PIL import Image

from tagroll.models.server.discovery import is_same_model
from tagroll.models.server.stuck import Stuck


def jpeg(number, size=(96, 64)):
    """Photos of one colour each, far from each other."""
    picture = io.BytesIO()
    Image.new("RGB", size, (number * 60 % 256, number * 100 % 256, number * 23 % 256)).save(picture, "JPEG")
    return picture.getvalue()


ANSWER = '{"keywords": ["beach", "sunset", "palm tree"]}'


def told(verdicts):
    """After how many photos there was a verdict, 0 for never."""
    return next((number for number, verdict in enumerate(verdicts, 1) if verdict), 0)


def test_one_answer_to_ten_different_photos_is_enough():
    stuck = Stuck(10)
    assert told(stuck.answered(ANSWER, 3, jpeg(number)) for number in range(30)) == 10


@pytest.mark.parametrize("said", ["I see no image.", "", "Please upload the photo"])
def test_so_are_ten_answers_that_cannot_be_used(said):
    stuck = Stuck(10)
    assert told(stuck.unusable(said) for _ in range(30)) == 10


@pytest.mark.parametrize(
    ("text", "keywords", "pictures"),
    [
        (lambda _: ANSWER, 3, lambda n: jpeg(1, (96 + n, 64))),  # a burst, scanned pages
        (lambda _: ANSWER, 2, jpeg),  # a folder of cats
        (lambda n: ANSWER + " " * (n % 7 == 0), 3, jpeg),  # another answer now and then
        (lambda n: f"{ANSWER} {n}", 3, jpeg),
    ],
)
def test_what_may_well_be_said_often_is_no_reason(text, keywords, pictures):
    stuck = Stuck(10)
    assert told(stuck.answered(text(number), keywords, pictures(number)) for number in range(40)) == 0


def test_a_usable_answer_in_between_forgives():
    stuck = Stuck(10)
    for _ in range(5):
        assert told(stuck.unusable("no") for _ in range(9)) == 0
        assert stuck.answered("cat", 1, jpeg(1)) is None


def test_whoever_wants_it_goes_on():
    stuck = Stuck(None)
    assert told(stuck.answered(ANSWER, 3, jpeg(number)) for number in range(30)) == 0
    assert told(stuck.unusable("no") for _ in range(30)) == 0


@pytest.mark.parametrize(
    ("asked", "said", "same"),
    [
        ("google/gemma-3-4b", "gemma-3-4b", True),
        ("gemma3:4b", "gemma3:4b-it-q4_K_M", True),
        ("gpt-4o", "openai/gpt-4o-2024-08-06", True),
        ("gemma-3-4b-it", "/models/gemma-3-4b-it.gguf", True),
        ("qwen3-vl-4b", "qwen/qwen3-8b", False),
        ("llava", "mistral-7b", False),
    ],
)
def test_another_name_is_not_always_another_model(asked, said, same):
    assert is_same_model(asked, said) is same
