import numpy as np
import pytest

from tagroll.models.builtin.embedder import BuiltinEmbedder
from tagroll.models.builtin.wordpiece import tokenize, vocabulary


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("I like strawberries", ["i", "like", "straw", "##berries"]),
        ("Crème-brûlée!", ["cr", "##eme", "-", "br", "##ule", "##e", "!"]),
        ("東京 tower", ["東", "京", "tower"]),
        ("\N{SNOWMAN}\N{PILE OF POO}", ["[UNK]"]),
        ("", []),
        ("x" * 101, ["[UNK]"]),
    ],
)
def test_pieces(text: str, pieces: list[str]) -> None:
    tokens = list(vocabulary())
    assert [tokens[i] for i in tokenize(text)] == ["[CLS]", *pieces, "[SEP]"]


def test_a_long_text_is_cut() -> None:
    assert len(tokenize("word " * 500)) == 128


@pytest.fixture(scope="module")
def embedder() -> BuiltinEmbedder:
    return BuiltinEmbedder()


def test_the_published_cosines(embedder: BuiltinEmbedder) -> None:
    for a, b, cosine in [("red", "blue", 0.73), ("cat", "dog", 0.66), ("Forest", "Woodland", 0.71)]:
        rows = embedder.embed([a, b])
        assert float(rows[0] @ rows[1]) == pytest.approx(cosine, abs=0.01)


def test_a_row_does_not_depend_on_the_others(embedder: BuiltinEmbedder) -> None:
    texts = ["sea", "a very long tag indeed", "", "sea", "Zürich"]
    together = embedder.embed(texts)
    assert together.shape == (5, embedder.width)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_allclose(embedder.embed([text])[0], row, atol=1e-5)


def test_nothing(embedder: BuiltinEmbedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.width)
