"""Connected components of the graph that joins each landmark to its k nearest others, for every k up to a limit."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.errors import InvalidValueError
from geovq.geometry.graph.nearest import nearest_neighbours


@dataclass(frozen=True)
class ComponentCounts:
    """Components of nearest-neighbour graphs before anything joins them.

    Attributes
    ----------
    n_neighbors : array of shape (m,)
        1 to m: neighbours that each landmark chooses.
    n_components : array of shape (m,)
        Connected components; never rises.
    largest_share : array of shape (m,)
        Share of the landmarks in the largest component.
    """

    n_neighbors: Int64[IntArray, " m"]
    n_components: Int64[IntArray, " m"]
    largest_share: Float[DoubleArray, " m"]

    @property
    def first_connected(self) -> int | None:
        """The fewest neighbours that make one component; None if none of them does."""
        connected = self.n_neighbors[self.n_components == 1]
        return int(connected[0]) if len(connected) else None


def component_counts(points: Float32[FloatArray, "n a"], max_neighbors: int = 20) -> ComponentCounts:
    """Components of the symmetric k-nearest-neighbour graph for every k up to a limit.

    Parameters
    ----------
    points : array of shape (N, A)
    max_neighbors : int, default=20
        In [1, N).

    Raises
    ------
    InvalidValueError
        If `max_neighbors` is not in [1, N).
    """
    n_points = len(points)
    if not 1 <= max_neighbors < n_points:
        raise InvalidValueError(f"max_neighbors must be in [1, N) for N = {n_points} points; got {max_neighbors}.")
    nearest = nearest_neighbours(points, max_neighbors)
    found = [_components(nearest[:, :k]) for k in range(1, max_neighbors + 1)]
    return ComponentCounts(
        np.arange(1, max_neighbors + 1),
        np.array([len(sizes) for sizes in found], dtype=np.int64),
        np.array([sizes.max() / n_points for sizes in found]),
    )


def _components(nearest: Int64[IntArray, "n k"]) -> Int64[IntArray, " components"]:
    """Sizes of the components."""
    n_points, k = nearest.shape
    pointers = np.arange(0, n_points * k + 1, k)
    chosen = csr_matrix((np.ones(nearest.size, dtype=np.int8), nearest.ravel(), pointers), shape=(n_points, n_points))
    return np.bincount(connected_components(chosen, directed=False)[1])
