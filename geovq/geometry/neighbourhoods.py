"""How far two distances agree on which points are near.

All functions take rows of distances, one row per query point and one column per candidate; infinity marks candidates
that do not count, such as the query itself.

Source: overlap of nearest-neighbour lists as in Lee, Verleysen (2009), "Quality assessment of dimensionality reduction:
rank-based criteria"; rank correlation, Spearman (1904).
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int64

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.errors import InvalidValueError, ShapeError

Distances: TypeAlias = FloatArray | DoubleArray


def nearest_candidates(distances: Float[Distances, "rows n"], k: int) -> Int64[IntArray, "rows k"]:
    """The k smallest distances of every row, nearest first; among equally near candidates any.

    Parameters
    ----------
    distances : array of shape (rows, n)
        Not NaN; infinite where a candidate does not count.
    k : int

    Raises
    ------
    InvalidValueError
        If some row has fewer than k finite distances, or k is below 1.
    """
    _require_candidates(distances, k)
    part = np.sort(np.argpartition(distances, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(np.take_along_axis(distances, part, axis=1), axis=1, kind="stable")
    nearest: IntArray = np.take_along_axis(part, order, axis=1).astype(np.int64)
    return nearest


def neighbour_ranks(distances: Float[Distances, "rows n"]) -> Int64[IntArray, "rows n"]:
    """Rank of every candidate in its row: 1 is the nearest, equal distances in the order of their columns."""
    order = np.argsort(distances, axis=1, kind="stable")
    ranks = np.empty(distances.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.arange(1, distances.shape[1] + 1)[None], axis=1)
    return ranks


def overlap(first: Int64[IntArray, "rows k"], second: Int64[IntArray, "rows k"]) -> Float[DoubleArray, " rows"]:
    """Share of the first list of neighbours that stands in the second as well, per row.

    Parameters
    ----------
    first, second : arrays of int of shape (rows, k)
        Neighbours by number, in any order, none twice in a row.

    Raises
    ------
    ShapeError
        If they differ in shape.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ShapeError(f"Both lists must be (rows, k); got {first.shape} and {second.shape}.")
    shares: DoubleArray = (first[:, :, None] == second[:, None, :]).any(axis=2).mean(axis=1)
    return shares


def rank_correlation(
    first: Float[Distances, "rows n"], second: Float[Distances, "rows n"], n_nearest: int
) -> Float[DoubleArray, " rows"]:
    """Spearman's correlation of two distances over the nearest candidates by the first, in [-1, 1].

    Parameters
    ----------
    first, second : arrays of shape (rows, n)
    n_nearest : int
        Candidates compared, at least 2.

    Returns
    -------
    array of shape (rows,)
        Equal distances share their mean rank; NaN where all of them are equal.

    Raises
    ------
    ShapeError
        If the distances differ in shape.
    InvalidValueError
        If `n_nearest` is below 2 or above the number of finite distances of some row.
    """
    from scipy.stats import rankdata  # half of the time that importing geovq would take

    if first.shape != second.shape or first.ndim != 2:
        raise ShapeError(f"Both distances must be (rows, n); got {first.shape} and {second.shape}.")
    if n_nearest < 2:
        raise InvalidValueError(f"n_nearest must be at least 2 for a correlation; got {n_nearest}.")
    members = nearest_candidates(first, n_nearest)
    centred = [
        rankdata(np.take_along_axis(distances, members, axis=1), axis=1) - (n_nearest + 1) / 2
        for distances in (first, second)
    ]
    spreads = [np.sqrt((ranks**2).sum(axis=1)) for ranks in centred]
    products = (centred[0] * centred[1]).sum(axis=1)
    norm = spreads[0] * spreads[1]
    correlations: DoubleArray = np.divide(products, norm, out=np.full(len(norm), np.nan), where=norm > 0)
    return correlations


def _require_candidates(distances: Float[Distances, "rows n"], k: int) -> None:
    fewest = int(np.isfinite(distances).sum(axis=1).min(initial=distances.shape[1]))
    if not 1 <= k <= fewest:
        raise InvalidValueError(f"k must be in [1, {fewest}], the candidates of some row; got {k}.")
