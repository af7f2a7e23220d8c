"""k-medoids on a graph without a matrix of distances: Lloyd's iterations, with swaps of medoids in between.

One search from all medoids at once gives every landmark its nearest medoid. Then every code moves to the landmark with
the least summed squared distance inside its Voronoi cell. Alone, these two steps stop in a poor optimum, 8 to 19 %
above FasterPAM's cost; so each iteration first swaps medoids for landmarks that lower the cost,
`geovq.codebook.on_graph.swaps`. Iterations on a large graph begin with the result for a smaller one,
`geovq.codebook.on_graph.contraction`.

Source: Lloyd (1982), "Least squares quantization in PCM".
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from scipy.sparse import csr_matrix

from geovq.arrays import IntArray
from geovq.codebook.kmedoids import KMedoidsResult
from geovq.codebook.on_graph.contraction import contracted
from geovq.codebook.on_graph.search import (
    LandmarkGraph,
    Nearest,
    ThreadMemory,
    nearest_medoids,
    squared_costs,
    thread_memory,
)
from geovq.codebook.on_graph.starts import spread_medoids
from geovq.codebook.on_graph.step import lloyd_step
from geovq.codebook.on_graph.swaps import swap_pass
from geovq.errors import InvalidValueError
from geovq.geometry.graph.shortest_paths import checked_graph
from geovq.progress import Progress, SilentProgress, stop_if_requested
from geovq.randomness import make_rng
from geovq.threads import torch_threads_kept

_NODES_PER_BLOCK = 256
_LANDMARKS_PER_SEED = 16  # of a contracted graph
_SEEDS_PER_CODE = 128  # with fewer, codes are placed too coarsely to save iterations on all landmarks
_FEWEST_SEEDS = 10_000  # below, all landmarks are searched in seconds
_LEAST_GAIN = 2e-3  # of an iteration, relative; below it, further samples of candidates rarely help


class _Start(NamedTuple):
    costs: list[float]
    medoids: list[Int64[IntArray, " k"]]
    nearest: Nearest  # of the last medoids
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
        From 160,000 landmarks on (and 2,048 per code), starts are searched on a contracted graph, and only the best of
        them on all landmarks: the histories begin with its medoids, and `restart_costs` of the others are the costs of
        their medoids on all landmarks.

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
    with torch_threads_kept():
        graph, order = _renumbered(checked, make_rng(seed, "graph_kmedoids.order"))
        starts = _search(graph, n_codes, n_restarts, max_iterations, seed, progress or SilentProgress())
    costs = np.array([start.costs[-1] for start in starts])
    winner = starts[int(costs.argmin())]
    labels = np.empty(n_nodes, dtype=np.int64)
    labels[order] = winner.nearest.code
    medoid_history = order[np.stack(winner.medoids)]
    return KMedoidsResult(
        medoid_indices=medoid_history[-1],
        labels=labels,
        cost=float(costs.min()),
        cost_history=np.array(winner.costs),
        medoid_history=medoid_history,
        restart_costs=costs,
        converged=winner.converged,
    )


def _renumbered(checked: csr_matrix, rng: np.random.Generator) -> tuple[LandmarkGraph, Int64[IntArray, " n"]]:
    """The graph with neighbours near each other in memory, and the old number of every node.

    Nodes are sorted by the nearest of a few of them and by their distance to it. On graphs that exceed the cache, that
    makes searches twice as fast as in random order.
    """
    n_nodes = checked.shape[0]
    graph = LandmarkGraph(checked.indptr, checked.indices, checked.data, np.ones(n_nodes))
    few = rng.choice(n_nodes, -(-n_nodes // _NODES_PER_BLOCK), replace=False)
    nearest = nearest_medoids(graph, few)
    order = np.lexsort((nearest.distance, nearest.code))
    moved = checked[order][:, order]
    return graph._replace(pointers=moved.indptr, columns=moved.indices, lengths=moved.data), order


def _search(
    graph: LandmarkGraph, n_codes: int, n_restarts: int, max_iterations: int, seed: int, progress: Progress
) -> list[_Start]:
    """All starts; of a large graph they are searched on a contracted one, and only the best on all landmarks."""
    n_seeds = graph.n_nodes // _LANDMARKS_PER_SEED
    if n_seeds < max(_FEWEST_SEEDS, _SEEDS_PER_CODE * n_codes):
        progress.start("graph Lloyd", n_restarts, "restarts")
        return _starts(graph, n_codes, n_restarts, max_iterations, seed, progress)
    progress.start("graph Lloyd", n_restarts + 1, "searches")
    seeds = np.sort(make_rng(seed, "graph_kmedoids.seeds").choice(graph.n_nodes, n_seeds, replace=False))
    on_contracted = _starts(contracted(graph, seeds), n_codes, n_restarts, max_iterations, seed, progress)
    starts = [_start_at(graph, seeds[start.medoids[-1]]) for start in on_contracted]
    best = int(np.argmin([start.costs[0] for start in starts]))
    rng = make_rng(seed, "graph_kmedoids.last")
    starts[best] = _improved(graph, starts[best], max_iterations, rng, thread_memory(graph), progress)
    progress.advance()
    return starts


def _starts(
    graph: LandmarkGraph, n_codes: int, n_restarts: int, max_iterations: int, seed: int, progress: Progress
) -> list[_Start]:
    memory = thread_memory(graph)
    starts = []
    for restart in range(n_restarts):
        rng = make_rng(seed, f"graph_kmedoids.start.{restart}")
        start = _start_at(graph, spread_medoids(graph, n_codes, rng, memory, progress))
        starts.append(_improved(graph, start, max_iterations, rng, memory, progress))
        progress.advance()
    return starts


def _start_at(graph: LandmarkGraph, medoids: Int64[IntArray, " k"]) -> _Start:
    nearest = nearest_medoids(graph, medoids)
    return _Start([_mean_cost(graph, nearest)], [medoids], nearest, converged=False)


def _improved(
    graph: LandmarkGraph,
    start: _Start,
    max_iterations: int,
    rng: np.random.Generator,
    memory: ThreadMemory,
    progress: Progress,
) -> _Start:
    """Iterate until an iteration gains less than `_LEAST_GAIN`; the cost falls in each."""
    costs, history, nearest, _ = start
    for _ in range(max_iterations):
        swapped, tried_all = swap_pass(graph, history[-1], nearest, rng, memory, progress)
        stop_if_requested(progress)
        moved = lloyd_step(graph, swapped, nearest_medoids(graph, swapped), rng, memory)
        stop_if_requested(progress)
        moved_nearest = nearest_medoids(graph, moved)
        cost = _mean_cost(graph, moved_nearest)
        if not cost < costs[-1]:
            return _Start(costs, history, nearest, converged=True)
        costs, history, nearest = [*costs, cost], [*history, moved], moved_nearest
        if not tried_all and cost > costs[-2] * (1 - _LEAST_GAIN):
            return _Start(costs, history, nearest, converged=True)
    return _Start(costs, history, nearest, converged=False)


def _mean_cost(graph: LandmarkGraph, nearest: Nearest) -> float:
    return float(squared_costs(graph, nearest).sum() / graph.mass.sum())
