import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra, floyd_warshall

import geovq
from geovq.errors import DisconnectedGraphError, InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import EuclideanMetric, neighbour_graph


def random_graph(n, seed, n_neighbors=5):
    cloud = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    graph = neighbour_graph(cloud, min(n_neighbors, n - 1))
    return graph.weighted(EuclideanMetric().edge_lengths(cloud, graph.tails, graph.heads))


def test_searching_leaves_the_threads_of_torch_alone():
    n_threads = torch.get_num_threads()
    geovq.geodesic_distances(random_graph(10, seed=0))
    assert torch.get_num_threads() == n_threads


@settings(deadline=None, max_examples=30)
@given(n=st.integers(2, 60), seed=st.integers(0, 10_000), n_neighbors=st.integers(1, 8))
def test_distances_equal_floyd_warshall(n, seed, n_neighbors):
    weights = random_graph(n, seed, n_neighbors)
    expected = floyd_warshall(weights.astype(np.float64))
    np.testing.assert_allclose(geovq.geodesic_distances(weights), expected, rtol=1e-4, atol=1e-5)


def test_distances_equal_scipys_dijkstra_on_a_large_graph():
    weights = random_graph(1_500, 1)
    expected = dijkstra(weights.astype(np.float64))
    distances = geovq.geodesic_distances(weights)
    assert distances.dtype == np.float32
    np.testing.assert_allclose(distances, expected, rtol=1e-5)


def test_sources_select_rows():
    weights = random_graph(80, 2)
    whole = geovq.geodesic_distances(weights)
    np.testing.assert_array_equal(geovq.geodesic_distances(weights, [7, 3, 7]), whole[[7, 3, 7]])
    np.testing.assert_array_equal(geovq.geodesic_distances(weights, 5), whole[[5]])


def test_distances_are_a_metric():
    distances = geovq.geodesic_distances(random_graph(60, 3)).astype(np.float64)
    np.testing.assert_allclose(distances, distances.T, rtol=1e-5)
    assert (np.diag(distances) == 0).all()
    through = (distances[:, :, None] + distances[None]).min(axis=1)
    assert (distances <= through * (1 + 1e-5) + 1e-6).all()


def test_scaling_the_weights_scales_the_distances():
    weights = random_graph(50, 4)
    np.testing.assert_allclose(geovq.geodesic_distances(weights * 4), 4 * geovq.geodesic_distances(weights), rtol=1e-6)


def test_thread_count_changes_nothing():
    import numba

    weights = random_graph(300, 5)
    many = geovq.geodesic_distances(weights)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        np.testing.assert_array_equal(geovq.geodesic_distances(weights), many)
    finally:
        numba.set_num_threads(before)


def test_a_grid_gives_manhattan_distances():
    side = 6
    index = np.arange(side * side).reshape(side, side)
    tails = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    heads = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    weights = csr_matrix((np.ones(len(tails)), (tails, heads)), shape=(side**2, side**2))
    rows, columns = np.divmod(np.arange(side**2), side)
    expected = abs(rows[:, None] - rows) + abs(columns[:, None] - columns)
    np.testing.assert_array_equal(geovq.geodesic_distances(weights + weights.T), expected)


def test_bad_input_is_named():
    weights = random_graph(20, 6)
    lonely = csr_matrix((np.ones(4), ([0, 1, 2, 3], [1, 0, 3, 2])), shape=(5, 5))
    with pytest.raises(DisconnectedGraphError, match=r"3 components of sizes 2, 2, 1;.*n_neighbors"):
        geovq.geodesic_distances(lonely)
    with pytest.raises(InvalidValueError, match="not be negative; the smallest is -"):
        geovq.geodesic_distances(-weights)
    with pytest.raises(InvalidValueError, match="symmetric"):
        geovq.geodesic_distances(csr_matrix(np.triu(weights.toarray())))
    with pytest.raises(NonFiniteError, match="finite"):
        geovq.geodesic_distances(weights * np.nan)
    with pytest.raises(ShapeError, match="square"):
        geovq.geodesic_distances(weights[:3])
    with pytest.raises(ShapeError, match="square"):
        geovq.geodesic_distances(np.ones((3, 3)))
    with pytest.raises(InvalidValueError, match=r"in \[0, 20\); got 3 to 20"):
        geovq.geodesic_distances(weights, [3, 20])
    with pytest.raises(InvalidValueError, match="list of node indices"):
        geovq.geodesic_distances(weights, [0.5])
