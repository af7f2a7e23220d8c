"""Nearest neighbours of every point among all points.

Source: k-d tree, Bentley (1975), by scipy; nearest-neighbour descent, Dong, Moses, Li (2011), "Efficient k-nearest
neighbor graph construction for generic similarity measures", by pynndescent.
"""

import numpy as np
from jaxtyping import Float32, Int64
from scipy.spatial import cKDTree

from geovq.arrays import FloatArray, IntArray
from geovq.threads import torch_threads_kept

_EXACT_UP_TO = 50_000  # points, in any number of dimensions
# Measured with 100,000 points, k = 10, one thread, exact against approximate: MNIST cells in 4, 8 and 11 dimensions
# (effectively 2) 0.4, 0.8 and 1.0 s against 1.4 to 2.0 s; normal clouds in 8 and 12 dimensions 5.6 and 58 s against 1.3
# and 1.7 s, where descent finds 98 and 93 % of the neighbours.
_EXACT_UP_TO_DIMENSIONS = 8


def nearest_neighbours(points: Float32[FloatArray, "n a"], n_neighbors: int) -> Int64[IntArray, "n n_neighbors"]:
    """The nearest other points of every point, nearest first; among equally near ones any.

    Exact with up to 50,000 points or in effectively up to 8 dimensions, else approximate; reproducible in any case.

    Parameters
    ----------
    points : array of shape (N, A)
    n_neighbors : int
        In [1, N).
    """
    if len(points) <= _EXACT_UP_TO or _effective_dimensions(points) <= _EXACT_UP_TO_DIMENSIONS:
        found = _exact(points, n_neighbors + 1)
    else:
        found = _approximate(points, n_neighbors + 1)
    itself = found == np.arange(len(points))[:, None]
    # Among duplicates a point need not be its own first answer, nor among its answers at all: then drop the last.
    itself[~itself.any(axis=1), -1] = True
    others: IntArray = found[~itself].reshape(len(points), n_neighbors)
    return others


def _effective_dimensions(points: Float32[FloatArray, "n a"]) -> float:
    """Participation ratio of the variances: A if all directions vary alike, 1 if one has all the variance."""
    variances = np.linalg.eigvalsh(np.atleast_2d(np.cov(points, rowvar=False)))
    return float(variances.sum() ** 2 / np.square(variances).sum())


def _exact(points: Float32[FloatArray, "n a"], n_nearest: int) -> Int64[IntArray, "n n_nearest"]:
    order = cKDTree(points).indices
    # Points that follow each other ask for the same leaves: several times as fast as in random order.
    _, nearest = cKDTree(points[order]).query(points[order], k=n_nearest, workers=-1)
    found = np.empty(nearest.shape, dtype=np.int64)
    found[order] = order[nearest]
    return found


def _approximate(points: Float32[FloatArray, "n a"], n_nearest: int) -> Int64[IntArray, "n n_nearest"]:
    from pynndescent import NNDescent

    with torch_threads_kept():
        # Several threads would find other neighbours than one does.
        nearest, _ = NNDescent(points, n_neighbors=n_nearest, random_state=0, n_jobs=1).neighbor_graph
    found: IntArray = nearest.astype(np.int64)
    incomplete = (found < 0).any(axis=1)
    if incomplete.any():
        found[incomplete] = cKDTree(points).query(points[incomplete], k=n_nearest, workers=-1)[1]
    return found
