"""The neighbour graph on which geodesics run.

Every landmark is joined to its k nearest others; the union of these choices makes the graph symmetric. Components are
counted and then joined by their shortest real edges, so that no distance is ever invented.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float, Float32, Int64
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.graph.nearest import nearest_neighbours

_SHORTEST_RELATIVE = 1e-6  # floor of edge lengths, as a share of their median: sparse matrices drop exact zeros
_EDGES_PER_CHUNK = 500_000  # whose metrics are held in float64 at once


@dataclass(frozen=True)
class NeighbourGraph:
    """Undirected edges between landmarks, each stored once.

    Attributes
    ----------
    n_nodes : int
    tails, heads : arrays of shape (E,)
        End points, tails < heads, sorted.
    n_components : int
        Connected components that the k-nearest-neighbour graph had.
    n_joining_edges : int
        Edges that were added to join them; 0 if it was connected.
    """

    n_nodes: int
    tails: Int64[IntArray, " edges"]
    heads: Int64[IntArray, " edges"]
    n_components: int
    n_joining_edges: int

    def weighted(self, lengths: Float32[FloatArray, " edges"]) -> csr_matrix:
        """Symmetric sparse matrix (N, N) of edge lengths; lengths of zero keep a small floor instead of vanishing."""
        if lengths.shape != self.tails.shape:
            raise ShapeError(f"lengths must have one entry per edge, {self.tails.shape}; got {lengths.shape}.")
        if not np.isfinite(lengths).all() or (lengths < 0).any():
            raise NonFiniteError("Edge lengths must be finite and not negative; check the metric tensors.")
        typical = float(np.median(lengths)) or float(lengths.max(initial=0.0)) or 1.0
        floor = max(_SHORTEST_RELATIVE * typical, float(np.finfo(np.float32).tiny))  # what is less may round to zero
        kept = np.maximum(lengths, np.float32(floor))
        ends = np.concatenate([self.tails, self.heads]), np.concatenate([self.heads, self.tails])
        return csr_matrix((np.concatenate([kept, kept]), ends), shape=(self.n_nodes, self.n_nodes))


class Metric(Protocol):
    """A way to measure the edges of a graph."""

    def edge_lengths(self, points: FloatArray, tails: IntArray, heads: IntArray) -> FloatArray:
        """Length of each edge, (E,)."""


@dataclass(frozen=True)
class EuclideanMetric:
    """Straight lines in the active subspace; unit: latent units."""

    def edge_lengths(self, points: FloatArray, tails: IntArray, heads: IntArray) -> FloatArray:
        """Length of each edge, (E,)."""
        steps = (points[heads] - points[tails]).astype(np.float64)
        lengths: FloatArray = np.sqrt(np.einsum("ea,ea->e", steps, steps)).astype(np.float32)
        return lengths


@dataclass(frozen=True)
class PullbackMetric:
    """Lengths under one metric tensor per landmark; unit: pixel intensity (L2 over the image).

    Attributes
    ----------
    tensors : array of shape (N, A, A)
        Metric at each landmark; an edge uses the mean of its two ends (trapezoid rule).
    """

    tensors: Float[FloatArray, "nodes a a"]

    def edge_lengths(self, points: FloatArray, tails: IntArray, heads: IntArray) -> FloatArray:
        """Length sqrt(step^T (G_tail + G_head) / 2 step) of each edge, (E,)."""
        if self.tensors.shape != (len(points), points.shape[1], points.shape[1]):
            raise ShapeError(f"tensors must be (N, A, A) for points {points.shape}; got {self.tensors.shape}.")
        lengths = np.empty(len(tails), dtype=np.float32)
        for begin in range(0, len(tails), _EDGES_PER_CHUNK):
            chunk = slice(begin, begin + _EDGES_PER_CHUNK)
            ends = tails[chunk], heads[chunk]
            steps = (points[ends[1]] - points[ends[0]]).astype(np.float64)
            mean_metric = 0.5 * (self.tensors[ends[0]].astype(np.float64) + self.tensors[ends[1]])
            squared = np.einsum("ea,eab,eb->e", steps, mean_metric, steps)
            lengths[chunk] = np.sqrt(np.maximum(squared, 0))  # rounding may leave -1e-12 where G is singular
        return lengths


def neighbour_graph(points: FloatArray, n_neighbors: int = 10) -> NeighbourGraph:
    """Symmetric k-nearest-neighbour graph with its components joined.

    Parameters
    ----------
    points : array of shape (N, A)
        Landmarks in the active subspace.
    n_neighbors : int, default=10
        Neighbours of each landmark, itself excluded; below N.

    Raises
    ------
    ShapeError
        If `points` does not have two axes.
    NonFiniteError
        If `points` contains NaN or infinity.
    InvalidValueError
        If `n_neighbors` is not in [1, N), or all points are the same.
    """
    if points.ndim != 2:
        raise ShapeError(f"points must have shape (N, A); got {points.shape}.")
    if not np.isfinite(points).all():
        raise NonFiniteError("points must be finite; check the latents.")
    n_nodes = len(points)
    if not 1 <= n_neighbors < n_nodes:
        raise InvalidValueError(f"n_neighbors must be at least 1 and below the {n_nodes} landmarks; got {n_neighbors}.")
    if (points == points[0]).all():
        raise InvalidValueError(
            f"The {n_nodes} landmarks are all the same point, so there is nothing between them to measure (posterior "
            "collapse); lower vae.beta and train the VAE again."
        )
    nearest = nearest_neighbours(points, n_neighbors)
    tails, heads = _unique_pairs(np.repeat(np.arange(n_nodes), n_neighbors), nearest.ravel(), n_nodes)
    labels = _component_labels(n_nodes, tails, heads)
    n_components, n_joining = int(labels.max()) + 1, 0
    while labels.max() > 0:
        more_tails, more_heads = _joining_pairs(points, labels)
        n_joining += len(more_tails)
        tails, heads = _unique_pairs(np.append(tails, more_tails), np.append(heads, more_heads), n_nodes)
        labels = _component_labels(n_nodes, tails, heads)
    return NeighbourGraph(n_nodes, tails, heads, n_components, n_joining)


def _joining_pairs(points: FloatArray, labels: IntArray) -> tuple[IntArray, IntArray]:
    """The shortest edge out of every component but the largest: one round of Boruvka's algorithm."""
    islanders = np.flatnonzero(labels != np.bincount(labels).argmax())
    islands = labels[islanders]
    distances, outsiders = _nearest_outside(points, labels, islanders)
    order = np.lexsort((distances, islands))
    shortest = order[np.unique(islands[order], return_index=True)[1]]
    return _unique_pairs(islanders[shortest], outsiders[shortest], len(points))


def _nearest_outside(points: FloatArray, labels: IntArray, islanders: IntArray) -> tuple[DoubleArray, IntArray]:
    """Nearest point of another component for each of `islanders`: all points outside the largest component.

    The numbers of two components differ in some bit. So each point asks one tree of the largest component, and for
    every bit the tree of those other points whose component differs in it: few trees, however many components.
    """
    mainland = np.setdiff1d(np.arange(len(points)), islanders, assume_unique=True)
    distances, found = cKDTree(points[mainland]).query(points[islanders], workers=-1)
    outsiders = mainland[found]
    for bit in range(int(labels.max()).bit_length()):
        has_bit = (labels[islanders] >> bit) % 2 == 1
        for asking, answering in (has_bit, ~has_bit), (~has_bit, has_bit):
            if asking.any() and answering.any():
                others = islanders[answering]
                away, found = cKDTree(points[others]).query(points[islanders[asking]], workers=-1)
                closer = away < distances[asking]
                rows = np.flatnonzero(asking)[closer]
                distances[rows], outsiders[rows] = away[closer], others[found[closer]]
    return distances, outsiders


def _unique_pairs(tails: IntArray, heads: IntArray, n_nodes: int) -> tuple[IntArray, IntArray]:
    low, high = np.minimum(tails, heads).astype(np.int64), np.maximum(tails, heads).astype(np.int64)
    keys = np.unique(low * n_nodes + high)
    return keys // n_nodes, keys % n_nodes


def _component_labels(n_nodes: int, tails: IntArray, heads: IntArray) -> IntArray:
    adjacency = csr_matrix((np.ones(len(tails), dtype=np.int8), (tails, heads)), shape=(n_nodes, n_nodes))
    return np.asarray(connected_components(adjacency, directed=False)[1], dtype=np.int64)
