"""What travels to another process, and what comes back from it."""

import multiprocessing
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from support.photos import as_photo
from tagroll.domain import Description, Status
from tagroll.models.prompt import build_prompt
from tagroll.models.server.retry import Limits
from tagroll.models.spec import ModelSpec
from tagroll.runs.context import Context, Telling
from tagroll.runs.look import Look
from tagroll.runs.run import Workspace
from tagroll.runs.tag import TagRequest, tagger
from tagroll.runs.worker import look, picture
from tagroll.settings import Settings

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
MODEL = ModelSpec(Settings(backend="builtin"), Limits(jobs=2))
PROMPT = build_prompt("tags", max_tags=9)
TELLING = Telling(hint="slides", hints=(("Grandma", "1965"),))


def test_what_travels_can_be_pickled(tmp_path):
    photo = as_photo(Path(shutil.copy(next(PHOTOS.glob("*.jpg")), tmp_path)))
    seen = Description(("dog",), "m", confidences={"dog": 0.9}), Context(place="Rome")
    for thing in (MODEL, PROMPT, TELLING, photo, seen):
        assert pickle.loads(pickle.dumps(thing)) == thing  # noqa: S301 - our own


@pytest.mark.slow
def test_another_process_looks_and_this_one_writes(tmp_path):
    photo = as_photo(Path(shutil.copy(PHOTOS / "crossing.jpg", tmp_path)))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        answer, context = pool.submit(look, MODEL, photo, photo, PROMPT, TELLING).result()
        hashed = pool.submit(picture, MODEL, photo).result()
    assert answer.model.startswith("tagroll-builtin")
    assert context is None  # the built-in model is told nothing
    with (
        Workspace.open(Settings(backend="builtin", catalog=tmp_path / "c.sqlite")) as space,
        space.begin("tag", []) as run,
    ):
        here = tagger(run, space.model(), TagRequest())
        seen = here.look(photo, None)
        assert (seen.answer, seen.picture) == (answer, hashed)
        outcome = here.apply(photo, Look(hashed, answer, names_only=True), None)
    assert outcome.status is Status.TAGGED
    assert {tag.casefold() for tag in outcome.tags} == set(answer.keywords)
