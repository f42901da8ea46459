"""One picture is asked about once; what is wrong with one copy of it is not said of the others."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from support.photos import as_photo
from tagroll.domain import Describer, Description, Photo, Preview, Prompt, Status
from tagroll.errors import PhotoError, PictureError, ReplyError, ServerError, TagrollError
from tagroll.models.prompt import build_prompt
from tagroll.runs.ask_once import Asking
from tagroll.runs.look import Looker, Questions
from tagroll.runs.run import Workspace
from tagroll.runs.tag import Tagger, TagPolicy
from tagroll.settings import Settings

CAT = Description(("cat",), "seer")
GARBLED = b"garbled"
SAMPLES = Path(__file__).parents[1] / "files"
T = TypeVar("T")


class Watched(Asking):
    """Tells of every call that finds another one asking."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Semaphore(0)

    def _first(self, picture, mine):
        found = super()._first(picture, mine)
        if found is not mine:
            self.waits.release()
        return found


def all_at_once(asking: Watched, failing: Callable[[], T], others: Sequence[Callable[[], T]]) -> list[T]:
    """What each call gives; the first has to `fail_when` all others wait for it."""
    with ThreadPoolExecutor(len(others) + 1) as pool:
        first = pool.submit(failing)
        while not asking._under_way:
            time.sleep(0.001)
        return [future.result() for future in [first, *map(pool.submit, others)]]


def fail_when(asking: Watched, waiting: int, error: BaseException) -> NoReturn:
    """Fail as soon as so many wait."""
    for _ in range(waiting):
        assert asking.waits.acquire(timeout=200)
    raise error


def copies(error: BaseException, waiting: int) -> tuple[list[Description | BaseException], int]:
    """What copies of one picture get where the first that is asked about fails; and how often was asked."""
    asking, asked = Watched(), []

    def answer() -> Description:
        asked.append(1)
        return CAT

    def fails() -> Description:
        asked.append(1)
        fail_when(asking, waiting, error)

    def once(ask: Callable[[], Description]) -> Description | BaseException:
        try:
            return asking.once("picture", ask, lambda: None)[0]
        except BaseException as failure:  # noqa: BLE001 - it is what is asked about
            return failure

    return all_at_once(asking, lambda: once(fails), [lambda: once(answer)] * waiting), len(asked)


@pytest.mark.parametrize(
    "error",
    [PictureError("cannot be decoded"), ReplyError("says nothing"), PhotoError("refused"), ValueError("odd")],
)
def test_a_copy_that_waited_for_one_that_failed_asks_with_its_own(error):
    assert copies(error, 1) == ([error, CAT], 2)


def test_of_many_copies_that_wait_the_next_one_asks():
    found, asked = copies(PictureError("cannot be decoded"), 5)
    assert found[1:] == [CAT] * 5
    assert 2 <= asked <= 6  # one that comes when the answer is there asks again: nothing is kept here


@pytest.mark.parametrize(
    "error", [ServerError("gone"), TagrollError("the disk is full"), KeyboardInterrupt(), SystemExit(130)]
)
def test_what_ends_the_run_ends_it_for_all_that_wait(error):
    assert copies(error, 3) == ([error] * 4, 1)


class Seer(Describer):
    """A model that says the same of all it can see."""

    model = "seer"

    def __init__(self, *refuses: bytes) -> None:
        self.refuses = refuses

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        del prompt
        if preview.jpeg in self.refuses:
            raise ReplyError("the model will not say")
        return CAT


@pytest.mark.parametrize("wrong", ["preview", "answer"])
def test_a_good_copy_is_tagged_whatever_its_twin_is_like(tmp_path: Path, wrong: str):
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    for path in (good, bad):
        path.write_bytes((SAMPLES / "baseline.jpg").read_bytes())
    asking = Watched()

    def preview(photo: Photo) -> Preview:
        if photo.path == good:
            return Preview(b"fine", 1, 1)
        if wrong == "preview":
            fail_when(asking, 1, PictureError("cannot be decoded"))
        assert asking.waits.acquire(timeout=200)
        return Preview(GARBLED, 1, 1)

    with Workspace.open(Settings(catalog=tmp_path / "c.sqlite")) as space, space.begin("tag", []) as run:
        prompt = build_prompt("tags", max_tags=9)
        looker = Looker(Seer(GARBLED), preview, space.store.picture_hash, prompt)
        tagger = Tagger(run, Questions(looker, space.catalog.answers, asking=asking), TagPolicy())
        tag = [partial(tagger.tag, as_photo(path)) for path in (bad, good)]
        failed, tagged = all_at_once(asking, tag[0], tag[1:])
    assert failed.status is Status.FAILED
    assert (tagged.status, tagged.tags) == (Status.TAGGED, ("Cat",))
