"""The step of Lloyd's method that moves medoids, on a graph.

Source: Lloyd (1982), "Least squares quantization in PCM".
"""

import numba
import numpy as np
from jaxtyping import Float32, Int64

from geovq.arrays import FloatArray, IntArray
from geovq.codebook.on_graph.search import LandmarkGraph, Nearest, Workspace, reach, squared_costs

_TARGETS = 8  # landmarks of a cell whose distances stand for those of the whole cell
_FAVOURITES = 4  # landmarks of a cell that are judged by all its distances


def lloyd_step(
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
    represented = np.bincount(code * _TARGETS + reached.argmin(axis=0), graph.mass[members], len(medoids) * _TARGETS)
    estimates = np.zeros(graph.n_nodes)
    for target, distances in enumerate(reached):
        estimates += represented[code * _TARGETS + target] * np.square(distances, dtype=np.float64)

    ranked = members[np.lexsort((estimates, code))]
    favourites = ranked[begins[:, None] + np.arange(_FAVOURITES) % sizes[:, None]]  # (K, favourites)
    squares = np.square(_distances_within_cells(graph, nearest, favourites, work), dtype=np.float64)
    costs = np.stack([np.bincount(nearest.code, graph.mass * row) for row in squares])
    costs_now = np.bincount(nearest.code, squared_costs(graph, nearest))
    best, codes = costs.argmin(axis=0), np.arange(len(medoids))
    return np.where(costs[best, codes] < costs_now, favourites[codes, best], medoids)


def _distances_within_cells(
    graph: LandmarkGraph, nearest: Nearest, starts: Int64[IntArray, "k n_starts"], work: Workspace
) -> Float32[FloatArray, "n_starts nodes"]:
    """Distance from each start of its cell to every node, along paths that stay in the cell."""
    distances = np.empty((starts.shape[1], graph.n_nodes), dtype=np.float32)
    _reach_within_cells(graph, nearest, starts, distances, work)
    return distances


@numba.njit(parallel=True, cache=True)
def _reach_within_cells(
    graph: LandmarkGraph,
    nearest: Nearest,
    starts: IntArray,
    distances: FloatArray,
    work: Workspace,
) -> None:
    n_threads, n_starts = len(work.best), starts.shape[1]
    for t in numba.prange(n_threads):
        best, heap, nodes = work.best[t], work.heap[t], work.nodes[t]
        for task in range(t, starts.size, n_threads):
            code, s = task // n_starts, task % n_starts
            n = reach(graph, starts[code, s], best, nearest.code, code, best, heap, nodes)  # `best` bounds nothing
            for node in nodes[:n]:
                distances[s, node] = best[node]
                best[node] = np.inf
