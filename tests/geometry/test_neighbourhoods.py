import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from geovq.arrays import DoubleArray
from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry.neighbourhoods import (
    nearest_candidates,
    neighbour_ranks,
    overlap,
    rank_correlation,
)

RNG = np.random.default_rng(0)
FIRST = RNG.random((6, 40))
SECOND = FIRST + 0.3 * RNG.random((6, 40))


def overlap_at_k(first: DoubleArray, second: DoubleArray, k: int) -> DoubleArray:
    return overlap(nearest_candidates(first, k), nearest_candidates(second, k))


def test_ranks_count_from_one_as_scipy_does() -> None:
    ties = np.round(FIRST, 1)
    np.testing.assert_array_equal(neighbour_ranks(ties), rankdata(ties, method="ordinal", axis=1))


def test_the_nearest_are_those_with_the_smallest_ranks_in_order() -> None:
    ranks = np.take_along_axis(neighbour_ranks(FIRST), nearest_candidates(FIRST, 7), axis=1)
    np.testing.assert_array_equal(ranks, np.tile(np.arange(1, 8), (6, 1)))


def test_overlap_is_the_size_of_the_common_set() -> None:
    k = 9
    brute = [
        len(set(np.argsort(a)[:k].tolist()) & set(np.argsort(b)[:k].tolist())) / k
        for a, b in zip(FIRST, SECOND, strict=True)
    ]
    assert 0 < min(brute) < max(brute) <= 1
    np.testing.assert_array_equal(overlap_at_k(FIRST, SECOND, k), brute)


def test_overlap_is_one_for_any_rescaling_and_none_for_the_reverse() -> None:
    assert (overlap_at_k(FIRST, FIRST**3, 5) == 1).all()
    assert (overlap_at_k(FIRST, -FIRST, 20) == 0).all()


def test_the_order_of_neighbours_does_not_count_for_the_overlap() -> None:
    lists = nearest_candidates(FIRST, 8)
    assert (overlap(lists, lists[:, ::-1]) == 1).all()


@pytest.mark.parametrize("decimals", [8, 1])
def test_rank_correlation_is_spearmans_over_the_nearest_also_with_ties(decimals: int) -> None:
    second: np.ndarray = np.round(SECOND, decimals)
    found = rank_correlation(FIRST, second, 15)
    for row, value in enumerate(found):
        members = np.argsort(FIRST[row])[:15]
        assert value == pytest.approx(spearmanr(FIRST[row, members], second[row, members]).statistic, rel=1e-12)


def test_rank_correlation_is_one_for_the_same_order_and_minus_one_for_the_reverse() -> None:
    np.testing.assert_allclose(rank_correlation(FIRST, np.exp(FIRST), 40), 1)
    np.testing.assert_allclose(rank_correlation(FIRST, -FIRST, 40), -1)


def test_a_constant_distance_has_no_correlation() -> None:
    assert np.isnan(rank_correlation(FIRST, np.ones_like(FIRST), 10)).all()


def test_candidates_at_infinity_are_never_neighbours_and_rank_last() -> None:
    masked = FIRST.copy()
    masked[:, 3] = np.inf
    assert not (nearest_candidates(masked, 39) == 3).any()
    assert (neighbour_ranks(masked)[:, 3] == 40).all()
    with pytest.raises(InvalidValueError, match=r"k must be in \[1, 39\].*got 40"):
        nearest_candidates(masked, 40)


@pytest.mark.parametrize("k", [0, 41])
def test_impossible_numbers_of_neighbours_are_refused(k: int) -> None:
    with pytest.raises(InvalidValueError, match=f"got {k}"):
        nearest_candidates(FIRST, k)


def test_a_correlation_needs_two_candidates() -> None:
    with pytest.raises(InvalidValueError, match="at least 2"):
        rank_correlation(FIRST, SECOND, 1)


def test_distances_of_different_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="rows, n"):
        rank_correlation(FIRST, SECOND[:, :-1], 5)
    with pytest.raises(ShapeError, match="rows, k"):
        overlap(nearest_candidates(FIRST, 3), nearest_candidates(SECOND, 4))
