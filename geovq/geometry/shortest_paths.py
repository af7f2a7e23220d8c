"""Shortest paths over a landmark graph: Dijkstra's algorithm, one source per thread.

Sums are kept in float64 and returned as float32. `scipy.sparse.csgraph.dijkstra` is the reference in the tests.

Source: Dijkstra (1959); binary heap with lazy deletion.
"""

import numba
import numpy as np
import numpy.typing as npt
from jaxtyping import Float32
from scipy.sparse import csr_matrix, issparse
from scipy.sparse.csgraph import connected_components

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.errors import DisconnectedGraphError, InvalidValueError, NonFiniteError, ShapeError
from geovq.progress import Progress, SilentProgress, stop_if_requested

_SOURCES_PER_CHUNK = 512  # between two looks at the cancel flag


def geodesic_distances(
    weights: csr_matrix, sources: npt.ArrayLike | None = None, *, progress: Progress | None = None
) -> Float32[FloatArray, "n_sources n"]:
    """Shortest-path length from each source to every node.

    Parameters
    ----------
    weights : scipy CSR matrix of shape (N, N)
        Symmetric, non-negative edge lengths; entries that are not stored are not edges.
    sources : array of int of shape (n_sources,), optional
        Nodes to start from; by default all of them.
    progress : Progress, optional
        Told about every chunk of sources.

    Returns
    -------
    array of shape (n_sources, N), float32
        In the unit of `weights`.

    Raises
    ------
    ShapeError
        If `weights` is not a square sparse matrix.
    InvalidValueError
        If weights are negative or asymmetric, or a source is not a node.
    NonFiniteError
        If weights are NaN or infinite.
    DisconnectedGraphError
        If the graph has more than one component: geodesics between them do not exist.
    """
    graph = _checked_graph(weights)
    n_nodes = graph.shape[0]
    starts = np.arange(n_nodes) if sources is None else np.atleast_1d(np.asarray(sources))
    if starts.ndim != 1 or not np.issubdtype(starts.dtype, np.integer):
        raise InvalidValueError(
            f"sources must be a list of node indices; got an array of {starts.dtype}, {starts.shape}."
        )
    if len(starts) and not (starts.min() >= 0 and starts.max() < n_nodes):
        raise InvalidValueError(f"sources must be in [0, {n_nodes}); got {starts.min()} to {starts.max()}.")
    progress = progress or SilentProgress()
    progress.start("shortest paths", len(starts), "sources")
    distances = np.empty((len(starts), n_nodes), dtype=np.float32)
    pointers, columns = graph.indptr.astype(np.int64), graph.indices.astype(np.int64)
    for begin in range(0, len(starts), _SOURCES_PER_CHUNK):
        stop_if_requested(progress)
        chunk = slice(begin, begin + _SOURCES_PER_CHUNK)
        _dijkstra(pointers, columns, graph.data, starts[chunk].astype(np.int64), distances[chunk])
        progress.advance(len(starts[chunk]))
    return distances


def _checked_graph(weights: csr_matrix) -> csr_matrix:
    if not issparse(weights) or weights.shape[0] != weights.shape[1]:
        raise ShapeError(
            f"weights must be a square scipy sparse matrix; got {getattr(weights, 'shape', type(weights))}."
        )
    graph = csr_matrix(weights, dtype=np.float32, copy=True)
    graph.sum_duplicates()
    if not np.isfinite(graph.data).all():
        raise NonFiniteError("weights must be finite; leave missing edges out of the sparse matrix instead.")
    if (graph.data < 0).any():
        raise InvalidValueError(f"weights must not be negative; the smallest is {graph.data.min():.3g}.")
    mirrored = graph.T.tocsr()
    mirrored.sort_indices()
    same_edges = np.array_equal(graph.indptr, mirrored.indptr) and np.array_equal(graph.indices, mirrored.indices)
    if not same_edges or not np.allclose(graph.data, mirrored.data, rtol=1e-5, atol=0):
        raise InvalidValueError("weights must be symmetric; use weights.maximum(weights.T).")
    n_components, labels = connected_components(graph, directed=False)
    if n_components > 1:
        sizes = sorted(np.bincount(labels).tolist(), reverse=True)
        shown = ", ".join(map(str, sizes[:5])) + (", …" if len(sizes) > 5 else "")
        raise DisconnectedGraphError(
            f"The graph has {n_components} components of sizes {shown}; geodesics between them are undefined. "
            "Raise geometry.n_neighbors or join them with neighbour_graph."
        )
    return graph


@numba.njit(parallel=True, cache=True)
def _dijkstra(
    pointers: IntArray,
    columns: IntArray,
    lengths: FloatArray,
    sources: IntArray,
    out: FloatArray,
) -> None:
    n_nodes, n_entries = len(pointers) - 1, len(columns)
    for s in numba.prange(len(sources)):
        best = np.full(n_nodes, np.inf)
        keys = np.empty(n_entries + 1, dtype=np.float64)  # every edge pushes at most once
        nodes = np.empty(n_entries + 1, dtype=np.int64)
        best[sources[s]] = 0.0
        keys[0], nodes[0], size = 0.0, sources[s], 1
        while size:
            key, node = keys[0], nodes[0]
            size -= 1
            _sift_down(keys, nodes, size, keys[size], nodes[size])
            if key > best[node]:
                continue  # a stale entry: the node was reached on a shorter way
            for e in range(pointers[node], pointers[node + 1]):
                head, through = columns[e], key + lengths[e]
                if through < best[head]:
                    best[head] = through
                    _sift_up(keys, nodes, size, through, head)
                    size += 1
        for i in range(n_nodes):
            out[s, i] = best[i]


@numba.njit(inline="always")
def _sift_up(keys: DoubleArray, nodes: IntArray, position: int, key: float, node: int) -> None:
    while position > 0:
        parent = (position - 1) // 2
        if keys[parent] <= key:
            break
        keys[position], nodes[position] = keys[parent], nodes[parent]
        position = parent
    keys[position], nodes[position] = key, node


@numba.njit(inline="always")
def _sift_down(keys: DoubleArray, nodes: IntArray, size: int, key: float, node: int) -> None:
    position = 0
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[position], nodes[position] = keys[child], nodes[child]
        position = child
    keys[position], nodes[position] = key, node
