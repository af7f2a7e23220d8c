"""Coordinates in two dimensions for points of which only the distances are known.

Source: McInnes, Healy, Melville (2018), "UMAP: Uniform Manifold Approximation and Projection".
"""

import warnings

import numpy as np
from jaxtyping import Float32

from geovq.arrays import FloatArray
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError

_FEWEST = 10  # points below which the spectral start of UMAP has no eigenvectors to take


def umap_projection(
    distances: Float32[FloatArray, "n n"], *, n_neighbors: int = 15, seed: int = 0
) -> Float32[FloatArray, "n 2"]:
    """UMAP of a distance matrix.

    Parameters
    ----------
    distances : array of shape (n, n)
        Symmetric, not negative; at least 10 points.
    n_neighbors : int, default=15
        Neighbours whose distances UMAP keeps; fewer where there are not so many points.
    seed : int, default=0
        The same seed gives the same coordinates on the same machine.

    Raises
    ------
    ShapeError
        If distances are not a square matrix of at least 10 points.
    NonFiniteError
        If a distance is NaN or infinite.
    InvalidValueError
        If `n_neighbors` is below 2.
    """
    n_points = len(distances)
    if distances.shape != (n_points, n_points) or n_points < _FEWEST:
        raise ShapeError(f"distances must be (n, n) with n of at least {_FEWEST}; got {distances.shape}.")
    if not np.isfinite(distances).all():
        raise NonFiniteError("distances must be finite; check the graph and its metric.")
    if n_neighbors < 2:
        raise InvalidValueError(f"n_neighbors must be at least 2; got {n_neighbors}.")
    with warnings.catch_warnings():
        # UMAP warns that there is no TensorFlow, that distances have no inverse transform, and that twins (two cells at
        # one place) are disconnected: nothing that matters here.
        warnings.simplefilter("ignore")
        from umap import UMAP  # takes seconds to import

        reducer = UMAP(metric="precomputed", n_neighbors=min(n_neighbors, n_points - 1), random_state=seed, n_jobs=1)
        return np.asarray(reducer.fit_transform(distances), dtype=np.float32)
