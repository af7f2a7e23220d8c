"""Shortest paths from one landmark to all others, with the nodes on the way.

A geodesic can only be drawn with the nodes before each node; `shortest_paths` finds lengths alone, and runs in parallel
over many sources. From a single source scipy's search takes less time than checking its input.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from geovq.arrays import FloatArray, IntArray
from geovq.errors import InvalidValueError
from geovq.geometry.graph.shortest_paths import checked_graph


@dataclass(frozen=True)
class PathTree:
    """Shortest paths from one node of a graph.

    Attributes
    ----------
    source : int
    distances : array of shape (N,), float32
        Length of the shortest path to every node, in the unit of the weights.
    predecessors : array of shape (N,)
        The node before each node on its path; -1 for the source.
    """

    source: int
    distances: Float32[FloatArray, " nodes"]
    predecessors: Int64[IntArray, " nodes"]

    def path_to(self, node: int) -> Int64[IntArray, " path"]:
        """Nodes from the source to `node`, both included.

        Raises
        ------
        InvalidValueError
            If `node` is not a node of the graph.
        """
        path = [_checked_node(node, len(self.distances), "node")]
        while path[-1] != self.source:
            path.append(int(self.predecessors[path[-1]]))
        return np.array(path[::-1], dtype=np.int64)


def path_tree(weights: csr_matrix, source: int) -> PathTree:
    """Shortest paths from `source` to every node.

    Parameters
    ----------
    weights : scipy CSR matrix of shape (N, N)
        As for `geodesic_distances`, which finds the same lengths.
    source : int
        In [0, N).

    Raises
    ------
    ShapeError, NonFiniteError, DisconnectedGraphError
        As `geodesic_distances`.
    InvalidValueError
        If weights are negative or asymmetric, or `source` is not a node.
    """
    graph = checked_graph(weights)
    source = _checked_node(source, graph.shape[0], "source")
    distances, predecessors = dijkstra(graph, indices=source, return_predecessors=True)
    predecessors[source] = -1  # scipy's mark for "none" is another
    return PathTree(source, distances.astype(np.float32), predecessors.astype(np.int64))


def _checked_node(node: int, n_nodes: int, name: str) -> int:
    if not isinstance(node, int | np.integer) or not 0 <= node < n_nodes:
        raise InvalidValueError(f"{name} must be an integer in [0, {n_nodes}); got {node!r}.")
    return int(node)
