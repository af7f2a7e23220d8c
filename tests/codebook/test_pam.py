import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from geovq.codebook import classical_pam, kmedoids
from geovq.errors import ConfigError, ShapeError
from tests.codebook.laws import assert_no_single_swap_improves, cost_of, least_cost

installed = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="scikit-learn-extra has wheels up to Python 3.11, where it is required"
)


def squared_distances(n, seed=0):
    cloud = np.random.default_rng(seed).normal(size=(n, 2))
    return cdist(cloud, cloud, "sqeuclidean").astype(np.float32)


@installed
@pytest.mark.parametrize("n_codes", [1, 2, 3])
def test_cost_equals_brute_force_on_eight_points(n_codes):
    matrix = squared_distances(8)
    assert classical_pam(matrix, n_codes).cost == pytest.approx(least_cost(matrix, n_codes), rel=1e-6)


@installed
def test_no_single_swap_improves_a_converged_result():
    matrix = squared_distances(60)
    result = classical_pam(matrix, 4)
    assert result.converged
    assert result.cost == pytest.approx(cost_of(matrix, result.medoid_indices), rel=1e-6)
    assert_no_single_swap_improves(matrix, result)


@installed
def test_it_finds_medoids_as_good_as_those_of_fasterpam():
    matrix = squared_distances(200)
    assert classical_pam(matrix, 12).cost == pytest.approx(kmedoids(matrix, 12).cost, rel=0.02)  # two local optima


@installed
def test_an_early_end_is_said_and_not_warned_of():
    matrix = squared_distances(200)
    result = classical_pam(matrix, 12, max_iterations=1)
    assert not result.converged
    assert result.cost >= classical_pam(matrix, 12).cost


@installed
def test_bad_input_is_named():
    with pytest.raises(ShapeError, match="square"):
        classical_pam(squared_distances(10)[:4], 2)


def test_where_scikit_learn_extra_is_absent_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn_extra.cluster", None)
    with pytest.raises(ConfigError, match=r"wheels up to Python 3\.11 only; set codebook\.solver to fasterpam"):
        classical_pam(squared_distances(10), 2)
