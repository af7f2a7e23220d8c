"""The published prototype's rules, faults included: what the `riemannian` tokenizer is measured against.

An edge weighs |J step| / |step|, which is how much the decoder stretches and not how
far the ends lie apart; J is taken in a lattice filled with the mean landmark, not in that of the cell;
landmarks are the first cells of the first images; a gap in the graph is filled with an invented distance; medoids come
from k-medoids by alternation; and a cell goes to the landmark that is nearest in latent space, whatever the metric.

Differs from the original in nothing that changes a result: each edge is differentiated once, not once per direction,
and edges from a landmark to itself are left out.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from torch import Tensor

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.codebook import MatrixSolver, alternate_kmedoids
from geovq.config import DiscretizationConfig
from geovq.errors import InvalidValueError
from geovq.geometry import LandmarkSample, active_subspace
from geovq.geometry.metric.footprint import Decode
from geovq.lattice import cells_of
from geovq.progress import Progress, SilentProgress, stop_if_requested
from geovq.tokenization.fit_landmarks import solved_tokenizer
from geovq.tokenization.landmark import LandmarkTokenizer

_SMALLEST_WEIGHT = 1e-5
_STEP_FLOOR = 1e-8  # added to the length of a step before it divides
_GAP_FACTOR = 2.0  # an invented distance, in largest distances that exist


def fit_prototype(
    sample: LandmarkSample,
    metrics: Callable[[], Float[Tensor, "n a a"]],
    config: DiscretizationConfig,
    *,
    decode: Decode | None = None,
    progress: Progress | None = None,
) -> LandmarkTokenizer:
    """Make a tokenizer by the published rules; a `Fit` that needs no metric.

    Of the sample only the lattices are used: landmarks are the first `config.n_landmarks` cells, that is cells of the
    first images only. The search for medoids is the prototype's own, whatever `config.solver` says.

    Raises
    ------
    InvalidValueError
        If `decode` is None, or `config.n_neighbors` is below 2.
    """
    if decode is None:
        raise InvalidValueError(f"fit_tokenizer needs decode= for the {config.method} tokenizer; got None.")
    progress, lattices = progress or SilentProgress(), sample.lattices
    cells = cells_of(lattices)
    latents = cells[: config.n_landmarks]
    positions = np.arange(len(latents)) % (lattices.shape[2] * lattices.shape[3])
    tails, heads = prototype_edges(latents.numpy(), config.n_neighbors)
    background = latents.mean(dim=0)[:, None, None].expand(-1, *lattices.shape[2:])
    weights = prototype_edge_weights(decode, latents, positions, tails, heads, background, progress=progress)
    graph = coo_matrix((weights, (tails, heads)), shape=(len(latents), len(latents))).tocsr()
    progress.start("shortest paths", 1, "search")
    distances, n_invented = prototype_distances(graph)
    progress.advance()
    if n_invented:
        progress.note(
            f"prototype: {n_invented:,} of {distances.size:,} distances do not exist, since the graph is in pieces; "
            f"by its rules they are {_GAP_FACTOR:g} times the largest one."
        )
    solver = MatrixSolver(distances, 1, lambda matrix, n: alternate_kmedoids(matrix, n, progress=progress))
    subspace = active_subspace(cells, residual_variance=0.0)  # all latent channels, in principal directions
    identity = torch.eye(subspace.n_active).repeat(len(latents), 1, 1)
    return solved_tokenizer(solver, latents, subspace, identity, config, n_candidates=1, progress=progress)


def prototype_edges(
    points: Float32[FloatArray, "n d"], n_neighbors: int
) -> tuple[Int64[IntArray, " edges"], Int64[IntArray, " edges"]]:
    """Edges of the union of nearest neighbours, each once, tails < heads; a landmark counts among its own neighbours.

    Parameters
    ----------
    points : array of shape (N, D)
        Landmarks, in all latent channels.
    n_neighbors : int
        Nearest landmarks of each landmark, itself included.

    Returns
    -------
    tails, heads : arrays of shape (E,)
        Ends of each edge, as rows of `points`.

    Raises
    ------
    InvalidValueError
        If that leaves no neighbour.
    """
    if n_neighbors < 2:
        raise InvalidValueError(
            "n_neighbors must be at least 2 for the prototype tokenizer, whose landmarks count among their own "
            f"neighbours; got {n_neighbors}."
        )
    _, found = cKDTree(points).query(points, k=np.arange(1, n_neighbors + 1), workers=-1)
    ends = np.stack([np.repeat(np.arange(len(points)), n_neighbors), found.ravel()])
    tails, heads = np.unique(np.sort(ends[:, ends[0] != ends[1]], axis=0), axis=1)
    return tails, heads


def prototype_edge_weights(
    decode: Decode,
    points: Float[Tensor, "n d"],
    positions: Int64[IntArray, " n"],
    tails: Int64[IntArray, " edges"],
    heads: Int64[IntArray, " edges"],
    background: Float[Tensor, "d h w"],
    *,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> Float32[FloatArray, " edges"]:
    """|J step| / |step| of every edge, by one double-backward Jacobian-vector product per batch.

    J is the derivative by the one cell in which the middle of the edge stands, in a lattice that is otherwise
    `background`; of the two cells that the ends came from it is the one with the smaller number.

    Parameters
    ----------
    decode : callable
        (B, D, H, W) -> (B, ...), differentiable.
    points : Tensor of shape (N, D)
        Landmarks.
    positions : array of shape (N,)
        Number of the cell that each landmark came from, row * W + column.
    tails, heads : arrays of shape (E,)
    background : Tensor of shape (D, H, W)
    batch_size : int, default=64
        Edges per decoder pass.
    progress : Progress, optional

    Returns
    -------
    array of shape (E,)
        Pixel intensity per latent unit, at least 1e-5.
    """
    progress = progress or SilentProgress()
    progress.start("edge weights", len(tails), "edges")
    cells = torch.from_numpy(np.minimum(positions[tails], positions[heads]))
    starts, ends = points[torch.from_numpy(tails)], points[torch.from_numpy(heads)]
    weights = []
    for rows in torch.split(torch.arange(len(tails)), batch_size):
        stop_if_requested(progress)
        weights.append(_stretches(decode, starts[rows], ends[rows], cells[rows], background))
        progress.advance(len(rows))
    return np.maximum(torch.cat(weights).numpy(), np.float32(_SMALLEST_WEIGHT))


def _stretches(decode: Decode, starts: Tensor, ends: Tensor, cells: Tensor, background: Tensor) -> Tensor:
    width = background.shape[2]
    batch = torch.arange(len(starts))

    def decode_cell(latents: Tensor) -> Tensor:
        lattices = background.expand(len(latents), -1, -1, -1).clone()
        lattices[batch, :, cells // width, cells % width] = latents
        return decode(lattices).flatten(start_dim=1)

    step = ends - starts
    _, pushed = torch.autograd.functional.jvp(decode_cell, (starts + ends) / 2, step)  # type: ignore[no-untyped-call]
    stretch: Tensor = pushed.norm(dim=1) / (step.norm(dim=1) + _STEP_FLOOR)
    return stretch.detach()


def prototype_distances(graph: csr_matrix) -> tuple[Float64[DoubleArray, "n n"], int]:
    """All shortest paths by scipy, and how many distances do not exist.

    Those are replaced by twice the largest distance that exists, as if the graph were in one piece.

    Parameters
    ----------
    graph : csr_matrix of shape (N, N)
        Weight of every edge, stored in one direction or both.

    Returns
    -------
    distances : array of shape (N, N)
        In the unit of the weights.
    n_invented : int
        Entries that no path has given.
    """
    distances = dijkstra(graph, directed=False)
    gaps = np.isinf(distances)
    n_invented = int(gaps.sum())
    if n_invented:
        distances[gaps] = _GAP_FACTOR * distances[~gaps].max()
    return distances, n_invented
