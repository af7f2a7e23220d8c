"""Volume of latent space that each code stands for: in the active subspace, and under the decoder's metric.

Landmarks are drawn from real cells, so their number measures how often a code is used, not the volume of its cell. The
volume of a landmark comes from the k-nearest-neighbour estimate of the density: the ball that reaches its k-th nearest
neighbour holds k landmarks, so each has a k-th part of it. The volume of a code is the sum over its landmarks; under
the metric G of a place a volume v becomes sqrt(det G) v.

Source: Loftsgaarden, Quesenberry (1965), "A nonparametric estimate of a multivariate density function",
doi:10.1214/aoms/1177700079.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from scipy.spatial import cKDTree

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.errors import InvalidValueError, ShapeError


@dataclass(frozen=True, eq=False)
class ClusterAreas:
    """Share of every code in the volume that all landmarks have.

    Attributes
    ----------
    euclidean : array of shape (K,)
        Shares of the volume in the active subspace; they sum to 1.
    riemannian : array of shape (K,)
        Shares of the volume under the decoder's metric; they sum to 1.
    """

    euclidean: Float[DoubleArray, " k"]
    riemannian: Float[DoubleArray, " k"]


def landmark_volumes(points: Float[FloatArray, "n a"], n_neighbors: int = 10) -> Float[DoubleArray, " n"]:
    """Volume that each landmark stands for.

    Parameters
    ----------
    points : array of shape (N, A)
        Landmarks; those that lie on the same place share its volume.
    n_neighbors : int, default=10
        Neighbours k whose ball is shared; fewer if there are fewer places.

    Returns
    -------
    array of shape (N,)
        In latent units to the power of A; not negative.

    Raises
    ------
    ShapeError
        If `points` does not have two axes.
    InvalidValueError
        If `n_neighbors` is below 1, or there are fewer than two places.
    """
    if points.ndim != 2:
        raise ShapeError(f"points must have shape (N, A); got {points.shape}.")
    if n_neighbors < 1:
        raise InvalidValueError(f"n_neighbors must be at least 1; got {n_neighbors}.")
    places, place_of, n_here = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    if len(places) < 2:
        raise InvalidValueError(f"Volumes need two landmarks at different places; got {len(places)} of them.")
    n_active, k = points.shape[1], min(n_neighbors, len(places) - 1)
    radii = cKDTree(places).query(places, k=[k + 1])[0][:, 0]  # a place is its own nearest
    unit_ball = math.pi ** (n_active / 2) / math.gamma(n_active / 2 + 1)
    volumes: DoubleArray = (unit_ball / k * radii**n_active / n_here)[place_of.ravel()]
    return volumes


def cluster_areas(
    labels: Int64[IntArray, " n"],
    volumes: Float[DoubleArray, " n"],
    log10_magnification: Float[DoubleArray, " n"],
    n_codes: int,
) -> ClusterAreas:
    """Volume of every code, with and without the decoder's magnification.

    Parameters
    ----------
    labels : array of shape (N,)
        Code of each landmark, in [0, n_codes).
    volumes : array of shape (N,)
        As from `landmark_volumes`.
    log10_magnification : array of shape (N,)
        log10 sqrt(det G) at each landmark; -inf where moving the cell does not change the image.
    n_codes : int
        Size K of the codebook.

    Returns
    -------
    ClusterAreas

    Raises
    ------
    ShapeError
        If the three arrays differ in length.
    """
    if not labels.shape == volumes.shape == log10_magnification.shape:
        raise ShapeError(
            "labels, volumes and log10_magnification must have one entry per landmark; "
            f"got {labels.shape}, {volumes.shape} and {log10_magnification.shape}."
        )
    relative = 10.0 ** (log10_magnification.astype(np.float64) - log10_magnification.max())  # shares: no overflow
    return ClusterAreas(*(_shares(labels, weights, n_codes) for weights in (volumes, volumes * relative)))


def _shares(labels: IntArray, weights: DoubleArray, n_codes: int) -> DoubleArray:
    sums = np.bincount(labels, weights=weights, minlength=n_codes).astype(np.float64)
    shares: DoubleArray = sums / sums.sum()
    return shares
