"""Shortest paths over a landmark graph: Dijkstra's algorithm, one source per thread.

Sums are float32, like the result: along a path of 100 edges rounding stays below 1e-5 of the length.
`scipy.sparse.csgraph.dijkstra` is the reference in the tests.

Source: Dijkstra (1959); 4-ary heap with lazy deletion (Johnson 1975).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numba
import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float32
from scipy.sparse import csr_matrix, issparse
from scipy.sparse.csgraph import connected_components

from geovq.arrays import FloatArray, IntArray
from geovq.errors import DisconnectedGraphError, InvalidValueError, NonFiniteError, ShapeError
from geovq.progress import Progress, SilentProgress, stop_if_requested

_SOURCES_PER_CHUNK = 512  # between two looks at the cancel flag
_BLOCKS_PER_THREAD = 8  # evens out the work between threads

Int32Array: TypeAlias = npt.NDArray[np.int32]


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
    pointers, columns = graph.indptr.astype(np.int32), graph.indices.astype(np.int32)
    with _torch_threads_kept():
        n_blocks = _BLOCKS_PER_THREAD * numba.get_num_threads()
        for begin in range(0, len(starts), _SOURCES_PER_CHUNK):
            stop_if_requested(progress)
            chunk = slice(begin, begin + _SOURCES_PER_CHUNK)
            _dijkstra(pointers, columns, graph.data, starts[chunk].astype(np.int32), distances[chunk], n_blocks)
            progress.advance(len(starts[chunk]))
    return distances


@contextmanager
def _torch_threads_kept() -> Iterator[None]:
    """Undo what numba's OpenMP layer does when it starts: it sets the thread count of all OpenMP code in the process.

    Other counts sum in another order, so what torch computes next would depend on whether paths were searched before.
    """
    n_threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


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
    pointers: Int32Array, columns: Int32Array, lengths: FloatArray, sources: Int32Array, out: FloatArray, n_blocks: int
) -> None:
    for block in numba.prange(n_blocks):
        # Every edge pushes at most once. An item is the bits of a distance above the index of its node: the bits of
        # non-negative floats are ordered like the floats, so one comparison of integers orders the heap.
        heap = np.empty(len(columns) + 1, dtype=np.int64)
        for s in range(block, len(sources), n_blocks):
            _from_one_source(pointers, columns, lengths, sources[s], out[s], heap)


@numba.njit(cache=True)
def _from_one_source(
    pointers: Int32Array, columns: Int32Array, lengths: FloatArray, source: int, best: FloatArray, heap: IntArray
) -> None:
    best[:] = np.inf
    best[source] = 0
    heap[0], size = source, 1
    while size:
        top = heap[0]
        size -= 1
        _sift_down(heap, size, heap[size])
        node, distance = top & 0xFFFFFFFF, np.int32(top >> 32).view(np.float32)
        if distance > best[node]:
            continue  # a stale item: the node was reached on a shorter way
        for e in range(pointers[node], pointers[node + 1]):
            head, through = columns[e], np.float32(distance + lengths[e])
            if through < best[head]:
                best[head] = through
                _sift_up(heap, size, (np.int64(np.float32(through).view(np.int32)) << 32) | head)
                size += 1


@numba.njit(inline="always")
def _sift_up(heap: IntArray, position: int, item: int) -> None:
    while position > 0:
        parent = (position - 1) >> 2
        if heap[parent] <= item:
            break
        heap[position] = heap[parent]
        position = parent
    heap[position] = item


@numba.njit(inline="always")
def _sift_down(heap: IntArray, size: int, item: int) -> None:
    position = 0
    while 4 * position + 1 < size:
        first = 4 * position + 1
        least, smallest = first, heap[first]
        for child in range(first + 1, min(first + 4, size)):
            if heap[child] < smallest:
                least, smallest = child, heap[child]
        if smallest >= item:
            break
        heap[position] = smallest
        position = least
    heap[position] = item
