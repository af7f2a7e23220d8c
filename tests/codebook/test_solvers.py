import sys

import numpy as np
import pytest
from scipy.sparse.csgraph import dijkstra

from geovq.codebook import alternate_kmedoids, codebook_solver, kmedoids, solvers
from geovq.codebook.solvers import GraphSolver, MatrixSolver
from geovq.config import CodebookConfig
from geovq.errors import ConfigError
from geovq.geometry import EuclideanMetric, neighbour_graph

SOLVERS = ["fasterpam", "graph-lloyd", "alternate", *(["pam"] if sys.version_info < (3, 12) else [])]


@pytest.fixture(scope="module")
def weights():
    points = np.random.default_rng(0).normal(size=(240, 2)).astype(np.float32)
    graph = neighbour_graph(points, 6)
    return graph.weighted(EuclideanMetric().edge_lengths(points, graph.tails, graph.heads))


@pytest.fixture(scope="module")
def paths(weights):
    """All distances, by scipy."""
    return dijkstra(weights, directed=False)


def solver(weights, name, **settings):
    return codebook_solver(weights, CodebookConfig(solver=name, **settings), seed=0)


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_tells_labels_cost_distances_and_silhouette_of_the_same_paths(name, weights, paths):
    made = solver(weights, name)
    found = made.solve(9)
    assert len(set(found.medoid_indices)) == 9
    to_medoids = paths[:, found.medoid_indices]
    ours = to_medoids[np.arange(240), found.labels]
    np.testing.assert_allclose(ours, to_medoids.min(axis=1), rtol=1e-4)
    np.testing.assert_allclose(made.distance_to_medoid(found), ours, rtol=1e-4, atol=1e-6)
    assert found.cost == pytest.approx((ours**2).mean(), rel=1e-4)
    least, second = np.sort(to_medoids, axis=1)[:, :2].T
    assert made.silhouette(found) == pytest.approx((1 - least / second).mean(), rel=1e-4)


def test_fasterpam_and_alternate_minimise_squared_paths(weights, paths):
    squared = (paths**2).astype(np.float32)
    settings = {"n_restarts": 2, "max_iterations": 50}
    expected = kmedoids(squared, 7, seed=0, **settings).medoid_indices
    np.testing.assert_array_equal(solver(weights, "fasterpam", **settings).solve(7).medoid_indices, expected)
    expected = alternate_kmedoids(squared, 7).medoid_indices
    np.testing.assert_array_equal(solver(weights, "alternate").solve(7).medoid_indices, expected)


def test_auto_forms_the_matrix_up_to_the_limit_and_not_above(weights, monkeypatch):
    assert isinstance(solver(weights, "auto"), MatrixSolver)
    monkeypatch.setattr(solvers, "MOST_LANDMARKS_OF_FASTERPAM", 239)
    assert isinstance(solver(weights, "auto"), GraphSolver)


def test_graph_lloyd_never_asks_for_all_distances(weights, monkeypatch):
    asked = []
    search = solvers.geodesic_distances

    def counted(graph, sources=None, **options):
        asked.append(graph.shape[0] if sources is None else len(sources))
        return search(graph, sources, **options)

    monkeypatch.setattr(solvers, "geodesic_distances", counted)
    monkeypatch.setattr(solvers, "_PATHS_BYTES", 4 * 240 * 5)
    made = solver(weights, "graph-lloyd")
    made.silhouette(made.solve(12))
    assert asked == [5, 5, 2]


def test_chunks_change_no_silhouette(weights, monkeypatch):
    made = solver(weights, "graph-lloyd")
    found = made.solve(12)
    whole = made.silhouette(found)
    monkeypatch.setattr(solvers, "_PATHS_BYTES", 1)
    assert made.silhouette(found) == whole


def test_that_pam_is_missing_is_said_before_paths_are_searched(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn_extra.cluster", None)
    monkeypatch.setattr(solvers, "geodesic_distances", lambda *_, **__: pytest.fail("paths were searched"))
    with pytest.raises(ConfigError, match=r"codebook\.solver = pam needs scikit-learn-extra"):
        solver(weights, "pam")
