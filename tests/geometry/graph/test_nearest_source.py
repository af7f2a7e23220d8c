import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra, floyd_warshall

from geovq.errors import DisconnectedGraphError, InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import geodesic_distances
from geovq.geometry.graph.nearest_source import nearest_source
from tests.geometry.graph.test_shortest_paths import random_graph


@settings(deadline=None, max_examples=30)
@given(n=st.integers(2, 60), seed=st.integers(0, 10_000), data=st.data())
def test_it_is_the_least_of_all_distances_to_sources(n, seed, data):
    sources = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n))
    weights = random_graph(n, seed)
    rows = floyd_warshall(weights.astype(np.float64))[sources]
    found = nearest_source(weights, sources)
    np.testing.assert_allclose(found.distance, rows.min(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rows[found.source, np.arange(n)], rows.min(axis=0), rtol=1e-4, atol=1e-5)


def test_it_is_scipys_answer_on_a_large_graph():
    weights = random_graph(3_000, seed=1)
    sources = np.random.default_rng(0).choice(3_000, 40, replace=False)
    expected, _, nearest = dijkstra(
        weights.astype(np.float64), indices=sources, min_only=True, return_predecessors=True
    )
    found = nearest_source(weights, sources)
    np.testing.assert_allclose(found.distance, expected, rtol=1e-5)
    np.testing.assert_array_equal(sources[found.source], nearest)


def test_distances_are_to_the_bit_those_from_one_source_at_a_time():
    weights = random_graph(500, seed=2)
    sources = [7, 400, 33]
    np.testing.assert_array_equal(
        nearest_source(weights, sources).distance, geodesic_distances(weights, sources).min(axis=0)
    )


def test_of_equally_near_sources_the_lower_index_wins():
    side = 9
    index = np.arange(side * side).reshape(side, side)
    tails = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    heads = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    grid = csr_matrix((np.ones(len(tails)), (tails, heads)), shape=(side**2, side**2))
    sources = [80, 0, 8, 40, 72, 0]
    rows = geodesic_distances(grid + grid.T, sources)
    np.testing.assert_array_equal(nearest_source(grid + grid.T, sources).source, rows.argmin(axis=0))


def test_every_source_is_its_own_at_no_distance_to_another_too():
    ends = np.array([0, 1, 1, 2, 2, 3]), np.array([1, 0, 2, 1, 3, 2])
    weights = csr_matrix((np.array([0, 0, 1, 1, 0, 0], np.float32), ends), shape=(4, 4))
    found = nearest_source(weights, [3, 2, 1, 0])
    assert found.source.tolist() == [3, 2, 1, 0]
    assert found.distance.tolist() == [0, 0, 0, 0]


def test_a_node_lies_behind_another_of_its_cell():
    weights = random_graph(300, seed=3)
    found = nearest_source(weights, np.arange(0, 300, 30))
    for node in np.flatnonzero(found.distance > 0):
        row = slice(weights.indptr[node], weights.indptr[node + 1])
        through = found.distance[weights.indices[row]] + weights.data[row]
        same_cell = found.source[weights.indices[row]] == found.source[node]
        assert through[same_cell].min() == found.distance[node]


def test_bad_input_is_named():
    weights = random_graph(20, seed=6)
    lonely = csr_matrix((np.ones(4), ([0, 1, 2, 3], [1, 0, 3, 2])), shape=(5, 5))
    with pytest.raises(InvalidValueError, match="at least one node; got none"):
        nearest_source(weights, np.empty(0, dtype=np.int64))
    with pytest.raises(InvalidValueError, match=r"in \[0, 20\); got -1 to 3"):
        nearest_source(weights, [3, -1])
    with pytest.raises(InvalidValueError, match="list of node indices"):
        nearest_source(weights, [0.5])
    with pytest.raises(DisconnectedGraphError, match="3 components"):
        nearest_source(lonely, [0])
    with pytest.raises(InvalidValueError, match="not be negative"):
        nearest_source(-weights, [0])
    with pytest.raises(NonFiniteError, match="finite"):
        nearest_source(weights * np.nan, [0])
    with pytest.raises(ShapeError, match="square"):
        nearest_source(weights[:3], [0])
