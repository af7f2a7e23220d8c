import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, diags
from scipy.sparse.csgraph import dijkstra

from geovq.errors import Cancelled, DeviceError, InvalidValueError
from geovq.geometry import EuclideanMetric, geodesic_distances, neighbour_graph
from geovq.geometry.graph import bellman_ford
from geovq.geometry.graph.bellman_ford import relax_distances
from tests.geometry.listeners import Listener


def random_graph(n, seed, n_neighbors=5, n_duplicates=0):
    cloud = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    cloud[:n_duplicates] = 0
    graph = neighbour_graph(cloud, min(n_neighbors, n - 1))
    return graph.weighted(EuclideanMetric().edge_lengths(cloud, graph.tails, graph.heads))


def star(n_leaves):
    lengths = np.random.default_rng(0).uniform(1, 2, n_leaves)
    hub, leaves = np.zeros(n_leaves, dtype=int), np.arange(1, n_leaves + 1)
    spokes = csr_matrix((lengths, (hub, leaves)), shape=(n_leaves + 1, n_leaves + 1))
    return csr_matrix(spokes + spokes.T, dtype=np.float32)


def chain(n):
    lengths = np.random.default_rng(1).uniform(0.1, 3, n - 1)
    return csr_matrix(diags([lengths, lengths], [-1, 1]), dtype=np.float32)


@settings(deadline=None, max_examples=15)
@given(n=st.integers(2, 80), seed=st.integers(0, 10_000), n_neighbors=st.integers(1, 8))
def test_distances_are_dijkstras_to_the_last_bit(n, seed, n_neighbors):
    weights = random_graph(n, seed, n_neighbors)
    np.testing.assert_array_equal(relax_distances(weights, np.arange(n), "cpu"), geodesic_distances(weights))


def test_some_sources_of_a_larger_graph_equal_scipys_dijkstra():
    weights, sources = random_graph(1_500, 1), np.array([7, 3, 7, 1_400])
    distances = relax_distances(weights, sources, "cpu")
    assert distances.dtype == np.float32
    np.testing.assert_allclose(distances, dijkstra(weights.astype(np.float64), indices=sources), rtol=1e-5)


def test_a_chain_of_500_nodes_is_walked_to_its_end():
    weights = chain(500)
    along = np.concatenate([[0], np.cumsum(weights.diagonal(1).astype(np.float64))])
    exact = abs(along[:, None] - along)
    distances = relax_distances(weights, np.arange(500), "cpu")
    np.testing.assert_allclose(distances, exact, rtol=1e-5)
    np.testing.assert_array_equal(distances, geodesic_distances(weights))


@pytest.mark.parametrize("n_leaves", [31, 33, 200, 32 * 32 + 1])  # up to two levels of partial rows
def test_a_hub_is_shared_out(n_leaves):
    weights, sources = star(n_leaves), np.array([0, 1, n_leaves])
    np.testing.assert_array_equal(relax_distances(weights, sources, "cpu"), geodesic_distances(weights, sources))
    table = bellman_ford._table_of(weights, torch.device("cpu"))
    assert len(table.slots) <= 32
    assert table.n_rows <= (n_leaves + 1) * (1 + 1 / 31) + 2


def test_slots_hold_every_edge_once_and_nothing_else():
    weights = random_graph(300, 2)
    slots = bellman_ford._table_of(weights, torch.device("cpu")).slots
    assert sum(len(rows) for rows, _ in slots) == weights.nnz
    assert len(slots) == np.diff(weights.indptr).max()
    assert sum(float(lengths.sum()) for _, lengths in slots) == pytest.approx(weights.sum(), rel=1e-5)


def test_duplicates_and_edges_of_no_length_are_walked():
    weights = random_graph(120, 3, n_duplicates=30)
    np.testing.assert_array_equal(relax_distances(weights, np.arange(120), "cpu"), geodesic_distances(weights))
    weights.data[weights.data < np.quantile(weights.data, 0.3)] = 0
    np.testing.assert_array_equal(relax_distances(weights, np.arange(120), "cpu"), geodesic_distances(weights))


def test_blocks_of_sources_change_nothing(monkeypatch):
    weights = random_graph(200, 4)
    whole = relax_distances(weights, np.arange(200), "cpu")
    monkeypatch.setattr(bellman_ford, "_BLOCK_BYTES", 1)
    monkeypatch.setattr(bellman_ford, "_FEWEST_SOURCES", 13)
    listener = Listener()
    np.testing.assert_array_equal(relax_distances(weights, np.arange(200), "cpu", progress=listener), whole)
    assert listener.phases == [("shortest paths", 200, "sources")]
    assert listener.advances == [13] * 15 + [5]


def test_a_block_that_does_not_fit_is_halved(monkeypatch):
    weights, relaxed = random_graph(60, 5), bellman_ford._relaxed

    def on_a_small_device(table, starts, progress):
        if len(starts) > 8:
            raise torch.OutOfMemoryError
        return relaxed(table, starts, progress)

    monkeypatch.setattr(bellman_ford, "_relaxed", on_a_small_device)
    listener = Listener()
    distances = relax_distances(weights, np.arange(60), "cpu", progress=listener)
    np.testing.assert_array_equal(distances, geodesic_distances(weights))
    assert len(listener.notes) == 1


def test_a_node_without_a_path_is_infinitely_far():
    pair = csr_matrix(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=np.float32))
    np.testing.assert_array_equal(relax_distances(pair, np.array([0]), "cpu"), [[0, 1, np.inf]])
    np.testing.assert_array_equal(relax_distances(csr_matrix((1, 1)), np.array([0]), "cpu"), [[0]])


def test_a_stop_is_seen_between_sweeps():
    listener = Listener(stop_after=3)
    with pytest.raises(Cancelled):
        relax_distances(chain(500), np.arange(10), "cpu", progress=listener)
    assert listener.advances == []


def test_bad_input_is_named():
    weights = random_graph(20, 6)
    for bad in (-weights, weights * np.nan):
        with pytest.raises(InvalidValueError, match="finite and not negative; call geodesic_distances"):
            relax_distances(bad, np.array([0]), "cpu")
    with pytest.raises(DeviceError, match="'cuda:63' was asked for"):
        relax_distances(weights, np.array([0]), "cuda:63")
