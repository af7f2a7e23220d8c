"""What the result of any search for medoids must fulfil, checked on the matrix of all dissimilarities."""

from itertools import combinations

import numpy as np

from geovq.codebook import KMedoidsResult


def cost_of(matrix, medoids):
    """Mean dissimilarity of a row to its nearest medoid."""
    return matrix[list(medoids)].min(axis=0).mean(dtype=np.float64)


def least_cost(matrix, n_codes):
    """Of all choices of medoids."""
    return min(cost_of(matrix, medoids) for medoids in combinations(range(len(matrix)), n_codes))


def assert_no_single_swap_improves(matrix, result: KMedoidsResult) -> None:
    for position in range(len(result.medoid_indices)):
        for candidate in range(len(matrix)):
            swapped = result.medoid_indices.copy()
            swapped[position] = candidate
            assert cost_of(matrix, swapped) >= result.cost * (1 - 1e-5)


def assert_history_falls_to_the_result(matrix, result: KMedoidsResult, *, rtol: float) -> None:
    """Costs fall to that of the result, and are those of the medoids of every step."""
    assert (np.diff(result.cost_history) < 0).all()
    assert result.cost_history[-1] == result.cost == result.restart_costs.min()
    replayed = [cost_of(matrix, medoids) for medoids in result.medoid_history]
    np.testing.assert_allclose(replayed, result.cost_history, rtol=rtol)
    np.testing.assert_array_equal(result.medoid_history[-1], result.medoid_indices)
