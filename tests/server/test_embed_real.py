"""Vectors by llama.cpp's own server, from a model that the test writes itself."""

from collections.abc import Iterator

import numpy as np
import pytest

from support.llama import Llama
from support.tiny_embedder import WIDTH, write_embedder
from tagroll.catalog import Catalog
from tagroll.errors import ServerError
from tagroll.models.server.embedder import ServerEmbedder
from tagroll.runs.merge import embed_tags

TAGS = ["Forest", "forest", "Forests", "Zebra", "Red Car", "B&W", "35mm", "Ärger", "\u6771\u4eac", "x" * 60]


def start(model) -> Llama:
    return Llama(model, None, "--embed", "--context", "2048", "--alias", "tiny-embedder")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Llama]:
    with start(write_embedder(tmp_path_factory.mktemp("embedder"))) as running:
        yield running


@pytest.fixture
def embedder(server):
    made = ServerEmbedder(server.url, "tiny-embedder", batch_size=3, patience=0.5)
    yield made
    made.close()


def test_vectors_are_of_length_one_and_in_order(embedder):
    rows = embedder.embed(TAGS)
    assert rows.shape == (len(TAGS), WIDTH)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([tag]) for tag in TAGS])
    assert (np.einsum("ij,ij->i", rows, alone) > 0.999).all()
    cosines = rows @ rows.copy().T
    assert cosines[0, 1] > 0.999  # its tokens have no case
    assert cosines[0, 2] > 0.8 > cosines[0, 3]


@pytest.mark.slow
def test_a_server_that_is_gone_and_comes_back(embedder, server):
    embedder.check()
    server.kill()
    with pytest.raises(ServerError, match="nobody answers"):
        embedder.embed(["Forest"])
    server.restart()
    assert embedder.embed(["Forest"]).shape == (1, WIDTH)


def test_a_model_that_makes_no_vectors_is_said(llama_server):
    with pytest.raises(ServerError) as refused:
        ServerEmbedder(llama_server.url, "tiny-vlm").check()
    assert refused.value.hint


@pytest.mark.slow
def test_another_model_under_the_same_name_is_found_out(embedder, tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        before = embed_tags(TAGS, embedder, catalog, lambda _: None)
        with start(write_embedder(tmp_path, seed=2)) as swapped:
            other = ServerEmbedder(swapped.url, "tiny-embedder")
            after = embed_tags(TAGS, other, catalog, lambda _: None)
            other.close()
        assert not np.allclose(before, after, atol=0.1)
        assert (embed_tags(TAGS, embedder, catalog, lambda _: None) == before).all()
