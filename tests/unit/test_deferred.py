"""A model is looked for when the first question is due: once, whoever comes first, and never where there is none."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tagroll.domain import Describer, Description, Preview, Prompt
from tagroll.errors import ServerError
from tagroll.models.deferred import DeferredDescriber
from tagroll.models.prompt import build_prompt

PROMPT = build_prompt("tags", max_tags=9)
SEEN = Preview(b"jpeg", 1, 1)


class Seer(Describer):
    def __init__(self, model: str = "seer") -> None:
        self._model = model

    @property
    def model(self) -> str:
        return self._model

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        del preview, prompt
        return Description(("cat",), self.model)


def test_it_is_found_once_and_told_of_before_it_is_asked():
    found, told = [], []

    def find():
        found.append(threading.get_ident())
        return Seer("other"), ("a note",)

    later = DeferredDescriber("seer", find, Seer())
    later.when_found(lambda notes: told.append((notes, later.model)))
    assert (later.model, later.cache_name, found, told) == ("seer", "seer", [], [])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: later.describe(SEEN, PROMPT), range(40)))
    assert {answer.model for answer in answers} == {"other"}
    assert len(found) == 1
    assert told == [(("a note",), "other")]
    later.when_found(lambda notes: told.append((notes, "late")))
    assert told[1:] == [(("a note",), "late")]


@pytest.mark.parametrize("error", [ServerError("nobody answers"), KeyboardInterrupt()])
def test_one_that_cannot_be_found_is_looked_for_once(error):
    tries = []

    def find():
        tries.append(1)
        raise error

    later = DeferredDescriber("seer", find, Seer())
    for _ in range(3):
        with pytest.raises(type(error)) as raised:
            later.describe(SEEN, PROMPT)
        assert raised.value is error
    assert len(tries) == 1


@pytest.mark.parametrize(("name", "another"), [("seer", False), ("other", True)])
def test_kept_answers_are_looked_for_again_where_it_is_another_model(name, another):
    later = DeferredDescriber("seer", lambda: (Seer(name), ()), Seer())
    looked_under = later.cache_name
    assert later.turns_out_another(looked_under) is another
    assert later.turns_out_another(looked_under) is another  # also for who looked for a kept answer meanwhile
    assert later.turns_out_another(later.cache_name) is False  # nor need one look twice who comes after that
    assert Seer().turns_out_another(Seer().cache_name) is False
