from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import floyd_warshall

import geovq
from geovq.errors import DisconnectedGraphError, InvalidValueError
from geovq.geometry.graph.path_tree import path_tree
from tests.geometry.graph.test_shortest_paths import random_graph


@settings(deadline=None, max_examples=30)
@given(n=st.integers(2, 50), seed=st.integers(0, 10_000))
def test_the_way_to_every_node_is_as_long_as_its_distance(n, seed):
    weights = random_graph(n, seed)
    source = seed % n
    tree = path_tree(weights, source)
    expected = floyd_warshall(weights.astype(np.float64))[source]
    np.testing.assert_allclose(tree.distances, expected, rtol=1e-4, atol=1e-5)
    for node in range(n):
        path = tree.path_to(node)
        assert path[0] == source
        assert path[-1] == node
        assert len(np.unique(path)) == len(path)
        steps = [weights[a, b] for a, b in pairwise(path)]
        assert all(step > 0 for step in steps)  # edges of the graph
        np.testing.assert_allclose(sum(steps), expected[node], rtol=1e-4, atol=1e-5)


def test_distances_are_those_of_the_parallel_search():
    weights = random_graph(1_000, 3)
    np.testing.assert_allclose(path_tree(weights, 17).distances, geovq.geodesic_distances(weights, 17)[0], rtol=1e-5)


def test_every_start_of_a_path_is_the_path_to_its_end():
    tree = path_tree(random_graph(200, 4), 0)
    path = tree.path_to(150)
    for i, node in enumerate(path):
        np.testing.assert_array_equal(tree.path_to(node), path[: i + 1])


def test_edges_that_rounding_swallows_lead_nowhere_in_circles():
    """A ring of duplicates: each edge vanishes beside the distance of the first node."""
    n = 12
    ring = np.arange(1, n)
    tails, heads = np.append(ring, 0), np.append(np.roll(ring, 1), 1)
    lengths = np.append(np.full(n - 1, 1e-9), 1.0)
    one_way = csr_matrix((lengths, (tails, heads)), shape=(n, n))
    tree = path_tree(one_way + one_way.T, 0)
    assert {tree.path_to(node)[1] for node in ring} == {1}
    assert tree.predecessors[0] == -1


def test_the_source_is_its_own_path():
    np.testing.assert_array_equal(path_tree(random_graph(10, 0), 4).path_to(4), [4])


def test_bad_input_is_named():
    weights = random_graph(20, 6)
    for source in (20, -1, 0.5):
        with pytest.raises(InvalidValueError, match=rf"source must be an integer in \[0, 20\); got {source}"):
            path_tree(weights, source)
    with pytest.raises(InvalidValueError, match=r"node must be an integer in \[0, 20\); got 20"):
        path_tree(weights, 0).path_to(20)
    with pytest.raises(DisconnectedGraphError, match="2 components"):
        path_tree(csr_matrix((np.ones(4), ([0, 1, 2, 3], [1, 0, 3, 2])), shape=(4, 4)), 0)
