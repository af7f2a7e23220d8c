import warnings

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from geovq.codebook import alternate_kmedoids, kmedoids
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError


def distances(n=150, seed=0, dtype=np.float64):
    cloud = np.random.default_rng(seed).normal(size=(n, 3))
    return cdist(cloud, cloud).astype(dtype)


def scikit_learn_extra(matrix, n_codes, max_iterations=300):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = pytest.importorskip("sklearn_extra.cluster", reason="scikit-learn-extra has wheels up to Python 3.11")
        model = cluster.KMedoids(
            n_codes, metric="precomputed", method="alternate", init="heuristic", max_iter=max_iterations
        )
        return model.fit(matrix)


@pytest.mark.parametrize("n_codes", [1, 2, 7, 40])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_medoids_and_labels_are_those_of_scikit_learn_extra(n_codes, seed, dtype):
    matrix = distances(seed=seed, dtype=dtype)
    ours, theirs = alternate_kmedoids(matrix, n_codes), scikit_learn_extra(matrix, n_codes)
    np.testing.assert_array_equal(ours.medoid_indices, theirs.medoid_indices_)
    np.testing.assert_array_equal(ours.labels, theirs.labels_)
    assert ours.cost == pytest.approx(theirs.inertia_ / len(matrix), rel=1e-4)


def test_medoids_are_those_of_scikit_learn_extra_among_duplicates_too():
    """Where landmarks coincide, a medoid may be nearest to another medoid than itself."""
    cloud = np.random.default_rng(0).integers(0, 4, size=(80, 2)).astype(float)
    matrix = cdist(cloud, cloud)
    for n_codes in (3, 10, 25):
        ours, theirs = alternate_kmedoids(matrix, n_codes), scikit_learn_extra(matrix, n_codes)
        np.testing.assert_array_equal(ours.medoid_indices, theirs.medoid_indices_)


def test_an_early_end_is_that_of_scikit_learn_extra():
    matrix = distances()
    ours, theirs = alternate_kmedoids(matrix, 12, max_iterations=2), scikit_learn_extra(matrix, 12, max_iterations=2)
    np.testing.assert_array_equal(ours.medoid_indices, theirs.medoid_indices_)
    assert not ours.converged


def test_it_starts_with_the_most_central_rows_and_ends_where_each_medoid_is_the_centre_of_its_cluster():
    matrix = distances()
    result = alternate_kmedoids(matrix, 9)
    assert result.converged
    assert set(result.medoid_history[0]) == set(matrix.sum(axis=1).argsort()[:9])
    for k, medoid in enumerate(result.medoid_indices):
        members = np.flatnonzero(result.labels == k)
        assert medoid == members[matrix[np.ix_(members, members)].sum(axis=1).argmin()]


def test_the_history_falls_to_the_result_and_can_be_replayed():
    matrix = distances(400)
    result = alternate_kmedoids(matrix, 20)
    assert (np.diff(result.cost_history) < 0).all()
    replayed = [matrix[medoids].min(axis=0).mean() for medoids in result.medoid_history]
    np.testing.assert_allclose(replayed, result.cost_history, rtol=1e-12)
    assert result.cost == result.cost_history[-1] == result.restart_costs[0]
    np.testing.assert_array_equal(result.medoid_history[-1], result.medoid_indices)


def test_it_stops_in_a_poorer_optimum_than_fasterpam():
    matrix = distances(400, dtype=np.float32)
    assert kmedoids(matrix, 40).cost < 0.95 * alternate_kmedoids(matrix, 40).cost


def test_bad_input_is_named():
    with pytest.raises(InvalidValueError, match=r"n_codes must be in \[1, 10\].*got 11"):
        alternate_kmedoids(distances(10), 11)
    with pytest.raises(ShapeError, match="square"):
        alternate_kmedoids(distances(10)[:4], 2)
    with pytest.raises(NonFiniteError, match="finite"):
        alternate_kmedoids(np.full((10, 10), np.inf), 2)
