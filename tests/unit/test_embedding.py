"""Vectors are made once; what the catalog keeps is never mixed with what another model gives."""

import numpy as np
import pytest

from tagroll.catalog import Catalog
from tagroll.runs.merge import embed_tags


class Model:
    """Vectors by the letters of a text; `turn` makes it another model under the same name."""

    model = "some-model"

    def __init__(self, width: int = 26, turn: int = 0) -> None:
        self.width, self.turn, self.asked = width, turn, []

    def check(self):
        return self._rows(["photo"])

    def embed(self, texts):
        self.asked += texts
        return self._rows(texts)

    def _rows(self, texts):
        rows = np.full((len(texts), self.width), 0.01, np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[(ord(text[0]) + self.turn) % self.width] = 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as opened:
        yield opened


def test_vectors_are_made_once(catalog):
    first, second, told = Model(), Model(), []
    made = embed_tags(["a", "b"], first, catalog, told.append)
    again = embed_tags(["b", "c", "a"], second, catalog, told.append)
    assert (made == again[[2, 0]]).all()
    assert second.asked == ["c"]
    assert told[-1] == 3


@pytest.mark.parametrize("other", [Model(width=12), Model(turn=3)], ids=["other width", "other model"])
def test_another_model_under_the_same_name_has_vectors_of_its_own(catalog, other):
    embed_tags(["a", "b"], Model(), catalog, print)
    found = embed_tags(["a", "b"], other, catalog, print)
    assert other.asked == ["a", "b"]
    assert (found == other._rows(["a", "b"])).all()
    back = Model()
    embed_tags(["a", "b"], back, catalog, print)
    assert back.asked == []


def test_kept_vectors_of_another_length_are_made_anew(catalog):
    catalog.vectors.keep("some-model", {"a": b"1234" * 7})
    assert embed_tags(["a"], Model(), catalog, print).shape == (1, 26)
