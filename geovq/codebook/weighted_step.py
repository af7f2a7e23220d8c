"""The two steps of metric-weighted Lloyd, each exact: points take their cheapest codes, codes move to their points."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.codebook.weighted_kernel import cheapest_codes, sums_of_codes
from geovq.threads import n_numba_threads

_POINTS_PER_BLOCK = 2_048  # at least
_MOST_BLOCKS = 64
_NO_WEIGHT = 1e-6  # share of a code's largest weight below which a direction has none: metrics are float32


class PricedCodes(NamedTuple):
    """A codebook, and what naming each code costs.

    Attributes
    ----------
    places : array of shape (K, A)
    log2_frequencies : array of shape (K,)
        log2 of the share of points; -inf for a code that none took.
    price_per_bit : float
    """

    places: Float32[FloatArray, "k a"]
    log2_frequencies: Float64[DoubleArray, " k"]
    price_per_bit: float

    @property
    def prices(self) -> Float32[FloatArray, " k"]:
        """-log2 p of every code times the price of a bit; all 0 if bits are free."""
        if self.price_per_bit == 0:
            return np.zeros(len(self.places), dtype=np.float32)
        return (-self.price_per_bit * self.log2_frequencies).astype(np.float32)


class Assignment(NamedTuple):
    """The cheapest code of every point, and what the points of each code add up to.

    Attributes
    ----------
    labels : array of shape (N,)
    costs : array of shape (N,)
        Error and price of the cheapest code.
    margins : array of shape (N,)
        How much more the next code costs.
    counts : array of shape (K,)
        Points of each code.
    weights : array of shape (K, A, A)
        Sum of their metrics G.
    pulls : array of shape (K, A)
        Sum of G (y - c), from the code c as it is.
    """

    labels: Int64[IntArray, " n"]
    costs: Float32[FloatArray, " n"]
    margins: Float32[FloatArray, " n"]
    counts: Int64[IntArray, " k"]
    weights: Float64[DoubleArray, "k a a"]
    pulls: Float64[DoubleArray, "k a"]

    @property
    def mean_cost(self) -> float:
        """Mean over the points."""
        return float(self.costs.mean(dtype=np.float64))


@dataclass(frozen=True)
class MeasuredPoints:
    """Points, and the metric at each.

    Attributes
    ----------
    points : array of shape (N, A)
    metrics : array of shape (M, A, A)
        Symmetric and positive semidefinite.
    metric_of_point : array of shape (N,)
        Row of `metrics` that measures each point.
    """

    points: Float32[FloatArray, "n a"]
    metrics: Float32[FloatArray, "m a a"]
    metric_of_point: Int64[IntArray, " n"]

    def part(self, rows: Int64[IntArray, " r"]) -> "MeasuredPoints":
        """Some of the points."""
        return MeasuredPoints(self.points[rows], self.metrics, self.metric_of_point[rows])

    def assign(self, codes: PricedCodes) -> Assignment:
        """Every point takes its cheapest code, of equals the first.

        Sums are formed in blocks that depend on the number of points alone, and added up in the order of blocks.
        """
        n_points, (n_codes, n_axes) = len(self.points), codes.places.shape
        labels = np.empty(n_points, dtype=np.int64)
        costs, margins = np.empty((2, n_points), dtype=np.float32)
        places, prices = codes.places.astype(np.float64), codes.prices
        by_axis = np.ascontiguousarray(codes.places.T)

        def assign_block(block: slice) -> tuple[IntArray, DoubleArray, DoubleArray]:
            points, which = self.points[block], self.metric_of_point[block]
            cheapest_codes(points, self.metrics, which, by_axis, prices, labels[block], costs[block], margins[block])
            return sums_of_codes(points, self.metrics, which, places, labels[block])

        counts = np.zeros(n_codes, dtype=np.int64)
        weights, pulls = np.zeros((n_codes, n_axes, n_axes)), np.zeros((n_codes, n_axes))
        size = max(_POINTS_PER_BLOCK, -(-n_points // _MOST_BLOCKS))
        blocks = [slice(start, start + size) for start in range(0, n_points, size)]
        with ThreadPoolExecutor(n_numba_threads()) as pool:  # the kernels let go of the interpreter
            for counted, weighed, pulled in pool.map(assign_block, blocks):
                counts += counted
                weights += weighed
                pulls += pulled
        return Assignment(labels, costs, margins, counts, weights, pulls)


def moved(codes: PricedCodes, found: Assignment, points: Float32[FloatArray, "n a"]) -> PricedCodes:
    """Codes at the weighted means of their points, with the frequencies that these had.

    A code stays as it is along directions to which its points give no weight (below 1e-6 of its largest weight). A code
    without points stays where it is if bits have a price, since its own is infinite from now on; else it goes to one of
    the points with the largest costs, which can only lower the mean cost.

    Parameters
    ----------
    codes : PricedCodes
    found : Assignment
        Of all `points`, under these codes.
    points : array of shape (N, A)
    """
    weights, directions = np.linalg.eigh(found.weights)  # (K, A), (K, A, A)
    has_weight = weights > _NO_WEIGHT * weights[:, -1:]
    inverse = np.divide(1, weights, out=np.zeros_like(weights), where=has_weight)
    along = inverse * np.einsum("kba,kb->ka", directions, found.pulls)
    places = (codes.places + np.einsum("kab,kb->ka", directions, along)).astype(np.float32)
    unused = np.flatnonzero(found.counts == 0)
    if codes.price_per_bit == 0 and len(unused):
        costliest = np.argsort(-found.costs, kind="stable")[: len(unused)]
        costliest = costliest[found.costs[costliest] > 0]
        places[unused[: len(costliest)]] = points[costliest]
    return PricedCodes(places, log2_frequencies(found.counts), codes.price_per_bit)


def log2_frequencies(counts: Int64[IntArray, " k"]) -> Float64[DoubleArray, " k"]:
    """log2 of the share of each count; -inf where it is 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(counts / counts.sum()))
