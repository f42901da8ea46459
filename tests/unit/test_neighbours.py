import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.laws import examples
from tagroll.errors import UsageError
from tagroll.tags import neighbours as module
from tagroll.tags.neighbours import Neighbours, neighbours


def clumps(n: int, width: int, spread: float, seed: int) -> np.ndarray:
    """Unit rows around n / 8 centres, so that there are neighbours to find."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(max(1, n // 8), width))
    rows = centres[draw.integers(0, len(centres), n)] + spread * draw.normal(size=(n, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def both_ways(found: Neighbours) -> set[tuple[int, int]]:
    return {
        pair
        for i, j in zip(found.first.tolist(), found.second.tolist(), strict=True)
        for pair in ((i, j), (j, i))
    }


def by_brute_force(vectors: np.ndarray, threshold: float) -> set[tuple[int, int]]:
    cosines = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(cosines, -2)
    return set(zip(*(x.tolist() for x in np.nonzero(cosines >= threshold)), strict=True))


@pytest.mark.slow
@examples(25)
@given(
    st.integers(1, 120),
    st.sampled_from([2, 129, 130, 384]),
    st.floats(0.05, 1.0),
    st.floats(0.3, 0.98),
    st.integers(0, 9),
)
def test_exactly_the_pairs_of_brute_force(
    n: int, width: int, spread: float, threshold: float, seed: int
) -> None:
    vectors = clumps(n, width, spread, seed)
    found = neighbours(vectors, threshold)
    pairs = both_ways(found)
    surely, perhaps = by_brute_force(vectors, threshold + 1e-5), by_brute_force(vectors, threshold - 1e-5)
    assert surely <= pairs <= perhaps
    assert 2 * len(found.first) == len(pairs)
    assert (found.first < found.second).all()


@pytest.mark.slow
def test_over_several_blocks_with_their_cosines() -> None:
    vectors = clumps(2500, 200, 0.3, 1)
    found = neighbours(vectors, 0.8)
    assert len(found.first)
    expected = np.einsum("ij,ij->i", vectors[found.first], vectors[found.second])
    np.testing.assert_allclose(found.cosines, expected, atol=1e-6)
    assert both_ways(found) == by_brute_force(vectors, 0.8)


def test_a_zero_row_has_no_neighbours() -> None:
    vectors = clumps(20, 150, 0.1, 2)
    vectors[3] = 0
    assert 3 not in {i for pair in both_ways(neighbours(vectors, 0.5)) for i in pair}


def test_nothing() -> None:
    assert both_ways(neighbours(np.empty((0, 0), np.float32), 0.8)) == set()


def test_a_threshold_that_says_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_PAIRS", 100)
    with pytest.raises(UsageError, match="pairs"):
        neighbours(np.ones((40, 1), np.float32), 0.9)


@pytest.mark.slow
def test_of_very_many_nearly_all_are_found_and_each_once() -> None:
    vectors = clumps(4000, 100, 0.3, 2)
    exact, likely = neighbours(vectors, 0.85), neighbours(vectors, 0.85, exact_up_to=0)
    cosines = dict(
        zip(zip(exact.first.tolist(), exact.second.tolist(), strict=True), exact.cosines, strict=True)
    )
    pairs = list(zip(likely.first.tolist(), likely.second.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    np.testing.assert_allclose([cosines[pair] for pair in pairs], likely.cosines, atol=1e-5)
    assert 0.98 * len(cosines) <= len(pairs)
