"""Searches in a landmark graph that stop early, and the memory they work in.

The search from `start` visits a node only if its distance is below the node's bound. The bounds in use are the distance
to the nearest medoid, to the second nearest, or none. None of the nodes below their bound is missed: from one node of a
shortest path to the next, such a bound changes by at most the length of the edge between them, so where the end of a
path is below its bound all nodes on the way are.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from geovq.arrays import DoubleArray, FloatArray, Int32Array, IntArray
from geovq.compiling import njit
from geovq.geometry.graph.heap import heap_item, item_distance, item_node, pop, sift_up
from geovq.geometry.graph.nearest_source import search_from_all
from geovq.threads import n_numba_threads

ANYWHERE = -1


class LandmarkGraph(NamedTuple):
    """Edge lengths in compressed sparse rows, every edge in the rows of both its ends.

    Attributes
    ----------
    pointers : array of shape (N + 1,)
    columns, lengths : arrays of shape (2 E,)
    mass : array of shape (N,)
        How many landmarks each node stands for.
    """

    pointers: Int32[Int32Array, " rows"]
    columns: Int32[Int32Array, " entries"]
    lengths: Float32[FloatArray, " entries"]
    mass: Float64[DoubleArray, " nodes"]

    @property
    def n_nodes(self) -> int:
        """Number N of nodes."""
        return len(self.mass)


class SearchMemory(NamedTuple):
    """What one search writes into.

    Attributes
    ----------
    best : array of shape (N,)
        Distance of every node that was visited, infinite elsewhere; whoever reads it makes it infinite again.
    heap : array of shape (2 E + N,)
    nodes : array of shape (N,)
        Nodes that were visited.
    """

    best: Float32[FloatArray, " nodes"]
    heap: Int64[IntArray, " items"]
    nodes: Int32[Int32Array, " nodes"]


class ThreadMemory(NamedTuple):
    """One `SearchMemory` for each thread, as rows.

    Attributes
    ----------
    best, nodes : arrays of shape (threads, N)
    heap : array of shape (threads, 2 E + N)
    """

    best: Float32[FloatArray, "threads nodes"]
    heap: Int64[IntArray, "threads items"]
    nodes: Int32[Int32Array, "threads nodes"]


class Nearest(NamedTuple):
    """The nearest medoid of every node, as an index into the medoids, and the distance to it."""

    code: Int32[Int32Array, " nodes"]
    distance: Float32[FloatArray, " nodes"]


def thread_memory(graph: LandmarkGraph) -> ThreadMemory:
    """Memory for one search per thread; pages that no search needs are never touched."""
    n_threads, n_nodes = n_numba_threads(), graph.n_nodes
    return ThreadMemory(
        best=np.full((n_threads, n_nodes), np.inf, dtype=np.float32),
        heap=np.empty((n_threads, len(graph.columns) + n_nodes), dtype=np.int64),
        nodes=np.empty((n_threads, n_nodes), dtype=np.int32),
    )


def nearest_medoids(graph: LandmarkGraph, medoids: Int64[IntArray, " k"]) -> Nearest:
    """Voronoi cells of the medoids."""
    found = Nearest(np.empty(graph.n_nodes, dtype=np.int32), np.empty(graph.n_nodes, dtype=np.float32))
    search_from_all(graph.pointers, graph.columns, graph.lengths, medoids.astype(np.int32), found.distance, found.code)
    return found


def squared_costs(graph: LandmarkGraph, nearest: Nearest) -> Float64[DoubleArray, " nodes"]:
    """Share of every node in the cost: its mass times its squared distance to the medoid."""
    costs: DoubleArray = graph.mass * np.square(nearest.distance, dtype=np.float64)
    return costs


@njit(inline="always")
def memory_of(memory: ThreadMemory, thread: int) -> SearchMemory:
    """The memory of one thread."""
    return SearchMemory(memory.best[thread], memory.heap[thread], memory.nodes[thread])


@njit(cache=True)
def reach(
    graph: LandmarkGraph, start: int, bound: FloatArray, code: Int32Array, within: int, memory: SearchMemory
) -> int:
    """Find all nodes nearer to `start` than their bound, and write them and their distances into `memory`.

    Parameters
    ----------
    graph : LandmarkGraph
    start : int
        Visited whatever its bound.
    bound : array of shape (N,)
        Infinite where a node has none.
    code : array of shape (N,)
        Code of every node.
    within : int
        Paths stay among the nodes of this code, or go ANYWHERE.
    memory : SearchMemory

    Returns
    -------
    int
        Number of nodes that were written.
    """
    best, heap, nodes = memory
    best[start] = 0
    heap[0] = heap_item(np.float32(0), start)
    size, n = 1, 0
    while size:
        top = pop(heap, size)
        size -= 1
        node, reached = item_node(top), item_distance(top)
        if reached > best[node]:
            continue  # a stale item: the node was reached on a shorter way
        nodes[n] = node
        n += 1
        for e in range(graph.pointers[node], graph.pointers[node + 1]):
            head, through = graph.columns[e], np.float32(reached + graph.lengths[e])
            if through < best[head] and through < bound[head] and (within == ANYWHERE or code[head] == within):
                best[head] = through
                sift_up(heap, size, heap_item(through, head))
                size += 1
    return n


@njit(inline="always")
def squared(distance: float) -> float:
    """Square in float64 of a float32."""
    return float(distance) * float(distance)
