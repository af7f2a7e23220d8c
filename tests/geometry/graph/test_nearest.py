import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from geovq.geometry.graph import nearest
from geovq.geometry.graph.nearest import nearest_neighbours


def cloud(n, dimension, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(n=st.integers(2, 60), dimension=st.integers(1, 6), seed=st.integers(0, 10_000), data=st.data())
def test_neighbours_are_those_of_the_sorted_distances(n, dimension, seed, data):
    n_neighbors = data.draw(st.integers(1, n - 1))
    points = cloud(n, dimension, seed)
    distances = cdist(points.astype(np.float64), points.astype(np.float64))
    np.fill_diagonal(distances, np.inf)
    found = nearest_neighbours(points, n_neighbors)
    expected = np.sort(distances, axis=1)[:, :n_neighbors]
    np.testing.assert_allclose(np.take_along_axis(distances, found, axis=1), expected, rtol=1e-6)


def test_among_duplicates_everybody_has_different_others():
    found = nearest_neighbours(np.repeat(cloud(4, 3), 25, axis=0), 7)
    assert not (found == np.arange(100)[:, None]).any()
    assert all(len(set(row)) == 7 for row in found)
    assert (found // 25 == np.arange(100)[:, None] // 25).all()


def test_only_many_points_in_truly_many_dimensions_are_left_to_descent(monkeypatch):
    asked = []
    monkeypatch.setattr(nearest, "_EXACT_UP_TO", 200)
    monkeypatch.setattr(
        nearest, "_approximate", lambda points, k: asked.append(points.shape) or nearest._exact(points, k)
    )
    flat = cloud(300, 12) * np.where(np.arange(12) < 3, 1, 0.01).astype(np.float32)
    for points in (cloud(200, 12), flat, cloud(300, 2), cloud(300, 12)):
        nearest_neighbours(points, 3)
    assert asked == [(300, 12)]


def test_what_descent_does_not_find_is_found_exactly(monkeypatch):
    points = cloud(50, 3)
    complete = nearest._exact(points, 5)
    torn = complete.astype(np.int32)
    torn[7, 3:] = -1
    monkeypatch.setitem(
        sys.modules,
        "pynndescent",
        SimpleNamespace(NNDescent=lambda *args, **options: SimpleNamespace(neighbor_graph=(torn, None))),
    )
    np.testing.assert_array_equal(nearest._approximate(points, 5), complete)


@pytest.mark.slow  # pynndescent compiles for half a minute
def test_descent_finds_most_neighbours_the_same_ones_again_and_leaves_the_threads_of_torch_alone():
    points, n_threads = cloud(3_000, 12), torch.get_num_threads()
    exact, found, again = nearest._exact(points, 11), nearest._approximate(points, 11), nearest._approximate(points, 11)
    hits = [len(set(a) & set(b)) for a, b in zip(exact.tolist(), found.tolist(), strict=True)]
    assert np.mean(hits) > 0.9 * 11
    np.testing.assert_array_equal(found, again)
    assert torch.get_num_threads() == n_threads
