"""First medoids of a search on a graph, by greedy k-means++.

Source: Arthur, Vassilvitskii (2007), "k-means++: the advantages of careful seeding", with its greedy variant.
"""

import numpy as np
from jaxtyping import Int64

from geovq.arrays import DoubleArray, IntArray
from geovq.codebook.on_graph.search import (
    ANYWHERE,
    LandmarkGraph,
    Nearest,
    SearchMemory,
    ThreadMemory,
    memory_of,
    nearest_medoids,
    reach,
    squared,
    squared_costs,
)
from geovq.compiling import njit
from geovq.progress import Progress, stop_if_requested


def spread_medoids(
    graph: LandmarkGraph, n_codes: int, rng: np.random.Generator, memory: ThreadMemory, progress: Progress
) -> Int64[IntArray, " k"]:
    """Medoids one after the other: of a few nodes drawn in proportion to their cost, the one that lowers it most.

    Parameters
    ----------
    graph : LandmarkGraph
    n_codes : int
        Medoids K, at most N.
    rng : numpy Generator
    memory : ThreadMemory
    progress : Progress
        Asked before each medoid whether to stop.

    Returns
    -------
    array of shape (K,)
        Distinct nodes.
    """
    n_draws = 2 + int(np.log(n_codes))  # as scikit-learn's k-means++
    mine = memory_of(memory, 0)
    medoids = np.empty(n_codes, dtype=np.int64)
    medoids[0] = rng.choice(graph.n_nodes)
    nearest = nearest_medoids(graph, medoids[:1])
    costs = squared_costs(graph, nearest)
    summed = costs.cumsum()
    for k in range(1, n_codes):
        stop_if_requested(progress)
        drawn = _draws(graph, nearest, costs, summed, n_draws, rng)
        if len(drawn) < n_draws:  # costs have fallen much since they were last summed, which is slow on large graphs
            costs = squared_costs(graph, nearest)
            summed = costs.cumsum()
            drawn = _draws(graph, nearest, costs, summed, n_draws, rng)
        if not len(drawn):  # only duplicates of medoids are left
            drawn = np.setdiff1d(np.arange(graph.n_nodes), medoids[:k])[:1]
        medoids[k] = _add_best(graph, nearest, drawn, k, mine)
    return medoids


def _draws(
    graph: LandmarkGraph,
    nearest: Nearest,
    costs: DoubleArray,
    summed: DoubleArray,
    n_draws: int,
    rng: np.random.Generator,
) -> IntArray:
    """At most `n_draws` nodes in proportion to their present cost, by rejection from draws by their earlier costs."""
    proposed = np.searchsorted(summed, rng.random(4 * n_draws) * summed[-1], side="right")
    proposed = proposed[proposed < len(costs)]  # all of them, unless there is no cost or a product was rounded up
    costs_now = graph.mass[proposed] * np.square(nearest.distance[proposed], dtype=np.float64)
    accepted: IntArray = proposed[rng.random(len(proposed)) * costs[proposed] < costs_now]
    return accepted[:n_draws]


@njit(cache=True)
def _add_best(
    graph: LandmarkGraph,
    nearest: Nearest,
    drawn: IntArray,
    k: int,
    memory: SearchMemory,
) -> int:
    """Make the node of `drawn` that lowers the cost most the medoid of code `k` in `nearest`, and return it."""
    code, distance = nearest.code, nearest.distance
    best, _, nodes = memory
    most, chosen = -1.0, 0
    for candidate in drawn:
        n = reach(graph, candidate, distance, code, ANYWHERE, memory)
        gain = 0.0
        for node in nodes[:n]:
            gain += graph.mass[node] * (squared(distance[node]) - squared(best[node]))
            best[node] = np.inf
        if gain > most:
            most, chosen = gain, candidate
    n = reach(graph, chosen, distance, code, ANYWHERE, memory)
    for node in nodes[:n]:
        code[node], distance[node] = k, best[node]
        best[node] = np.inf
    return chosen
