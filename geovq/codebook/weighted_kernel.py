"""Costs of codes under a metric of each point's own, for blocks of points on one CPU core.

The cost of code c for a point y with metric G is (y - c)^T G (y - c) plus the price of naming the code. Sums are
float32 and run over axes in one fixed order, so a cost depends on its point and code alone: not on the block or the
threads. Loops over codes are innermost, where the compiler turns them into vector instructions.
"""

import numpy as np

from geovq.arrays import DoubleArray, FloatArray, Int32Array, IntArray
from geovq.compiling import njit


@njit(nogil=True, cache=True)
def cheapest_codes(
    points: FloatArray,
    metrics: FloatArray,
    metric_of_point: IntArray,
    codes_by_axis: FloatArray,
    prices: FloatArray,
    labels: IntArray,
    costs: FloatArray,
    margins: FloatArray,
) -> None:
    """Write the cheapest code of every point, of equals the first, its cost, and how much more the next one costs.

    Parameters
    ----------
    points : array of shape (m, A), float32
    metrics : array of shape (N, A, A), float32
        Symmetric and positive semidefinite.
    metric_of_point : array of shape (m,)
        Row of `metrics` that measures each point.
    codes_by_axis : array of shape (A, K), float32
        The codebook, transposed.
    prices : array of shape (K,), float32
        Of naming each code, not negative; infinite for a code that must not be taken.
    labels, costs, margins : arrays of shape (m,)
        Written to. A margin is infinite where no other code may be taken.
    """
    n_axes, n_codes = codes_by_axis.shape
    steps = np.empty((n_axes, n_codes), dtype=np.float32)
    row, total = np.empty(n_codes, dtype=np.float32), np.empty(n_codes, dtype=np.float32)
    bits = total.view(np.int32)  # floats that are not negative are ordered like their bits, which compare faster
    next_cost = np.empty(1, dtype=np.float32)
    next_bits = next_cost.view(np.int32)
    for i in range(len(points)):
        metric = metrics[metric_of_point[i]]
        total[:] = 0
        for a in range(n_axes):
            place, codes, step, weight = points[i, a], codes_by_axis[a], steps[a], metric[a, a]
            for k in range(n_codes):
                step[k] = place - codes[k]
                row[k] = weight * step[k]
            for b in range(a):
                weight, other = metric[a, b] + metric[b, a], steps[b]
                for k in range(n_codes):
                    row[k] += weight * other[k]
            for k in range(n_codes):
                total[k] += row[k] * step[k]
        for k in range(n_codes):
            total[k] = max(total[k], np.float32(0)) + prices[k]
        label = _first_of(bits, _least(bits))
        labels[i], costs[i] = label, total[label]
        total[label] = np.inf
        next_bits[0] = _least(bits)
        margins[i] = next_cost[0] - costs[i]


@njit(inline="always")
def _least(values: Int32Array) -> np.int32:
    least = np.int32(values[0])
    for k in range(1, len(values)):
        least = min(least, np.int32(values[k]))
    return least


@njit(inline="always")
def _first_of(values: Int32Array, value: np.int32) -> np.int32:
    """Index of the first of `values` that is `value`."""
    last = np.int32(len(values))
    first = last
    for k in range(len(values)):
        first = min(first, np.int32(k) if values[k] == value else last)
    return first


@njit(nogil=True, cache=True)
def sums_of_codes(
    points: FloatArray, metrics: FloatArray, metric_of_point: IntArray, codes: DoubleArray, labels: IntArray
) -> tuple[IntArray, DoubleArray, DoubleArray]:
    """What the points of each code add up to, in float64.

    Parameters
    ----------
    points : array of shape (m, A)
    metrics : array of shape (N, A, A)
    metric_of_point : array of shape (m,)
        Row of `metrics` that measures each point.
    codes : array of shape (K, A), float64
    labels : array of shape (m,)

    Returns
    -------
    counts : array of shape (K,)
    weights : array of shape (K, A, A)
        Sum of G.
    pulls : array of shape (K, A)
        Sum of G (y - c), where c is the code as it is.
    """
    n_codes, n_axes = codes.shape
    counts = np.zeros(n_codes, dtype=np.int64)
    weights, pulls = np.zeros((n_codes, n_axes, n_axes)), np.zeros((n_codes, n_axes))
    for i in range(len(points)):
        k, metric = labels[i], metrics[metric_of_point[i]]
        counts[k] += 1
        for a in range(n_axes):
            for b in range(n_axes):
                weight = np.float64(metric[a, b])
                weights[k, a, b] += weight
                pulls[k, a] += weight * (np.float64(points[i, b]) - codes[k, b])
    return counts, weights, pulls


@njit(nogil=True, cache=True)
def lower_to(
    points: FloatArray, metrics: FloatArray, metric_of_point: IntArray, code: FloatArray, errors: DoubleArray
) -> None:
    """Lower the error of every point, (m,), to that of one more code, (A,), where it is less; in float64."""
    n_axes = len(code)
    for i in range(len(points)):
        metric = metrics[metric_of_point[i]]
        error = np.float64(0)
        for a in range(n_axes):
            row = np.float64(0)
            for b in range(n_axes):
                row += np.float64(metric[a, b]) * (np.float64(points[i, b]) - np.float64(code[b]))
            error += row * (np.float64(points[i, a]) - np.float64(code[a]))
        errors[i] = min(errors[i], max(error, np.float64(0)))
