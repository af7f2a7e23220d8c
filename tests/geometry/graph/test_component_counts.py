import numpy as np
import pytest

from geovq.errors import InvalidValueError
from geovq.geometry import neighbour_graph
from geovq.geometry.graph.component_counts import component_counts

RNG = np.random.default_rng(0)


def clusters(*sizes: int) -> np.ndarray:
    """Small clouds at great distances from each other."""
    parts = [RNG.normal(size=(size, 2)) + 1000 * i for i, size in enumerate(sizes)]
    return np.concatenate(parts).astype(np.float32)


def test_components_are_those_of_the_neighbour_graph_before_it_joins_them() -> None:
    points = clusters(30, 20, 12)
    found = component_counts(points, 14)
    expected = [neighbour_graph(points, k).n_components for k in range(1, 15)]
    np.testing.assert_array_equal(found.n_components, expected)
    np.testing.assert_array_equal(found.n_neighbors, np.arange(1, 15))


def test_clusters_far_apart_stay_pieces_until_a_neighbour_must_be_found_outside() -> None:
    found = component_counts(clusters(6, 4), 6)
    assert found.n_components[2] == 2
    assert found.largest_share[2] == 0.6
    assert found.first_connected == 4  # the fourth neighbour of a point among four
    assert (found.n_components[3:] == 1).all()
    assert (found.largest_share[3:] == 1).all()


def test_more_neighbours_never_make_more_pieces() -> None:
    found = component_counts(RNG.normal(size=(200, 3)).astype(np.float32), 10)
    assert (np.diff(found.n_components) <= 0).all()
    assert (np.diff(found.largest_share) >= 0).all()


def test_without_a_connected_graph_there_is_no_first_one() -> None:
    assert component_counts(clusters(10, 10), 5).first_connected is None


@pytest.mark.parametrize("k", [0, 10])
def test_impossible_limits_are_refused(k: int) -> None:
    with pytest.raises(InvalidValueError, match=rf"max_neighbors must be in \[1, N\).*10 points; got {k}"):
        component_counts(clusters(10), k)
