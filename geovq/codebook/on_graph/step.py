"""The step of Lloyd's method that moves medoids, on a graph.

Source: Lloyd (1982), "Least squares quantization in PCM".
"""

import numba
import numpy as np
from jaxtyping import Float32, Int64

from geovq.arrays import FloatArray, IntArray
from geovq.codebook.on_graph.search import (
    LandmarkGraph,
    Nearest,
    SearchMemory,
    ThreadMemory,
    memory_of,
    reach,
    squared_costs,
)
from geovq.compiling import njit

_TARGETS = 8  # landmarks of a cell whose distances stand for those of the whole cell
_FAVOURITES = 4  # landmarks of a cell that are judged by all its distances


def lloyd_step(
    graph: LandmarkGraph,
    medoids: Int64[IntArray, " k"],
    nearest: Nearest,
    rng: np.random.Generator,
    memory: ThreadMemory,
) -> Int64[IntArray, " k"]:
    """Move every code to a better landmark of its cell, if one is found.

    A landmark is judged by the sum of squared distances to the members of its cell, along paths inside the cell. Those
    may be longer than paths that leave it, while the shortest paths to the medoid lie inside anyway; so a landmark with
    a smaller sum than the medoid's is better in truth. In a first round each member is represented by the nearest of a
    few members, the targets; those landmarks that this estimate ranks first are judged by all members. In cells of up
    to 8 members all of them are targets, and the estimate is exact.

    Parameters
    ----------
    graph : LandmarkGraph
    medoids : array of shape (K,)
    nearest : Nearest
        Of these medoids.
    rng : numpy Generator
        Draws the targets.
    memory : ThreadMemory

    Returns
    -------
    array of shape (K,)
        Medoids after the step.
    """
    shuffled = rng.permutation(graph.n_nodes)
    members = shuffled[nearest.code[shuffled].argsort(kind="stable")]  # of cell 0, of cell 1, ...
    sizes = np.bincount(nearest.code)
    begins = sizes.cumsum() - sizes
    code = nearest.code[members]

    targets = members[begins[:, None] + np.arange(_TARGETS) % sizes[:, None]]
    reached = _distances_within_cells(graph, nearest, targets, memory)[:, members]  # (targets, N)
    represented = np.bincount(code * _TARGETS + reached.argmin(axis=0), graph.mass[members], len(medoids) * _TARGETS)
    estimates = np.zeros(graph.n_nodes)
    for target, distances in enumerate(reached):
        estimates += represented[code * _TARGETS + target] * np.square(distances, dtype=np.float64)

    ranked = members[np.lexsort((estimates, code))]
    favourites = ranked[begins[:, None] + np.arange(_FAVOURITES) % sizes[:, None]]  # (K, favourites)
    squares = np.square(_distances_within_cells(graph, nearest, favourites, memory), dtype=np.float64)
    costs = np.stack([np.bincount(nearest.code, graph.mass * row) for row in squares])
    costs_now = np.bincount(nearest.code, squared_costs(graph, nearest))
    best, codes = costs.argmin(axis=0), np.arange(len(medoids))
    return np.where(costs[best, codes] < costs_now, favourites[codes, best], medoids)


def _distances_within_cells(
    graph: LandmarkGraph, nearest: Nearest, starts: Int64[IntArray, "k n_starts"], memory: ThreadMemory
) -> Float32[FloatArray, "n_starts nodes"]:
    """Distance from each start of its cell to every node, along paths that stay in the cell."""
    distances = np.empty((starts.shape[1], graph.n_nodes), dtype=np.float32)
    no_bound = np.full(graph.n_nodes, np.inf, dtype=np.float32)
    _reach_within_cells(graph, nearest, starts, no_bound, memory, distances)
    return distances


@njit(parallel=True, cache=True)
def _reach_within_cells(
    graph: LandmarkGraph,
    nearest: Nearest,
    starts: IntArray,
    no_bound: FloatArray,
    memory: ThreadMemory,
    distances: FloatArray,
) -> None:
    """Fill `distances`, (n_starts, N)."""
    n_threads, n_starts = len(memory.best), starts.shape[1]
    for t in numba.prange(n_threads):
        for task in range(t, starts.size, n_threads):
            code, s = task // n_starts, task % n_starts
            _reach_within_cell(graph, nearest, starts[code, s], no_bound, memory_of(memory, t), distances[s])


@njit(cache=True)
def _reach_within_cell(
    graph: LandmarkGraph,
    nearest: Nearest,
    start: int,
    no_bound: FloatArray,
    memory: SearchMemory,
    distances: FloatArray,
) -> None:
    """Fill `distances`, (N,), of the nodes of one cell."""
    n = reach(graph, start, no_bound, nearest.code, nearest.code[start], memory)
    for node in memory.nodes[:n]:
        distances[node] = memory.best[node]
        memory.best[node] = np.inf
