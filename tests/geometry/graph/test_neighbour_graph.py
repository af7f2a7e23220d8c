import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial.distance import cdist

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import EuclideanMetric, PullbackMetric, neighbour_graph
from geovq.geometry.graph.path_tree import path_tree


def points(n, dimension=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32)


def edges(graph):
    return set(zip(graph.tails.tolist(), graph.heads.tolist(), strict=True))


def test_edges_are_the_union_of_everybodys_nearest_neighbours():
    cloud = points(40)
    distances = cdist(cloud, cloud)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argsort(axis=1)[:, :6]
    expected = {(min(i, int(j)), max(i, int(j))) for i in range(40) for j in nearest[i]}
    assert edges(neighbour_graph(cloud, 6)) == expected


def test_components_are_counted_and_joined_by_their_shortest_edge():
    left, right = points(20, seed=1), points(20, seed=2) + np.float32(50)
    cloud = np.concatenate([left, right])
    graph = neighbour_graph(cloud, 3)
    gaps = cdist(left, right)
    i, j = np.unravel_index(gaps.argmin(), gaps.shape)
    crossing = {(a, b) for a, b in edges(graph) if a < 20 <= b}
    assert graph.n_components == 2
    assert graph.n_joining_edges == 1
    assert crossing == {(i, 20 + j)}


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), n_clusters=st.integers(1, 9))
def test_joining_edges_are_those_of_the_minimum_spanning_tree(seed, n_clusters):
    cloud = np.concatenate([points(6, seed=seed + c) + np.float32(100 * c * (c + 1)) for c in range(n_clusters)])
    graph = neighbour_graph(cloud, 2)
    weights = graph.weighted(EuclideanMetric().edge_lengths(cloud, graph.tails, graph.heads))
    assert connected_components(weights, directed=False)[0] == 1
    tree = minimum_spanning_tree(cdist(cloud, cloud))
    longest = np.sort(tree.data)[::-1][: n_clusters - 1]
    np.testing.assert_allclose(np.sort(weights.data)[::-1][: 2 * (n_clusters - 1) : 2], longest, rtol=1e-4)


def test_components_of_all_sizes_in_any_arrangement_are_joined_by_the_minimum_spanning_tree():
    rng = np.random.default_rng(5)
    centres, sizes = rng.uniform(0, 1e4, size=(60, 2)), rng.integers(3, 40, size=60)
    cloud = np.concatenate([c + rng.normal(size=(s, 2)) for c, s in zip(centres, sizes, strict=True)])
    cloud = rng.permutation(cloud).astype(np.float32)
    graph = neighbour_graph(cloud, 2)
    distances = cdist(cloud, cloud)
    rows, nearest = np.arange(len(cloud))[:, None], distances.argsort(axis=1)[:, 1:3]
    chosen = csr_matrix((np.ones(nearest.size), (np.repeat(rows, 2, axis=1).ravel(), nearest.ravel())), distances.shape)
    n_components, labels = connected_components(chosen, directed=False)
    islands = [np.flatnonzero(labels == c) for c in range(n_components)]
    gaps = np.array([[0 if a is b else distances[np.ix_(a, b)].min() for b in islands] for a in islands])
    assert graph.n_components == n_components >= 60
    assert graph.n_joining_edges == n_components - 1
    joining = labels[graph.tails] != labels[graph.heads]
    found = np.linalg.norm(cloud[graph.heads] - cloud[graph.tails], axis=1)[joining]
    np.testing.assert_allclose(np.sort(found), np.sort(minimum_spanning_tree(gaps).data), rtol=1e-4)


def test_relabelling_the_points_relabels_the_edges():
    cloud, order = points(30), np.random.default_rng(3).permutation(30)
    relabelled = {tuple(sorted((int(order[a]), int(order[b])))) for a, b in edges(neighbour_graph(cloud[order], 4))}
    assert relabelled == edges(neighbour_graph(cloud, 4))


def test_duplicates_keep_a_floor_and_no_self_loops():
    cloud = np.repeat(points(5), 4, axis=0)
    graph = neighbour_graph(cloud, 6)
    weights = graph.weighted(EuclideanMetric().edge_lengths(cloud, graph.tails, graph.heads))
    assert (graph.tails < graph.heads).all()
    assert weights.nnz == 2 * len(graph.tails)
    assert weights.data.min() > 0


def test_many_exact_duplicates_still_connect():
    cloud = np.concatenate([np.zeros((30, 2)), np.ones((30, 2))]).astype(np.float32)
    graph = neighbour_graph(cloud, 3)
    assert connected_components(graph.weighted(np.ones(len(graph.tails), np.float32)))[0] == 1


def test_pullback_lengths_with_the_identity_are_euclidean():
    cloud = points(50, 3)
    graph = neighbour_graph(cloud, 5)
    identity = np.broadcast_to(np.eye(3, dtype=np.float32), (50, 3, 3))
    expected = np.linalg.norm(cloud[graph.heads] - cloud[graph.tails], axis=1)
    for metric in (EuclideanMetric(), PullbackMetric(identity)):
        np.testing.assert_allclose(metric.edge_lengths(cloud, graph.tails, graph.heads), expected, rtol=1e-5)


def test_the_trapezoid_rule_is_second_order_on_the_sphere():
    """Length of a parallel's chord-free arc in (colatitude, longitude), against the closed form by fine quadrature."""

    def length(n_edges):
        theta = np.linspace(0.4, 1.6, n_edges + 1)
        phi = 1.5 * theta**2
        path = np.stack([theta, phi], axis=1).astype(np.float64)
        metric = np.zeros((n_edges + 1, 2, 2))
        metric[:, 0, 0], metric[:, 1, 1] = 1, np.sin(theta) ** 2
        tails = np.arange(n_edges)
        return PullbackMetric(metric).edge_lengths(path, tails, tails + 1).astype(np.float64).sum()

    fine = np.linspace(0.4, 1.6, 200_001)
    arc = trapezoid(np.sqrt(1 + np.sin(fine) ** 2 * (3.0 * fine) ** 2), fine)
    errors = [abs(length(n) - arc) for n in (4, 8, 16)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4.0, rtol=0.1)


def test_scaling_the_metric_by_c_squared_scales_lengths_by_c():
    cloud = points(20)
    graph = neighbour_graph(cloud, 3)
    factors = np.random.default_rng(0).normal(size=(20, 2, 2))
    tensors = (factors @ factors.transpose(0, 2, 1)).astype(np.float32)
    lengths = [PullbackMetric(s * tensors).edge_lengths(cloud, graph.tails, graph.heads) for s in (1, 9)]
    np.testing.assert_allclose(lengths[1], 3 * lengths[0], rtol=1e-4)


def test_chunks_change_no_length(monkeypatch):
    cloud = points(60)
    graph = neighbour_graph(cloud, 4)
    factors = np.random.default_rng(0).normal(size=(60, 2, 2)).astype(np.float32)
    metric = PullbackMetric(factors @ factors.transpose(0, 2, 1))
    whole = metric.edge_lengths(cloud, graph.tails, graph.heads)
    monkeypatch.setattr("geovq.geometry.graph.neighbour_graph._EDGES_PER_CHUNK", 7)
    np.testing.assert_array_equal(metric.edge_lengths(cloud, graph.tails, graph.heads), whole)


def test_bad_input_is_named():
    cloud = points(10)
    with pytest.raises(InvalidValueError, match=r"10 landmarks are all the same point.*collapse.*lower vae.beta"):
        neighbour_graph(np.ones((10, 3), np.float32), 2)
    with pytest.raises(InvalidValueError, match="below the 10 landmarks; got 10"):
        neighbour_graph(cloud, 10)
    with pytest.raises(ShapeError, match=r"\(N, A\)"):
        neighbour_graph(cloud[0], 2)
    with pytest.raises(NonFiniteError, match="points must be finite"):
        neighbour_graph(cloud * np.nan, 2)
    graph = neighbour_graph(cloud, 2)
    with pytest.raises(ShapeError, match="one entry per edge"):
        graph.weighted(np.ones(3, np.float32))
    with pytest.raises(NonFiniteError, match="Edge lengths"):
        graph.weighted(np.full(len(graph.tails), np.nan, np.float32))
    with pytest.raises(ShapeError, match=r"\(N, A, A\)"):
        PullbackMetric(np.ones((9, 2, 2), np.float32)).edge_lengths(cloud, graph.tails, graph.heads)


def test_weighted_is_symmetric():
    cloud = points(25)
    graph = neighbour_graph(cloud, 4)
    weights = graph.weighted(EuclideanMetric().edge_lengths(cloud, graph.tails, graph.heads))
    assert isinstance(weights, csr_matrix)
    assert (weights != weights.T).nnz == 0


def test_edges_without_length_lead_somewhere_all_the_same():
    graph = neighbour_graph(np.array([[0.0], [0.0], [1.0], [1.0], [2.0]], dtype=np.float32), n_neighbors=2)
    some_zero = np.where(np.arange(len(graph.tails)) == 0, 0, 1e-41)  # a millionth of that is zero in float32
    for lengths in (np.zeros(len(graph.tails)), some_zero):
        weights = graph.weighted(lengths.astype(np.float32))
        assert weights.nnz == 2 * len(graph.tails)
        assert (weights.data > 0).all()
        assert np.isfinite(path_tree(weights, 0).distances).all()
