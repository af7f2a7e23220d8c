"""k-medoids by FasterPAM: the codes are landmarks, chosen to minimise the summed dissimilarity.

Source: Schubert, Rousseeuw (2021), "Fast and Eager k-Medoids Clustering", doi:10.1016/j.is.2021.101804; starts by D²
sampling: Arthur, Vassilvitskii (2007), "k-means++".
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Float32, Float64, Int64

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.codebook.fasterpam import swap_medoids
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.progress import Progress, SilentProgress, stop_if_requested
from geovq.randomness import make_rng
from geovq.threads import n_numba_threads

MatrixArray: TypeAlias = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class KMedoidsResult:
    """The best of several starts, and how it was reached.

    Attributes
    ----------
    medoid_indices : array of shape (K,)
        Rows that became medoids.
    labels : array of shape (N,)
        Nearest medoid of every row, as an index into `medoid_indices`.
    cost : float
        Mean dissimilarity of a row to its medoid.
    cost_history : array of shape (n_steps,)
        Cost at the start and after every pass of the start that won.
    medoid_history : array of shape (n_steps, K)
        Medoids at the start and after every pass.
    restart_costs : array of shape (n_restarts,)
        Final cost of every start.
    converged : bool
        Whether the last pass found no swap that helps.
    """

    medoid_indices: Int64[IntArray, " k"]
    labels: Int64[IntArray, " n"]
    cost: float
    cost_history: Float64[DoubleArray, " steps"]
    medoid_history: Int64[IntArray, "steps k"]
    restart_costs: Float64[DoubleArray, " restarts"]
    converged: bool


def kmedoids(
    dissimilarities: Float32[FloatArray, "n n"],
    n_codes: int,
    *,
    n_restarts: int = 3,
    max_iterations: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> KMedoidsResult:
    """Choose `n_codes` rows as medoids.

    Parameters
    ----------
    dissimilarities : array of shape (N, N), float32
        Symmetric and non-negative; pass squared distances to minimise squared error, as k-means does.
    n_codes : int
        Medoids K, at most N.
    n_restarts : int, default=3
        Independent starts; the one of least cost is kept.
    max_iterations : int, default=100
        Most passes over all candidates in one start.
    seed : int
    progress : Progress, optional
        Told about every start.

    Returns
    -------
    KMedoidsResult
        Of the best start.

    Raises
    ------
    ShapeError
        If the matrix is not square.
    InvalidValueError
        If `n_codes` is not in [1, N], or a dissimilarity is negative.
    NonFiniteError
        If a dissimilarity is NaN or infinite.
    """
    require_dissimilarities(dissimilarities, n_codes)
    progress = progress or SilentProgress()
    progress.start("k-medoids", n_restarts, "restarts")
    matrix = np.ascontiguousarray(dissimilarities, dtype=np.float32)
    starts = []
    with ThreadPoolExecutor(n_numba_threads()) as pool:
        for found in pool.map(partial(_one_start, matrix, n_codes, max_iterations, seed, progress), range(n_restarts)):
            starts.append(found)
            progress.advance()
    costs = np.array([costs[-1] for costs, _, _ in starts])
    cost_history, medoid_history, converged = starts[int(costs.argmin())]
    return KMedoidsResult(
        medoid_indices=medoid_history[-1],
        labels=nearest_medoids(matrix, medoid_history[-1]),
        cost=float(costs.min()),
        cost_history=np.array(cost_history),
        medoid_history=np.stack(medoid_history),
        restart_costs=costs,
        converged=converged,
    )


def require_dissimilarities(matrix: Float[MatrixArray, "n n"], n_codes: int) -> None:
    """Raise unless `n_codes` medoids can be chosen on a square matrix of finite, non-negative numbers."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeError(f"dissimilarities must be a square matrix; got {matrix.shape}.")
    if not 1 <= n_codes <= len(matrix):
        raise InvalidValueError(f"n_codes must be in [1, {len(matrix)}], the landmarks; got {n_codes}.")
    lowest, highest = matrix.min(), matrix.max()  # two scalars: no N x N mask; NaN reaches both
    if not np.isfinite(lowest) or not np.isfinite(highest):
        raise NonFiniteError("dissimilarities must be finite; join the components of the graph first.")
    if lowest < 0:
        raise InvalidValueError(f"dissimilarities must not be negative; the smallest is {lowest:.3g}.")


def from_one_start(
    matrix: Float[MatrixArray, "n n"], medoid_history: Sequence[Int64[IntArray, " k"]], converged: bool
) -> KMedoidsResult:
    """Result of a search that has one fixed start, from the medoids it passed through; the last ones are taken."""
    costs = np.array([mean_cost(matrix, medoids) for medoids in medoid_history])
    return KMedoidsResult(
        medoid_indices=medoid_history[-1],
        labels=nearest_medoids(matrix, medoid_history[-1]),
        cost=float(costs[-1]),
        cost_history=costs,
        medoid_history=np.stack(medoid_history),
        restart_costs=costs[-1:],
        converged=converged,
    )


def nearest_medoids(matrix: Float[MatrixArray, "n n"], medoids: Int64[IntArray, " k"]) -> Int64[IntArray, " n"]:
    """Label of every row: its nearest medoid; a medoid belongs to itself, also among duplicates."""
    labels: IntArray = matrix[:, medoids].argmin(axis=1).astype(np.int64)
    labels[medoids] = np.arange(len(medoids))
    return labels


def mean_cost(matrix: Float[MatrixArray, "n n"], medoids: Int64[IntArray, " k"]) -> float:
    """Mean dissimilarity of a row to its nearest medoid."""
    return float(matrix[medoids].min(axis=0).mean(dtype=np.float64))


def _one_start(
    matrix: Float32[FloatArray, "n n"], n_codes: int, max_iterations: int, seed: int, progress: Progress, restart: int
) -> tuple[list[float], list[IntArray], bool]:
    medoids = _spread_medoids(matrix, n_codes, make_rng(seed, f"kmedoids.start.{restart}"))
    cost_history, medoid_history = [mean_cost(matrix, medoids)], [medoids]
    last_swap = -1
    for _ in range(max_iterations):
        stop_if_requested(progress)
        swapped = medoids.copy()
        if n_codes == 1:
            swapped[0] = matrix.sum(axis=1, dtype=np.float64).argmin()
        else:
            last_swap = swap_medoids(matrix, swapped, last_swap)
        cost = mean_cost(matrix, swapped)
        if not cost < cost_history[-1]:
            return cost_history, medoid_history, True
        medoids = swapped
        cost_history.append(cost)
        medoid_history.append(medoids)
    return cost_history, medoid_history, False


def _spread_medoids(matrix: Float32[FloatArray, "n n"], n_codes: int, rng: np.random.Generator) -> IntArray:
    """Medoids drawn with probability proportional to their dissimilarity to those drawn before."""
    chosen = [int(rng.integers(len(matrix)))]
    nearest = matrix[chosen[0]].astype(np.float64)
    while len(chosen) < n_codes:
        nearest[chosen] = 0
        total = nearest.sum()
        if total > 0:
            drawn = int(rng.choice(len(matrix), p=nearest / total))
        else:  # only duplicates of medoids are left
            drawn = int(rng.choice(np.setdiff1d(np.arange(len(matrix)), chosen)))
        chosen.append(drawn)
        np.minimum(nearest, matrix[drawn], out=nearest)
    return np.array(chosen, dtype=np.int64)
