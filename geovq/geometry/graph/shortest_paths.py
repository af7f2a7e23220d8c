"""Shortest paths over a landmark graph, from any of its nodes to all.

Sums are float32, like the result: along a path of 100 edges rounding stays below 1e-5 of the length.
`scipy.sparse.csgraph.dijkstra` is the reference in the tests.
"""

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float32
from scipy.sparse import csr_matrix, issparse
from scipy.sparse.csgraph import connected_components

from geovq.arrays import FloatArray, Int32Array
from geovq.errors import DisconnectedGraphError, InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.graph.bellman_ford import relax_distances
from geovq.geometry.graph.grouped_dijkstra import near_each_other, search_groups
from geovq.progress import Progress, SilentProgress, stop_if_requested
from geovq.threads import torch_threads_kept

_SOURCES_PER_CHUNK = 1024  # between two looks at the cancel flag


def geodesic_distances(
    weights: csr_matrix,
    sources: npt.ArrayLike | None = None,
    *,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> Float32[FloatArray, "n_sources n"]:
    """Shortest-path length from each source to every node.

    Parameters
    ----------
    weights : scipy CSR matrix of shape (N, N)
        Symmetric, non-negative edge lengths; entries that are not stored are not edges.
    sources : array of int of shape (n_sources,), optional
        Nodes to start from; by default all of them.
    device : str or torch.device, default="cpu"
        On a CPU Dijkstra's algorithm for groups of sources; elsewhere all sources are relaxed in batches, with the same
        result.
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
    DeviceError
        If the device does not exist or has no memory left.
    """
    graph = checked_graph(weights)
    n_nodes = graph.shape[0]
    starts = np.arange(n_nodes, dtype=np.int32) if sources is None else checked_nodes(sources, n_nodes)
    if torch.device(device).type != "cpu":
        return relax_distances(graph, starts, device, progress=progress)
    progress = progress or SilentProgress()
    progress.start("shortest paths", len(starts), "sources")
    distances = np.empty((len(starts), n_nodes), dtype=np.float32)
    csr = graph.indptr, graph.indices, graph.data
    with torch_threads_kept():
        order = near_each_other(*csr, starts)
        for begin in range(0, len(starts), _SOURCES_PER_CHUNK):
            stop_if_requested(progress)
            chunk = order[begin : begin + _SOURCES_PER_CHUNK]
            search_groups(*csr, starts, chunk, distances)
            progress.advance(len(chunk))
    return distances


def checked_graph(weights: csr_matrix) -> csr_matrix:
    """Copy of a symmetric, connected graph for the kernels: float32 lengths, int32 indices, sorted.

    Parameters
    ----------
    weights : scipy sparse matrix of shape (N, N)

    Raises
    ------
    ShapeError, InvalidValueError, NonFiniteError, DisconnectedGraphError
        As `geodesic_distances`.
    """
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
    mirrored = graph.T.tocsr()  # sorted: each row is filled in the order of the other's rows
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
    graph.indptr, graph.indices = graph.indptr.astype(np.int32), graph.indices.astype(np.int32)
    return graph


def checked_nodes(nodes: npt.ArrayLike, n_nodes: int) -> Int32Array:
    """Node indices as an array; `InvalidValueError` if they are anything else."""
    checked = np.atleast_1d(np.asarray(nodes))
    if checked.ndim != 1 or not np.issubdtype(checked.dtype, np.integer):
        raise InvalidValueError(
            f"sources must be a list of node indices; got an array of {checked.dtype}, {checked.shape}."
        )
    if len(checked) and not (checked.min() >= 0 and checked.max() < n_nodes):
        raise InvalidValueError(f"sources must be in [0, {n_nodes}); got {checked.min()} to {checked.max()}.")
    indices: Int32Array = checked.astype(np.int32)
    return indices
