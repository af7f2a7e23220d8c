"""k-medoids on a graph without a matrix of distances: Lloyd's iterations, with swaps of medoids in between.

One search from all medoids at once gives every landmark its nearest medoid. Then every code moves to the landmark with
the least summed squared distance inside its Voronoi cell. Alone, these two steps stop in a poor optimum, 8 to 19 %
above FasterPAM's cost; so each iteration first tries to move codes to where the cost is, `geovq.codebook.graph_swaps`.

Source: Lloyd (1982), "Least squares quantization in PCM".
"""

from typing import NamedTuple

import numba
import numpy as np
from jaxtyping import Float32, Int64
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from geovq.arrays import FloatArray, IntArray
from geovq.codebook.graph_search import (
    LandmarkGraph,
    Nearest,
    Workspace,
    mean_squared_distance,
    nearest_medoids,
    reach,
    workspace,
)
from geovq.codebook.graph_starts import spread_medoids
from geovq.codebook.graph_swaps import swap_pass
from geovq.codebook.kmedoids import KMedoidsResult
from geovq.errors import InvalidValueError
from geovq.geometry.shortest_paths import checked_graph
from geovq.progress import Progress, SilentProgress, stop_if_requested
from geovq.randomness import make_rng
from geovq.threads import torch_threads_kept

_LEAST_GAIN = 2e-3  # of an iteration, relative; below it, sampling has run dry
_TARGETS = 8  # landmarks of a cell whose distances stand for those of the whole cell
_FAVOURITES = 4  # landmarks of a cell that are judged by all its distances


class _Start(NamedTuple):
    costs: list[float]
    medoids: list[Int64[IntArray, " k"]]
    converged: bool


def graph_kmedoids(
    weights: csr_matrix,
    n_codes: int,
    *,
    n_restarts: int = 3,
    max_iterations: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> KMedoidsResult:
    """Choose `n_codes` landmarks as medoids, minimising the mean squared shortest-path distance to them.

    Memory is O(E + N); the result does not depend on the number of threads.

    Parameters
    ----------
    weights : scipy CSR matrix of shape (N, N)
        Edge lengths, as for `geodesic_distances`; not squared.
    n_codes : int
        Medoids K, at most N.
    n_restarts : int, default=3
        Independent starts; the one of least cost is kept.
    max_iterations : int, default=100
        Most iterations (swaps, then one step of Lloyd's) of one start.
    seed : int
    progress : Progress, optional
        Told about every start.

    Returns
    -------
    KMedoidsResult
        `cost` is the mean squared distance; the histories have one row per iteration, and never rise; `converged` says
        that the last iteration gained less than 0.2 %, or nothing if the graph is small enough to try every landmark.

    Raises
    ------
    ShapeError, NonFiniteError, DisconnectedGraphError
        As `geodesic_distances`.
    InvalidValueError
        If weights are negative or asymmetric, or `n_codes` is not in [1, N].
    """
    checked = checked_graph(weights)
    n_nodes = checked.shape[0]
    if not 1 <= n_codes <= n_nodes:
        raise InvalidValueError(f"n_codes must be in [1, {n_nodes}], the landmarks; got {n_codes}.")
    # Neighbours with numbers nearby are neighbours in memory, too: twice as fast where a graph exceeds the cache.
    order = reverse_cuthill_mckee(checked, symmetric_mode=True)
    checked = checked[order][:, order]
    graph = LandmarkGraph(checked.indptr, checked.indices, checked.data)
    progress = progress or SilentProgress()
    progress.start("graph Lloyd", n_restarts, "restarts")
    starts = []
    with torch_threads_kept():
        work = workspace(graph)
        for restart in range(n_restarts):
            rng = make_rng(seed, f"graph_kmedoids.start.{restart}")
            medoids = spread_medoids(graph, n_codes, rng, work, progress)
            starts.append(_improved(graph, medoids, max_iterations, rng, work, progress))
            progress.advance()
    costs = np.array([start.costs[-1] for start in starts])
    winner = starts[int(costs.argmin())]
    medoid_history = order[np.stack(winner.medoids)].astype(np.int64)
    labels = np.empty(n_nodes, dtype=np.int64)
    labels[order] = nearest_medoids(graph, winner.medoids[-1]).code
    return KMedoidsResult(
        medoid_indices=medoid_history[-1],
        labels=labels,
        cost=float(costs.min()),
        cost_history=np.array(winner.costs),
        medoid_history=medoid_history,
        restart_costs=costs,
        converged=winner.converged,
    )


def _improved(
    graph: LandmarkGraph,
    medoids: Int64[IntArray, " k"],
    max_iterations: int,
    rng: np.random.Generator,
    work: Workspace,
    progress: Progress,
) -> _Start:
    nearest = nearest_medoids(graph, medoids)
    costs, history = [mean_squared_distance(nearest)], [medoids]
    for _ in range(max_iterations):
        swapped, tried_all = swap_pass(graph, medoids, nearest, rng, work, progress)
        moved = _lloyd_step(graph, swapped, nearest_medoids(graph, swapped), rng, work)
        stop_if_requested(progress)
        moved_nearest = nearest_medoids(graph, moved)
        cost = mean_squared_distance(moved_nearest)
        if cost < costs[-1]:
            medoids, nearest = moved, moved_nearest
            costs.append(cost)
            history.append(medoids)
            if tried_all or cost < costs[-2] * (1 - _LEAST_GAIN):
                continue
        return _Start(costs, history, True)
    return _Start(costs, history, False)


def _lloyd_step(
    graph: LandmarkGraph, medoids: Int64[IntArray, " k"], nearest: Nearest, rng: np.random.Generator, work: Workspace
) -> Int64[IntArray, " k"]:
    """Move every code to a better landmark of its cell, if one is found.

    Paths are kept inside the cell, which can only lengthen them, while those of the medoid itself lie inside anyway. So
    a landmark that looks better is better. Every member counts through the nearest of a few targets, and the landmarks
    that look best so are judged by all members; in cells of up to 8 the targets are all members.
    """
    shuffled = rng.permutation(graph.n_nodes)
    members = shuffled[nearest.code[shuffled].argsort(kind="stable")]  # of cell 0, of cell 1, ...
    sizes = np.bincount(nearest.code)
    begins = sizes.cumsum() - sizes
    code = nearest.code[members]

    targets = members[begins[:, None] + np.arange(_TARGETS) % sizes[:, None]]
    reached = _distances_within_cells(graph, nearest, targets, work)[:, members]  # (targets, N)
    represented = np.bincount(code * _TARGETS + reached.argmin(axis=0), minlength=len(medoids) * _TARGETS)
    estimates = np.zeros(graph.n_nodes)
    for target, distances in enumerate(reached):
        estimates += represented[code * _TARGETS + target] * np.square(distances, dtype=np.float64)

    ranked = members[np.lexsort((estimates, code))]
    favourites = ranked[begins[:, None] + np.arange(_FAVOURITES) % sizes[:, None]]  # (K, favourites)
    squares = np.square(_distances_within_cells(graph, nearest, favourites, work), dtype=np.float64)
    costs = np.stack([np.bincount(nearest.code, row) for row in squares])
    costs_now = np.bincount(nearest.code, np.square(nearest.distance, dtype=np.float64))
    best, codes = costs.argmin(axis=0), np.arange(len(medoids))
    return np.where(costs[best, codes] < costs_now, favourites[codes, best], medoids)


def _distances_within_cells(
    graph: LandmarkGraph, nearest: Nearest, starts: Int64[IntArray, "k n_starts"], work: Workspace
) -> Float32[FloatArray, "n_starts nodes"]:
    """Distance from each start of its cell to every node, along paths that stay in the cell."""
    distances = np.empty((starts.shape[1], graph.n_nodes), dtype=np.float32)
    unbounded = np.full(graph.n_nodes, np.inf, dtype=np.float32)
    _reach_within_cells(graph, nearest, starts, unbounded, distances, work)
    return distances


@numba.njit(parallel=True, cache=True)
def _reach_within_cells(
    graph: LandmarkGraph,
    nearest: Nearest,
    starts: IntArray,
    unbounded: FloatArray,
    distances: FloatArray,
    work: Workspace,
) -> None:
    n_threads, n_starts = len(work.best), starts.shape[1]
    for t in numba.prange(n_threads):
        best, heap, nodes = work.best[t], work.heap[t], work.nodes[t]
        for task in range(t, starts.size, n_threads):
            code, s = task // n_starts, task % n_starts
            n = reach(graph, starts[code, s], unbounded, nearest.code, code, best, heap, nodes)
            for node in nodes[:n]:
                distances[s, node] = best[node]
                best[node] = np.inf
