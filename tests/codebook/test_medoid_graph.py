import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.spatial.distance import pdist

from geovq.codebook.medoid_graph import MedoidGraph, code_layout, medoid_graph
from geovq.errors import ShapeError


def line(lengths: list[float]) -> csr_matrix:
    """Nodes 0 to n in a row."""
    tails = np.arange(len(lengths))
    dense = np.zeros((len(lengths) + 1, len(lengths) + 1), dtype=np.float32)
    dense[tails, tails + 1] = dense[tails + 1, tails] = lengths
    return csr_matrix(dense)


def test_codes_border_where_an_edge_joins_their_cells() -> None:
    """Medoids 0, 2 and 4 on a line: the middle one borders both others, which do not border each other."""
    graph = medoid_graph(line([1, 1, 2, 1]), np.array([0, 2, 4]), np.array([0, 0, 1, 2, 2]))
    np.testing.assert_array_equal(graph.pairs, [[0, 1], [1, 2]])
    np.testing.assert_array_equal(graph.n_edges, [1, 1])
    np.testing.assert_allclose(graph.lengths, [2, 3])
    np.testing.assert_allclose(graph.distances[0], [0, 2, 5])
    assert graph.neighbours_of(1).tolist() == [0, 2]
    assert graph.neighbours_of(0).tolist() == [1]


def test_edges_that_cross_a_border_are_counted_once() -> None:
    dense = np.zeros((4, 4), dtype=np.float32)
    for a, b in [(0, 1), (2, 3), (0, 2), (1, 3), (1, 2)]:
        dense[a, b] = dense[b, a] = 1
    graph = medoid_graph(csr_matrix(dense), np.array([0, 3]), np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(graph.n_edges, [3])


def test_one_code_has_no_border() -> None:
    graph = medoid_graph(line([1, 1]), np.array([1]), np.zeros(3, dtype=np.int64))
    assert graph.pairs.shape == (0, 2)
    assert graph.neighbours_of(0).tolist() == []
    np.testing.assert_array_equal(code_layout(graph, np.zeros((1, 2), dtype=np.float32)), [[0, 0]])


def test_a_flat_world_is_laid_out_as_it_is() -> None:
    """Distances of points in a plane can be kept exactly, up to one scale."""
    points = np.random.default_rng(0).uniform(size=(9, 2)).astype(np.float32)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    graph = MedoidGraph(np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64), distances)
    ratios = pdist(code_layout(graph, points + 0.01)) / pdist(points)
    np.testing.assert_allclose(ratios, ratios[0], rtol=2e-2)  # as far as the search for the layout goes


def test_medoids_on_one_place_still_get_places() -> None:
    graph = MedoidGraph(np.array([[0, 1]]), np.array([1]), np.array([[0, 1e-9], [1e-9, 0]], dtype=np.float32))
    assert np.isfinite(code_layout(graph, np.eye(2, dtype=np.float32))).all()


def test_labels_of_other_landmarks_are_refused() -> None:
    with pytest.raises(ShapeError, match="one entry per landmark"):
        medoid_graph(line([1, 1]), np.array([0]), np.array([0, 0]))


def test_codes_that_begin_on_one_place_are_laid_out_apart() -> None:
    distances = np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0]], dtype=np.float32)
    graph = MedoidGraph(np.array([[0, 1], [1, 2]]), np.array([1, 1]), distances)
    places = code_layout(graph, np.array([[0, 0], [0, 0], [1, 0]], dtype=np.float32))
    np.testing.assert_allclose(pdist(places) / pdist(places)[0], [1, 2, 1], rtol=2e-2)
