"""Shortest paths from many sources at once by relaxing all edges in batches: the algorithm for a GPU.

One sweep shortens the distance of every node by the way through each of its neighbours; when a whole sweep changes
nothing, the distances are exact. That is more arithmetic than Dijkstra's algorithm, but all of it is gathers and minima
over contiguous rows: distances have the layout (nodes, sources), so that a neighbour is one row. Both algorithms take
the minimum over the same sums in the same order of additions, so their float32 results are the same numbers.

Source: Bellman (1958), Ford (1956); the sweeps work in place, which takes half as many as with a copy (Gauss-Seidel).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float32
from scipy.sparse import csr_matrix
from torch import Tensor

from geovq.arrays import FloatArray, IntArray
from geovq.chunks import available_device, in_chunks, memory_budget
from geovq.errors import InvalidValueError
from geovq.progress import Progress, SilentProgress, stop_if_requested

_LONGEST_ROW = 32  # neighbours of a row of the table; nodes with more are split into several rows
_N_BUFFERS = 4  # arrays of (nodes, sources) that are alive at once
_BLOCK_BYTES = 16 * 2**20  # of one such array: two stay in the L2 cache of a large GPU
_FEWEST_SOURCES = 32  # per block where memory allows: a row then fills whole cache lines


@dataclass(frozen=True)
class _Table:
    """Neighbours by slot: slot j holds the j-th neighbour of every row that has one.

    Rows are sorted by their number of neighbours, most first, so each slot belongs to the first rows and nothing is
    padded.
    """

    n_rows: int
    row_of_node: Tensor  # (N,)
    slots: list[tuple[Tensor, Tensor]]  # neighbours' rows (m,) and edge lengths (m, 1), m falling from slot to slot


def relax_distances(
    weights: csr_matrix,
    sources: npt.NDArray[np.integer[Any]],
    device: str | torch.device = "cuda",
    *,
    progress: Progress | None = None,
) -> Float32[FloatArray, "n_sources n"]:
    """Shortest-path length from each source to every node, as `geodesic_distances` finds them on a GPU.

    Parameters
    ----------
    weights : scipy CSR matrix of shape (N, N)
        Symmetric edge lengths without duplicates, as `geodesic_distances` has checked them.
    sources : array of int of shape (n_sources,)
        Nodes to start from.
    device : str or torch.device, default="cuda"
        Any device of torch; on a CPU Dijkstra's algorithm is faster.
    progress : Progress, optional
        Told about every block of sources, and asked before each sweep whether to stop.

    Returns
    -------
    array of shape (n_sources, N), float32
        In the unit of `weights`; infinite where no path leads. Equal to Dijkstra's in float32.

    Raises
    ------
    InvalidValueError
        If weights are negative or not finite: sweeps would not end.
    DeviceError
        If there is no such device, or a single source does not fit into its memory.
    Cancelled
        If a stop was asked for.
    """
    device = available_device(device)
    if not np.all((weights.data >= 0) & np.isfinite(weights.data)):
        raise InvalidValueError("weights must be finite and not negative; call geodesic_distances, which says more.")
    progress = progress or SilentProgress()
    table = _table_of(weights, device)
    starts = table.row_of_node[torch.from_numpy(sources.astype(np.int64)).to(device)]
    distances = np.empty((len(starts), weights.shape[0]), dtype=np.float32)

    def search(part: slice) -> None:
        nearest = _relaxed(table, starts[part], progress)  # (rows, sources)
        distances[part] = nearest[table.row_of_node].T.contiguous().cpu().numpy()

    blocks = in_chunks(
        search,
        len(starts),
        _sources_per_block(table.n_rows, device),
        phase="shortest paths",
        unit="sources",
        progress=progress,
    )
    for _ in blocks:
        pass  # each has written its rows
    return distances


@torch.no_grad()
def _relaxed(table: _Table, starts: Tensor, progress: Progress) -> Tensor:
    nearest = torch.full((table.n_rows, len(starts)), torch.inf, device=starts.device)
    nearest[starts, torch.arange(len(starts), device=starts.device)] = 0
    through, before = torch.empty_like(nearest), torch.empty_like(nearest)
    # Ends after at most as many sweeps as there are rows: no shortest path visits one twice.
    while True:
        stop_if_requested(progress)
        before.copy_(nearest)
        for neighbours, lengths in table.slots:
            here, candidates = nearest[: len(neighbours)], through[: len(neighbours)]
            torch.index_select(nearest, 0, neighbours, out=candidates)
            candidates += lengths
            torch.minimum(here, candidates, out=here)
        if torch.equal(nearest, before):
            return nearest


def _sources_per_block(n_rows: int, device: torch.device) -> int:
    bytes_per_source = 4 * n_rows
    fitting = memory_budget(device, 2**30) // (_N_BUFFERS * bytes_per_source)
    return max(1, min(fitting, max(_FEWEST_SOURCES, _BLOCK_BYTES // bytes_per_source)))


def _table_of(weights: csr_matrix, device: torch.device) -> _Table:
    n_nodes = weights.shape[0]
    heads = np.repeat(np.arange(n_nodes), np.diff(weights.indptr))
    tails, lengths = weights.indices.astype(np.int64), weights.data.astype(np.float32)
    n_rows, heads, tails, lengths = _split_long_rows(n_nodes, heads, tails, lengths)
    degrees = np.bincount(heads, minlength=n_rows)
    rank = np.empty(n_rows, dtype=np.int64)
    rank[np.argsort(-degrees, kind="stable")] = np.arange(n_rows)
    slot = _place_in_row(heads, n_rows)
    order = np.lexsort((rank[heads], slot))
    ends = np.cumsum(np.bincount(slot))[:-1]
    neighbours = np.split(rank[tails][order], ends)
    slots = [
        (torch.from_numpy(rows).to(device), torch.from_numpy(steps[:, None]).to(device))
        for rows, steps in zip(neighbours, np.split(lengths[order], ends), strict=True)
    ]
    return _Table(n_rows, torch.from_numpy(rank[:n_nodes]).to(device), slots)


def _split_long_rows(
    n_rows: int, heads: IntArray, tails: IntArray, lengths: FloatArray
) -> tuple[int, IntArray, IntArray, FloatArray]:
    """Rows and edges (from head to tail) such that no row has more than `_LONGEST_ROW` edges.

    A node with more neighbours gets partial rows, each with a part of them, and edges of length zero to these rows;
    no other row leads there. Unsplit, it would need as many slots, of one row each, as it has neighbours.
    """
    while True:
        degrees = np.bincount(heads, minlength=n_rows)
        n_parts = np.where(degrees > _LONGEST_ROW, -(-degrees // _LONGEST_ROW), 0)
        n_new = int(n_parts.sum())
        if n_new == 0:
            return n_rows, heads, tails, lengths
        first_part = n_rows + np.cumsum(n_parts) - n_parts
        part = first_part[heads] + _place_in_row(heads, n_rows) // _LONGEST_ROW
        hubs = np.repeat(np.arange(n_rows), n_parts)
        heads = np.append(np.where(n_parts[heads] > 0, part, heads), hubs)
        tails = np.append(tails, n_rows + np.arange(n_new))
        lengths = np.append(lengths, np.zeros(n_new, dtype=np.float32))
        n_rows += n_new


def _place_in_row(heads: IntArray, n_rows: int) -> IntArray:
    """Of each edge, how many edges of the same head come before it."""
    order = np.argsort(heads, kind="stable")
    degrees = np.bincount(heads, minlength=n_rows)
    places = np.empty(len(heads), dtype=np.int64)
    places[order] = np.arange(len(heads)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
    return places
