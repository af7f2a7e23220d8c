"""Metric-weighted Lloyd with a bit price: codes for an error that is a quadratic form of each point's own metric.

A code c costs the point y with metric G the error (y - c)^T G (y - c), which to second order is the squared pixel error
if G is the decoder's pullback metric, and on top lambda times the -log2 p(c) bits that name it. Both of Lloyd's steps
stay exact: a point takes its cheapest code, and a code moves to (sum of G)^-1 (sum of G y) over its points, whose share
is its p. With G = I it is entropy-constrained vector quantization; with lambda = 0 besides, it is k-means.

Source: Gardner, Rao (1995), "Theoretical analysis of the high-rate vector quantization of LPC parameters", and Linder,
Zamir, Zeger (1999), "High-resolution source coding for non-difference distortion measures", for the metric; Chou,
Lookabaugh, Gray (1989), "Entropy-constrained vector quantization", for the price; Arthur, Vassilvitskii (2007),
"k-means++", for the starts, here with distances in the metric of each point.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.codebook.weighted_kernel import lower_to
from geovq.codebook.weighted_step import Assignment, MeasuredPoints, PricedCodes, log2_frequencies, moved
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.progress import Progress, SilentProgress, stop_if_requested
from geovq.randomness import make_rng

_POINTS_OF_A_START = 20_000  # with more, and more than so many per code, starts are compared on a random part
_POINTS_PER_CODE = 64
_LEAST_GAIN = 1e-5  # of an iteration, relative; below it the search has converged


@dataclass(frozen=True)
class WeightedResult:
    """The best of several starts, and how it was reached.

    Attributes
    ----------
    codebook : array of shape (K, A)
    labels : array of shape (N,)
        Cheapest code of every point, under this codebook and these frequencies.
    log2_frequencies : array of shape (K,)
        log2 of the share p of the points that each code had when the labels were chosen; -inf for a code without any.
    price_per_bit : float
        lambda, in squared units of the metric per bit: `bit_price` times the mean error per point of the best codebook
        at price 0.
    cost : float
        Mean over the points of error + lambda * bits.
    error : float
        Mean error (y - c)^T G (y - c) over the points.
    cost_history : array of shape (n_steps,)
        Cost at the start and after every iteration; never rises. With a price it starts from the best codebook at price
        0, so that its first entry is what that one would cost.
    restart_costs : array of shape (n_restarts,)
        Final error of every start at price 0; on the random part of the points that starts are compared on, if there
        are many points.
    converged : bool
        Whether the last iteration gained less than 1e-5 of the cost.
    """

    codebook: Float32[FloatArray, "k a"]
    labels: Int64[IntArray, " n"]
    log2_frequencies: Float64[DoubleArray, " k"]
    price_per_bit: float
    cost: float
    error: float
    cost_history: Float64[DoubleArray, " steps"]
    restart_costs: Float64[DoubleArray, " restarts"]
    converged: bool

    @property
    def n_used(self) -> int:
        """Codes that some point takes; a price lets others die."""
        return len(np.unique(self.labels))


def weighted_lloyd(
    points: Float32[FloatArray, "n a"],
    metrics: Float32[FloatArray, "m a a"],
    n_codes: int,
    *,
    metric_of_point: Int64[IntArray, " n"] | None = None,
    bit_price: float = 0.0,
    n_restarts: int = 3,
    max_iterations: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> WeightedResult:
    """Codes that minimise the mean of error + lambda * bits over the points; time and memory are linear in N.

    The result does not depend on the number of threads.

    Parameters
    ----------
    points : array of shape (N, A)
    metrics : array of shape (M, A, A)
        Symmetric and positive semidefinite; one identity matrix for all makes the error Euclidean.
    n_codes : int
        Codes K, at most N. With a price, some may end without points: `n_used` of the result.
    metric_of_point : array of shape (N,), optional
        Row of `metrics` that measures each point; by default its own, with M = N.
    bit_price : float, default=0
        lambda, in multiples of the mean error per point that K codes reach at price 0.
    n_restarts : int, default=3
        Independent starts at price 0; the one of least error is kept. From 20,000 points on, and 64 a code, they are
        compared on a random part of that size, and the best goes on with all points.
    max_iterations : int, default=100
        Most iterations of one start, of the best one with all points, and again with the price.
    seed : int
    progress : Progress, optional

    Raises
    ------
    ShapeError
        If metrics are not (A, A) matrices, or not one per point where `metric_of_point` does not say which.
    NonFiniteError
        If a point or a metric is NaN or infinite.
    InvalidValueError
        If `n_codes` is not in [1, N], or `bit_price` is negative or not finite.
    """
    which = np.arange(len(metrics)) if metric_of_point is None else metric_of_point
    _require(points, metrics, which, n_codes, bit_price)
    everything = MeasuredPoints(np.ascontiguousarray(points), np.ascontiguousarray(metrics), which)
    progress = progress or SilentProgress()
    part = _part(everything, max(_POINTS_OF_A_START, _POINTS_PER_CODE * n_codes), seed)
    progress.start("weighted Lloyd", n_restarts, "restarts")
    starts = []
    for restart in range(n_restarts):
        places = _spread_places(part, n_codes, make_rng(seed, f"weighted.start.{restart}"))
        free = PricedCodes(places, np.full(n_codes, -np.log2(n_codes)), 0.0)
        starts.append(_descend(part, free, max_iterations, progress))
        progress.advance()
    restart_costs = np.array([start.costs[-1] for start in starts])
    best = starts[int(restart_costs.argmin())]
    if part is not everything:
        best = _descend(everything, best.codes, max_iterations, progress)
    if bit_price > 0:
        frequencies = log2_frequencies(best.found.counts)
        priced = PricedCodes(best.codes.places, frequencies, bit_price * best.costs[-1])
        best = _descend(everything, priced, max_iterations, progress)
    labels, prices = best.found.labels, best.codes.prices
    return WeightedResult(
        codebook=best.codes.places,
        labels=labels,
        log2_frequencies=best.codes.log2_frequencies,
        price_per_bit=best.codes.price_per_bit,
        cost=best.costs[-1],
        error=best.costs[-1] - float(prices[labels].mean(dtype=np.float64)),
        cost_history=np.array(best.costs),
        restart_costs=restart_costs,
        converged=best.converged,
    )


class _Descent(NamedTuple):
    codes: PricedCodes
    found: Assignment  # under these codes
    costs: list[float]
    converged: bool


def _descend(measured: MeasuredPoints, codes: PricedCodes, max_iterations: int, progress: Progress) -> _Descent:
    """Lloyd's iterations until one gains next to nothing."""
    found = measured.assign(codes)
    costs = [found.mean_cost]
    for _ in range(max_iterations):
        stop_if_requested(progress)
        next_codes = moved(codes, found, measured.points)
        next_found = measured.assign(next_codes)
        gain = costs[-1] - next_found.mean_cost
        if gain > 0:
            codes, found = next_codes, next_found
            costs.append(found.mean_cost)
        if gain <= _LEAST_GAIN * costs[-1]:
            return _Descent(codes, found, costs, True)
    return _Descent(codes, found, costs, False)


def _part(everything: MeasuredPoints, n_points: int, seed: int) -> MeasuredPoints:
    """That many points at random, or all if there are no more."""
    if len(everything.points) <= n_points:
        return everything
    rows = make_rng(seed, "weighted.part").choice(len(everything.points), n_points, replace=False)
    return everything.part(rows)


def _spread_places(measured: MeasuredPoints, n_codes: int, rng: np.random.Generator) -> Float32[FloatArray, "k a"]:
    """Points drawn with probability proportional to their error with those drawn before."""
    points = measured.points
    errors = np.full(len(points), np.inf)
    drawn = int(rng.integers(len(points)))
    chosen = [drawn]
    for _ in range(n_codes - 1):
        lower_to(points, measured.metrics, measured.metric_of_point, points[drawn], errors)
        shares = errors.cumsum()
        if shares[-1] > 0:
            drawn = int(np.searchsorted(shares[:-1], rng.random() * shares[-1], side="right"))
        chosen.append(drawn)  # once more if all errors are 0: there are no more than so many different points
    return points[chosen]


def _require(points: FloatArray, metrics: FloatArray, which: IntArray, n_codes: int, bit_price: float) -> None:
    if points.ndim != 2 or metrics.shape[1:] != (points.shape[1],) * 2 or which.shape != points.shape[:1]:
        raise ShapeError(
            f"metrics must be (A, A) matrices, one for each of the points (N, A) or with metric_of_point (N,); "
            f"got {metrics.shape} and {which.shape} for {points.shape}."
        )
    if not 1 <= n_codes <= len(points):
        raise InvalidValueError(f"n_codes must be in [1, {len(points)}], the points; got {n_codes}.")
    if not 0 <= which.min() <= which.max() < len(metrics):
        raise InvalidValueError(
            f"metric_of_point must be in [0, {len(metrics)}), the metrics; got {which.min()} to {which.max()}."
        )
    if not 0 <= bit_price < np.inf:
        raise InvalidValueError(f"bit_price must be a finite number of at least 0; got {bit_price}.")
    for name, values in (("points", points), ("metrics", metrics)):
        if not np.isfinite(values.sum(dtype=np.float64)):
            raise NonFiniteError(f"{name} contain NaN or infinity; check the decoder and the latents.")
