"""Which codes border each other, and how far apart they are.

Two codes border where an edge of the landmark graph joins their cells. Such an edge of codes is as long as the geodesic
between the two medoids. To draw the graph, codes are placed so that their distances in the plane come near to the
geodesic distances of all pairs.

Source: Kamada, Kawai (1989), "An algorithm for drawing general undirected graphs", doi:10.1016/0020-0190(89)90102-6,
by networkx; Martinetz, Schulten (1994), "Topology representing networks", doi:10.1016/0893-6080(94)90109-0.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64
from scipy.sparse import csr_matrix

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.errors import ShapeError
from geovq.geometry import geodesic_distances

_SHORTEST_RELATIVE = 1e-3  # of the largest distance: medoids at one place are drawn apart


@dataclass(frozen=True, eq=False)
class MedoidGraph:
    """Codes as nodes, borders as edges.

    Attributes
    ----------
    pairs : array of shape (m, 2)
        Codes that border each other, each pair once, the lower one first.
    n_edges : array of shape (m,)
        Edges of the landmark graph that cross the border.
    distances : array of shape (K, K)
        Geodesic distance between any two medoids, in the unit of the weights.
    """

    pairs: Int64[IntArray, "m 2"]
    n_edges: Int64[IntArray, " m"]
    distances: Float32[FloatArray, "k k"]

    @property
    def lengths(self) -> Float32[FloatArray, " m"]:
        """Geodesic length of every border's edge."""
        first, second = self.pairs.T
        lengths: FloatArray = self.distances[first, second]
        return lengths

    def neighbours_of(self, code: int) -> Int64[IntArray, " n"]:
        """Codes that border one, nearest first."""
        touching = self.pairs[(self.pairs == code).any(axis=1)]
        others = touching.sum(axis=1) - code
        order: IntArray = others[np.argsort(self.distances[code, others], kind="stable")]
        return order


def medoid_graph(
    weights: csr_matrix, medoid_indices: Int64[IntArray, " k"], labels: Int64[IntArray, " n"]
) -> MedoidGraph:
    """Borders between the cells of the medoids.

    Parameters
    ----------
    weights : csr_matrix of shape (N, N)
        Edge lengths of a connected graph of landmarks.
    medoid_indices : array of shape (K,)
        Medoids among the landmarks.
    labels : array of shape (N,)
        Code of each landmark, as an index into `medoid_indices`.

    Returns
    -------
    MedoidGraph

    Raises
    ------
    ShapeError
        If there is not one label per landmark.
    """
    if labels.shape != (weights.shape[0],):
        raise ShapeError(f"labels must have one entry per landmark, ({weights.shape[0]},); got {labels.shape}.")
    n_codes = len(medoid_indices)
    edges = weights.tocoo()
    ends = np.sort(np.stack([labels[edges.row], labels[edges.col]]), axis=0)
    crossing = (ends[0] != ends[1]) & (edges.row < edges.col)
    keys, n_edges = np.unique(ends[0, crossing] * n_codes + ends[1, crossing], return_counts=True)
    pairs = np.stack([keys // n_codes, keys % n_codes], axis=1).astype(np.int64)
    distances = geodesic_distances(weights, medoid_indices)[:, medoid_indices]
    return MedoidGraph(pairs, n_edges.astype(np.int64), distances)


def code_layout(graph: MedoidGraph, start: Float[FloatArray, "k 2"]) -> Float[DoubleArray, "k 2"]:
    """Places in a plane whose distances come near to the geodesic ones.

    Parameters
    ----------
    graph : MedoidGraph
    start : array of shape (K, 2)
        Where the search begins, for instance the medoids in the plane of latent space.

    Returns
    -------
    array of shape (K, 2)
        Centred, in [-1, 1]; only ratios of distances have a meaning.
    """
    import networkx  # takes a quarter of a second

    n_codes, codes = len(start), range(len(start))
    if n_codes < 2:
        return np.zeros((n_codes, 2))
    wanted = (graph.distances.astype(np.float64) + graph.distances.T) / 2  # the two directions are rounded differently
    wanted = np.maximum(wanted / wanted.max(), _SHORTEST_RELATIVE)
    # The search divides by distances in the plane, so no two codes may begin at one place.
    turns = np.arange(n_codes) * np.pi * (3 - np.sqrt(5))
    apart = start + _SHORTEST_RELATIVE * np.ptp(start) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    nodes = networkx.Graph()
    nodes.add_nodes_from(codes)
    found = networkx.kamada_kawai_layout(
        nodes,
        dist={code: dict(enumerate(row)) for code, row in enumerate(wanted.tolist())},
        pos=dict(enumerate(apart)),
    )
    return np.stack([found[code] for code in codes])
