import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import floyd_warshall

from geovq.codebook import graph_kmedoids, kmedoids
from geovq.codebook.on_graph import lloyd as graph_lloyd
from geovq.codebook.on_graph import swaps as graph_swaps
from geovq.errors import Cancelled, DisconnectedGraphError, InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import PullbackMetric, geodesic_distances, neighbour_graph
from geovq.progress import SilentProgress
from tests.codebook.laws import assert_history_falls_to_the_result, assert_no_single_swap_improves, least_cost
from tests.geometry.graph.test_shortest_paths import random_graph


@pytest.fixture(autouse=True)
def _one_thread():
    """Graphs of this size are done before a second thread has started."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def squared_distances(weights):
    return np.square(floyd_warshall(weights.astype(np.float64)))


def path_graph(n):
    tails = np.arange(n - 1)
    steps = csr_matrix((np.ones(n - 1, np.float32), (tails, tails + 1)), shape=(n, n))
    return steps + steps.T


def uneven_graph(n, seed):
    """Landmarks as a VAE has them: half of them in one dense blob, under a metric that varies a hundredfold."""
    rng = np.random.default_rng(seed)
    cloud = rng.normal(size=(n, 3)) * np.where(np.arange(n) % 2, 1, 0.02)[:, None]
    metric = np.exp(2 * cloud[:, :1, None]) * np.eye(3)
    cloud, metric = cloud.astype(np.float32), metric.astype(np.float32)
    graph = neighbour_graph(cloud, 8)
    return graph.weighted(PullbackMetric(metric).edge_lengths(cloud, graph.tails, graph.heads))


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(n=st.integers(2, 9), seed=st.integers(0, 100_000), data=st.data())
def test_cost_equals_exhaustive_search_on_up_to_nine_landmarks(n, seed, data):
    n_codes = data.draw(st.integers(1, n))
    weights = random_graph(n, seed, n_neighbors=2)
    squares = squared_distances(weights)
    best = least_cost(squares, n_codes)
    assert graph_kmedoids(weights, n_codes, n_restarts=6, seed=seed).cost == pytest.approx(best, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("n_codes", "radius"), [(1, 15), (2, 8), (3, 6)])
def test_a_chain_is_cut_into_equal_pieces_with_their_centres_as_medoids(n_codes, radius):
    piece = 2 * radius + 1
    result = graph_kmedoids(path_graph(n_codes * piece), n_codes, n_restarts=5)
    assert sorted(result.medoid_indices) == [radius + piece * k for k in range(n_codes)]
    assert result.cost == pytest.approx(radius * (radius + 1) / 3)  # mean of i² over -radius, ..., radius
    for k in range(n_codes):
        assert len(set(result.labels[piece * k : piece * (k + 1)])) == 1


def test_one_code_is_the_landmark_of_least_summed_squares():
    weights = random_graph(700, seed=5)
    squares = np.square(geodesic_distances(weights).astype(np.float64))
    result = graph_kmedoids(weights, 1, n_restarts=1)
    assert result.medoid_indices.tolist() == [squares.sum(axis=0).argmin()]


def test_labels_are_the_nearest_medoids_and_cost_is_their_mean():
    weights = uneven_graph(300, seed=0)
    squares = squared_distances(weights)
    result = graph_kmedoids(weights, 12)
    nearest = squares[:, result.medoid_indices].min(axis=1)
    own = squares[np.arange(300), result.medoid_indices[result.labels]]
    np.testing.assert_allclose(own, nearest, rtol=1e-4, atol=1e-8)
    assert result.cost == pytest.approx(nearest.mean(), rel=1e-4)
    np.testing.assert_array_equal(result.labels[result.medoid_indices], np.arange(12))


def test_no_single_swap_improves_a_result_for_which_every_landmark_was_tried():
    weights = uneven_graph(80, seed=1)
    squares = squared_distances(weights)
    result = graph_kmedoids(weights, 5)
    assert result.converged
    assert_no_single_swap_improves(squares, result)


@pytest.mark.parametrize("effort", [1_000_000, 0])
def test_the_history_falls_to_the_result_and_can_be_replayed(effort, monkeypatch):
    monkeypatch.setattr(graph_swaps, "_VISITS_AT_LEAST", effort)
    weights = uneven_graph(500, seed=2)
    squares = squared_distances(weights)
    assert_history_falls_to_the_result(squares, graph_kmedoids(weights, 20), rtol=1e-4)


@pytest.mark.slow
def test_costs_are_those_of_fasterpam_with_the_effort_for_small_graphs_and_for_large_ones(monkeypatch):
    weights = uneven_graph(1_500, seed=0)
    reference = kmedoids(np.square(geodesic_distances(weights)), 40, n_restarts=5)
    # Restarts of either stop in optima of single swaps that spread over 3 %; the bound is what the method is built for.
    bound = 1.03 * np.median(reference.restart_costs)
    assert np.median(graph_kmedoids(weights, 40, n_restarts=5).restart_costs) < bound
    monkeypatch.setattr(graph_swaps, "_VISITS_AT_LEAST", 0)
    assert np.median(graph_kmedoids(weights, 40, n_restarts=5).restart_costs) < bound


def test_starts_from_a_contracted_graph_are_good_and_end_as_well_as_others(monkeypatch):
    weights = uneven_graph(3_000, seed=0)
    direct = graph_kmedoids(weights, 6)
    monkeypatch.setattr(graph_lloyd, "_FEWEST_SEEDS", 0)
    monkeypatch.setattr(graph_lloyd, "_LANDMARKS_PER_SEED", 3)
    contracted = graph_kmedoids(weights, 6)
    assert contracted.cost_history[0] < 1.1 * direct.cost < direct.cost_history[0]
    assert contracted.cost < 1.03 * direct.cost  # optima of single swaps spread over 3 %
    assert contracted.cost == contracted.restart_costs.min()


def test_same_seed_same_result_with_any_number_of_threads():
    weights = uneven_graph(600, seed=3)
    one = graph_kmedoids(weights, 15, seed=4)
    numba.set_num_threads(2)
    many = graph_kmedoids(weights, 15, seed=4)
    np.testing.assert_array_equal(one.medoid_history, many.medoid_history)
    np.testing.assert_array_equal(one.cost_history, many.cost_history)
    np.testing.assert_array_equal(one.labels, many.labels)


def test_it_leaves_the_threads_of_torch_and_the_weights_alone():
    weights, n_threads = random_graph(40, seed=0), torch.get_num_threads()
    before = weights.copy()
    graph_kmedoids(weights, 3)
    assert torch.get_num_threads() == n_threads
    assert (weights != before).nnz == 0


def test_renaming_the_landmarks_renames_the_medoids():
    weights, order = random_graph(40, seed=8), np.random.default_rng(1).permutation(40)
    medoids = graph_kmedoids(weights, 2, n_restarts=5).medoid_indices
    renamed = graph_kmedoids(weights[order][:, order], 2, n_restarts=5).medoid_indices
    assert sorted(order[renamed]) == sorted(medoids)


def test_scaling_the_lengths_by_four_scales_the_cost_by_sixteen():
    weights = uneven_graph(200, seed=4)
    result, scaled = graph_kmedoids(weights, 6), graph_kmedoids(weights * 4, 6)
    np.testing.assert_array_equal(scaled.medoid_history, result.medoid_history)
    assert scaled.cost == 16 * result.cost


def test_every_landmark_its_own_medoid_costs_nothing():
    result = graph_kmedoids(random_graph(30, seed=1), 30)
    assert result.cost == 0
    assert sorted(result.medoid_indices) == list(range(30))


def test_duplicates_at_no_distance_still_give_distinct_medoids_with_their_own_label():
    result = graph_kmedoids(path_graph(20) * 0, 5)
    assert len(set(result.medoid_indices)) == 5
    np.testing.assert_array_equal(result.labels[result.medoid_indices], np.arange(5))


def test_too_few_iterations_are_said():
    result = graph_kmedoids(uneven_graph(400, seed=5), 30, max_iterations=1)
    assert not result.converged
    assert len(result.cost_history) == 2


def test_a_cancelled_search_stops():
    class Impatient(SilentProgress):
        def stop_requested(self):
            return True

    with pytest.raises(Cancelled):
        graph_kmedoids(random_graph(50, seed=2), 4, progress=Impatient())


def test_bad_input_is_named():
    weights = random_graph(10, seed=0)
    halves = csr_matrix((np.ones(4), ([0, 1, 2, 3], [1, 0, 3, 2])), shape=(4, 4))
    with pytest.raises(InvalidValueError, match=r"n_codes must be in \[1, 10\].*got 11"):
        graph_kmedoids(weights, 11)
    with pytest.raises(InvalidValueError, match=r"n_codes must be in \[1, 10\].*got 0"):
        graph_kmedoids(weights, 0)
    with pytest.raises(DisconnectedGraphError, match="2 components of sizes 2, 2"):
        graph_kmedoids(halves, 2)
    with pytest.raises(InvalidValueError, match="not be negative"):
        graph_kmedoids(-weights, 2)
    with pytest.raises(InvalidValueError, match="symmetric"):
        graph_kmedoids(csr_matrix(np.triu(weights.toarray())), 2)
    with pytest.raises(NonFiniteError, match="finite"):
        graph_kmedoids(weights * np.nan, 2)
    with pytest.raises(ShapeError, match="square"):
        graph_kmedoids(weights[:4], 2)
