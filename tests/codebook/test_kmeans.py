import numpy as np
import pytest
from scipy.spatial.distance import cdist

from geovq.codebook import KMeansSolver, medoid_silhouette
from geovq.codebook.silhouette import two_smallest
from geovq.progress import SilentProgress

CELLS = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
SOLVER = KMeansSolver(CELLS, n_restarts=2, max_iterations=100, seed=0, progress=SilentProgress())


def test_codes_are_the_means_of_the_cells_that_are_nearest_to_them():
    found = SOLVER.solve(10)
    distances = cdist(CELLS, found.codebook)
    np.testing.assert_array_equal(found.labels, distances.argmin(axis=1))
    means = [CELLS[found.labels == k].mean(axis=0) for k in range(10)]
    np.testing.assert_allclose(found.codebook, means, rtol=1e-4, atol=1e-5)
    assert found.cost == pytest.approx((distances.min(axis=1) ** 2).mean(), rel=1e-4)


def test_its_silhouette_takes_centroids_for_medoids():
    found = SOLVER.solve(6)
    expected = medoid_silhouette(*two_smallest(cdist(found.codebook, CELLS)))
    assert SOLVER.silhouette(found) == pytest.approx(expected, rel=1e-6)
