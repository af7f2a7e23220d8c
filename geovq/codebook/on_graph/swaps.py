"""Swaps of a medoid for another landmark, judged exactly without a matrix of distances.

As in FasterPAM, the nearest and second nearest medoid of every node tell which medoid a candidate replaces best, and
how the cost changes. Only nodes nearer to the candidate than to their second nearest medoid matter, so a bounded search
finds the change. Candidates are drawn in proportion to their cost.

Source: Schubert, Rousseeuw (2021), "Fast and Eager k-Medoids Clustering", doi:10.1016/j.is.2021.101804; candidates by
D² sampling: Lattanzi, Sohler (2019), "A Better k-means++ Algorithm via Local Search".
"""

from typing import NamedTuple

import numba
import numpy as np
from jaxtyping import Int64

from geovq.arrays import DoubleArray, FloatArray, Int32Array, IntArray
from geovq.codebook.on_graph.search import (
    ANYWHERE,
    LandmarkGraph,
    Nearest,
    SearchMemory,
    ThreadMemory,
    memory_of,
    reach,
    squared,
    squared_costs,
)
from geovq.compiling import njit
from geovq.geometry.graph.heap import heap_item, item_distance, item_node, pop, sift_up
from geovq.progress import Progress, stop_if_requested

NO_CODE = -1
_CANDIDATES_PER_BATCH = 64  # judged in parallel against the same medoids; those that help are judged again one by one
_VISITS_PER_NODE = 32  # effort of a pass: as many visits as this number of searches of the whole graph
_VISITS_AT_LEAST = 1_000_000  # below a second of work; lets a pass try every node of a graph of 1,000
_LEAST_GAIN = 1e-9  # of the cost; above the rounding of sums


class TwoNearest(NamedTuple):
    """The two nearest medoids of every node and their distances; NO_CODE at infinity if there is no second."""

    first: Int32Array
    second: Int32Array
    to_first: FloatArray
    to_second: FloatArray


class SwapPass(NamedTuple):
    """Medoids after a pass, and whether every node was tried."""

    medoids: Int64[IntArray, " k"]
    tried_all: bool


def swap_pass(
    graph: LandmarkGraph,
    medoids: Int64[IntArray, " k"],
    nearest: Nearest,
    rng: np.random.Generator,
    memory: ThreadMemory,
    progress: Progress,
) -> SwapPass:
    """Draw candidates in proportion to their cost, without replacement, and make every swap that lowers the cost.

    Parameters
    ----------
    graph : LandmarkGraph
    medoids : array of shape (K,)
    nearest : Nearest
        Of these medoids.
    rng : numpy Generator
    memory : ThreadMemory
    progress : Progress
        Asked before each batch of candidates whether to stop.
    """
    medoids = medoids.copy()
    mine = memory_of(memory, 0)
    state = _two_nearest(graph, nearest, mine)
    loss, credit = np.empty(len(medoids)), np.zeros(len(medoids))
    _removal_losses(graph, state, loss)
    costs = squared_costs(graph, nearest)
    least_gain = _LEAST_GAIN * float(costs.sum())
    candidates = _drawn_by_cost(costs, rng)
    budget = max(_VISITS_PER_NODE * graph.n_nodes, _VISITS_AT_LEAST)
    for begin in range(0, len(candidates), _CANDIDATES_PER_BATCH):
        if budget <= 0:
            return SwapPass(medoids, False)
        stop_if_requested(progress)
        batch = candidates[begin : begin + _CANDIDATES_PER_BATCH]
        changes, visits = np.empty(len(batch)), np.empty(len(batch), dtype=np.int64)
        _judge(graph, state, loss, batch, memory, changes, visits)
        budget -= int(visits.sum())
        order = changes.argsort(kind="stable")
        for candidate in batch[order[changes[order] < -least_gain]].tolist():
            change, leaver, n = _best_swap(graph, state, loss, candidate, credit, mine)
            budget -= n
            if change < -least_gain:
                _swap(graph, state, candidate, leaver, mine)
                _removal_losses(graph, state, loss)
                medoids[leaver] = candidate
    return SwapPass(medoids, True)


def _drawn_by_cost(costs: DoubleArray, rng: np.random.Generator) -> IntArray:
    """All nodes of positive cost, in the order in which weighted sampling without replacement draws them."""
    costly = np.flatnonzero(costs)
    # The smallest of exponential clocks, one per node at the rate of its weight (Efraimidis, Spirakis 2006).
    order: IntArray = costly[(rng.exponential(size=len(costly)) / costs[costly]).argsort()]
    return order


def _two_nearest(graph: LandmarkGraph, nearest: Nearest, memory: SearchMemory) -> TwoNearest:
    n_nodes = graph.n_nodes
    second, to_second = np.empty(n_nodes, dtype=np.int32), np.empty(n_nodes, dtype=np.float32)
    state = TwoNearest(nearest.code.copy(), second, nearest.distance.copy(), to_second)
    _find_second(graph, state, np.arange(n_nodes, dtype=np.int32), memory.heap)
    return state


@njit(cache=True)
def _find_second(graph: LandmarkGraph, state: TwoNearest, nodes: Int32Array, heap: IntArray) -> None:
    """Fill the second medoid of `nodes`, where everything else is known."""
    first, second, to_first, to_second = state.first, state.second, state.to_first, state.to_second
    for node in nodes:
        second[node], to_second[node] = NO_CODE, np.inf
    size = 0
    for node in nodes:
        for e in range(graph.pointers[node], graph.pointers[node + 1]):
            tail = graph.columns[e]
            # Of the tail's two medoids, the nearer one that is not the node's own first.
            if first[tail] != first[node]:
                code, through = first[tail], np.float32(to_first[tail] + graph.lengths[e])
            else:
                code, through = second[tail], np.float32(to_second[tail] + graph.lengths[e])
            if through < to_second[node]:
                second[node], to_second[node] = code, through
        if second[node] != NO_CODE:
            sift_up(heap, size, heap_item(to_second[node], node))
            size += 1
    while size:
        top = pop(heap, size)
        size -= 1
        node, reached = item_node(top), item_distance(top)
        if reached > to_second[node]:
            continue  # a stale item: the node was reached on a shorter way
        for e in range(graph.pointers[node], graph.pointers[node + 1]):
            head, through = graph.columns[e], np.float32(reached + graph.lengths[e])
            if through < to_second[head] and second[node] != first[head]:
                second[head], to_second[head] = second[node], through
                sift_up(heap, size, heap_item(through, head))
                size += 1


@njit(cache=True)
def _removal_losses(graph: LandmarkGraph, state: TwoNearest, loss: DoubleArray) -> None:
    """Fill `loss`: by how much the cost rises if a medoid is given up and none takes its place."""
    loss[:] = 0
    for node in range(len(state.first)):
        rise = squared(state.to_second[node]) - squared(state.to_first[node])
        loss[state.first[node]] += graph.mass[node] * rise


@njit(parallel=True, cache=True)
def _judge(
    graph: LandmarkGraph,
    state: TwoNearest,
    loss: DoubleArray,
    candidates: IntArray,
    memory: ThreadMemory,
    changes: DoubleArray,
    visits: IntArray,
) -> None:
    """Fill `changes` and `visits` of every candidate, as `_best_swap` finds them."""
    n_threads = len(memory.best)
    for t in numba.prange(n_threads):
        credit = np.zeros(len(loss))
        for i in range(t, len(candidates), n_threads):
            changes[i], _, visits[i] = _best_swap(graph, state, loss, candidates[i], credit, memory_of(memory, t))


@njit(cache=True)
def _best_swap(
    graph: LandmarkGraph,
    state: TwoNearest,
    loss: DoubleArray,
    candidate: int,
    credit: DoubleArray,
    memory: SearchMemory,
) -> tuple[float, int, int]:
    """Change of the cost if `candidate` replaces the best medoid for it, the code of that medoid, and the visits made.

    `credit`, zero before and after, sums by how much the candidate lessens the loss of giving up each medoid.
    """
    first, to_first, to_second = state.first, state.to_first, state.to_second
    best, _, nodes = memory
    n = reach(graph, candidate, to_second, first, ANYWHERE, memory)
    gain = 0.0
    for node in nodes[:n]:
        mass, here, now = graph.mass[node], squared(best[node]), squared(to_first[node])
        best[node] = np.inf
        gain += mass * min(here - now, 0.0) if len(loss) > 1 else mass * (here - now)
        credit[first[node]] += mass * (max(here, now) - squared(to_second[node]))
    if len(loss) == 1:
        credit[0] = 0.0
        return gain, 0, n  # the only medoid is replaced, and all nodes were visited
    leaver = int(np.argmin(loss))
    least = loss[leaver] + credit[leaver]
    for node in nodes[:n]:
        code = first[node]
        if loss[code] + credit[code] < least:
            leaver, least = code, loss[code] + credit[code]
    for node in nodes[:n]:
        credit[first[node]] = 0.0
    return gain + least, leaver, n


@njit(cache=True)
def _swap(graph: LandmarkGraph, state: TwoNearest, candidate: int, leaver: int, memory: SearchMemory) -> None:
    """Make `candidate` the medoid of the code `leaver`; only the neighbourhoods of the two are searched."""
    first, second, to_first, to_second = state.first, state.second, state.to_first, state.to_second
    best, heap, nodes = memory
    n = 0
    for node in range(len(first)):
        if first[node] == leaver:
            first[node], to_first[node] = second[node], to_second[node]
        elif second[node] != leaver:
            continue
        nodes[n] = node
        n += 1
    _find_second(graph, state, nodes[:n], heap)
    n = reach(graph, candidate, to_second, first, ANYWHERE, memory)
    for node in nodes[:n]:
        if best[node] < to_first[node]:
            second[node], to_second[node] = first[node], to_first[node]
            first[node], to_first[node] = leaver, best[node]
        else:
            second[node], to_second[node] = leaver, best[node]
        best[node] = np.inf
