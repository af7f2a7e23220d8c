"""The nearest of several sources, for every node of a graph: one Dijkstra search that starts from all of them.

Source: Erwig (2000), "The graph Voronoi diagram with applications".
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, Int64
from scipy.sparse import csr_matrix

from geovq.arrays import FloatArray, Int32Array, IntArray
from geovq.compiling import njit
from geovq.errors import InvalidValueError
from geovq.geometry.graph.heap import heap_item, item_distance, item_node, pop, sift_up
from geovq.geometry.graph.shortest_paths import checked_graph, checked_nodes


@dataclass(frozen=True)
class NearestSource:
    """Voronoi cells of the sources.

    Attributes
    ----------
    distance : array of shape (N,), float32
        Length of the shortest path to the nearest source, in the unit of the weights.
    source : array of shape (N,)
        That source, as an index into the list of sources; the lower one if two are equally near.
    """

    distance: Float32[FloatArray, " nodes"]
    source: Int64[IntArray, " nodes"]


def nearest_source(weights: csr_matrix, sources: npt.ArrayLike) -> NearestSource:
    """Distance of every node to the nearest of `sources`, and which one that is.

    Parameters
    ----------
    weights : scipy CSR matrix of shape (N, N)
        As for `geodesic_distances`.
    sources : array of int of shape (n_sources,)
        Nodes to start from, at least one; every source is nearest to itself.

    Raises
    ------
    ShapeError, NonFiniteError, DisconnectedGraphError
        As `geodesic_distances`.
    InvalidValueError
        If weights are negative or asymmetric, there is no source, or a source is not a node.
    """
    graph = checked_graph(weights)
    n_nodes = graph.shape[0]
    starts = checked_nodes(sources, n_nodes)
    if not len(starts):
        raise InvalidValueError("sources must name at least one node; got none.")
    distance, source = np.empty(n_nodes, dtype=np.float32), np.empty(n_nodes, dtype=np.int32)
    search_from_all(graph.indptr, graph.indices, graph.data, starts, distance, source)
    return NearestSource(distance, source.astype(np.int64))


@njit(cache=True)
def search_from_all(
    pointers: Int32Array,
    columns: Int32Array,
    lengths: FloatArray,
    sources: Int32Array,
    distance: FloatArray,
    source: Int32Array,
) -> None:
    """Fill `distance` and `source` of every node; one search from all sources.

    Parameters
    ----------
    pointers, columns, lengths
        Graph in compressed sparse rows.
    sources : array of shape (n_sources,)
        Nodes to start from.
    distance : array of shape (N,)
        Is written to: length of the shortest path to the nearest source.
    source : array of shape (N,)
        Is written to: that source, as an index into `sources`.
    """
    distance[:] = np.inf
    source[:] = -1
    heap = np.empty(len(columns) + len(sources), dtype=np.int64)  # every edge pushes at most once
    size = 0
    for s in range(len(sources)):
        if source[sources[s]] < 0:
            distance[sources[s]], source[sources[s]] = 0, s
            sift_up(heap, size, heap_item(np.float32(0), sources[s]))
            size += 1
    while size:
        top = pop(heap, size)
        size -= 1
        node, reached = item_node(top), item_distance(top)
        if reached > distance[node]:
            continue  # a stale item: the node was reached on a shorter way
        for e in range(pointers[node], pointers[node + 1]):
            head, through = columns[e], np.float32(reached + lengths[e])
            if through < distance[head]:
                distance[head], source[head] = through, source[node]
                sift_up(heap, size, heap_item(through, head))
                size += 1
            elif through == distance[head] and through > reached and source[node] < source[head]:
                source[head] = source[node]  # still in the heap, since it is farther than what left it last
