"""Coordinates in two dimensions for points of which only the distances are known.

Sources: McInnes, Healy, Melville (2018), "UMAP: Uniform Manifold Approximation and Projection"; Kobak, Linderman
(2021), "Initialization is critical for preserving global data structure in both t-SNE and UMAP"; Torgerson (1952),
"Multidimensional scaling: I. Theory and method".
"""

import warnings

import numpy as np
from jaxtyping import Float32, Float64
from scipy.linalg import eigh

from geovq.arrays import DoubleArray, FloatArray
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError

_FEWEST = 10  # points below which there is no picture to speak of
_SIDE, _JITTER = 10.0, 1e-4  # largest coordinate of the start, and the noise that parts twins; as UMAP's own starts


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

        reducer = UMAP(
            metric="precomputed",
            n_neighbors=min(n_neighbors, n_points - 1),
            init=_start(distances, seed),
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(reducer.fit_transform(distances), dtype=np.float32)


def _start(distances: Float32[FloatArray, "n n"], seed: int) -> Float32[FloatArray, "n 2"]:
    """Where the points begin: classical scaling of the distances.

    UMAP's spectral start is another one every time, whatever its seed, where a group of twins has as many members as
    there are neighbours: ARPACK then meets an invariant subspace, and draws from fresh entropy (lmcinnes/umap#1277).
    """
    squared = distances.astype(np.float64) ** 2
    centred = squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean()
    inner: Float64[DoubleArray, "n n"] = -0.5 * centred
    n_points = len(inner)
    variances, axes = eigh(inner, subset_by_index=[n_points - 2, n_points - 1])
    places = axes[:, ::-1] * np.sqrt(variances[::-1].clip(min=0))
    largest = np.abs(places).max()
    noise = np.random.default_rng(seed).normal(scale=_JITTER, size=places.shape)
    scaled: FloatArray = (places * (_SIDE / largest if largest > 0 else 0.0) + noise).astype(np.float32)
    return scaled
