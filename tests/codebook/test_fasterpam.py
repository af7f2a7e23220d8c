import numpy as np
import pytest
from scipy.spatial.distance import cdist

from geovq.codebook.fasterpam import swap_medoids

pytestmark = pytest.mark.smoke

FIRST_PASS = -1


def clouds():
    """Squared distances of points in general position, of a lattice full of ties, and of a dense spot with outliers."""
    rng = np.random.default_rng(0)
    spot = np.concatenate([rng.normal(scale=1e-3, size=(150, 2)), rng.normal(size=(50, 2))])
    for points in (rng.normal(size=(203, 3)), rng.integers(0, 5, size=(150, 2)), rng.permutation(spot)):
        yield cdist(points, points, "sqeuclidean").astype(np.float32)


@pytest.mark.parametrize("n_codes", [2, 7, 40])
def test_a_pass_makes_the_swaps_of_the_authors_package(n_codes):
    from kmedoids import fasterpam

    for matrix in clouds():
        for seed in range(5):
            start = np.random.default_rng(seed).choice(len(matrix), n_codes, replace=False)
            theirs = fasterpam(matrix, start.astype(np.uint64), max_iter=1, n_cpu=1).medoids
            ours = start.copy()
            swap_medoids(matrix, ours, FIRST_PASS)
            np.testing.assert_array_equal(ours, theirs.astype(np.int64))


def test_passes_that_know_the_last_swap_end_where_whole_passes_do():
    for matrix in clouds():
        start = np.random.default_rng(1).choice(len(matrix), 12, replace=False)
        whole, shorter, last_swap = start.copy(), start.copy(), FIRST_PASS
        for _ in range(10):
            swap_medoids(matrix, whole, FIRST_PASS)
            last_swap = swap_medoids(matrix, shorter, last_swap)
            np.testing.assert_array_equal(shorter, whole)


def test_a_pass_without_a_swap_tells_the_last_swap_again():
    matrix = next(clouds())
    medoids = np.random.default_rng(2).choice(len(matrix), 5, replace=False)
    last_swap, before = FIRST_PASS, None
    while not np.array_equal(medoids, before):
        before = medoids.copy()
        last_swap = swap_medoids(matrix, medoids, last_swap)
    assert 0 <= last_swap < len(matrix)
    assert swap_medoids(matrix, medoids, last_swap) == last_swap
