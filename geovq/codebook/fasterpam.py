"""One pass of FasterPAM over all candidates: each swap of a medoid for another point that lowers the loss is made.

Whether a swap helps is known from the two nearest medoids of each point. What a candidate changes is computed for a
block of points at a time in vector instructions; only blocks with a point that is nearer to the candidate than to its
second medoid are added up by medoid. The swaps, and so the medoids, are those of the authors' package `kmedoids`.

Source: Schubert, Rousseeuw (2021), "Fast and Eager k-Medoids Clustering", doi:10.1016/j.is.2021.101804.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.compiling import njit

_BLOCK = 32  # points at a time
_CHAINS = 4  # partial sums per medoid, so that additions need not wait for each other; a power of two


class _TwoNearest(NamedTuple):
    """The nearest and the second medoid of every point, as an index into the medoids, and how far they are."""

    first: IntArray
    second: IntArray
    to_first: FloatArray
    to_second: FloatArray


class _Sums(NamedTuple):
    """Arrays of `_best_swap`: gains by place in the block, losses of a block, losses by chain and medoid."""

    gained: DoubleArray  # (_BLOCK,)
    lost: DoubleArray  # (_BLOCK,)
    after: DoubleArray  # (_CHAINS, K)


@njit(nogil=True, cache=True)
def swap_medoids(matrix: Float32[FloatArray, "n n"], medoids: Int64[IntArray, " k"], last_swap: int) -> int:
    """Try every point once as a medoid in place of another, and change `medoids`.

    Parameters
    ----------
    matrix : array of shape (N, N), float32
        Dissimilarities: row i from point i.
    medoids : array of int64 of shape (K,)
        Distinct points, at least two; is written to.
    last_swap : int
        The point swapped in last in the previous pass, -1 in the first pass. If no point before it is swapped in now,
        nothing has changed since the points after it were tried, and the pass ends there.

    Returns
    -------
    int
        The point swapped in last; `last_swap` if none was; -1 if the pass ended early because a swap lowered the loss
        by less than its rounding.
    """
    state = _two_nearest(matrix, medoids)
    loss = state.to_first.astype(np.float64).sum()
    removal = np.empty(len(medoids))
    sums = _Sums(np.empty(_BLOCK), np.empty(_BLOCK), np.empty((_CHAINS, len(medoids))))
    _removal_losses(state, removal)
    for candidate in range(len(matrix)):
        if candidate == last_swap:
            break
        if medoids[state.first[candidate]] == candidate:
            continue
        change, swapped = _best_swap(matrix[candidate], state, removal, sums)
        if change >= 0:
            continue
        medoids[swapped] = candidate
        last_swap = candidate
        _assign_again(matrix, medoids, state, swapped)
        new_loss = state.to_first.astype(np.float64).sum()
        if new_loss >= loss:
            return -1
        loss = new_loss
        _removal_losses(state, removal)
    return last_swap


@njit(nogil=True, cache=True)
def _two_nearest(matrix: FloatArray, medoids: IntArray) -> _TwoNearest:
    n_points = len(matrix)
    first, second = np.zeros(n_points, dtype=np.int64), np.full(n_points, -1)
    to_first, to_second = matrix[:, medoids[0]].copy(), np.full(n_points, np.inf, dtype=np.float32)
    for point in range(n_points):
        for code in range(1, len(medoids)):
            distance = matrix[point, medoids[code]]
            if distance < to_first[point] or medoids[code] == point:
                second[point], to_second[point] = first[point], to_first[point]
                first[point], to_first[point] = code, distance
            elif distance < to_second[point]:
                second[point], to_second[point] = code, distance
    return _TwoNearest(first, second, to_first, to_second)


@njit(nogil=True, cache=True)
def _best_swap(row: FloatArray, state: _TwoNearest, removal: DoubleArray, sums: _Sums) -> tuple[float, int]:
    """Change of the loss by the best swap for the candidate with this row of distances, and the medoid to give up."""
    sums.gained[:], sums.after[:] = 0, 0
    sums.after[0] = removal
    for begin in range(0, len(row), _BLOCK):
        size = min(_BLOCK, len(row) - begin)
        n_nearer = 0
        for i in range(size):
            distance, near, far = row[begin + i], state.to_first[begin + i], state.to_second[begin + i]
            n_nearer += distance < far
            with_candidate = distance if distance < near else near
            without_first = distance if distance > near else near
            without_first = without_first if without_first < far else far
            sums.gained[i] += np.float64(with_candidate) - np.float64(near)
            sums.lost[i] = np.float64(without_first) - np.float64(far)
        if n_nearer > 0:
            for i in range(size):
                sums.after[i & (_CHAINS - 1), np.uint64(state.first[begin + i])] += sums.lost[i]
    for chain in range(1, _CHAINS):
        sums.after[0] += sums.after[chain]
    swapped = sums.after[0].argmin()
    return sums.after[0, swapped] + sums.gained.sum(), swapped


@njit(nogil=True, cache=True)
def _assign_again(matrix: FloatArray, medoids: IntArray, state: _TwoNearest, swapped: int) -> None:
    """Update the two nearest medoids of all points after `medoids[swapped]` has become another point."""
    medoid = medoids[swapped]
    first, second, to_first, to_second = state
    for point in range(len(matrix)):
        distance = matrix[medoid, point]
        if point == medoid:
            if first[point] != swapped:
                second[point], to_second[point] = first[point], to_first[point]
            first[point], to_first[point] = swapped, 0
        elif first[point] == swapped:
            if distance < to_second[point]:
                to_first[point] = distance
            else:
                first[point], to_first[point] = second[point], to_second[point]
                _find_second(matrix, medoids, state, point, swapped, distance)
        elif distance < to_first[point]:
            second[point], to_second[point] = first[point], to_first[point]
            first[point], to_first[point] = swapped, distance
        elif second[point] == swapped:
            _find_second(matrix, medoids, state, point, swapped, distance)
        elif distance < to_second[point]:
            second[point], to_second[point] = swapped, distance


@njit(nogil=True, cache=True)
def _find_second(
    matrix: FloatArray, medoids: IntArray, state: _TwoNearest, point: int, swapped: int, to_swapped: float
) -> None:
    nearest, distance = swapped, to_swapped
    for code in range(len(medoids)):
        if code not in (state.first[point], swapped) and matrix[point, medoids[code]] < distance:
            nearest, distance = code, matrix[point, medoids[code]]
    state.second[point], state.to_second[point] = nearest, distance


@njit(nogil=True, cache=True)
def _removal_losses(state: _TwoNearest, removal: DoubleArray) -> None:
    """How much the loss grows if a medoid is given up and nothing takes its place."""
    removal[:] = 0
    for point in range(len(state.first)):
        removal[state.first[point]] += np.float64(state.to_second[point]) - state.to_first[point]
