import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from geovq.codebook import kmedoids
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from tests.codebook.laws import assert_history_falls_to_the_result, assert_no_single_swap_improves, least_cost


def squared_distances(n, seed=0, dimension=2):
    cloud = np.random.default_rng(seed).normal(size=(n, dimension))
    return cdist(cloud, cloud, "sqeuclidean").astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(n=st.integers(2, 8), seed=st.integers(0, 100_000), data=st.data())
def test_cost_equals_brute_force_on_up_to_eight_points(n, seed, data):
    n_codes = data.draw(st.integers(1, n))
    matrix = squared_distances(n, seed)
    best = least_cost(matrix, n_codes)
    # Swaps end in local minima; among so many starts is, but for one time in a million, each of the 70 sets of medoids.
    assert kmedoids(matrix, n_codes, n_restarts=1_000).cost == pytest.approx(best, rel=1e-4, abs=1e-6)


def test_labels_are_the_nearest_medoids_and_cost_is_their_mean():
    matrix = squared_distances(200)
    result = kmedoids(matrix, 9)
    nearest = matrix[:, result.medoid_indices].min(axis=1)
    np.testing.assert_array_equal(matrix[np.arange(200), result.medoid_indices[result.labels]], nearest)
    assert result.cost == pytest.approx(nearest.mean(), rel=1e-6)


def test_no_single_swap_improves_a_converged_result():
    matrix = squared_distances(60)
    result = kmedoids(matrix, 4)
    assert result.converged
    assert_no_single_swap_improves(matrix, result)


def test_the_history_falls_to_the_result_and_can_be_replayed():
    matrix = squared_distances(400)
    assert_history_falls_to_the_result(matrix, kmedoids(matrix, 20), rtol=1e-6)


def test_same_seed_same_medoids():
    matrix = squared_distances(150)
    first, again = kmedoids(matrix, 10, seed=4), kmedoids(matrix, 10, seed=4)
    np.testing.assert_array_equal(first.medoid_indices, again.medoid_indices)


def test_one_code_is_the_row_of_least_sum():
    matrix = squared_distances(50)
    assert kmedoids(matrix, 1).medoid_indices.tolist() == [matrix.sum(axis=0).argmin()]


def test_every_row_its_own_medoid_costs_nothing():
    result = kmedoids(squared_distances(12), 12)
    assert result.cost == 0
    assert sorted(result.medoid_indices) == list(range(12))


def test_duplicates_still_give_distinct_medoids_with_their_own_label():
    result = kmedoids(np.zeros((20, 20), np.float32), 5)
    assert len(set(result.medoid_indices)) == 5
    np.testing.assert_array_equal(result.labels[result.medoid_indices], np.arange(5))


def test_bad_input_is_named():
    matrix = squared_distances(10)
    with pytest.raises(InvalidValueError, match=r"n_codes must be in \[1, 10\].*got 11"):
        kmedoids(matrix, 11)
    with pytest.raises(ShapeError, match="square"):
        kmedoids(matrix[:4], 2)
    with pytest.raises(NonFiniteError, match="finite"):
        kmedoids(np.where(matrix == 0, np.inf, matrix), 2)
    with pytest.raises(NonFiniteError, match="finite"):
        kmedoids(np.where(matrix == 0, np.nan, matrix), 2)
    with pytest.raises(InvalidValueError, match="not be negative"):
        kmedoids(-matrix, 2)
