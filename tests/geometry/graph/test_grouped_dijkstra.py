import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from geovq.geometry.graph.grouped_dijkstra import LANES, near_each_other, search_groups
from geovq.geometry.graph.shortest_paths import checked_graph
from tests.geometry.graph.test_shortest_paths import random_graph


def searched(weights, sources, order):
    graph = checked_graph(weights)
    out = np.full((len(sources), graph.shape[0]), np.nan, dtype=np.float32)
    search_groups(graph.indptr, graph.indices, graph.data, np.int32(sources), np.int32(order), out)
    return out


def star(n_rays):
    """A hub, node 0, with rays of lengths 0, 1, 2 and so on."""
    hub, rays = np.zeros(n_rays, dtype=np.int64), np.arange(1, n_rays + 1)
    lengths = np.arange(n_rays, dtype=np.float32)
    ends = (np.append(hub, rays), np.append(rays, hub))
    return csr_matrix((np.append(lengths, lengths), ends), shape=(n_rays + 1, n_rays + 1))


@pytest.mark.parametrize("n_sources", [1, LANES - 1, LANES, 3 * LANES + 5])
def test_a_group_finds_what_each_source_finds_alone_bit_for_bit(n_sources):
    weights = random_graph(400, seed=1)
    sources = np.random.default_rng(2).choice(400, n_sources, replace=False)
    together = searched(weights, sources, np.arange(n_sources))
    alone = np.concatenate([searched(weights, [source], [0]) for source in sources])
    np.testing.assert_array_equal(together, alone)


def test_sources_far_from_each_other_and_twice_the_same_are_searched_too():
    weights = random_graph(500, seed=3)
    far = dijkstra(weights.astype(np.float64), indices=0).argsort()[[0, -1, 0, 250, -2]]
    np.testing.assert_allclose(
        searched(weights, far, np.arange(5)), dijkstra(weights.astype(np.float64), indices=far), rtol=1e-5
    )


def test_edges_of_no_length_and_hubs_are_crossed():
    found = searched(star(200), np.arange(201), np.arange(201))
    rays = np.append(0, np.arange(200))
    expected = rays[:, None] + rays[None]
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(found, expected)


def test_only_the_rows_that_are_asked_for_are_filled():
    out = searched(random_graph(50, seed=4), [3, 4, 5], [2, 0])
    assert np.isnan(out[1]).all()
    assert (out[0, 3], out[2, 5]) == (0, 0)


def test_groups_are_a_permutation_of_sources_near_each_other():
    graph = checked_graph(random_graph(2_000, seed=5))
    sources = np.random.default_rng(6).permutation(2_000).astype(np.int32)
    order = near_each_other(graph.indptr, graph.indices, graph.data, sources)
    np.testing.assert_array_equal(np.sort(order), np.arange(2_000))
    distances = dijkstra(graph)
    group = sources[order[:LANES]]
    assert distances[np.ix_(group, group)].mean() < 0.5 * distances.mean()
