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
from tagroll.runs.context import Telling
from tagroll.runs.look import Look, LookSpec, look_at
from tagroll.runs.run import Workspace
from tagroll.runs.tag import TagRequest, tagger
from tagroll.settings import Settings

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
SPEC = LookSpec(
    ModelSpec(Settings(backend="builtin"), Limits(jobs=2)), build_prompt("tags", max_tags=9),
    Telling(hint="slides", hints=(("Grandma", "1965"),)),
)  # fmt: skip


def test_what_travels_can_be_pickled(tmp_path):
    photo = as_photo(Path(shutil.copy(next(PHOTOS.glob("*.jpg")), tmp_path)))
    seen = Look("hash", Description(("dog",), "m", confidences={"dog": 0.9}))
    for thing in (SPEC, photo, seen):
        assert pickle.loads(pickle.dumps(thing)) == thing  # noqa: S301 - our own


@pytest.mark.slow
def test_another_process_looks_and_this_one_writes(tmp_path):
    photo = as_photo(Path(shutil.copy(PHOTOS / "crossing.jpg", tmp_path)))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        (seen,) = pool.submit(look_at, SPEC, [photo]).result()
    assert seen.answer.model.startswith("tagroll-builtin")
    with (
        Workspace.open(Settings(backend="builtin", catalog=tmp_path / "c.sqlite")) as space,
        space.begin("tag", []) as run,
    ):
        here = tagger(run, space.model(), TagRequest())
        assert here.look(photo, None).answer == seen.answer
        outcome = here.apply(photo, seen, None)
    assert outcome.status is Status.TAGGED
    assert {tag.casefold() for tag in outcome.tags} == set(seen.answer.keywords)
