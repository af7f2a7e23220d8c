"""First medoids of a search on a graph: spread out, and each the best of a few draws.

Source: Arthur, Vassilvitskii (2007), "k-means++: the advantages of careful seeding", with its greedy variant.
"""

import numba
import numpy as np
from jaxtyping import Int64

from geovq.arrays import FloatArray, IntArray
from geovq.codebook.graph_search import (
    ANYWHERE,
    LandmarkGraph,
    Nearest,
    Workspace,
    nearest_medoids,
    reach,
    squared,
)
from geovq.geometry.shortest_paths import Int32Array
from geovq.progress import Progress, stop_if_requested


def spread_medoids(
    graph: LandmarkGraph, n_codes: int, rng: np.random.Generator, work: Workspace, progress: Progress
) -> Int64[IntArray, " k"]:
    """Medoids drawn one after the other, each the best of a few that are drawn in proportion to their cost."""
    n_drawn = 2 + int(np.log(n_codes))  # as scikit-learn's k-means++
    one = work.best[0], work.heap[0], work.nodes[0]
    medoids = np.empty(n_codes, dtype=np.int64)
    medoids[0] = rng.choice(graph.n_nodes)
    nearest = nearest_medoids(graph, medoids[:1])
    for k in range(1, n_codes):
        stop_if_requested(progress)
        summed = np.square(nearest.distance, dtype=np.float64).cumsum()
        if summed[-1] > 0:
            draws = np.minimum(rng.random(n_drawn) * summed[-1], np.nextafter(summed[-1], 0))
            drawn = np.searchsorted(summed, draws, side="right")
        else:  # only duplicates of medoids are left
            drawn = np.setdiff1d(np.arange(graph.n_nodes), medoids[:k])[:1]
        medoids[k] = _add_best(graph, nearest, drawn, k, *one)
    return medoids


@numba.njit(cache=True)
def _add_best(
    graph: LandmarkGraph,
    nearest: Nearest,
    drawn: IntArray,
    k: int,
    best: FloatArray,
    heap: IntArray,
    nodes: Int32Array,
) -> int:
    """Make that one of `drawn` the medoid of code `k` that lowers the cost most, and return it."""
    code, distance = nearest.code, nearest.distance
    most, chosen = -1.0, 0
    for candidate in drawn:
        n = reach(graph, candidate, distance, code, ANYWHERE, best, heap, nodes)
        gain = 0.0
        for node in nodes[:n]:
            gain += squared(distance[node]) - squared(best[node])
            best[node] = np.inf
        if gain > most:
            most, chosen = gain, candidate
    n = reach(graph, chosen, distance, code, ANYWHERE, best, heap, nodes)
    for node in nodes[:n]:
        code[node], distance[node] = k, best[node]
        best[node] = np.inf
    return chosen
